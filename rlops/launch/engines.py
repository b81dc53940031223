"""Where cells are trained: the executor that the user names."""

from rlops.errors import UsageError
from rlops.launch.executor import Executor
from rlops.launch.local import LocalExecutor
from rlops.plan import Benchmark


def executor_for(name: str, benchmark: Benchmark) -> Executor:
    """The executor called `local`, `ray` or `slurm`, for groups that take what the benchmark says.

    Raises UsageError where the packages or the cluster it needs are not there.
    """
    try:
        if name == "local":
            return LocalExecutor(benchmark.resources.cores, benchmark.resources.memory_gb)
        if name == "ray":
            from rlops.launch.ray_cluster import RayExecutor

            return RayExecutor.connect(benchmark)
        if name == "slurm":
            from rlops.launch.slurm import SlurmExecutor

            return SlurmExecutor()
    except ModuleNotFoundError as error:
        raise UsageError(f"executor {name}: {error.name} is not installed; pip install 'rlops[{name}]'") from None
    raise UsageError(f"there is no executor '{name}'; there are local, ray and slurm")
