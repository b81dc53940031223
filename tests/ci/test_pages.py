"""The scripts of pages.yml, carried out: judge, make the site, keep the history in its branch."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rlops.curves import write_baseline
from rlops.plan import ask_git
from tests import site_folder
from tests.ci.runner import RECIPES, load
from tests.cli.commands import child_environment

BRANCH = "rlops-history"
BENCHMARK = """
environments = ["ALE/Breakout-v5", "CartPole-v1"]
budget = 100_000
code = ["train.py"]
packages = []
command = ["{python}", "train.py", "{env_id}", "{seed}"]
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone of a repository with a benchmark and its baseline, in which `main` was saved a moment ago."""
    first = tmp_path / "first"
    (first / "benchmarks").mkdir(parents=True)
    (first / "benchmarks" / "quick.toml").write_text(BENCHMARK)
    (first / "train.py").touch()
    write_baseline(site_folder.frozen("quick", site_folder.stored(0)), first / "baselines")
    git(first, "init", "--quiet", "--initial-branch=main")
    git(first, "add", ".")
    git(first, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "one")
    git(tmp_path, "clone", "--quiet", "--bare", str(first), "origin.git")
    return clone(tmp_path, "checkout", save=8)


def clone(tmp_path: Path, name: str, save: int | None = None) -> Path:
    git(tmp_path, "clone", "--quiet", str(tmp_path / "origin.git"), name)
    if save is not None:
        write_baseline(site_folder.frozen("main", site_folder.stored(save)), tmp_path / name / "baselines")
    return tmp_path / name


def git(folder: Path, *arguments: str) -> str:
    said = ask_git(folder, *arguments)
    assert said is not None, arguments
    return said


def carry_out(job: str, name: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The script of a step, in `folder`, where `gh` only notes what it is asked."""
    (step,) = [step for step in load(RECIPES / "pages.yml")["jobs"][job]["steps"] if step.get("name") == name]
    programs = folder.parent / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "gh").write_text(f'#!/bin/sh\necho "$@" >> {programs}/gh.log\n')
    (programs / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    known = child_environment(folder.parent, RUNNER_TEMP=str(folder.parent / "temp"), GITHUB_SHA="c0ffee", **variables)
    environment = {**known, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    script = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]]
    return subprocess.run(script, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def build(folder: Path, pinned: str = "") -> None:
    for name in ("Judge", "Site"):
        done = carry_out("build", name, folder, BENCHMARK="quick", PINNED=pinned)
        assert done.returncode == 0, done.stdout + done.stderr


def keep(tmp_path: Path, name: str, built: Path) -> subprocess.CompletedProcess[str]:
    """In a clone of its own, with the artifact of the job before."""
    shutil.rmtree(tmp_path / "temp", ignore_errors=True)
    shutil.copytree(built / "history", tmp_path / "temp" / "history")
    done = carry_out("keep", "Commit and push the history", clone(tmp_path, name))
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def kept(tmp_path: Path) -> list[str]:
    return git(tmp_path / "origin.git", "ls-tree", "-r", "--name-only", BRANCH).splitlines()


def test_the_history_grows_in_its_branch_and_nothing_else_does(checkout: Path, tmp_path: Path) -> None:
    build(checkout)
    assert (checkout / "site" / "quick" / "index.html").is_file()
    keep(tmp_path, "keeper", checkout)
    (first,) = kept(tmp_path)
    assert first.startswith("quick/")
    assert first.endswith(".json")
    next_day = clone(tmp_path, "next", save=9)
    build(next_day, pinned="quick")
    assert len(list((next_day / "history").rglob("*.json"))) == 2
    assert "Since quick" in (next_day / "site" / "quick" / "index.html").read_text()
    keep(tmp_path, "again", next_day)
    assert len(kept(tmp_path)) == 2
    assert git(tmp_path / "origin.git", "rev-list", "--count", BRANCH) == "2"
    assert "history" not in git(tmp_path / "origin.git", "ls-tree", "-r", "--name-only", "main")


def test_nothing_new_is_no_commit(checkout: Path, tmp_path: Path) -> None:
    build(checkout)
    keep(tmp_path, "keeper", checkout)
    keep(tmp_path, "again", checkout)
    assert git(tmp_path / "origin.git", "rev-list", "--count", BRANCH) == "1"


def test_a_regression_is_shown_and_an_error_ends_the_job(checkout: Path, tmp_path: Path) -> None:
    done = carry_out("build", "Judge", checkout, BENCHMARK="quick")
    assert done.returncode == 0
    assert "Regression" in done.stdout
    (checkout / "benchmarks" / "quick.toml").write_text("wrong")
    done = carry_out("build", "Judge", checkout, BENCHMARK="quick")
    assert done.returncode == 2
