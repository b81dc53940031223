"""stable-baselines3's PPO with the hyperparameters of `ppo_impl` and its names in wandb.

The peer that people have installed. What sb3 does otherwise is left as it is, since that is sb3's PPO:
- It bootstraps where an episode was cut by a time limit; ppo_impl counts that as the episode's end.
- Its value loss is the plain mean squared error, without the factor 1/2: the same `vf_coef` weighs it twice as much.
- It clips the value, and takes the loss of the clipped one instead of the larger of the two.
Prints one line of JSON at the end.
"""

import argparse
import json
import time
from collections import deque
from collections.abc import Mapping

import numpy as np
import torch
import wandb
from common import start_run
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv

EXP_NAME = "sb3"
NUM_ENVS, NUM_STEPS = 4, 128
BATCH_SIZE = NUM_ENVS * NUM_STEPS
LEARNING_RATE = 2.5e-4
# sb3's name of a loss, ours, and the sign between them.
LOSSES = (
    ("policy_gradient_loss", "policy_loss", 1),
    ("value_loss", "value_loss", 1),
    ("entropy_loss", "entropy", -1),
    ("approx_kl", "approx_kl", 1),
    ("clip_fraction", "clipfrac", 1),
    ("explained_variance", "explained_variance", 1),
)


class LogIterations(BaseCallback):
    """One wandb row per iteration. sb3's own logger means over the last 100 episodes, whenever they ended."""

    def __init__(self, run: wandb.Run) -> None:
        super().__init__()
        self.run = run
        self.times = [time.perf_counter()]  # at the start and after each iteration
        self.returns: list[float] = []
        self.lengths: list[int] = []
        self.last_returns: deque[float] = deque(maxlen=100)

    def _on_training_start(self) -> None:
        self.times = [time.perf_counter()]

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            if "episode" in info:
                self.returns.append(info["episode"]["r"])
                self.lengths.append(info["episode"]["l"])
        return True

    # An iteration is over, its update included, when the next one starts or the training ends.
    def _on_rollout_start(self) -> None:
        if self.num_timesteps:
            self.log_iteration(self.logger.name_to_value)

    def _on_training_end(self) -> None:
        self.log_iteration(self.logger.name_to_value)

    def log_iteration(self, recorded: Mapping[str, float]) -> None:
        self.times.append(time.perf_counter())
        row = {
            "global_step": self.num_timesteps,
            "charts/SPS": BATCH_SIZE / (self.times[-1] - self.times[-2]),
            "charts/learning_rate": self.model.policy.optimizer.param_groups[0]["lr"],
            **{f"losses/{ours}": sign * float(recorded[f"train/{theirs}"]) for theirs, ours, sign in LOSSES},
        }
        if self.returns:
            row["charts/episodic_return"] = float(np.mean(self.returns))
            row["charts/episodic_length"] = float(np.mean(self.lengths))
        self.run.log(row)
        self.last_returns.extend(self.returns)
        self.returns, self.lengths = [], []


def make_model(env_id: str, seed: int, total_timesteps: int) -> PPO:
    # sb3 asks for the rate after collecting, when this iteration's steps count as done: without the first term the
    # rate would be one iteration ahead, and 0 in the last update.
    one_iteration = BATCH_SIZE / total_timesteps
    return PPO(
        "MlpPolicy",
        make_vec_env(env_id, n_envs=NUM_ENVS, seed=seed, vec_env_cls=DummyVecEnv),
        learning_rate=lambda share_left: LEARNING_RATE * (one_iteration + share_left),
        n_steps=NUM_STEPS,
        batch_size=BATCH_SIZE // 4,
        n_epochs=4,
        gamma=0.99,
        gae_lambda=0.95,
        clip_range=0.2,
        clip_range_vf=0.2,
        ent_coef=0.01,
        vf_coef=0.5,
        max_grad_norm=0.5,
        # tanh, orthogonal initialisation and Adam's epsilon are sb3's defaults, too; said all the same
        policy_kwargs={
            "net_arch": {"pi": [64, 64], "vf": [64, 64]},
            "activation_fn": torch.nn.Tanh,
            "ortho_init": True,
            "optimizer_kwargs": {"eps": 1e-5},
        },
        seed=seed,
        device="cpu",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env-id", default="CartPole-v1", help="discrete actions, flat observations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=500_000, help="cut to whole iterations of 512")
    parser.add_argument("--threads", type=int, default=1, help="torch's threads")
    args = parser.parse_args()
    if args.total_timesteps < 2 * BATCH_SIZE:
        parser.error(f"--total-timesteps: at least {2 * BATCH_SIZE}, the first iteration is timed apart")
    torch.set_num_threads(args.threads)

    steps = args.total_timesteps // BATCH_SIZE * BATCH_SIZE  # sb3 would go on to the next whole iteration
    with start_run(args, EXP_NAME) as run:
        log = LogIterations(run)
        model = make_model(args.env_id, args.seed, steps)
        model.learn(steps, callback=log)
        model.get_env().close()
    result = {
        "exp_name": EXP_NAME,
        "steps": steps,
        "first_iteration_seconds": log.times[1] - log.times[0],
        "steps_per_second": (steps - BATCH_SIZE) / (log.times[-1] - log.times[1]),
        "last_100_episodes": float(np.mean(log.last_returns)),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
