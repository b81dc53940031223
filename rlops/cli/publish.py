"""`rlops publish`: a stored verdict to where people look."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rlops.cli.options import say, shown, workspace_option
from rlops.workspace import Workspace

if TYPE_CHECKING:
    from rlops.judge import Verdict


@click.group("publish", short_help="Post a stored verdict where people look.")
def command() -> None:
    """Post a stored verdict where people look: on the pull request, among the runs of W&B, in a README."""


@command.command("github")
@click.argument("verdict", required=False, type=click.Path(path_type=Path))
@click.option(
    "--from-run",
    metavar="BENCHMARK",
    help="Take the verdict from the artifact rlops-BENCHMARK of the workflow run that this job follows, or of its own.",
)
@click.option("--no-comment", is_flag=True, help="Write the job's summary and annotations only.")
@workspace_option
def github(verdict: Path | None, from_run: str | None, no_comment: bool, workspace: Workspace) -> None:
    """Post VERDICT (a verdict.json or its folder; default: the latest) from a job of GitHub Actions.

    One comment per benchmark on the pull request of the event, kept up to date; none is begun where there is nothing
    to say. The same text goes to the job's summary, and annotations to stdout. Reads GITHUB_TOKEN and what GitHub sets.
    Exits with 0 when the verdict could be read: what cannot be posted is a warning.
    """
    from rlops.errors import UsageError
    from rlops.report import annotations, render_markdown, something_to_say
    from rlops.report import github as posting

    if verdict is not None and from_run is not None:
        raise UsageError("--from-run says where the verdict is; leave it or VERDICT out")
    record = _verdict_of_run(from_run) if from_run is not None else _read(verdict or workspace.latest_verdict())
    for line in annotations(record):
        click.echo(line)
    try:
        posting.append_summary(os.environ, render_markdown(record, longest=posting.LONGEST_SUMMARY))
    except posting.GitHubError as error:
        say(f"warning: {error}")
    if no_comment:
        return
    try:
        markdown = render_markdown(record, longest=posting.LONGEST_COMMENT)
        say(posting.post_comment(os.environ, markdown, new=something_to_say(record)))
    except posting.GitHubError as error:
        say(f"warning: the comment is not posted: {error}")


@command.command("badge")
@click.argument("verdict", required=False, type=click.Path(path_type=Path))
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where: PATH.svg is the picture, PATH.json an endpoint of shields.io.",
)
@workspace_option
def badge(verdict: Path | None, output: Path, workspace: Workspace) -> None:
    """Write the badge of VERDICT (a verdict.json or its folder; default: the latest): a picture for a README."""
    from rlops.errors import UsageError
    from rlops.files import write_whole
    from rlops.report import badge_json, badge_svg

    if output.suffix not in {".svg", ".json"}:
        raise UsageError(f"--output {output}: a badge is a picture (.svg) or an endpoint of shields.io (.json)")
    record = _read(verdict or workspace.latest_verdict())
    render = badge_svg if output.suffix == ".svg" else badge_json
    write_whole(output, render(f"rlops {record.benchmark or ''}".strip(), record.verdict))
    say(f"badge    {shown(output.resolve())}: {record.verdict.value}")


@command.command("wandb")
@click.argument("verdict", required=False, type=click.Path(path_type=Path))
@click.option("--baseline", metavar="NAME", help="Publish this baseline as an artifact instead of a verdict.")
@click.option("--alias", "aliases", multiple=True, help="An alias of the artifact beside `latest`; once or more.")
@click.option("--project", help="The W&B project. [default: the client's own setting, WANDB_PROJECT]")
@click.option("--entity", help="Whose. [default: the client's own setting, WANDB_ENTITY]")
@workspace_option
def wandb(
    verdict: Path | None,
    baseline: str | None,
    aliases: tuple[str, ...],
    project: str | None,
    entity: str | None,
    workspace: Workspace,
) -> None:
    """Make a run in Weights & Biases of VERDICT (a verdict.json or its folder; default: the latest).

    The run has the verdict in its summary, a table with a row an environment, the HTML report and verdict.json. With
    WANDB_MODE=offline it is written to ./wandb (WANDB_DIR), and `wandb sync` uploads it.
    """
    from rlops.curves import read_baseline
    from rlops.errors import UsageError
    from rlops.report import weights_and_biases as posting

    where = posting.Project(project, entity)
    if baseline is not None:
        if verdict is not None:
            raise UsageError("--baseline publishes a baseline; leave it or VERDICT out")
        read_baseline(baseline, workspace.baselines)  # what cannot be read is not worth publishing
        say(posting.publish_baseline(baseline, workspace.baselines / f"{baseline}.json", aliases, where))
        return
    if aliases:
        raise UsageError("--alias names versions of an artifact; it goes with --baseline")
    path = verdict or workspace.latest_verdict()
    file = path / "verdict.json" if path.is_dir() else path
    record = _read(file)
    say(posting.publish_verdict(record, _report_beside(file, record), file, where))


def _report_beside(file: Path, record: "Verdict") -> Path:
    """The report beside a verdict.json, rendered where there is none."""
    from rlops.files import write_whole
    from rlops.report import render_html

    report = file.with_name("report.html")
    if not report.is_file():
        write_whole(report, render_html(record))
    return report


def _read(path: Path) -> "Verdict":
    from rlops.judge import read_verdict

    return read_verdict(path / "verdict.json" if path.is_dir() else path)


def _verdict_of_run(benchmark: str) -> "Verdict":
    """Whoever wrote the artifact may not choose which benchmark's comment it changes."""
    from rlops.errors import UsageError
    from rlops.report import github as posting

    content = posting.verdict_of_run(os.environ, f"rlops-{benchmark}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "verdict.json"
        path.write_bytes(content)
        record = _read(path)
    if record.benchmark != benchmark:
        raise UsageError(f"the artifact rlops-{benchmark} holds a verdict on another benchmark ('{record.benchmark}')")
    return record
