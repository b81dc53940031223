"""`rlops pull`: curves into the store."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rlops.cli.options import json_option, quiet_option, say, workspace_option
from rlops.workspace import Workspace

if TYPE_CHECKING:
    from rlops.curves import Reference


@click.command("pull", short_help="Bring learning curves from W&B or from folders into the store.")
@click.argument("references", metavar="REFERENCE...", nargs=-1, required=True)
@quiet_option
@json_option
@workspace_option
def command(references: tuple[str, ...], quiet: bool, as_json: bool, workspace: Workspace) -> None:
    """Bring the runs of REFERENCEs into the store, one npz a run; runs that have not changed are not read again.

    Cells that another machine trained (rlops run --shard) become cells of this store: nothing trains them again.

    \b
    wandb:ENTITY/PROJECT?tag=pr-12&exp_name=ppo   runs of a W&B project, filtered
    dir:PATH                                      rlops cells, wandb runs, other logs (docs/sources.md)
    '?we=E&wpn=P&ceik=env_id&cen=exp_name' 'ppo'  the filters of Open RL Benchmark
    """
    from rlops.cli.progress import watching
    from rlops.curves import Loader, Store, as_references, parse_reference

    asked = [parse_reference(text) for text in as_references(references)]
    for reference in asked:
        _import(workspace, reference, quiet=quiet)
    with watching(quiet=quiet or as_json) as watchers:
        loader = Loader(Store(workspace.runs), progress=watchers.pulled)
        histories = [history for reference in asked for history in loader.histories(reference)]
    if as_json:
        rows = [
            {
                "source": history.source,
                "state": history.state,
                "incomplete": history.incomplete,
                "config": dict(history.config),
                "keys": sorted(history.columns),
            }
            for history in histories
        ]
        click.echo(json.dumps(rows, indent=1, default=str))
        return
    for history in histories:
        if history.incomplete or history.state != "finished":
            say(f"  {history.state}: {history.source}{': ' + history.incomplete if history.incomplete else ''}")
    say(f"{len(histories)} runs in the store {workspace.runs}", quiet=quiet)


def _import(workspace: Workspace, reference: "Reference", *, quiet: bool) -> None:
    """Take the finished cells over that a folder holds, if it holds any."""
    from rlops.launch import import_cells

    if reference.kind != "dir" or reference.one("format", "cells") != "cells":
        return
    workspace.prepare()
    found = import_cells(Path(reference.target), workspace.cells, reference.env_ids, reference.seeds)
    busy = f"; {found.busy} are being trained here now and were left: pull again later" if found.busy else ""
    if found.cells or found.known or found.busy:
        say(f"{found.cells} cells imported, {found.known} were known{busy}", quiet=quiet)
