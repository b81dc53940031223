"""The real client in child processes that see nothing of this machine: no account, no cache, no terminal."""

import os
import subprocess
import sys
from pathlib import Path

import rlops
from tests.integration.wandb_standin.server import API_KEY, ENTITY

CHECKOUT = Path(rlops.__file__).parents[1]


def hermetic_environment(folder: Path, **more: str) -> dict[str, str]:
    """Environment variables that keep whatever the client reads and writes below `folder`."""
    places = {name: folder / name.lower() for name in ("HOME", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR")}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    return {
        **{name: str(place) for name, place in places.items()},
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(CHECKOUT),
        "WANDB_DIR": str(folder),
        "WANDB_ERROR_REPORTING": "false",
        **more,
    }


def account(url: str) -> dict[str, str]:
    """What a user of the stand-in at `url` has set."""
    return {"WANDB_BASE_URL": url, "WANDB_API_KEY": API_KEY, "WANDB_ENTITY": ENTITY}


def child(
    script: str, environment: dict[str, str], *arguments: str, exit_code: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a Python script to its end, which is to come within 120 s with this exit code."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        cwd=environment["WANDB_DIR"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == exit_code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done
