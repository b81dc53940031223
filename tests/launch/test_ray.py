"""Ray: a real cluster of two cores on this machine, workers that die, a driver that dies."""

import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from rlops.errors import UsageError
from rlops.launch import Board, Interrupts, executor_for
from rlops.launch.cell_group import CellGroup
from rlops.launch.executor import Ending, Executor
from rlops.launch.ray_cluster import OURS
from rlops.plan import Benchmark
from tests.launch.dummies import (
    Project,
    Rlops,
    alive,
    eventually,
    fill_with,
    parent_of,
    start_run,
    write_benchmark,
)


@pytest.fixture(scope="module")
def short_folder() -> Iterator[Path]:
    """For Ray's sockets, whose paths may have 107 bytes: pytest's own folders are too deep."""
    folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster(short_folder: Path) -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**OURS, "HOME": str(short_folder)}.items():  # Ray keeps a token below HOME
            patch.setenv(name, value)
        ray.init(
            address="local",
            num_cpus=2,
            object_store_memory=80 * 2**20,
            include_dashboard=False,
            log_to_driver=False,
            _temp_dir=str(short_folder / "cluster"),
        )
        yield
        ray.shutdown()
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def engine(cluster: None, project: Project) -> Executor:
    return executor_for("ray", project.benchmark())


def groups(project: Project, benchmark: Benchmark, *seeds: int) -> list[CellGroup]:
    grid = project.grid(benchmark, seeds)
    return [CellGroup(grid, (cell,), project.cells / grid.name) for cell in grid.cells]


class TestTraining:
    def test_every_cell_is_trained_once_and_the_same_call_trains_nothing_again(
        self, engine: Executor, project: Project
    ) -> None:
        benchmark = project.benchmark("print=hello")
        board = fill_with(engine, project, benchmark, (1, 2, 3))
        assert (board.trained, board.known, board.failures) == (3, 0, [])
        assert fill_with(engine, project, benchmark, (1, 2, 3)).known == 3
        assert project.starts() == {f"A-v1 {seed}": 1 for seed in (1, 2, 3)}
        for folder in project.directories():
            assert sorted(path.name for path in folder.iterdir()) == ["cell.json", "done.json", "stdout.log"]

    def test_a_failed_command_fails_as_on_this_machine(self, engine: Executor, project: Project) -> None:
        board = fill_with(engine, project, project.benchmark("print=oh no", "exit=3"), (1,))
        (failure,) = board.failures
        assert failure.why == "exit code 3"
        assert failure.log_tail.endswith("oh no")

    def test_the_command_sees_the_variables_of_the_order_and_none_of_rays(
        self, engine: Executor, project: Project
    ) -> None:
        benchmark = project.benchmark("environment=seen", variables={"SECRET": "s3cret"})
        fill_with(engine, project, benchmark, (1,))
        seen = json.loads((project.root / "seen").read_text())
        (group,) = groups(project, benchmark, 1)
        assert {**seen, "LC_CTYPE": None} == {**group.environment(), "LC_CTYPE": None}

    def test_who_trains_elsewhere_is_waited_for(self, engine: Executor, project: Project) -> None:
        benchmark = project.benchmark("mark=here", "wait=go")
        here, there = groups(project, benchmark, 1), executor_for("local", benchmark)
        there.submit(here[0])
        eventually(lambda: project.has("here.A-v1.1"), "it is trained on this machine")

        def changed(board: Board) -> None:
            if board.elsewhere:
                project.touch("go")

        board = fill_with(engine, project, benchmark, (1,), changed)
        assert (board.trained, board.known, project.starts()) == (0, 1, {"A-v1 1": 1})
        eventually(lambda: there.poll(here[0]) is Ending.ENDED, "the other one ends")


class TestResources:
    def test_a_group_takes_its_cores(self, cluster: None, project: Project) -> None:
        benchmark = project.benchmark("mark=here", "wait=go", resources={"cores": 2})
        engine = executor_for("ray", benchmark)
        assert engine.capacity() == 1
        both = groups(project, benchmark, 1, 2)
        for group in both:
            engine.submit(group)
        eventually(lambda: list(project.root.glob("here.*")), "one runs")
        eventually(lambda: ray.available_resources().get("CPU", 0) == 0, "it has all cores")
        assert project.starts().total() == 1
        assert [engine.poll(group) for group in both] == [None, None]
        project.touch("go")
        for group in both:
            eventually(lambda group=group: engine.poll(group) is Ending.ENDED, "it ends")  # type: ignore[misc]

    @pytest.mark.parametrize(("share", "capacity"), [(0.1, 2), (0.7, 1), (1.5, 1)])
    def test_a_group_takes_its_memory(self, share: float, capacity: int, cluster: None, project: Project) -> None:
        memory = share * ray.cluster_resources()["memory"] / 2**30
        assert executor_for("ray", project.benchmark(resources={"memory_gb": memory})).capacity() == capacity

    def test_what_no_node_has_room_for_waits_until_it_is_cancelled(self, cluster: None, project: Project) -> None:
        benchmark = project.benchmark(resources={"cores": 3})
        engine = executor_for("ray", benchmark)
        (group,) = groups(project, benchmark, 1)
        engine.submit(group)
        assert (engine.capacity(), engine.poll(group)) == (1, None)
        engine.cancel(group)
        eventually(lambda: engine.poll(group) is Ending.STOPPED, "it does not wait any more")
        assert not project.starts()


class TestEnds:
    def test_a_killed_worker_ends_the_training_and_the_next_call_trains_it_again(
        self, engine: Executor, project: Project
    ) -> None:
        def changed(board: Board) -> None:
            if board.running:
                eventually(lambda: project.has("here.A-v1.1"), "the cell runs")
                os.kill(parent_of(parent_of(project.pids()[0])), signal.SIGKILL)

        benchmark = project.benchmark("polite", "mark=here", "wait=go")
        board = fill_with(engine, project, benchmark, (1,), changed)
        (pid,) = project.pids()
        eventually(lambda: not alive(pid), "the training is ended")
        assert project.has("asked.A-v1.1"), "by SIGTERM first"
        assert not list(project.cells.glob("*/*/done.json"))
        (failure,) = board.failures
        assert failure.why == "stopped from outside; the same command trains it again"
        assert "Ray: WorkerCrashedError" in failure.log_tail
        project.touch("go")
        board = fill_with(engine, project, benchmark, (1,))
        assert (board.trained, board.failures, project.starts()) == (1, [], {"A-v1 1": 2})

    def test_a_cancelled_group_has_ended_when_it_is_said_to_have(self, engine: Executor, project: Project) -> None:
        interrupts = Interrupts()

        def changed(board: Board) -> None:
            if board.running:
                eventually(lambda: len(list(project.root.glob("here.*"))) == 2, "both cells run")
                interrupts.keyboard = 2

        benchmark = project.benchmark("polite", "mark=here", "wait=never")
        board = fill_with(engine, project, benchmark, (1, 2), changed, interrupts)
        assert not any(alive(pid) for pid in project.pids())
        assert len(list(project.root.glob("asked.*"))) == 2
        assert (board.trained, board.failures) == (0, [])
        assert not list(project.cells.glob("*/*/done.json"))

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143)])
    def test_the_end_of_rlops_ends_the_training(
        self, number: signal.Signals, code: int, project: Project, short_folder: Path
    ) -> None:
        """A cluster of its own; Ray's way to end workers is to kill their children, which is not to reach ours."""
        write_benchmark(project, "polite", "mark=here", "wait=go")
        child = start_ray(project, short_folder)
        child.wait_until(lambda: project.has("here.A-v1.1"), "the cell runs")
        child.process.send_signal(number)
        assert child.end() == code, child.output
        (pid,) = project.pids()
        eventually(lambda: not alive(pid), "the training is ended")
        assert project.has("asked.A-v1.1"), "by SIGTERM first"
        assert not list(project.cells.glob("*/*/done.json"))
        project.touch("go")
        assert start_run(project, "--seeds", "1").end() == 0
        assert project.starts() == {"A-v1 1": 2}


def start_ray(project: Project, folder: Path) -> Rlops:
    """On a cluster that it starts itself, whatever else runs on this machine."""
    return start_run(project, "--seeds", "1", RLOPS_EXECUTOR="ray", RAY_ADDRESS="local", RAY_TMPDIR=str(folder / "own"))


def test_where_no_cluster_is_it_is_said(project: Project) -> None:
    write_benchmark(project)
    with socket.socket() as nobody:  # bound, and not listening
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        child = start_run(project, "--executor", "ray", RAY_ADDRESS=address)
        assert child.end() == 2
    assert f"executor ray: no cluster at RAY_ADDRESS={address}: " in child.output
    assert "Traceback" not in child.output


@pytest.mark.parametrize(("name", "package"), [("ray", "ray"), ("slurm", "submitit")])
def test_what_is_not_installed_is_said(
    name: str, package: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("ray_cluster", "slurm"):
        monkeypatch.delitem(sys.modules, f"rlops.launch.{module}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=rf"{package} is not installed; pip install 'rlops\[{name}\]'"):
        executor_for(name, project.benchmark())
