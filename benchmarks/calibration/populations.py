"""Learning curves whose truth is known: what the gate's error rates and power are measured on.

A curve is 100 numbers, the grid on which rlops computes scores: point i is the return at (i + 1) % of the budget. The
random policy scores 0 and a learned one about 1, so the scale of an environment is E[final], `CurveType.mean`. A run is

    curve(t) = rise(clock(t)) * (level + noise(t)) * accidents(t), at most the ceiling
    rise(t)  = 1 - exp(-((t - take-off) / time constant) ** concavity), 0 before the take-off

with a level, a time constant and a take-off of its own, AR(1) noise that grows with what has been learned, and
accidents that strike some runs: a seed that fails from the start, a late collapse, short dips.

**mixed** is all 14 types, **quiet** the 7 whose final has a coefficient of variation (CV) of at most .12.

What is arbitrary: the list of types and that each counts the same; every number below, chosen by hand so that the CVs
cover .05-.31. The two HalfCheetah types imitate published runs in the CV and skewness of their final, the mean curve
and the roughness (SAC of mushroom_rl, 25 seeds; TD3 of its authors, 10 seeds); none of their values is here. A run's
level and its speed are independent, runs are independent of each other, and a harmed run keeps the shape of its noise:
real changes do worse. Error rates and power measured here hold for these curves, not for every environment.

Harm (`Effect`) is done to the candidate alone. A changed clock (slow start, more steps) changes when things are
learned, not when noise, dips and collapses happen. All else is done to the finished curve, after the ceiling, so that
losses and shifts of E[final] are exactly those in the effect's name. With the same generator an effect meets the same
runs as `NONE`.

`python benchmarks/calibration/populations.py` prints the types.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

POINTS = 100
LAST_POINTS = 10
SIMULATED_RUNS = 40_000
"""What mean, spread and the table rest on: E[final] is known to .2 %, the spread to 1 % (3 % for t3)."""

Floats = NDArray[np.float64]
TIMES: Floats = np.arange(1, POINTS + 1) / POINTS
"""Of the grid points, as fractions of the budget."""


def final(curves: Floats) -> Floats:
    """Mean of the last 10 grid points: (..., 100) -> (...)."""
    return np.asarray(curves[..., -LAST_POINTS:].mean(axis=-1))


@dataclass(frozen=True)
class Effect:
    """What a harmful change does to every run of the candidate. The defaults do nothing."""

    name: str
    loss: float = 0.0
    """Of the scale: the whole curve times 1 - loss."""
    shift: float = 0.0
    """Down, in spreads of the type's final. Grows in the first half of the budget; the noise stays as it is."""
    start: float = 1.0
    """How many times slower until 40 % of the budget; caught up at 60 %, the final is the same."""
    steps: float = 1.0
    """How many times the steps are needed: at t the candidate is where the baseline was at t / steps."""
    collapse: float = 0.0
    """Share lost between 85 and 90 % of the budget, for good."""
    dips: float = 0.0
    """Share of single grid points, drawn at random, at which the value is halved."""

    def clock(self) -> Floats:
        """The time of the baseline's learning that the candidate has reached at each of TIMES, (100,)."""
        return np.interp(TIMES, (0.0, 0.4, 0.6, 1.0), (0.0, 0.4 / self.start, 0.6, 1.0)) / self.steps

    def harm(self, curves: Floats, spread: float, rng: np.random.Generator) -> Floats:
        """What is done to finished curves, (runs, 100) -> (runs, 100)."""
        curves = curves * ((1 - self.loss) * (1 - self.collapse * ramp(TIMES, 0.85, 0.9)))
        curves = curves - self.shift * spread * ramp(TIMES, 0.0, 0.5)
        return curves * dips(rng, len(curves), self.dips, length=1) if self.dips else curves


NONE = Effect("none")
LOSS_10, LOSS_15, LOSS_20, LOSS_50 = (Effect(f"-{percent} %", loss=percent / 100) for percent in (10, 15, 20, 50))
SLOW_START = Effect("start twice as slow", start=2.0)
MORE_STEPS = Effect("30 % more steps needed", steps=1.3)
LATE_COLLAPSE = Effect("late collapse", collapse=0.5)
UNSTABLE = Effect("unstable", dips=0.05)
EFFECTS = (NONE, LOSS_10, LOSS_15, LOSS_20, LOSS_50, SLOW_START, MORE_STEPS, LATE_COLLAPSE, UNSTABLE)


def shifted(spreads: float) -> Effect:
    """The final of every run lower by that many spreads of its type."""
    return Effect(f"-{spreads:g} sd", shift=spreads)


@dataclass(frozen=True)
class CurveType:
    """One kind of environment: how its runs learn, and how they differ. Times are fractions of the budget."""

    name: str
    level_sd: float
    level: Literal["gaussian", "t3", "left"] = "gaussian"
    """How the levels of runs are distributed around `centre`; "left": a gamma distribution mirrored, skewness -.8."""
    centre: float = 1.0
    tau: float = 0.15
    """Median time constant of the rise."""
    tau_sd: float = 0.25
    """Sd of the logarithm of a run's time constant."""
    concavity: float = 1.0
    """Above 1 the rise is an S, below 1 it is steep at first and then long."""
    noise: float = 0.05
    correlation: float = 0.6
    """Of the noise, from one grid point to the next."""
    take_off: tuple[float, float] = (0.0, 0.0)
    """Until a time drawn evenly between the two a run stays at 0."""
    ceiling: float = float("inf")
    failing: float = 0.0
    """Share of runs that never get beyond 30 % of their level."""
    collapsing: float = 0.0
    """Share of runs that fall to 20-70 % within 5 % of the budget, from a time between 70 and 95 % on."""
    dips: float = 0.0
    """Share of grid points at which the value is halved for this and the next two."""

    @property
    def mean(self) -> float:
        """E[final], and the scale: the random policy scores 0."""
        return _moments(self)[0]

    @property
    def spread(self) -> float:
        """Sd of final between runs."""
        return _moments(self)[1]

    def draw(self, rng: np.random.Generator, runs: int, effect: Effect = NONE) -> Floats:
        """Learning curves of independent runs, (runs, 100)."""
        level_R = np.maximum(self.centre + self.level_sd * self._standard_levels(rng, runs), 0.0)
        tau_R = self.tau * np.exp(self.tau_sd * rng.standard_normal(runs))
        take_off_R = rng.uniform(*self.take_off, runs)
        since_RT = np.maximum(effect.clock() - take_off_R[:, None], 0.0)
        rise_RT = -np.expm1(-((since_RT / tau_R[:, None]) ** self.concavity))
        noise_RT = self.noise * (rng.standard_normal((runs, POINTS)) @ _mixing(self.correlation))
        curves_RT = rise_RT * (level_R[:, None] + noise_RT) * self._accidents(rng, runs)
        curves_RT = np.minimum(curves_RT, self.ceiling)
        return curves_RT if effect == NONE else effect.harm(curves_RT, self.spread if effect.shift else 0.0, rng)

    def _standard_levels(self, rng: np.random.Generator, runs: int) -> Floats:
        """Mean 0, sd 1: (runs,)."""
        if self.level == "t3":
            return np.asarray(rng.standard_t(3, runs) / np.sqrt(3.0))
        if self.level == "left":
            return np.asarray((6.0 - rng.standard_gamma(6.0, runs)) / np.sqrt(6.0))
        return rng.standard_normal(runs)

    def _accidents(self, rng: np.random.Generator, runs: int) -> Floats:
        """Factors: (runs, 1), or (runs, 100) where they depend on time."""
        factors = np.where(rng.random((runs, 1)) < self.failing, 0.3, 1.0)
        if self.collapsing:
            struck = rng.random((runs, 1)) < self.collapsing
            start, lost = rng.uniform(0.7, 0.95, (runs, 1)), rng.uniform(0.3, 0.8, (runs, 1))
            factors = factors * (1 - struck * lost * ramp(TIMES, start, start + 0.05))
        if self.dips:
            factors = factors * dips(rng, runs, self.dips, length=3)
        return factors


@dataclass(frozen=True)
class Population:
    """Environments to draw from, each type as likely as any other."""

    name: str
    types: tuple[CurveType, ...]


def ramp(times: Floats, start: float | Floats, end: float | Floats) -> Floats:
    """0 until `start`, 1 from `end` on, straight between."""
    return np.clip((times - start) / (end - start), 0.0, 1.0)


def dips(rng: np.random.Generator, runs: int, share: float, length: int) -> Floats:
    """1, and 1/2 at `length` points from each of a share of the points on: (runs, 100)."""
    # Dips that began before the first point count too: every point has the same chance of lying in one.
    begins = rng.random((runs, POINTS + length - 1)) < share
    struck = np.lib.stride_tricks.sliding_window_view(begins, length, axis=1).any(axis=2)
    return np.where(struck, 0.5, 1.0)


@cache
def _mixing(correlation: float) -> Floats:
    """(100, 100): white noise times this is AR(1) noise of sd 1. One matrix product, no loop over the points."""
    lags = np.abs(np.subtract.outer(np.arange(POINTS), np.arange(POINTS)))
    return np.ascontiguousarray(np.linalg.cholesky(correlation**lags).T)


@cache
def _moments(curve_type: CurveType) -> tuple[float, float]:
    scores = final(curve_type.draw(np.random.default_rng(0), SIMULATED_RUNS))
    return float(scores.mean()), float(scores.std(ddof=1))


MIXED = Population(
    "mixed",
    (
        CurveType("SAC HalfCheetah", 0.03, "left", centre=1.09, tau=0.155, concavity=0.5),
        CurveType("ceiling", 0.11, centre=1.05, ceiling=1.0),
        CurveType("gaussian, narrow", 0.06, tau=0.2, concavity=2.0),
        CurveType("t3, narrow", 0.08, "t3", tau=0.1),
        CurveType("dips", 0.06, tau=0.12, dips=0.03),
        CurveType("TD3 HalfCheetah", 0.09, "left", centre=1.05, tau=0.11, concavity=0.6, noise=0.03),
        CurveType("gaussian", 0.10, tau=0.15),
        CurveType("gaussian, still rising", 0.13, tau=0.6, tau_sd=0.2, concavity=1.2),
        CurveType("sparse take-off", 0.10, tau=0.1, tau_sd=0.4, take_off=(0.1, 0.85), concavity=1.5),
        CurveType("t3, wide", 0.19, "t3", tau=0.2),
        CurveType("late collapse", 0.07, tau=0.12, collapsing=0.15),
        CurveType("bimodal, rare failures", 0.05, failing=0.08),
        CurveType("gaussian, wide", 0.25, noise=0.08),
        CurveType("bimodal", 0.06, tau=0.25, concavity=1.5, failing=0.18),
    ),
)
QUIET = Population("quiet", MIXED.types[:7])
POPULATIONS = (MIXED, QUIET)


def main() -> None:
    print(f"{'type':<24}{'mean':>7}{'CV final':>10}{'CV auc':>8}{'ties %':>8}  quiet")
    for kind in MIXED.types:
        curves = kind.draw(np.random.default_rng(0), SIMULATED_RUNS)
        area, counts = curves.mean(axis=1), np.unique(final(curves), return_counts=True)[1]
        ties = 100 * counts[counts > 1].sum() / len(curves)
        cvs = f"{kind.spread / kind.mean:10.3f}{area.std(ddof=1) / area.mean():8.3f}"
        print(f"{kind.name:<24}{kind.mean:7.3f}{cvs}{ties:8.1f}  {'yes' if kind in QUIET.types else ''}".rstrip())


if __name__ == "__main__":
    main()
