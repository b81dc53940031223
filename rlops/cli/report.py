"""`rlops report`: a stored verdict again."""

from pathlib import Path

import click

from rlops.cli.options import json_option, say, shown, workspace_option, write_report
from rlops.workspace import Workspace


@click.command("report", short_help="Render a stored verdict again.")
@click.argument("verdict", required=False, type=click.Path(path_type=Path))
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where; Markdown where it ends in .md, JUnit XML where in .xml; default: report.html beside verdict.json.",
)
@json_option
@workspace_option
def command(verdict: Path | None, output: Path | None, as_json: bool, workspace: Workspace) -> None:
    """Render VERDICT (a verdict.json or its folder; default: the latest) as HTML, or as Markdown. Exits with 0."""
    from rlops.judge import read_verdict

    path = verdict or workspace.latest_verdict()
    path = path / "verdict.json" if path.is_dir() else path
    record = read_verdict(path)
    target = output or path.with_name("report.html")
    write_report(record, target)
    if as_json:
        click.echo(record.to_json())
    say(f"{record.sentence}\nreport   {shown(target.resolve())}")
