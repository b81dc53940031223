"""Findings beside the verdict: collapsed runs, unstable curves, runs that began as one. None changes a word."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rlops import judge as judging
from rlops.curves import Freezing, LearningCurve, RunSet
from rlops.judge import Finding, Word, failures_unseen, judge
from rlops.plan import Margins, Metric, Plan, Policy
from tests.curve_sets import BUDGET, OCCASION, curve, run, run_set, swap, verdict_on

STEPS = np.arange(1, 101) * BUDGET // 100
AROUND_100 = np.linspace(95, 105, 20)
SAME = run_set({"A": 100.0}, range(101, 106))


def settled(env_id: str, levels, first: int) -> RunSet:
    """Runs whose scores are exactly these."""
    seeds = range(first, first + len(levels))
    return RunSet(
        "", tuple(run(env_id, seed, 0.0, curve=curve(level)) for seed, level in zip(seeds, levels, strict=True))
    )


def together(*sets: RunSet) -> RunSet:
    return RunSet("", tuple(one for item in sets for one in item.runs))


def on_grid(env_id: str, seed: int, values) -> RunSet:
    return RunSet("", (run(env_id, seed, 0.0, curve=LearningCurve(STEPS, np.asarray(values, dtype=float))),))


def found(verdict, kind):
    return [item for item in verdict.findings if item.kind == kind]


BASE = settled("A", AROUND_100, 1)


def test_collapsed_runs_are_counted_below_a_fifth_of_the_gain_and_named():
    verdict = verdict_on(BASE, settled("A", [19.9, 100, 19.8, 20.1, 10], 101))
    (finding,) = found(verdict, "failure-rate")
    assert (finding.severity, finding.env_id, finding.side) == ("warning", "A", "candidate")
    assert finding.seeds == (101, 103, 105)
    p = stats.boschloo_exact([[3, 0], [2, 20]], alternative="greater").pvalue
    assert finding.detail.startswith(f"3 of 5 candidate runs collapsed, 0 of 20 baseline runs (p = {p:.2g})")


def test_the_start_is_the_score_of_the_random_policy_and_lower_may_be_better():
    """Oriented: baseline -100, random policy -300, so a run has collapsed below -260."""

    def verdict_of(costs):
        metric = Metric(direction="lower-is-better")
        base = together(*(on_grid("A", seed, np.full(100, 5 + level)) for seed, level in enumerate(AROUND_100 - 5)))
        new = together(*(on_grid("A", 101 + seed, np.full(100, cost)) for seed, cost in enumerate(costs)))
        frozen = Freezing(metric, Margins(), {"A": BUDGET}, {"A": -300.0}).freeze("b", base)
        assert frozen.yardsticks()[0].random_score == -300.0
        return judge(base, new, Plan("made", metric, Policy(), frozen.yardsticks(), frozen.suite_margin), OCCASION)

    assert not found(verdict_of([251, 255, 257, 258, 259]), "failure-rate")
    assert found(verdict_of([251, 261, 262, 263, 259]), "failure-rate")[0].seeds == (102, 103, 104)


def test_environments_share_the_level():
    """2 of 5 against 0 of 20 has p = .0125: enough alone, too much for the first of ten."""
    worse = [10, 11, 99, 100, 101]
    assert found(verdict_on(BASE, settled("A", worse, 101)), "failure-rate")
    others = [chr(ord("B") + i) for i in range(9)]
    base = together(BASE, *(settled(name, AROUND_100, 1) for name in others))
    new = together(settled("A", worse, 101), *(settled(name, AROUND_100[3:8], 101) for name in others))
    assert not found(verdict_on(base, new), "failure-rate")


@pytest.mark.parametrize("candidate", [[96, 97, 98, 99, 100], [5, 96, 97, 98, 99]])
def test_as_many_collapses_as_the_baseline_has_are_no_news(candidate):
    unsteady = settled("A", [5, 6, 7, 8, *AROUND_100[4:]], 1)
    assert not found(verdict_on(unsteady, settled("A", candidate, 101)), "failure-rate")


def test_where_half_of_the_baseline_never_takes_off_it_still_shows_that_nobody_does():
    halves = settled("A", [*np.linspace(0, 1, 10), *np.linspace(99, 100, 10)], 1)
    verdict = verdict_on(halves, settled("A", np.linspace(0.05, 0.95, 8), 101))
    assert found(verdict, "uninformative")
    assert len(found(verdict, "failure-rate")[0].seeds) == 8


def test_a_baseline_below_the_random_policy_has_no_collapse():
    sunk = settled("A", -AROUND_100, 1)
    assert not found(verdict_on(sunk, settled("A", [-1000, -1001, -1002, -1003, -1004], 101)), "failure-rate")


def test_seeds_are_named_rightly_where_a_planned_one_has_no_sound_run():
    new = swap(settled("A", [100, 99, 10, 11, 12], 101), "A", 102, state="crashed")
    verdict = verdict_on(BASE, new, seeds=(101, 102, 103, 104, 105))
    (finding,) = found(verdict, "failure-rate")
    assert finding.seeds == (103, 104, 105)
    assert finding.detail.startswith("3 of 4 candidate runs")


@pytest.mark.parametrize(("n", "share"), [(1, 95), (3, 63), (5, 45), (10, 26), (20, 14)])
def test_what_was_not_seen_may_still_be_there(n, share):
    assert round(100 * (1 - 0.05 ** (1 / n))) == share
    sentence = failures_unseen(n)
    assert f"in {n} seed{'s' if n > 1 else ''} still allows a rate of up to {share}%" in sentence
    assert sentence.count(".") == 1


def shaken(runs: RunSet, depth: float) -> RunSet:
    """Each run falls by `depth` for 4 of 200 points, early enough for `final` not to see it."""

    def dip(one):
        values = one.curve.values.copy()
        place = 100 + 4 * (one.seed % 10)
        values[place : place + 4] -= depth
        dipped = LearningCurve(one.curve.steps, values)
        return replace(one, curve=dipped, curve_sha256=dipped.sha256())

    return replace(runs, runs=tuple(dip(one) for one in runs.runs))


def test_dips_that_no_score_shows_are_a_note():
    base, new = settled("A", AROUND_100[::2], 1), settled("A", np.linspace(97, 103, 5), 101)
    steady, verdict = verdict_on(base, new), verdict_on(base, shaken(new, 40.0))
    assert not steady.findings
    (finding,) = verdict.findings
    assert (finding.kind, finding.severity, finding.env_id, finding.seeds) == ("less-stable", "note", "A", ())
    # One labelling of C(15, 5) is as extreme; the scale is all but 100.
    assert f"(p = {1 / 3003:.2g})" in finding.detail
    assert "deepest fall 0.0% → 40." in finding.detail
    # Two of 100 grid points, 90 windows of the running median: 40 % x sqrt(2 / 90).
    assert "roughness 0.0% → 6.0%" in finding.detail
    assert verdict.verdict is steady.verdict is Word.EQUIVALENT


def test_a_steadier_candidate_is_no_finding():
    base, new = settled("A", AROUND_100, 1), settled("A", np.linspace(97, 103, 5), 101)
    assert not found(verdict_on(shaken(base, 40.0), new), "less-stable")


def test_one_run_and_uninformative_environments_are_not_tested():
    base = settled("A", AROUND_100, 1)
    assert not found(verdict_on(base, shaken(settled("A", [100], 101), 40.0)), "less-stable")
    flat = settled("A", np.linspace(-10, 11, 20), 1)
    assert not found(verdict_on(flat, shaken(settled("A", np.linspace(-5, 5, 5), 101), 40.0)), "less-stable")


def worrying() -> tuple[RunSet, RunSet]:
    """Ten environments: runs of one collapse, those of another shake, those of a third began as the baseline's."""
    names = dict.fromkeys("ABCDEFGHIJ", 100.0)
    base, new = run_set(names, range(1, 21)), run_set(names, range(11, 16), draw=1)
    for seed in (11, 12, 13, 14):
        new = swap(new, "A", seed, curve=curve(5.0, seed=seed, noise=0.5))
        (old,) = (one for one in base.of("C") if one.seed == seed)
        new = swap(new, "C", seed, curve=spliced(old.curve, 100))
    others = [one for one in new.runs if one.env_id != "B"]
    return base, together(RunSet("", tuple(others)), shaken(new.select(frozenset("B"), None), 40.0))


def test_no_word_hangs_on_them(monkeypatch):
    base, new = worrying()
    told = verdict_on(base, new)
    assert [(item.kind, item.env_id) for item in told.findings] == [
        ("failure-rate", "A"),
        ("common-prefix", "C"),
        ("less-stable", "B"),
    ]
    monkeypatch.setattr(judging, "behaviour_findings", lambda *_: [])
    monkeypatch.setattr(judging.integrity, "_common_prefix", lambda *_: [])
    silent = verdict_on(base, new)
    assert not silent.findings
    assert silent.model_dump(exclude={"findings"}) == told.model_dump(exclude={"findings"})


def test_nothing_is_said_of_runs_that_were_not_compared():
    """Of the baseline's runs the candidate has just those that collapsed; they are the same runs."""
    base = settled("A", [5, 6, 7, *AROUND_100], 1)
    base = replace(base, runs=tuple(replace(one, fingerprint="cpu-1") for one in base.runs))
    few = base.select(None, frozenset({1, 2, 3}))
    verdict = verdict_on(base, few)
    assert (verdict.verdict, found(verdict, "failure-rate")) == (Word.IDENTICAL, [])
    new = settled("A", [5, 6, 7], 101)
    assert found(verdict_on(base, new), "failure-rate")
    other = Finding(kind="other-definition", severity="not-comparable", detail="the budget differs", env_id=None)
    assert not found(verdict_on(base, new, beforehand=[other]), "failure-rate")


def spliced(old: LearningCurve, points: int) -> LearningCurve:
    """A curve that goes on otherwise after so many points."""
    values = old.values.copy()
    values[points:] += np.linspace(1, 2, values.size - points)
    return LearningCurve(old.steps, values)


def test_seeds_that_began_as_one_run_are_noted_with_the_step_at_which_they_part():
    old = run_set({"A": 100.0}, range(1, 21))
    new = run_set({"A": 100.0}, range(17, 22), draw=1)
    for seed, points in ((17, 100), (18, 40)):
        new = swap(new, "A", seed, curve=spliced(old.of("A")[seed - 1].curve, points))
    (finding,) = found(verdict_on(old, new), "common-prefix")
    assert (finding.severity, finding.env_id, finding.side, finding.seeds) == ("note", "A", None, (17, 18))
    assert finding.detail.startswith("2 of 4 pairs of one seed have equal curves up to steps 20,000 to 50,000;")


@pytest.mark.parametrize(("equal", "is_found"), [(21, True), (20, False)])
def test_twenty_new_values_make_a_common_prefix(equal, is_found):
    """The first value is none that is new."""
    values = np.arange(100.0)
    base = together(*(on_grid("A", seed, values + seed / 100) for seed in range(1, 9)))
    other = values + 0.01
    other[equal:] += 1
    new = together(on_grid("A", 1, other), *(on_grid("A", seed, values + seed / 100) for seed in (11, 12, 13, 14)))
    assert bool(found(verdict_on(base, new), "common-prefix")) == is_found


def test_a_floor_on_which_all_runs_start_is_no_common_prefix():
    """MountainCar: -200 until the goal is found for the first time."""

    def floored(seed, draw):
        rises = np.random.default_rng([seed, draw]).uniform(1, 60, 100).cumsum() / 60
        return on_grid("A", seed, np.where(np.arange(100) < 50, -200.0, rises))

    base = together(*(floored(seed, 0) for seed in range(1, 9)))
    assert not found(verdict_on(base, together(*(floored(seed, 1) for seed in range(1, 6)))), "common-prefix")


def test_what_is_alike_before_the_first_update_is_no_common_prefix():
    """Forty episodes within the first 1,000 steps but one, as in an untrained Reacher."""
    steps = np.concatenate([np.arange(1, 41) * 24, STEPS])

    def started(seed, draw):
        rng = np.random.default_rng(seed)
        values = np.concatenate([rng.normal(size=40), 100 + draw + rng.normal(size=100)])
        return RunSet("", (run("A", seed, 0.0, curve=LearningCurve(steps, values)),))

    base = together(*(started(seed, 0) for seed in range(1, 9)))
    new = together(*(started(seed, 1) for seed in range(1, 6)))
    assert not found(verdict_on(base, new), "common-prefix")
    longer = LearningCurve(np.concatenate([np.arange(1, 41) * 25, STEPS]), new.runs[0].curve.values)
    base, new = swap(base, "A", 1, curve=spliced(longer, 40)), swap(new, "A", 1, curve=longer)
    assert [item.seeds for item in found(verdict_on(base, new), "common-prefix")] == [(1,)]
