"""The judge on run sets whose truth is known, finding by finding and word by word."""

from dataclasses import replace

import numpy as np
import pytest

from rlops.curves import LearningCurve, RunSet
from rlops.judge import Finding, Word, forecast, metric_findings
from rlops.plan import Policy
from tests.curve_sets import BUDGET, curve, run_set, swap, verdict_on

LEVELS = {"A": 100.0, "B": 100.0, "C": 100.0}
BASE = run_set(LEVELS, range(1, 21))
SAME = run_set(LEVELS, range(101, 106), draw=1)


def words(verdict):
    return {item.env_id: item.verdict for item in verdict.environments}


def kinds(verdict, env_id=...):
    return [item.kind for item in verdict.findings if env_id is ... or item.env_id == env_id]


def test_the_same_distribution_is_equivalent():
    verdict = verdict_on(BASE, SAME)
    assert (verdict.verdict, verdict.exit_code) == (Word.EQUIVALENT, 0)
    assert not verdict.findings
    assert verdict.counts == {Word.EQUIVALENT: 3}


def test_a_collapse_in_one_environment_is_named_and_comes_first():
    verdict = verdict_on(BASE, run_set(LEVELS | {"B": 40.0}, range(101, 106)))
    assert (verdict.verdict, verdict.exit_code) == (Word.REGRESSED, 1)
    assert verdict.environments[0].env_id == "B"
    assert verdict.sentence == "Regression: B learns worse"
    assert words(verdict) == {"A": Word.EQUIVALENT, "B": Word.REGRESSED, "C": Word.EQUIVALENT}
    assert verdict.environments[0].change == pytest.approx(-0.6, abs=0.06)


def test_a_large_gain_is_improved():
    verdict = verdict_on(BASE, run_set(LEVELS | {"A": 160.0}, range(101, 106)))
    assert (verdict.verdict, verdict.exit_code) == (Word.IMPROVED, 0)
    assert words(verdict)["A"] is Word.IMPROVED


def test_a_small_certain_loss_inside_the_margin_is_equivalent_with_a_note():
    base, worse = run_set({"A": 100.0}, range(1, 21), spread=1), run_set({"A": 95.0}, range(101, 106), spread=1)
    item = verdict_on(base, worse).environments[0]
    assert item.p_harm < 0.01
    assert (item.verdict, item.note) == (Word.EQUIVALENT, "measurably lower, inside the margin")


def test_too_few_noisy_seeds_are_inconclusive_and_the_next_step_says_how_many_would_do():
    base = run_set({"A": 100.0}, range(1, 21), spread=30)
    verdict = verdict_on(base, run_set({"A": 90.0}, range(101, 104), spread=30, draw=1))
    assert (verdict.verdict, verdict.exit_code) == (Word.INCONCLUSIVE, 3)
    assert "fresh candidate seeds of A" in verdict.next_step.text
    assert verdict.environments[0].minimum_detectable_change > 0.3


@pytest.mark.parametrize("code", [0, 3])
def test_the_policy_maps_the_exit_code_of_an_open_question(code):
    base = run_set({"A": 100.0}, range(1, 21), spread=30)
    verdict = verdict_on(base, run_set({"A": 90.0}, range(101, 104), spread=30), policy=Policy(inconclusive=code))
    assert (verdict.verdict, verdict.exit_code) == (Word.INCONCLUSIVE, code)


def test_three_seeds_never_pass_fewer_than_three_environments():
    two = {"A": 100.0, "B": 100.0}
    base = run_set(two, range(1, 21))
    assert verdict_on(base, run_set(two, range(101, 104))).verdict is Word.INCONCLUSIVE
    assert verdict_on(base, run_set(two, range(101, 106))).verdict is Word.EQUIVALENT
    assert verdict_on(BASE, run_set(LEVELS, range(101, 104))).verdict is Word.EQUIVALENT


def with_fingerprint(runs: RunSet, fingerprint: str | None) -> RunSet:
    return replace(runs, runs=tuple(replace(r, fingerprint=fingerprint) for r in runs.runs))


def test_bit_equal_curves_on_one_machine_are_identical():
    base = with_fingerprint(BASE, "cpu-1")
    verdict = verdict_on(base, base.select(None, frozenset({1, 2})))
    assert (verdict.verdict, verdict.exit_code) == (Word.IDENTICAL, 0)


@pytest.mark.parametrize(("before", "after"), [("cpu-1", "cpu-2"), (None, None), ("cpu-1", None)])
def test_bit_equality_counts_only_inside_one_fingerprint(before, after):
    verdict = verdict_on(with_fingerprint(BASE, before), with_fingerprint(BASE, after))
    assert Word.IDENTICAL not in words(verdict).values()


def test_one_equal_seed_is_not_identical_and_one_unequal_seed_spoils_it():
    base = with_fingerprint(BASE, "cpu-1")
    assert Word.IDENTICAL not in words(verdict_on(base, base.select(None, frozenset({1})))).values()
    changed = swap(base.select(None, frozenset({1, 2, 3})), "B", 3, curve=curve(99.0, seed=9))
    assert words(verdict_on(base, changed))["B"] is not Word.IDENTICAL
    assert words(verdict_on(base, changed))["A"] is Word.IDENTICAL


def test_bit_equal_curves_of_unknown_machines_are_said_to_be_so():
    assert kinds(verdict_on(BASE, BASE.select(None, frozenset(range(1, 6)))), "A") == ["same-runs"]


NAN = curve(100.0)
NAN = LearningCurve(NAN.steps, np.where(NAN.steps > BUDGET / 2, np.nan, NAN.values))
FAULTS = {
    "crashed-run": {"state": "crashed"},
    "failed-run": {"state": "failed"},
    "running-run": {"state": "running"},
    "incomplete-run": {"fault": "40 of 100 rows are missing"},
    "nan": {"curve": NAN},
    "truncated": {"curve": curve(100.0, until=60_000)},
    "empty-curve": {"curve": LearningCurve.from_points([], [])},
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_broken_candidate_run_is_named_fails_its_environment_and_is_not_averaged_in(kind):
    broken = swap(SAME, "B", 103, **FAULTS[kind])
    verdict = verdict_on(BASE, broken)
    assert (verdict.verdict, verdict.exit_code) == (Word.FAILED, 4)
    assert words(verdict) == {"A": Word.EQUIVALENT, "B": Word.FAILED, "C": Word.EQUIVALENT}
    (finding,) = verdict.findings
    assert (finding.kind, finding.severity, finding.seeds) == (kind, "failed", (103,))
    item = next(item for item in verdict.environments if item.env_id == "B")
    others = RunSet("", tuple(r for r in SAME.of("B") if r.seed != 103))
    expected = np.mean([r.curve.on_grid(BUDGET)[-10:].mean() for r in others.runs])
    assert item.mean_candidate == pytest.approx(expected)
    (row,) = [row for row in item.runs if row.seed == 103]
    assert not row.counted
    assert row.why_not


@pytest.mark.parametrize("kind", FAULTS)
def test_a_broken_baseline_run_is_named_and_left_out(kind):
    verdict = verdict_on(swap(BASE, "B", 7, **FAULTS[kind]), SAME)
    assert verdict.verdict is Word.EQUIVALENT
    (finding,) = verdict.findings
    assert (finding.kind, finding.severity, finding.side) == (kind, "warning", "baseline")
    assert next(item for item in verdict.environments if item.env_id == "B").n_baseline == 19


def test_a_failed_run_does_not_hide_a_regression_elsewhere():
    worse = swap(run_set(LEVELS | {"A": 30.0}, range(101, 106)), "B", 103, state="crashed")
    verdict = verdict_on(BASE, worse)
    assert (verdict.verdict, verdict.exit_code) == (Word.REGRESSED, 1)
    assert words(verdict)["B"] is Word.FAILED


def test_a_failed_run_among_worse_ones_is_failed_and_says_the_rest_is_worse():
    worse = swap(run_set(LEVELS | {"A": 30.0}, range(101, 106)), "A", 103, state="crashed")
    item = verdict_on(BASE, worse).environments[0]
    assert (item.verdict, item.note) == (Word.FAILED, "the runs that did finish are proven worse")


def test_planned_seeds_that_are_missing_fail():
    verdict = verdict_on(BASE, SAME.select(None, frozenset({101, 102, 103, 104})), seeds=(101, 102, 103, 104, 105))
    assert verdict.exit_code == 4
    assert {item.kind for item in verdict.findings} == {"missing-seeds"}


def test_an_uneven_grid_that_nobody_planned_is_a_warning():
    uneven = RunSet("", tuple(r for r in SAME.runs if (r.env_id, r.seed) != ("B", 104)))
    verdict = verdict_on(BASE, uneven)
    assert verdict.exit_code == 0
    assert [(item.kind, item.severity, item.seeds) for item in verdict.findings] == [
        ("missing-seeds", "warning", (104,))
    ]


def test_an_environment_without_candidate_runs_is_failed():
    verdict = verdict_on(BASE, SAME.select(frozenset({"A", "C"}), None))
    assert words(verdict)["B"] is Word.FAILED


def test_copies_under_other_seeds_count_once():
    copy = next(r for r in BASE.runs if (r.env_id, r.seed) == ("A", 3))
    verdict = verdict_on(swap(BASE, "A", 9, curve=copy.curve), SAME)
    assert kinds(verdict, "A") == ["duplicated-seeds"]
    assert next(item for item in verdict.environments if item.env_id == "A").n_baseline == 19


def test_a_seed_that_was_run_twice_counts_not_at_all():
    again = replace(SAME, runs=(*SAME.runs, replace(SAME.of("A")[0], curve_sha256="other")))
    verdict = verdict_on(BASE, again)
    assert kinds(verdict) == ["repeated-seed"]
    assert next(item for item in verdict.environments if item.env_id == "A").n_candidate == 4


def test_repeated_steps_are_noted():
    points = curve(100.0, seed=103, noise=0.5)
    twice = LearningCurve.from_points([*points.steps, points.steps[-1]], [*points.values, 100.0])
    verdict = verdict_on(BASE, swap(SAME, "A", 103, curve=twice))
    assert [(item.kind, item.severity) for item in verdict.findings] == [("repeated-steps", "note")]


def test_an_environment_that_carries_no_information_is_noted_and_holds_nothing_up():
    flat = LearningCurve.from_points(range(1000, BUDGET + 1, 1000), np.full(100, -200.0))

    def with_flat(runs):
        return replace(
            runs,
            runs=(
                *runs.runs,
                *(replace(r, env_id="MountainCar-v0", curve=flat, curve_sha256="x") for r in runs.of("A")),
            ),
        )

    base, new = with_flat(BASE), with_flat(SAME)
    budgets = dict.fromkeys(base.env_ids, BUDGET)
    from rlops.curves import Freezing
    from rlops.judge import judge
    from rlops.plan import Margins, Metric, Plan
    from tests.curve_sets import OCCASION

    frozen = Freezing(Metric(), Margins(), budgets, {"A": 0.0, "B": 0.0, "C": 0.0, "MountainCar-v0": -200.0}).freeze(
        "b", base
    )
    verdict = judge(base, new, Plan("x", Metric(), Policy(), frozen.yardsticks(), frozen.suite_margin), OCCASION)
    assert "uninformative" in kinds(verdict, "MountainCar-v0")
    assert verdict.verdict is Word.EQUIVALENT
    assert verdict.suite.environments == 3


def test_ceilings_are_equivalent():
    def at_the_ceiling(runs):
        found = []
        for r in runs.runs:
            steps = curve(1.0).steps
            values = np.minimum(500.0, steps * (0.02 + (r.seed % 5) / 10_000))
            found.append(replace(r, curve=LearningCurve(steps, values), curve_sha256=str(r.seed)))
        return replace(runs, runs=tuple(found))

    verdict = verdict_on(at_the_ceiling(BASE), at_the_ceiling(SAME))
    assert verdict.verdict is Word.EQUIVALENT
    assert verdict.environments[0].p_harm > 0.3


def test_few_seeds_are_not_called_worse_for_a_loss_shown_inside_the_margin():
    base, worse = run_set({"A": 100.0}, range(1, 21), spread=1), run_set({"A": 95.0}, range(101, 104), spread=1)
    item = verdict_on(base, worse).environments[0]
    assert item.p_harm < 0.01
    assert item.verdict is Word.INCONCLUSIVE
    assert "inside the margin" in item.note
    assert forecast({"A": 20}, Policy(), 3) == ["3 candidate seeds on 1 environments can prove harm, but never pass"]
    assert not forecast({"A": 20}, Policy(), 5)


def test_without_any_test_nothing_passes_when_only_the_suite_counts():
    lonely = run_set(LEVELS | {"A": 5.0}, range(101, 102))
    verdict = verdict_on(BASE, lonely, policy=Policy(strict=False))
    assert (verdict.verdict, verdict.exit_code) == (Word.INCONCLUSIVE, 3)


def test_when_only_the_suite_counts_one_open_environment_does_not_hold_it_up():
    base = run_set(LEVELS, range(1, 21), spread=12)
    new = run_set(LEVELS | {"A": 90.0}, range(101, 106), spread=12, draw=3)
    strict, loose = (verdict_on(base, new, policy=Policy(strict=strict)) for strict in (True, False))
    assert Word.INCONCLUSIVE in words(loose).values()
    assert (strict.verdict, loose.verdict) == (Word.INCONCLUSIVE, Word.EQUIVALENT)


def test_the_same_runs_on_both_sides_prove_nothing():
    named = replace(BASE, runs=tuple(replace(r, source="file:x.csv") for r in BASE.runs))
    verdict = verdict_on(named, named)
    assert (verdict.verdict, verdict.exit_code) == (Word.NOT_COMPARABLE, 5)
    assert set(kinds(verdict)) == {"same-runs"}


def test_steps_far_beyond_the_budget_are_said():
    points = curve(100.0, seed=103, noise=0.5)
    longer = LearningCurve(points.steps * 4, points.values)
    verdict = verdict_on(BASE, swap(SAME, "A", 103, curve=longer))
    assert [(item.kind, item.seeds) for item in verdict.findings] == [("beyond-budget", (103,))]


def test_swapped_sides_and_other_policies_are_other_verdicts():
    one, two = BASE.select(None, frozenset(range(1, 11))), BASE.select(None, frozenset(range(11, 21)))
    identities = {
        verdict_on(one, two).identity(),
        verdict_on(two, one).identity(),
        verdict_on(one, two, policy=Policy(alpha=0.01)).identity(),
    }
    assert len(identities) == 3
    assert verdict_on(one, two).identity() in identities


def test_metrics_of_other_names_are_not_comparable():
    assert not metric_findings("charts/episodic_return", "episodic_return")
    assert [item.severity for item in metric_findings("reward", "success")] == ["not-comparable"]


def test_what_differs_between_the_sides_is_found():
    base = replace(BASE, provenance={"packages": {"torch": "2.12", "numpy": "2.0"}})
    new = replace(SAME, provenance={"packages": {"torch": "2.13", "numpy": "2.0"}})
    base = replace(base, runs=tuple(replace(r, config={"gamma": 0.99, "seed": r.seed}) for r in base.runs))
    new = replace(new, runs=tuple(replace(r, config={"gamma": 0.9, "seed": r.seed}) for r in new.runs))
    found = {(item.kind, item.env_id): item.detail for item in verdict_on(base, new).findings}
    assert found["packages", None] == "torch 2.12 → 2.13"
    assert found["hyperparameters", "A"] == "unequal settings: gamma 0.99 → 0.9"


def test_machines_on_one_side_only_are_a_note():
    verdict = verdict_on(with_fingerprint(BASE, "cpu-1"), with_fingerprint(SAME, "cpu-2"))
    assert [(item.kind, item.severity) for item in verdict.findings] == [("machine", "note")]


def test_another_definition_is_not_comparable():
    finding = Finding(kind="other-definition", severity="not-comparable", detail="the budget differs", env_id="B")
    verdict = verdict_on(BASE, SAME, beforehand=[finding])
    assert (verdict.verdict, verdict.exit_code) == (Word.NOT_COMPARABLE, 5)
    assert words(verdict)["B"] is Word.NOT_COMPARABLE


def test_a_level_that_cannot_be_reached_is_said():
    verdict = verdict_on(BASE.select(None, frozenset(range(1, 5))), SAME.select(None, frozenset({101, 102})))
    (finding,) = [item for item in verdict.findings if item.kind == "level-unreachable"]
    assert finding.env_id is None
    assert "4 + 2 runs can give no p below 0.067, the level is 0.0083" in finding.detail


def test_lower_is_better_is_the_mirror_image():
    from rlops.curves import Freezing
    from rlops.judge import judge
    from rlops.plan import Margins, Metric, Plan
    from tests.curve_sets import OCCASION

    def negated(runs):
        found = []
        for r in runs.runs:
            mirrored = LearningCurve(r.curve.steps, -r.curve.values)
            found.append(replace(r, curve=mirrored, curve_sha256=mirrored.sha256()))
        return replace(runs, runs=tuple(found))

    worse = run_set(LEVELS | {"B": 40.0}, range(101, 106))
    metric = Metric(direction="lower-is-better")
    budgets = dict.fromkeys(LEVELS, BUDGET)
    frozen = Freezing(metric, Margins(), budgets, dict.fromkeys(LEVELS, 0.0)).freeze("b", negated(BASE))
    plan = Plan("made", metric, Policy(), frozen.yardsticks(), frozen.suite_margin)
    mirrored, plain = judge(negated(BASE), negated(worse), plan, OCCASION), verdict_on(BASE, worse)
    assert words(mirrored) == words(plain)
    assert [e.change for e in mirrored.environments] == pytest.approx([e.change for e in plain.environments])
    assert mirrored.environments[0].mean_baseline == pytest.approx(-plain.environments[0].mean_baseline)


def test_the_same_data_give_the_same_bytes():
    assert verdict_on(BASE, SAME).to_json() == verdict_on(BASE, SAME).to_json()


def test_the_order_of_runs_does_not_matter():
    shuffled = replace(BASE, runs=tuple(reversed(BASE.runs)))
    assert verdict_on(shuffled, SAME).data_sha256 == verdict_on(BASE, SAME).data_sha256
    assert words(verdict_on(shuffled, SAME)) == words(verdict_on(BASE, SAME))


def test_curves_of_nan_alone_are_faults_and_no_copies_of_each_other():
    broken = LearningCurve.from_points([1, BUDGET], [float("nan")] * 2)
    new = swap(swap(SAME, "A", 101, curve=broken), "A", 102, curve=broken)
    verdict = verdict_on(BASE, new)
    assert kinds(verdict, "A").count("nan") == 1
    assert "duplicated-seeds" not in kinds(verdict)
    assert words(verdict)["A"] is Word.FAILED


def test_logs_of_two_kinds_may_not_mean_the_same_return():
    sides = [replace(side, provenance={"format": name}) for side, name in ((BASE, "monitor"), (SAME, "tensorboard"))]
    (finding,) = [item for item in verdict_on(*sides).findings if item.kind == "log-formats"]
    assert (finding.severity, "monitor logs, the candidate from tensorboard" in finding.detail) == ("warning", True)
    assert "log-formats" not in kinds(verdict_on(*[replace(side, provenance={"format": "monitor"}) for side in sides]))
    assert "log-formats" not in kinds(verdict_on(BASE, sides[1]))


def test_seeds_are_not_asked_for_where_none_would_decide():
    """One environment, a loss between the margin of the mean and its own: the next step is a decision."""
    before = run_set({"A": 100.0}, range(1, 21), spread=3)
    verdict = verdict_on(before, run_set({"A": 84.0}, range(101, 121), spread=3, draw=1))
    assert (verdict.verdict, words(verdict)["A"]) == (Word.INCONCLUSIVE, Word.EQUIVALENT)
    assert verdict.next_step.text.startswith("decide: the mean loss is shown to be larger than its margin")
    assert verdict.next_step.command is None


def test_seeds_for_the_mean_are_estimated_from_what_it_lost():
    """Each environment is inside its own margin of 20 %; the mean lost 6 % of its 10."""
    levels = dict.fromkeys("ABC", 100.0)
    before = run_set(levels, range(1, 21), spread=11)
    after = run_set(dict.fromkeys("ABC", 94.0), range(101, 109), spread=11, draw=5)
    verdict = verdict_on(before, after, policy=Policy(alpha=1e-4))
    assert (verdict.verdict, set(words(verdict).values())) == (Word.INCONCLUSIVE, {Word.EQUIVALENT})
    assert verdict.suite.interval[1] > -verdict.suite.margin
    asked = [int(word) for word in verdict.next_step.text.split() if word.isdigit()]
    assert asked
    assert 9 < asked[0] < 200


def test_what_so_few_runs_cannot_find_is_no_detectable_loss():
    few = verdict_on(run_set(LEVELS, range(1, 4)), run_set(LEVELS | {"B": 40.0}, range(101, 104)))
    (item,) = [one for one in few.environments if one.env_id == "B"]
    assert item.minimum_detectable_change is None
    assert "level-unreachable" in kinds(few)
    enough = verdict_on(run_set(LEVELS, range(1, 4)), run_set(LEVELS, range(101, 104), draw=1))
    assert {one.seeds_to_decide for one in enough.environments} == {7}  # C(10, 3) = 120: p reaches 0.05 / 6


def test_a_baseline_that_falls_is_in_the_wrong_direction():
    costs = dict.fromkeys(LEVELS, -100.0)
    verdict = verdict_on(run_set(costs, range(1, 21)), run_set(costs, range(101, 106), draw=1))
    assert (verdict.verdict, verdict.exit_code) == (Word.NOT_COMPARABLE, 5)
    assert kinds(verdict, "A") == ["falling-baseline"]
    assert all("--lower-is-better" in item.detail for item in verdict.findings)
    one = LEVELS | {"C": -100.0}
    verdict = verdict_on(run_set(one, range(1, 21)), run_set(one, range(101, 106), draw=1))
    (finding,) = [item for item in verdict.findings if item.kind == "falling-baseline"]
    assert (finding.severity, finding.env_id) == ("warning", "C")
