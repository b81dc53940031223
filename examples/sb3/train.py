"""Train one of stable-baselines3's algorithms and log what it logs to Weights & Biases."""

import argparse
import sys
from typing import Any

import wandb
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import HumanOutputFormat, KVWriter, Logger

ALGORITHMS = {"ppo": PPO, "dqn": DQN}
NUM_ENVS = {"ppo": 8, "dqn": 1}
HYPERPARAMETERS: dict[str, dict[str, Any]] = {
    "ppo": {
        "learning_rate": 1e-3,
        "n_steps": 32,
        "batch_size": 256,
        "n_epochs": 8,
        "gamma": 0.98,
        "gae_lambda": 0.8,
        "ent_coef": 0.01,
        "clip_range": 0.2,
    },
    "dqn": {
        "learning_rate": 2e-3,
        "batch_size": 128,
        "learning_starts": 500,
        "train_freq": 8,
        "gradient_steps": 2,
        "tau": 0.05,
        "target_update_interval": 8,
        "exploration_fraction": 0.3,
        "exploration_final_eps": 0.02,
        "gamma": 0.98,
    },
}


class WandbWriter(KVWriter):
    """Another place for stable-baselines3's logger to write to: one row whenever it prints its table."""

    def __init__(self, run: wandb.Run) -> None:
        self.run = run

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """`step` is the model's num_timesteps."""
        row = {key: value for key, value in key_values.items() if "wandb" not in key_excluded[key]}
        self.run.log({**row, "global_step": step})

    def close(self) -> None:
        """The run is finished by whoever started it."""


def main() -> None:
    """Train once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--algo", choices=ALGORITHMS, default="ppo")
    parser.add_argument("--env-id", default="CartPole-v1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=50_000)
    args = parser.parse_args()

    hyperparameters = HYPERPARAMETERS[args.algo]
    with wandb.init(config={**vars(args), **hyperparameters}) as run:
        envs = make_vec_env(args.env_id, n_envs=NUM_ENVS[args.algo], seed=args.seed)
        model = ALGORITHMS[args.algo]("MlpPolicy", envs, seed=args.seed, device="cpu", **hyperparameters)
        model.set_logger(Logger(None, [HumanOutputFormat(sys.stdout), WandbWriter(run)]))
        model.learn(args.total_timesteps)
        envs.close()


if __name__ == "__main__":
    main()
