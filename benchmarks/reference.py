"""What the trainer reaches on the tasks that others have published, with their hyperparameters (docs/evidence.md).

`python benchmarks/reference.py CartPole-v1` (or any name in TASKS) trains the task's seeds, records nothing, and prints
the mean return of each seed's last 100 training episodes: the figure that Huang et al. (2022) and CleanRL publish.
"""

import argparse
import sys
import time
from collections import deque
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ppo_impl.config import parse, parse_seeds
from ppo_impl.environments.episodes import Episodes
from ppo_impl.environments.types import Booleans, Doubles
from ppo_impl.ppo import Trainer, train

CLASSIC = "--total-timesteps 500000"
MUJOCO = (
    "--num-envs 1 --num-steps 2048 --num-minibatches 32 --update-epochs 10 --learning-rate 3e-4 --ent-coef 0 "
    "--total-timesteps 1000000"
)
# stable-baselines3's zoo, without its state-dependent exploration, and with a learning rate that falls to 0.
PENDULUM = (
    "--num-envs 4 --num-steps 1024 --num-minibatches 64 --update-epochs 10 --learning-rate 1e-3 --ent-coef 0 "
    "--gamma 0.9 --no-norm-obs --no-norm-reward --no-clip-vloss --total-timesteps 100000"
)
TASKS = {
    "CartPole-v1": (CLASSIC, "1-20"),
    "Acrobot-v1": (CLASSIC, "1-20"),
    "Pendulum-v1": (PENDULUM, "1-10"),
    "HalfCheetah-v4": (MUJOCO, "1-5"),
    "Hopper-v4": (MUJOCO, "1-5"),
    "InvertedPendulum-v4": (MUJOCO, "1-5"),
}


class LastEpisodes(Episodes):
    """Keeps the returns of each seed's last 100 episodes."""

    def __init__(self, shape_SN: tuple[int, ...]) -> None:
        super().__init__(shape_SN)
        self.last = [deque[float](maxlen=100) for _ in range(shape_SN[0])]

    def count(self, rewards_SN: Doubles, dones_SN: Booleans) -> None:
        ended = [(s, n, self._return_SN[s, n] + rewards_SN[s, n]) for s, n in zip(*np.nonzero(dones_SN), strict=True)]
        super().count(rewards_SN, dones_SN)
        for s, _, total in ended:
            self.last[s].append(float(total))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--seeds", type=parse_seeds, help="instead of the task's own")
    asked = parser.parse_args()
    options, seeds = TASKS[asked.task]
    seeds = ",".join(map(str, asked.seeds)) if asked.seeds else seeds
    config = parse(["--env-id", asked.task, "--seeds", seeds, *options.split()])
    trainer = Trainer(config)
    episodes = LastEpisodes((len(config.seeds), config.num_envs))
    trainer.environments.episodes = episodes
    start = time.perf_counter()
    for _ in train(trainer):
        pass
    seconds = time.perf_counter() - start
    score_S = np.array([np.mean(returns) for returns in episodes.last])
    half = stats.t.ppf(0.975, len(score_S) - 1) * score_S.std(ddof=1) / len(score_S) ** 0.5
    each = ", ".join(f"{score:.0f}" for score in np.sort(score_S))
    print(
        f"{asked.task}: {score_S.mean():.1f} +- {score_S.std(ddof=1):.1f} (sd of {len(score_S)} seeds), 95 % interval "
        f"of the mean [{score_S.mean() - half:.1f}, {score_S.mean() + half:.1f}]; "
        f"{len(score_S) * config.num_iterations * config.batch_size / seconds:,.0f} steps/s\n    {each}"
    )


if __name__ == "__main__":
    main()
