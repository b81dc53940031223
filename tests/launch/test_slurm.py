"""Slurm: jobs of submitit's on this machine, and a stand-in for the cluster's commands."""

import json
import os
import re
import signal
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from rlops.errors import UsageError
from rlops.launch import Board, Interrupts, executor_for
from rlops.launch.cell_group import CellGroup
from rlops.launch.executor import Ending, Executor
from rlops.launch.slurm import SlurmExecutor
from rlops.plan import Benchmark
from tests.launch.dummies import Project, alive, eventually, fill_with, parent_of

STANDIN = Path(__file__).with_name("slurm_standin.py")


@pytest.fixture(params=["local", "slurm"])
def engine(request: pytest.FixtureRequest, cluster: "Cluster") -> Executor:
    return SlurmExecutor(cluster=request.param)


class Cluster:
    """The stand-in's jobs."""

    def __init__(self, folder: Path) -> None:
        self.jobs, self.bin = folder / "jobs", folder / "bin"

    @property
    def job(self) -> Path:
        (only,) = [path for path in self.jobs.iterdir() if path.is_dir()]
        return only


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster(tmp_path / "slurm")
    made.jobs.mkdir(parents=True)
    made.bin.mkdir()
    for name in ("sbatch", "srun", "sacct", "scancel"):
        (made.bin / name).write_text(f"#!{sys.executable} -I\n{STANDIN.read_text()}")
        (made.bin / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{made.bin}{os.pathsep}{os.environ['PATH']}")
    return made


def group_of(project: Project, benchmark: Benchmark) -> CellGroup:
    grid = project.grid(benchmark, (1,))
    return CellGroup(grid, grid.cells, project.cells / grid.name)


def left_behind(project: Project) -> list[Path]:
    return list(project.cells.glob("*/.slurm/*"))


class TestTraining:
    def test_every_cell_is_trained_once_and_the_same_call_trains_nothing_again(
        self, engine: Executor, project: Project
    ) -> None:
        board = fill_with(engine, project, project.benchmark("print=hello"), (1, 2))
        assert (board.trained, board.known, board.failures) == (2, 0, [])
        assert fill_with(engine, project, project.benchmark("print=hello"), (1, 2)).known == 2
        assert project.starts() == {"A-v1 1": 1, "A-v1 2": 1}
        for folder in project.directories():
            assert sorted(path.name for path in folder.iterdir()) == ["cell.json", "done.json", "stdout.log"]
        assert not left_behind(project)

    def test_a_failed_command_fails_as_on_this_machine(self, engine: Executor, project: Project) -> None:
        board = fill_with(engine, project, project.benchmark("print=oh no", "exit=3"), (1,))
        (failure,) = board.failures
        assert (failure.why, failure.log_tail.splitlines()[-1]) == ("exit code 3", "oh no")

    def test_who_trains_elsewhere_is_waited_for(self, engine: Executor, project: Project) -> None:
        benchmark = project.benchmark("mark=here", "wait=go")
        here, there = group_of(project, benchmark), executor_for("local", benchmark)
        there.submit(here)
        eventually(lambda: project.has("here.A-v1.1"), "it is trained on this machine")

        def changed(board: Board) -> None:
            if board.elsewhere:
                project.touch("go")

        board = fill_with(engine, project, benchmark, (1,), changed)
        assert (board.trained, board.known, project.starts()) == (0, 1, {"A-v1 1": 1})
        eventually(lambda: there.poll(here) is Ending.ENDED, "the other one ends")

    def test_secrets_are_in_files_of_the_owner_only(
        self, engine: Executor, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WANDB_API_KEY", "s3cret-key")
        found: list[Path] = []

        def changed(board: Board) -> None:
            if board.running:
                eventually(lambda: project.has("seen"), "the cell runs")
                found.extend(path for path in project.root.rglob("*") if path.is_file() and path.name != "seen")
                found[:] = [path for path in found if b"s3cret-key" in path.read_bytes()]
                project.touch("go")

        benchmark = project.benchmark("environment=seen", "wait=go", wandb={"mode": "online"})
        fill_with(engine, project, benchmark, (1,), changed)
        assert json.loads((project.root / "seen").read_text())["WANDB_API_KEY"] == "s3cret-key"
        assert found, "submitit writes it somewhere"
        (folder,) = {path.parent for path in found}
        assert folder.parent.name == ".slurm"
        assert not folder.exists(), "removed when it had ended"

    def test_the_folder_of_a_job_is_its_owners(self, engine: Executor, project: Project) -> None:
        group = group_of(project, project.benchmark("wait=go"))
        engine.submit(group)
        (folder,) = left_behind(project)
        assert folder.stat().st_mode & 0o777 == 0o700
        project.touch("go")
        eventually(lambda: engine.poll(group) is Ending.ENDED, "it ends")


class TestEnds:
    def test_a_killed_job_ends_the_training_and_the_next_call_trains_it_again(
        self, project: Project, cluster: Cluster
    ) -> None:
        def changed(board: Board) -> None:
            if board.running:
                eventually(lambda: project.has("here.A-v1.1"), "the cell runs")
                os.kill(parent_of(parent_of(project.pids()[0])), signal.SIGKILL)

        engine = SlurmExecutor(cluster="local")
        benchmark = project.benchmark("polite", "mark=here", "wait=go")
        board = fill_with(engine, project, benchmark, (1,), changed)
        eventually(lambda: not alive(project.pids()[0]), "the training is ended")
        assert project.has("asked.A-v1.1"), "by SIGTERM first"
        assert not list(project.cells.glob("*/*/done.json"))
        (failure,) = board.failures
        assert failure.why == "stopped from outside; the same command trains it again"
        assert re.search(r"rlops: Slurm job \d+: FINISHED", failure.log_tail)
        project.touch("go")
        board = fill_with(engine, project, benchmark, (1,))
        assert (board.trained, board.failures, project.starts()) == (1, [], {"A-v1 1": 2})

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR2])
    def test_slurms_warnings_end_the_training_and_requeue_nothing(
        self, number: signal.Signals, engine: Executor, project: Project
    ) -> None:
        def changed(board: Board) -> None:
            if board.running:
                eventually(lambda: project.has("here.A-v1.1"), "the cell runs")
                os.kill(parent_of(parent_of(project.pids()[0])), number)

        board = fill_with(engine, project, project.benchmark("polite", "mark=here", "wait=never"), (1,), changed)
        assert not alive(project.pids()[0])
        assert (board.trained, len(board.failures), project.starts()) == (0, 1, {"A-v1 1": 1})
        assert project.has("asked.A-v1.1")

    def test_cancelled_groups_end(self, engine: Executor, project: Project, cluster: Cluster) -> None:
        interrupts = Interrupts()

        def changed(board: Board) -> None:
            if board.running:
                eventually(lambda: len(list(project.root.glob("here.*"))) == 2, "both cells run")
                interrupts.keyboard = 2

        benchmark = project.benchmark("polite", "mark=here", "wait=never")
        board = fill_with(engine, project, benchmark, (1, 2), changed, interrupts)
        eventually(lambda: not any(alive(pid) for pid in project.pids()), "the trainings are ended")
        assert len(list(project.root.glob("asked.*"))) == 2
        assert (board.trained, board.failures) == (0, [])
        assert not list(project.cells.glob("*/*/done.json"))
        assert not left_behind(project)
        for job in cluster.jobs.iterdir():
            assert (job / "cancelled").read_text() == "asked\n", "once is enough for the scheduler"

    def test_a_waiting_job_is_cancelled(self, project: Project, cluster: Cluster) -> None:
        (cluster.jobs / "full").touch()
        engine, group = SlurmExecutor(), group_of(project, project.benchmark())
        engine.submit(group)
        assert engine.poll(group) is None
        engine.cancel(group)
        eventually(lambda: engine.poll(group) is Ending.STOPPED, "it does not wait any more")
        assert not project.starts()
        assert not group.folder.exists(), "who cancels need not be told"

    @pytest.mark.parametrize(
        "state", ["NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY", "TIMEOUT", "CANCELLED by 1000", "FAILED", "BOOT_FAIL"]
    )
    def test_what_slurm_did_to_a_job_is_said(self, state: str, project: Project, cluster: Cluster) -> None:
        (cluster.jobs / "full").touch()
        engine, group = SlurmExecutor(), group_of(project, project.benchmark())
        engine.submit(group)
        (cluster.job / "state").write_text(state)
        assert engine.poll(group) is Ending.STOPPED
        assert group.directory.log_tail() == f"rlops: Slurm job {cluster.job.name}: {state}"


class TestScript:
    def lines(self, project: Project, cluster: Cluster, **resources: object) -> list[str]:
        (cluster.jobs / "full").touch()
        SlurmExecutor().submit(group_of(project, project.benchmark(resources=resources)))
        return (cluster.job / "script").read_text().splitlines()

    def test_what_a_job_asks_for(self, project: Project, cluster: Cluster) -> None:
        lines = self.lines(
            project, cluster, cores=4, memory_gb=6, minutes=30.5, grace_seconds=60,
            slurm={"partition": "gpu", "gres": "gpu:1", "exclusive": True, "nice": 100},
        )  # fmt: skip
        asked = {line.removeprefix("#SBATCH --") for line in lines if line.startswith("#SBATCH")}
        assert {
            "job-name=rlops-bench", "cpus-per-task=4", "mem=6GB", "time=37", "no-requeue",
            "partition=gpu", "gres=gpu:1", "exclusive", "nice=100",
        } <= asked  # fmt: skip
        (command,) = [line for line in lines if line.startswith("srun")]
        assert "--cpus-per-task=4" in command
        assert " -P " in command, "the job imports nothing from the folder with the code under test"

    def test_the_benchmark_has_the_last_word(self, project: Project, cluster: Cluster) -> None:
        lines = self.lines(project, cluster, slurm={"time": "1-00:00:00", "cpus-per-task": 8})
        assert [line for line in lines if "--time" in line] == ["#SBATCH --time=1-00:00:00"]
        assert [line for line in lines if "SBATCH --cpus-per-task" in line] == ["#SBATCH --cpus-per-task=8"]
        assert not [line for line in lines if "--mem" in line]

    @pytest.mark.parametrize(
        "options", [{"comment": "x\nrm -rf ~"}, {"x\nrm": "y"}, {"--wrap": "rm"}, {"wrap x": "y"}, {"nice": 1.5}]
    )
    def test_an_option_is_one_line(self, options: dict[str, object], project: Project) -> None:
        with pytest.raises(ValidationError, match="slurm"):
            project.benchmark(resources={"slurm": options})

    def test_a_value_is_one_argument(self, project: Project, cluster: Cluster) -> None:
        lines = self.lines(project, cluster, slurm={"comment": "a $(touch evil) 'b'"})
        assert "#SBATCH --comment='a $(touch evil) '\"'\"'b'\"'\"''" in lines

    def test_what_sbatch_refuses_is_said(self, project: Project, cluster: Cluster) -> None:
        benchmark = project.benchmark(resources={"slurm": {"partition": "nowhere"}})
        with pytest.raises(UsageError, match=r"A-v1 seed 1: sbatch: error: invalid partition.*\[resources.slurm\]"):
            fill_with(SlurmExecutor(), project, benchmark, (1,))
        assert not left_behind(project)

    @pytest.mark.parametrize(("variables", "expected"), [({}, "3"), ({"CUDA_VISIBLE_DEVICES": ""}, "")])
    def test_a_job_sees_the_devices_that_slurm_gave_it(
        self,
        variables: dict[str, str],
        expected: str,
        project: Project,
        cluster: Cluster,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
        benchmark = project.benchmark("environment=seen", variables=variables, resources={"slurm": {"gres": "gpu:1"}})
        fill_with(SlurmExecutor(), project, benchmark, (1,))
        assert json.loads((project.root / "seen").read_text())["CUDA_VISIBLE_DEVICES"] == expected


def test_without_slurm(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="there is no sbatch and no srun on PATH"):
        executor_for("slurm", project.benchmark())
