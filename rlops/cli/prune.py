"""`rlops prune`: makes room in the store."""

import itertools
import json
import time
from typing import TYPE_CHECKING

import click

from rlops.cli.options import json_option, say, shown, workspace_option
from rlops.workspace import Workspace

if TYPE_CHECKING:
    from rlops.prune import Item

MOST_LINES = 20
"""Of a kind (arbitrary)."""


@click.command("prune", short_help="Remove what no baseline, verdict or branch needs.")
@click.option("--yes", is_flag=True, help="Do it; without this it only says what would go.")
@click.option(
    "--days", type=click.IntRange(0), default=14, show_default=True, help="What was used in the last DAYS stays."
)
@json_option
@workspace_option
def command(yes: bool, days: int, as_json: bool, workspace: Workspace) -> None:
    """Remove what no baseline, verdict or branch needs from the store.

    Cells stay when a stored baseline was made of them, when git has a branch, a tag or HEAD at their commit (or where
    one of these parted from HEAD), when a verdict names it, when they were used lately, or when something runs there.
    Worktrees and virtual environments go with the last that asks for them, runs that were read from cells with the
    cells. Verdicts stay. What went can be trained and read again.
    """
    from rlops.prune import remove, survey

    found = survey(workspace, days, time.time())
    went = remove(workspace, found) if yes else ()
    if as_json:
        record = {
            "schema": 1,
            "removed": yes,
            "bytes": sum(item.bytes for item in (went if yes else found.goes)),
            "goes": [_record(item) for item in (went if yes else found.goes)],
            "stays": [_record(item) for item in found.stays],
        }
        click.echo(json.dumps(record, indent=1))
        return
    for line in _lines(went if yes else found.goes):
        click.echo(line)
    if not found.goes:
        say(f"nothing goes; {len(found.stays)} things are needed")
    elif yes:
        left = len(found.goes) - len(went)
        say(f"removed {_sum(went)}{f'; {left} were used meanwhile and stay' if left else ''}")
    else:
        say(f"{_sum(found.goes)} would go; rlops prune --yes removes them")


def _record(item: "Item") -> dict[str, object]:
    return {"kind": item.kind, "path": str(item.path), "bytes": item.bytes, "why": item.why}


def _sum(items: "tuple[Item, ...]") -> str:
    return f"{len(items)} thing{'' if len(items) == 1 else 's'}, {_megabytes(sum(item.bytes for item in items))}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _lines(items: "tuple[Item, ...]") -> list[str]:
    lines = []
    for kind, group in itertools.groupby(items, key=lambda item: item.kind):
        all_of_it = list(group)
        lines += [
            f"{kind:11}  {_megabytes(item.bytes):>10}  {shown(item.path)}  {item.why}"
            for item in all_of_it[:MOST_LINES]
        ]
        if len(all_of_it) > MOST_LINES:
            rest = sum(item.bytes for item in all_of_it[MOST_LINES:])
            lines.append(f"{kind:11}  {_megabytes(rest):>10}  and {len(all_of_it) - MOST_LINES} more")
    return lines
