"""`rlops gate`: the verb for CI."""

from pathlib import Path

import click

from rlops.cli.options import json_option, publish, quiet_option, report_option, workspace_option
from rlops.workspace import Workspace


@click.command("gate", short_help="Train the checkout and judge it against a baseline: the verb for CI.")
@click.argument("benchmark")
@click.option("--baseline", help="The baseline's name; default: the benchmark file's.")
@click.option("--seeds", help="Candidate seeds, like 101-110; default: the benchmark's.")
@report_option
@json_option
@quiet_option
@workspace_option
def command(
    benchmark: str,
    baseline: str | None,
    seeds: str | None,
    report_path: Path | None,
    as_json: bool,
    quiet: bool,
    workspace: Workspace,
) -> None:
    """Train the checkout's candidate seeds on BENCHMARK and judge their learning curves against a stored baseline.

    The plan (margins, levels, seeds) is fixed before anything is trained. Cells that are done are not trained again.
    """
    from rlops.cli.progress import watching
    from rlops.gate import gate
    from rlops.plan import find_benchmark, parse_seeds, read_benchmark

    definition = read_benchmark(find_benchmark(benchmark, workspace.root))
    wanted = parse_seeds(seeds, "--seeds") if seeds else definition.seeds.candidate
    name = baseline or definition.baseline or definition.name
    with watching(quiet=quiet) as watchers:
        verdict = gate(workspace, definition, name, wanted, watchers)
    publish(workspace, verdict, report_path, as_json=as_json)
