"""Runs one cell group to its end, whatever becomes of the rlops that started it.

A program of its own, standard library only: `python supervise.py DIRECTORY LOCK...`. It reads what to run and the
child's environment from standard input, holds a lock for every cell, writes DIRECTORY/cell.json, runs the command in a
process group of its own with its output in stdout.log, and writes done.json last. SIGTERM ends the command (SIGTERM,
grace, SIGKILL) without a done.json. It leaves with 0 when the command ended by itself, whatever its exit code, with
BUSY when somebody else trains one of the cells or has just done so, with STOPPED when it was stopped or killed.
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BUSY = 75
STOPPED = 76
TIMED_OUT = 124
WRONG_CODE = 78
WRONG_CODE_ADVICE = (
    "rlops: it is installed once for all versions. Install it editable (pip install -e), or not at all where the "
    "command finds it in its own folder; start the command without -I; name its files relative to the repository"
)
POLL_SECONDS = 0.05


class Stop:
    """Remembers that SIGTERM came. It must not raise: between a start and a wait it would leave the command alone."""

    asked = False

    def __call__(self, _number: int, _frame: object) -> None:
        """Handle the signal."""
        self.asked = True


def main() -> int:
    """The program: its exit code."""
    folder, locks = Path(sys.argv[1]), [Path(lock) for lock in sys.argv[2:]]
    order = json.load(sys.stdin)
    held = take_locks(locks)
    if held is None or any_is_finished(order["request"], folder.parent):
        return BUSY
    stop = Stop()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    clear_earlier_attempt(folder)
    write_json(folder / "cell.json", order["request"])
    return run(folder, order["request"], order["environment"], held, stop)


def run(folder: Path, request: dict[str, Any], environment: dict[str, str], held: list[int], stop: Stop) -> int:
    """Run the command of the request and record how it ended."""
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
        except (OSError, ValueError) as error:  # ValueError: an argument with a zero byte
            why = getattr(error, "strerror", None) or error
            log.write(f"rlops: {request['command'][0]}: cannot be started: {why}\n".encode())
            return write_done(folder, 127, started)
    deadline = time.monotonic() + 60 * request["minutes"]
    while (exit_code := child.poll()) is None and not stop.asked and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    if exit_code is None:
        end(child, request["grace_seconds"])
        if stop.asked:
            return STOPPED
        with (folder / "stdout.log").open("ab") as log:
            log.write(f"rlops: stopped at the limit of {request['minutes']:g} minutes\n".encode())
        exit_code = TIMED_OUT
    kill_group(child.pid, signal.SIGKILL)  # whatever the command forked and left behind
    if exit_code < 0:
        (folder / "killed").write_text(signal.Signals(-exit_code).name)
        return STOPPED
    return write_done(folder, exit_code or check_imports(folder, request, environment, child.pid), started)


def check_imports(folder: Path, request: dict[str, Any], environment: dict[str, str], pid: int) -> int:
    """0, or WRONG_CODE where the command imported another version's code than the one it was to train."""
    program = [sys.executable, "-I", str(Path(__file__).with_name("imports.py")), str(folder), str(pid)]
    surroundings = {name: value for name, value in environment.items() if name != "RLOPS_IMPORTS"}
    wrong = subprocess.run(
        program,
        cwd=request["working_directory"],
        env=surroundings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if wrong.returncode == 0 and not wrong.stdout.strip():
        return 0
    with (folder / "stdout.log").open("a", encoding="utf-8") as log:
        log.write(
            f"rlops: this is not the code that was to be trained:\n{wrong.stdout}{wrong.stderr}{WRONG_CODE_ADVICE}\n"
        )
    return WRONG_CODE


def finished(parent: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Folder and cell.json of every cell group below `parent` that is done. A broken file counts as none."""
    for path in sorted(parent.glob("*/done.json")):
        done, request = read_json(path), read_json(path.with_name("cell.json"))
        if isinstance(done.get("exit_code"), int) and {"env_id", "seeds"} <= request.keys():
            yield path.parent, request


def any_is_finished(request: dict[str, Any], parent: Path) -> bool:
    """Was one of the cells trained between the plan and the lock, maybe in another group?"""
    return any(
        other["env_id"] == request["env_id"] and not set(request["seeds"]).isdisjoint(other["seeds"])
        for _, other in finished(parent)
    )


def take_locks(paths: list[Path]) -> list[int] | None:
    """File descriptors that hold all the locks, None where another process has one."""
    held = []
    for path in sorted(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
        held.append(lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            for mine in held:
                os.close(mine)
            return None
    return held


def clear_earlier_attempt(folder: Path) -> None:
    """Make the folder, or remove what a stopped attempt left: two attempts must not mix."""
    folder.mkdir(parents=True, exist_ok=True)
    for item in folder.iterdir():
        if item.is_dir() and not item.is_symlink():
            shutil.rmtree(item)
        else:
            item.unlink()


def end(child: subprocess.Popen[bytes], grace_seconds: float) -> None:
    """SIGTERM, the grace, SIGKILL."""
    kill_group(child.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    kill_group(child.pid, signal.SIGKILL)
    child.wait()


def kill_group(group: int, number: int) -> None:
    """Send a signal to every process of the group, if there is one left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def write_done(folder: Path, exit_code: int, started: float) -> int:
    """done.json: the cell counts from now on."""
    ended = time.time()
    stamp = datetime.datetime.fromtimestamp(ended, tz=datetime.UTC).isoformat(timespec="milliseconds")
    content = {"exit_code": exit_code, "ended_at": stamp, "seconds": round(ended - started, 3)}
    write_json(folder / "done.json", content)
    return 0


def write_json(path: Path, content: dict[str, Any]) -> None:
    """The file, whole or not at all."""
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The object in the file, empty where there is none that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


if __name__ == "__main__":
    sys.exit(main())
