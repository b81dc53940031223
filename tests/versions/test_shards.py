"""Machines that share no store train a shard each; brought together they are the run set that one machine trains."""

import json
import shutil
from pathlib import Path

import pytest

from rlops.curves import Loader, Reference, Store, parse_reference
from rlops.plan import Metric
from tests.cli.commands import CommandLine
from tests.versions.quick import Gate, trainer

METRIC = Metric(name="score", step="step")


def run_set(store: Path) -> list[tuple[str, int, str, str]]:
    """Every run of the store's only grid: environment, seed, how it ended, its curve."""
    (grid,) = [path for path in (store / "cells").iterdir() if path.is_dir()]
    reference: Reference = parse_reference(f"dir:{grid}")
    runs = Loader(Store(store / "again"), METRIC).runs(reference).runs
    return sorted((run.env_id, run.seed, run.state, run.curve_sha256) for run in runs)


def test_the_shards_together_are_the_whole(gate: Gate, rlops: CommandLine, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    for number in (1, 2):
        ended = rlops("run", "own", "--seeds", "1-3", "--shard", f"{number}/2", "--dir", str(parts / f"job-{number}"))
        assert (ended.code, "3 cells trained, 0 were known" in ended.err) == (0, True), ended.err
    assert len(gate.repository.starts) == 6

    ended = rlops("pull", f"dir:{parts}")
    assert (ended.code, "6 cells imported, 0 were known" in ended.err) == (0, True), ended.err
    ended = rlops("run", "own", "--seeds", "1-3")
    assert (ended.code, "0 cells trained, 6 were known" in ended.err) == (0, True), ended.err
    assert len(gate.repository.starts) == 6, "nothing was trained again"
    record = json.loads(rlops("status", "own", "--json").out)
    assert [grid["counts"]["done"] for grid in record["grids"]] == [6]

    whole = tmp_path / "whole"
    assert rlops("run", "own", "--seeds", "1-3", "--dir", str(whole)).code == 0
    assert len(gate.repository.starts) == 12
    assert run_set(gate.store) == run_set(whole)
    assert {(env_id, seed) for env_id, seed, *_ in run_set(whole)} == {
        (env_id, seed) for env_id in ("A-v0", "B-v0") for seed in (1, 2, 3)
    }
    ended = rlops("pull", f"dir:{parts}")
    assert "0 cells imported, 6 were known" in ended.err


def test_a_gate_trains_nothing_that_shards_have_trained(gate: Gate, rlops: CommandLine, tmp_path: Path) -> None:
    gate.repository.branch("branch")
    gate.repository.commit("better", **{"train.py": trainer("150 + noise")})
    versions = ("git:mergebase(main,HEAD)?seed=1-3,101-102", "git:HEAD?seed=101-105")  # as docs/ci.md has it
    for number in (1, 2, 3):
        ended = rlops("run", "own", *versions, "--shard", f"{number}/3", "--dir", f"../{number}")
        assert ended.code == 0, ended.err
        assert (tmp_path / str(number) / "cells").is_dir()
    trained = len(gate.repository.starts)
    assert trained == 2 * 2 * 5, "both versions, both environments, five seeds"
    ended = rlops("pull", *(f"dir:../{number}" for number in (1, 2, 3)), "--quiet")
    assert (ended.code, ended.err) == (0, "")
    ended = rlops("gate", "own", "--base", "main", "--json")
    assert json.loads(ended.out)["verdict"] in {"improved", "equivalent"}, ended.out
    assert len(gate.repository.starts) == trained


def test_a_part_that_was_torn_on_the_way_stays_out(gate: Gate, rlops: CommandLine, tmp_path: Path) -> None:
    """Here it would count as trained for ever; the intact part brings it later."""
    rlops("run", "own", "--seeds", "1-2", "--dir", "../part")
    shutil.copytree(tmp_path / "part", tmp_path / "torn")
    log = next((tmp_path / "torn").rglob("*.wandb"))
    log.write_bytes(log.read_bytes()[:100])
    ended = rlops("pull", "dir:../torn")
    assert "3 cells imported, 0 were known" in ended.err
    assert "1 cells were left out: their logs are damaged; fetch that part again" in ended.err
    assert "1 cells imported, 3 were known" in rlops("pull", "dir:../part").err


def test_only_what_a_reference_names_comes_in(gate: Gate, rlops: CommandLine) -> None:
    rlops("run", "own", "--seeds", "1-3", "--dir", "../part")
    ended = rlops("pull", "dir:../part?seed=1-2&env_id=A-v0")
    assert "2 cells imported, 0 were known" in ended.err
    ended = rlops("pull", "dir:../part?format=wandb&env_id_key=nowhere")
    assert "imported" not in ended.err
    ended = rlops("pull", "dir:../part", "--json")
    assert len(json.loads(ended.out)) == 6
    assert "4 cells" not in ended.out


def test_a_part_that_lies_is_an_error_and_no_traceback(gate: Gate, rlops: CommandLine) -> None:
    rlops("run", "own", "--seeds", "1", "--dir", "../part")
    path = next(iter((gate.repository.root.parent / "part" / "cells").glob("*/*/cell.json")))
    path.write_text("{}")
    ended = rlops("pull", "dir:../part")
    assert (ended.code, "is not the file a launcher wrote" in ended.err) == (2, True)
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("shard", ["0/4", "5/4", "half"])
def test_what_is_no_shard_is_an_error_before_anything_is_made(gate: Gate, rlops: CommandLine, shard: str) -> None:
    ended = rlops("run", "own", "git:main", "--shard", shard)
    assert (ended.code, "--shard: " in ended.err) == (2, True)
    assert not gate.store.exists()


def test_a_shard_without_cells(gate: Gate, rlops: CommandLine) -> None:
    ended = rlops("run", "own", "--seeds", "1", "--shard", "1/3")
    assert (ended.code, "0 cells trained, 0 were known; this shard has none" in ended.err) == (0, True)
    assert gate.repository.starts == []
