"""`rlops compare A B`: two run sets that exist."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rlops.cli.options import (
    json_option,
    offline_option,
    policy_option,
    publish,
    quiet_option,
    report_option,
    workspace_option,
)
from rlops.workspace import Workspace

if TYPE_CHECKING:
    from rlops.run_sets import Terms


@click.command("compare", short_help="Does run set B learn worse than run set A? Never trains.")
@click.argument("references", metavar="A B", nargs=-1, required=True)
@click.option("--benchmark", help="Judge by this benchmark's metric, budget, margins and policy.")
@policy_option
@click.option("--metric", help="The logged value that is judged. [default: charts/episodic_return]")
@click.option("--lower-is-better", is_flag=True, help="The metric is a cost.")
@click.option(
    "--budget", type=click.IntRange(min=100), help="Judge up to this step; default: the end both sides reach."
)
@offline_option
@report_option
@json_option
@quiet_option
@workspace_option
def command(
    references: tuple[str, ...],
    benchmark: str | None,
    policy_path: Path | None,
    metric: str | None,
    lower_is_better: bool,
    budget: int | None,
    report_path: Path | None,
    as_json: bool,
    quiet: bool,
    workspace: Workspace,
) -> None:
    """Judge run set B (the candidate) against run set A (the baseline).

    \b
    quick, baseline:quick                          baselines/quick.json
    wandb:ENTITY/PROJECT?tag=pr-12&exp_name=ppo    runs of a W&B project, filtered
    dir:PATH                                       rlops cells, wandb runs, other logs (docs/sources.md)
    file:PATH?algo=PPO&env_id=Hopper-v3            a long table, CSV or parquet
    git:REF                                        a version of this repository, trained here
    A..B                                           short for git:mergebase(A,B) git:B
    Every reference takes env_id=... and seed=0-9 as filters. The filters of Open RL Benchmark are understood, too:
    '?we=ENTITY&wpn=PROJECT&ceik=env_id&cen=exp_name&metric=...' 'ppo?tag=v1' 'ppo?tag=pr-12'.
    """
    from rlops.change import compare_versions
    from rlops.cli.progress import watching
    from rlops.curves import as_references, parse_reference
    from rlops.run_sets import compare_references

    a, b = _two(as_references(references))
    terms = terms_of(workspace, benchmark, policy_path, metric, lower_is_better=lower_is_better, budget=budget)
    before, after = parse_reference(a), parse_reference(b)
    if before.kind == "baseline":
        refuse_what_is_frozen(a, policy_path, given=bool(metric or lower_is_better or budget))
    with watching(quiet=quiet or as_json) as watchers:
        if before.kind == after.kind == "git":
            verdict = compare_versions(workspace, before, after, terms, watchers)
        else:
            verdict = compare_references(workspace, a, b, terms, watchers)
    publish(workspace, verdict, report_path, as_json=as_json)


def _two(references: tuple[str, ...]) -> tuple[str, str]:
    """Baseline and candidate: a range is both of them."""
    from rlops.curves import both_of_range

    ranges = [reference for reference in references if both_of_range(reference)]
    if len(references) == 1:
        both = both_of_range(references[0])
        if both is None:
            raise click.UsageError("Missing argument 'B': two run sets are compared, or a range of versions A..B")
        return both
    if ranges:
        raise click.UsageError(f"'{ranges[0]}' is both sides already; compare it alone, or name two run sets")
    if len(references) > 2:
        raise click.UsageError(f"two run sets are compared, not {len(references)}: {', '.join(references)}")
    return references[0], references[1]


def terms_of(
    workspace: Workspace,
    benchmark: str | None,
    policy_path: Path | None,
    metric: str | None = None,
    *,
    lower_is_better: bool = False,
    budget: int | None = None,
) -> "Terms":
    """A benchmark says everything; without one the options do. Both at once would leave open which one holds."""
    from rlops.plan import Metric, find_benchmark, read_benchmark, read_rules
    from rlops.run_sets import Terms

    if benchmark is not None:
        if metric or lower_is_better or budget:
            raise click.UsageError(
                "--metric, --lower-is-better and --budget are the benchmark's; leave them or --benchmark out"
            )
        terms = Terms.of(read_benchmark(find_benchmark(benchmark, workspace.root)))
    else:
        fields = {"name": metric} if metric else {}
        direction = {"direction": "lower-is-better"} if lower_is_better else {}
        terms = Terms(metric=Metric.model_validate({**fields, **direction}), budget=budget)
    if policy_path is not None:
        rules = read_rules(policy_path)
        terms = replace(terms, **{name: getattr(rules, name) for name in rules.model_fields_set})
    return terms


def refuse_what_is_frozen(name: str, policy_path: Path | None, *, given: bool = False) -> None:
    """A stored baseline holds its metric, budgets and margins; an option that says otherwise would have no effect."""
    from rlops.plan import read_rules

    if given:
        raise click.UsageError(
            f"metric, direction and budget are those of the baseline '{name}'; "
            "leave --metric, --lower-is-better and --budget out"
        )
    if policy_path is not None and "margins" in read_rules(policy_path).model_fields_set:
        raise click.UsageError(
            f"{policy_path}: [margins]: those of the baseline '{name}' were frozen when it was saved; leave them out"
        )
