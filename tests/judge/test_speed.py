"""Steps per second: which trainings are pairs, and what is said of them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rlops.judge.speed import pairs
from rlops.plan import Policy
from tests.curve_sets import BUDGET, run, run_set, verdict_on

BEGIN = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def trained(seed, start, seconds, env_id="A", machine="M", process=None, **changes):
    when = datetime.fromtimestamp(BEGIN + start, UTC).isoformat()
    facts = {"fingerprint": machine, "process": process or f"p{start}", "started_at": when, "minutes": seconds / 60}
    return replace(run(env_id, seed, 100.0), **(facts | changes))


def in_turns(count, slower=0.0, env_id="A"):
    """Trainings of 10 s that follow upon each other, every second one the candidate's."""
    before = [trained(i, 22 * i, 10 * (1 + 0.01 * (i % 3)), env_id) for i in range(count)]
    now = [trained(100 + i, 22 * i + 11, 10 * (1 + slower), env_id) for i in range(count)]
    return before, now


def test_neighbours_in_time_are_pairs_whoever_was_first():
    before = [trained(1, 0, 10), trained(2, 30, 10), trained(3, 40, 10)]
    now = [trained(101, 10, 10), trained(102, 20, 10), trained(103, 55, 10)]
    assert [(round(b.start - BEGIN), round(c.start - BEGIN)) for b, c in pairs(before, now)] == [
        (0, 10),
        (30, 20),
        (40, 55),
    ]


@pytest.mark.parametrize(
    "other",
    [
        trained(101, 21, 9),
        trained(101, 10, 10, machine="N"),
        trained(101, 10, 10, machine=None),
        trained(101, 10, 10, env_id="B"),
        trained(101, 10, 10, state="crashed"),
        replace(trained(101, 10, 10), process=None),
        replace(trained(101, 10, 10), started_at=None),
    ],
    ids=["long after", "elsewhere", "machine unknown", "another environment", "crashed", "no process", "no time"],
)
def test_others_are_none(other):
    assert not list(pairs([trained(1, 0, 10)], [other]))


def test_the_runs_of_one_process_are_one_training():
    before = [trained(seed, 0, 5, process="one") for seed in (1, 2, 2)]
    ((training, other),) = pairs(before, [trained(101, 10, 20)])
    assert (training.seconds, training.steps, training.speed) == (10, 2 * BUDGET, BUDGET / 5)
    assert other.speed == BUDGET / 20


def speed_of(before, now, **policy):
    made = run_set({"A": 100.0}, range(1, 21)), run_set({"A": 100.0}, range(101, 111), draw=1)
    sets = (replace(side, runs=(*side.runs, *runs)) for side, runs in zip(made, (before, now), strict=True))
    verdict = verdict_on(*sets, policy=Policy(looks=(), **policy))
    return verdict, [finding for finding in verdict.findings if finding.kind == "steps-per-second"]


def test_a_slower_candidate_is_a_warning_and_touches_no_word():
    before, now = in_turns(24, slower=0.2, env_id="B")
    verdict, (finding,) = speed_of(before, now)
    assert finding.severity == "warning"
    assert "15.8% fewer steps per second" in finding.detail  # 1.01 / 1.2: the middle of 1, 1.01, 1.02
    assert "24 pairs" in finding.detail
    assert {item.env_id: item.verdict for item in verdict.environments}["A"] == "equivalent"


def test_faster_and_unchanged_are_notes():
    _, (finding,) = speed_of(*in_turns(24, slower=-0.2, env_id="B"))
    assert finding.severity == "note"
    assert "more steps per second" in finding.detail
    _, (finding,) = speed_of(*in_turns(24, slower=0.01, env_id="B"))
    assert finding.severity == "note"
    assert "no change of the steps per second is shown" in finding.detail
    assert "would be found with 80 % power" in finding.detail


def test_nothing_is_said_of_few_pairs():
    assert not speed_of(*in_turns(19, slower=0.5, env_id="B"))[1]
