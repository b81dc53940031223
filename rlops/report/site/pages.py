"""From the views to the files of the site."""

from collections.abc import Iterator

from rlops.report import pictures, text
from rlops.report.badge import badge_json, badge_svg
from rlops.report.html import templates
from rlops.report.site import drawing
from rlops.report.site.content import Site
from rlops.report.site.views import BenchmarkView, benchmark_view, compare_view

NEWEST_SHOWN = 50
"""So many rows of a history are open; the others are folded."""


def render_site(site: Site) -> Iterator[tuple[str, str]]:
    """(path from the top of the site, text) of every file but the reports; the same site gives the same bytes."""
    for item in site.benchmarks:
        word = item.entries[-1].verdict
        label = f"rlops {item.entries[-1].benchmark or ''}".strip()
        yield (
            f"{item.folder}/index.html",
            _page("site_benchmark.html.j2", site, "../", view=benchmark_view(item, site, "../")),
        )
        yield f"{item.folder}/badge.svg", badge_svg(label, word)
        yield f"{item.folder}/badge.json", badge_json(label, word)
    views: list[BenchmarkView] = [benchmark_view(item, site, "") for item in site.benchmarks]
    yield "index.html", _page("site_index.html.j2", site, "", views=views)
    yield "compare.html", _page("site_compare.html.j2", site, "", view=compare_view(site))


def _page(template: str, site: Site, top: str, **context: object) -> str:
    title = text.line(site.title, text.LONGEST_LABEL) or "rlops"
    known = {"title": title, "top": top, "pictures": pictures, "drawing": drawing, "newest_shown": NEWEST_SHOWN}
    return templates().get_template(template).render(**known, **context)
