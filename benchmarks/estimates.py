"""How fast and how close to rliable's are the bootstrap intervals of rlops.stats.bootstrap?

`python benchmarks/estimates.py` sets up .venv-rliable, where both run: the same process, numpy, scores and thread, one
after the other, round by round. rliable is slow, so it draws fewer replicates and its time is scaled up in proportion.
The figures: medians over the rounds of seconds and of their ratio. The intervals: ours of the first round, rliable's
mean over the rounds. Prints a table, and exits with 1 if a ratio is below its target or intervals differ by more than
chance.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv-rliable"
REQUIREMENTS = Path(__file__).with_name("estimates-requirements.txt")
ONE_THREAD = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], "1")

TASKS, RUNS, REPLICATES = 57, 5, 50_000
QUANTILE_ERROR = 2.67
"""Standard error of the 2.5 % quantile of R normal values, in sd / sqrt(R): sqrt(.025 x .975) / phi(1.96)."""
CHANCE = 5.0
"""Standard errors of their difference by which no endpoint may differ; there are hundreds of them."""


@dataclass(frozen=True)
class Case:
    """One estimate by both: functions of a seed and a number of replicates; each gives lows and highs, (2, points)."""

    name: str
    target: float
    their_replicates: int
    ours: Callable[[int, int], object]
    theirs: Callable[[int], object]


def set_up() -> None:
    """The venv, if it is not there or does not hold what the requirements say."""
    ready = VENV / ".ready"
    if ready.exists() and ready.read_text() == REQUIREMENTS.read_text():
        return
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    (VENV / ".gitignore").write_text("*\n")
    subprocess.run([VENV / "bin/python", "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS], check=True)
    ready.write_text(REQUIREMENTS.read_text())


def cases(frames: int) -> list[Case]:
    import numpy as np
    from rliable import library, metrics

    from rlops.stats.bootstrap import Bootstrap

    rng = np.random.default_rng(0)
    level = rng.gamma(2, 0.5, (TASKS, 1, 1))
    curves = level * rng.lognormal(0, 0.3, (TASKS, RUNS, 1)) * np.linspace(0.1, 1, frames)
    curves += rng.normal(0, 0.05, curves.shape)
    baseline = curves[..., -1]
    candidate = np.ascontiguousarray(baseline[:, ::-1]) * rng.lognormal(0.05, 0.2, (TASKS, RUNS))

    def rliables(scores: object, estimate: Callable[..., object]) -> Callable[[int], object]:
        def intervals(replicates: int) -> object:
            return library.get_interval_estimates({"": scores}, estimate, reps=replicates)[1][""]

        return intervals

    def boot(seed: int, replicates: int) -> Bootstrap:
        return Bootstrap(np.random.default_rng(seed), replicates)

    return [
        Case(
            "IQM",
            90,
            REPLICATES,
            lambda seed, reps: boot(seed, reps).iqm(list(baseline))[1:],
            rliables(baseline.T, lambda x: np.array([metrics.aggregate_iqm(x)])),
        ),
        Case(
            "probability of improvement",
            800,
            300,
            lambda seed, reps: boot(seed, reps).probability_of_improvement(list(baseline), list(candidate))[1:],
            rliables((candidate.T, baseline.T), lambda x, y: np.array([metrics.probability_of_improvement(x, y)])),
        ),
        Case(
            f"IQM curve, {frames} frames",
            200,
            400,
            lambda seed, reps: boot(seed, reps).iqm_curve(list(curves))[1:],
            rliables(
                np.moveaxis(curves, 0, 1),
                lambda x: np.array([metrics.aggregate_iqm(x[..., frame]) for frame in range(frames)]),
            ),
        ),
    ]


def seconds(function: Callable[[], object]) -> tuple[float, object]:
    begin = time.perf_counter()
    result = function()
    return time.perf_counter() - begin, result


def measure(case: Case, rounds: int) -> bool:
    """Prints one case; is it as fast as the target, and the same interval?"""
    import numpy as np

    case.ours(0, 1_000)  # caches, tables
    case.theirs(10)
    ours, theirs = [], []
    for seed in range(rounds):
        ours.append(seconds(lambda: case.ours(seed, REPLICATES)))  # noqa: B023 - used at once
        theirs.append(seconds(lambda: case.theirs(case.their_replicates)))
    scale = REPLICATES / case.their_replicates
    our_s, their_s = np.array([t for t, _ in ours]), np.array([t for t, _ in theirs]) * scale
    ratios = their_s / our_s
    our_ends = np.reshape(np.array(ours[0][1]), (2, -1))
    their_ends = np.mean([np.reshape(np.array(ends), (2, -1)) for _, ends in theirs], axis=0)
    sd = (our_ends[1] - our_ends[0]) / (2 * 1.96)
    error = QUANTILE_ERROR * sd * np.sqrt(1 / REPLICATES + 1 / (case.their_replicates * rounds))
    apart = float((np.abs(our_ends - their_ends) / error).max())
    fast, same = bool(np.median(ratios) >= case.target), apart <= CHANCE
    where = "" if our_ends.shape[1] == 1 else " (last frame)"
    print(
        f"{case.name}\n"
        f"  seconds  ours {np.median(our_s):.4f}, rliable {np.median(their_s):.1f}"
        f" ({'none scaled' if scale == 1 else f'scaled up from {case.their_replicates} replicates a round'})\n"
        f"  ratio    {np.median(ratios):,.0f} [{ratios.min():,.0f} to {ratios.max():,.0f} in {rounds} rounds];"
        f" target {case.target:,.0f}: {'reached' if fast else 'NOT REACHED'}\n"
        f"  interval ours [{our_ends[0, -1]:.4f}, {our_ends[1, -1]:.4f}],"
        f" rliable [{their_ends[0, -1]:.4f}, {their_ends[1, -1]:.4f}]{where}\n"
        f"           {our_ends.size} ends, at most {apart:.1f} standard errors of chance apart:"
        f" {'agree' if same else 'DO NOT AGREE'}",
        flush=True,
    )
    return fast and same


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=100, help="of the curves (default: 100, as rlops stores them)")
    asked = parser.parse_args()
    if Path(sys.prefix) != VENV:
        set_up()
        command = [VENV / "bin/python", "-W", "ignore", __file__, *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=os.environ | ONE_THREAD, check=False).returncode)

    sys.path.insert(0, str(ROOT))
    import numpy as np

    np.random.seed(0)  # noqa: NPY002 - rliable draws from the global state, whatever random_state it is given
    print(
        f"{TASKS} tasks x {RUNS} runs, {REPLICATES:,} replicates, one thread, numpy {np.__version__}, "
        f"Python {platform.python_version()}; ours and rliable in turn"
    )
    results = [measure(case, asked.rounds) for case in cases(asked.frames)]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
