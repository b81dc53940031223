"""Runs one cell group to its end, whatever becomes of the rlops that started it.

A program of its own, standard library only: `python supervise.py DIRECTORY LOCK...`. It reads what to run and the
child's environment from standard input, holds a lock for every cell, writes DIRECTORY/cell.json, runs the command in a
process group of its own with its output in stdout.log, and writes done.json last. SIGTERM ends the command (SIGTERM,
grace, SIGKILL) without a done.json, and so does the end of the process `parent`, where the input names one. It leaves
with 0 when the command ended by itself, whatever its exit code, with BUSY when somebody else trains one of the cells or
has just done so, with STOPPED when it was stopped or killed, with NO_SPACE when the disk is full.
"""

import contextlib
import ctypes
import datetime
import errno
import fcntl
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

BUSY = 75
STOPPED = 76
NO_SPACE = 77
WRONG_CODE = 78
TIMED_OUT = 124
OUT_OF_MEMORY = 125
WRONG_CODE_ADVICE = (
    "rlops: it is installed once for all versions. Install it editable (pip install -e), or not at all where the "
    "command finds it in its own folder; start the command without -I; name its files relative to the repository"
)
SHORTEST_POLL, POLL_SECONDS = 0.002, 0.05
MEASURE_SECONDS = 1.0
LONGEST_DYING = 10.0
"""Seconds: who waits for a disk or a driver cannot even be killed (arbitrary)."""
LONGEST_LOG = 64 << 20
KEPT_OF_A_LONG_LOG = 1 << 20
"""Bytes: a longer stdout.log is cut down to its first and its last part (arbitrary)."""
LEAST_SPACE = 1 << 20
"""Bytes: with less room a file that was written in the end may be torn (arbitrary)."""
FULL = {errno.ENOSPC, errno.EDQUOT}
FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPWR}
"""Signals that others send. Any other (SIGSEGV, SIGABRT) the command has earned itself: it has failed."""
SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2)."""


class Stop:
    """Remembers that SIGTERM came. It must not raise: between a start and a wait it would leave the command alone."""

    def __init__(self, parent: int | None) -> None:
        self.signalled, self.parent = False, parent

    @property
    def asked(self) -> bool:
        """Is the command to be ended?"""
        return self.signalled or self.parent not in (None, os.getppid())

    def __call__(self, _number: int, _frame: object) -> None:
        """Handle the signal."""
        self.signalled = True


def main() -> int:
    """The program: its exit code."""
    folder, locks = Path(sys.argv[1]), [Path(lock) for lock in sys.argv[2:]]
    order = json.load(sys.stdin)
    try:
        held = take_locks(locks)
        if held is None or any_is_finished(order["request"], folder.parent):
            return BUSY
        stop = Stop(order.get("parent"))
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        ctypes.CDLL(None).prctl(SUBREAPER, 1)  # whoever the command leaves behind stays below this process
        clear_earlier_attempt(folder)
        write_json(folder / "cell.json", order["request"])
        return run(folder, order["request"], order["environment"], held, stop)
    except BaseException as error:
        kill_descendants()
        if isinstance(error, OSError) and error.errno in FULL:
            return NO_SPACE
        raise


def run(folder: Path, request: dict[str, Any], environment: dict[str, str], held: list[int], stop: Stop) -> int:
    """Run the command of the request and record how it ended."""
    log, started = folder / "stdout.log", time.monotonic()
    with log.open("ab") as output:  # "a": what is written after a cut goes to the end
        try:
            # The child inherits the locks: should this process be killed, they are held while the child trains on.
            child = subprocess.Popen(
                request["command"],
                cwd=request["working_directory"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=held,
            )
        except (OSError, ValueError) as error:  # ValueError: an argument with a zero byte
            what = getattr(error, "filename", None) or request["command"][0]  # the command, or its folder
            note(log, f"{what}: cannot be started: {getattr(error, 'strerror', None) or error}")
            return write_done(folder, 127, started)
    exit_code = watch(child, log, request, stop)
    kill_group(child.pid, signal.SIGKILL)
    kill_descendants()  # whatever the command forked and left behind
    shorten(log)
    if exit_code is None:
        return STOPPED
    # A shell tells of a signal that ended what it ran as 128 + its number.
    killer = -exit_code if exit_code < 0 else exit_code - 128
    if killer in FROM_OUTSIDE:
        (folder / "killed").write_text(signal.Signals(killer).name)
        return STOPPED
    if no_space(folder, log, exit_code):
        return NO_SPACE
    if exit_code < 0:
        note(log, f"killed by {signal.Signals(killer).name}")
        exit_code = 128 + killer
    return write_done(folder, exit_code or check_imports(folder, request, environment, child.pid), started)


def watch(child: subprocess.Popen[bytes], log: Path, request: dict[str, Any], stop: Stop) -> int | None:
    """Wait for the command, within its limits of time and memory: its exit code, None where it was asked to stop."""
    started = measured = time.monotonic()
    deadline, most_bytes = started + 60 * request["minutes"], (request.get("memory_gb") or float("inf")) * 1e9
    while (exit_code := child.poll()) is None:
        now = time.monotonic()
        if stop.asked:
            end(child, request["grace_seconds"])
            return None
        if now >= deadline:
            end(child, request["grace_seconds"])
            note(log, f"stopped at the limit of {request['minutes']:g} minutes")
            return TIMED_OUT
        if now - measured >= MEASURE_SECONDS:
            measured = now
            shorten(log)
            if memory_used(most_bytes) > most_bytes:
                end(child, request["grace_seconds"])
                note(log, f"stopped at the limit of {request['memory_gb']:g} GB of memory")
                return OUT_OF_MEMORY
        time.sleep(min(POLL_SECONDS, SHORTEST_POLL + (now - started) / 10))
    return exit_code


def no_space(folder: Path, log: Path, exit_code: int) -> bool:
    """Is the disk full, or did the command die of a full disk? Then nothing that it wrote can be trusted."""
    room = os.statvfs(folder)
    if room.f_bavail * room.f_frsize < LEAST_SPACE:
        return True
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - KEPT_OF_A_LONG_LOG))
        last = file.read().strip().rpartition(b"\n")[2]
    return exit_code != 0 and any(os.strerror(number).encode() in last for number in FULL)


def note(log: Path, text: str) -> None:
    """A line of our own at the end of the log."""
    with log.open("a", encoding="utf-8") as file:
        file.write(f"rlops: {text}\n")


def shorten(log: Path) -> None:
    """Keep the beginning and the end of a log that grows without end; a few lines between may be lost."""
    size = log.stat().st_size
    if size <= LONGEST_LOG:
        return
    with log.open("r+b") as file:
        file.seek(size - KEPT_OF_A_LONG_LOG)
        last = file.read()
        file.truncate(KEPT_OF_A_LONG_LOG)
    left_out = (size - 2 * KEPT_OF_A_LONG_LOG) >> 20
    with log.open("ab") as file:
        file.write(f"\nrlops: {left_out} MB were left out here\n".encode() + last)


def descendants() -> list[int]:
    """Every process below this one."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            parent = int(path.read_text(errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(path.parent.name))
    found, todo = [], [os.getpid()]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def memory_used(limit: float) -> float:
    """Bytes of memory that the processes below this one take; shared pages count once where it matters."""
    if limit == float("inf"):
        return 0.0
    pids = descendants()
    resident = sum(_kilobytes(pid, "status", "VmRSS:") for pid in pids) * 1024
    return resident if resident <= limit else sum(_kilobytes(pid, "smaps_rollup", "Pss:") for pid in pids) * 1024


def _kilobytes(pid: int, file: str, field: str) -> int:
    with contextlib.suppress(OSError, IndexError, ValueError):
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1])
    return 0


def kill_descendants() -> None:
    """End everything that is left below this process, also what went into a session of its own."""
    deadline = time.monotonic() + LONGEST_DYING
    while (pids := descendants()) and time.monotonic() < deadline:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        time.sleep(POLL_SECONDS / 10)


def check_imports(folder: Path, request: dict[str, Any], environment: dict[str, str], pid: int) -> int:
    """0, or WRONG_CODE where the command imported another version's code than the one it was to train."""
    sys.path.append(str(Path(__file__).parent))
    surroundings = {name: value for name, value in environment.items() if name != "RLOPS_IMPORTS"}
    try:
        wrong_code = importlib.import_module("imports").wrong_code
        place = request["working_directory"]
        wrong = wrong_code(folder, request["imports"], request["command"], pid, place, surroundings)
    except Exception:  # noqa: BLE001  (who cannot be checked is not trusted)
        wrong = [traceback.format_exc()]
    if not wrong:
        return 0
    advice = "\n".join([*wrong, WRONG_CODE_ADVICE])
    note(folder / "stdout.log", f"this is not the code that was to be trained:\n{advice}")
    return WRONG_CODE


def finished(parent: Path, seeds: Iterable[int] | None = None) -> Iterator[tuple[Path, dict[str, Any], dict[str, Any]]]:
    """Folder, cell.json and done.json of every cell group below `parent` that is done. A broken file counts as none.

    Folders that hold none of `seeds` (None: all), as far as their names say, are not looked into.
    """
    wanted = None if seeds is None else set(seeds)
    with contextlib.suppress(FileNotFoundError), os.scandir(parent) as entries:
        for name in sorted(entry.name for entry in entries):
            alone = re.search(r"-s(\d+)-[0-9a-f]{8}$", name)
            if wanted is not None and alone is not None and int(alone[1]) not in wanted:
                continue
            done, request = read_json(parent / name / "done.json"), read_json(parent / name / "cell.json")
            if isinstance(done.get("exit_code"), int) and {"env_id", "seeds"} <= request.keys():
                yield parent / name, request, done


def any_is_finished(request: dict[str, Any], parent: Path) -> bool:
    """Was one of the cells trained between the plan and the lock, maybe in another group?"""
    return any(
        other["env_id"] == request["env_id"] and not set(request["seeds"]).isdisjoint(other["seeds"])
        for _, other, _ in finished(parent, request["seeds"])
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
    """done.json: the cell counts from now on. `started` is of the monotonic clock, which nobody sets."""
    stamp = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    content = {"exit_code": exit_code, "ended_at": stamp, "seconds": round(time.monotonic() - started, 3)}
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
