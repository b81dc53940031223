"""`rlops doctor`: what is set up, what is reachable, what is missing."""

import json
import os
import sys
from collections import Counter
from dataclasses import asdict

import click

from rlops.cli.options import json_option, say, workspace_option
from rlops.errors import ExitCode
from rlops.workspace import Workspace

COLORS = {"ok": "green", "warning": "yellow", "missing": "red"}


@click.command("doctor", short_help="Say what is set up, what is reachable and what is missing.")
@json_option
@workspace_option
def command(as_json: bool, workspace: Workspace) -> None:
    """Look at everything that a gate needs: git, the store, every benchmark with its baseline, W&B, CI.

    A line each: ok, warning or missing, and what to do. Nothing is trained or changed. Exits with 2 when something is
    missing, with 0 otherwise.
    """
    from rlops.doctor import examine
    from rlops.strangers import clean

    found = []
    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    for check in examine(workspace):
        found.append(check)
        if not as_json:
            status = click.style(f"{check.status:7}", fg=COLORS[check.status]) if color else f"{check.status:7}"
            advice = f" -> {check.advice}" if check.advice else ""
            click.echo(f"{status}  {' '.join(clean(f'{check.check}: {check.detail}{advice}').split())}")
    if as_json:
        click.echo(json.dumps([asdict(check) for check in found], indent=1))
    counts = Counter(check.status for check in found)
    say(f"{counts['missing']} missing, {counts['warning']} warnings, {counts['ok']} ok")
    click.get_current_context().exit(ExitCode.USAGE if counts["missing"] else ExitCode.PASS)
