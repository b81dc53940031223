from pathlib import Path

import pytest

from tests.cli.commands import CommandLine


@pytest.fixture
def rlops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> CommandLine:
    monkeypatch.setenv("HOME", str(tmp_path))
    return CommandLine(tmp_path, monkeypatch, capfd)
