"""What logs of each format call the step and the return: what is asked for as `global_step`, `charts/episodic_return`.

A log keeps its own names beside these two. Of several names for one thing the first that a run has logged counts.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """The names of one format, the likelier ones first."""

    step: tuple[str, ...]
    metric: tuple[str, ...]


MONITOR = Names(
    step=(),  # the steps of all episodes so far are counted
    metric=("r",),
)
PROGRESS = Names(
    step=(
        "timesteps_total",  # RLlib
        "num_env_steps_sampled_lifetime",  # RLlib since its new API
        "env_runners/num_env_steps_sampled_lifetime",
        "num_env_steps_sampled",  # RLlib 2; in the new API it counts one iteration, under another name
        "misc/total_timesteps",  # OpenAI Baselines
        "time/total_timesteps",  # Stable-Baselines3
        "total_timesteps",
    ),
    metric=(
        "episode_reward_mean",  # RLlib
        "env_runners/episode_return_mean",  # RLlib since its new API
        "eprewmean",  # OpenAI Baselines
        "rollout/ep_rew_mean",  # Stable-Baselines3
    ),
)
TENSORBOARD = Names(
    step=(),  # the step of the event
    metric=(
        "rollout/ep_rew_mean",  # Stable-Baselines3; CleanRL has charts/episodic_return
        "ray/tune/episode_reward_mean",  # RLlib
        "ray/tune/env_runners/episode_return_mean",  # RLlib since its new API
        "test/reward",  # Tianshou
    ),
)
