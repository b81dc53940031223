"""What was asked of a grid's folder: `asked.json`, for whoever looks at the store without the benchmark at hand."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rlops.files import locked, write_whole
from rlops.launch.supervise import read_json
from rlops.plan import Grid

NAME = "asked.json"
MOST_COMMITS = 1000
"""Of those that asked for the same cells, the last (arbitrary)."""


@dataclass(frozen=True)
class Asked:
    """All cells that anybody has asked for so far, and for which version. What nobody said is empty.

    `environments`: environment -> seeds; `git_commits`: in the order in which they came, the last one asked last.
    """

    benchmark: str = ""
    variant: str = ""
    git_commits: tuple[str, ...] = ()
    environments: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def read_asked(parent: Path) -> Asked:
    """What stands in the folder of a grid; what is not of the form that is written there counts as not said."""
    content = read_json(parent / NAME)
    commits, environments = content.get("git_commits"), content.get("environments")
    return Asked(
        benchmark=_text(content.get("benchmark")),
        variant=_text(content.get("variant")),
        git_commits=tuple(map(_text, commits)) if isinstance(commits, list) else (),
        environments={env_id: _seeds(seeds) for env_id, seeds in environments.items()}
        if isinstance(environments, dict)
        else {},
    )


def note_asked(grid: Grid, folder: Path) -> None:
    """Add the cells of `grid` to what was asked of its folder below `folder`, whose time says when that was last."""
    if not grid.cells:
        return
    parent = folder / grid.name
    with locked(asking(parent)):
        before = read_asked(parent)
        environments = {env_id: set(seeds) for env_id, seeds in before.environments.items()}
        for cell in grid.cells:
            environments.setdefault(cell.env_id, set()).add(cell.seed)
        commit = grid.variant.provenance.git_commit
        commits = [known for known in before.git_commits if known != commit] + ([commit] if commit else [])
        content = {
            "benchmark": grid.benchmark.name,
            "variant": grid.variant.name,
            "budget": grid.benchmark.budget,
            "git_commits": commits[-MOST_COMMITS:],
            "environments": {env_id: sorted(seeds) for env_id, seeds in environments.items()},
        }
        write_whole(parent / NAME, json.dumps(content, indent=1))


def asking(parent: Path) -> Path:
    """The lock file of whoever changes what is asked of the folder of a grid."""
    return parent / ".locks" / "asked"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _seeds(value: object) -> tuple[int, ...]:
    return tuple(seed for seed in value if type(seed) is int) if isinstance(value, list) else ()
