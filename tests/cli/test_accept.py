"""A regression that is lived with: shown until it lapses, and compared with meanwhile."""

import json
from datetime import date

import pytest

from rlops import run_sets
from rlops.curves import read_baseline
from tests.cli.commands import ALIKE, COLLAPSED, STEADY, CommandLine, table

BENCHMARK = """
environments = ["A-v1", "B-v1", "C-v1"]
budget = 10_000
code = ["bench.py"]
packages = []
command = ["{python}", "bench.py", "{env_id}", "{seed}"]
"""
ACCEPT = ("--env-id", "B-v1", "--reason", "half the memory", "--author", "Ada", "--until", "2099-12-31")


@pytest.fixture
def worse(rlops: CommandLine) -> str:
    """A stored baseline, and a run set that is worse in B-v1."""
    (rlops.folder / "benchmarks").mkdir()
    (rlops.folder / "bench.py").touch()
    (rlops.folder / "benchmarks" / "bench.toml").write_text(BENCHMARK)
    good = table(rlops.folder / "good.csv", dict.fromkeys(("A-v1", "B-v1", "C-v1"), STEADY))
    assert rlops("baseline", "save", "bench", good).code == 0
    return table(rlops.folder / "bad.csv", {"A-v1": ALIKE, "B-v1": COLLAPSED, "C-v1": ALIKE}, first_seed=101)


def compared(rlops: CommandLine, candidate: str) -> tuple[int, dict[str, str]]:
    ended = rlops("compare", "bench", candidate, "--benchmark", "bench", "--json")
    found = {item["kind"]: item["detail"] for item in json.loads(ended.out)["findings"]}
    return ended.code, found


def test_it_is_compared_with_and_shown_until_it_lapses(
    rlops: CommandLine, worse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compared(rlops, worse)[0] == 1
    ended = rlops("baseline", "accept", "bench", worse, *ACCEPT)
    assert ended.code == 0, ended.err
    assert "accepted: B-v1 until 2099-12-31 by Ada: half the memory" in ended.err

    again = table(rlops.folder / "again.csv", {"A-v1": ALIKE, "B-v1": COLLAPSED, "C-v1": ALIKE}, first_seed=201)
    code, found = compared(rlops, again)
    assert code == 0
    assert "accepted by Ada" in found["accepted-regression"]
    assert "half the memory" in found["accepted-regression"]

    monkeypatch.setattr(run_sets, "today", lambda: date(2100, 1, 1))
    code, found = compared(rlops, again)
    assert code == 1
    assert "lapsed" in found["acceptance-lapsed"]


def test_what_was_there_before_stays_in_the_file(rlops: CommandLine, worse: str) -> None:
    folder = rlops.folder / "baselines"
    before = read_baseline("bench", folder)
    assert rlops("baseline", "accept", "bench", worse, *ACCEPT).code == 0
    assert rlops("baseline", "accept", "bench", worse, *ACCEPT[:3], "another reason", *ACCEPT[4:]).code == 0
    after = read_baseline("bench", folder)
    assert after.environments == before.environments
    (accepted,) = after.accepted
    assert accepted.reason == "another reason"
    own = next(item for item in before.environments if item.env_id == "B-v1")
    assert accepted.environment.random_score == own.random_score
    assert accepted.environment.scale == pytest.approx(accepted.environment.mean - own.random_score)
    held = after.in_force(accepted.until)
    assert [item.env_id for item in held.environments] == ["A-v1", "B-v1", "C-v1"]
    assert held.environments[1] == accepted.environment
    assert held.benchmark_key is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"B-v1": "D-v1"}, "'bench' has no D-v1"),
        ({"2099-12-31": "2001-01-01"}, "2001-01-01: lies in the past"),
        ({"2099-12-31": "soon"}, "does not match"),
    ],
)
def test_what_makes_no_sense_is_refused(rlops: CommandLine, worse: str, changed: dict[str, str], message: str) -> None:
    before = (rlops.folder / "baselines" / "bench.json").read_bytes()
    ended = rlops("baseline", "accept", "bench", worse, *(changed.get(word, word) for word in ACCEPT))
    assert ended.code == 2
    assert message in ended.err
    assert (rlops.folder / "baselines" / "bench.json").read_bytes() == before
