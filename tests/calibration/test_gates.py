"""The calibration in small: simulated environments through the product's own looks and verdicts.

Deterministic. What is asserted lies far from what was found: a judge that is right passes with any seed.
"""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.calibration.gates import counting_small_losses, gates, line, tally
from benchmarks.calibration.looks import LOOKS, Looked, look_at
from benchmarks.calibration.passes import let_through
from benchmarks.calibration.populations import LOSS_50, NONE, QUIET, SLOW_START, Effect
from rlops.judge import Word
from rlops.plan import Policy

KINDS = QUIET.types[::2]


def looked(effect: Effect | str, each: int) -> Looked:
    rng = np.random.default_rng(5)
    parts = [look_at(kind, effect, each, rng) for kind in KINDS]
    return Looked(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})


@pytest.fixture(scope="module")
def unchanged() -> Looked:
    return looked(NONE, 60)


def judged(tables, policy=Policy(), **options):
    return tally(gates(tables, np.random.default_rng(0)), policy, **options)


@pytest.mark.parametrize("size", [1, 3, 10])
def test_nothing_has_changed(unchanged: Looked, size: int) -> None:
    found = judged([(unchanged, size)])
    assert found.gates == 240 // size
    assert found.share(Word.REGRESSED) <= 0.05  # of 240, 80, 24; the rate that 140,000 gave is 1 %
    assert found.share(Word.EQUIVALENT) >= 0.9
    assert 3 <= found.seeds <= 8


def test_never_stopped_for_a_pass_it_keeps_its_level_and_costs_all_looks(unchanged: Looked) -> None:
    found = judged([(unchanged, 3)], stop_for_a_pass=False)
    assert found.share(Word.REGRESSED) <= 0.1
    assert found.seeds > 0.9 * LOOKS[-1]
    assert found.bound(Word.REGRESSED) > found.share(Word.REGRESSED)


def test_a_large_loss_in_one_is_found(unchanged: Looked) -> None:
    found = judged([(looked(LOSS_50, 4), 1), (unchanged, 9)])
    assert found.share(Word.REGRESSED) == 1
    assert found.seeds < 5


def test_a_slow_start_is_found_though_the_end_is_the_same(unchanged: Looked) -> None:
    slow = looked(SLOW_START, 5)
    found = judged([(slow, 1), (unchanged, 2)])
    assert found.share(Word.REGRESSED) >= 0.7
    every_loss = [(counting_small_losses(table), each) for table, each in ((slow, 1), (unchanged, 2))]
    assert judged(every_loss).share(Word.REGRESSED) >= found.share(Word.REGRESSED)


def test_a_loss_of_the_printed_margin_never_passes() -> None:
    found = judged([(looked("printed margin", 5), 1)])
    assert found.share(Word.EQUIVALENT) == 0
    assert found.share(Word.REGRESSED) >= 0.9


def test_looks_that_no_gate_comes_to_are_not_made_up() -> None:
    sure = looked(LOSS_50, 2)
    assert np.isnan(sure.p_harm).any()
    hidden = replace(sure, p_harm=np.where(np.isnan(sure.p_harm), 0.5, sure.p_harm))
    assert judged([(sure, 1)]).words == judged([(hidden, 1)]).words


def test_the_pass_test_alone_keeps_beta() -> None:
    printed, true = let_through(KINDS[1], 300, np.random.default_rng(0))
    assert 0.005 < printed < 0.11  # 5 % +- 1.3 %
    assert true < 0.2


def test_a_line_of_the_table(unchanged: Looked) -> None:
    text = line("quiet", judged([(unchanged, 10)], Policy(alpha=0.01)))
    assert text.startswith("quiet ")
    assert "24" in text.split()
