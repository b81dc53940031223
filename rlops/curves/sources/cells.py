"""Folders of rlops cells: what a launcher left behind."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from rlops.curves.history import RunHistory
from rlops.curves.sources.source import Listing
from rlops.curves.sources.wandb_files import WandbFiles
from rlops.errors import UsageError


def holds_cells(folder: Path) -> bool:
    """Is there a cell somewhere below?"""
    return next(folder.rglob("cell.json"), None) is not None


@dataclass(frozen=True)
class Cells:
    """The runs that the processes of the cells below `folder` logged, of cells that are done.

    Cells that have none of `env_ids` and `seeds` (None: all) are not looked into.
    """

    folder: Path
    step: str = "global_step"
    env_ids: frozenset[str] | None = None
    seeds: frozenset[int] | None = None

    def list_runs(self) -> Sequence[Listing]:
        """Every run in every cell that is done."""
        return [listing for listings in self._listings.values() for listing in listings]

    def fetch(self, listing: Listing) -> RunHistory:
        """The run, with what the launcher knew of it; where a process has one run, that is environment and seed."""
        cell = next(cell for cell, listings in self._listings.items() if listing in listings)
        history = cell.files(self.step).fetch(replace(listing, version=listing.version.partition("|")[0]))
        config: dict[str, object] = {"env_id": cell.env_id, **history.config}
        if len(cell.seeds) == 1 and len(self._listings[cell]) == 1:
            config |= {"env_id": cell.env_id, "seed": cell.seeds[0]}
        minutes = cell.seconds / 60 / len(cell.seeds)  # its share of the process
        again = {"command": cell.facts.get("reproduce", {}).get(str(config.get("seed")), ())}
        provenance = cell.provenance | again
        return replace(
            history,
            version=listing.version,
            config=config,
            started_at=cell.started_at,
            minutes=minutes,
            provenance=provenance,
        )

    def settled(self, histories: Iterable[RunHistory]) -> list[RunHistory]:
        """The runs, with what their processes' ends say of them.

        A seed that its process did not log has an empty, failed run. Where a process failed and none of its runs says
        so, all of them count as failed.
        """
        by_folder: dict[object, list[RunHistory]] = defaultdict(list)
        for history in histories:
            by_folder[history.provenance.get("folder")].append(history)
        return [run for cell in self._listings for run in cell.settled(by_folder[str(cell.folder)])]

    def _wanted(self, cell: "_Cell") -> bool:
        right_seeds = self.seeds is None or not self.seeds.isdisjoint(cell.seeds)
        return right_seeds and (self.env_ids is None or cell.env_id in self.env_ids)

    @cached_property
    def _listings(self) -> Mapping["_Cell", Sequence[Listing]]:
        folders = (path.parent for path in sorted(self.folder.rglob("cell.json")))
        done = (_Cell.read(folder) for folder in folders if (folder / "done.json").is_file())
        cells = [cell for cell in done if self._wanted(cell)]
        return {
            cell: [
                replace(listing, version=f"{listing.version}|{cell.ended_at}")
                for listing in cell.files(self.step).list_runs()
            ]
            for cell in cells
        }


@dataclass(frozen=True, eq=False)
class _Cell:
    """One cell directory: cell.json, done.json, stdout.log and whatever wandb wrote."""

    folder: Path
    facts: Mapping[str, Any]
    done: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> "_Cell":
        folder = folder.resolve()  # one cell has one name, from wherever it is looked at
        return cls(folder, _read_json(folder / "cell.json"), _read_json(folder / "done.json"))

    @property
    def env_id(self) -> str:
        return str(self.facts["env_id"])

    @property
    def seeds(self) -> Sequence[int]:
        return [int(seed) for seed in self.facts["seeds"]]

    @property
    def ended_at(self) -> str:
        return str(self.done["ended_at"])

    @property
    def seconds(self) -> float:
        return float(self.done["seconds"])

    @property
    def started_at(self) -> str:
        return (datetime.fromisoformat(self.ended_at) - timedelta(seconds=self.seconds)).isoformat()

    @property
    def provenance(self) -> dict[str, object]:
        return {
            **self.facts["provenance"],
            "folder": str(self.folder),
            "exit_code": self.done["exit_code"],
        }

    def files(self, step: str) -> WandbFiles:
        return WandbFiles(self.folder, step, ended=True)

    def settled(self, runs: Sequence[RunHistory]) -> list[RunHistory]:
        logged = {str(run.config.get("seed")) for run in runs}
        missing = [self.never_logged(seed) for seed in self.seeds if str(seed) not in logged]
        if self.done["exit_code"] == 0 or missing or any(run.state != "finished" for run in runs):
            return [*runs, *missing]
        why = f"the process of this run ended with exit code {self.done['exit_code']}"
        return [replace(run, state="failed", incomplete=why) for run in runs]

    def never_logged(self, seed: int) -> RunHistory:
        return RunHistory(
            identity=f"{self.folder.resolve()}#{seed}",
            version=self.ended_at,
            state="failed",
            config={"env_id": self.env_id, "seed": seed},
            columns={},
            source=str(self.folder),
            incomplete=f"the command ended with exit code {self.done['exit_code']} and logged no run for this seed",
            provenance=self.provenance,
        )


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path}: is not the file a launcher wrote ({error}); remove its folder and run again"
        ) from None
    if not isinstance(content, dict):
        raise UsageError(f"{path}: is not the file a launcher wrote; remove its folder and run again")
    return content
