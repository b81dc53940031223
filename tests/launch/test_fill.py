"""Filling a grid: what is trained, what is left alone, what is said of failures."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from rlops.launch import Board
from rlops.launch.cell_group import CellGroup, is_locked
from tests.launch.dummies import Project, alive, eventually


class TestFilling:
    def test_every_cell_is_trained_once_and_the_same_call_trains_nothing_again(self, project: Project) -> None:
        benchmark = project.benchmark(environments=["A-v1", "B-v1"])
        board = project.fill(benchmark, (1, 2, 3))
        assert (board.trained, board.known, board.failures) == (6, 0, [])
        expected = {f"{env_id} {seed}": 1 for env_id in ("A-v1", "B-v1") for seed in (1, 2, 3)}
        assert project.starts() == expected
        board = project.fill(benchmark, (1, 2, 3))
        assert (board.trained, board.known) == (0, 6)
        assert project.starts() == expected

    def test_more_seeds_train_only_the_new_ones(self, project: Project) -> None:
        project.fill(project.benchmark(), (1, 2))
        board = project.fill(project.benchmark(), (1, 2, 3))
        assert (board.trained, board.known) == (1, 2)
        assert project.starts() == {"A-v1 1": 1, "A-v1 2": 1, "A-v1 3": 1}

    def test_what_a_cell_leaves(self, project: Project) -> None:
        project.fill(project.benchmark("print=hello"), (7,))
        folder = project.directory()
        done, request = (json.loads((folder / name).read_text()) for name in ("done.json", "cell.json"))
        assert done["exit_code"] == 0
        assert done["seconds"] >= 0
        assert done["ended_at"].endswith("+00:00")
        assert (request["benchmark"], request["env_id"], request["seeds"]) == ("bench", "A-v1", [7])
        assert request["command"] == [sys.executable, "-I", "trainer.py", "A-v1", "7", "print=hello"]
        assert request["working_directory"] == str(project.root)
        assert list(request["keys"]) == ["7"]
        assert (folder / "stdout.log").read_text() == "training A-v1 with seeds 7\nhello\n"
        assert sorted(path.name for path in folder.iterdir()) == ["cell.json", "done.json", "stdout.log"]

    @pytest.mark.parametrize("slots", [1, 3])
    def test_as_many_processes_as_slots_at_once_and_never_more(self, slots: int, project: Project) -> None:
        """The trainers wait until as many run as may: with fewer at once none would ever end."""
        most = 0

        def watch(board: Board) -> None:
            nonlocal most
            most = max(most, len(board.running))
            if len(list(project.root.glob("here.*"))) >= slots or (board.running and not board.waiting):
                project.touch("go")

        def started(board: Board) -> None:
            eventually(
                lambda: len(list(project.root.glob("here.*"))) >= min(slots, len(board.running)), "processes start"
            )
            watch(board)

        board = project.fill(project.benchmark("mark=here", "wait=go"), (1, 2, 3, 4), slots=slots, changed=started)
        assert board.trained == 4
        assert most == slots

    def test_a_process_a_core(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        from rlops.launch import LocalExecutor

        monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)))
        assert [LocalExecutor(cores).capacity() for cores in (1, 2, 3, 8, 16)] == [8, 4, 2, 1, 1]

    @pytest.mark.parametrize("env_id", ["ALE/Pong-v5", "../../evil", "a b$(id)'\"", "..", "x" * 300])
    def test_any_environment_id_is_one_argument_and_one_directory_in_the_grid(
        self, env_id: str, project: Project
    ) -> None:
        benchmark = project.benchmark("arguments=said", environments=[env_id])
        assert project.fill(benchmark, (1,)).failures == []
        folder = project.directory()
        assert folder.parent.parent == project.cells
        assert json.loads((project.root / "said").read_text())[:2] == [env_id, "1"]
        assert project.fill(benchmark, (1,)).known == 1

    def test_ids_that_look_alike_as_names_have_directories_of_their_own(self, project: Project) -> None:
        project.fill(project.benchmark(environments=["a/b", "a_b", "a b"]), (1,))
        assert len(project.directories()) == 3


class TestFailures:
    def test_a_failing_command_is_shown_with_its_last_lines_and_is_not_tried_again(self, project: Project) -> None:
        noise = (
            "print=" + "".join(f"line {i}\\n" for i in range(40)) + "\\x1b[31mRuntimeError\\x1b[0m: no \\x1b]0;x\\x07"
        )
        benchmark = project.benchmark(noise, "exit=3")
        board = project.fill(benchmark, (5,))
        (failure,) = board.failures
        assert (failure.label, failure.why) == ("A-v1 seed 5", "exit code 3")
        assert failure.log_tail.splitlines() == [f"line {i}" for i in range(21, 40)] + ["RuntimeError: no "]
        assert failure.log == project.directory() / "stdout.log"
        board = project.fill(benchmark, (5,))
        (failure,) = board.failures
        assert (board.trained, board.known) == (0, 1)
        assert failure.why == "exit code 3 in an earlier call; `rlops run bench --seeds 5 --force` trains it again"
        assert failure.log_tail.endswith("RuntimeError: no ")
        assert project.starts() == {"A-v1 5": 1}

    def test_force_trains_again_what_failed_and_nothing_else(self, project: Project) -> None:
        benchmark = project.benchmark("exit@2=1")
        assert len(project.fill(benchmark, (1, 2)).failures) == 1
        board = project.fill(benchmark, (1, 2), force=True)
        assert (board.trained, board.known, len(board.failures)) == (1, 1, 1)
        assert project.starts() == {"A-v1 1": 1, "A-v1 2": 2}

    def test_a_command_that_does_not_exist(self, project: Project) -> None:
        benchmark = project.benchmark().model_copy(update={"command": ("no-such-trainer", "{env_id}", "{seed}")})
        (failure,) = project.fill(benchmark, (1,)).failures
        assert failure.why == "exit code 127"
        assert failure.log_tail == "rlops: no-such-trainer: cannot be started: No such file or directory"

    def test_a_command_that_no_system_can_start(self, project: Project) -> None:
        (failure,) = project.fill(project.benchmark(environments=["a\0b"]), (1,)).failures
        assert failure.why == "exit code 127"
        assert failure.log_tail.endswith("cannot be started: embedded null byte")

    def test_a_killed_process_is_not_done_and_the_next_call_trains_it(self, project: Project) -> None:
        benchmark = project.benchmark("wait@2=go", "kill@1=9")
        project.touch("go")
        board = project.fill(benchmark, (1, 2))
        (failure,) = board.failures
        assert failure.why == "killed by SIGKILL (out of memory?); the same command trains it again"
        assert failure.log_tail == "training A-v1 with seeds 1"
        assert (board.trained, board.known) == (1, 0)
        project.fill(benchmark, (1, 2))
        assert project.starts() == {"A-v1 1": 2, "A-v1 2": 1}

    def test_killed_from_outside(self, project: Project) -> None:
        benchmark = project.benchmark("mark=here", "wait=go")

        def kill(board: Board) -> None:
            if board.running:
                eventually(lambda: project.has("here.A-v1.1"), "it starts")
                os.kill(project.pids()[-1], signal.SIGKILL)

        board = project.fill(benchmark, (1,), changed=kill)
        assert [failure.why.partition(";")[0] for failure in board.failures] == ["killed by SIGKILL (out of memory?)"]
        assert not (project.directory() / "done.json").exists()
        project.touch("go")
        assert project.fill(benchmark, (1,)).trained == 1
        assert project.starts() == {"A-v1 1": 2}

    def test_what_a_stopped_attempt_left_is_not_mixed_with_the_next(self, project: Project) -> None:
        benchmark = project.benchmark("kill@1=9")
        project.fill(benchmark, (1,))
        folder = project.directory()
        (folder / "wandb").mkdir()
        (folder / "wandb" / "old").touch()
        (folder / "link").symlink_to(project.root)
        project.fill(benchmark, (1,))
        assert sorted(path.name for path in folder.iterdir()) == ["cell.json", "killed", "stdout.log"]
        assert project.has("trainer.py")

    def test_forked_children_that_are_left_behind_are_killed(self, project: Project) -> None:
        assert project.fill(project.benchmark("fork=pid"), (1,)).trained == 1
        pid = int((project.root / "pid").read_text())
        eventually(lambda: not alive(pid), "the forked child ends")

    def test_the_time_limit_asks_first(self, project: Project) -> None:
        benchmark = project.benchmark("polite", "wait=never", resources={"minutes": 0.01, "grace_seconds": 30})
        (failure,) = project.fill(benchmark, (1,)).failures
        assert failure.why == "exit code 124 (the time limit)"
        assert failure.log_tail.splitlines()[-1] == "rlops: stopped at the limit of 0.01 minutes"
        assert project.has("asked.A-v1.1")
        assert project.fill(benchmark, (1,)).known == 1

    def test_the_time_limit_kills_who_does_not_listen(self, project: Project) -> None:
        benchmark = project.benchmark(
            "deaf", "fork=pid", "mark=deaf", "wait=never", resources={"minutes": 0.02, "grace_seconds": 0.1}
        )
        (failure,) = project.fill(benchmark, (1,)).failures
        assert failure.why == "exit code 124 (the time limit)"
        eventually(lambda: not alive(project.pids()[0]), "the trainer is dead")
        if project.has("deaf.A-v1.1"):  # on a machine slow enough the limit comes before
            pid = int((project.root / "pid").read_text())
            eventually(lambda: not alive(pid), "its child is dead")


class TestBadStore:
    @pytest.mark.parametrize("content", ["", "{", "[]", "3", "null", '{"seconds": 1}', "\xff"])
    def test_a_broken_done_json_counts_as_not_done(self, content: str, project: Project) -> None:
        benchmark = project.benchmark()
        project.fill(benchmark, (1, 2))
        broken = next(path for path in project.directories() if "s1" in path.name)
        (broken / "done.json").write_bytes(content.encode("latin-1"))
        board = project.fill(benchmark, (1, 2))
        assert (board.trained, board.known, board.failures) == (1, 1, [])
        assert project.starts() == {"A-v1 1": 2, "A-v1 2": 1}
        assert project.fill(benchmark, (1, 2)).known == 2

    @pytest.mark.parametrize("content", ["", "[]", "{}"])
    def test_a_broken_cell_json_too(self, content: str, project: Project) -> None:
        benchmark = project.benchmark()
        project.fill(benchmark, (1,))
        (project.directory() / "cell.json").write_text(content)
        board = project.fill(benchmark, (1,))
        assert (board.trained, board.known, board.failures) == (1, 0, [])
        assert project.fill(benchmark, (1,)).known == 1


class TestLocks:
    def test_is_locked(self, project: Project, tmp_path: Path) -> None:
        import fcntl

        path = tmp_path / "lock"
        assert not is_locked(path)
        assert not path.exists()
        with path.open("w") as file:
            assert not is_locked(path)
            fcntl.flock(file, fcntl.LOCK_EX)
            assert is_locked(path)
        assert not is_locked(path)

    def test_a_lock_a_cell_however_they_are_grouped(self, project: Project) -> None:
        grid = project.grid(project.benchmark(many=True), (1, 2, 3))
        one, two, three = grid.cells
        together = CellGroup(grid, (one, two, three), project.cells / grid.name).locks()
        assert len(set(together)) == 3
        assert CellGroup(grid, (two,), project.cells / grid.name).locks() == [together[1]]
