"""`monitor.csv` of Stable-Baselines, Stable-Baselines3 and OpenAI Baselines: a row an episode, a file a process."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rlops.curves.sources import log_names
from rlops.curves.sources.logs import Log, LogFormat
from rlops.curves.sources.rows import csv_rows, read_text
from rlops.curves.sources.source import moment
from rlops.errors import UsageError

CLOCK_STEP = 1.0
"""Seconds by which a clock that is set may fall back (arbitrary); what falls further has begun again from 0."""


@dataclass(frozen=True)
class Monitor:
    """One file: when it began in seconds since 1970, and its episodes in their order, each with `l` and `t`."""

    started: float
    episodes: Sequence[Mapping[str, float]]
    settings: Mapping[str, object] = field(default_factory=dict)
    lost: tuple[str, ...] = ()


def read_monitors(files: Sequence[Path]) -> Log:
    """The episodes of all files of one run as one log.

    A monitor that was resumed goes on in its file. Raises UsageError for what is no monitor file, and for monitors of
    several environments.
    """
    monitors = [_read(file) for file in files]
    env_ids = {str(env_id) for monitor in monitors if (env_id := monitor.settings.get("env_id")) is not None}
    if len(env_ids) > 1:
        raise UsageError(
            f"{files[0].parent}: its monitors are of several environments ({', '.join(sorted(env_ids))}); where each "
            "is a run, say what their names say: &path={seed}.monitor.csv"
        )
    seconds = [monitor.episodes[-1]["t"] for monitor in monitors if monitor.episodes]
    return Log(
        rows=merged(monitors),
        settings={key: value for monitor in monitors for key, value in monitor.settings.items() if value is not None},
        started_at=moment(min((monitor.started for monitor in monitors if monitor.started), default=None)),
        minutes=max(seconds) / 60 if seconds else None,
        lost=tuple(words for monitor in monitors for words in monitor.lost),
    )


def merged(monitors: Sequence[Monitor]) -> list[dict[str, float]]:
    """The episodes of parallel processes in the order in which they ended.

    global_step counts the steps in all of them so far; those of episodes that have not ended are nowhere.
    """
    episodes = [episode for monitor in monitors for episode in monitor.episodes]
    order = np.arange(len(episodes))
    if len(monitors) > 1:  # within one file the order is known, whatever its clock says
        times = [np.array([episode["t"] for episode in monitor.episodes]) for monitor in monitors]
        resumed = [np.cumsum(np.diff(time, prepend=time[:1]) < -CLOCK_STEP) for time in times]
        ended = [monitor.started + time for monitor, time in zip(monitors, times, strict=True)]
        order = np.lexsort((np.concatenate(ended), np.concatenate(resumed)))
    steps = np.cumsum([episodes[i]["l"] for i in order])
    return [{**episodes[i], "global_step": float(step)} for i, step in zip(order, steps, strict=True)]


def _read(file: Path) -> Monitor:
    first, _, table = read_text(file).partition("\n")
    if not first:
        return Monitor(0.0, [], lost=(f"{file.name} is empty",))
    header = _header(first)
    if header is None:
        raise UsageError(
            f'{file}: is no monitor file; the first line of one is like #{{"t_start": 0.0, "env_id": "A"}}'
        )
    names, rows, lost = csv_rows(table, file)
    if names and not {"r", "l", "t"} <= set(names):
        raise UsageError(f"{file}: is no monitor file, which has columns r, l and t; it has {', '.join(names)}")
    episodes = [row for row in rows if all(math.isfinite(row.get(key, math.nan)) for key in ("l", "t"))]
    if len(episodes) < len(rows):
        lost = (f"{len(rows) - len(episodes)} lines of {file.name} have no number for l or t", *lost)
    started = header.pop("t_start", 0.0)
    return Monitor(float(started) if isinstance(started, int | float) else 0.0, episodes, header, lost)


def _header(line: str) -> dict[str, object] | None:
    """What the first line says, None where it is not the first line of such a file."""
    try:
        header = json.loads(line.removeprefix("#")) if line.startswith("#") else None
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) else None


MONITOR = LogFormat("monitor", ("*monitor.csv",), read_monitors, log_names.MONITOR)
