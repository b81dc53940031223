"""A training in a child process with a home, wandb directories and an environment of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


@dataclass
class WandbRun:
    """What one offline run directory recorded."""

    run_id: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    step_metrics: dict[str, str] = field(default_factory=dict)
    group: str = ""
    tags: list[str] = field(default_factory=list)
    exit_code: int | None = None

    def curve(self, key: str) -> list[float]:
        return [row[key] for row in self.rows if key in row]


@dataclass
class Sandbox:
    """A place of its own for a training: home, wandb directories, environment."""

    path: Path
    code: Path = ROOT  # the folder in which ppo_impl lies

    def environment(self, **extra: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        places = dict.fromkeys(
            ("HOME", "WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"), str(self.path)
        )
        return {**kept, **places, "PYTHONPATH": str(HERE), "WANDB_ERROR_REPORTING": "false", **extra}

    def start(self, *arguments: str, **extra: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "ppo_impl", *arguments],
            cwd=self.code,
            env=self.environment(**extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def train(self, *arguments: str, **extra: str) -> "Ended":
        child = self.start(*arguments, **extra)
        output, errors = child.communicate(timeout=120)
        return Ended(child.returncode, output, errors)

    def runs(self) -> dict[int, WandbRun]:
        """Every recorded run by its seed, as wandb's own command reads it."""
        runs = self.segments()
        assert len({run.config["seed"] for run in runs}) == len(runs)
        return {run.config["seed"]: run for run in runs}

    def segments(self) -> list[WandbRun]:
        """Every run directory, in the order of their beginnings: a run that was gone on with has several."""
        return [read_run(path) for path in sorted(self.path.glob("wandb/offline-run-*/*.wandb"))]


@dataclass
class Ended:
    """How a child ended."""

    code: int
    output: str
    errors: str


def read_run(path: Path) -> WandbRun:
    wandb = Path(sys.executable).with_name("wandb")
    text = subprocess.run([wandb, "leet", "inspect", "--json", path], capture_output=True, text=True, check=True).stdout
    run = WandbRun()
    for line in text.splitlines():
        match json.loads(line):
            case {"type": "run", "run": head}:
                run.config = head["config"]["update"]
                run.run_id = head["run_id"]
                run.group, run.tags = head.get("run_group", ""), head.get("tags", [])
            case {"type": "history", "history": history}:
                run.rows.append(history["item"])
            case {"type": "metric", "metric": metric}:
                run.step_metrics[metric["glob_name"]] = metric["step_metric"]
            case {"type": "exit", "exit": end}:
                run.exit_code = end["exit_code"]
    return run
