"""A benchmark times a variant: the cells to train, and the keys that say when two cells are the same."""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rlops.plan.benchmark import Benchmark
from rlops.plan.provenance import Provenance


@dataclass(frozen=True)
class Variant:
    """One version of the code under test: a checkout at `root`, the interpreter it runs in, and what is true of both.

    `lock`: hash of its dependency lock; `untracked`: do files that git does not track belong to it?
    `top`: the top of its worktree where that is not `root`.
    `search_path`: folders that the interpreter would have to take from elsewhere otherwise (its PYTHONPATH).
    `elsewhere`: where other versions of the same code lie; whatever is imported from there is the wrong code.
    """

    name: str
    root: Path
    provenance: Provenance
    lock: str | None = None
    untracked: bool = True
    python: str = sys.executable
    top: Path | None = None
    search_path: tuple[Path, ...] = ()
    elsewhere: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One training to do. Equal keys mean: the same draw, nothing to train again."""

    env_id: str
    seed: int
    key: str


@dataclass(frozen=True, eq=False)
class Grid:
    """All cells of one variant over a benchmark's environments and the seeds asked for, seed by seed."""

    benchmark: Benchmark
    variant: Variant
    key: str
    cells: tuple[Cell, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, in the order asked for."""
        return tuple(dict.fromkeys(cell.seed for cell in self.cells))

    def only(self, seeds: Mapping[str, Sequence[int]]) -> "Grid":
        """The cells of these environments, each with its own seeds."""
        return replace(self, cells=tuple(cell for cell in self.cells if cell.seed in seeds.get(cell.env_id, ())))

    @property
    def name(self) -> str:
        """The name of the folder that holds the cells: benchmark and the key of everything they share."""
        return f"{self.benchmark.name}-{self.key[:12]}"


def expand(benchmark: Benchmark, variant: Variant, seeds: tuple[int, ...]) -> Grid:
    """The grid of `seeds`: seed by seed through the environments, so that what is done first is comparable first.

    Key = what determines the training: code, command, packages, budget, environment and seed. The
    machine is not in it: on another one a seed is another draw of the same distribution, which is as good.
    """
    shared = _sha256(
        {
            "code": variant.provenance.code_sha256,
            "command": benchmark.command,
            "packages": dict(variant.provenance.packages),
            "budget": benchmark.budget,
            **({"variables": dict(benchmark.variables)} if benchmark.variables else {}),
            **({"lock": variant.lock} if benchmark.dependencies.lock else {}),
        }
    )
    cells = (
        Cell(env_id, seed, _sha256({"grid": shared, "env_id": env_id, "seed": seed}))
        for seed in seeds
        for env_id in benchmark.environments
    )
    return Grid(benchmark, variant, shared, tuple(cells))


def _sha256(facts: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
