"""`rlops gate`: the verb for CI."""

import math
import time
from pathlib import Path

import click

from rlops.cli.options import executor_option, json_option, publish, quiet_option, report_option, workspace_option
from rlops.workspace import Workspace


@click.command("gate", short_help="Train the checkout and judge it against a baseline: the verb for CI.")
@click.argument("benchmark")
@click.option(
    "--base",
    metavar="REF",
    help="Judge against the merge base with this branch, by the benchmark file and the baseline that stand there.",
)
@click.option("--baseline", help="The baseline's name; default: the benchmark file's.")
@click.option("--seeds", help="Candidate seeds, like 101-110; default: the benchmark's.")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="Time limit of the whole gate; what it has not settled by then is inconclusive, the same command goes on.",
)
@executor_option
@report_option
@json_option
@quiet_option
@workspace_option
def command(
    benchmark: str,
    base: str | None,
    baseline: str | None,
    seeds: str | None,
    minutes: float | None,
    executor: str,
    report_path: Path | None,
    as_json: bool,
    quiet: bool,
    workspace: Workspace,
) -> None:
    """Train the checkout's candidate seeds on BENCHMARK and judge their learning curves.

    Against a stored baseline; with --base against the version that the branch started from: that is trained as well
    (what is not known yet), unless the stored baseline was made of it. Equal code is identical at once, and bit-equal
    curves of two seeds are, too. The plan is fixed before anything is trained: seeds are added look by look where it
    is undecided, and a regression is asked again with fresh baseline seeds. Known cells are not trained again.
    """
    from rlops.cli.progress import watching
    from rlops.gate import gate, gate_change
    from rlops.plan import find_benchmark, parse_seeds, read_benchmark
    from rlops.training import Launching

    until = math.inf if minutes is None else time.monotonic() + 60 * minutes
    wanted = parse_seeds(seeds, "--seeds") if seeds else None
    launching = Launching(executor, until)
    with watching(quiet=quiet) as watchers:
        if base is not None:
            verdict = gate_change(workspace, benchmark, base, baseline, wanted, watchers, launching)
        else:
            definition = read_benchmark(find_benchmark(benchmark, workspace.root))
            name = baseline or definition.baseline or definition.name
            verdict = gate(workspace, definition, name, wanted or definition.seeds.candidate, watchers, launching)
    publish(workspace, verdict, report_path, as_json=as_json)
