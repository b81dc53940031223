"""`rlops bisect` on a prepared history: harmless edits, a text, a commit taken back, a broken one, a planted loss."""

import json
import re
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rlops.plan import Repository, code_path
from tests.cli.commands import CommandLine
from tests.launch.dummies import Rlops
from tests.versions.quick import Gate, trainer

DOCS = Path(__file__).parents[2] / "docs" / "bisect.md"
BASELINE, CANDIDATE, FIRST_FRESH = 10, 5, 106
"""Runs of the ends in an environment, and the first seed that tests take: after the benchmark's 101-105."""
LOSS = "100 + noise - 40 * (env_id == 'B-v0')"
"""`noise` is 2 wide: a drop of twenty spreads, in one of the two environments."""


def harmless(number: int, level: str = "100 + noise") -> str:
    return trainer(f"{level} + {number} * 1e-6")


@pytest.fixture
def history(gate: Gate) -> dict[str, str]:
    """Name -> commit; twelve after `start`, of which `bug` is to blame and `broken` cannot be trained."""
    repository = gate.repository
    benchmark = (repository.root / "benchmarks" / "own.toml").read_text()
    repository.write("benchmarks/own.toml", benchmark.replace('baseline = "1-3"', f'baseline = "1-{BASELINE}"'))
    made = {"start": repository.commit("Start")}
    for number in (1, 2, 3):
        made[f"{number}"] = repository.commit(f"Edit {number}", **{"train.py": harmless(number)})
    made["text"] = repository.commit("Say more", **{"README.md": "ho\n"})
    made["wrong"] = repository.commit("A wrong way", **{"train.py": trainer("20 + noise")})
    made["revert"] = repository.commit("Back again", **{"train.py": harmless(3)})
    made["before"] = repository.commit("Edit 4", **{"train.py": harmless(4)})
    made["bug"] = repository.commit("Tidy \x1b[31mup", **{"train.py": harmless(5, LOSS)})
    made["after"] = repository.commit("Edit 6", **{"train.py": harmless(6, LOSS)})
    made["broken"] = repository.commit("Half done", **{"train.py": "raise SystemExit('half done')\n"})
    made["7"] = repository.commit("Edit 7", **{"train.py": harmless(7, LOSS)})
    made["end"] = repository.commit("Edit 8", **{"train.py": harmless(8, LOSS)})
    return made


def asked(rlops: CommandLine, good: str, bad: str, *options: str) -> dict[str, Any]:
    ended = rlops("bisect", good, bad, "--benchmark", "own", "--json", *options)
    record: dict[str, Any] = json.loads(ended.out)
    assert record["exit_code"] == ended.code
    return record


def test_the_culprit_is_found_and_asking_again_costs_nothing(
    gate: Gate, rlops: CommandLine, history: dict[str, str]
) -> None:
    record = asked(rlops, history["start"], "HEAD")
    assert [(one["commit"], one["subject"], one["author"]) for one in record["culprits"]] == [
        (history["bug"], "Tidy up", "a")
    ]
    assert (record["found"], record["exit_code"], record["env_id"]) == ("culprit", 0, "B-v0")
    assert record["probability"] >= record["confidence"] == 0.95
    assert record["drop"]["interval"][0] < 40 < record["drop"]["interval"][1]
    # Of twelve commits a text, and a wrong way that was taken back, cannot be to blame.
    assert (record["commits"], record["left_out"]) == (12, 3)
    assert {test["commit"] for test in record["tests"]}.isdisjoint(
        history[name] for name in ("text", "wrong", "revert")
    )
    ends = 2 * (BASELINE + CANDIDATE)
    assert record["cells_trained"] == ends + record["runs"] == len(gate.repository.starts) + broken_runs(record)
    seeds = [seed for test in record["tests"] for seed in test["seeds"]]
    assert seeds == list(range(FIRST_FRESH, FIRST_FRESH + record["runs"]))

    explained = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", DOCS.read_text(), flags=re.MULTILINE)))
    assert set(record) == set(explained)

    again = asked(rlops, history["start"], "HEAD")
    assert again == {**record, "cells_trained": 0}
    text = rlops("bisect", history["start"], "HEAD", "--benchmark", "own")
    assert text.out.startswith("This made it worse, with probability ")
    assert "Tidy up" in text.out
    assert "\x1b" not in text.out
    assert f"next     rlops run own git:{history['before'][:12]} git:{history['bug'][:12]}" in text.out
    assert "12 commits from" in text.err


def broken_runs(record: dict[str, Any]) -> int:
    """Runs of the commit that fails before it leaves its line in the file of starts."""
    broken = {one["commit"] for one in record["broken"]}
    return sum(len(test["seeds"]) for test in record["tests"] if test["commit"] in broken)


def test_the_command_that_it_ends_with_proves_the_loss(rlops: CommandLine, history: dict[str, str]) -> None:
    run, compare = asked(rlops, history["start"], "HEAD")["next_command"].split(" && ")
    assert rlops(*run.split()[1:]).code == 0
    assert rlops(*(word.strip("'") for word in compare.split()[1:])).code == 1


@pytest.mark.parametrize("how", ["fails", "is not there", "logs another metric"])
def test_a_culprit_beside_a_broken_commit(gate: Gate, rlops: CommandLine, how: str) -> None:
    made = [gate.repository.commit("start", **{"train.py": harmless(0)})]
    if how == "is not there":
        gate.repository.git("rm", "--quiet", "train.py")
        made.append(gate.repository.commit("half"))
    else:
        source = "raise SystemExit('half done')\n" if how == "fails" else trainer().replace('"score"', '"reward"')
        made.append(gate.repository.commit("half", **{"train.py": source}))
    made.append(gate.repository.commit("loss", **{"train.py": harmless(1, LOSS)}))
    made.append(gate.repository.commit("more", **{"train.py": harmless(2, LOSS)}))
    record = asked(rlops, made[0], "HEAD", "--env-id", "B-v0")
    assert [one["commit"] for one in record["culprits"]] == made[1:3]
    assert [one["subject"] for one in record["broken"]] == ["half"]
    ended = rlops("bisect", made[0], "HEAD", "--benchmark", "own", "--quiet")
    assert ended.out.startswith("One of these made it worse")
    assert not any(line.startswith("own:") for line in ended.err.splitlines())

    record = asked(rlops, made[0], made[2], "--env-id", "B-v0")
    assert (record["found"], record["exit_code"], record["culprits"]) == ("failed", 4, record["culprits"])
    assert rlops("bisect", made[0], made[2], "--benchmark", "own").out.startswith("Every commit between the two failed")


def test_no_loss(gate: Gate, rlops: CommandLine, history: dict[str, str]) -> None:
    """Equal code costs nothing; code that learns alike is not accused."""
    starts = len(gate.repository.starts)
    record = asked(rlops, history["3"], history["revert"])
    assert (record["found"], record["exit_code"], record["cells_trained"]) == ("none", 3, 0)
    assert len(gate.repository.starts) == starts
    record = asked(rlops, history["start"], history["before"], "--runs", "8")
    assert record["exit_code"] == 3
    assert not record["culprits"]
    assert record["runs"] <= 8


def rising(steps: int) -> str:
    """Every seed reaches 100, each in its own time."""
    points = f"[(s, repr(min(100.0, 100 * s / ({steps} + 10 * noise)))) for s in range(10, 1001, 10)]"
    return trainer(f"0) and list({points}")


def test_scores_that_are_all_equal(gate: Gate, rlops: CommandLine) -> None:
    """The later version is quicker, and both end where there is nothing more to be had."""
    gate.repository.commit("one", **{"train.py": rising(400)})
    gate.repository.commit("other", **{"train.py": rising(200)})
    ended = rlops("bisect", "HEAD~1", "HEAD", "--benchmark", "own")
    assert ended.code == 3, ended.err
    assert ended.out.startswith("No commit is to blame: every run of both ends has the same score.")


def test_the_limit_of_runs(rlops: CommandLine, history: dict[str, str]) -> None:
    ended = rlops("bisect", history["start"], "HEAD", "--benchmark", "own", "--runs", "1", "--confidence", "0.999")
    assert ended.code == 3
    assert "Not decided after 1 runs (--runs 1)" in ended.out
    assert "none: nothing that matters was lost" in ended.out


def test_known_cells_of_the_ends_are_used(gate: Gate, rlops: CommandLine, history: dict[str, str]) -> None:
    assert rlops("run", "own", f"git:{history['start']}", "--seeds", f"1-{BASELINE}").code == 0
    before = len(gate.repository.starts)
    record = asked(rlops, history["start"], "HEAD")
    trained = len(gate.repository.starts) - before
    assert trained == 2 * CANDIDATE + record["runs"] - broken_runs(record)
    assert len(record["good"]["scores"]) == BASELINE


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere", "HEAD", "--benchmark", "own"), "git knows no commit 'nowhere'"),
        (("HEAD", "HEAD~1", "--benchmark", "own"), "is no ancestor"),
        (("HEAD~1", "HEAD", "--benchmark", "other"), "no benchmark at"),
        (("HEAD~1", "HEAD", "--benchmark", "own", "--env-id", "C-v0"), "it has: A-v0, B-v0"),
        (("HEAD~1", "HEAD", "--benchmark", "own", "--confidence", "1"), "--confidence"),
        (("HEAD~1", "HEAD", "--benchmark", "own", "--runs", "0"), "--runs"),
        (("HEAD~1", "HEAD"), "--benchmark"),
    ],
)
def test_errors(rlops: CommandLine, history: dict[str, str], arguments: tuple[str, ...], said: str) -> None:
    ended = rlops("bisect", *arguments)
    assert (ended.code, said in ended.err) == (2, True), ended.err


def test_an_end_that_cannot_be_trained(rlops: CommandLine, history: dict[str, str]) -> None:
    ended = rlops("bisect", history["bug"], history["broken"], "--benchmark", "own")
    assert ended.code == 4
    assert "git bisect run" in ended.err


class TestPath:
    def test_a_merge_is_one_commit(self, gate: Gate) -> None:
        """And one that changes what is trained only by what it merges is on the path."""
        repository = gate.repository
        start = repository.git("rev-parse", "HEAD")
        repository.branch("feature")
        inner = [repository.commit(f"part {i}", **{"train.py": harmless(i)}) for i in (1, 2)]
        repository.git("checkout", "--quiet", "main")
        own = repository.commit("text", **{"README.md": "ho\n"})
        repository.git("merge", "--quiet", "--no-ff", "--no-edit", "feature")
        merge = repository.git("rev-parse", "HEAD")
        found = code_path(Repository.around(repository.root), start, "HEAD", ["train.py"])
        assert found.commits == (start, merge)
        assert (found.total, found.left_out) == (2, 1)
        assert own not in found.commits
        with pytest.raises(Exception, match="came in by a merge"):
            code_path(Repository.around(repository.root), inner[0], "HEAD", ["train.py"])

    def test_a_good_end_on_another_branch(self, gate: Gate) -> None:
        repository = gate.repository
        start = repository.git("rev-parse", "HEAD")
        repository.branch("other")
        repository.commit("other", **{"train.py": harmless(1)})
        repository.git("checkout", "--quiet", "main")
        repository.commit("mine", **{"train.py": harmless(2)})
        with pytest.raises(Exception, match=f"rlops bisect {start[:12]} main"):
            code_path(Repository.around(repository.root), "other", "main", ["train.py"])


def test_interrupted_it_goes_on(gate: Gate, history: dict[str, str], tmp_path: Path) -> None:
    """Ctrl-C in the middle: what has ended is kept, and the same command asks the same questions."""
    arguments = ("bisect", history["start"], "HEAD", "--benchmark", "own", "--json", "--env-id", "B-v0")
    first = Rlops(arguments, gate.repository.root, tmp_path / "first.log")
    first.wait_until(lambda: "likely, best" in first.output, "the first test began")
    first.process.send_signal(signal.SIGINT)
    assert first.end() == 130
    begun = len(starts(gate))
    second = Rlops((*arguments, "--quiet"), gate.repository.root, tmp_path / "second.log")
    assert second.end() == 0
    record = json.loads(second.output[second.output.index("\n{\n") :] if "\n{\n" in second.output else second.output)
    assert [one["commit"] for one in record["culprits"]] == [history["bug"]]
    assert record["cells_trained"] < BASELINE + CANDIDATE + record["runs"]
    assert begun > 0
    assert max(Counter(starts(gate)).values()) == 1, "a cell was trained twice"


def starts(gate: Gate) -> list[str]:
    """A child process has the repository itself as its HOME."""
    path = gate.repository.root / "starts"
    return path.read_text().splitlines() if path.exists() else []
