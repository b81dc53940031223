"""Made-up verdicts for every situation a report has to show; curves from a seeded generator."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rlops.judge.record import (
    Aggregate,
    CommitRecord,
    Cost,
    CurveBand,
    CurveResults,
    Curves,
    EnvironmentVerdict,
    EstimateBand,
    FailureRecord,
    Finding,
    NextStep,
    PolicyRecord,
    RunRow,
    Side,
    SideRecord,
    Suite,
    Verdict,
    Word,
)
from rlops.judge.write_up import REVIEW_THE_GATE

BUDGET = 100_000
EXIT_CODES = dict(zip(Word, (0, 0, 0, 1, 3, 4, 5), strict=True))
SENTENCES = {
    Word.IDENTICAL: "Identical: the curves of all environments are bit-equal",
    Word.EQUIVALENT: "Equivalent: no environment loses as much as its margin",
    Word.IMPROVED: "Improved: Hopper-v3 is better, no environment is worse",
    Word.REGRESSED: "Regressed: Hopper-v3 learns worse",
    Word.INCONCLUSIVE: "Inconclusive: 1 environment needs more seeds",
    Word.FAILED: "Failed: 2 candidate runs have no score",
    Word.NOT_COMPARABLE: "Not comparable: the two sides were trained for unequal budgets",
}
CHANGES = {
    Word.IDENTICAL: 0.0,
    Word.EQUIVALENT: -0.012,
    Word.IMPROVED: 0.16,
    Word.REGRESSED: -0.31,
    Word.INCONCLUSIVE: -0.11,
    Word.FAILED: -0.02,
    Word.NOT_COMPARABLE: 0.0,
}
NEXT = {
    0: NextStep(text="nothing to do, the change may be merged"),
    1: NextStep(
        text="look at the curves of Hopper-v3; if the loss is meant, accept it",
        command="rlops baseline accept quick --reason '…'",
    ),
    3: NextStep(
        text="train 7 more seeds of the undecided environment",
        command="rlops gate --benchmark benchmarks/quick.toml",
        minutes=38.0,
    ),
    4: NextStep(
        text="read the log of the failed runs, then run the same command again",
        command="rlops run --force",
        minutes=11.5,
    ),
    5: NextStep(text="save a baseline with the new budget", command="rlops baseline save quick", minutes=140.0),
}
ORDER = [
    Word.FAILED,
    Word.NOT_COMPARABLE,
    Word.REGRESSED,
    Word.INCONCLUSIVE,
    Word.EQUIVALENT,
    Word.IMPROVED,
    Word.IDENTICAL,
]
NAMES = ("Hopper-v3", "ALE/Breakout-v5", "CartPole-v1", "Walker2d-v4", "Acrobot-v1", "Ant-v4", "LunarLander-v3")

AGGREGATES = (
    Aggregate(
        name="IQM", baseline=1.01, baseline_interval=(0.98, 1.04), candidate=0.97, candidate_interval=(0.91, 1.02)
    ),
    Aggregate(name="P(better)", candidate=0.44, candidate_interval=(0.35, 0.53)),
)


def learning_curves(rng: np.random.Generator, n: int, top: float, points: int = 100) -> NDArray[np.float64]:
    """n noisy saturating curves, (n, points)."""
    t = np.linspace(0.01, 1, points)
    speed = rng.normal(5, 0.8, (n, 1))
    noise = rng.normal(0, 0.03, (n, points)).cumsum(axis=1) * 0.25
    return np.asarray(top * rng.normal(1, 0.04, (n, 1)) * (1 - np.exp(-speed * t) + noise))


def rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(f"{value:.4g}") for value in values)


def band(curves: NDArray[np.float64], seeds: Sequence[int]) -> CurveBand:
    mean = curves.mean(axis=0)
    half = 2.2 * curves.std(axis=0, ddof=1) / np.sqrt(len(curves)) if len(curves) > 1 else 0 * mean
    by_seed = {seed: rounded(curve) for seed, curve in zip(seeds, curves, strict=True)}
    return CurveBand(
        mean=rounded(mean),
        low=rounded(mean - half),
        high=rounded(mean + half),
        seeds=by_seed,
        minutes=5.4 + len(curves) / 20,
    )


def difference(old: NDArray[np.float64], new: NDArray[np.float64]) -> EstimateBand:
    stretches = min(20, old.shape[1])
    old, new = (
        (side[:, : side.shape[1] // stretches * stretches]).reshape(len(side), stretches, -1).mean(axis=2)
        for side in (old, new)
    )
    mean = new.mean(axis=0) - old.mean(axis=0)
    half = 2.2 * np.sqrt(old.var(axis=0) / len(old) + new.var(axis=0) / len(new))
    return EstimateBand(estimate=rounded(mean), low=rounded(mean - half), high=rounded(mean + half))


def run_rows(side: Side, env_id: str, curves: NDArray[np.float64], crashed: int) -> list[RunRow]:
    rows = []
    for seed, curve in enumerate(curves):
        ok = seed >= crashed
        rows.append(
            RunRow(
                side=side,
                seed=seed,
                state="finished" if ok else "crashed",
                counted=ok,
                why_not=None if ok else "RuntimeError: CUDA error: out of memory",
                final=float(f"{curve[-10:].mean():.6g}") if ok else None,
                auc=float(f"{curve.mean():.6g}") if ok else None,
                steps_to=18_000.0 + 500 * seed if ok and seed != 3 else None,
                last_step=BUDGET if ok else 31_000,
                minutes=5.4 + seed / 10 if ok else None,
                url=f"https://wandb.example/rl/runs/{side[:1]}{seed}" if side == "candidate" else None,
                command=(
                    "python",
                    "-m",
                    "ppo_impl",
                    "--env-id",
                    env_id,
                    "--seed",
                    str(seed),
                    "--total-timesteps",
                    str(BUDGET),
                ),
            )
        )
    return rows


def environment(
    env_id: str,
    word: Word,
    *,
    change: float | None = None,
    top: float = 2300.0,
    n_baseline: int = 10,
    n_candidate: int = 5,
    points: int = 100,
    salt: int = 0,
) -> EnvironmentVerdict:
    rng = np.random.default_rng([*env_id.encode(), salt])
    change = CHANGES[word] if change is None else change
    assert n_candidate <= n_baseline or word is not Word.IDENTICAL
    old, new = (
        learning_curves(rng, n_baseline, top, points),
        learning_curves(rng, n_candidate, top * (1 + change), points),
    )
    if word is Word.IDENTICAL:
        new = old[:n_candidate]
    crashed = min(2, n_candidate - 1) if word is Word.FAILED else 0
    judged = word not in {Word.IDENTICAL, Word.NOT_COMPARABLE}
    half = 0.03 + 0.1 * float(rng.random()) + (0.15 if word is Word.INCONCLUSIVE else 0)
    return EnvironmentVerdict(
        env_id=env_id,
        verdict=word,
        note="the two sides were trained for unequal budgets" if word is Word.NOT_COMPARABLE else None,
        p_harm={Word.REGRESSED: 0.00021, Word.INCONCLUSIVE: 0.031}.get(word, 0.52) if judged else None,
        p_equivalent={Word.REGRESSED: 0.97, Word.INCONCLUSIVE: 0.18}.get(word, 0.00004) if judged else None,
        p_improved={Word.IMPROVED: 0.0007}.get(word, 0.48) if judged else None,
        change=change if judged else None,
        interval=(round(change - half, 4), round(change + half, 4)) if judged else None,
        margin=0.2 if judged else None,
        scale=round(top * 0.98, 1) if judged else None,
        spread=round(top * 0.05, 1) if judged else None,
        random_score=round(top * 0.02, 1) if judged else None,
        random_score_from="random policy, 100 episodes" if judged else None,
        threshold=round(top * 0.51, 1) if judged else None,
        mean_baseline=round(float(old[:, -10:].mean()), 3),
        mean_candidate=round(float(new[crashed:, -10:].mean()), 3),
        probability_of_improvement=0.47 if judged else None,
        n_baseline=n_baseline,
        n_candidate=n_candidate - crashed,
        minimum_detectable_change=0.14 if judged else None,
        seeds_to_decide=12 if word is Word.INCONCLUSIVE else None,
        budget=BUDGET,
        curves=Curves(
            steps=tuple(float(s) for s in np.linspace(BUDGET / points, BUDGET, points)),
            baseline=band(old, range(n_baseline)),
            candidate=band(new[crashed:], range(crashed, n_candidate)),
            difference=difference(old, new[crashed:]) if judged else None,
        ),
        runs=tuple(run_rows("baseline", env_id, old, 0) + run_rows("candidate", env_id, new, crashed)),
    )


def side(
    reference: str, commit: str, torch: str, environments: Sequence[EnvironmentVerdict], *, dirty: bool = False
) -> SideRecord:
    return SideRecord(
        reference=reference,
        n_runs=sum(
            len([r for r in e.runs if (r.side == "candidate") == reference.startswith("git")]) for e in environments
        ),
        git_commit=commit,
        git_dirty=dirty,
        packages={"torch": torch, "numpy": "2.3.1", "gymnasium": "1.2.0", "wandb": "0.31.2"},
        machine="AMD EPYC 7B13, 4 threads",
        python="3.12.4",
    )


FAILURES = (
    FailureRecord(
        label="CartPole-v1 seed 103",
        why="exit code 1",
        log_tail='Traceback (most recent call last):\n  File "train.py", line 8\nValueError: <nan> & co',
    ),
)


COMMITS = (
    CommitRecord(
        commit="a1b2c3d4" * 5, author="Ada", date="2026-01-31T12:00:00+00:00", subject="Shorter <warm-up> & co"
    ),
    CommitRecord(commit="0f0e0d0c" * 5, author="Ben", date="2026-01-30T09:30:00+00:00", subject="One loop less"),
)


def profile_band(middle: float) -> EstimateBand:
    share = 1 / (1 + np.exp(12 * (THRESHOLDS - middle)))
    return EstimateBand(estimate=rounded(share), low=rounded(share * 0.9), high=rounded(share * 0.9 + 0.1))


THRESHOLDS = np.linspace(0, 1.2, 25)
PROFILE = CurveResults(points=rounded(THRESHOLDS), bands=(profile_band(0.95), profile_band(0.85)))


def suite_of(changes: Sequence[float], *, passed: bool) -> Suite | None:
    if not changes:
        return None
    mean = float(np.mean(changes))
    return Suite(
        change=round(mean, 4),
        interval=(round(mean - 0.03, 4), round(mean + 0.03, 4)),
        margin=0.1,
        p_equivalent=0.003 if passed else 0.3,
        p_harm=0.4 if passed else 0.06,
        within_margin=passed,
        passed=passed,
        environments=len(changes),
    )


def verdict(environments: Sequence[EnvironmentVerdict], word: Word, findings: Sequence[Finding] = ()) -> Verdict:
    changes = [item.change for item in environments if item.change is not None]
    passed, undecided = word in {Word.EQUIVALENT, Word.IMPROVED}, word is Word.INCONCLUSIVE
    return Verdict(
        verdict=word,
        exit_code=EXIT_CODES[word],
        sentence=SENTENCES[word],
        benchmark="benchmarks/quick.toml",
        metric="charts/episodic_return",
        step="global_step",
        direction="higher-is-better",
        baseline=side("baseline:quick", "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432", "2.13.0", environments),
        candidate=side(
            "git:pr-299", "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334", "2.14.0", environments, dirty=undecided
        ),
        policy=PolicyRecord(
            alpha=0.05,
            beta=0.05,
            strict=True,
            smallest_loss="20 % of scale, at least 1.5 spread",
            looks=(3, 5, 8, 12, 20),
            look=2,
            named_level=0.00083,
            suite_level=0.005,
        ),
        suite=suite_of(changes, passed=passed),
        aggregates=AGGREGATES if changes else (),
        profile=PROFILE if changes else None,
        counts={w: sum(item.verdict is w for item in environments) for w in Word},
        environments=tuple(environments),
        findings=tuple(findings),
        failures=FAILURES if word is Word.FAILED else (),
        commits=COMMITS,
        commits_left_out=3,
        next_step=NEXT[EXIT_CODES[word]],
        method=(
            (
                "One label permutation per environment over three statistics (final, auc, the worst of 20 bins), Holm "
                "across environments and Stouffer over all of them, at level 0.05 in 5 planned looks."
            ),
            "Equivalent means: a permutation test of candidate + margin rejects at level 0.05.",
        ),
        cost=Cost(
            cells_trained=len(environments) * 5,
            cells_known=len(environments) * 10,
            minutes=131.0,
            environment_steps=2_500_000,
        ),
        data_sha256="d2" * 32,
        command="rlops gate --benchmark benchmarks/quick.toml --baseline quick",
        rlops_version="0.0.0",
        created_at="2026-01-31T18:00:00+00:00",
    )


PACKAGES = Finding(kind="packages", severity="warning", detail="torch 2.13.0 → 2.14.0")
FINDINGS = {
    Word.FAILED: [
        PACKAGES,
        Finding(
            kind="crashed-run",
            severity="failed",
            env_id="Hopper-v3",
            side="candidate",
            seeds=(0, 1),
            detail="2 runs (seeds 0-1); seed 0: RuntimeError: CUDA error: out of memory",
        ),
    ],
    Word.NOT_COMPARABLE: [
        Finding(
            kind="other-definition",
            severity="not-comparable",
            env_id="Hopper-v3",
            detail="the budget of the baseline is 100000, the benchmark's is 200000",
        )
    ],
}


def sample(word: Word, *, others: int = 2, n_baseline: int = 10, n_candidate: int = 5, points: int = 100) -> Verdict:
    """A verdict of this word: its first environment has it, the `others` are equivalent (or identical)."""
    rest = Word.IDENTICAL if word is Word.IDENTICAL else Word.EQUIVALENT
    names = [NAMES[i] if i < len(NAMES) else f"Env-{i:02d}-v4" for i in range(others + 1)]
    sizes = {"n_baseline": n_baseline, "n_candidate": n_candidate, "points": points}
    first = environment(names[0], word, **sizes)
    tail = [
        environment(n, rest, top=60.0 * 7 ** (i % 4), change=-0.04 + 0.012 * i if i < 8 else 0.01, **sizes)
        for i, n in enumerate(names[1:])
    ]
    return verdict([first, *tail], word, FINDINGS.get(word, [PACKAGES]))


def every_word(n_baseline: int = 10, n_candidate: int = 5, points: int = 100) -> Verdict:
    """All seven words in one table."""
    sizes = {"n_baseline": n_baseline, "n_candidate": n_candidate, "points": points}
    names = ("Walker2d-v4", "ALE/Breakout-v5", *NAMES[:1], "CartPole-v1", "Acrobot-v1", "Ant-v4", "LunarLander-v3")
    shown = [environment(name, word, **sizes) for name, word in zip(names, ORDER, strict=True)]
    return verdict(shown, Word.REGRESSED, [*FINDINGS[Word.FAILED], *FINDINGS[Word.NOT_COMPARABLE]])


def many(n: int = 60, seeds: int = 10, points: int = 100) -> Verdict:
    """n environments with `seeds` seeds on both sides, all words, worst first."""
    words = sorted((ORDER[i % 7] if i % 3 == 0 else Word.EQUIVALENT for i in range(n)), key=ORDER.index)
    shown = [
        environment(
            f"ALE/Env-{i:02d}-v5", word, top=10.0 ** (i % 5), n_baseline=seeds, n_candidate=seeds, points=points
        )
        for i, word in enumerate(words)
    ]
    return verdict(shown, Word.REGRESSED, FINDINGS[Word.FAILED])


def plain(word: Word, findings: Sequence[Finding] = (), *, others: int = 1) -> Verdict:
    """A small verdict with these findings and no other."""
    shown = sample(word, others=others, n_baseline=4, n_candidate=3, points=20)
    shown = shown.model_copy(update={"findings": tuple(findings)})
    return shown if PACKAGES in findings else with_equal_packages(shown)


def with_equal_packages(shown: Verdict) -> Verdict:
    """The same, the candidate's packages those of the baseline."""
    side = shown.candidate.model_copy(update={"packages": shown.baseline.packages})
    return shown.model_copy(update={"candidate": side})


def without_runs(word: Word) -> tuple[EnvironmentVerdict, ...]:
    """Two environments in which nothing was trained."""
    return tuple(
        EnvironmentVerdict(
            env_id=env_id, verdict=word, n_baseline=0, n_candidate=0, budget=BUDGET, curves=Curves(steps=()), runs=()
        )
        for env_id in NAMES[:2]
    )


def unchanged() -> Verdict:
    """Nothing that is trained differs, so nothing was trained."""
    finding = Finding(
        kind="unchanged",
        severity="note",
        detail="neither ppo_impl, pyproject.toml nor packages, command and budget differ between the two versions",
    )
    return with_equal_packages(verdict(without_runs(Word.IDENTICAL), Word.IDENTICAL, [finding])).model_copy(
        update={
            "sentence": "Identical: nothing that is trained has changed",
            "next_step": NextStep(text="nothing to do: nothing had to be trained"),
            "method": ("The content keys of both versions are equal. Nothing was trained, nothing was tested.",),
            "cost": Cost(cells_trained=0, cells_known=0, environment_steps=0),
        }
    )


def no_baseline_yet() -> Verdict:
    """A change that brings its benchmark: there is nothing to compare with."""
    finding = Finding(
        kind="no-baseline-yet",
        severity="not-comparable",
        detail="the base has no benchmarks/quick.toml, the change adds it",
    )
    return verdict(without_runs(Word.NOT_COMPARABLE), Word.NOT_COMPARABLE, [finding]).model_copy(
        update={
            "sentence": "No baseline yet: there is nothing to compare with",
            "baseline": SideRecord(reference="none", n_runs=0),
            "next_step": NextStep(
                text="merge, then save a baseline", command="rlops baseline save quick", minutes=140.0
            ),
            "method": ("Nothing was trained, nothing was tested.",),
            "cost": Cost(cells_trained=0, cells_known=0, environment_steps=0),
        }
    )


CHANGED_GATE = Finding(
    kind="changed-gate",
    severity="warning",
    detail="margins.per_environment: 0.2 → 0.4",
)


def situations() -> dict[str, Verdict]:
    """What the reviewer of a pull request meets, by name."""
    inside = Finding(kind="repeated-steps", severity="note", env_id=NAMES[0], side="candidate", detail="3 points")
    return {
        "regressed": plain(Word.REGRESSED, others=2),
        "equivalent": plain(Word.EQUIVALENT, [inside]),
        "improved": plain(Word.IMPROVED),
        "identical": plain(Word.IDENTICAL),
        "unchanged": unchanged(),
        "inconclusive": plain(Word.INCONCLUSIVE, [PACKAGES]),
        "failed": plain(Word.FAILED, FINDINGS[Word.FAILED]),
        "not-comparable": plain(Word.NOT_COMPARABLE, FINDINGS[Word.NOT_COMPARABLE]),
        "no-baseline-yet": no_baseline_yet(),
        "changed-gate": plain(
            Word.EQUIVALENT, [CHANGED_GATE, CHANGED_GATE.model_copy(update={"detail": "policy.alpha: 0.05 → 0.01"})]
        ).model_copy(update={"next_step": REVIEW_THE_GATE}),
    }


def crowded(n: int = 60, failures: int = 8) -> Verdict:
    """More than a comment takes: many environments of all words, failed processes with long logs, findings, notes."""
    shown = many(n, seeds=3, points=5)
    log = "\n".join(f"step {step:,}: loss 0.0123, entropy 1.02, approx_kl 0.0046" for step in range(0, 20_000, 1000))
    records = [
        FailureRecord(label=f"ALE/Env-{i:02d}-v5 seed {101 + i}", why="killed by signal 9", log_tail=f"{log}\nKilled")
        for i in range(failures)
    ]
    notes = [
        Finding(kind=f"note-{i}", severity="note", detail="something that is good to know") for i in range(failures)
    ]
    return shown.model_copy(update={"failures": tuple(records), "findings": (*shown.findings, *notes)})
