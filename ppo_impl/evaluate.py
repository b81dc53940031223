"""`python -m ppo_impl.evaluate`: plays episodes with the policies of a checkpoint, drawn and at their most likely."""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ppo_impl.checkpoint import NAME, Checkpoint, load
from ppo_impl.config import ConfigError
from ppo_impl.environments import Environments, Synchronous, below
from ppo_impl.networks import Agent

OK, USAGE = 0, 2
LONGEST = 100_000  # steps of an episode


@dataclass(frozen=True)
class Evaluation:
    """Returns of whole episodes of every seed's policy."""

    deterministic_SK: NDArray[np.float64]  # the most likely action each time
    sampled_SK: NDArray[np.float64]  # actions drawn, as in training


def evaluate(checkpoint: Checkpoint, episodes: int, seed: int, num_envs: int = 10) -> Evaluation:
    """Plays `episodes` episodes (rounded up to a multiple of `num_envs`) with each seed's policy, twice.

    The environments are gymnasium's own, whatever the training used, their seeds the same for every policy.
    """
    num_envs = min(num_envs, episodes)
    rounds = math.ceil(episodes / num_envs)
    played = [play(checkpoint, rounds, seed, num_envs, deterministic=deterministic) for deterministic in (True, False)]
    return Evaluation(*played)


@torch.no_grad()
def play(checkpoint: Checkpoint, rounds: int, seed: int, num_envs: int, *, deterministic: bool) -> NDArray[np.float64]:
    """The returns_SK of the first `rounds` episodes of every environment.

    As many from each, because the first to end would be the short ones.

    Raises:
        ConfigError: an episode does not end.
    """
    config = checkpoint.config
    S = len(config.seeds)
    env_seeds_N = np.random.SeedSequence(seed).generate_state(num_envs).astype(np.int64)
    env_seeds_SN = np.broadcast_to(env_seeds_N, (S, num_envs))
    environments = Environments(config, env_seeds_SN, learn=False, vector=Synchronous(config.env_id, env_seeds_SN))
    environments.restore_statistics(below("environments", checkpoint.state))
    generators = [torch.Generator().manual_seed(seed) for _ in config.seeds]
    agent = Agent(environments.spaces, generators, use_kernel=config.kernel)
    agent.flat_SP.copy_(torch.from_numpy(checkpoint.state["optimizer.parameters"]))
    observations_SNO = torch.from_numpy(environments.reset())
    returns_SN = np.zeros((S, num_envs))
    lengths_SN, finished_SN = np.zeros((2, S, num_envs), dtype=np.int64)
    returns_SNK = np.zeros((S, num_envs, rounds))
    while (finished_SN < rounds).any():
        masks = environments.action_masks()
        policy = agent.policy(observations_SNO, None if masks is None else torch.from_numpy(masks))
        noise_SNP = torch.stack([agent.noise(generator, (num_envs,)) for generator in generators])
        actions_SNC = policy.mode() if deterministic else policy.sample(noise_SNP)
        observations, rewards_SN, dones_SN = environments.step(actions_SNC.numpy())
        observations_SNO = torch.from_numpy(observations)
        returns_SN += rewards_SN
        lengths_SN += 1
        if lengths_SN.max() > LONGEST:
            raise ConfigError(
                f"{config.env_id}: an episode goes on after {LONGEST:,} steps; register the environment with "
                "max_episode_steps to evaluate it"
            )
        for place in zip(*np.nonzero(dones_SN & (finished_SN < rounds)), strict=True):
            returns_SNK[(*place, finished_SN[place])] = returns_SN[place]
        finished_SN += dones_SN
        returns_SN[dones_SN], lengths_SN[dones_SN] = 0, 0
    environments.close()
    return returns_SNK.reshape(S, -1)


def report(checkpoint: Checkpoint, evaluation: Evaluation) -> str:
    """A table: mean and standard deviation over the episodes, seed by seed."""
    config = checkpoint.config
    steps = checkpoint.iteration * config.batch_size
    episodes = evaluation.sampled_SK.shape[1]
    lines = [
        f"{config.env_id} after {steps:,} of {config.total_timesteps:,} steps; returns of {episodes} episodes each"
    ]
    lines.append(f"{'seed':>10} {'deterministic':>22} {'sampled':>22}")
    for place, seed in enumerate(config.seeds):
        if seed in checkpoint.lost:
            lines.append(f"{seed:>10} its parameters are not finite: its training was lost")
            continue
        deterministic, sampled = (
            f"{returns_K.mean():.2f} +- {returns_K.std():.2f}"
            for returns_K in (evaluation.deterministic_SK[place], evaluation.sampled_SK[place])
        )
        lines.append(f"{seed:>10} {deterministic:>22} {sampled:>22}")
    return "\n".join(lines)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(
        prog="python -m ppo_impl.evaluate",
        description="Play episodes with the policies of a checkpoint: the most likely action each time, and drawn.",
        allow_abbrev=False,
    )
    command.add_argument("checkpoint", type=Path, help=f"what --checkpoint-dir was, or the {NAME} in it")
    command.add_argument("--episodes", type=int, default=100, help="with each policy, each way (default: 100)")
    command.add_argument("--seed", type=int, default=0, help="of environments and draws (default: 0)")
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code: 0, or 2 for wrong usage."""
    asked = parser().parse_args(arguments)
    if asked.episodes < 1 or asked.seed < 0:
        print("ppo_impl.evaluate: --episodes must be at least 1, --seed 0 or more", file=sys.stderr)
        return USAGE
    try:
        checkpoint = load(asked.checkpoint / NAME if asked.checkpoint.is_dir() else asked.checkpoint)
        print(report(checkpoint, evaluate(checkpoint, asked.episodes, asked.seed)))
    except ConfigError as error:
        print(f"ppo_impl.evaluate: {error}", file=sys.stderr)
        return USAGE
    return OK


if __name__ == "__main__":
    sys.exit(main())
