"""Simulated environments, each looked at 3, 5, 8, 12 and 20 seeds against 20 stored ones: the p-values of every look.

The tests are the product's own. What is stored per environment does not depend on how many environments a gate has, so
that gates of any size are put together from it afterwards (gates.py), each environment in one gate only.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.calibration.populations import EFFECTS, NONE, POPULATIONS, CurveType, Effect, shifted
from rlops.curves import columns
from rlops.judge.samples import Samples
from rlops.plan import EnvironmentPlan, Margins, Metric, Plan, Policy, environment_margin
from rlops.stats import Floats

LOOKS = (3, 5, 8, 12, 20)
STORED = 20
SIZED_FOR = 10  # environments: the number of labellings behind a small p is that of a gate of this size
SMALL = 0.05  # below this p of harm it matters whether the loss is shown to be inside the margin
SURE = 4e-5  # below every level of a gate of up to 20 environments at alpha 0.01
FIELDS = ("p_harm", "p_improved", "p_equivalent", "p_inside", "mean", "variance")


@dataclass(frozen=True)
class Looked:
    """R environments: (R, 5) arrays of each look, and (R,) of the baseline. Means and variances are of `final`.

    NaN at looks that no gate comes to: the harm was proven, beyond its margin, in a gate of any size before.
    """

    p_harm: Floats
    p_improved: Floats
    p_equivalent: Floats
    p_inside: Floats
    mean: Floats
    variance: Floats
    baseline: Floats
    spread: Floats
    margin: Floats


def yardstick(name: str, baseline: Floats, margins: Margins, *, loss: str) -> EnvironmentPlan:
    """The plan of an environment whose random policy scores 0, as it is frozen from the stored runs' columns."""
    mean, spreads = float(baseline[:, 0].mean()), baseline.std(axis=0, ddof=1)
    return EnvironmentPlan(
        env_id=name,
        budget=100,
        mean=mean,
        random_score=0.0,
        random_score_from=loss,
        spread=float(spreads[0]),
        margins=tuple(environment_margin(margins, mean, float(spread)) for spread in spreads),
        n_baseline=len(baseline),
    )


def look_at(kind: CurveType, effect: Effect | str, runs: int, rng: np.random.Generator) -> Looked:
    """`runs` environments of one curve type, the candidate's curves with an effect.

    "printed margin": each environment loses exactly the margin of its own plan, in every column. "true margin": what
    the margin of `final` would be if mean and spread were known.
    """
    rows: dict[str, list[list[float]]] = {field: [] for field in FIELDS}
    stored: list[tuple[float, float, float]] = []
    for _ in range(runs):
        before = columns(kind.draw(rng, STORED))
        plan = yardstick(f"{kind.name} {rng.integers(2**63)}", before, Margins(), loss="simulated")
        curves = kind.draw(rng, LOOKS[-1], effect if isinstance(effect, Effect) else NONE)
        now = columns(curves)
        if effect == "printed margin":
            now = now - np.array(plan.margins)
        elif effect == "true margin":
            spreads = max(Margins().scale_fraction * kind.mean / kind.spread, Margins().spreads)
            now = columns(kind.draw(rng, LOOKS[-1], shifted(spreads)))
        whole = Plan(None, Metric(), Policy(), (plan,) * SIZED_FOR, 0.1, tuple(range(20)), LOOKS)
        samples = Samples(plan, before, now)
        found = {field: [np.nan] * len(LOOKS) for field in FIELDS}
        for look in range(len(LOOKS)):
            glance = samples.at(whole, look)
            found["p_harm"][look] = glance.p_harm
            found["p_improved"][look] = glance.p_improved
            found["p_equivalent"][look] = glance.p_equivalent
            found["p_inside"][look] = glance.p_inside if glance.p_harm <= SMALL else 1.0
            found["mean"][look] = float(glance.final_candidate.mean())
            found["variance"][look] = float(glance.final_candidate.var(ddof=1))
            if glance.p_harm <= SURE and glance.p_inside > SMALL:
                break
        for field, values in found.items():
            rows[field].append(values)
        stored.append((plan.mean, plan.spread, plan.margin))
    baseline, spread, margin = np.array(stored).T
    return Looked(
        **{field: np.array(values) for field, values in rows.items()}, baseline=baseline, spread=spread, margin=margin
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--population", choices=[one.name for one in POPULATIONS], required=True)
    parser.add_argument(
        "--effect", required=True, help="a name of populations.EFFECTS, 'printed margin', 'true margin'"
    )
    parser.add_argument("--environments", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    asked = parser.parse_args()
    population = next(one for one in POPULATIONS if one.name == asked.population)
    known: dict[str, Effect] = {one.name: one for one in EFFECTS}
    rng = np.random.default_rng(asked.seed)
    begin = time.perf_counter()
    parts = [
        look_at(kind, known.get(asked.effect, asked.effect), -(-asked.environments // len(population.types)), rng)
        for kind in population.types
    ]
    kinds = np.repeat(np.arange(len(parts)), [len(part.baseline) for part in parts])
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])}
    asked.folder.mkdir(parents=True, exist_ok=True)
    file = asked.folder / f"{asked.population}-{asked.effect.replace(' ', '-')}-{asked.seed}.npz"
    np.savez_compressed(file, kind=kinds, **arrays)
    print(f"{file}: {len(kinds):,} environments in {time.perf_counter() - begin:,.0f} s")


if __name__ == "__main__":
    main()
