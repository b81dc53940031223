"""`rlops pull`: curves into the store."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rlops.cli.options import json_option, quiet_option, say, workspace_option
from rlops.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlops.curves import Reference, RunHistory


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
    from rlops.launch import check_cells

    asked = [parse_reference(text) for text in as_references(references)]
    for reference in asked:
        if _may_hold_cells(reference):
            check_cells(Path(reference.target), workspace.cells)
    with watching(quiet=quiet or as_json) as watchers:
        loader = Loader(Store(workspace.runs), progress=watchers.pulled)
        pulled = [(reference, loader.histories(reference)) for reference in asked]
    for reference, found in pulled:
        _import(workspace, reference, found, quiet=quiet)
    histories = [history for _, found in pulled for history in found]
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


def _may_hold_cells(reference: "Reference") -> bool:
    return reference.kind == "dir" and reference.one("format", "cells") == "cells"


def _import(workspace: Workspace, reference: "Reference", histories: "Sequence[RunHistory]", *, quiet: bool) -> None:
    """Take the finished cells over that a folder holds, if it holds any."""
    from rlops.launch import import_cells

    if not _may_hold_cells(reference):
        return
    workspace.prepare()
    # The process ended well and its log does not: it was torn on the way here.
    torn = {
        Path(str(one.provenance["folder"]))
        for one in histories
        if one.incomplete and one.provenance.get("exit_code") == 0
    }
    found = import_cells(Path(reference.target), workspace.cells, reference.env_ids, reference.seeds, torn)
    if found.damaged:
        say(f"{found.damaged} cells were left out: their logs are damaged; fetch that part again")
    busy = f"; {found.busy} are being trained here now and were left: pull again later" if found.busy else ""
    if found.cells or found.known or found.busy:
        say(f"{found.cells} cells imported, {found.known} were known{busy}", quiet=quiet)
