"""`rlops run`: fills the grid."""

from typing import TYPE_CHECKING

import click

from rlops.cli.options import executor_option, quiet_option, say, shown, workspace_option
from rlops.errors import RunsFailedError
from rlops.workspace import Workspace

if TYPE_CHECKING:
    from rlops.plan import Benchmark, Grid


@click.command("run", short_help="Train the grid of a benchmark; the same command resumes.")
@click.argument("benchmark")
@click.argument("versions", metavar="[VERSION]...", nargs=-1)
@click.option("--seeds", help="Seeds to train, like 1-20; default: the benchmark's candidate seeds.")
@click.option("--force", is_flag=True, help="Train cells again whose process failed.")
@executor_option
@quiet_option
@workspace_option
def command(
    benchmark: str,
    versions: tuple[str, ...],
    seeds: str | None,
    force: bool,
    executor: str,
    quiet: bool,
    workspace: Workspace,
) -> None:
    """Train the checkout, or VERSIONs from git (git:REF), on BENCHMARK over environments x seeds.

    BENCHMARK is a name in benchmarks/, or a .toml file. Several versions take turns, cell by cell, so that what the
    machine does to one it does to the others.

    Cells that are done are not trained again; after an interruption the same command goes on. Ctrl-C once lets running
    cells end, twice stops them. Exits with 4 when a cell failed.
    """
    from rlops.cli.progress import watching
    from rlops.plan import expand, find_benchmark, format_seeds, parse_seeds, read_benchmark
    from rlops.training import Launching, train

    definition = read_benchmark(find_benchmark(benchmark, workspace.root))
    grids = [_grid(workspace, version, definition) for version in versions or (None,)]
    if seeds:
        grids = [expand(grid.benchmark, grid.variant, parse_seeds(seeds, "--seeds")) for grid in grids]
    with watching(quiet=quiet) as watchers:
        # Versions of the same code have the same cells, which are trained once.
        once = list({grid.name: grid for grid in grids}.values())
        board = train(workspace, once, watchers, Launching(executor), force=force)
    places = (f"dir:{shown(board.folder / grid.name)}?seed={format_seeds(grid.seeds)}" for grid in board.grids)
    sets = "the run set" if len(board.grids) == 1 else "the run sets"
    say(f"{board.trained} cells trained, {board.known} were known; {sets}: {', '.join(places)}", quiet=quiet)
    if board.failures:
        raise RunsFailedError(f"{len(board.failures)} processes failed, see above; --force trains failed cells again")


def _grid(workspace: Workspace, version: str | None, definition: "Benchmark") -> "Grid":
    """The grid of a version with the candidate's seeds; None is the checkout."""
    from rlops.curves import parse_reference
    from rlops.plan import checkout, expand
    from rlops.run_sets import version_grid

    if version is None:
        return expand(definition, checkout(workspace.root, definition), definition.seeds.candidate)
    asked = parse_reference(version)
    if asked.kind != "git":
        raise click.UsageError(f"'{version}' is no version; versions are named git:REF")
    return version_grid(workspace, asked, definition, "candidate")
