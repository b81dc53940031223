"""The static site: stored verdicts into the history, the history and the baselines into pages."""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from rlops.curves import Acceptance, Baseline, parse_reference, read_baseline
from rlops.errors import NoBaselineError, UsageError
from rlops.files import write_whole
from rlops.judge import (
    HistoryEntry,
    Verdict,
    history_entry,
    overall_levels,
    read_history,
    read_verdict,
    trends,
    verdict_id,
    write_entry,
)
from rlops.plan import Policy, ask_git, find_benchmark, read_benchmark
from rlops.report import render_html
from rlops.report.site import Accepted, BenchmarkHistory, Comparison, Drift, Site, render_site
from rlops.run_sets import Terms, compare_references
from rlops.training import Watchers
from rlops.workspace import Workspace

MOST_COMPARED = 10
"""Newest stored run sets, beside the pinned ones, that are compared with each other: 45 reports (arbitrary)."""
REPORTS = "reports"


@dataclass(frozen=True)
class Wanted:
    """What is asked for: verdict files, the history's folder, the site's, names of pinned baselines, a title.

    `verdicts`: file -> was it named itself? One that only lies in a folder that was named may be of an older rlops.
    """

    verdicts: Mapping[Path, bool]
    history: Path
    output: Path
    pinned: tuple[str, ...]
    title: str


@dataclass(frozen=True)
class Built:
    """What was made: entries that are new in the history, files of the site; `skipped`: what could not be read."""

    added: tuple[Path, ...]
    skipped: tuple[str, ...]
    entries: int
    files: int


def find_verdicts(places: Iterable[Path]) -> dict[Path, bool]:
    """The verdict.json files at these places, files or folders with any below them -> was the file named itself?"""
    found: dict[Path, bool] = {}
    for place in places:
        files = sorted(place.rglob("verdict.json")) if place.is_dir() else [place]
        if not files:
            raise UsageError(f"{place}: there is no verdict.json below it; name another folder, or a file")
        found |= {path: path == place or found.get(path, False) for path in files}
    return found


def build_site(workspace: Workspace, wanted: Wanted, watchers: Watchers) -> Built:
    """Bring the verdicts into the history, and write the site."""
    if wanted.output.resolve() == wanted.history.resolve():
        raise UsageError(f"--output {wanted.output}: that is the history, which belongs in git; name another folder")
    baselines = newest_first(workspace)
    pins = _pins(wanted.pinned, baselines, workspace)
    entries = read_history(wanted.history)
    known = {entry.id for entry in entries}
    reports: dict[str, str] = {}
    added, skipped = [], []
    files = 0
    for path, named in wanted.verdicts.items():
        try:
            verdict = read_verdict(path).without_secrets()
        except UsageError as error:
            if named:
                raise
            skipped.append(str(error))
            continue
        files += _write_report(verdict, wanted.output, reports)
        if (entry := _entry(verdict)).id not in known:
            known.add(entry.id)
            added.append(write_entry(entry, wanted.history))
            entries.append(entry)
    if not entries:
        raise UsageError(
            f"there is no verdict, and no history in {wanted.history}; `rlops compare` and `rlops gate` write verdicts"
        )
    entries.sort(key=lambda entry: (entry.created_at, entry.id))
    compared = [one for i, one in enumerate(baselines) if i < MOST_COMPARED or one.name in wanted.pinned]
    comparisons = list(_comparisons(workspace, compared, watchers))
    drifts = {
        benchmark: Drift(pinned.name, newest.name, _judge(workspace, pinned, newest, watchers))
        for benchmark, (pinned, newest) in pins.items()
    }
    for verdict in [*(item.verdict for item in comparisons), *(item.verdict for item in drifts.values())]:
        files += _write_report(verdict, wanted.output, reports)
    site = Site(
        title=wanted.title,
        benchmarks=tuple(_histories(entries, baselines, drifts)),
        baselines=tuple(baseline.name for baseline in compared),
        more_baselines=len(baselines) - len(compared),
        comparisons=tuple(comparisons),
        reports=reports,
    )
    for name, text in render_site(site):
        write_whole(wanted.output / name, text)
        files += 1
    return Built(tuple(added), tuple(skipped), len(entries), files)


def _write_report(verdict: Verdict, output: Path, reports: dict[str, str]) -> int:
    """Write the report of a verdict and note where it is; 0 where it is there already."""
    name = verdict_id(verdict)
    if name in reports:
        return 0
    reports[name] = f"{REPORTS}/{name}.html"
    write_whole(output / reports[name], render_html(verdict))
    return 1


def _entry(verdict: Verdict) -> HistoryEntry:
    return history_entry(verdict, _kind(verdict.baseline.reference), _kind(verdict.candidate.reference))


def _kind(reference: str) -> str | None:
    """The kind of a reference; a label is none."""
    try:
        return parse_reference(reference).kind
    except UsageError:
        return None


def _histories(
    entries: Sequence[HistoryEntry], baselines: Sequence[Baseline], drifts: dict[str, Drift]
) -> Iterator[BenchmarkHistory]:
    """One for each benchmark, by name; what belongs to none has no history in common, so it has no trends."""
    for folder in sorted({entry.folder for entry in entries}):
        mine = tuple(entry for entry in entries if entry.folder == folder)
        benchmark = mine[-1].benchmark
        yield BenchmarkHistory(
            folder=folder,
            entries=mine,
            trends=trends(mine) if benchmark else (),
            levels=overall_levels(mine) if benchmark else (),
            accepted=tuple(_accepted(baselines, mine[-1])) if benchmark else (),
            drift=drifts.get(benchmark or ""),
        )


def _accepted(baselines: Sequence[Baseline], newest: HistoryEntry) -> Iterator[Accepted]:
    """What the baselines of the benchmark accept, under the metric that is judged now."""
    for baseline in baselines:
        if (baseline.benchmark, baseline.metric, baseline.direction) != (
            newest.benchmark,
            newest.metric,
            newest.direction,
        ):
            continue
        sign = 1.0 if baseline.direction == "higher-is-better" else -1.0
        before = {item.env_id: sign * item.mean for item in baseline.environments}
        yield from (_acceptance(baseline.name, item, before, sign) for item in baseline.accepted)


def _acceptance(name: str, item: Acceptance, before: dict[str, float], sign: float) -> Accepted:
    return Accepted(
        baseline=name,
        env_id=item.environment.env_id,
        before=before[item.environment.env_id],
        after=sign * item.environment.mean,
        reason=item.reason,
        author=item.author,
        accepted_on=item.accepted_on,
        until=item.until,
    )


def newest_first(workspace: Workspace) -> list[Baseline]:
    """The stored baselines: those whose files differ from git's first, then by the day they were committed."""
    folder = workspace.baselines
    changed = ask_git(workspace.root, "status", "--porcelain", "--untracked-files=all", "--", str(folder))
    found = [
        (_age(workspace, path, changed), read_baseline(path.stem, folder)) for path in sorted(folder.glob("*.json"))
    ]
    return [baseline for _, baseline in sorted(found, key=lambda item: item[0], reverse=True)]


def _age(workspace: Workspace, path: Path, changed: str | None) -> tuple[bool, float]:
    """Later is larger. In a clone git writes all files anew, so their times say nothing of what is committed."""
    committed = None
    if changed is not None and path.name not in {Path(line[3:].strip('"')).name for line in changed.splitlines()}:
        committed = ask_git(workspace.root, "log", "-1", "--format=%ct", "--", str(path))
    return (False, float(committed)) if committed else (True, path.stat().st_mtime)


def _comparisons(workspace: Workspace, baselines: Sequence[Baseline], watchers: Watchers) -> Iterator[Comparison]:
    """Every pair that measures the same, the older one as baseline."""
    for place, newer in enumerate(baselines):
        for older in baselines[place + 1 :]:
            if _common(older, newer):
                yield Comparison(older.name, newer.name, _judge(workspace, older, newer, watchers))


def _common(a: Baseline, b: Baseline) -> list[str]:
    """The environments that both trained for the same budget; none where they measure different things."""
    if (a.metric, a.step, a.direction) != (b.metric, b.step, b.direction):
        return []
    budgets = {item.env_id: item.budget for item in b.environments}
    return [item.env_id for item in a.environments if budgets.get(item.env_id) == item.budget]


def _judge(workspace: Workspace, before: Baseline, after: Baseline, watchers: Watchers) -> Verdict:
    """The verdict of `rlops compare`, without the moment and the command line that made it here.

    The site is the same whenever it is built.
    """
    common = _common(before, after)
    query = "?env_id=" + ",".join(quote(env_id, safe="") for env_id in common)
    a, b = (f"baseline:{side.name}{'' if len(common) == len(side.environments) else query}" for side in (before, after))
    verdict = compare_references(workspace, a, b, Terms(policy=_policy(workspace, before.benchmark)), watchers)
    command = shlex.join(["rlops", "compare", a, b])
    return verdict.model_copy(update={"created_at": "", "command": command}).without_secrets()


def _policy(workspace: Workspace, benchmark: str | None) -> Policy:
    """The benchmark's; the default where its file is not here any more."""
    if benchmark is None or not (workspace.benchmarks / f"{benchmark}.toml").is_file():
        return Policy()
    return read_benchmark(find_benchmark(benchmark, workspace.root)).policy


def _pins(
    names: Sequence[str], baselines: Sequence[Baseline], workspace: Workspace
) -> dict[str, tuple[Baseline, Baseline]]:
    """By benchmark: the pinned baseline, and the newest run set that measures the same."""
    found: dict[str, tuple[Baseline, Baseline]] = {}
    for name in names:
        pinned = read_baseline(name, workspace.baselines)
        if pinned.benchmark is None:
            raise UsageError(f"--pinned {name}: this baseline belongs to no benchmark; save it with --benchmark")
        if pinned.benchmark in found:
            first = found[pinned.benchmark][0].name
            raise UsageError(f"--pinned {name}: {first} is pinned for '{pinned.benchmark}' already; pin one of them")
        others = [item for item in baselines if item.benchmark == pinned.benchmark and item.name != name]
        newest = next((item for item in others if _common(pinned, item)), None)
        if newest is None:
            raise NoBaselineError(
                f"--pinned {name}: there is no other run set of the benchmark '{pinned.benchmark}' in "
                f"{workspace.baselines} to judge against it; save one: rlops baseline save {pinned.benchmark}"
            )
        found[pinned.benchmark] = (pinned, newest)
    return found
