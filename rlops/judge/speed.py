"""Steps per second, judged apart from what was learned: only where both sides took turns on one machine."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np

from rlops.curves import Run
from rlops.judge.record import Finding, make_finding
from rlops.plan import Plan
from rlops.stats import FEWEST_PAIRS, compare_throughput, holm


@dataclass(frozen=True)
class Training:
    """One process: when it started, Unix time in seconds, how long it took, and the environment steps of its runs."""

    of_candidate: bool
    start: float
    seconds: float
    steps: int

    @property
    def speed(self) -> float:
        """Steps per second."""
        return self.steps / self.seconds


def speed_findings(baseline: Iterable[Run], candidate: Iterable[Run], plan: Plan) -> list[Finding]:
    """What interleaved pairs say of the speed; nothing where there are too few of them to say anything."""
    found = list(pairs(baseline, candidate))
    if len(found) < FEWEST_PAIRS:
        return []
    before, now = (np.array([pair[side].speed for pair in found]) for side in (0, 1))
    alpha = plan.policy.alpha
    speed = compare_throughput(before, now, level=alpha)
    changed = bool(holm({"": speed.p}, alpha))
    what = f"{abs(speed.change):.1%} {'fewer' if speed.change < 0 else 'more'} steps per second"
    detail = (
        f"{what if changed else 'no change of the steps per second is shown'} (p = {speed.p:.2g}, {speed.pairs} pairs "
        f"of trainings that took turns on one machine); a loss of {speed.detectable:.1%} would be found with 80 % power"
    )
    severity = "warning" if changed and speed.change < 0 else "note"
    return [make_finding("steps-per-second", severity, detail, None)]


def pairs(baseline: Iterable[Run], candidate: Iterable[Run]) -> Iterator[tuple[Training, Training]]:
    """(baseline's, candidate's) trainings of one environment on one machine, of which one followed upon the other.

    No training is in two pairs. Who started long after the other had ended met another machine, so to say.
    """
    grouped: dict[tuple[str, str], list[Training]] = defaultdict(list)
    for of_candidate, runs in ((False, baseline), (True, candidate)):
        for key, training in _trainings(runs, of_candidate=of_candidate):
            grouped[key].append(training)
    for trainings in grouped.values():
        paired = False
        for one, next_one in pairwise(sorted(trainings, key=lambda item: item.start)):
            wait = next_one.start - (one.start + one.seconds)
            other = not paired and one.of_candidate != next_one.of_candidate
            paired = other and wait <= max(one.seconds, next_one.seconds)
            if paired:
                yield (next_one, one) if one.of_candidate else (one, next_one)


def _trainings(runs: Iterable[Run], *, of_candidate: bool) -> Iterator[tuple[tuple[str, str], Training]]:
    """((environment, machine), training) of each process whose runs all came to a good end."""
    processes: dict[str, dict[int, Run]] = defaultdict(dict)  # by seed: twins may stand among the stored runs as well
    for run in runs:
        if run.process:
            processes[run.process][run.seed] = run
    for seeds in processes.values():
        members = list(seeds.values())
        training = _training(members, of_candidate=of_candidate)
        if training and members[0].fingerprint:
            yield (members[0].env_id, members[0].fingerprint), training


def _training(runs: Sequence[Run], *, of_candidate: bool) -> Training | None:
    starts = [run.started_at for run in runs if run.started_at and run.state == "finished"]
    minutes = [run.minutes for run in runs if run.minutes]
    if len(starts) < len(runs) or len(minutes) < len(runs):
        return None
    steps = sum(run.curve.last_step for run in runs)
    start = min(datetime.fromisoformat(text).timestamp() for text in starts)
    return Training(of_candidate, start, 60 * sum(minutes), steps) if steps else None
