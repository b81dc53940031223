"""What a machine can do to a grid: each ends in a clear message, nothing finished is lost."""

import contextlib
import errno
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rlops.errors import UsageError
from rlops.launch import Board, supervise
from tests.launch.dummies import Project, alive, eventually
from tests.launch.test_supervise import supervised


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["rlops.launch.fill"], "FIRST_WAIT", 0.0)  # `rlops.launch.fill` is the function


RETRIES = {"retries": 2}


@pytest.mark.usefixtures("at_once")
class TestRetries:
    @pytest.mark.parametrize("death", ["kill=9", "kill=15", "exit=137"], ids=["SIGKILL", "SIGTERM", "a shell says 137"])
    def test_what_others_have_killed_is_trained_again(self, death: str, project: Project) -> None:
        board = project.fill(project.benchmark("once=dead", death, resources=RETRIES), (1, 2))
        assert (board.trained, board.failures) == (2, [])
        assert project.starts() == {"A-v1 1": 2, "A-v1 2": 2}
        (group, other) = board.retried
        assert {group.seeds, other.seeds} == {(1,), (2,)}
        assert all(
            len(attempts) == 1 and attempts[0].startswith("killed by SIG") for attempts in board.retried.values()
        )

    @pytest.mark.parametrize(
        ("death", "why"),
        [
            ("exit=1", "exit code 1"),
            ("kill=11", "exit code 139"),
            ("kill=6", "exit code 134"),
        ],
    )
    def test_what_failed_by_itself_is_not(self, death: str, why: str, project: Project) -> None:
        board = project.fill(project.benchmark(death, resources=RETRIES), (1,))
        (failure,) = board.failures
        assert failure.why == why
        assert project.starts() == {"A-v1 1": 1}
        if death == "kill=11":
            assert failure.log_tail.splitlines()[-1] == "rlops: killed by SIGSEGV"

    def test_a_few_times_and_no_more(self, project: Project) -> None:
        board = project.fill(project.benchmark("kill=9", resources=RETRIES), (1,))
        (failure,) = board.failures
        assert failure.why == "killed by SIGKILL (out of memory?) 3 times; the same command trains it again"
        assert project.starts() == {"A-v1 1": 3}
        assert board.trained == 0

    def test_a_whole_process_group_is_killed(self, project: Project) -> None:
        """As a batch system does it: the supervisor of one cell and everything below it, at once."""
        benchmark = project.benchmark("once=dead", "fork=pid", "mark=here", "wait=never", resources=RETRIES)
        killed: list[int] = []

        def kill(board: Board) -> None:
            if board.running and not killed:
                eventually(lambda: project.has("here.A-v1.1"), "it trains")
                pid = project.pids()[0]
                parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
                killed.append(pid)
                os.killpg(os.getpgid(parent), signal.SIGKILL)
                os.killpg(os.getpgid(pid), signal.SIGKILL)

        board = project.fill(benchmark, (1,), changed=kill)
        assert (board.trained, board.failures) == (1, [])
        assert project.starts() == {"A-v1 1": 2}
        assert list(board.retried.values()) == [["stopped from outside"]]


class TestLimits:
    def test_memory(self, project: Project) -> None:
        benchmark = project.benchmark("memory=300", "mark=big", "wait=never", resources={"memory_gb": 0.2})
        (failure,) = project.fill(benchmark, (1,)).failures
        assert failure.why == "exit code 125 (the memory limit)"
        assert failure.log_tail.splitlines()[-1] == "rlops: stopped at the limit of 0.2 GB of memory"
        assert project.fill(benchmark, (1,)).known == 1, "it would take as much again"

    def test_memory_of_all_its_processes(self, project: Project) -> None:
        code = "import time; kept = bytearray(150_000_000); kept[::4096] = b'x' * len(kept[::4096]); time.sleep(120)"
        (project.root / "trainer.py").write_text(
            f"import subprocess, sys\nchildren = [subprocess.Popen([sys.executable, '-c', {code!r}]) for _ in '12']\n"
            "children[0].wait()\n"
        )
        benchmark = project.benchmark(resources={"memory_gb": 0.25, "grace_seconds": 1})
        (failure,) = project.fill(benchmark, (1,)).failures
        assert failure.why == "exit code 125 (the memory limit)"

    def test_enough_memory_is_no_failure(self, project: Project) -> None:
        assert project.fill(project.benchmark("memory=100", resources={"memory_gb": 2}), (1,)).failures == []

    def test_gigabytes_of_output_are_cut_to_their_ends(self, tmp_path: Path) -> None:
        small = "supervise.LONGEST_LOG, supervise.KEPT_OF_A_LONG_LOG, supervise.MEASURE_SECONDS = 4 << 20, 1 << 18, 0"
        code, folder = supervised(tmp_path, small, "flood=64", "mark=flooded", "print=the end")
        assert code == 0
        log = (folder / "stdout.log").read_text()
        assert log.startswith("training A-v1 with seeds 1\n")
        assert "MB were left out here\n" in log
        assert log.endswith("the end\n")
        # The longest log, and what is written between two looks at it.
        assert len(log) < 40 << 20

    def test_a_burst_at_the_end_is_cut_too(self, tmp_path: Path) -> None:
        small = "supervise.LONGEST_LOG, supervise.KEPT_OF_A_LONG_LOG, supervise.MEASURE_SECONDS = 4 << 20, 1 << 18, 1e9"
        code, folder = supervised(tmp_path, small, "flood=16", "exit=3")
        assert code == 0
        assert (folder / "stdout.log").stat().st_size < 1 << 20

    def test_a_line_without_end_is_shown_by_its_beginning(self, project: Project) -> None:
        (failure,) = project.fill(project.benchmark("flood=1", "print=last", "exit=3"), (1,)).failures
        first, last = failure.log_tail.splitlines()
        assert (len(first) < 500, first.endswith(" ..."), last) == (True, True, "last")

    def test_children_that_left_the_session_are_ended(self, project: Project) -> None:
        assert project.fill(project.benchmark("escape=pid"), (1,)).trained == 1
        pid = int((project.root / "pid").read_text())
        eventually(lambda: not alive(pid), "the child that ran away ends")

    def test_a_clock_that_jumps_changes_no_duration(self, tmp_path: Path) -> None:
        jumping = """
import itertools, time
jumps = itertools.count()
time.time = lambda: 1e9 - 1e6 * next(jumps)
"""
        code, folder = supervised(tmp_path, jumping, "print=x")
        assert code == 0
        assert 0 <= json.loads((folder / "done.json").read_text())["seconds"] < 60


@contextlib.contextmanager
def small_disk(place: Path, kilobytes: int) -> Iterator[Path]:
    """A file system of that size, mounted where this process may do so."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("who runs the tests may not mount a small file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


class TestNoSpace:
    @pytest.fixture
    def store(self, project: Project) -> Iterator[Path]:
        with small_disk(project.root / "store", 4096) as place:
            yield place

    def test_it_is_told_nothing_finished_is_lost_and_room_helps(self, project: Project, store: Path) -> None:
        fills = f"write@2={store}/large,6000000"
        benchmark = project.benchmark(fills)
        board = project.fill(benchmark, (1, 2), slots=1)
        (failure,) = board.failures
        advice = "make room, then the same command trains it again"
        assert failure.why == f"no space left on the device of {project.cells}; {advice}"
        assert board.trained == 1
        (store / "large").unlink()
        (project.root / "trainer.py").touch()
        again = project.fill(benchmark, (1,), slots=1)
        assert (again.trained, again.known, again.failures) == (0, 1, [])

    @pytest.mark.usefixtures("at_once")
    def test_room_that_comes_back_is_used(self, project: Project, store: Path) -> None:
        (store / "other").write_bytes(b"x" * 3_500_000)
        benchmark = project.benchmark("print=x", resources={"retries": 5})

        def make_room(board: Board) -> None:
            if board.retried:
                (store / "other").unlink(missing_ok=True)

        board = project.fill(benchmark, (1,), changed=make_room)
        assert (board.trained, board.failures) == (1, [])
        assert next(iter(board.retried.values()))[0].startswith("no space left on the device")

    def test_a_full_disk_under_the_supervisor(self, tmp_path: Path) -> None:
        full = f"""
def fails(*_):
    raise OSError({errno.ENOSPC}, "No space left on device")
supervise.write_done = fails
"""
        code, folder = supervised(tmp_path, full)
        assert code == supervise.NO_SPACE
        assert not (folder / "done.json").exists()


class TestTheCodeIsGone:
    def test_before_it_starts(self, project: Project) -> None:
        grid = project.grid(project.benchmark(), (1, 2))
        from rlops.launch import Interrupts, fill
        from tests.launch.dummies import executor

        (project.root / "trainer.py").unlink()
        with pytest.raises(UsageError, match=r"trainer\.py, which does not exist"):
            fill([grid], project.cells, executor(1), Interrupts())

    def test_while_it_trains(self, tmp_path: Path) -> None:
        """The whole folder, as `git worktree remove` does it; the store lies elsewhere."""
        from rlops.launch import Interrupts, fill
        from tests.launch.dummies import executor, make_project

        project = make_project(tmp_path / "worktree")
        grid, store = project.grid(project.benchmark("mark=here", "wait=never"), (1, 2)), tmp_path / "cells"

        def remove(board: Board) -> None:
            if board.running and project.root.exists():
                eventually(lambda: project.has("here.A-v1.1"), "it trains")
                pids.extend(project.pids())
                shutil.rmtree(project.root)
                for pid in pids:
                    os.kill(pid, signal.SIGTERM)

        pids: list[int] = []
        with pytest.raises(UsageError, match="which does not exist"):
            fill([grid], store, executor(1), Interrupts(), remove)
        assert not list(store.rglob("done.json"))
        eventually(lambda: not any(map(alive, pids)), "nothing trains on")


class TestTheTimeIsOver:
    def test_what_runs_is_stopped_and_what_ended_is_kept(self, project: Project) -> None:
        benchmark = project.benchmark("wait@2=never", resources={"grace_seconds": 5})

        board = project.fill(benchmark, (1, 2, 3), slots=1, until=time.monotonic() + 3)
        assert (board.trained, board.out_of_time, board.failures) == (1, True, [])
        assert [group.seeds for group in board.left] == [(3,), (2,)]
        assert not any(map(alive, project.pids()))

    def test_nothing_is_started_that_would_not_end(self, project: Project) -> None:
        project.fill(project.benchmark(), (1,))
        (done,) = project.cells.glob("*/*/done.json")
        done.write_text(json.dumps({**json.loads(done.read_text()), "seconds": 1000.0}))
        started = time.monotonic()
        board = project.fill(project.benchmark(), (1, 2), until=started + 500)
        assert (board.trained, board.known, board.out_of_time) == (0, 1, True)
        assert time.monotonic() < started + 400
        assert project.starts() == {"A-v1 1": 1}
        board = project.fill(project.benchmark(), (1, 2), until=started + 5000)
        assert (board.trained, board.out_of_time) == (1, False)

    def test_without_a_limit(self, project: Project) -> None:
        assert not project.fill(project.benchmark(), (1,), until=math.inf).out_of_time
