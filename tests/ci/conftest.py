import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ci.github_standin import Elsewhere, Github, running
from tests.cli.commands import CommandLine


@pytest.fixture(autouse=True)
def _no_job_of_githubs(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests may themselves run in GitHub Actions, or behind a proxy."""
    for name in list(os.environ):
        if name.startswith(("GITHUB_", "RUNNER_", "INPUT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def rlops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> CommandLine:
    monkeypatch.setenv("HOME", str(tmp_path))
    return CommandLine(tmp_path, monkeypatch, capfd)


@pytest.fixture
def github() -> Iterator[Github]:
    """GitHub, and beside it the other host that keeps its artifacts; at the end no request may have been unknown."""
    with running(Github()) as server, running(Elsewhere(server)) as elsewhere:
        server.elsewhere = elsewhere
        yield server
    assert not server.unknown, server.unknown
