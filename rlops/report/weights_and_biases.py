"""A verdict as a run in Weights & Biases, a baseline as an artifact; the client may be offline and sync later."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlops.errors import UsageError
from rlops.judge.record import EnvironmentVerdict, Verdict

if TYPE_CHECKING:  # importing wandb takes half a second
    from wandb import Run

JOB_TYPE = "rlops-verdict"
BASELINE_TYPE = "rlops-baseline"
COLUMNS = (
    "env_id", "verdict", "change", "interval_low", "interval_high", "margin", "p_harm", "p_equivalent", "p_improved",
    "mean_baseline", "mean_candidate", "n_baseline", "n_candidate", "note",
)  # fmt: skip
PATIENCE = 60.0
"""Seconds to wait for the server when a run begins."""


@dataclass(frozen=True)
class Project:
    """Where to publish; what is None is the client's own setting (WANDB_PROJECT, WANDB_ENTITY)."""

    name: str | None = None
    entity: str | None = None


def publish_verdict(verdict: Verdict, report: Path, record: Path, project: Project) -> str:
    """One run: summary, a table with a row an environment, the HTML report, verdict.json; where it is to be seen."""
    import wandb

    with _begun(project, JOB_TYPE, _name(verdict), verdict.benchmark, _config(verdict), _tags(verdict)) as run:
        rows: list[Iterable[object]] = [_row(environment) for environment in verdict.environments]
        run.log(
            {
                "environments": wandb.Table(columns=list(COLUMNS), data=rows),
                "report": wandb.Html(str(report), inject=False),
            }
        )
        run.summary.update(_summary(verdict))
        _log_file(run, f"verdict-{verdict.benchmark or 'compare'}", JOB_TYPE, record, ())
        return _where(run)


def publish_baseline(name: str, file: Path, aliases: Sequence[str], project: Project) -> str:
    """baselines/NAME.json as a version of the artifact `baseline-NAME`; `aliases` beside W&B's own `latest`."""
    with _begun(project, BASELINE_TYPE, f"baseline {name}", name, {}, ["rlops"]) as run:
        _log_file(run, f"baseline-{name}", BASELINE_TYPE, file, aliases)
        return _where(run)


def _log_file(run: "Run", name: str, kind: str, file: Path, aliases: Sequence[str]) -> None:
    import wandb

    artifact = wandb.Artifact(name, type=kind)
    artifact.add_file(str(file), name=file.name)
    run.log_artifact(artifact, aliases=["latest", *aliases])


def _begun(
    project: Project, job_type: str, name: str, group: str | None, config: Mapping[str, Any], tags: Sequence[str]
) -> "Run":
    import wandb
    from wandb.errors import Error

    # Silent from the beginning, or it would ask for a key at a terminal.
    settings = wandb.Settings(silent=True, console="off", x_disable_stats=True, init_timeout=PATIENCE)
    wandb.setup(settings)
    try:
        return wandb.init(
            project=project.name,
            entity=project.entity,
            job_type=job_type,
            name=name,
            group=group,
            config=dict(config),
            tags=list(tags),
            settings=settings,
        )
    except Error as error:
        first = (str(error).splitlines() or [""])[0]
        raise UsageError(
            f"W&B takes no run: {first}; run `wandb login` or set WANDB_API_KEY, or publish with WANDB_MODE=offline "
            "and `wandb sync` later"
        ) from None


def _where(run: "Run") -> str:
    if run.offline:
        folder = os.path.relpath(os.path.dirname(run.dir))
        return f"written to {folder}; `wandb sync {folder}` uploads it"
    return str(run.url)


def _name(verdict: Verdict) -> str:
    commit = verdict.candidate.git_commit
    return " ".join(filter(None, [verdict.benchmark, commit and commit[:7], str(verdict.verdict)]))


def _tags(verdict: Verdict) -> list[str]:
    return ["rlops", str(verdict.verdict)]


def _config(verdict: Verdict) -> dict[str, Any]:
    """Who against whom, under which rules."""
    return {
        "benchmark": verdict.benchmark,
        "metric": verdict.metric,
        "baseline": verdict.baseline.reference,
        "candidate": verdict.candidate.reference,
        "baseline_commit": verdict.baseline.git_commit,
        "candidate_commit": verdict.candidate.git_commit,
        "policy": verdict.policy.model_dump(mode="json"),
        "command": verdict.command,
        "rlops_version": verdict.rlops_version,
    }


def _summary(verdict: Verdict) -> dict[str, Any]:
    """What one sorts and filters by."""
    suite = verdict.suite
    return {
        "verdict": str(verdict.verdict),
        "exit_code": verdict.exit_code,
        "sentence": verdict.sentence,
        "data_sha256": verdict.data_sha256,
        "findings": len(verdict.findings),
        **({"change": suite.change, "p_harm": suite.p_harm} if suite else {}),
        **{f"environments_{word}": count for word, count in verdict.counts.items()},
    }


def _row(environment: EnvironmentVerdict) -> list[object]:
    low, high = environment.interval or (None, None)
    own = {"interval_low": low, "interval_high": high, "verdict": str(environment.verdict)}
    return [own[column] if column in own else getattr(environment, column) for column in COLUMNS]
