"""Findings: what the reader must know beside the verdict. Named, never averaged away, never stretched."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from rlops.curves import LearningCurve, Run, RunSet, common_config, duplicates, fault_of, sound_runs
from rlops.judge.record import Finding, Side, make_finding
from rlops.plan import Plan
from rlops.stats import smallest_p

FEWEST_RUNS = 2
UNEQUAL_HORIZON = 0.9
"""Horizons nearer than this count as equal: where none was given, the end of logging differs a little (arbitrary)."""
BEYOND_BUDGET = 1.5
"""Curves longer than this many budgets are probably counted in other steps (arbitrary)."""
NAMED = 4
COMMON_POINTS = 20
COMMON_SHARE = 0.01
"""Curves of one seed that agree in so many new values, and over such a share of the budget, began as one run.

Arbitrary; the share leaves out what is alike because nothing has been updated yet.
"""
ABOUT_TESTS = frozenset({"too-few-seeds", "level-unreachable"})
"""Findings that say what a test with so few runs cannot show."""
OTHER_PLACES = frozenset({"seed", "seeds", "env_id", "exp_name"})


def findings(
    baseline: RunSet, candidate: RunSet, plan: Plan, asked: Mapping[str, Sequence[int]] | None = None
) -> list[Finding]:
    """Everything there is to say about the runs of both sides, environment by environment, then about the sides.

    `asked`: environment -> the candidate seeds that must be there; default: all that are planned.
    """
    found: list[Finding] = []
    for item in plan.environments:
        sides: tuple[tuple[Side, RunSet], ...] = (("baseline", baseline), ("candidate", candidate))
        for side, run_set in sides:
            runs = run_set.of(item.env_id)
            found += run_findings(runs, item.budget, side, item.env_id)
            if plan.benchmark is not None:
                found += _beyond_budget(runs, item.budget, side, item.env_id)
        planned = (asked or {}).get(item.env_id, plan.seeds)
        found += _missing_seeds(candidate, planned, item.env_id)
        found += _same_runs(baseline.of(item.env_id), candidate.of(item.env_id), item.env_id)
        found += _common_prefix(baseline.of(item.env_id), candidate.of(item.env_id), item.budget, item.env_id)
        found += _hyperparameters(baseline.of(item.env_id), candidate.of(item.env_id), item.env_id)
        if not item.informative and item.scale >= -item.spread:
            detail = f"the baseline's gain over a random policy ({item.scale:.4g}) is no larger than its spread"
            found.append(make_finding("uninformative", "note", detail, item.env_id))
    found += _falling(plan)
    found += _too_few(baseline, candidate, plan)
    known = {item.env_id for item in plan.environments}
    strangers = [env_id for env_id in dict.fromkeys((*baseline.env_ids, *candidate.env_ids)) if env_id not in known]
    detail = "the baseline has fewer than two scorable runs here: the environment is not judged"
    found += [make_finding("no-baseline", "warning", detail, env_id) for env_id in strangers]
    return found + _surroundings(baseline.provenance, candidate.provenance) + machine_findings(baseline, candidate)


def run_findings(runs: Sequence[Run], budget: int, side: Side, env_id: str) -> list[Finding]:
    """What is wrong or odd with the runs of one environment, whatever they are compared with."""
    return [*_faults(runs, budget, side, env_id), *_copies(runs, side, env_id), *_oddities(runs, side, env_id)]


def horizon_findings(baseline: RunSet, candidate: RunSet, budgets: Mapping[str, int]) -> list[Finding]:
    """Environments whose sides logged for unequally long, where no budget was given: compared up to the shorter end."""
    found = []
    for env_id, budget in budgets.items():
        ends = [max((run.curve.last_step for run in side.of(env_id)), default=0) for side in (baseline, candidate)]
        if min(ends) > 0 and budget < UNEQUAL_HORIZON * max(ends):
            detail = (
                f"the baseline ends at step {ends[0]:,}, the candidate at {ends[1]:,}; both are judged at {budget:,}"
            )
            found.append(make_finding("unequal-horizons", "warning", detail, env_id))
    return found


def _falling(plan: Plan) -> Iterator[Finding]:
    """Baselines that end below where they begin: where all do, the direction is wrong, and every verdict with it."""
    falling = [item for item in plan.environments if item.scale < -item.spread]
    everywhere = bool(falling) and len(falling) == len(plan.environments)
    for item in falling:
        detail = f"the baseline ends {-item.scale:.4g} below where it begins ({item.random_score_from})"
        if everywhere:
            other = "higher" if plan.higher_is_better else "lower"
            said = "lower-is-better" if plan.higher_is_better else "higher-is-better"
            detail += f'; is {other} not better here? Say so: [metric] direction = "{said}"'
            detail += ", or --lower-is-better" if plan.higher_is_better else ""
        yield make_finding("falling-baseline", "not-comparable" if everywhere else "warning", detail, item.env_id)


def _faults(runs: Sequence[Run], budget: int, side: Side, env_id: str) -> Iterator[Finding]:
    """Runs with a fault, one finding a kind."""
    by_kind: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for run in runs:
        fault = fault_of(run, budget)
        if fault:
            by_kind[fault.kind].append((run.seed, fault.detail))
    for kind, cases in by_kind.items():
        (seed, detail), *others = cases
        if others:
            detail = f"{len(cases)} runs; seed {seed}: {detail}"
        yield make_finding(kind, "failed" if side == "candidate" else "warning", detail, env_id, side, dict(cases))


def _copies(runs: Sequence[Run], side: Side, env_id: str) -> Iterator[Finding]:
    copies = duplicates(runs)
    if copies:
        pairs = ", ".join(f"{copy} = {original}" for copy, original in sorted(copies.items()))
        detail = f"equal curves under different seeds ({pairs}); each counts once"
        yield make_finding("duplicated-seeds", "warning", detail, env_id, side, copies)
    again = [seed for seed, count in Counter(run.seed for run in runs).items() if count > 1]
    if again:
        detail = "more than one run; which one counts cannot be told, so none does"
        yield make_finding("repeated-seed", "failed" if side == "candidate" else "warning", detail, env_id, side, again)


def _beyond_budget(runs: Sequence[Run], budget: int, side: Side, env_id: str) -> Iterator[Finding]:
    beyond = [run.seed for run in runs if run.curve.last_step > BEYOND_BUDGET * budget]
    if beyond:
        last = max(run.curve.last_step for run in runs)
        yield make_finding(
            "beyond-budget", "warning", f"logged up to step {last:,} of {budget:,}", env_id, side, beyond
        )


def _oddities(runs: Sequence[Run], side: Side, env_id: str) -> Iterator[Finding]:
    repeated = {run.seed: run.curve.repeated_steps for run in runs if run.curve.repeated_steps}
    if repeated:
        detail = f"{sum(repeated.values())} points share their step with an earlier one; the later one counts"
        yield make_finding("repeated-steps", "note", detail, env_id, side, repeated)
    constant = [run.seed for run in runs if run.curve.values.size > 1 and np.ptp(run.curve.values) == 0]
    if constant:
        yield make_finding("constant-curve", "note", "the metric never changes", env_id, side, constant)


def _missing_seeds(candidate: RunSet, planned: Sequence[int] | None, env_id: str) -> Iterator[Finding]:
    there = {run.seed for run in candidate.of(env_id)}
    if planned is not None:
        missing, severity = set(planned) - there, "failed"
        detail = "planned, but there is no run"
    elif not there:
        yield make_finding(
            "missing-seeds", "failed", "the candidate has no run of this environment", env_id, "candidate"
        )
        return
    else:
        missing, severity = {run.seed for run in candidate.runs} - there, "warning"
        detail = "other environments of the candidate have them, this one does not"
    if missing:
        yield make_finding("missing-seeds", severity, detail, env_id, "candidate", missing)


def _too_few(baseline: RunSet, candidate: RunSet, plan: Plan) -> Iterator[Finding]:
    """Environments with too few runs to test, or to reach the level; those in the same case share a finding."""
    level = plan.levels.named
    cases: dict[tuple[str, str], list[str]] = defaultdict(list)
    for item in plan.environments:
        n0, n1 = (len(sound_runs(side.of(item.env_id), item.budget)) for side in (baseline, candidate))
        if min(n0, n1) < FEWEST_RUNS:
            detail = f"{n0} baseline and {n1} candidate runs can be scored; a test needs two on either side"
            cases["too-few-seeds", detail].append(item.env_id)
        elif smallest_p(n0, n1) > level:
            detail = (
                f"{n0} + {n1} runs can give no p below {smallest_p(n0, n1):.2g}, the level is {level:.2g}: "
                "a regression of one environment cannot be proven here, however large"
            )
            cases["level-unreachable", detail].append(item.env_id)
    for (kind, detail), env_ids in cases.items():
        if len(env_ids) == 1:
            yield make_finding(kind, "warning", detail, env_ids[0])
        else:
            named = ", ".join(env_ids[:NAMED]) + (", ..." if len(env_ids) > NAMED else "")
            yield make_finding(kind, "warning", f"in {len(env_ids)} environments ({named}): {detail}", None)


def _same_runs(baseline: Sequence[Run], candidate: Sequence[Run], env_id: str) -> Iterator[Finding]:
    """Bit-equal curves that prove nothing: one run named twice, or machines that nobody knows to be alike."""
    before = {run.seed: run for run in baseline if run.curve_sha256}
    pairs = [(before[run.seed], run) for run in candidate if run.seed in before and run.curve.steps.size]
    equal = [(old, new) for old, new in pairs if old.curve_sha256 == new.curve_sha256]
    twice = [new.seed for old, new in equal if old.source and old.source == new.source]
    unknown = [new.seed for old, new in equal if old.fingerprint is None and new.seed not in twice]
    if twice:
        yield make_finding("same-runs", "not-comparable", "both sides are the same runs", env_id, None, twice)
    if unknown:
        detail = "both sides have bit-equal curves, on machines that are not known; are they the same runs?"
        yield make_finding("same-runs", "warning", detail, env_id, None, unknown)


def _common_prefix(baseline: Sequence[Run], candidate: Sequence[Run], budget: int, env_id: str) -> Iterator[Finding]:
    """Seeds whose curves are equal on both sides up to a point: runs with common random numbers until they part.

    Only where both sides have the same kind of points: what is stored on the grid shares no steps with a full curve.
    """
    before = {run.seed: run for run in baseline}
    pairs = [(before[run.seed], run) for run in candidate if run.seed in before]
    ends = {new.seed: _common_end(old.curve, new.curve) for old, new in pairs if old.curve_sha256 != new.curve_sha256}
    ends = {seed: end for seed, end in ends.items() if end >= COMMON_SHARE * budget}
    if ends:
        first, last = min(ends.values()), max(ends.values())
        until = f"step {first:,}" if first == last else f"steps {first:,} to {last:,}"
        detail = (
            f"{len(ends)} of {len(pairs)} pairs of one seed have equal curves up to {until}; the tests take the sides "
            "as independent all the same, which costs power and raises no false alarm"
        )
        yield make_finding("common-prefix", "note", detail, env_id, None, ends)


def _common_end(one: LearningCurve, other: LearningCurve) -> int:
    """The last step up to which two curves are equal; 0 where they hardly begin alike.

    Counted are values that differ from the one before: a floor on which every run starts is no sign of one run.
    """
    points = min(one.steps.size, other.steps.size)
    unequal = (one.steps[:points] != other.steps[:points]) | (one.values[:points] != other.values[:points])
    equal = int(unequal.argmax()) if unequal.any() else points
    new_values = np.count_nonzero(np.diff(one.values[:equal]))
    return int(one.steps[equal - 1]) if new_values >= COMMON_POINTS else 0


def _hyperparameters(baseline: Sequence[Run], candidate: Sequence[Run], env_id: str) -> Iterator[Finding]:
    if not baseline or not candidate:
        return
    before, now = common_config(list(baseline)), common_config(list(candidate))
    unequal = [key for key in before if key in now and key not in OTHER_PLACES and before[key] != now[key]]
    if unequal:
        detail = ", ".join(f"{key} {before[key]} → {now[key]}" for key in sorted(unequal))
        yield make_finding("hyperparameters", "warning", f"unequal settings: {detail}", env_id)


def package_findings(baseline: Mapping[str, object], candidate: Mapping[str, object]) -> list[Finding]:
    """Packages of other versions, of the provenance of two run sets."""
    before, now = baseline.get("packages"), candidate.get("packages")
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        return []
    names = sorted({*before, *now})
    unequal = [f"{n} {before.get(n, '–')} → {now.get(n, '–')}" for n in names if before.get(n) != now.get(n)]
    return [make_finding("packages", "warning", ", ".join(unequal), None)] if unequal else []


def _surroundings(baseline: Mapping[str, object], candidate: Mapping[str, object]) -> list[Finding]:
    found = package_findings(baseline, candidate)
    formats = [str(side["format"]) for side in (baseline, candidate) if "format" in side]
    if len(set(formats)) > 1:
        detail = f"the baseline was read from {formats[0]} logs, the candidate from {formats[1]} logs"
        found.append(make_finding("log-formats", "warning", detail, None))
    return found


def machine_findings(baseline: RunSet, candidate: RunSet) -> list[Finding]:
    """All of one side on one kind of machine, all of the other on another: a difference could be either's."""
    before, now = ({run.fingerprint for run in side.runs if run.fingerprint} for side in (baseline, candidate))
    if not before or not now or before & now:
        return []
    detail = "no machine is on both sides: what the machine changes and what the code changes cannot be told apart"
    return [make_finding("machine", "note", detail, None)]
