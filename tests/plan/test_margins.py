"""Margins by hand-computed numbers."""

import pytest

from rlops.plan import EnvironmentPlan, Margins, environment_margin, suite_margin


def environment(mean: float, spread: float, random_score: float = 0.0) -> EnvironmentPlan:
    return EnvironmentPlan(
        "E", 100, mean, random_score, "first 5 % of the curves", spread, margins=(0.0,) * 22, n_baseline=20
    )


@pytest.mark.parametrize(
    ("scale", "spread", "margin"),
    [
        (100.0, 10.0, 20.0),  # 20 % of 100 beats 1.5 x 10
        (100.0, 20.0, 30.0),  # 1.5 x 20 beats 20
        (0.0, 4.0, 6.0),
        (-50.0, 4.0, 6.0),  # a baseline below the random policy has no scale, and still a spread
        (0.0, 0.0, 0.0),
    ],
)
def test_of_an_environment(scale: float, spread: float, margin: float) -> None:
    assert environment_margin(Margins(), scale, spread) == pytest.approx(margin)


def test_of_an_environment_with_other_settings() -> None:
    margins = Margins(scale_fraction=0.5, spreads=3)
    assert environment_margin(margins, 100, 10) == 50
    assert environment_margin(margins, 100, 30) == 90


@pytest.mark.parametrize(
    ("environments", "margin"),
    [
        ([environment(100, 10)], 0.15),  # 1.5 x 0.1
        ([environment(100, 10), environment(200, 20)], 0.106066),  # 1.5 x sqrt(0.1^2 + 0.1^2) / 2
        ([environment(100, 30), environment(500, 200)], 0.375),  # 1.5 x sqrt(0.3^2 + 0.4^2) / 2
        ([environment(100, 1)] * 4, 0.10),  # 1.5 x 0.02 / 4 is below the floor of 10 %
        ([environment(150, 10, random_score=50)], 0.15),  # the scale counts, not the mean
        ([environment(100, 10), environment(10, 20)], 0.15),  # learned less than the spread: left out
        ([environment(10, 20)], 0.10),  # nothing informative: the floor
        ([], 0.10),
    ],
)
def test_of_the_suite(environments: list[EnvironmentPlan], margin: float) -> None:
    assert suite_margin(Margins(), environments) == pytest.approx(margin, abs=1e-6)


@pytest.mark.parametrize(
    ("mean", "spread", "random_score", "informative"),
    [(10, 9, 0, True), (10, 10, 0, False), (10, 1, 9.5, False), (-100, 10, -500, True), (-500, 0, -100, False)],
)
def test_informative_means_learned_more_than_the_seeds_differ(
    mean: float, spread: float, random_score: float, informative: bool
) -> None:
    assert environment(mean, spread, random_score).informative is informative
