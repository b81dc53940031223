"""What `dir:` reads, and how it is told what a folder holds."""

from collections.abc import Callable, Mapping
from pathlib import Path

from rlops.curves.sources.cells import holds_cells
from rlops.curves.sources.logs import LogFormat
from rlops.curves.sources.monitor import MONITOR
from rlops.curves.sources.progress import PROGRESS
from rlops.curves.sources.tensorboard import TENSORBOARD
from rlops.errors import UsageError
from rlops.plan import did_you_mean

LOG_FORMATS: Mapping[str, LogFormat] = {format_.name: format_ for format_ in (MONITOR, PROGRESS, TENSORBOARD)}

HOLDS: Mapping[str, Callable[[Path], bool]] = {
    "cells": holds_cells,
    "wandb": lambda folder: next(folder.rglob("run-*.wandb"), None) is not None,
    **{name: format_.holds for name, format_ in LOG_FORMATS.items()},
}
"""In the order in which they are looked for: the one that says most of its runs first.

Stable-Baselines3 and Baselines leave monitors beside their progress.csv and event files: every episode, not the mean of
a hundred. RLlib leaves event files beside its result.json, which also has the config.
"""
FILES = {"cells": "cell.json", "wandb": "run-*.wandb", **{f.name: ", ".join(f.files) for f in LOG_FORMATS.values()}}


def format_of(folder: Path, asked: str | None) -> str:
    """The first kind of logs that the folder holds; `asked` must be one it holds.

    Raises UsageError where it holds none, which says what was looked for.
    """
    if asked is not None and asked not in HOLDS:
        raise UsageError(
            f"format={asked}: there is no such format{did_you_mean(asked, HOLDS)}; known: {', '.join(HOLDS)}"
        )
    for name in [asked] if asked else HOLDS:
        if HOLDS[name](folder):
            return name
    sought = "; ".join(f"{name}: {FILES[name]}" for name in ([asked] if asked else HOLDS))
    others = [name for name in HOLDS if asked and HOLDS[name](folder)]
    hint = f"; it holds {', '.join(others)}" if others else ""
    raise UsageError(f"{folder}: there are no logs in or below it ({sought}){hint}")
