"""Records of answers without runs: nothing has changed, nothing is there to compare with, no time was left to look."""

from collections import Counter
from collections.abc import Sequence

from rlops import __version__
from rlops.curves import RunSet, data_sha256
from rlops.judge.case import Occasion
from rlops.judge.record import (
    Cost,
    Curves,
    EnvironmentVerdict,
    Finding,
    NextStep,
    PolicyRecord,
    Verdict,
    Word,
    make_finding,
)
from rlops.judge.time_limit import time_finding
from rlops.judge.verdict import EXIT_CODES
from rlops.judge.write_up import REVIEW_THE_GATE, changes_its_gate, side_record
from rlops.plan import Benchmark


def unchanged(
    benchmark: Benchmark, baseline: RunSet, candidate: RunSet, occasion: Occasion, beforehand: Sequence[Finding] = ()
) -> Verdict:
    """Identical, because both versions have the same content key: every training would be the same."""
    paths = ", ".join(benchmark.code)
    detail = f"neither {paths} nor packages, command and budget differ between the two versions"
    return _record(
        benchmark,
        (baseline, candidate),
        occasion,
        word=Word.IDENTICAL,
        sentence="Identical: nothing that is trained has changed",
        findings=[*beforehand, make_finding("unchanged", "note", detail, None)],
        next_step=REVIEW_THE_GATE
        if changes_its_gate(beforehand)
        else NextStep(text="nothing to do: nothing had to be trained"),
        method=(
            "The content keys of both versions are equal: the code below the paths that the benchmark names, its "
            "command, budget and variables, and the versions of the packages. Nothing was trained, nothing was tested."
        ),
    )


def no_baseline_yet(
    benchmark: Benchmark, candidate: RunSet, occasion: Occasion, why: str, next_step: NextStep
) -> Verdict:
    """Not comparable, because there is nothing to compare with."""
    return _record(
        benchmark,
        (RunSet("none", ()), candidate),
        occasion,
        word=Word.NOT_COMPARABLE,
        sentence="No baseline yet: there is nothing to compare with",
        findings=[make_finding("no-baseline-yet", "not-comparable", why, None)],
        next_step=next_step,
        method="Nothing was trained, nothing was tested.",
    )


def nothing_judged(
    benchmark: Benchmark,
    baseline: RunSet,
    candidate: RunSet,
    occasion: Occasion,
    cells_left: int,
    beforehand: Sequence[Finding] = (),
) -> Verdict:
    """Inconclusive, because the time limit came before the first look."""
    return _record(
        benchmark,
        (baseline, candidate),
        occasion,
        word=Word.INCONCLUSIVE,
        sentence="Inconclusive: the time limit came before anything could be judged",
        findings=[*beforehand, time_finding(cells_left)],
        next_step=occasion.to_go_on or NextStep(text="the same command goes on"),
        method="Not enough was trained for the first look, so nothing was tested. What has ended is kept.",
    )


def _record(
    benchmark: Benchmark,
    sides: tuple[RunSet, RunSet],
    occasion: Occasion,
    *,
    word: Word,
    sentence: str,
    findings: Sequence[Finding],
    next_step: NextStep,
    method: str,
) -> Verdict:
    policy = benchmark.policy
    rows = [
        EnvironmentVerdict(
            env_id=env_id,
            verdict=word,
            n_baseline=0,
            n_candidate=0,
            budget=benchmark.budget,
            curves=Curves(steps=()),
            runs=(),
        )
        for env_id in benchmark.environments
    ]
    return Verdict(
        verdict=word,
        exit_code=policy.inconclusive if word is Word.INCONCLUSIVE else EXIT_CODES[word],
        sentence=sentence,
        benchmark=benchmark.name,
        metric=benchmark.metric.name,
        step=benchmark.metric.step,
        direction=benchmark.metric.direction,
        baseline=side_record(sides[0]),
        candidate=side_record(sides[1]),
        policy=PolicyRecord(
            alpha=policy.alpha, beta=policy.beta, strict=policy.strict, smallest_loss="no margin was needed"
        ),
        suite=None,
        counts=Counter({word: len(rows)}),
        environments=tuple(rows),
        findings=tuple(findings),
        failures=occasion.failures,
        next_step=next_step,
        method=(method,),
        cost=Cost(
            cells_trained=occasion.cells_trained or 0,
            cells_known=occasion.cells_known or 0,
            minutes=None,
            environment_steps=0,
        ),
        data_sha256=data_sha256(*sides),
        command=occasion.command,
        rlops_version=__version__,
        created_at=occasion.created_at,
    )
