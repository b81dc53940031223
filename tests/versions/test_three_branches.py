"""What the three pull requests everybody makes cost and come to: real processes, real wandb, offline."""

import json
import subprocess
import sys

import pytest

from tests.cli.commands import Ended, child_environment
from tests.versions.repositories import Repo, three_branches


def rlops(repository: Repo, *arguments: str, **variables: str) -> Ended:
    done = subprocess.run(
        [sys.executable, "-m", "rlops", *arguments],
        cwd=repository.root, env=child_environment(repository.root.parent, **variables), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)


def gate(repository: Repo, branch: str, *arguments: str) -> tuple[int, dict, int]:
    """Exit code, verdict.json and the trainings started by a gate of the branch against main."""
    repository.git("checkout", "--quiet", branch)
    before = len(repository.starts)
    ended = rlops(repository, "gate", "own", "--base", "main", "--json", *arguments)
    assert ended.out, ended.err
    return ended.code, json.loads(ended.out), len(repository.starts) - before


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    return three_branches(tmp_path_factory.mktemp("three") / "repository")


def test_docs_refactoring_bug_and_everything_again(repository: Repo) -> None:
    code, verdict, started = gate(repository, "docs")
    assert (code, verdict["verdict"], started) == (0, "identical", 0)
    assert [finding["kind"] for finding in verdict["findings"]] == ["unchanged"]
    assert verdict["cost"]["cells_trained"] == 0

    code, verdict, started = gate(repository, "refactoring")
    assert (code, verdict["verdict"]) == (0, "identical")
    assert started == verdict["cost"]["cells_trained"] == 2 * 2 * 2  # versions, environments, seeds
    assert "check that it was applied" in verdict["next_step"]["text"]
    assert not verdict["findings"]

    code, verdict, started = gate(repository, "bug")
    assert (code, verdict["verdict"]) == (1, "regressed")
    assert started == verdict["cost"]["cells_trained"] == 2 * (5 + 5)  # environments x (baseline + candidate)
    assert verdict["cost"]["cells_known"] == 2 * 2  # main's two seeds of the refactoring's gate
    assert {item["verdict"] for item in verdict["environments"]} == {"regressed"}

    for branch, word in {"docs": "identical", "refactoring": "identical", "bug": "regressed"}.items():
        _, again, started = gate(repository, branch)
        assert (again["verdict"], started, again["cost"]["cells_trained"]) == (word, 0, 0)
