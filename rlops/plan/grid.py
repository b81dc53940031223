"""A benchmark times a variant: the cells to train, and the keys that say when two cells are the same."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from rlops.plan.benchmark import Benchmark
from rlops.plan.provenance import Provenance, provenance


@dataclass(frozen=True)
class Variant:
    """One version of the code under test: a checkout at `root` and what is true of it."""

    name: str
    root: Path
    provenance: Provenance


@dataclass(frozen=True)
class Cell:
    """One training to do. Equal keys mean: the same draw, nothing to train again."""

    env_id: str
    seed: int
    key: str


@dataclass(frozen=True)
class Grid:
    """All cells of one variant over a benchmark's environments and the seeds asked for, seed by seed."""

    benchmark: Benchmark
    variant: Variant
    key: str
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        """The name of the folder that holds the cells: benchmark and the key of everything they share."""
        return f"{self.benchmark.name}-{self.key[:12]}"


def checkout(root: Path, benchmark: Benchmark) -> Variant:
    """The code at `root` as it is, uncommitted changes included."""
    found = provenance(root, benchmark.code, benchmark.packages)
    commit = (found.git_commit or "no-git")[:7]
    return Variant(f"{commit}{'+dirty' if found.git_dirty else ''}", root, found)


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
