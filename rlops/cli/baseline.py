"""`rlops baseline`: frozen run sets."""

import json
import re
from typing import TYPE_CHECKING

import click

from rlops.cli.options import executor_option, json_option, offline_option, quiet_option, say, shown, workspace_option
from rlops.workspace import Workspace

if TYPE_CHECKING:
    from datetime import datetime

    from rlops.curves import Baseline
    from rlops.plan import Benchmark

NOT_SAVED = "nothing was saved: a baseline without the seeds that failed would be a choice;"


@click.group("baseline", short_help="Freeze a run set, list and show frozen ones.")
def command() -> None:
    """Frozen, named run sets in baselines/: small JSON files that belong in git."""


@command.command("save")
@click.argument("name")
@click.argument("run_set", required=False)
@click.option("--benchmark", help="The benchmark it belongs to; default: the one called NAME.")
@click.option("--seeds", help="Seeds to train where RUN_SET is not given; default: the benchmark's baseline seeds.")
@executor_option
@offline_option
@click.option("--leave-out-failed", is_flag=True, help="Save without the runs of RUN_SET that failed or broke off.")
@quiet_option
@workspace_option
def save(
    name: str,
    run_set: str | None,
    benchmark: str | None,
    seeds: str | None,
    executor: str,
    leave_out_failed: bool,
    quiet: bool,
    workspace: Workspace,
) -> None:
    """Freeze RUN_SET as baselines/NAME.json; without RUN_SET the checkout is trained (what is not known yet).

    Writes scores, curves on 100 points, scale, spread and margin of every environment. Never save again after an alarm
    without all the old seeds: a baseline that is chosen is not a baseline.
    """
    from rlops.cli.progress import watching
    from rlops.curves import parse_reference, write_baseline
    from rlops.errors import RunsFailedError, UsageError
    from rlops.launch import random_scores
    from rlops.plan import checkout, expand, find_benchmark, parse_seeds, read_benchmark
    from rlops.run_sets import Terms, freeze_baseline, load_run_set, trained_runs
    from rlops.training import Launching, train

    if not re.fullmatch(r"[\w.-]+", name):
        raise UsageError(f"'{name}' is no name for a baseline; use letters, digits, '.', '_' and '-'")
    definition = read_benchmark(find_benchmark(benchmark or name, workspace.root))
    terms = Terms.of(definition)
    grid = None
    with watching(quiet=quiet) as watchers:
        if run_set is not None:
            runs = load_run_set(workspace, parse_reference(run_set), terms, watchers, "baseline")
        else:
            wanted = parse_seeds(seeds, "--seeds") if seeds else definition.seeds.baseline
            grid = expand(definition, checkout(workspace.root, definition), wanted)
            board = train(workspace, [grid], watchers, Launching(executor))
            if board.failures:
                raise RunsFailedError(f"{NOT_SAVED} mend them and run the same command with --force on `rlops run`")
            runs = trained_runs(workspace, grid, watchers)
    record = freeze_baseline(name, runs, terms, random_scores, grid)
    if _gaps(record, definition) and not leave_out_failed:
        raise RunsFailedError(
            f"{NOT_SAVED}\n" + "\n".join(_gaps(record, definition)) + "\n--leave-out-failed saves the rest"
        )
    replaced = _replaced(name, workspace)
    path = write_baseline(record, workspace.baselines)
    say(_table(record))
    say(f"written: {shown(path)}{replaced}; commit it")


@command.command("accept")
@click.argument("name")
@click.argument("run_set")
@click.option(
    "--env-id", "env_ids", multiple=True, required=True, help="An environment that is accepted; once or more."
)
@click.option("--reason", required=True, help="Why the loss is worth it; shown in every report until it lapses.")
@click.option("--author", required=True, help="Who has decided it.")
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The last day it holds, like 2027-03-31."
)
@click.option("--benchmark", help="The benchmark it belongs to; default: the one called NAME.")
@offline_option
@quiet_option
@workspace_option
def accept(
    name: str,
    run_set: str,
    env_ids: tuple[str, ...],
    reason: str,
    author: str,
    until: "datetime",
    benchmark: str | None,
    quiet: bool,
    workspace: Workspace,
) -> None:
    """Live with a regression: compare with RUN_SET in these environments, until a day.

    Writes its runs into baselines/NAME.json beside the old ones, with reason, author and the day it lapses: then the
    old runs count again. Every report says so meanwhile.
    """
    from rlops.cli.progress import watching
    from rlops.curves import parse_reference, read_baseline, write_baseline
    from rlops.errors import UsageError
    from rlops.plan import find_benchmark, read_benchmark
    from rlops.run_sets import Terms, freeze_baseline, load_run_set, today

    terms = Terms.of(read_benchmark(find_benchmark(benchmark or name, workspace.root)))
    stored, day = read_baseline(name, workspace.baselines), today()
    if until.date() <= day:
        raise UsageError(f"--until {until.date()}: lies in the past; name a day to come")
    with watching(quiet=quiet) as watchers:
        runs = load_run_set(workspace, parse_reference(run_set), terms, watchers, "candidate")
    new = freeze_baseline(run_set, runs, terms, lambda _: {})
    record = stored.accept(new, env_ids, reason, author, day, until.date())
    path = write_baseline(record, workspace.baselines)
    say(_table(record.in_force(day)))
    say(f"written: {shown(path)}; commit it")


@command.command("show")
@click.argument("name")
@json_option
@workspace_option
def show(name: str, as_json: bool, workspace: Workspace) -> None:
    """Print what baselines/NAME.json holds."""
    from rlops.curves import read_baseline

    record = read_baseline(name, workspace.baselines)
    click.echo(record.model_dump_json(by_alias=True, indent=1) if as_json else _table(record))


@command.command("list")
@json_option
@workspace_option
def list_(as_json: bool, workspace: Workspace) -> None:
    """Print the names of all baselines."""
    names = sorted(path.stem for path in workspace.baselines.glob("*.json"))
    click.echo(json.dumps(names) if as_json else "\n".join(names) or "no baseline yet; `rlops baseline save` makes one")


def _replaced(name: str, workspace: Workspace) -> str:
    """What a baseline of this name held until now: who saves one again after an alarm is to see what goes."""
    from rlops.curves import read_baseline
    from rlops.errors import RlopsError

    try:
        before = read_baseline(name, workspace.baselines)
    except RlopsError:
        return ""
    gone = [f"{sum(len(item.runs) for item in before.environments)} runs"]
    if before.accepted:
        names = ", ".join(item.environment.env_id for item in before.accepted)
        gone.append(f"the accepted regression of {names}")
    if before.calibrated:
        gone.append("the calibration")
    return f" (replaces {' and '.join(gone)}, which are in git's history if they were committed)"


def _gaps(record: "Baseline", definition: "Benchmark") -> list[str]:
    """What the baseline lacks: runs that failed or broke off, environments without enough of them."""
    kept = {item.env_id for item in record.environments}
    missing = [f"{env_id}: fewer than two sound runs" for env_id in definition.environments if env_id not in kept]
    return [*missing, *_left_out(record)]


def _left_out(record: "Baseline") -> list[str]:
    return [
        f"left out: {item.env_id} seed {run.seed}: {run.why}" for item in record.environments for run in item.left_out
    ]


def _table(record: "Baseline") -> str:
    """The yardsticks, a line an environment."""
    header = (
        f"{'environment':24} {'seeds':>6} {'mean':>10} {'spread':>9} {'random':>10} {'margin':>9} {'= of scale':>11}"
    )
    sign = 1.0 if record.direction == "higher-is-better" else -1.0
    lines = [
        f"{item.env_id:24} {len(item.runs):6} {sign * item.mean:10.4g} {item.spread:9.3g} "
        f"{sign * item.random_score:10.4g} {item.margin:9.3g} {_share(item.margin, item.scale):>11}"
        for item in record.environments
    ]
    title = f"{record.name}: {record.metric}, {record.direction}; suite margin {record.suite_margin:.1%} of the scale"
    accepted = [
        f"accepted: {item.environment.env_id} until {item.until} by {item.author}: {item.reason}"
        for item in record.accepted
    ]
    return "\n".join([title, header, *lines, *_left_out(record), *accepted])


def _share(margin: float, scale: float) -> str:
    return f"{margin / scale:.1%}" if scale > 0 else "-"
