"""What one look gives, on columns made by hand."""

import numpy as np
import pytest

from rlops.curves import COLUMNS
from rlops.judge.samples import Samples
from rlops.plan import EnvironmentPlan, Metric, Plan, Policy

MARGIN = 20.0
EARLY, WIDE = (COLUMNS.index(f"{share} % of the budget") for share in ("5-10", "20-25"))


def plan(margin: float = MARGIN) -> Plan:
    environment = EnvironmentPlan("A", 100, 100.0, 0.0, "made", 1.0, (margin,) * len(COLUMNS), 20)
    return Plan(None, Metric(), Policy(), (environment,), 0.1, tuple(range(8)), (3, 8))


def glance(losses: dict[int, float], spreads: dict[int, float] | None = None, look: int = 1):
    rng = np.random.default_rng(0)
    spread = np.array([(spreads or {}).get(column, 1.0) for column in range(len(COLUMNS))])
    baseline, candidate = (100 + spread * rng.normal(size=(n, len(COLUMNS))) for n in (20, 8))
    for column, loss in losses.items():
        candidate[:, column] -= loss
    return Samples(plan().environments[0], baseline, candidate).at(plan(), look)


def test_a_bin_of_small_loss_that_is_sure_does_not_excuse_one_of_large_loss():
    """The early bin is quiet and shows the harm; what matters is lost in the bin that varies more."""
    seen = glance({EARLY: 10.0, WIDE: 25.0}, {EARLY: 0.1, WIDE: 6.0})
    assert seen.shown_by == (EARLY,)
    assert seen.p_harm < 0.001
    assert seen.p_inside > 0.5
    assert glance({EARLY: 10.0}, {EARLY: 0.1, WIDE: 6.0}).p_inside < 0.01


def test_what_the_score_shows_is_held_against_the_margin_of_the_score():
    assert glance({0: 10.0}, {0: 0.1, 5: 30.0}).shown_by == (0,)
    assert glance({0: 10.0}, {0: 0.1, 5: 30.0}).p_inside < 0.01
    assert glance({0: 25.0}, {0: 0.1, 5: 30.0}).p_inside > 0.99


@pytest.mark.parametrize("look", [0, 1])
def test_the_p_of_the_worst_column_counts(look):
    inside, outside = (glance({EARLY: loss}, {EARLY: 0.1}, look) for loss in (MARGIN - 2, MARGIN + 2))
    assert inside.p_inside < 0.01 < 0.9 < outside.p_inside
