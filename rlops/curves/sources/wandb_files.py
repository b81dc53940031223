"""Local `.wandb` files, of offline and of online runs, through the client's own reader `wandb leet inspect`."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from rlops.curves.history import RunHistory, columns_of, later_segment_wins
from rlops.curves.learning_curve import State
from rlops.curves.sources.source import Listing
from rlops.errors import UsageError

INSPECT = (sys.executable, "-I", "-m", "wandb", "leet", "inspect", "--json")


@dataclass(frozen=True)
class WandbFiles:
    """The runs in the run directories anywhere below `folder`. `step` orders the segments of a resumed run."""

    folder: Path
    step: str = "global_step"

    def list_runs(self) -> Sequence[Listing]:
        """One listing per run id and parent folder: a resumed run has several directories."""
        return [Listing(identity, _version(files)) for identity, files in self._segments.items()]

    def fetch(self, listing: Listing) -> RunHistory:
        """The run with all its rows; rows before a torn end are kept."""
        files = self._segments[listing.identity]
        read = [_read(file, listing) for file in files]
        return later_segment_wins(sorted(read, key=lambda history: history.started_at or ""), self.step)

    @cached_property
    def _segments(self) -> Mapping[str, list[Path]]:
        found = defaultdict(list)
        for file in sorted(self.folder.rglob("run-*.wandb")):
            if not file.parent.is_symlink():  # wandb/latest-run points at a directory that is listed anyway
                found[f"{file.parent.parent.resolve()}#{file.stem}"].append(file)
        return found


@dataclass
class _Records:
    """What one file says, gathered record by record."""

    config: dict[str, object] = field(default_factory=dict)
    rows: list[Mapping[str, object]] = field(default_factory=list)
    run: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    lost: str | None = None

    def add(self, record: Mapping[str, Any]) -> None:
        match record.get("type"):
            case "run":
                self.run = record["run"]
                self.config |= self.run.get("config", {}).get("update", {})
            case "config":
                self.config |= record["config"].get("update", {})
            case "history":
                self.rows.append(record["history"]["item"])
            case "exit":
                self.exit_code = int(record["exit"].get("exit_code", 0))

    @property
    def state(self) -> State:
        if self.exit_code is None:
            return "crashed"
        return "finished" if self.exit_code == 0 else "failed"

    @property
    def minutes(self) -> float | None:
        stamps = [float(str(row["_timestamp"])) for row in self.rows[-1:] if "_timestamp" in row]
        if not stamps or "start_time" not in self.run:
            return None
        started = datetime.fromisoformat(self.run["start_time"]).timestamp()
        return max(0.0, stamps[0] - started) / 60


def _read(file: Path, listing: Listing) -> RunHistory:
    records = _Records()
    for record in _inspect(file, records):
        records.add(record)
    config = {key: value for key, value in records.config.items() if not key.startswith("_")}
    return RunHistory(
        identity=listing.identity,
        version=listing.version,
        state=records.state,
        config=config,
        columns=columns_of(records.rows),
        source=str(file),
        started_at=records.run.get("start_time"),
        minutes=records.minutes,
        incomplete=records.lost,
        tags=tuple(records.run.get("tags", ())),
        group=records.run.get("run_group"),
    )


def _inspect(file: Path, records: _Records) -> Iterator[Mapping[str, Any]]:
    done = subprocess.run([*INSPECT, str(file)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UsageError(f"{file}: `wandb leet inspect` cannot read it: {done.stderr.strip()[-500:]}")
    # The reader exits with 0 whatever it had to leave out, and says so in words only.
    complaints = [line.removeprefix("wandb leet inspect: ") for line in done.stderr.splitlines() if line.strip()]
    records.lost = "; ".join(complaints) or None
    yield from map(json.loads, filter(None, done.stdout.split("\n")))


def _version(files: Sequence[Path]) -> str:
    return ";".join(f"{stat.st_size}@{stat.st_mtime_ns}" for stat in (file.stat() for file in files))
