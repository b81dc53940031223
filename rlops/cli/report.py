"""`rlops report`: a stored verdict again, or the results of run sets without one."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rlops.cli.options import (
    MOST_COLUMNS,
    json_option,
    offline_option,
    quiet_option,
    say,
    shown,
    workspace_option,
    write_report,
)
from rlops.workspace import Workspace

if TYPE_CHECKING:
    from rlops.judge import Results
    from rlops.run_sets import Terms

FORMATS = ("svg", "png", "pdf")


@click.command("report", short_help="Render a stored verdict again, or publish the results of run sets.")
@click.argument("what", metavar="[VERDICT | RUN_SET...]", nargs=-1)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where; Markdown where it ends in .md, JUnit XML (of a verdict) in .xml, the record (of results) in .json, "
    "else HTML; default: report.html beside verdict.json, for results the store.",
)
@click.option("--label", "labels", multiple=True, help="What a run set is called; once for each, in order.")
@click.option(
    "--figures", type=click.Path(file_okay=False, path_type=Path), help="Write the figures into this folder, too."
)
@click.option("--format", "file_format", type=click.Choice(FORMATS), help="Of the figures. [default: svg]")
@click.option("--benchmark", help="Measure by this benchmark's metric and budget.")
@click.option("--metric", help="The logged value that is published. [default: charts/episodic_return]")
@click.option("--lower-is-better", is_flag=True, help="The metric is a cost.")
@click.option(
    "--budget", type=click.IntRange(min=100), help="Measure up to this step; default: the end all run sets reach."
)
@offline_option
@json_option
@quiet_option
@workspace_option
def command(
    what: tuple[str, ...],
    output: Path | None,
    labels: tuple[str, ...],
    figures: Path | None,
    file_format: str | None,
    benchmark: str | None,
    metric: str | None,
    lower_is_better: bool,
    budget: int | None,
    as_json: bool,
    quiet: bool,
    workspace: Workspace,
) -> None:
    """Render VERDICT (a verdict.json or its folder; default: the latest) as HTML, or as Markdown. Exits with 0.

    Or publish what RUN_SETs achieved, without a verdict: scores with intervals, learning curves, numbers for all
    environments on the scale of the first one, provenance. They are named as in `rlops compare`; several algorithms or
    versions stand side by side.
    """
    from rlops.cli.compare import refuse_what_is_frozen, terms_of

    if file_format and not figures:
        raise click.UsageError("--format is of the figures: say where to write them with --figures")
    measured_otherwise = bool(metric or lower_is_better or budget)
    if _is_verdict(what):
        if labels or figures or benchmark or measured_otherwise:
            raise click.UsageError("only --output goes with a verdict; the other options are of run sets: name some")
        _render_verdict(Path(what[0]) if what else workspace.latest_verdict(), output, as_json=as_json)
        return
    references = _references(what)
    frozen = [text for text in references if _is_baseline(text)]
    if frozen:
        refuse_what_is_frozen(frozen[0], None, given=measured_otherwise)
    terms = terms_of(workspace, benchmark, None, metric, lower_is_better=lower_is_better, budget=budget)
    record = _results(workspace, references, labels, terms, quiet=quiet or as_json)
    pictures = _figures(record, figures, file_format or "svg")
    path = _write(workspace, record, output, pictures)
    if as_json:
        click.echo(record.to_json())
    else:
        _print_answer(record, path, pictures)


def _is_verdict(what: tuple[str, ...]) -> bool:
    """A path that cannot be a run set, or a folder with a verdict in it. A bare word is a baseline."""
    if len(what) != 1:
        return not what
    (text,) = what
    path = Path(text)
    if ":" in text or text.startswith("?"):
        return False
    return path.is_file() or (path / "verdict.json").is_file() or path.suffix == ".json"


def _render_verdict(path: Path, output: Path | None, *, as_json: bool) -> None:
    from rlops.judge import read_verdict

    path = path / "verdict.json" if path.is_dir() else path
    record = read_verdict(path)
    target = output or path.with_name("report.html")
    write_report(record, target)
    if as_json:
        click.echo(record.to_json())
    say(f"{record.sentence}\nreport   {shown(target.resolve())}")


def _references(what: tuple[str, ...]) -> list[str]:
    """The run sets as they are named elsewhere, too: a range is both of its versions."""
    from rlops.curves import as_references, both_of_range

    return [one for text in as_references(what) for one in both_of_range(text) or (text,)]


def _is_baseline(text: str) -> bool:
    from rlops.curves import parse_reference

    return parse_reference(text).kind == "baseline"


def _results(
    workspace: Workspace, references: list[str], labels: tuple[str, ...], terms: "Terms", *, quiet: bool
) -> "Results":
    from rlops.cli.progress import watching
    from rlops.results import publish_references

    with watching(quiet=quiet) as watchers:
        return publish_references(workspace, references, labels, terms, watchers).without_secrets()


def _figures(record: "Results", folder: Path | None, file_format: str) -> dict[str, Path]:
    """Name -> file of what was drawn."""
    from rlops.report import results as publishing

    return publishing.write_figures(record, folder, file_format) if folder else {}


def _write(workspace: Workspace, record: "Results", output: Path | None, pictures: Mapping[str, Path]) -> Path:
    """The record and its pages into the store, one of them where it was asked for; the path to tell."""
    from rlops.files import write_whole
    from rlops.report import results as publishing
    from rlops.results import write_results

    html = publishing.render_results_html(record)
    folder = write_results(
        workspace, record, {"results.html": html, "results.md": publishing.render_results_markdown(record)}
    )
    if output is None:
        return folder / "results.html"
    if output.suffix == ".md":
        here = output.resolve().parent
        addresses = [(name, os.path.relpath(path.resolve(), here)) for name, path in pictures.items()]
        write_whole(output, publishing.render_results_markdown(record, addresses))
    else:
        write_whole(output, record.to_json() if output.suffix == ".json" else html)
    return output.resolve()


def _print_answer(record: "Results", path: Path, pictures: Mapping[str, Path]) -> None:
    from rlops.report import results as publishing

    width = min(shutil.get_terminal_size((100, 24)).columns, MOST_COLUMNS)
    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    click.echo(publishing.render_results_terminal(record, width=width, color=color))
    for picture in pictures.values():
        click.echo(f"figure   {shown(picture.resolve())}")
    click.echo(f"results  {shown(path)}\ndata     sha256 {record.data_sha256}")
