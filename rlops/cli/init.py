"""`rlops init`: the files to begin with."""

import click

from rlops.cli.options import say, shown, workspace_option
from rlops.workspace import Workspace


@click.command("init", short_help="Write a benchmark file and a CI workflow for this repository; overwrite nothing.")
@click.option("--name", help="The benchmark's name; default: the training script's.")
@click.option("--script", metavar="PATH", help="The training script; default: what looks most like one.")
@click.option(
    "--command",
    "training",
    metavar="COMMAND",
    help="The training command, with {env_id}, {seed} and {budget}; nothing is searched for then.",
)
@click.option("--env-id", "env_ids", multiple=True, help="An environment to train; may be given more than once.")
@click.option("--budget", type=click.IntRange(min=100), help="Steps of one training.")
@click.option("--no-workflow", is_flag=True, help="Write no .github/workflows/rlops.yml.")
@workspace_option
def command(
    name: str | None,
    script: str | None,
    training: str | None,
    env_ids: tuple[str, ...],
    budget: int | None,
    no_workflow: bool,
    workspace: Workspace,
) -> None:
    """Write benchmarks/NAME.toml, .github/workflows/rlops.yml and a line in .gitignore.

    The training command is looked for in the Python files of this folder, which are read and not run: a script with
    options for the environment and the seed. Every line that was guessed says so. What exists is left as it is.
    """
    from rlops.init import Wishes, initialise

    wishes = Wishes(name, script, training, env_ids, budget, workflow=not no_workflow)
    outcome = initialise(workspace, wishes)
    for path in outcome.written:
        click.echo(f"written  {shown(path)}")
    for what in outcome.left:
        click.echo(f"left     {what}")
    if not outcome.written:
        click.echo("nothing to write")
    click.echo(f"next     rlops doctor\n         rlops baseline save {outcome.benchmark}")
    for hint in outcome.hints:
        say(hint)
