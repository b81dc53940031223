"""Made-up repositories in the common styles. Whoever runs one of their files leaves a trace: EXECUTED."""

import subprocess
from pathlib import Path

TRACE = "import pathlib\npathlib.Path('EXECUTED').touch()\n"

ARGPARSE = {
    "ppo.py": """
import argparse
import os
from distutils.util import strtobool

import gymnasium as gym
import numpy as np
import torch
from torch.utils.tensorboard import SummaryWriter


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--exp-name", type=str, default=os.path.basename(__file__))
    parser.add_argument("--gym-id", type=str, default="Hopper-v4", help="the environment")
    parser.add_argument("-s", "--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=25 * 10**4)
    parser.add_argument("--num-steps", type=int, default=128)
    parser.add_argument("--track", type=lambda x: bool(strtobool(x)), default=False, nargs="?", const=True)
    parser.add_argument("--capture-video", type=lambda x: bool(strtobool(x)), default=False, nargs="?", const=True)
    return parser.parse_args()


if __name__ == "__main__":
    args = parse_args()
    if args.track:
        import wandb

        wandb.init(project="p", sync_tensorboard=True, config=vars(args))
    writer = SummaryWriter("runs")
    env = gym.make(args.gym_id)
    writer.add_scalar("losses/value_loss", 0.0, 1)
    writer.add_scalar("charts/episodic_return", 0.0, 1)
""",
    "enjoy.py": """
import argparse
import gymnasium, torch
parser = argparse.ArgumentParser()
parser.add_argument("--env-id", default="Hopper-v4")
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()
""",
    "tests/test_ppo.py": """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--env-id")
parser.add_argument("--seed")
if __name__ == "__main__":
    parser.parse_args()
""",
    "setup.py": "from setuptools import setup\nsetup(name='x')\n",
    "requirements.txt": "torch\n",
    "requirements-dev.txt": "pytest\n",
}

TYRO = {
    "dqn.py": """
from dataclasses import dataclass, field
from typing import Optional

import gymnasium as gym
import torch
import tyro
import wandb

from common import Settings


@dataclass
class Optimizer:
    rate: float = 1e-3


@dataclass
class Args(Settings):
    env_id: str = "CartPole-v1"
    total_timesteps: int = 500_000
    use_wandb: bool = False
    optimizer: Optimizer = field(default_factory=Optimizer)
    batches: int = field(default=0, init=False)


def main(args: Args) -> None:
    env = gym.make(args.env_id)
    if args.use_wandb:
        run = wandb.init(mode="online" if args.use_wandb else "disabled")
    for global_step in range(args.total_timesteps):
        losses = {"losses/td_loss": 1.0}
        run.log({"charts/SPS": 1, **losses}, step=global_step)
        run.log({"charts/episodic_return": 1.0}, step=global_step)


if __name__ == "__main__":
    main(tyro.cli(Args))
""",
    "common.py": """
from dataclasses import dataclass

@dataclass
class Settings:
    seed: int = 1
    torch_deterministic: bool = True
""",
    "uv.lock": "version = 1\n",
    "pyproject.toml": '[project]\nname = "x"\ndependencies = ["torch"]\n',
}

SB3 = {
    "scripts/train_agent.py": """
import argparse

import stable_baselines3 as sb3
import wandb
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from wandb.integration.sb3 import WandbCallback

from myenvs.wrappers import Wrapper


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--env", required=True, choices=["Pendulum-v1", "MountainCar-v0"])
    parser.add_argument("--algo", required=True, choices=["ppo", "sac"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n-timesteps", type=int, default=-1)
    parser.add_argument("--wandb-mode", default="disabled")
    args = parser.parse_args()
    run = wandb.init(sync_tensorboard=True, mode=args.wandb_mode, dir="/tmp/wandb")
    model = PPO("MlpPolicy", make_vec_env(args.env, seed=args.seed), tensorboard_log="runs")
    model.learn(total_timesteps=args.n_timesteps, callback=WandbCallback())


if __name__ == "__main__":
    main()
""",
    "myenvs/__init__.py": "",
    "myenvs/wrappers.py": "import gymnasium\nimport numpy\n\nclass Wrapper(gymnasium.Wrapper): ...\n",
    "environment.yml": "name: x\n",
}

HYDRA = {
    "train.py": """
import hydra
import numpy as np
import torch
from omegaconf import DictConfig

from logger import Logger


@hydra.main(config_path="config", config_name="train", version_base=None)
def main(cfg: DictConfig) -> None:
    logger = Logger(cfg)
    for step in range(int(cfg.num_train_steps)):
        logger.log({"train/episode_reward": 0.0}, step)


if __name__ == "__main__":
    main()
""",
    "logger.py": """
import wandb

class Logger:
    def __init__(self, cfg):
        if cfg.logging.use_wandb:
            self.run = wandb.init()

    def log(self, values, step):
        self.run.log({**values, "env_steps": step})
        self.run.log({"eval/episode_reward": 0.0, "env_steps": step})
""",
    "config/train.yaml": """
# the configuration
defaults:
  - agent: sac
  - override hydra/launcher: joblib

task:
  name: walker_run  # which one
seed: 1
num_train_steps: 1e6
frame_stack: 3
checkpoint: ???
work_dir: ${hydra:run.dir}
logging:
  use_wandb: false
  tags: [a, b]
hydra:
  job:
    chdir: true
""",
    "config/agent/sac.yaml": "lr: 1e-4\nhidden: 256\n",
    "conda_env.yml": "name: x\n",
}

CLICK = {
    "rl.py": """
import click
import gymnasium
import wandb
from jax import numpy as jnp


@click.group()
def cli():
    pass


@cli.command()
@click.argument("checkpoint")
@click.option("--env-id", default="Acrobot-v1")
@click.option("--seed", default=0)
def evaluate(checkpoint, env_id, seed):
    pass


@cli.command("fit")
@click.argument("env_id")
@click.option("--seed", type=int, default=0)
@click.option("--steps", type=int, default=200_000)
@click.option("--log/--no-log", default=False)
def fit(env_id, seed, steps, log):
    if log:
        wandb.init()
    wandb.log(dict(episode_return=1.0, global_step=2))


if __name__ == "__main__":
    cli()
""",
    "setup.cfg": "[options]\ninstall_requires =\n  jax\n",
}

PACKAGE = {
    "src/agents/__init__.py": "",
    "src/agents/train.py": """
import torch

from . import networks
from .arguments import get_args
from agents.tracking.board import Board


def main():
    args = get_args()
    Board(args).log("rollout", 1.0)


if __name__ == "__main__":
    main()
""",
    "src/agents/arguments.py": """
import argparse


def get_args():
    parser = argparse.ArgumentParser()
    group = parser.add_argument_group("task")
    group.add_argument("--env_name", default="ALE/Pong-v5")
    group.add_argument("--random-seed", type=int, default=0)
    parser.add_argument("--num_steps", type=float, default=1e7)
    parser.add_argument("--logger", default="tensorboard", choices=["tensorboard", "wandb"])
    return parser.parse_args()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--total-timesteps", type=int, default=7)
    print(get_args())
""",
    "src/agents/networks.py": "import torch\nimport yaml\nCONFIG = 'settings/net.yaml'\n",
    "src/agents/tracking/__init__.py": "",
    "src/agents/tracking/board.py": """
import importlib

class Board:
    def __init__(self, args):
        if args.logger == "wandb":
            import wandb
            self.run = wandb.init(mode="online")
        importlib.import_module(args.plugin)

    def log(self, key, value):
        metrics = {}
        metrics["episodic_return"] = value
        metrics["timesteps"] = 1
        self.run.log(metrics)
""",
    "settings/net.yaml": "width: 64\n",
    "poetry.lock": "",
    "requirements.txt": "torch\n",
}

ABSL = {
    "train.py": """
from absl import app, flags
import gym
import jax

FLAGS = flags.FLAGS
flags.DEFINE_string("env_name", None, "the environment", required=True)
flags.DEFINE_integer("seed", 42, "the seed")
flags.DEFINE_integer("max_steps", int(1e6), "steps")
flags.DEFINE_boolean("track", False, "with W&B")
flags.DEFINE_enum("algo", "sac", ["sac", "td3"], "which one")


def main(_):
    if not FLAGS.track:
        return
    import wandb

    wandb.init()
    env = gym.make(FLAGS.env_name)
    wandb.log({f"{FLAGS.algo}/return": 1.0})


if __name__ == "__main__":
    app.run(main)
""",
}

STYLES = {
    "argparse": ARGPARSE,
    "tyro": TYRO,
    "sb3": SB3,
    "hydra": HYDRA,
    "click": CLICK,
    "package": PACKAGE,
    "absl": ABSL,
}
"""All of them, by name."""


def build(folder: Path, files: dict[str, str], *, git: bool = True) -> Path:
    """Write the files; every Python file would leave its trace if it were run or imported."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text.lstrip()}{TRACE}" if name.endswith(".py") else text)
    if git:
        run_git(folder, "init", "--quiet", "--initial-branch", "main")
    return folder


def run_git(folder: Path, *arguments: str) -> None:
    """Git, by nobody in particular."""
    who = ("-c", "user.name=n", "-c", "user.email=e@localhost")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def commit(folder: Path) -> None:
    """Everything."""
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "--quiet", "--message", "x")
