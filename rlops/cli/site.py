"""`rlops site`: what the stored verdicts say, as pages that need no server."""

from pathlib import Path

import click

from rlops.cli.options import quiet_option, say, shown, workspace_option
from rlops.workspace import Workspace


@click.group("site", short_help="A static site from stored verdicts.")
def command() -> None:
    """A static site from stored verdicts: plain files, no server, no JavaScript."""


@command.command("build")
@click.argument("verdicts", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--history",
    default="history",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the history: a small JSON file a verdict, which belongs in git.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the site, which does not. [default: site in the store]",
)
@click.option(
    "--pinned",
    multiple=True,
    metavar="NAME",
    help="Judge the newest stored run set of the benchmark against this baseline, too; once a benchmark.",
)
@click.option("--title", default="Benchmarks", show_default=True, help="What the site is called.")
@quiet_option
@workspace_option
def build(
    verdicts: tuple[Path, ...],
    history: Path,
    output: Path | None,
    pinned: tuple[str, ...],
    title: str,
    quiet: bool,
    workspace: Workspace,
) -> None:
    """Bring VERDICTS into the history, and make the site of all of it.

    VERDICTS are verdict.json files, or folders with any below them; default: those of the store. Each that the history
    does not know gets a file there. The pages show the whole history, the reports of VERDICTS, and the stored
    baselines compared with each other. The same input gives the same bytes. Exits with 0 whatever the verdicts are.
    """
    from rlops.cli.progress import watching
    from rlops.site import Wanted, build_site, find_verdicts

    places = verdicts or ((workspace.verdicts,) if workspace.verdicts.is_dir() else ())
    folder = output or workspace.store / "site"
    if output is None:
        workspace.prepare()
    wanted = Wanted(find_verdicts(places), history, folder, pinned, title)
    with watching(quiet=quiet) as watchers:
        built = build_site(workspace, wanted, watchers)
    for why in built.skipped:
        say(f"skipped  {why}")
    say(f"history  {shown(history.resolve())}: {built.entries} verdicts, {len(built.added)} new", quiet=quiet)
    say(f"site     {shown((folder / 'index.html').resolve())}: {built.files} files", quiet=quiet)
