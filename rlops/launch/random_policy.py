"""What a policy scores that knows nothing: the zero of every scale."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import gymnasium

EPISODES = 100
SEED = 0
MOST_STEPS = 100_000
"""Longer episodes are taken for endless (arbitrary: Atari's longest have 27,000 steps)."""


def random_scores(env_ids: Sequence[str]) -> dict[str, float]:
    """Mean return of 100 episodes of uniformly drawn actions, fixed seed, for the environments that gymnasium has.

    Environments it does not know, cannot run here or whose episodes do not end are left out; without gymnasium the
    result is empty.
    """
    try:
        import gymnasium  # an optional part: comparing curves needs no environments
    except ImportError:
        return {}
    found = {}
    for env_id in env_ids:
        try:
            environment = gymnasium.make(env_id)
            score = _mean_return(environment)
            environment.close()
        except Exception:  # noqa: BLE001, S112  (a stranger's environment: whatever it raises, there is no score)
            continue
        if score is not None:
            found[env_id] = score
    return found


def _mean_return(environment: "gymnasium.Env[Any, Any]") -> float | None:
    """The mean return, None where an episode has no end in sight."""
    environment.action_space.seed(SEED)
    environment.reset(seed=SEED)
    returns = []
    for _ in range(EPISODES):
        total = 0.0
        for _ in range(MOST_STEPS):
            _, reward, terminated, truncated, _ = environment.step(environment.action_space.sample())
            total += float(reward)
            if terminated or truncated:
                break
        else:
            return None
        returns.append(total)
        environment.reset()
    return float(np.mean(returns))
