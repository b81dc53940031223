"""How often the pass test alone lets a loss of the margin through, by kind of curve: `make calibration`.

Asked at every look, whatever the harm test says. The gate as a whole lets less through: the harm test comes first.
"""

import numpy as np

from benchmarks.calibration.looks import LOOKS, STORED, yardstick
from benchmarks.calibration.populations import MIXED, NONE, CurveType, shifted
from rlops.curves import columns
from rlops.plan import Margins, Policy
from rlops.stats import Shuffles, information, p_within_margin, pocock_levels

ENVIRONMENTS = 4_000
LEVELS = pocock_levels(tuple(information(STORED, look) for look in LOOKS), Policy().beta)


def passed(before: np.ndarray, now: np.ndarray, margin: float, seed: int) -> bool:
    """Does one of the looks pass? Scores, (20,) a side."""
    return any(
        p_within_margin(before, now[:look], margin, Shuffles(STORED, look, level, seed)) <= level
        for look, level in zip(LOOKS, LEVELS, strict=True)
    )


def let_through(kind: CurveType, environments: int, rng: np.random.Generator) -> tuple[float, float]:
    """The shares of environments that pass with a loss of the printed, and of the true margin."""
    margins = Margins()
    spreads = max(margins.scale_fraction * kind.mean / kind.spread, margins.spreads)
    printed = true = 0
    for seed in range(environments):
        before = columns(kind.draw(rng, STORED))
        margin = yardstick(kind.name, before, margins, loss="simulated").margin
        unharmed = columns(kind.draw(rng, LOOKS[-1], NONE))[:, 0]
        harmed = columns(kind.draw(rng, LOOKS[-1], shifted(spreads)))[:, 0]
        printed += passed(before[:, 0], unharmed - margin, margin, seed)
        true += passed(before[:, 0], harmed, margin, seed)
    return printed / environments, true / environments


def main() -> None:
    rng = np.random.default_rng(0)
    found = []
    print(
        f"The pass test alone, {ENVIRONMENTS:,} environments a kind: passes with a loss of the printed, the true margin"
    )
    for kind in MIXED.types:
        found.append(let_through(kind, ENVIRONMENTS, rng))
        print(f"{kind.name:24} {found[-1][0]:7.2%} {found[-1][1]:7.2%}", flush=True)
    print("{:24} {:7.2%} {:7.2%}".format("mean", *np.mean(found, axis=0)))


if __name__ == "__main__":
    main()
