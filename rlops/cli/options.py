"""Options that several verbs share, and the few things that all verbs do."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rlops.workspace import Workspace

if TYPE_CHECKING:
    from rlops.judge import Verdict

MOST_COLUMNS = 140
OFFLINE = "rlops.offline"
Verb = TypeVar("Verb", bound=Callable[..., Any])


def workspace_option(verb: Verb) -> Verb:
    """--dir, handed on as `workspace`."""

    def opened(context: click.Context, _parameter: click.Parameter, value: str) -> Workspace:
        workspace = Workspace(Path.cwd(), Path(value).resolve(), offline=context.meta.get(OFFLINE, False))
        workspace.check_format()
        return workspace

    option = click.option(
        "--dir",
        "workspace",
        envvar="RLOPS_DIR",
        default=".rlops",
        show_default=True,
        callback=opened,
        help="Where rlops keeps what it trained and pulled. [env: RLOPS_DIR]",
    )
    return option(verb)


def offline_option(verb: Verb) -> Verb:
    """--offline, known to the `workspace`: eager, because that is made of it."""

    def remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        context.meta[OFFLINE] = value

    text = "Ask no server: of W&B projects, take the runs that were pulled before."
    option = click.option("--offline", is_flag=True, is_eager=True, expose_value=False, callback=remember, help=text)
    return option(verb)


def json_option(verb: Verb) -> Verb:
    """--json."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout, nothing else.")(verb)


def quiet_option(verb: Verb) -> Verb:
    """--quiet."""
    return click.option("--quiet", "-q", is_flag=True, help="Print no progress.")(verb)


def executor_option(verb: Verb) -> Verb:
    """--executor, for the verbs that train."""
    option = click.option(
        "--executor",
        type=click.Choice(["local", "ray", "slurm"]),
        envvar="RLOPS_EXECUTOR",
        default="local",
        show_default=True,
        help="Where cells are trained. [env: RLOPS_EXECUTOR]",
    )
    return option(verb)


def report_option(verb: Verb) -> Verb:
    """--report PATH."""
    path = click.Path(dir_okay=False, path_type=Path)
    text = "Write the report here, too: HTML, or Markdown where PATH ends in .md."
    return click.option("--report", "report_path", type=path, metavar="PATH", help=text)(verb)


def policy_option(verb: Verb) -> Verb:
    """--policy FILE."""
    path = click.Path(dir_okay=False, path_type=Path)
    return click.option("--policy", "policy_path", type=path, help="A TOML file with [policy] and [margins].")(verb)


def say(text: str, *, quiet: bool = False) -> None:
    """A line for people, on stderr."""
    if not quiet:
        click.echo(text, err=True)


def publish(workspace: Workspace, verdict: "Verdict", report_path: Path | None, *, as_json: bool) -> None:
    """Write the record and its report, print the answer, and leave with the verdict's exit code."""
    from rlops.report import render_html
    from rlops.run_sets import with_commits, write_verdict

    verdict = with_commits(workspace, verdict).without_secrets()
    folder = write_verdict(workspace, verdict, render_html(verdict))
    if report_path is not None:
        write_report(verdict, report_path)
    try:
        _print_answer(verdict, folder, report_path, as_json=as_json)
    except BrokenPipeError:  # `| head`: who stops reading does not change the answer
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    click.get_current_context().exit(verdict.exit_code)


def write_report(verdict: "Verdict", path: Path) -> None:
    """The report at `path`: Markdown where it ends in .md, else HTML."""
    from rlops.report import render_html, render_markdown

    path.parent.mkdir(parents=True, exist_ok=True)
    text = render_markdown(verdict) if path.suffix == ".md" else render_html(verdict)
    path.write_text(text, encoding="utf-8")


def _print_answer(verdict: "Verdict", folder: Path, report_path: Path | None, *, as_json: bool) -> None:
    from rlops.report import render_terminal

    if as_json:
        click.echo(verdict.to_json())
    else:
        width = min(shutil.get_terminal_size((100, 24)).columns, MOST_COLUMNS)
        color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        click.echo(render_terminal(verdict, width=width, color=color), nl=False)
        click.echo(
            f"\nverdict  {shown(folder / 'verdict.json')}\nreport   {shown(report_path or folder / 'report.html')}"
            f"\ndata     sha256 {verdict.data_sha256}"
        )


def shown(path: Path) -> str:
    """The path as a user would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
