"""`rlops run`: fills the grid."""

import click

from rlops.cli.options import quiet_option, say, shown, workspace_option
from rlops.errors import RunsFailedError
from rlops.workspace import Workspace


@click.command("run", short_help="Train the grid of a benchmark; the same command resumes.")
@click.argument("benchmark")
@click.argument("version", required=False)
@click.option("--seeds", help="Seeds to train, like 1-20; default: the benchmark's candidate seeds.")
@click.option("--force", is_flag=True, help="Train cells again whose process failed.")
@quiet_option
@workspace_option
def command(
    benchmark: str, version: str | None, seeds: str | None, force: bool, quiet: bool, workspace: Workspace
) -> None:
    """Train the checkout, or a VERSION from git (git:REF), on BENCHMARK over environments x seeds.

    BENCHMARK is a name in benchmarks/, or a .toml file.

    Cells that are done are not trained again; after an interruption the same command goes on. Ctrl-C once lets running
    cells end, twice stops them. Exits with 4 when a cell failed.
    """
    from rlops.cli.progress import watching
    from rlops.curves import parse_reference
    from rlops.gate import train
    from rlops.plan import checkout, expand, find_benchmark, format_seeds, parse_seeds, read_benchmark
    from rlops.run_sets import version_grid

    definition = read_benchmark(find_benchmark(benchmark, workspace.root))
    with watching(quiet=quiet) as watchers:
        if version is None:
            grid = expand(definition, checkout(workspace.root, definition), definition.seeds.candidate)
        else:
            asked = parse_reference(version)
            if asked.kind != "git":
                raise click.UsageError(f"'{version}' is no version; versions are named git:REF")
            grid = version_grid(workspace, asked, definition, "candidate")
        if seeds:
            grid = expand(grid.benchmark, grid.variant, parse_seeds(seeds, "--seeds"))
        board = train(workspace, [grid], watchers, force=force)
    reference = f"dir:{shown(board.folder / grid.name)}?seed={format_seeds(grid.seeds)}"
    say(f"{board.trained} cells trained, {board.known} were known; the run set: {reference}", quiet=quiet)
    if board.failures:
        raise RunsFailedError(f"{len(board.failures)} processes failed, see above; --force trains failed cells again")
