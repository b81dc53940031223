"""Runs one cell group to its end, whatever becomes of the rlops that started it.

A program of its own, standard library only: `python supervise.py DIRECTORY LOCK...`. It reads DIRECTORY/cell.json and
the child's environment from standard input, holds a lock for every cell, runs the command in a process group of its
own with its output in stdout.log, and writes done.json last. SIGTERM ends the command (SIGTERM, grace, SIGKILL)
without a done.json. It leaves with 0 when the command ended by itself, whatever its exit code, with BUSY when somebody
else trains one of the cells, with STOPPED when the command was stopped or killed.
"""

import contextlib
import datetime
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

BUSY = 75
STOPPED = 76
TIMED_OUT = 124
POLL_SECONDS = 0.05


class Stop(Exception):
    """SIGTERM arrived."""


def main() -> int:
    folder, locks = Path(sys.argv[1]), [Path(lock) for lock in sys.argv[2:]]
    environment = json.load(sys.stdin)
    held = take_locks(locks)
    if held is None:
        return BUSY
    if (folder / "done.json").exists():
        return 0
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    clear_earlier_attempt(folder)
    return run(folder, environment, held)


def run(folder: Path, environment: dict[str, str], held: list[int]) -> int:
    request = json.loads((folder / "cell.json").read_text(encoding="utf-8"))
    started = time.time()
    with (folder / "stdout.log").open("wb") as log:
        try:
            # The child inherits the locks: should this process be killed, they are held while the child trains on.
            child = subprocess.Popen(
                request["command"],
                cwd=request["working_directory"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=held,
            )
        except OSError as error:
            log.write(f"rlops: {request['command'][0]}: cannot be started: {error.strerror}\n".encode())
            return write_done(folder, 127, started)
    try:
        exit_code = child.wait(timeout=60 * request["minutes"])
    except Stop:
        end(child, request["grace_seconds"])
        return STOPPED
    except subprocess.TimeoutExpired:
        end(child, request["grace_seconds"])
        with (folder / "stdout.log").open("ab") as log:
            log.write(f"rlops: stopped at the limit of {request['minutes']:g} minutes\n".encode())
        exit_code = TIMED_OUT
    kill_group(child.pid, signal.SIGKILL)  # whatever the command forked and left behind
    if exit_code < 0:
        (folder / "killed").write_text(signal.Signals(-exit_code).name)
        return STOPPED
    return write_done(folder, exit_code, started)


def take_locks(paths: list[Path]) -> list[int] | None:
    held = []
    for path in sorted(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
        held.append(lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
    return held


def clear_earlier_attempt(folder: Path) -> None:
    for item in folder.iterdir():
        if item.name == "cell.json":
            continue
        if item.is_dir() and not item.is_symlink():
            shutil.rmtree(item)
        else:
            item.unlink()


def end(child: subprocess.Popen[bytes], grace_seconds: float) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    kill_group(child.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    kill_group(child.pid, signal.SIGKILL)
    child.wait()


def kill_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def write_done(folder: Path, exit_code: int, started: float) -> int:
    ended = time.time()
    stamp = datetime.datetime.fromtimestamp(ended, tz=datetime.UTC).isoformat(timespec="seconds")
    content = {"exit_code": exit_code, "ended_at": stamp, "seconds": round(ended - started, 3)}
    partial = folder / "done.partial"
    with partial.open("w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / "done.json")
    return 0


def stop(_number: int, _frame: object) -> None:
    raise Stop


if __name__ == "__main__":
    sys.exit(main())
