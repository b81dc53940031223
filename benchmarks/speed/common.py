"""What the peers' scripts share."""

import argparse
import os

import numpy as np
import wandb
from numpy.typing import NDArray


def start_run(args: argparse.Namespace, exp_name: str) -> wandb.Run:
    """The wandb run of one seed, with the config by which rlops knows it."""
    run = wandb.init(
        name=f"{args.env_id}__{exp_name}__{args.seed}",
        config={"exp_name": exp_name, **vars(args)},
        mode=None if os.environ.get("WANDB_MODE") else "offline",
        settings=wandb.Settings(x_disable_stats=True, console="off", silent=True),
    )
    run.define_metric("*", step_metric="global_step")
    return run


def last_episodes(returns: NDArray[np.float64], episodes: NDArray[np.int64], wanted: int = 100) -> float:
    """One seed's mean return over the last iterations, as many as it takes to have that many episodes."""
    enough = np.flatnonzero(episodes[::-1].cumsum() >= wanted)
    last = int(enough[0]) + 1 if len(enough) else len(episodes)
    return float(returns[-last:].sum() / episodes[-last:].sum())
