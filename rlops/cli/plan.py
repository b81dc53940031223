"""`rlops plan`: what a gate would do and what it can show."""

import json
from textwrap import fill
from typing import TYPE_CHECKING, Any

import click

from rlops.cli.options import json_option, workspace_option
from rlops.workspace import Workspace

if TYPE_CHECKING:
    from rlops.judge import EnvironmentLook, EnvironmentOutlook
    from rlops.preview import LookCost, Preview

SCHEMA = 1
WIDTH = 100


@click.command("plan", short_help="Say what a gate would train and what it can show; spends nothing.")
@click.argument("benchmark")
@click.option("--baseline", help="The baseline's name; default: the benchmark file's.")
@click.option("--seeds", help="Candidate seeds, like 101-110; default: the benchmark's.")
@click.option(
    "--effect",
    type=float,
    metavar="PERCENT",
    help="The loss to be found, in percent of the scale; default: each environment's margin.",
)
@json_option
@workspace_option
def command(
    benchmark: str,
    baseline: str | None,
    seeds: str | None,
    effect: float | None,
    as_json: bool,
    workspace: Workspace,
) -> None:
    """Say what `rlops gate BENCHMARK` would do with the checkout, and what its looks can show and what not.

    Cells and minutes of each look, the smallest loss that is found in each environment, the candidate seeds that a
    given loss takes, the error rates. Trains nothing. Exits with 5 where there is no baseline, else with 0.
    """
    from rlops.plan import find_benchmark, parse_seeds, read_benchmark
    from rlops.preview import preview

    if effect is not None and not 0 < effect < float("inf"):
        raise click.UsageError(f"--effect {effect:g}: a loss is a positive share of the scale, like 20 for 20 %")
    definition = read_benchmark(find_benchmark(benchmark, workspace.root))
    name = baseline or definition.baseline or definition.name
    wanted = parse_seeds(seeds, "--seeds") if seeds else definition.seeds.candidate
    share = None if effect is None else effect / 100
    found = preview(workspace, definition, name, wanted, share)
    click.echo(json.dumps(_record(found), indent=1) if as_json else _text(found))


def _record(found: "Preview") -> dict[str, Any]:
    """What --json prints; docs/commands.md explains every key."""
    ahead = found.outlook
    return {
        "schema": SCHEMA,
        "benchmark": found.benchmark,
        "baseline": found.baseline,
        "version": found.version,
        "seeds": found.seeds,
        "processes": found.processes,
        "alpha": ahead.alpha,
        "beta": ahead.beta,
        "strict": ahead.strict,
        "level_named": ahead.level_named,
        "level_together": ahead.level_together,
        "stored_seeds_needed": ahead.stored_seeds,
        "confirming_seeds": found.confirming,
        "looks": [
            {
                "seeds": cost.seeds,
                "cells": cost.cells,
                "known": cost.known,
                "to_train": cost.to_train,
                "minutes": cost.minutes,
                "elapsed_minutes": cost.elapsed,
                "nameable": look.nameable,
                "together": look.together,
                "may_pass": look.may_pass,
            }
            for cost, look in zip(found.costs, ahead.looks, strict=True)
        ],
        "environments": [
            {
                "env_id": item.env_id,
                "n_baseline": item.n_baseline,
                "scale": item.scale,
                "spread": item.spread,
                "informative": item.informative,
                "margin": item.margin,
                "minutes": found.minutes[item.env_id],
                "named_from": item.named_from,
                "effect": item.effect,
                "seeds_needed": item.seeds_needed,
                "looks": [
                    {
                        "seeds": look.seeds,
                        "nameable": look.nameable,
                        "may_pass": look.may_pass,
                        "detectable": look.detectable,
                    }
                    for look in item.looks
                ],
            }
            for item in ahead.environments
        ],
        "findings": [finding.model_dump(mode="json") for finding in found.beforehand],
        "failures": found.failures,
        "sentences": ahead.sentences(),
    }


def _text(found: "Preview") -> str:
    """The looks, the environments, a line each, and what they amount to in words."""
    from rlops.plan import format_seeds
    from rlops.strangers import clean

    at_once = f"{found.processes} process{'es' if found.processes > 1 else ''} at once"
    title = (
        f"{found.benchmark}: the checkout ({found.version}), seeds {format_seeds(found.seeds)}, against the baseline "
        f"'{found.baseline}'; {at_once} on this machine"
    )
    lines = [fill(title, width=WIDTH), "", *_looks(found), "", *_environments(found), "", *map(_bullet, _words(found))]
    return clean("\n".join(lines))


def _looks(found: "Preview") -> list[str]:
    header = (
        f"{'look':>5} {'seeds':>6} {'cells':>6} {'known':>6} {'to train':>9} {'minutes':>9} {'elapsed':>9}"
        f" {'names one':>11} {'all worse':>10} {'pass':>5}"
    )
    m = len(found.outlook.environments)
    rows = [
        f"{number:5} {cost.seeds:6} {_cells(cost)} {f'in {look.nameable} of {m}':>11} "
        f"{_yes(look.together):>10} {_yes(look.may_pass):>5}"
        for number, (cost, look) in enumerate(zip(found.costs, found.outlook.looks, strict=True), start=1)
    ]
    if len(found.costs) > 1:
        rows.append(f"{'sum':>5} {'':6} {_cells(_total(found.costs))}")
    return [header, *rows]


def _total(costs: tuple["LookCost", ...]) -> "LookCost":
    from rlops.preview import total

    return total(costs)


def _cells(cost: "LookCost") -> str:
    return (
        f"{cost.cells:6} {cost.known:6} {cost.to_train:9} {_minutes(cost.minutes, cost):>9} "
        f"{_minutes(cost.elapsed, cost):>9}"
    )


def _minutes(value: float | None, cost: "LookCost") -> str:
    if value is None:
        return "unknown"
    return f"{value:,.1f}" if value >= 0.1 or not cost.to_train else "< 0.1"


def _environments(found: "Preview") -> list[str]:
    """A line each: yardsticks, then the smallest loss that each look names, in percent of the scale."""
    ahead = found.outlook
    asked = any(item.effect != item.margin for item in ahead.environments)
    loss = "asked about" if asked else "here the margin"
    places = [f"{f'at {look.seeds}':>7}" for look in ahead.looks]
    header = (
        f"{'environment':24} {'stored':>6} {'scale':>9} {'spread':>9} {'margin':>8} {'loss':>8} {'takes':>6} "
        f"{' '.join(places)}"
    )
    rows = [
        f"{item.env_id:24} {item.n_baseline:6} {item.scale:9.4g} {item.spread:9.3g} {_share(item.margin):>8} "
        f"{_share(item.effect):>8} {_takes(item):>6} {' '.join(f'{_found(look):>7}' for look in item.looks)}"
        for item in ahead.environments
    ]
    legend = (
        f"takes: candidate seeds that name the loss ({loss}) with 80 % power; at N: the smallest loss of the score, as "
        "a share of the scale, that N candidate seeds name with 80 % power"
    )
    return [header, *rows, fill(legend, width=WIDTH)]


def _takes(item: "EnvironmentOutlook") -> str:
    from rlops.judge import MOST_SEEDS

    if item.effect is None:
        return "–"
    return f"> {MOST_SEEDS}" if item.seeds_needed is None else str(item.seeds_needed)


def _found(look: "EnvironmentLook") -> str:
    if not look.nameable:
        return "none"
    return _share(look.detectable)


def _words(found: "Preview") -> list[str]:
    """What the gate would meet before it trains, then what it can show."""
    said = [f"Finding ({finding.severity}): {finding.detail}." for finding in found.beforehand]
    said += [f"A known cell has failed: {failure}." for failure in found.failures]
    said += found.outlook.sentences()
    if found.confirming:
        said.insert(
            -1,
            f"Before regressed is said, {found.confirming} fresh baseline seeds of each environment that is named are "
            "trained as well; they are not counted above.",
        )
    uninformative = [item.env_id for item in found.outlook.environments if not item.informative]
    if uninformative:
        said.insert(-1, f"The baseline learns too little in {', '.join(uninformative)}: the suite leaves it out.")
    return said


def _bullet(sentence: str) -> str:
    return fill(f"- {sentence}", width=WIDTH, subsequent_indent="  ")


def _yes(possible: bool) -> str:
    return "yes" if possible else "no"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
