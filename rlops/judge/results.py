"""What several run sets achieved: scores, intervals, aggregates. Publishes and compares nothing with a level."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rlops import __version__
from rlops.curves import LeftOut, Run, RunSet, auc, data_sha256, final, grid_steps, oriented_grid, sound_runs
from rlops.judge.aggregates import BAND_REPLICATES, P_BETTER, as_many, drawing, estimates, performance_profiles
from rlops.judge.case import Occasion
from rlops.judge.integrity import UNEQUAL_HORIZON, machine_findings, package_findings, run_findings
from rlops.judge.method import results_method
from rlops.judge.record import CurveResults, Finding, make_finding
from rlops.judge.results_record import (
    AggregateResults,
    EnvironmentResults,
    Estimate,
    ResultRun,
    Results,
    ResultsFinding,
    RunSetRecord,
    Scores,
)
from rlops.judge.rows import STEP_DIGITS, estimate_band, rounded, why_not_counted
from rlops.judge.write_up import SEVERITIES, side_record
from rlops.plan import EnvironmentPlan, Metric
from rlops.stats import Floats, Interval, iqm_interval, mean_interval

FEWEST_RUNS = 2


@dataclass(frozen=True, eq=False)
class Entry:
    """One run set to be published.

    `metric`: what its runs call the metric; `command`: what trains it, if known; `left_out`: by environment, runs that
    there were and that have no curve here; `beforehand`: findings that need more than the runs to be seen.
    """

    label: str
    runs: RunSet
    metric: str
    command: tuple[str, ...] = ()
    left_out: Mapping[str, Sequence[LeftOut]] = field(default_factory=dict)
    beforehand: Sequence[Finding] = ()

    def missing(self, env_id: str) -> Sequence[LeftOut]:
        """Those of one environment."""
        return self.left_out.get(env_id, ())


@dataclass(frozen=True)
class ResultsTerms:
    """Under which all of them are measured. `budgets`: of every environment that is published, in order.

    `yardsticks`: of the environments in which the first run set has a scale.
    """

    metric: Metric
    budgets: Mapping[str, int]
    yardsticks: Sequence[EnvironmentPlan]
    benchmark: str | None = None


@dataclass(frozen=True, eq=False)
class Counted:
    """The sound runs of one run set in one environment, and their curves on the grid, (runs, 100), higher is better."""

    runs: Sequence[Run]
    grids: Floats


Table = Mapping[str, Sequence[Counted]]
"""Environment -> the counted runs of each run set."""


def results(entries: Sequence[Entry], terms: ResultsTerms, occasion: Occasion) -> Results:
    """The record of what the run sets achieved under one metric and budget; the first one sets the scale."""
    table = {
        env_id: [_counted(entry.runs.of(env_id), budget, terms.metric) for entry in entries]
        for env_id, budget in terms.budgets.items()
    }
    yardsticks = {item.env_id: item for item in terms.yardsticks}
    no_shares = {env_id: _no_shares(yardsticks.get(env_id), table[env_id], entries) for env_id in table}
    shares = {env_id: _shares(table[env_id], yardsticks[env_id]) for env_id, why in no_shares.items() if why is None}
    found = [_environment(env_id, entries, terms, table, yardsticks, no_shares) for env_id in table]
    return Results(
        title=title([entry.label for entry in entries], terms.benchmark),
        benchmark=terms.benchmark,
        metric=terms.metric.name,
        step=terms.metric.step,
        direction=terms.metric.direction,
        run_sets=tuple(_run_set(entry) for entry in entries),
        environments=tuple(found),
        counted_environments=tuple(shares),
        aggregates=tuple(_aggregates(shares, len(entries), terms.benchmark)),
        profile=_profile(shares, len(entries), terms.benchmark),
        sample_efficiency=_sample_efficiency(shares, len(entries), terms.benchmark),
        findings=tuple(sorted(_findings(entries, terms), key=lambda item: SEVERITIES.index(item.severity))),
        method=results_method(entries[0].label, shares=bool(shares)),
        data_sha256=data_sha256(*(entry.runs for entry in entries)),
        command=occasion.command,
        rlops_version=__version__,
        created_at=occasion.created_at,
    )


def title(labels: Sequence[str], benchmark: str | None) -> str:
    """What the page is called."""
    names = labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"
    return f"Results of {names}" + (f" on {benchmark}" if benchmark else "")


def _counted(runs: Sequence[Run], budget: int, metric: Metric) -> Counted:
    sound = sound_runs(runs, budget)
    higher = metric.direction == "higher-is-better"
    grids = [oriented_grid(run.curve, budget, higher_is_better=higher) for run in sound]
    return Counted(sound, np.array(grids) if grids else np.empty((0, len(grid_steps(budget)))))


def _no_shares(item: EnvironmentPlan | None, counted: Sequence[Counted], entries: Sequence[Entry]) -> str | None:
    """Why an environment is not among the numbers for all of them, None where it is."""
    lacking = [entry.label for entry, one in zip(entries, counted, strict=True) if len(one.runs) < FEWEST_RUNS]
    if lacking:
        return f"fewer than two counted runs of {', '.join(lacking)}"
    if item is None or not item.informative:
        return f"no scale: {entries[0].label} gains no more over the random score than its runs differ"
    return None


def _shares(counted: Sequence[Counted], item: EnvironmentPlan) -> list[Floats]:
    """The curves of every run set, (runs, 100) each, as shares of the scale."""
    return [(one.grids - item.random_score) / item.scale for one in counted]


def _environment(
    env_id: str,
    entries: Sequence[Entry],
    terms: ResultsTerms,
    table: Table,
    yardsticks: Mapping[str, EnvironmentPlan],
    no_shares: Mapping[str, str | None],
) -> EnvironmentResults:
    budget, item = terms.budgets[env_id], yardsticks.get(env_id)
    sign = 1.0 if terms.metric.direction == "higher-is-better" else -1.0
    return EnvironmentResults(
        env_id=env_id,
        budget=budget,
        steps=rounded(grid_steps(budget), STEP_DIGITS),
        random_score=sign * item.random_score if item else None,
        random_score_from=item.random_score_from if item else None,
        reference_score=sign * item.mean if item else None,
        no_shares=no_shares[env_id],
        scores=tuple(
            _scores(entry, env_id, one, budget, sign) for entry, one in zip(entries, table[env_id], strict=True)
        ),
    )


def _scores(entry: Entry, env_id: str, counted: Counted, budget: int, sign: float) -> Scores:
    runs, missing = entry.runs.of(env_id), entry.missing(env_id)
    grids = sign * counted.grids
    finals = final(grids)
    timed = [run for run in counted.runs if run.minutes]
    minutes = sum(run.minutes or 0.0 for run in timed)
    mean = [float(end) for end in mean_interval(finals)] if len(finals) else []
    return Scores(
        mean=_estimate(mean, len(finals)),
        iqm=_estimate(iqm_interval(finals), len(finals)) if len(finals) else None,
        n_counted=len(finals),
        n_runs=len(runs) + len(missing),
        environment_steps=sum(run.curve.last_step for run in counted.runs),
        minutes=minutes / len(timed) if timed else None,
        steps_per_second=sum(run.curve.last_step for run in timed) / (60 * minutes) if timed else None,
        curve=estimate_band(mean_interval(grids)) if len(finals) else None,
        runs=(*_runs(runs, counted, grids, budget), *map(_left_out, missing)),
    )


def _estimate(ends: Sequence[float], runs: int) -> Estimate | None:
    if not runs:
        return None
    value, low, high = ends
    return Estimate(value=value, interval=(low, high) if runs > 1 else None)


def _runs(runs: Sequence[Run], counted: Counted, grids: Floats, budget: int) -> Iterator[ResultRun]:
    place = {id(run): i for i, run in enumerate(counted.runs)}
    for run in runs:
        i = place.get(id(run))
        yield ResultRun(
            seed=run.seed,
            state=run.state,
            counted=i is not None,
            why_not=None if i is not None else why_not_counted(run, budget),
            final=None if i is None else float(final(grids[i])),
            auc=None if i is None else float(auc(grids[i])),
            last_step=run.curve.last_step,
            minutes=run.minutes,
            url=run.url,
        )


def _left_out(run: LeftOut) -> ResultRun:
    return ResultRun(seed=run.seed, state="left out", counted=False, why_not=run.why, last_step=0)


def _run_set(entry: Entry) -> RunSetRecord:
    return RunSetRecord(label=entry.label, metric=entry.metric, source=side_record(entry.runs), command=entry.command)


def _sides(shares: Mapping[str, Sequence[Floats]], sets: int) -> list[list[Floats]]:
    """Of each run set the curves of every environment, as many runs of each."""
    return [as_many([of_env[i] for of_env in shares.values()]) for i in range(sets)]


def _aggregates(shares: Mapping[str, Sequence[Floats]], sets: int, benchmark: str | None) -> Iterator[AggregateResults]:
    """The numbers of the literature, drawn as a verdict draws them: of two run sets they are a verdict's."""
    if not shares:
        return
    sides = [[final(curves) for curves in side] for side in _sides(shares, sets)]
    draw = drawing(benchmark, len(shares))
    for name, found in estimates(sides, draw):
        yield AggregateResults(name=name, estimates=tuple(map(_of_interval, found)))
    better = [draw.probability_of_improvement(sides[0], side) for side in sides[1:]]
    if better:
        yield AggregateResults(name=P_BETTER, estimates=(None, *map(_of_interval, better)))


def _of_interval(found: Interval) -> Estimate:
    return Estimate(value=found.estimate, interval=(found.low, found.high))


def _profile(shares: Mapping[str, Sequence[Floats]], sets: int, benchmark: str | None) -> CurveResults | None:
    """The share of runs above each share of the scale."""
    if not shares:
        return None
    sides = [[final(curves) for curves in side] for side in _sides(shares, sets)]
    return performance_profiles(sides, benchmark)


def _sample_efficiency(shares: Mapping[str, Sequence[Floats]], sets: int, benchmark: str | None) -> CurveResults | None:
    """The IQM of all runs at each hundredth of the budget."""
    if not shares:
        return None
    draw = drawing(benchmark, len(shares), BAND_REPLICATES)
    bands = tuple(estimate_band(draw.iqm_curve(side)) for side in _sides(shares, sets))
    return CurveResults(points=rounded(grid_steps(1)), bands=bands)


def _findings(entries: Sequence[Entry], terms: ResultsTerms) -> Iterator[ResultsFinding]:
    for entry in entries:
        yield from _about(entry, entry.beforehand)
        unlogged = [env_id for env_id in entry.runs.env_ids if env_id not in terms.budgets]
        detail = "no run logged the metric together with the step counter: the environment is not on this page"
        yield from _about(entry, [make_finding("empty-curve", "warning", detail, env_id) for env_id in unlogged])
    for env_id, budget in terms.budgets.items():
        for entry in entries:
            runs = entry.runs.of(env_id)
            yield from _about(entry, run_findings(runs, budget, "baseline", env_id))
            yield from _about(entry, _missing(entry, env_id))
            if not runs:
                detail = "it has no run of this environment"
                yield from _about(entry, [make_finding("missing-environment", "warning", detail, env_id)])
        yield from _horizons(entries, budget, env_id)
    first, *others = entries
    for entry in others:
        yield from _about(entry, _unlike(first, entry))


def _missing(entry: Entry, env_id: str) -> Iterator[Finding]:
    missing = entry.missing(env_id)
    if missing:
        detail = "; ".join(dict.fromkeys(run.why for run in missing))
        yield make_finding("left-out", "warning", detail, env_id, None, [run.seed for run in missing])


def _horizons(entries: Sequence[Entry], budget: int, env_id: str) -> Iterator[ResultsFinding]:
    """Run sets that go on well beyond what all are measured at."""
    for entry in entries:
        end = max((run.curve.last_step for run in entry.runs.of(env_id)), default=0)
        if budget < UNEQUAL_HORIZON * end:
            detail = f"its runs go on to step {end:,}; all run sets are measured at {budget:,}"
            yield from _about(entry, [make_finding("unequal-horizons", "warning", detail, env_id)])


def _unlike(first: Entry, other: Entry) -> Iterator[Finding]:
    """What two run sets do not share beside what is meant to differ."""
    before, now = first.runs.provenance, other.runs.provenance
    for finding in package_findings(before, now):
        detail = f"against {first.label}: {finding.detail}"
        yield finding.model_copy(update={"detail": detail})
    yield from machine_findings(first.runs, other.runs)
    formats = before.get("format"), now.get("format")
    if None not in formats and formats[0] != formats[1]:
        detail = f"read from {formats[1]} logs, {first.label} from {formats[0]} logs"
        yield make_finding("log-formats", "warning", detail, None)
    if first.metric.rpartition("/")[2] != other.metric.rpartition("/")[2]:
        detail = f"its metric is {other.metric}, that of {first.label} is {first.metric}"
        yield make_finding("other-definition", "not-comparable", detail, None)


def _about(entry: Entry, found: Iterable[Finding]) -> Iterator[ResultsFinding]:
    for finding in found:
        yield ResultsFinding(**finding.model_dump(exclude={"side"}), run_set=entry.label)
