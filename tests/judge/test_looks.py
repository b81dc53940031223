"""The way through the looks: who gets more seeds, when it ends, what a fresh baseline changes."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from rlops.curves import RunSet
from rlops.judge import Confirmation, Word, decide, deliberate, follow
from rlops.plan import EnvironmentPlan, Metric, Plan, Policy, planned_looks
from tests.curve_sets import plan_for, run, run_set

LOOKS = (3, 5, 8, 12, 20)


def constant(n: int, mean: float) -> np.ndarray:
    return mean + np.resize([-1.0, 1.0], n) * 0.1


@dataclass
class Scripted:
    """An environment whose p-values are written down, look by look; the last stays."""

    plan: EnvironmentPlan
    harm: tuple[float, ...] = (0.5,)
    passing: tuple[float, ...] = (0.5,)
    inside: tuple[float, ...] = (0.5,)
    improved: tuple[float, ...] = (0.5,)
    mean: float = 100.0
    fresh: tuple[()] = ()
    seen: list[int] = field(default_factory=list)

    def confirmed_at(self, _look: int) -> bool:
        return False

    def at(self, plan: Plan, look: int, _now: int | None = None) -> "Glanced":
        self.seen.append(look)
        p = [values[min(look, len(values) - 1)] for values in (self.harm, self.passing, self.inside, self.improved)]
        return Glanced(self.plan, look, *p, constant(20, 100.0), constant(plan.looks[look], self.mean),
                       plan.may_pass(plan.looks[look]))  # fmt: skip


@dataclass
class Glanced:
    plan: EnvironmentPlan
    look: int
    p_harm: float
    p_equivalent: float
    p_inside: float
    p_improved: float
    final_baseline: np.ndarray
    final_candidate: np.ndarray
    may_pass: bool
    testable: bool = True
    informed: bool = True
    all_equal: bool = False
    shown_by: tuple[int, ...] = (0,)


def gate(*environments: dict[str, object], strict: bool = True, looks: tuple[int, ...] = LOOKS):
    plans = tuple(
        EnvironmentPlan(name, 100, 100.0, 0.0, "made", 5.0, (20.0,) * 22, 20) for name in "ABCDEF"[: len(environments)]
    )
    plan = Plan("b", Metric(), Policy(strict=strict), plans, 0.1, tuple(range(101, 101 + looks[-1])), looks)
    scripts = [Scripted(own, **script) for own, script in zip(plans, environments, strict=True)]
    course = follow(plan, scripts)
    return course, decide(course, [], frozenset()), scripts


PASSES, OPEN = {"passing": (0.001,)}, {"passing": (0.5,)}


def test_it_ends_at_the_first_look_where_everything_passes():
    course, decision, scripts = gate(PASSES, PASSES, PASSES)
    assert (course.look, decision.word) == (0, Word.EQUIVALENT)
    assert [script.seen for script in scripts] == [[0]] * 3
    assert course.next_seeds() == {}


def test_only_who_is_open_gets_more_seeds():
    course, decision, scripts = gate(PASSES, {"passing": (0.5, 0.5, 0.001)}, PASSES)
    assert (course.look, decision.word) == (2, Word.EQUIVALENT)
    assert [script.seen for script in scripts] == [[0], [0, 1, 2], [0]]
    assert course.seeds() == {"A": (101, 102, 103), "B": tuple(range(101, 109)), "C": (101, 102, 103)}


def test_what_was_passed_once_stays_passed():
    course, decision, _ = gate({"passing": (0.001, 0.5)}, {"passing": (0.5, 0.001)}, PASSES)
    assert (course.look, decision.word) == (1, Word.EQUIVALENT)


def test_who_passes_with_a_small_p_of_harm_is_held():
    """It gets more seeds though it has passed, until its p is above 0.1; not those of the last look."""
    course, _, scripts = gate({**PASSES, "harm": (0.09, 0.08, 0.2)}, PASSES, PASSES)
    assert scripts[0].seen == [0, 1, 2]
    assert scripts[1].seen == [0]
    course, decision, scripts = gate({**PASSES, "harm": (0.09,)}, PASSES, PASSES)
    assert scripts[0].seen == [0, 1, 2, 3]
    assert (course.look, decision.word) == (3, Word.EQUIVALENT)


def test_what_stays_open_is_looked_at_to_the_end():
    course, decision, scripts = gate(OPEN, PASSES, PASSES)
    assert (course.look, course.last, decision.word) == (4, True, Word.INCONCLUSIVE)
    assert scripts[0].seen == [0, 1, 2, 3, 4]
    assert course.next_seeds() == {}


def test_a_regression_ends_it():
    """Level of one look, three environments: 0.05 / (2 x 3 x 5) = 0.00167."""
    course, decision, scripts = gate({"harm": (0.5, 0.0016)}, OPEN, PASSES)
    assert (course.look, decision.word) == (1, Word.REGRESSED)
    assert {name for name, (word, _) in decision.environments.items() if word is Word.REGRESSED} == {"A"}
    assert scripts[1].seen == [0, 1]
    assert gate({"harm": (0.0017,)}, OPEN, PASSES)[1].word is Word.INCONCLUSIVE


def test_one_environment_alone_has_the_level_of_the_look():
    """0.05 / 5 = 0.01."""
    assert gate({"harm": (0.01,)})[1].word is Word.REGRESSED
    assert gate({"harm": (0.0101,)})[1].word is Word.INCONCLUSIVE


def test_a_slow_start_is_a_regression_that_says_where():
    levels = {"A": 100.0, "B": 100.0}
    slow = run_set(levels, range(101, 109), draw=1)
    late = [
        replace(run, curve=replace(run.curve, values=np.interp(run.curve.steps / 2, run.curve.steps, run.curve.values)))
        for run in slow.of("B")
    ]
    candidate = replace(slow, runs=(*slow.of("A"), *(replace(run, curve_sha256=str(run.seed)) for run in late)))
    baseline = run_set(levels, range(1, 21))
    decision = deliberate(baseline, candidate, plan_for(baseline)).decision
    word, note = decision.environments["B"]
    assert word is Word.REGRESSED
    assert note.startswith("worse on the way rather than at the end: ")


def test_harm_that_is_shown_to_be_inside_the_margin_is_no_regression():
    small = {"harm": (0.001,), "inside": (0.001,), "passing": (0.001,)}
    course, decision, _ = gate(small, PASSES, PASSES)
    assert decision.environments["A"] == (Word.EQUIVALENT, "measurably lower, inside the margin")
    assert (decision.word, course.look) == (Word.EQUIVALENT, 3)


def test_with_few_environments_three_seeds_never_pass():
    course, decision, _ = gate(PASSES, PASSES)
    assert (course.look, decision.word) == (1, Word.EQUIVALENT)
    course, decision, _ = gate(PASSES, PASSES, looks=(3,))
    assert decision.word is Word.INCONCLUSIVE
    assert "5 candidate seeds are the least" in decision.environments["A"][1]


def test_with_few_environments_a_loss_inside_the_margin_is_open_at_three_seeds():
    small = {"harm": (0.001,), "inside": (0.001,), "passing": (0.001,)}
    _, decision, _ = gate(small, PASSES, looks=(3,))
    assert decision.word is Word.INCONCLUSIVE


def test_all_together_may_be_worse_where_none_is_by_itself():
    """Stouffer of six p of 0.06: 6 x 1.555 / sqrt(6) = 3.81, p = 0.00007, below 0.05 / (2 x 5)."""
    lower = {"harm": (0.06,), "mean": 88.0}
    course, decision, _ = gate(*[lower] * 6)
    assert (course.look, decision.word) == (0, Word.REGRESSED)
    assert {word for word, _ in decision.environments.values()} == {Word.INCONCLUSIVE}
    assert course.suite.p_harm == pytest.approx(0.00007, abs=0.000005)


def test_all_together_worse_by_less_than_matters_is_no_regression():
    course, decision, _ = gate(*[{"harm": (0.06,), "mean": 99.0, **PASSES}] * 6)
    assert course.suite.harm
    assert course.suite.within_margin
    assert decision.word is Word.EQUIVALENT


def test_without_strictness_all_go_on_until_the_mean_passes():
    course, decision, scripts = gate(OPEN, OPEN, OPEN, strict=False)
    assert (course.look, decision.word) == (0, Word.EQUIVALENT)
    course, decision, scripts = gate({**OPEN, "mean": 85.0}, {**PASSES, "mean": 85.0}, PASSES, strict=False)
    assert [script.seen for script in scripts] == [[0, 1, 2, 3, 4]] * 3
    assert decision.word is Word.INCONCLUSIVE


def test_improved_is_who_passes_and_is_better_by_the_same_levels():
    better = {**PASSES, "improved": (0.0016,)}
    assert gate(better, PASSES, PASSES)[1].word is Word.IMPROVED
    assert gate({**better, "improved": (0.0017,)}, PASSES, PASSES)[1].word is Word.EQUIVALENT
    assert gate({**better, "passing": (0.5,)}, PASSES, PASSES)[1].word is Word.INCONCLUSIVE


def test_asked_again_with_more_data_it_takes_the_same_way():
    levels = {"A": 100.0, "B": 100.0}
    baseline, candidate = (
        run_set(levels, range(1, 21)),
        run_set(levels | {"B": 92.0}, range(101, 121), spread=9, draw=3),
    )
    plan = replace(plan_for(baseline, seeds=tuple(range(101, 121))), looks=LOOKS)
    known = [deliberate(baseline, candidate.select(None, frozenset(range(101, 101 + n))), plan, until=look)
             for look, n in enumerate(LOOKS)]  # fmt: skip
    whole = deliberate(baseline, candidate, plan)
    same = known[whole.decision.course.look]
    assert same.decision.word is whole.decision.word
    assert [one.glance.p_harm for one in same.comparisons] == [one.glance.p_harm for one in whole.comparisons]
    assert [len(one.candidate) for one in same.comparisons] == [len(one.candidate) for one in whole.comparisons]


def test_seeds_of_later_looks_are_not_missing():
    baseline, candidate = run_set({"A": 100.0}, range(1, 21)), run_set({"A": 100.0}, range(101, 106), draw=1)
    plan = replace(plan_for(baseline, seeds=tuple(range(101, 121))), looks=LOOKS)
    case = deliberate(baseline, candidate, plan, until=1)
    assert (case.decision.word, case.findings) == (Word.EQUIVALENT, [])
    short = deliberate(baseline, candidate.select(None, frozenset(range(101, 105))), plan, until=1)
    assert short.decision.word is Word.FAILED


class TestConfirmation:
    """A baseline that was lucky: its stored runs score 10 higher than its code does."""

    plan = replace(plan_for(run_set({"A": 110.0}, range(1, 21), spread=3), seeds=tuple(range(101, 104))), looks=(3,))
    stored, fresh = run_set({"A": 110.0}, range(1, 21), spread=3), run_set({"A": 75.0}, range(201, 211), spread=3)
    candidate = run_set({"A": 90.0}, range(101, 104), spread=3, draw=1)

    def test_fresh_runs_are_pooled_and_asked_at_the_same_level(self):
        first = deliberate(self.stored, self.candidate, self.plan, until=0)
        assert first.decision.word is Word.REGRESSED
        assert first.decision.course.to_confirm() == [0]
        case = deliberate(
            self.stored, self.candidate, self.plan, confirmation=Confirmation(self.fresh, {"A": 0}), until=0
        )
        assert case.decision.word is Word.INCONCLUSIVE
        (comparison,) = case.comparisons
        assert len(comparison.baseline) == 30
        assert len(case.baseline.runs) == 30
        (finding,) = [item for item in case.findings if item.kind == "asked-again"]
        assert "not to be seen again" in finding.detail
        assert finding.seeds == tuple(range(201, 211))

    def test_what_is_seen_again_is_said_to_be(self):
        fresh = run_set({"A": 110.0}, range(201, 211), spread=3)
        case = deliberate(self.stored, self.candidate, self.plan, confirmation=Confirmation(fresh, {"A": 0}), until=0)
        assert case.decision.word is Word.REGRESSED
        assert case.decision.course.to_confirm() == []
        assert "still worse" in next(item.detail for item in case.findings if item.kind == "asked-again")

    def test_looks_before_it_are_as_they_were(self):
        plan = replace(self.plan, seeds=tuple(range(101, 106)), looks=(3, 5))
        candidate = run_set({"A": 110.0}, range(101, 106), spread=3, draw=2)
        early = deliberate(self.stored, candidate, plan, confirmation=Confirmation(self.fresh, {"A": 1}), until=0)
        assert len(early.comparisons[0].baseline) == 20

    def test_who_had_passed_is_asked_again_with_the_seeds_that_it_has(self):
        """All together are worse at the second look, to which A gave no seeds: none of its runs is missing."""
        levels = {"A": 100.0, "B": 100.0}
        stored, fresh = run_set(levels, range(1, 21)), run_set(levels, range(201, 211), draw=1)
        scores = {101: 100.0, 102: 99.0, 103: 101.0, 104: 98.0, 105: 60.0, 106: 30.0, 107: 20.0, 108: 40.0}
        a = run_set({"A": 100.0}, range(101, 106), draw=2)
        candidate = RunSet("made by hand", (*a.runs, *(run("B", seed, score) for seed, score in scores.items())))
        plan = replace(plan_for(stored, seeds=tuple(range(101, 109))), looks=(5, 8))
        before = deliberate(stored, candidate, plan, until=1)
        assert before.decision.word is Word.REGRESSED
        assert before.decision.course.seeds() == {"A": tuple(range(101, 106)), "B": tuple(range(101, 109))}
        case = deliberate(stored, candidate, plan, confirmation=Confirmation(fresh, {"A": 1, "B": 1}), until=1)
        assert case.decision.word is Word.REGRESSED
        assert case.decision.course.seeds() == before.decision.course.seeds()
        assert "missing-seeds" not in {item.kind for item in case.findings}
        assert [(len(one.baseline), len(one.candidate)) for one in case.comparisons] == [(30, 5), (30, 8)]
        p = [one.glance.p_harm for one in case.comparisons]
        assert p[0] != before.comparisons[0].glance.p_harm


@pytest.mark.parametrize(
    ("seeds", "looks"), [(20, LOOKS), (10, (3, 5, 8, 10)), (5, (3, 5)), (3, (3,)), (2, (2,)), (40, (*LOOKS, 40))]
)
def test_looks_end_with_the_last_seed(seeds, looks):
    assert planned_looks(Policy(), seeds) == looks


def test_without_looks_there_is_one_at_the_end():
    assert planned_looks(Policy(looks=()), 7) == (7,)
