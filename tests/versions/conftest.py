from pathlib import Path

import pytest

from tests.cli.commands import CommandLine
from tests.versions.quick import ONE, Gate, hurry, make


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """A gate in a repository of its own, with the branch main checked out."""
    hurry(monkeypatch, tmp_path)
    return Gate(make(tmp_path / "repository"), [])


@pytest.fixture
def rlops(gate: Gate, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> CommandLine:
    """`rlops ...` in this process, in the gate's repository."""
    return CommandLine(gate.repository.root, monkeypatch, capfd)


@pytest.fixture
def one(tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """A gate with a single environment."""
    monkeypatch.setenv("HOME", str(tmp_path / "one"))
    return Gate(make(tmp_path / "one" / "repository", ONE), gate.told)
