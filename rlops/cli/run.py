"""`rlops run`: fills the grid."""

from typing import TYPE_CHECKING

import click

from rlops.cli.options import executor_option, quiet_option, say, shown, workspace_option
from rlops.errors import RunsFailedError
from rlops.workspace import Workspace

if TYPE_CHECKING:
    from rlops.launch import Board
    from rlops.plan import Benchmark, Grid


@click.command("run", short_help="Train the grid of a benchmark; the same command resumes.")
@click.argument("benchmark")
@click.argument("versions", metavar="[VERSION]...", nargs=-1)
@click.option("--seeds", help="Seeds to train, like 1-20; default: the benchmark's candidate seeds.")
@click.option("--shard", metavar="I/N", help="Train one of N parts, on machines that share no store: 1/4 .. 4/4.")
@click.option("--force", is_flag=True, help="Train cells again whose process failed.")
@executor_option
@quiet_option
@workspace_option
def command(
    benchmark: str,
    versions: tuple[str, ...],
    seeds: str | None,
    shard: str | None,
    force: bool,
    executor: str,
    quiet: bool,
    workspace: Workspace,
) -> None:
    """Train the checkout, or VERSIONs from git (git:REF), on BENCHMARK over environments x seeds.

    BENCHMARK is a name in benchmarks/, or a .toml file. Several versions take turns, cell by cell, so that what the
    machine does to one it does to the others.

    Machines that share no store train a shard each, --shard 1/4 to 4/4; `rlops pull dir:PARTS` brings them together.

    Cells that are done are not trained again; after an interruption the same command goes on. Ctrl-C once lets running
    cells end, twice stops them. Exits with 4 when a cell failed.
    """
    from rlops.cli.progress import watching
    from rlops.plan import Shard, expand, find_benchmark, parse_seeds, read_benchmark
    from rlops.training import Launching, train

    part = Shard.parse(shard) if shard else Shard(1, 1)
    definition = read_benchmark(find_benchmark(benchmark, workspace.root))
    grids = [_grid(workspace, version, definition) for version in versions or (None,)]
    if seeds:
        grids = [expand(grid.benchmark, grid.variant, parse_seeds(seeds, "--seeds")) for grid in grids]
    # Versions of the same code have the same cells, which are trained once.
    grids = [part.of(grid) for grid in {grid.name: grid for grid in grids}.values()]
    with watching(quiet=quiet) as watchers:
        board = train(workspace, grids, watchers, Launching(executor), force=force)
    say(f"{board.trained} cells trained, {board.known} were known; {_run_sets(board)}", quiet=quiet)
    if board.failures:
        raise RunsFailedError(f"{len(board.failures)} processes failed, see above; --force trains failed cells again")


def _run_sets(board: "Board") -> str:
    """What was trained, as it is named in references."""
    from rlops.plan import format_seeds

    grids = [grid for grid in board.grids if grid.cells]
    places = ", ".join(f"dir:{shown(board.folder / grid.name)}?seed={format_seeds(grid.seeds)}" for grid in grids)
    if not grids:
        return "this shard has none: there are more shards than cells"
    return f"the run set{'' if len(grids) == 1 else 's'}: {places}"


def _grid(workspace: Workspace, version: str | None, definition: "Benchmark") -> "Grid":
    """The grid of a version with the candidate's seeds; None is the checkout."""
    from rlops.plan import checkout, expand

    if version is None:
        return expand(definition, checkout(workspace.root, definition), definition.seeds.candidate)
    from rlops.curves import parse_reference
    from rlops.run_sets import version_grid

    asked = parse_reference(version)
    if asked.kind != "git":
        raise click.UsageError(f"'{version}' is no version; versions are named git:REF")
    return version_grid(workspace, asked, definition, "candidate")
