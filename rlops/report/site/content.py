"""What the site is made of: everything is decided, nothing is formatted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from rlops.judge import HistoryEntry, Trend, Verdict, verdict_id


@dataclass(frozen=True)
class Accepted:
    """A regression that a baseline accepts; `before`, `after`: mean scores, in the metric's own direction."""

    baseline: str
    env_id: str
    before: float
    after: float
    reason: str
    author: str
    accepted_on: date
    until: date


@dataclass(frozen=True)
class Drift:
    """The newest run set judged against the pinned baseline."""

    pinned: str
    newest: str
    verdict: Verdict


@dataclass(frozen=True)
class BenchmarkHistory:
    """One benchmark: its verdicts, oldest first, and what they show together.

    `levels`: the mean score over all environments, in scales; `drift`: None where nothing is pinned.
    """

    folder: str
    entries: tuple[HistoryEntry, ...]
    trends: tuple[Trend, ...]
    levels: tuple[float, ...]
    accepted: tuple[Accepted, ...]
    drift: Drift | None


@dataclass(frozen=True)
class Comparison:
    """Two stored run sets, the older one as baseline; the verdict has a report."""

    before: str
    after: str
    verdict: Verdict


@dataclass(frozen=True)
class Site:
    """All of it.

    `baselines`: the stored run sets that were compared, newest first; `more_baselines`: how many were not;
    `reports`: id of a verdict -> where its report is, from the top of the site.
    """

    title: str
    benchmarks: tuple[BenchmarkHistory, ...]
    baselines: tuple[str, ...]
    more_baselines: int
    comparisons: tuple[Comparison, ...]
    reports: Mapping[str, str]

    def report_of(self, verdict: Verdict) -> str:
        """Where the report of a verdict is; it must have one."""
        return self.reports[verdict_id(verdict)]
