"""What the usual libraries call the environment, the seed and the return: `keys=NAME` in a reference.

Of their W&B projects in Open RL Benchmark (github.com/openrlbenchmark/openrlbenchmark), and of their own loggers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rlops.errors import UsageError
from rlops.plan import did_you_mean


@dataclass(frozen=True)
class Keys:
    """Names in a run's config (`env_id`, `seed`) and in its history; None: the benchmark's [metric] says it."""

    env_id: str = "env_id"
    seed: str = "seed"
    metric: str | None = None
    step: str | None = None


USUAL = Keys()
LIBRARIES: Mapping[str, Keys] = {
    "cleanrl": Keys(metric="charts/episodic_return", step="global_step"),
    "sb3": Keys(env_id="env", metric="rollout/ep_rew_mean", step="global_step"),
    "tianshou": Keys(env_id="task", metric="test/reward", step="global_step"),
    "baselines": Keys(env_id="env", metric="charts/episodic_return", step="global_step"),
}


def keys_of(library: str) -> Keys:
    """The names that a library uses. Raises UsageError for one that is not known."""
    if library not in LIBRARIES:
        known = ", ".join(LIBRARIES)
        raise UsageError(f"keys={library}: no such library{did_you_mean(library, LIBRARIES)}; known: {known}")
    return LIBRARIES[library]
