"""One process to launch: a cell, or the seeds of one environment that a trainer takes at once. And its directory."""

import fcntl
import hashlib
import json
import math
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlops.launch import supervise
from rlops.launch.imports import RECORDER, packages_of
from rlops.launch.supervise import finished, read_json
from rlops.plan import Cell, Grid, format_seeds
from rlops.strangers import clean, passed_on, redacted

PASSED_ON_ONLINE = r"WANDB_(API_KEY|BASE_URL)"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
LOG_TAIL_LINES = 20
LONGEST_LINE = 400
"""Characters of a line that are shown (arbitrary)."""


@dataclass(frozen=True, eq=False)
class CellGroup:
    """Cells of one environment that one process trains, and the directory of what comes of it.

    The directory holds `cell.json` (what was asked), `stdout.log`, wandb's own files, and `done.json`, written last
    and at once: without it nothing in the directory counts.
    """

    grid: Grid
    cells: tuple[Cell, ...]
    parent: Path

    @property
    def env_id(self) -> str:
        """The environment of all cells."""
        return self.cells[0].env_id

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds in ascending order."""
        return tuple(sorted(cell.seed for cell in self.cells))

    @property
    def label(self) -> str:
        """How people call it: environment and seeds."""
        return label(self.env_id, self.seeds)

    @property
    def folder(self) -> Path:
        """The group's own below `parent`."""
        return self.parent / folder_name(self.env_id, self.seeds, [cell.key for cell in self.cells])

    @property
    def directory(self) -> "CellDirectory":
        """Where it is trained."""
        return CellDirectory(self.folder)

    def locks(self) -> list[Path]:
        """A lock file a cell: whoever holds it trains the cell, however the cells are grouped."""
        return [lock_of(self.parent, cell.key) for cell in self.cells]

    def supervisor(self, python: str = sys.executable) -> list[str]:
        """The command that trains the group on the machine it is started on; it reads `order()` from its input."""
        script = str(Path(supervise.__file__).resolve())
        return [python, "-I", script, str(self.folder.resolve()), *(str(lock) for lock in self.locks())]

    def order(self) -> bytes:
        """What the supervisor reads: what to run, and the variables that it gets."""
        return json.dumps({"request": self.request(), "environment": self.environment()}).encode()

    def request(self) -> dict[str, object]:
        """cell.json: everything that the process needs to run, and a reader to understand it."""
        benchmark, variant = self.grid.benchmark, self.grid.variant
        return {
            "grid": self.grid.name,
            "benchmark": benchmark.name,
            "variant": variant.name,
            "env_id": self.env_id,
            "budget": benchmark.budget,
            "seeds": list(self.seeds),
            "keys": {str(cell.seed): cell.key for cell in self.cells},
            "command": list(benchmark.argv(self.env_id, self.seeds, variant.python)),
            "reproduce": {str(seed): list(benchmark.argv(self.env_id, (seed,), "python")) for seed in self.seeds},
            "working_directory": str(variant.root),
            "minutes": benchmark.resources.minutes,
            "memory_gb": benchmark.resources.memory_gb,
            "grace_seconds": benchmark.resources.grace_seconds,
            "provenance": variant.provenance.to_json(),
            "imports": {
                "root": str(variant.top or variant.root),
                "elsewhere": [str(place) for place in variant.elsewhere],
                "packages": packages_of(variant.root, benchmark.code),
                "python": variant.python,
            },
        }

    def environment(self) -> dict[str, str]:
        """The variables the process gets: an allow-list, and wandb told to log here."""
        benchmark = self.grid.benchmark
        variables = passed_on(PASSED_ON_ONLINE if benchmark.wandb.mode == "online" else None)
        defaults = {**dict.fromkeys(THREADS, str(benchmark.resources.cores)), "PYTHONUNBUFFERED": "1"}
        return {
            **defaults,
            **variables,
            **self._own_python(variables.get("PATH", os.defpath)),
            **benchmark.variables,
            "PYTHONPATH": os.pathsep.join(self._search_path()),
            "RLOPS_IMPORTS": str(self.folder.resolve()),
            "WANDB_MODE": benchmark.wandb.mode,
            "WANDB_DIR": str(self.folder.resolve()),
            "WANDB_PROJECT": benchmark.wandb.project,
            **({"WANDB_ENTITY": benchmark.wandb.entity} if benchmark.wandb.entity else {}),
            "WANDB_RUN_GROUP": self.grid.name,
            "WANDB_TAGS": f"rlops,{benchmark.name}",
            "WANDB_SILENT": "true",
            # What it prints is in stdout.log, whose length is limited; offline wandb would keep all of it once more.
            **({"WANDB_CONSOLE": "off"} if benchmark.wandb.mode == "offline" else {}),
        }

    def _own_python(self, path: str) -> dict[str, str]:
        """What activating the version's own environment does: `python` and console scripts are found there, too."""
        python = self.grid.variant.python
        if python == sys.executable:
            return {}
        folder = os.path.dirname(python)
        return {"PATH": f"{folder}{os.pathsep}{path}", "VIRTUAL_ENV": os.path.dirname(folder)}

    def _search_path(self) -> list[str]:
        """The recorder of imports, the version's own folders, then what the benchmark asks for."""
        own = [str(place) for place in self.grid.variant.search_path]
        asked = self.grid.benchmark.variables.get("PYTHONPATH")
        return [str(RECORDER), *own, *([asked] if asked else [])]


@dataclass(frozen=True)
class CellDirectory:
    """The directory of a cell group, read back."""

    folder: Path

    @property
    def done(self) -> Mapping[str, Any] | None:
        """How the process ended (done.json), None while it has not, or was stopped."""
        content = read_json(self.folder / "done.json")
        return content if isinstance(content.get("exit_code"), int) else None

    @property
    def killed_by(self) -> str | None:
        """The signal that killed the process, None where none did."""
        try:
            return (self.folder / "killed").read_text(encoding="utf-8")
        except OSError:
            return None

    @property
    def log(self) -> Path:
        """What the process printed."""
        return self.folder / "stdout.log"

    def log_tail(self, lines: int = LOG_TAIL_LINES) -> str:
        """The last lines that the process printed, without control sequences."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 64 * 1024))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        last = text.replace("\r\n", "\n").replace("\r", "\n").splitlines()[-lines:]
        cut = (line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} ..." for line in last)
        return "\n".join(redacted(clean("\n".join(cut))).splitlines()[-lines:])


def folder_name(env_id: str, seeds: Iterable[int], keys: Iterable[str]) -> str:
    """Slug and key: environment ids contain '/'."""
    key = hashlib.sha256("".join(keys).encode()).hexdigest()[:8]
    # The seeds stay whole where there is one: supervise.finished reads it.
    name, numbers = (re.sub(r"[^\w.-]+", "_", text) for text in (env_id, format_seeds(seeds)))
    return f"{name[:60]}-s{numbers[:20]}-{key}"


def label(env_id: str, seeds: Iterable[int]) -> str:
    """How people call a group: environment and seeds."""
    numbers = sorted(seeds)
    return f"{env_id} seed{'s' if len(numbers) > 1 else ''} {format_seeds(numbers)}"


def group_cells(missing: Mapping[Grid, Sequence[Cell]], folder: Path, slots: int) -> list[CellGroup]:
    """The processes that train the cells that grids miss, so that all `slots` have something to do.

    In the order of their first cell, the grids in turns, now this one first and now that one: where speed is compared,
    who comes first must not always be the same.
    """
    total = sum(len(cells) for cells in missing.values())
    placed = []
    for turn, (grid, cells) in enumerate(missing.items()):
        size = max(1, min(grid.benchmark.most_seeds_a_process, math.ceil(total / slots)))
        of_env: dict[str, list[tuple[int, Cell]]] = {}
        for position, cell in enumerate(cells):
            of_env.setdefault(cell.env_id, []).append((position, cell))
        for found in of_env.values():
            for number, i in enumerate(range(0, len(found), size)):
                group = CellGroup(grid, tuple(cell for _, cell in found[i : i + size]), folder / grid.name)
                placed.append((found[i][0], -turn if number % 2 else turn, group))
    return [group for *_, group in sorted(placed, key=lambda item: item[:2])]


def finished_cells(parent: Path) -> dict[tuple[str, int], CellDirectory]:
    """(environment, seed) -> directory of every cell below `parent` that is done."""
    return {
        (request["env_id"], seed): CellDirectory(folder)
        for folder, request, _ in finished(parent)
        for seed in request["seeds"]
    }


def says_its_cells(request: Mapping[str, Any]) -> bool:
    """Is it a cell.json that says whose cells they are: environment, seeds, and the key of each?"""
    seeds, keys = request.get("seeds"), request.get("keys")
    return (
        isinstance(request.get("env_id"), str)
        and isinstance(seeds, list)
        and len(seeds) > 0
        and all(type(seed) is int and seed >= 0 for seed in seeds)
        and isinstance(keys, dict)
        and all(re.fullmatch("[0-9a-f]{64}", str(keys.get(str(seed)))) for seed in seeds)
    )


def lock_of(parent: Path, key: str) -> Path:
    """The lock file of a cell of the grid whose folder is `parent`."""
    return parent / ".locks" / key[:24]


def is_locked(path: Path) -> bool:
    """Does a process hold the lock of a cell?"""
    try:
        lock = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
