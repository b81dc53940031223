"""Training scripts written on the spot, and what the search for a trainer finds of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rlops.plan.discover import Trainer, find_trainers

VALUES = {"{python}": sys.executable, "{env_id}": "Swimmer-v9", "{seed}": "77", "{seeds}": "77", "{budget}": "123456"}
NEVER = "import wandb  # noqa\n\ndef never(args):\n    if args.track:\n        wandb.init()\n"
"""What makes a script a trainer's, in a function that is not called."""


def find(folder: Path, files: dict[str, str], *, git: bool = False) -> Trainer:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if git:
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return find_trainers(folder).trainers[0]


def start(trainer: Trainer, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the command prints that was found; its imports of packages are served by empty ones."""
    fake = tmp_path_factory.mktemp("packages")
    for name in ("wandb", "torch", "gymnasium"):
        (fake / f"{name}.py").touch()
    entries = [os.path.abspath(folder / entry) for _, value in trainer.variables for entry in value.split(":")]
    command = [VALUES.get(part, part) for part in trainer.command]
    for name, value in VALUES.items():
        command = [part.replace(name, value) for part in command]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([*entries, str(fake)])}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


ARGPARSE = """
import argparse, json
import wandb

def never(args):
    if args.track:
        wandb.init()

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
{body}
    print(json.dumps(vars(parser.parse_args())))
"""
CLICK = """
import click, json
import wandb

{body}

if __name__ == "__main__":
    {main}()
"""
GROUP = "@click.group()\ndef cli(): pass\n\n"
TRACK = "parser.add_argument('--track', action='store_true')"
PRINT = "print('started')\n"
CLI = """
import argparse
import torch
{imports}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--env")
    parser.add_argument("--seed")
    parser.parse_args()
    print("started")
"""
LOGS = """
import argparse, torch, wandb
from torch.utils.tensorboard import SummaryWriter
{imports}

def train(args, writer, logger, run):
    {wandb}
{body}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--env")
    parser.add_argument("--seed")
"""
