"""The supervisor alone, where signals arrive in the worst moment: each case is a program that sends them itself."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rlops.launch import supervise
from tests.launch.dummies import TRAINER, alive, eventually

PRELUDE = """
import importlib.util, os, signal, subprocess, sys
spec = importlib.util.spec_from_file_location("supervise", sys.argv.pop(1))
supervise = importlib.util.module_from_spec(spec)
spec.loader.exec_module(supervise)

def terminated_after(function):
    def wrapped(*arguments, **more):
        result = function(*arguments, **more)
        os.kill(os.getpid(), signal.SIGTERM)
        return result
    return wrapped

def terminated_before(function):
    def wrapped(*arguments, **more):
        os.kill(os.getpid(), signal.SIGTERM)
        return function(*arguments, **more)
    return wrapped
"""


def supervised(tmp_path: Path, worst: str, *orders: str, minutes: float = 1) -> tuple[int, Path]:
    """Exit code of the supervisor, and the folder of the cell; the trainer runs in `tmp_path`."""
    (tmp_path / "trainer.py").write_text(TRAINER)
    folder = tmp_path / "grid" / "cell"
    request = {
        "env_id": "A-v1",
        "seeds": [1],
        "command": [sys.executable, "-I", "trainer.py", "A-v1", "1", *orders],
        "working_directory": str(tmp_path),
        "minutes": minutes,
        "grace_seconds": 20,
        "imports": {"root": str(tmp_path), "elsewhere": [], "packages": [], "python": sys.executable},
    }
    program = f"{PRELUDE}\n{worst}\nsys.exit(supervise.main())"
    done = subprocess.run(
        [sys.executable, "-c", program, supervise.__file__, str(folder), str(tmp_path / "grid" / ".locks" / "lock")],
        input=json.dumps({"request": request, "environment": {}}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, folder


def test_sigterm_right_after_the_start_stops_the_command(tmp_path: Path) -> None:
    code, folder = supervised(
        tmp_path, "supervise.subprocess.Popen = terminated_after(subprocess.Popen)", "mark=here", "wait=never"
    )
    assert code == supervise.STOPPED
    assert not (folder / "done.json").exists()
    for line in (tmp_path / "starts").read_text().splitlines() if (tmp_path / "starts").exists() else []:
        pid = int(line.split("\t")[2])
        eventually(lambda pid=pid: not alive(pid), "the trainer is stopped")  # type: ignore[misc]


@pytest.mark.parametrize("moment", ["kill_group", "write_done"])
def test_sigterm_after_the_end_does_not_lose_what_is_finished(moment: str, tmp_path: Path) -> None:
    code, folder = supervised(tmp_path, f"supervise.{moment} = terminated_before(supervise.{moment})")
    assert code == 0
    assert json.loads((folder / "done.json").read_text())["exit_code"] == 0


def test_a_lock_that_is_held_is_busy_and_nothing_is_touched(tmp_path: Path) -> None:
    worst = """
import fcntl
os.makedirs(os.path.dirname(sys.argv[2]))
other = os.open(sys.argv[2], os.O_CREAT | os.O_RDWR)
fcntl.flock(other, fcntl.LOCK_EX)
"""
    code, folder = supervised(tmp_path, worst)
    assert code == supervise.BUSY
    assert not folder.exists()


def test_done_json_is_whole_or_absent(tmp_path: Path) -> None:
    code, folder = supervised(
        tmp_path, "supervise.os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL) if 'done' in names() else None\n"
        "names = lambda: [n for n in os.listdir(sys.argv[1]) if n.startswith('done')] and 'done'",
    )  # fmt: skip
    assert code == -9
    assert not (folder / "done.json").exists()
    assert list(folder.glob("done*"))
