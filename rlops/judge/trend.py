"""What the history of a benchmark shows of one environment: its scores, version by version, and where they changed."""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from rlops.judge.history import HistoryEntry, HistoryEnvironment, HistoryRun
from rlops.judge.record import Interval
from rlops.stats import Floats, best_split, mean_interval, stable_seed

ALPHA = 0.01
"""P(a change point, although nothing changed) over the whole history of a benchmark: all environments, all commits."""
MOST_ROUNDS = 5
"""Of looking again; two do nearly always (arbitrary)."""


@dataclass(frozen=True)
class TrendPoint:
    """What one version scored: the mean of its counted runs (n of them) with its 95 % t interval, None for one run.

    `created_at`: when it was first judged; `mean_baseline`: what it was judged against then.
    """

    entry_id: str
    created_at: str
    commit: str | None
    mean: float
    interval: Interval | None
    n: int
    mean_baseline: float | None


@dataclass(frozen=True)
class ChangePoint:
    """Between the points `place - 1` and `place` the level changed.

    `before`, `after`: the mean over all runs of the stretch on either side; `change`: the difference as a fraction of
    the scale, negative is worse, None where there is no scale.
    """

    place: int
    before: float
    after: float
    better: bool
    change: float | None


@dataclass(frozen=True)
class Trend:
    """One environment over the history, oldest first. `left_out`: verdicts with another metric or budget."""

    env_id: str
    points: tuple[TrendPoint, ...]
    changes: tuple[ChangePoint, ...]
    left_out: int


def trends(entries: Sequence[HistoryEntry]) -> tuple[Trend, ...]:
    """The trends of the environments of a benchmark, in the order of its newest verdict with runs.

    Args:
        entries: of one benchmark, oldest first. Those of another metric, direction or budget than the newest have
            another unit, so they are left out.
    """
    newest = next((entry for entry in reversed(entries) if any(item.runs for item in entry.environments)), None)
    if newest is None:
        return ()
    judged = [item for item in newest.environments if item.runs]
    return tuple(_trend(item, newest, entries, ALPHA / len(judged)) for item in judged)


def overall_levels(entries: Sequence[HistoryEntry]) -> tuple[float, ...]:
    """The mean score over all environments in scales of the newest entry, one an entry that has them all, oldest first.

    Higher is better. Empty where the newest entry has no scores, or no scale.
    """
    if not entries:
        return ()
    newest = entries[-1]
    sign = 1.0 if newest.direction == "higher-is-better" else -1.0
    units = {(item.env_id, item.budget): item.scale for item in newest.environments if item.scale and item.scale > 0}
    found = []
    for entry in entries:
        scores = {(item.env_id, item.budget): item.mean_candidate for item in entry.environments}
        shares = [sign * score / unit for key, unit in units.items() if (score := scores.get(key)) is not None]
        if (entry.metric, entry.direction) == (newest.metric, newest.direction) and len(shares) == len(units) > 0:
            found.append(sum(shares) / len(shares))
    return tuple(found)


def change_points(groups: Sequence[Floats], alpha: float, seed: int) -> list[int]:
    """The places where the level of a series changes, by binary segmentation; place k: between groups k - 1 and k.

    Each stretch is tested at its share of alpha (its values / all values). Of the stretches without a change none
    overlaps another, so their levels sum to at most alpha: that is the planned rate of a false place anywhere. Where
    several levels lie in one stretch its best split may be beside a true place; so in the end every place is looked for
    again between its neighbours (Bai 1997, "Estimating multiple breaks one at a time"), and goes if it is not found.
    """
    total = sum(len(group) for group in groups)

    @functools.cache
    def place_in(begin: int, end: int) -> int | None:
        level = alpha * sum(len(group) for group in groups[begin:end]) / total
        split = best_split(groups[begin:end], level, stable_seed(seed, begin, end))
        return begin + split.place if split is not None and split.p <= level else None

    found, stretches = [], [(0, len(groups))]
    while stretches:
        begin, end = stretches.pop()
        place = place_in(begin, end)
        if place is not None:
            found.append(place)
            stretches += [(begin, place), (place, end)]
    return _looked_for_again(sorted(found), len(groups), place_in)


def _looked_for_again(places: list[int], end: int, place_in: Callable[[int, int], int | None]) -> list[int]:
    for _ in range(MOST_ROUNDS):
        before = list(places)
        number = 0
        while number < len(places):
            bounds = [0, *places, end]
            again = place_in(bounds[number], bounds[number + 2])
            places[number : number + 1] = [] if again is None else [again]
            number += again is not None
        if places == before:
            break
    return places


@dataclass
class _Version:
    """The runs of one training of a version; several verdicts may rest on it."""

    entry: HistoryEntry
    mean_baseline: float | None
    commit: str | None
    runs: set[HistoryRun] = field(default_factory=set)

    @property
    def finals(self) -> Floats:
        return np.array([final for _, final, _ in sorted(self.runs)])

    def point(self) -> TrendPoint:
        finals = self.finals
        mean, low, high = (float(value) for value in mean_interval(finals))
        interval = (low, high) if len(finals) > 1 else None
        entry = self.entry
        return TrendPoint(entry.id, entry.created_at, self.commit, mean, interval, len(finals), self.mean_baseline)


def _trend(newest: HistoryEnvironment, of: HistoryEntry, entries: Sequence[HistoryEntry], alpha: float) -> Trend:
    same, left_out = [], 0
    for entry, item in _with_runs(entries, newest.env_id):
        if (entry.metric, entry.direction, item.budget) == (of.metric, of.direction, newest.budget):
            same.append((entry, item))
        else:
            left_out += 1
    versions = _versions(same)
    groups = [version.finals for version in versions]
    places = change_points(groups, alpha, stable_seed(of.folder, newest.env_id))
    scale = next((item.scale for _, item in reversed(same) if item.scale), None)
    sign = 1.0 if of.direction == "higher-is-better" else -1.0
    changes = _changes(groups, places, sign, scale if scale is not None and scale > 0 else None)
    return Trend(newest.env_id, tuple(version.point() for version in versions), tuple(changes), left_out)


def _with_runs(entries: Iterable[HistoryEntry], env_id: str) -> Iterator[tuple[HistoryEntry, HistoryEnvironment]]:
    for entry in entries:
        for item in entry.environments:
            if item.env_id == env_id and item.runs:
                yield entry, item


def _versions(same: Iterable[tuple[HistoryEntry, HistoryEnvironment]]) -> list[_Version]:
    """One a training: a run counts once, however many verdicts in a row rest on it.

    The same commit asked again, and a commit that changed nothing that is trained, bring runs that are known: as
    separate points they would be chance that looks like evidence. Code that comes back later (a revert) is a version
    again: the level changed back.
    """
    versions: list[_Version] = []
    of_commit: dict[str, _Version] = {}
    for entry, item in same:
        runs = set(item.runs)
        commit = None if entry.candidate.git_dirty else entry.candidate.git_commit
        latest = versions[-1] if versions and not runs.isdisjoint(versions[-1].runs) else None
        known = of_commit.get(commit or "") or latest
        if known is None or not (commit == known.commit or runs <= known.runs or runs >= known.runs):
            known = _Version(entry, item.mean_baseline, commit)
            versions.append(known)
        known.runs |= runs
        if commit:
            of_commit.setdefault(commit, known)
    return versions


def _changes(
    groups: Sequence[Floats], places: Sequence[int], sign: float, scale: float | None
) -> Iterator[ChangePoint]:
    bounds = [0, *places, len(groups)]
    means = [float(np.concatenate(groups[begin:end]).mean()) for begin, end in itertools.pairwise(bounds)]
    for place, (before, after) in zip(places, itertools.pairwise(means), strict=True):
        gain = sign * (after - before)
        yield ChangePoint(place, before, after, gain > 0, None if scale is None else gain / scale)
