"""How many seeds collapse late on the quick benchmark, and which setting is to blame? (docs/evidence.md)

`python benchmarks/collapse.py --seeds 101-170 --max-grad-norm 0.5` trains quick.toml's CartPole with the options given
in place of its own (any of `python -m ppo_impl --help`), records nothing, and prints the score of the lowest seeds: the
mean return over the last 10 % of iterations.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ppo_impl.config import parse
from ppo_impl.ppo import Trainer, train
from rlops.plan import read_benchmark


def main(options: list[str]) -> None:
    benchmark = read_benchmark(Path(__file__).with_name("quick.toml"))
    command = benchmark.argv("CartPole-v1", (1,), "python")
    config = parse([*command[3:], *options])  # the last of two equal options counts
    returns_IS = np.array([iteration.episodic_return_S for iteration in train(Trainer(config))])
    score_S = np.nanmean(returns_IS[int(0.9 * len(returns_IS)) :], axis=0)
    lowest = ", ".join(f"{score:.0f}" for score in np.sort(score_S)[:8])
    print(f"{' '.join(options)}: {score_S.mean():.1f} +- {score_S.std(ddof=1):.1f}, lowest {lowest}")


if __name__ == "__main__":
    main(sys.argv[1:])
