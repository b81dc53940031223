"""--executor reaches every training, and what an engine prints does not reach the answer."""

import json
from dataclasses import dataclass

import pytest

from rlops import training
from rlops.launch import CellGroup, executor_for
from rlops.launch.executor import Executor
from rlops.plan import Benchmark
from tests.cli.commands import CommandLine
from tests.versions.quick import Gate, Unsupervised, trainer


@dataclass
class Talkative(Unsupervised):
    """An engine that prints, as Ray does."""

    def submit(self, group: CellGroup) -> None:
        print("(raylet) look at me")
        super().submit(group)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> list[str]:
    """The executors that were asked for."""
    names: list[str] = []

    def make(name: str, benchmark: Benchmark) -> Executor:
        names.append(name)
        return Talkative(benchmark.resources.cores)

    monkeypatch.setattr(training, "executor_for", make)
    return names


@pytest.fixture
def changed(gate: Gate) -> None:
    gate.repository.branch("change")
    gate.repository.commit("change", **{"train.py": trainer("100 + 1.1 * noise")})


@pytest.mark.parametrize(
    "arguments", [("run", "own"), ("baseline", "save", "own"), ("gate", "own", "--base", "main", "--json")]
)
def test_every_verb_that_trains_takes_it(
    arguments: tuple[str, ...], asked: list[str], changed: None, rlops: CommandLine
) -> None:
    ended = rlops(*arguments, "--executor", "ray")
    assert ended.code == 0, ended.err
    assert set(asked) == {"ray"}
    assert "look at me" not in ended.out
    assert "look at me" in ended.err
    assert ended.out == "" or json.loads(ended.out)


def test_a_gate_against_a_stored_baseline_takes_it(asked: list[str], changed: None, rlops: CommandLine) -> None:
    assert rlops("baseline", "save", "own").code == 0
    rlops.monkeypatch.setenv("RLOPS_EXECUTOR", "slurm")
    ended = rlops("gate", "own", "--json")
    assert json.loads(ended.out)["cost"]["cells_trained"] > 0
    assert asked[0] == "local"
    assert set(asked[1:]) == {"slurm"}


def test_others_are_refused(rlops: CommandLine) -> None:
    ended = rlops("run", "own", "--executor", "dask")
    assert ended.code == 2
    assert "'local', 'ray', 'slurm'" in ended.err


def test_local_is_this_machine(gate: Gate) -> None:
    from rlops.launch import LocalExecutor
    from rlops.plan import read_benchmark

    benchmark = read_benchmark(gate.repository.root / "benchmarks" / "own.toml")
    assert executor_for("local", benchmark) == LocalExecutor(benchmark.resources.cores)
