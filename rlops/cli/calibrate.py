"""`rlops calibrate`: A/A splits of stored runs."""

import json
import sys
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import click

from rlops.cli.compare import refuse_what_is_frozen, terms_of
from rlops.cli.options import json_option, offline_option, policy_option, quiet_option, say, shown, workspace_option
from rlops.workspace import Workspace

if TYPE_CHECKING:
    from rlops.judge import Calibration, Share

SCHEMA = 1
WIDTH = 100


@click.command(
    "calibrate", short_help="How often is this gate wrong on runs that do not differ, how often does it pass?"
)
@click.argument("run_set")
@click.option("--benchmark", help="Judge by this benchmark's metric, budget, margins and policy.")
@policy_option
@click.option("--splits", type=click.IntRange(min=1), default=1000, show_default=True, help="How many to judge.")
@click.option(
    "--candidate-seeds", type=click.IntRange(min=2), help="Runs a split takes as the candidate's. [default: half]"
)
@click.option("--save", is_flag=True, help="Write the rates into the baseline's file: reports tell them from then on.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the random splits.")
@offline_option
@json_option
@quiet_option
@workspace_option
def command(
    run_set: str,
    benchmark: str | None,
    policy_path: Path | None,
    splits: int,
    candidate_seeds: int | None,
    save: bool,
    seed: int,
    as_json: bool,
    quiet: bool,
    workspace: Workspace,
) -> None:
    """Split the runs of RUN_SET at random into a baseline and a candidate, and judge each split as a gate would.

    Nothing differs between the parts: every `regressed` is a false alarm, every other word but a pass is a question
    that the gate could not close. RUN_SET is a run set as in `rlops compare --help`; a baseline keeps its metric,
    budgets and rule of margins. Trains nothing; exits with 0 whatever the rates are.
    """
    from rlops.calibrate import baseline_to_tell, splitting
    from rlops.cli.progress import watching
    from rlops.curves import parse_reference, write_baseline
    from rlops.run_sets import today

    reference = parse_reference(run_set)
    if reference.kind == "baseline":
        refuse_what_is_frozen(run_set, policy_path)
    told = baseline_to_tell(workspace, reference) if save else None
    terms = terms_of(workspace, benchmark, policy_path)
    with watching(quiet=quiet or as_json) as watchers:
        ready = splitting(workspace, run_set, terms, watchers, candidate_seeds)
    saved_for = ready.baseline.benchmark
    if benchmark is None and saved_for is not None:
        say(f"judged by the policy of `rlops compare`; --benchmark {saved_for} takes that benchmark's", quiet=quiet)
    for env_id, count in ready.left_out.items():
        say(f"left out: {count} runs of {env_id} that cannot be scored", quiet=quiet)
    hidden = quiet or as_json or not sys.stderr.isatty()
    with click.progressbar(length=splits, label="splits", file=sys.stderr, hidden=hidden) as bar:
        found = ready.calibrate(splits, seed, bar.update)
    click.echo(json.dumps(_record(found, run_set, seed), indent=1) if as_json else _text(found, run_set))
    if told is not None:
        changed = told.model_copy(update={"calibrated": found.summary(today())})
        say(f"written into {shown(write_baseline(changed, workspace.baselines))}", quiet=quiet)


def _record(found: "Calibration", run_set: str, seed: int) -> dict[str, Any]:
    """What --json prints; docs/commands.md explains every key."""
    plan = found.plan
    return {
        "schema": SCHEMA,
        "run_set": run_set,
        "benchmark": plan.benchmark,
        "metric": plan.metric.name,
        "alpha": plan.policy.alpha,
        "beta": plan.policy.beta,
        "strict": plan.policy.strict,
        "looks": plan.looks,
        "seed": seed,
        "splits": found.splits,
        "candidate_seeds": len(plan.seeds or ()),
        "words": found.words,
        "regressed": _share(found.regressed),
        "passed": _share(found.passed),
        "inconclusive": _share(found.inconclusive),
        "all_together": _share(found.all_together),
        "mean_seeds": found.seeds,
        "environments": [
            {
                "env_id": item.env_id,
                "runs": item.runs,
                "n_baseline": item.n_baseline,
                "regressed": _share(item.named),
                "inconclusive": _share(item.undecided),
                "mean_seeds": item.seeds,
            }
            for item in found.environments
        ],
        "cannot_see": found.cannot_see,
    }


def _share(share: "Share") -> dict[str, Any]:
    return {"count": share.count, "share": share.value, "interval": share.interval}


def _text(found: "Calibration", run_set: str) -> str:
    """The rates, a line an environment, and what they do not cover."""
    from rlops.judge import Word
    from rlops.strangers import clean

    plan, policy, n_candidate = found.plan, found.plan.policy, len(found.plan.seeds or ())
    ways = [(word, found.share(word)) for word in (Word.IDENTICAL, Word.EQUIVALENT, Word.IMPROVED)]
    passing = "every environment must pass" if policy.strict else "the mean alone must pass"
    stored = _range([item.n_baseline for item in found.environments])
    looks = ", ".join(map(str, plan.looks))
    lines = [
        f"{run_set}: {found.splits:,} A/A splits, {stored} stored runs against {n_candidate} candidate seeds",
        f"policy: alpha {policy.alpha:.3g}, beta {policy.beta:.3g}, {passing}; looks after {looks} candidate seeds",
        "",
        f"{'':32} {'splits':>8} {'share':>8}   95 % interval",
        _line("regressed (a false alarm)", found.regressed),
        _line("passed", found.passed),
        *(_line(f"  {word}", share) for word, share in ways if share.count),
        _line("inconclusive", found.inconclusive),
        f"{'candidate seeds per environment':32} {found.seeds:8.1f} of {n_candidate}, on average",
        "",
        f"{'environment':32} {'runs':>8} {'regressed':>10} {'undecided':>10} {'seeds':>6}",
    ]
    lines += [
        f"{item.env_id:32} {item.runs:8} {item.named.value:10.1%} {item.undecided.value:10.1%} {item.seeds:6.1f}"
        for item in found.environments
    ]
    if len(found.environments) > 1:
        lines.append(f"{'all together, none by name':32} {'':8} {found.all_together.value:10.1%}")
    lines += ["", "What this cannot see"]
    lines += [fill(f"- {sentence}", width=WIDTH, subsequent_indent="  ") for sentence in found.cannot_see]
    return clean("\n".join(lines))


def _line(name: str, share: "Share") -> str:
    low, high = share.interval
    return f"{name:32} {share.count:8,} {share.value:8.1%}   [{low:.1%}, {high:.1%}]"


def _range(counts: list[int]) -> str:
    return str(counts[0]) if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}"
