"""What a plan can show, by numbers that can be worked out by hand."""

import math

import pytest

from rlops.judge import outlook
from rlops.plan import EnvironmentPlan, Metric, Plan, Policy, planned_looks
from rlops.stats import minimum_detectable_effect

# statistics.md: stored seeds needed to name one of m environments at the first of five looks.
STORED = {
    0.05: {1: 7, 3: 14, 6: 18, 10: 21, 20: 27, 57: 39},
    0.01: {1: 13, 3: 25, 6: 32, 10: 38, 20: 48, 57: 68},
}


def environment(n_baseline: int = 20, *, mean: float = 100.0, spread: float = 10.0, name: str = "A") -> EnvironmentPlan:
    margin = max(0.2 * mean, 1.5 * spread)
    return EnvironmentPlan(name, 100, mean, 0.0, "made", spread, (margin,) * 22, n_baseline)


def plan_of(*environments: EnvironmentPlan, seeds: int = 20, **policy: object) -> Plan:
    rules = Policy(**policy)
    looks = planned_looks(rules, seeds)
    return Plan("b", Metric(), rules, environments, 0.1, tuple(range(101, 101 + seeds)), looks)


def many(m: int, n_baseline: int = 20) -> list[EnvironmentPlan]:
    return [environment(n_baseline, name=f"E{i}") for i in range(m)]


CASES = [(alpha, m, stored) for alpha, row in STORED.items() for m, stored in row.items()]


@pytest.mark.parametrize(("alpha", "m", "stored"), CASES)
def test_stored_seeds_for_a_name_at_the_first_look(alpha: float, m: int, stored: int) -> None:
    enough, too_few = (outlook(plan_of(*many(m, n), alpha=alpha)) for n in (stored, stored - 1))
    assert enough.stored_seeds == too_few.stored_seeds == stored
    assert {item.named_from for item in enough.environments} == {3}
    assert enough.looks[0].nameable == m
    assert {item.named_from for item in too_few.environments} == {5}
    assert [look.nameable for look in too_few.looks] == [0, m, m, m, m]


def test_the_levels_are_those_of_one_look() -> None:
    found = outlook(plan_of(*many(3)))
    assert found.level_named == pytest.approx(0.05 / (2 * 3 * 5))
    assert found.level_together == pytest.approx(0.05 / (2 * 5))


def test_the_smallest_loss_is_that_of_the_t_test_in_units_of_the_scale() -> None:
    (item,) = outlook(plan_of(environment(mean=200.0, spread=10.0))).environments
    for look in item.looks:
        spreads = minimum_detectable_effect(20, look.seeds, 0.01)
        assert look.detectable == pytest.approx(spreads * 10 / 200)
    found = [look.detectable for look in item.looks]
    assert found == sorted(found, reverse=True)


def test_what_cannot_be_named_has_no_smallest_loss() -> None:
    """With 6 stored and 3 candidate seeds there are 84 labellings, and the level is 1 in 100."""
    (item,) = outlook(plan_of(environment(6))).environments
    assert [look.nameable for look in item.looks] == [False, True, True, True, True]
    assert item.looks[0].detectable is None
    assert item.looks[1].detectable is not None


def test_three_seeds_pass_from_three_environments_on() -> None:
    passing = [[look.may_pass for look in outlook(plan_of(*many(m))).looks] for m in (1, 2, 3)]
    assert passing == [[False, True, True, True, True]] * 2 + [[True] * 5]


def test_a_pass_needs_a_p_that_small() -> None:
    """Two stored seeds against 5 have 21 labellings, against 20 they have 231; beta is shared among the looks."""
    few = plan_of(environment(2), environment(20, name="B"), environment(20, name="C"), alpha=0.3)
    levels = few.pass_levels(2)
    expected = [1 / math.comb(2 + k, k) <= level for k, level in zip(few.looks, levels, strict=True)]
    found = outlook(few)
    assert [look.may_pass for look in found.environments[0].looks] == expected
    assert not expected[0]
    assert expected[-1]
    assert [look.may_pass for look in found.looks] == expected, "when strict the benchmark waits for every environment"
    loose = outlook(plan_of(environment(2), environment(20, name="B"), environment(20, name="C"), strict=False))
    assert all(look.may_pass for look in loose.looks)


def test_one_candidate_seed_shows_nothing() -> None:
    (look,) = outlook(plan_of(*many(3), seeds=1, strict=False, alpha=0.9)).looks
    assert (look.nameable, look.together, look.may_pass) == (0, False, False)


def test_all_together() -> None:
    """One environment is no suite; uninformative ones have no say in it."""
    assert not any(look.together for look in outlook(plan_of(environment())).looks)
    assert all(look.together for look in outlook(plan_of(*many(2))).looks)
    flat = [environment(mean=5.0, spread=10.0, name=name) for name in "AB"]
    assert not any(look.together for look in outlook(plan_of(*flat)).looks)
    # Each alone: 1 / C(8, 3) = .018. Both: Phi(sqrt(2) Phi^-1(.018)) = .0015, which a level of .005 reaches.
    five = outlook(plan_of(*many(2, 5)))
    assert (five.looks[0].nameable, five.looks[0].together) == (0, True)


class TestSeedsNeeded:
    def test_the_margin_is_asked_about_by_default(self) -> None:
        (item,) = outlook(plan_of(environment(mean=100.0, spread=10.0))).environments
        assert item.margin == item.effect == pytest.approx(0.2)
        needed = item.seeds_needed
        assert minimum_detectable_effect(20, needed, 0.01) <= 2.0 < minimum_detectable_effect(20, needed - 1, 0.01)

    def test_a_smaller_loss_takes_more(self) -> None:
        plan = plan_of(environment(mean=100.0, spread=10.0))
        large, small, tiny = (outlook(plan, effect).environments[0] for effect in (0.4, 0.12, 0.01))
        assert small.effect == pytest.approx(0.12)
        assert large.seeds_needed < small.seeds_needed
        assert tiny.seeds_needed is None

    def test_enough_power_is_not_enough_where_no_labelling_is_so_rare(self) -> None:
        """The level .01 takes 1 / C(7 + n, n): n = 3 has 120, two have 36."""
        (item,) = outlook(plan_of(environment(7, spread=0.0))).environments
        assert item.seeds_needed == 3
        (item,) = outlook(plan_of(environment(7, spread=1e-9))).environments
        assert item.seeds_needed == 3

    @pytest.mark.parametrize("effect", [None, 0.2])
    def test_without_a_scale_there_is_no_share(self, effect: float | None) -> None:
        (item,) = outlook(plan_of(environment(mean=-5.0)), effect).environments
        assert (item.margin, item.effect, item.looks[-1].detectable) == (None, None, None)
        assert (item.seeds_needed is None) == (effect is not None), "the margin is in units of the score"


class TestSentences:
    def test_a_gate_that_can_do_everything(self) -> None:
        text = " ".join(outlook(plan_of(*many(3))).sentences())
        assert "any environment alone can be named from 3 candidate seeds on." in text
        assert "All environments together can be called worse from 3 candidate seeds on." in text
        assert "A pass can be proven from 3 candidate seeds on." in text
        assert "at most 5 % of the gates say regressed" in text
        assert "If an environment loses as much as its margin, at most 5 % pass." in text

    def test_a_gate_that_cannot(self) -> None:
        environments = [environment(20), *(environment(2, name=f"B{i}") for i in range(6))]
        text = " ".join(outlook(plan_of(*environments, alpha=0.001, beta=0.01, seeds=3)).sentences())
        assert "No look can name a regression of any environment alone, however large; with " in text
        assert "No look can pass" in text
        assert "How small a loss is found cannot be said." in text
        assert "at most 0.1 % of the gates say regressed" in text

    def test_environments_are_grouped_by_their_first_look(self) -> None:
        """The level is 1 in 1,400. 5 stored seeds: C(13, 8) = 1,287, C(17, 12) = 6,188; 19 stored: C(22, 3) = 1,540."""
        environments = [environment(20), *(environment(5, name=f"B{i}") for i in range(6))]
        first, second = outlook(plan_of(*environments)).sentences()[:2]
        assert first == "A regression of A alone can be named from 3 candidate seeds on."
        assert second.startswith("A regression of B0, B1, B2, B3 and 2 more alone can be named from 12 candidate seeds")
        assert second.endswith("; with 19 stored seeds at the first look.")


def test_a_plan_without_looks_has_none() -> None:
    with pytest.raises(ValueError, match="without looks"):
        outlook(Plan("b", Metric(), Policy(), (environment(),), 0.1))


def test_a_loss_below_the_margin_passes_and_that_is_said() -> None:
    small, large = (" ".join(outlook(plan_of(environment()), effect=effect).sentences()) for effect in (0.05, 0.5))
    assert "smaller than the margin in A" in small
    assert "smaller than the margin" not in large
