"""Local `.wandb` files, of offline and of online runs."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rlops.curves.history import RunHistory, later_segment_wins
from rlops.curves.learning_curve import State
from rlops.curves.sources.source import Listing, moment, version_of
from rlops.curves.sources.transaction_log import NotALogError, read_log
from rlops.curves.sources.wandb_records import RunRecords, read_records
from rlops.errors import UsageError

LATELY_SECONDS = 15 * 60
"""A file without an end that was changed since is of a run that goes on (arbitrary: the client writes every 15 s, if
there is anything to write; trainers that log less often than this are taken for dead meanwhile)."""


@dataclass(frozen=True)
class WandbFiles:
    """The runs in the run directories anywhere below `folder`.

    `step` orders the segments of a resumed run; `ended`: whoever started the processes has seen their end.
    """

    folder: Path
    step: str = "global_step"
    ended: bool = False

    def list_runs(self) -> Sequence[Listing]:
        """One listing per run id and parent folder: a resumed run has several directories."""
        return [Listing(identity, self._version(files)) for identity, files in self._segments.items()]

    def fetch(self, listing: Listing) -> RunHistory:
        """The run with all its rows; rows before a torn end are kept."""
        read = sorted(((file, _read(file)) for file in self._segments[listing.identity]), key=_start)
        segments = [
            self._history(file, records, [later for _, later in read[number:]], listing)
            for number, (file, records) in enumerate(read, start=1)
        ]
        return later_segment_wins(segments, self.step)

    @cached_property
    def _segments(self) -> Mapping[str, list[Path]]:
        found = defaultdict(list)
        for file in sorted(self.folder.rglob("run-*.wandb")):
            if not file.parent.is_symlink():  # wandb/latest-run points at a directory that is listed anyway
                found[f"{file.parent.parent.resolve()}#{file.stem}"].append(file)
        return found

    def _may_go_on(self, file: Path) -> bool:
        return not self.ended and time.time() - file.stat().st_mtime < LATELY_SECONDS

    def _version(self, files: Sequence[Path]) -> str:
        """Another one too when a file was not changed for long enough: a run may be called crashed from then on."""
        stats = version_of(files)
        return f"{stats};lately" if any(map(self._may_go_on, files)) else stats

    def _state(self, records: RunRecords, file: Path) -> State:
        if records.exit_code is None:
            return "running" if self._may_go_on(file) else "crashed"
        return "finished" if records.exit_code == 0 else "failed"

    def _history(self, file: Path, records: RunRecords, later: Sequence[RunRecords], listing: Listing) -> RunHistory:
        state = self._state(records, file)
        # What is being written to ends where it ends; and what a later segment repeats is not missing.
        whole = any(self._repeats(segment, records) for segment in later) if later else state == "running"
        return RunHistory(
            identity=listing.identity,
            version=listing.version,
            state=state,
            config={key: value for key, value in records.config.items() if not key.startswith("_")},
            columns=records.columns,
            source=str(file),
            started_at=moment(records.started_at),
            minutes=_minutes(records),
            incomplete="; ".join(filter(None, [records.lost, None if whole else records.torn])) or None,
            tags=records.tags,
            group=records.group,
        )

    def _repeats(self, later: RunRecords, earlier: RunRecords) -> bool:
        """Does the later segment begin at or before the last step of the earlier one?"""
        if self.step not in later.columns or self.step not in earlier.columns:
            return False
        return bool(later.columns[self.step].values.min() <= earlier.columns[self.step].values.max())


def _read(file: Path) -> RunRecords:
    try:
        return read_records(read_log(file.read_bytes()))
    except NotALogError as error:
        raise UsageError(f"{file}: is not a .wandb file: {error}; move it elsewhere") from None
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})") from None


def _start(read: tuple[Path, RunRecords]) -> float:
    return read[1].started_at or 0.0


def _minutes(records: RunRecords) -> float | None:
    stamps = records.columns.get("_timestamp")
    if stamps is None or records.started_at is None:
        return None
    return max(0.0, float(stamps.values[-1]) - records.started_at) / 60
