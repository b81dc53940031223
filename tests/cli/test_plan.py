"""`rlops plan`: cells, minutes and what a gate can show; it trains nothing."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.commands import STEADY, CommandLine, table
from tests.cli.test_gate import PLAIN_TRAINER, TRAINER, save_baseline, write_project

TRACE = 'open("trained", "w").close()\n'


@pytest.fixture
def project(rlops: CommandLine) -> Path:
    """Ten stored seeds, candidate seeds 101-105, looks after 3 and 5; whoever trains leaves a trace."""
    write_project(rlops.folder, TRACE + PLAIN_TRAINER, "0")
    path = rlops.folder / "benchmarks" / "bench.toml"
    path.write_text(path.read_text().replace("looks = []", "looks = [3]"))
    return path


def with_minutes(rlops: CommandLine, minutes: float) -> None:
    path = rlops.folder / "baselines" / "bench.json"
    path.write_text(re.sub(r'"minutes": null', f'"minutes": {minutes}', path.read_text()))


def planned(rlops: CommandLine, *arguments: str) -> dict:
    ended = rlops("plan", "bench", "--json", *arguments)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


@pytest.mark.usefixtures("project")
class TestPlan:
    def test_trains_and_writes_nothing(self, rlops: CommandLine) -> None:
        save_baseline(rlops)
        before = {path for path in rlops.folder.rglob("*") if "__pycache__" not in path.parts}
        assert rlops("plan", "bench").code == 0
        planned(rlops)
        assert before == {path for path in rlops.folder.rglob("*") if "__pycache__" not in path.parts}
        assert not (rlops.folder / "trained").exists()

    def test_json(self, rlops: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0, 1})
        save_baseline(rlops)
        with_minutes(rlops, 4.0)
        record = planned(rlops)
        assert (record["benchmark"], record["baseline"], record["seeds"]) == ("bench", "bench", [*range(101, 106)])
        # One environment, two looks: .05 / 2. 10 against 3 have 286 labellings.
        assert record["level_named"] == pytest.approx(0.025)
        first, second = record["looks"]
        # Three processes of four minutes on two cores: none is cut in two.
        assert first == {
            "seeds": 3, "cells": 3, "known": 0, "to_train": 3, "minutes": 12.0, "elapsed_minutes": 8.0,
            "nameable": 1, "together": False, "may_pass": False,
        }  # fmt: skip
        assert (second["seeds"], second["cells"], second["minutes"], second["may_pass"]) == (5, 2, 8.0, True)
        (environment,) = record["environments"]
        assert (environment["n_baseline"], environment["minutes"], environment["named_from"]) == (10, 4.0, 3)
        assert environment["looks"][0]["detectable"] > environment["looks"][1]["detectable"] > 0
        assert record["sentences"][-1].startswith("If nothing has changed, at most 5 %")

    def test_text(self, rlops: CommandLine) -> None:
        save_baseline(rlops)
        ended = rlops("plan", "bench")
        assert "bench: the checkout (no-git), seeds 101-105, against the baseline 'bench'" in ended.out
        lines = [line.split() for line in ended.out.splitlines()]
        assert ["1", "3", "3", "0", "3", "unknown", "unknown", "in", "1", "of", "1", "no", "no"] in lines
        assert ["sum", "5", "0", "5", "unknown", "unknown"] in lines
        assert "- A pass can be proven from 5 candidate seeds on." in ended.out
        assert "confirm" not in ended.out, "nobody knows the commit of this baseline"

    def test_seeds_and_effect(self, rlops: CommandLine) -> None:
        save_baseline(rlops)
        record = planned(rlops, "--seeds", "7-9", "--effect", "2.5")
        assert [look["seeds"] for look in record["looks"]] == [3]
        assert record["environments"][0]["effect"] == pytest.approx(0.025)
        sizes = [planned(rlops, "--effect", size)["environments"][0]["seeds_needed"] for size in ("50", "5", "0.01")]
        assert sizes[0] < sizes[1]
        assert sizes[2] is None
        assert "> 200" in rlops("plan", "bench", "--effect", "0.01").out
        assert "asked about" in rlops("plan", "bench", "--effect", "5").out

    @pytest.mark.parametrize("size", ["0", "-5", "nan", "inf", "much"])
    def test_a_loss_is_a_positive_share(self, rlops: CommandLine, size: str) -> None:
        ended = rlops("plan", "bench", "--effect", size)
        assert (ended.code, ended.out) == (2, "")

    def test_without_a_baseline(self, rlops: CommandLine) -> None:
        ended = rlops("plan", "bench", "--json")
        assert (ended.code, ended.out) == (5, "")
        assert "there is no baseline 'bench'" in ended.err
        assert "`rlops baseline save bench` on the main branch, commit it, then ask again" in ended.err
        save_baseline(rlops)
        assert "bench has: bench" not in rlops("plan", "bench", "--baseline", "other").err
        assert rlops("plan", "bench", "--baseline", "other").code == 5

    def test_what_cannot_be_compared_is_said_before_it_is_trained(self, rlops: CommandLine, project: Path) -> None:
        save_baseline(rlops)
        project.write_text(project.read_text().replace("budget = 10_000", "budget = 20_000"))
        (finding,) = planned(rlops)["findings"]
        assert (finding["kind"], finding["severity"]) == ("other-definition", "not-comparable")
        assert "Finding (not-comparable): the budget of the baseline is 10000" in " ".join(
            rlops("plan", "bench").out.split()
        )

    def test_known_cells_that_failed_are_said(self, rlops: CommandLine, project: Path) -> None:
        save_baseline(rlops)
        project.write_text(project.read_text().replace("'0'", "'3'"))
        assert rlops("run", "bench", "--seeds", "101").code == 4
        record = planned(rlops)
        assert [(look["known"], look["to_train"]) for look in record["looks"]] == [(1, 2), (0, 2)]
        (failure,) = record["failures"]
        assert "Dummy-v1 seed 101: exit code 3" in failure
        assert "A known cell has failed: Dummy-v1 seed 101" in rlops("plan", "bench").out


def test_known_cells_tell_the_minutes_where_the_baseline_does_not(rlops: CommandLine) -> None:
    write_project(rlops.folder, TRAINER, "98")
    save_baseline(rlops)
    assert rlops("run", "bench", "--seeds", "101-102").code == 0
    record = planned(rlops)
    (look,) = record["looks"]
    assert (look["cells"], look["known"], look["to_train"]) == (5, 2, 3)
    assert 0 < record["environments"][0]["minutes"] < 1
    assert look["minutes"] == pytest.approx(3 * record["environments"][0]["minutes"])


def test_fresh_baseline_seeds_are_announced_where_the_commit_is_known(rlops: CommandLine) -> None:
    write_project(rlops.folder, PLAIN_TRAINER, "0")
    save_baseline(rlops)
    path = rlops.folder / "baselines" / "bench.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "provenance": {"git_commit": "a" * 40, "git_dirty": False}}))
    assert planned(rlops)["confirming_seeds"] == 10
    assert "10 fresh baseline seeds" in rlops("plan", "bench").out


def test_an_environment_that_the_baseline_lacks(rlops: CommandLine) -> None:
    write_project(rlops.folder, PLAIN_TRAINER, "0")
    reference = table(rlops.folder / "other.csv", {"Other-v1": STEADY})
    assert rlops("baseline", "save", "bench", reference, "--leave-out-failed").code == 0
    ended = rlops("plan", "bench")
    assert ended.code == 2
    assert "has no Dummy-v1" in ended.err
