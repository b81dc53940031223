"""A Slurm cluster as an executor, through submitit: a job a group."""

import math
import re
import shlex
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import submitit
from submitit.core.utils import FailedJobError, FailedSubmissionError, UncompletedJobError

from rlops.errors import UsageError
from rlops.launch.attend import arguments, attendant, note
from rlops.launch.cell_group import CellGroup
from rlops.launch.executor import Ending
from rlops.plan import Benchmark
from rlops.strangers import clean

MOST_JOBS = 200
"""Waiting and running at once (arbitrary): what Slurm lets one user have at once is Slurm's to say."""
SPARE_MINUTES = 5
"""Of a job beyond the group's own limit and grace (arbitrary): Slurm's warning comes 90 seconds before its end."""
ASK_SECONDS = 5
"""Between two questions after cancelled jobs (arbitrary); submitit itself asks after ever longer times."""
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGUSR2)
"""scancel's and preemption's; SIGUSR2 is what submitit has Slurm send before the time is up, and would requeue at."""


@dataclass
class SlurmExecutor:
    """Submits each group as a job. `cluster` "local" runs the jobs on this machine, without Slurm."""

    cluster: Literal["slurm", "local"] = "slurm"
    _jobs: dict[CellGroup, submitit.Job[int]] = field(default_factory=dict)
    _cancelled: set[CellGroup] = field(default_factory=set)
    _asked: float = 0.0

    def __post_init__(self) -> None:
        """Raises UsageError where there is no Slurm."""
        missing = [name for name in ("sbatch", "srun") if self.cluster == "slurm" and not shutil.which(name)]
        if missing:
            raise UsageError(f"executor slurm: there is no {' and no '.join(missing)} on PATH; run it on a login node")

    def capacity(self) -> int:
        """How many jobs may wait and run at once."""
        return MOST_JOBS

    def submit(self, group: CellGroup) -> None:
        """Submit the group's job; returns when Slurm has taken it."""
        parent = group.parent / ".slurm"
        parent.mkdir(parents=True, exist_ok=True)
        # mkdtemp's folder is for its owner alone: submitit writes the order into it, which may hold an API key.
        folder = Path(tempfile.mkdtemp(prefix=f"{group.folder.name}-", dir=parent.resolve()))
        # -P: the folder that rlops is called in holds the code under test, which is not to be imported by the job.
        python = f"{shlex.quote(sys.executable)} -P"
        executor = submitit.AutoExecutor(
            folder, cluster=self.cluster, **{f"{self.cluster}_python": python, f"{self.cluster}_max_num_timeout": 0}
        )
        executor.update_parameters(**job_parameters(group.grid.benchmark))
        try:
            self._jobs[group] = executor.submit(attendant(*ENDING_SIGNALS), *arguments(group))
        except (FailedJobError, FailedSubmissionError) as error:
            shutil.rmtree(folder)
            why = clean(str(error)).strip()
            raise UsageError(f"sbatch refuses {group.label}: {why}; see [resources.slurm] of the benchmark") from None

    def poll(self, group: CellGroup) -> Ending | None:
        """How the group ended, None while it waits or runs."""
        job = self._jobs[group]
        # A preempted job is to come back, for submitit; but ours are not requeued.
        if not job.done(force_check=self._in_a_hurry()) and not job.state.startswith("PREEMPTED"):
            return None
        del self._jobs[group]
        ending, why = Ending.STOPPED, f"{job.state}\n{job.stdout() or ''}"
        # Only of a completed job is it worth waiting until a slow file system shows its result.
        if job.state == "COMPLETED" or job.paths.result_pickle.exists():
            try:
                ending, why = Ending.of(job.result()), ""
            except UncompletedJobError as error:
                why = str(error)
        if why and group not in self._cancelled:
            note(group, f"Slurm job {job.job_id}: {why}")
        self._cancelled.discard(group)
        shutil.rmtree(job.paths.folder, ignore_errors=True)  # on NFS a file may still be open
        return ending

    def cancel(self, group: CellGroup) -> None:
        """Ask the group to end now; what it trained is lost, what it printed stays."""
        if group not in self._cancelled:
            self._cancelled.add(group)
            self._jobs[group].cancel(check=False)

    def _in_a_hurry(self) -> bool:
        """Is Slurm to be asked now, because somebody waits for cancelled jobs? One answer is for all jobs."""
        now = time.monotonic()
        if not self._cancelled or now - self._asked < ASK_SECONDS:
            return False
        self._asked = now
        return True


def job_parameters(benchmark: Benchmark) -> dict[str, Any]:
    """What submitit is told of a job; `resources.slurm` goes to sbatch as it is, and before everything else."""
    resources = benchmark.resources
    asked = {option.replace("-", "_"): value for option, value in resources.slurm.items()}
    return {
        "name": re.sub(r"[^\w.-]+", "_", f"rlops-{benchmark.name}"),
        "cpus_per_task": resources.cores,
        "mem_gb": resources.memory_gb,
        "timeout_min": math.ceil(resources.minutes + resources.grace_seconds / 60) + SPARE_MINUTES,
        "stderr_to_stdout": True,
        "slurm_srun_args": [f"--cpus-per-task={resources.cores}"],  # srun does not take it from the job since 22.05
        "slurm_additional_parameters": {"no_requeue": True, **asked},  # whether again is for rlops to say
    }
