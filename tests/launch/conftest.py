import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launch.dummies import Project, alive, make_project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = make_project(tmp_path / "project")
    yield made
    for pid in made.pids():  # a test that failed leaves nothing behind
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
