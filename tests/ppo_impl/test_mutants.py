"""Every mutant applies, trains, and changes what its row of benchmarks/mutants/mutants.toml says that it changes."""

import os
import shutil
import subprocess
import tomllib
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sandbox import ROOT, Sandbox

from benchmarks.mutant_table import FOLDER, PAGE, Mutant, page, read
from ppo_impl.checkpoint import NAME, load

MUTANTS = read()
LINES = 12  # a patch adds and takes out at most so many
CURVE = "charts/episodic_return"
VALUES = {"{env_id}": "CartPole-v1", "{seeds}": "4,5", "{budget}": "8192"}  # one_seed_in_five needs one of each kind


def test_the_table_names_exactly_the_patches_there_are() -> None:
    assert [one.name for one in MUTANTS if not one.name.isidentifier() or not one.name.islower()] == []
    assert {one.patch for one in MUTANTS} == set(FOLDER.glob("*.patch"))


def test_every_row_is_whole() -> None:
    for one in MUTANTS:
        types = [type(getattr(one, field.name)) for field in fields(Mutant)]
        assert types == [str, bool, bool, tuple, str, str], one.name
        assert one.what.endswith("."), one.name
        assert one.seen, one.name
        assert set(one.details) <= set(range(1, 14)), one.name
        assert not (one.harmful and one.bits), one.name
        assert one.harmful or not one.details, one.name


def test_there_are_enough_of_each_kind() -> None:
    harmful = [one for one in MUTANTS if one.harmful]
    assert {number for one in harmful for number in one.details} == set(range(1, 14))
    assert len(MUTANTS) >= 30
    assert len(harmful) >= 20
    for bits in (True, False):
        assert len([one for one in MUTANTS if not one.harmful and one.bits == bits]) >= 5


def test_the_page_is_made_from_the_table() -> None:
    """Renew it with: python benchmarks/mutant_table.py."""
    assert PAGE.read_text(encoding="utf-8") == page()


@dataclass(frozen=True)
class Trained:
    """What came of the training of both seeds."""

    place: Sandbox
    state: dict[str, NDArray[np.generic]]  # all that the next iteration would have depended on

    @cached_property
    def curves(self) -> dict[int, list[tuple[int, float]]]:
        """Seed -> steps and episodic returns; reading them takes as long as half a training."""
        curves = {
            seed: [(row["global_step"], row[CURVE]) for row in run.rows if CURVE in row]
            for seed, run in self.place.runs().items()
        }
        assert [len(curve) > 10 for curve in curves.values()] == [True, True]
        return curves


def git_apply(patch: Path, folder: Path, *options: str) -> str:
    """Applies a patch in a folder outside the checkout, which git must not take for a part of one above it."""
    command = ["git", "apply", *options, str(patch)]
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def copy_of_the_trainer(folder: Path) -> Path:
    shutil.copytree(ROOT / "ppo_impl", folder / "ppo_impl", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def train(code: Path, place: Path) -> Trained:
    """Trains with quick.toml's settings, for a little while."""
    command = tomllib.loads((ROOT / "benchmarks" / "quick.toml").read_text())["command"]
    arguments = [VALUES.get(word, word) for word in command[command.index("ppo_impl") + 1 :]]
    place.mkdir()
    sandbox = Sandbox(place, code)
    ended = sandbox.train(*arguments, "--checkpoint-dir", str(place / "kept"), WANDB_MODE="offline")
    assert (ended.code, ended.errors) == (0, "")
    assert f"training 2 seeds with {code / 'ppo_impl'}\n" in ended.output
    return Trained(sandbox, load(place / "kept" / NAME).state)


@pytest.fixture(scope="module")
def unpatched(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("unpatched")
    return train(copy_of_the_trainer(folder / "code"), folder / "place")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_applies_and_changes_what_it_should(mutant: Mutant, tmp_path: Path, unpatched: Trained) -> None:
    code = copy_of_the_trainer(tmp_path / "code")
    changed = [line.split("\t") for line in git_apply(mutant.patch, code, "--numstat").splitlines()]
    assert [path for _, _, path in changed if not path.startswith("ppo_impl/")] == []
    assert 0 < sum(int(added) + int(taken) for added, taken, _ in changed) <= LINES
    git_apply(mutant.patch, code)
    trained = train(code, tmp_path / "place")
    assert trained.state.keys() == unpatched.state.keys()
    same = {name: np.array_equal(state, unpatched.state[name]) for name, state in trained.state.items()}
    assert same["optimizer.parameters"] == mutant.bits
    assert all(same.values()) == mutant.bits
    if mutant.harmful or mutant.bits:  # another rounding takes longer to reach the curve
        assert (trained.curves == unpatched.curves) == mutant.bits


def test_the_failing_seeds_are_those_it_says(tmp_path: Path, unpatched: Trained) -> None:
    (mutant,) = [one for one in MUTANTS if one.name == "one_seed_in_five"]
    code = copy_of_the_trainer(tmp_path / "code")
    git_apply(mutant.patch, code)
    trained = train(code, tmp_path / "place")
    assert trained.curves[4] == unpatched.curves[4]
    half = len(trained.curves[5]) // 2
    assert trained.curves[5][:half] == unpatched.curves[5][:half]
    assert trained.curves[5] != unpatched.curves[5]
