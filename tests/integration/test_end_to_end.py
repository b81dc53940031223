"""The whole way, with real trainings: asserts plumbing, never how well something learned."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.versions.repositories import BENCHMARK as OWN

ROOT = Path(__file__).resolve().parent.parent.parent

TINY = """
environments = ["CartPole-v1"]
budget = 2_560
code = ["ppo_impl"]
command = ["{python}", "-m", "ppo_impl", "--env-id", "{env_id}", "--seeds", "{seeds}", "--total-timesteps", "{budget}",
           "--num-envs", "4", "--num-steps", "32"]
[seeds]
baseline = "1-2"
candidate = "1-2"
"""

TRAINER = """
import random, sys, wandb
env_id, seed = sys.argv[1], int(sys.argv[2])
rng = random.Random(f"{env_id} {seed}")
run = wandb.init(config={}, settings=wandb.Settings(x_disable_stats=True, console="off", silent=True))
level = 100 + rng.gauss(0, 2) - LOSS
for step in range(10, 1001, 10):
    run.log({"score": min(step / 300, 1) * level, "step": step})
    if FAIL and (env_id, seed) == ("Other-v0", 103) and step == 500:
        print("last words")
        raise RuntimeError("out of luck")
run.finish()
"""


def rlops(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = [sys.executable, "-I", "-m", "rlops", *arguments]
    return subprocess.run(
        command, cwd=folder, env={**environment, **variables}, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def judged(folder: Path, code: int, *arguments: str, **variables: str) -> dict:
    done = rlops(folder, *arguments, "--json", **variables)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def repository(tmp_path):
    """A folder with the PPO of this checkout and a benchmark of seconds."""
    shutil.copytree(ROOT / "ppo_impl", tmp_path / "ppo_impl", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "tiny.toml").write_text(TINY)
    return tmp_path


def test_two_seeds_trained_twice_are_identical_and_on_another_cpu_they_are_not(repository):
    assert rlops(repository, "baseline", "save", "tiny").returncode == 0
    again = judged(repository, 0, "gate", "tiny", "--dir", "elsewhere")
    assert (again["verdict"], again["cost"]["cells_trained"]) == ("identical", 2)
    assert [item["verdict"] for item in again["environments"]] == ["identical"]

    # Other kernels sum in another order: as on another CPU, a seed is another draw, and bits prove nothing.
    other = judged(repository, 3, "gate", "tiny", "--dir", "third", ATEN_CPU_CAPABILITY="default")
    assert other["verdict"] == "inconclusive"
    assert "machine" in {finding["kind"] for finding in other["findings"]}


def test_known_cells_are_not_trained_again_and_a_change_of_the_code_trains_them(repository):
    assert rlops(repository, "run", "tiny").returncode == 0
    assert "0 cells trained, 2 were known" in rlops(repository, "run", "tiny").stderr
    (repository / "README.md").write_text("not code")
    assert "0 cells trained, 2 were known" in rlops(repository, "run", "tiny").stderr
    with (repository / "ppo_impl" / "ppo.py").open("a") as file:
        file.write("\n# a change\n")
    assert "2 cells trained, 0 were known" in rlops(repository, "run", "tiny").stderr


@pytest.fixture
def own(tmp_path):
    """A repository with somebody's own trainer: one seed a process, another metric, no env_id or seed in its config."""
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "own.toml").write_text(OWN)

    def write(loss=0, fail=False):
        (tmp_path / "train.py").write_text(TRAINER.replace("LOSS", str(loss)).replace("FAIL", str(fail)))

    write()
    saved = rlops(tmp_path, "baseline", "save", "own")
    assert saved.returncode == 0, saved.stderr
    return tmp_path, write


def test_somebodys_own_trainer_passes_is_caught_and_its_failures_are_shown(own):
    folder, write = own
    passed = judged(folder, 0, "gate", "own")
    assert passed["verdict"] == "equivalent"
    assert {item["env_id"]: item["n_candidate"] for item in passed["environments"]} == {"some/Env-v0": 5, "Other-v0": 5}
    assert passed["cost"]["cells_trained"] == 10
    (cells,) = (folder / ".rlops" / "cells").iterdir()
    compared = judged(folder, 0, "compare", "own", f"dir:{cells.relative_to(folder)}?seed=101-105")
    assert compared["data_sha256"] == passed["data_sha256"]

    write(loss=60)
    worse = judged(folder, 1, "gate", "own")
    assert {item["verdict"] for item in worse["environments"]} == {"regressed"}

    write(fail=True)
    failed = judged(folder, 4, "gate", "own", "--seeds", "101-103")
    assert failed["verdict"] == "failed"
    (failure,) = failed["failures"]
    assert (failure["label"], failure["why"]) == ("Other-v0 seed 103", "exit code 1")
    assert "last words" in failure["log_tail"]
    assert "RuntimeError: out of luck" in failure["log_tail"]
    (finding,) = [finding for finding in failed["findings"] if finding["severity"] == "failed"]
    assert (finding["kind"], finding["env_id"], finding["seeds"]) == ("failed-run", "Other-v0", [103])
