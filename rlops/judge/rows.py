"""The rows of the record: one environment with its numbers, curves and runs."""

from collections.abc import Iterable, Sequence

import numpy as np

from rlops.curves import COLUMNS, Run, RunSet, auc, bins, fault_of, final, grid_steps, steps_to
from rlops.judge.case import Case
from rlops.judge.compare import EnvironmentComparison
from rlops.judge.outlook import nameable, seeds_that_decide
from rlops.judge.record import CurveBand, Curves, EnvironmentVerdict, EstimateBand, RunRow, Side
from rlops.stats import Floats, difference_interval, mean_interval, minimum_detectable_effect

STEP_DIGITS, PICTURE_DIGITS, SPARK_DIGITS = 5, 4, 3
FEWEST_RUNS = 2


def environment_row(case: Case, item: EnvironmentComparison) -> EnvironmentVerdict:
    """Everything the record says of one environment."""
    word, note = case.decision.environments[item.plan.env_id]
    sign = 1.0 if case.plan.higher_is_better else -1.0
    detectable, seeds = _power(case, item)
    interval, glance = item.interval, item.glance
    standing = next(one for one in case.decision.course.standings if one.glance is glance)
    return EnvironmentVerdict(
        env_id=item.plan.env_id,
        verdict=word,
        note=note,
        p_harm=glance.p_harm if glance.testable else None,
        p_equivalent=glance.p_equivalent if glance.testable else None,
        p_improved=glance.p_improved if glance.testable else None,
        shown_by=" and ".join(COLUMNS[column] for column in glance.shown_by) if standing.harm else None,
        change=item.change,
        interval=interval,
        margin=item.plan.margin / item.plan.scale if item.plan.scale > 0 else None,
        scale=item.plan.scale,
        spread=item.plan.spread,
        random_score=sign * item.plan.random_score,
        random_score_from=item.plan.random_score_from,
        threshold=sign * _threshold(item) if item.plan.scale > 0 else None,
        mean_baseline=_mean(sign * item.scores_baseline),
        mean_candidate=_mean(sign * item.scores_candidate),
        probability_of_improvement=item.probability_of_improvement,
        n_baseline=len(item.baseline),
        n_candidate=len(item.candidate),
        minimum_detectable_change=detectable,
        seeds_to_decide=seeds,
        budget=item.plan.budget,
        curves=_curves(item, sign),
        runs=(
            *_rows(case.baseline, item.baseline, item.grids_baseline, item, "baseline", sign),
            *_rows(case.candidate, item.candidate, item.grids_candidate, item, "candidate", sign),
        ),
    )


def _power(case: Case, item: EnvironmentComparison) -> tuple[float | None, int | None]:
    """The smallest loss found with 80 % power (fraction of scale), and the candidate seeds that would decide with it.

    None where so few runs could name no loss, or where no number of candidate seeds alone would do: the loss as it is
    estimated is no smaller than the margin, or the baseline has too few runs for any p to be small enough.
    """
    n0, n1, plan = len(item.baseline), len(item.candidate), case.plan
    if not item.glance.testable or item.plan.scale <= 0:
        return None, None
    named = plan.levels.named
    spread = _pooled_spread(item.scores_baseline, item.scores_candidate)
    if spread == 0:
        return (0.0 if nameable(named, n0, n1) else None), None
    detectable = minimum_detectable_effect(n0, n1, named) * spread / item.plan.scale
    loss = max(0.0, float(item.scores_baseline.mean() - item.scores_candidate.mean()))
    left = item.plan.margin - loss
    seeds = seeds_that_decide(left / spread, n0, plan.policy.beta, named) if left > 0 else None
    return (detectable if nameable(named, n0, n1) else None), seeds


def _pooled_spread(before: Floats, now: Floats) -> float:
    squares = before.var() * len(before) + now.var() * len(now)
    return float(np.sqrt(squares / (len(before) + len(now) - 2)))


def _curves(item: EnvironmentComparison, sign: float) -> Curves:
    before, now = sign * item.grids_baseline, sign * item.grids_candidate
    return Curves(
        steps=rounded(grid_steps(item.plan.budget), STEP_DIGITS),
        baseline=_band(item.baseline, before),
        candidate=_band(item.candidate, now),
        difference=_difference(before, now),
    )


def _difference(before: Floats, now: Floats) -> EstimateBand | None:
    if min(len(before), len(now)) < FEWEST_RUNS:
        return None
    before, now = bins(before), bins(now)
    ends = np.array([difference_interval(old, new) for old, new in zip(before.T, now.T, strict=True)])
    return estimate_band((now.mean(axis=0) - before.mean(axis=0), *ends.T), SPARK_DIGITS)


def _threshold(item: EnvironmentComparison) -> float:
    """The score halfway from a random policy to the baseline's mean, higher is better."""
    return item.plan.random_score + item.plan.scale / 2


def _band(runs: Sequence[Run], grids: Floats) -> CurveBand | None:
    if not runs:
        return None
    mean, low, high = mean_interval(grids)
    seeds = {run.seed: rounded(grid) for run, grid in zip(runs, grids, strict=True)}
    minutes = [run.minutes for run in runs if run.minutes is not None]
    return CurveBand(
        mean=rounded(mean),
        low=rounded(low),
        high=rounded(high),
        seeds=seeds,
        minutes=float(np.mean(minutes)) if minutes else None,
    )


def why_not_counted(run: Run, budget: int) -> str:
    """In words, of a run that is not among the sound ones."""
    fault = fault_of(run, budget)
    return fault.detail if fault else "a copy of another run"


def estimate_band(found: Iterable[Floats], digits: int = PICTURE_DIGITS) -> EstimateBand:
    """Estimate, low and high, (points,) each, for a picture."""
    estimate, low, high = (rounded(values, digits) for values in found)
    return EstimateBand(estimate=estimate, low=low, high=high)


def rounded(values: Floats, digits: int = PICTURE_DIGITS) -> tuple[float, ...]:
    """With so many significant digits: a picture needs no more."""
    return tuple(float(f"{value:.{digits}g}") for value in values)


def _rows(
    run_set: RunSet, counted: Sequence[Run], grids: Floats, item: EnvironmentComparison, side: Side, sign: float
) -> list[RunRow]:
    position, budget = {id(run): i for i, run in enumerate(counted)}, item.plan.budget
    rows = []
    for run in run_set.of(item.plan.env_id):
        i = position.get(id(run))
        rows.append(
            RunRow(
                side=side,
                seed=run.seed,
                state=run.state,
                counted=i is not None,
                why_not=None if i is not None else why_not_counted(run, item.plan.budget),
                final=None if i is None else sign * float(final(grids[i])),
                auc=None if i is None else sign * float(auc(grids[i])),
                steps_to=None if i is None or item.plan.scale <= 0 else steps_to(grids[i], _threshold(item), budget),
                last_step=run.curve.last_step,
                minutes=run.minutes,
                url=run.url,
                command=run.command,
            )
        )
    return rows


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if values.size else None
