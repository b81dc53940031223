"""What a policy scores that knows nothing: the zero of every scale."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import gymnasium

EPISODES = 100
SEED = 0


def random_scores(env_ids: Sequence[str]) -> dict[str, float]:
    """Mean return of 100 episodes of uniformly drawn actions, fixed seed, for the environments that gymnasium has.

    Environments it does not know (or cannot make here) are left out; without gymnasium the result is empty.
    """
    try:
        import gymnasium  # an optional part: comparing curves needs no environments
    except ImportError:
        return {}
    found = {}
    for env_id in env_ids:
        try:
            environment = gymnasium.make(env_id)
        except (gymnasium.error.Error, ImportError):
            continue
        found[env_id] = _mean_return(environment)
        environment.close()
    return found


def _mean_return(environment: "gymnasium.Env[Any, Any]") -> float:
    environment.action_space.seed(SEED)
    environment.reset(seed=SEED)
    returns = []
    for _ in range(EPISODES):
        total, over = 0.0, False
        while not over:
            _, reward, terminated, truncated, _ = environment.step(environment.action_space.sample())
            total, over = total + float(reward), terminated or truncated
        returns.append(total)
        environment.reset()
    return float(np.mean(returns))
