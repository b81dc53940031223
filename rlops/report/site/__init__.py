"""The static site: an overview, a page a benchmark, comparisons of stored run sets; one file a page, no network."""

from rlops.report.site.content import Accepted, BenchmarkHistory, Comparison, Drift, Site
from rlops.report.site.pages import render_site

__all__ = ["Accepted", "BenchmarkHistory", "Comparison", "Drift", "Site", "render_site"]
