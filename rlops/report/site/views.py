"""The pages as finished strings."""

from collections.abc import Iterator
from dataclasses import dataclass

from rlops.judge import HistoryEntry, Trend, Verdict
from rlops.judge.record import Word
from rlops.report import text
from rlops.report.environment import anchors_of
from rlops.report.site.content import Accepted, BenchmarkHistory, Drift, Site
from rlops.report.site.drawing import SHORT_COMMIT, TrendDrawing, commit_range, day, draw_spark, draw_trend
from rlops.report.words import WORDS


@dataclass(frozen=True)
class Badge:
    """A word with its symbol and colour."""

    word: str
    symbol: str
    tone: str


@dataclass(frozen=True)
class DriftView:
    """What has become of a benchmark since the pinned baseline; `environments`: name, word, change of each."""

    pinned: str
    newest: str
    badge: Badge
    sentence: str
    change: str
    report: str
    environments: tuple[tuple[str, Badge, str], ...]


@dataclass(frozen=True)
class EntryView:
    """One verdict in the history; `report`: its address, None where there is none."""

    when: str
    commit: str
    candidate: str
    baseline: str
    badge: Badge
    sentence: str
    change: str
    report: str | None


@dataclass(frozen=True)
class ChangeView:
    """A change point: where, by how much, and whether it is a loss."""

    commits: str
    when: str
    levels: str
    change: str
    badge: Badge


@dataclass(frozen=True)
class AcceptedView:
    """An accepted regression in words."""

    days: str
    levels: str
    author: str
    reason: str
    baseline: str


@dataclass(frozen=True)
class TrendView:
    """One environment."""

    env_id: str
    anchor: str
    latest: str
    drawing: TrendDrawing
    changes: tuple[ChangeView, ...]
    accepted: tuple[AcceptedView, ...]
    left_out: int


@dataclass(frozen=True)
class BenchmarkView:
    """One benchmark; `latest` is the first of the `entries`, which are newest first."""

    name: str
    folder: str
    metric: str
    direction: str
    latest: EntryView
    entries: tuple[EntryView, ...]
    spark: str
    trends: tuple[TrendView, ...]
    drift: DriftView | None
    changes: int


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix of comparisons: a word that leads to its report, or nothing to compare."""

    badge: Badge
    change: str
    report: str
    label: str


@dataclass(frozen=True)
class CompareView:
    """The matrix: a row a baseline (the older run set), a column a candidate."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]
    more: int


def badge_of(word: Word) -> Badge:
    """How a word is shown."""
    style = WORDS[word]
    return Badge(word.value, style.symbol, style.tone)


def benchmark_view(item: BenchmarkHistory, site: Site, top: str) -> BenchmarkView:
    """The view of one benchmark; `top`: the way from the page to the top of the site."""
    newest = item.entries[-1]
    entries = tuple(_entry(entry, site, top) for entry in reversed(item.entries))
    names = anchors_of([trend.env_id for trend in item.trends])
    trends = tuple(_trend(trend, anchor, item, newest) for trend, anchor in zip(item.trends, names, strict=True))
    return BenchmarkView(
        name=benchmark_name(newest),
        folder=item.folder,
        metric=text.line(newest.metric, text.LONGEST_LABEL),
        direction=newest.direction.replace("-", " "),
        latest=entries[0],
        entries=entries,
        spark=draw_spark(item.levels),
        trends=trends,
        drift=_drift(item.drift, site, top) if item.drift else None,
        changes=sum(len(trend.changes) for trend in item.trends),
    )


def compare_view(site: Site) -> CompareView:
    """The matrix of comparisons, older run sets as rows, newer ones as columns."""
    found = {(item.before, item.after): item.verdict for item in site.comparisons}
    oldest_first = site.baselines[::-1]
    rows = tuple(
        (before, tuple(_cell(before, after, found.get((before, after)), site) for after in oldest_first[1:]))
        for before in oldest_first[:-1]
    )
    return CompareView(oldest_first[1:], rows, site.more_baselines)


def benchmark_name(entry: HistoryEntry) -> str:
    """What the benchmark of an entry is called."""
    return text.line(entry.benchmark or "", text.LONGEST_LABEL) or "without a benchmark"


def _cell(before: str, after: str, verdict: Verdict | None, site: Site) -> Cell | None:
    if verdict is None:
        return None
    label = f"{after} against {before}: {verdict.verdict.value}"
    change = text.percent(verdict.suite.change if verdict.suite else None)
    return Cell(badge_of(verdict.verdict), change, site.report_of(verdict), label)


def _suite_change(verdict: Verdict | HistoryEntry) -> str:
    return text.change(verdict.suite.change, verdict.suite.interval) if verdict.suite else text.NONE


def _entry(entry: HistoryEntry, site: Site, top: str) -> EntryView:
    report = site.reports.get(entry.id)
    commit = text.line(entry.candidate.git_commit or "")[:SHORT_COMMIT]
    return EntryView(
        when=text.line(entry.created_at)[:16].replace("T", " ") or text.NONE,
        commit=(commit or text.NONE) + (" + uncommitted changes" if entry.candidate.git_dirty else ""),
        candidate=text.line(entry.candidate.reference, text.LONGEST_LABEL),
        baseline=text.line(entry.baseline.reference, text.LONGEST_LABEL),
        badge=badge_of(entry.verdict),
        sentence=text.line(entry.sentence),
        change=_suite_change(entry),
        report=f"{top}{report}" if report else None,
    )


def _drift(drift: Drift, site: Site, top: str) -> DriftView:
    verdict = drift.verdict
    return DriftView(
        pinned=text.line(drift.pinned, text.LONGEST_LABEL),
        newest=text.line(drift.newest, text.LONGEST_LABEL),
        badge=badge_of(verdict.verdict),
        sentence=text.line(verdict.sentence),
        change=_suite_change(verdict),
        report=f"{top}{site.report_of(verdict)}",
        environments=tuple(
            (
                text.line(item.env_id, text.LONGEST_LABEL),
                badge_of(item.verdict),
                text.change(item.change, item.interval),
            )
            for item in verdict.environments
        ),
    )


def _trend(trend: Trend, anchor: str, item: BenchmarkHistory, newest: HistoryEntry) -> TrendView:
    accepted = [one for one in item.accepted if one.env_id == trend.env_id]
    last = trend.points[-1]
    ends = f" [{', '.join(map(text.score, last.interval))}]" if last.interval else ""
    return TrendView(
        env_id=text.line(trend.env_id, text.LONGEST_LABEL) or "(no name)",
        anchor=anchor,
        latest=f"{text.score(last.mean)}{ends}",
        drawing=draw_trend(trend, accepted, text.line(newest.metric, text.LONGEST_LABEL)),
        changes=tuple(_changes(trend)),
        accepted=tuple(map(_accepted, accepted)),
        left_out=trend.left_out,
    )


def _changes(trend: Trend) -> Iterator[ChangeView]:
    """Newest first."""
    better, worse = badge_of(Word.IMPROVED), badge_of(Word.REGRESSED)
    for change in reversed(trend.changes):
        yield ChangeView(
            commits=commit_range(trend, change.place),
            when=day(trend.points[change.place].created_at),
            levels=f"{text.score(change.before)} → {text.score(change.after)}",
            change=text.percent(change.change),
            badge=Badge("up", better.symbol, better.tone) if change.better else Badge("down", worse.symbol, worse.tone),
        )


def _accepted(item: Accepted) -> AcceptedView:
    return AcceptedView(
        days=f"{item.accepted_on} to {item.until}",
        levels=f"{text.score(item.before)} → {text.score(item.after)}",
        author=text.line(item.author, text.LONGEST_LABEL),
        reason=text.line(item.reason, 300),
        baseline=text.line(item.baseline, text.LONGEST_LABEL),
    )
