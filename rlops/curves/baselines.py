"""Baselines: a frozen run set with the yardsticks of its environments; on disk small, reviewable JSON in baselines/."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rlops.curves.faults import duplicates, fault_of, sound_runs
from rlops.curves.learning_curve import LearningCurve, Run, RunSet, grid_steps
from rlops.curves.scores import auc, bins, columns, final, oriented_grid
from rlops.errors import NoBaselineError, UsageError
from rlops.files import write_whole
from rlops.plan import Calibrated, EnvironmentPlan, Margins, Metric, did_you_mean, environment_margin, suite_margin

SCHEMA: Literal[1] = 1
RandomScoreSource = Literal["random policy, 100 episodes", "first 5 % of the curves"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class BaselineRun(_Record):
    """One seed. `curve`: the 100 grid points, higher is better; `curve_sha256`, `fingerprint`: of the full run."""

    seed: int
    final: float
    auc: float
    curve_sha256: str
    fingerprint: str | None
    minutes: float | None
    curve: tuple[float, ...]


class LeftOut(_Record):
    """A run that was in the run set and is not in the baseline."""

    seed: int
    why: str


class BaselineEnvironment(_Record):
    """One environment's yardstick (of `final`, in units of the score, higher is better) and its runs."""

    env_id: str
    budget: int
    mean: float
    spread: float
    random_score: float
    random_score_from: RandomScoreSource
    scale: float
    margin: float
    config: Mapping[str, Any] = {}
    left_out: tuple[LeftOut, ...] = ()
    runs: tuple[BaselineRun, ...]


class Acceptance(_Record):
    """A regression of one environment that somebody has decided to live with, up to and including the day `until`.

    `run_set`: what was accepted, as it was named; `environment`: its runs, which are compared with meanwhile.
    """

    reason: str
    author: str
    accepted_on: date
    until: date
    run_set: str
    environment: BaselineEnvironment


class Baseline(_Record):
    """A frozen run set. `suite_margin`: a fraction of the scale.

    `command` made it, `benchmark_command` trained it; `benchmark_key`: the content key that its cells share.
    """

    model_config = ConfigDict(populate_by_name=True)

    schema_version: Literal[1] = Field(SCHEMA, alias="schema")
    name: str
    benchmark: str | None
    metric: str
    step: str
    direction: Literal["higher-is-better", "lower-is-better"]
    command: str
    benchmark_command: tuple[str, ...] = ()
    benchmark_key: str | None = None
    provenance: Mapping[str, Any]
    margins: Margins
    suite_margin: float
    environments: tuple[BaselineEnvironment, ...]
    accepted: tuple[Acceptance, ...] = ()
    calibrated: Calibrated | None = None

    def in_force(self, today: date) -> "Baseline":
        """The baseline as it counts on a day: with the accepted runs of the environments whose acceptance holds."""
        held = {item.environment.env_id: item.environment for item in self.accepted if today <= item.until}
        if not held:
            return self
        environments = tuple(held.get(item.env_id, item) for item in self.environments)
        # Not made of one version of the code any more.
        return self._of(environments).model_copy(update={"benchmark_key": None})

    def holds(self, acceptance: Acceptance) -> bool:
        """Are its runs those that are compared with?"""
        return acceptance.environment in self.environments

    def accept(
        self, new: "Baseline", env_ids: Iterable[str], reason: str, author: str, on: date, until: date
    ) -> "Baseline":
        """With the runs of `new` accepted for these environments; random score and margins stay those of this one."""
        known = {item.env_id: item for item in self.environments}
        found = {item.env_id: item for item in new.environments}
        added = []
        for env_id in env_ids:
            if env_id not in known or env_id not in found:
                who = self.name if env_id not in known else new.name
                raise UsageError(
                    f"'{who}' has no {env_id} with two sound runs; it has {', '.join(known & found.keys())}"
                )
            before = known[env_id]
            scale = found[env_id].mean - before.random_score
            update = {
                "random_score": before.random_score,
                "random_score_from": before.random_score_from,
                "scale": scale,
                "margin": environment_margin(self.margins, scale, found[env_id].spread),
            }
            added.append(
                Acceptance(
                    reason=reason,
                    author=author,
                    accepted_on=on,
                    until=until,
                    run_set=new.name,
                    environment=found[env_id].model_copy(update=update),
                )
            )
        names = {item.environment.env_id for item in added}
        kept = tuple(item for item in self.accepted if item.environment.env_id not in names)
        return self.model_copy(update={"accepted": (*kept, *added)})

    def run_set(self) -> RunSet:
        """The runs as everything else sees them, their curves on the grid and in the metric's own direction."""
        sign = 1.0 if self.direction == "higher-is-better" else -1.0
        runs = (
            Run(
                env_id=environment.env_id,
                seed=run.seed,
                curve=LearningCurve.from_points(grid_steps(environment.budget), sign * np.array(run.curve)),
                curve_sha256=run.curve_sha256,
                config=environment.config,
                fingerprint=run.fingerprint,
                source=self.name,
                minutes=run.minutes,
            )
            for environment in self.environments
            for run in environment.runs
        )
        return RunSet(self.name, tuple(runs), self.provenance)

    def select(self, env_ids: frozenset[str]) -> "Baseline":
        """The baseline of these environments alone, with the suite margin that belongs to them."""
        environments = tuple(item for item in self.environments if item.env_id in env_ids)
        if not environments:
            raise UsageError(f"the baseline '{self.name}' has none of: {', '.join(sorted(env_ids))}")
        if len(environments) == len(self.environments):
            return self
        return self._of(environments)

    def _of(self, environments: tuple[BaselineEnvironment, ...]) -> "Baseline":
        """Of other environments, or other runs of them: what was found out of all together does not hold for these."""
        chosen = self.model_copy(update={"environments": environments, "calibrated": None})
        return chosen.model_copy(update={"suite_margin": suite_margin(self.margins, chosen.yardsticks())})

    def yardsticks(self) -> tuple[EnvironmentPlan, ...]:
        """What the plan takes over unchanged."""
        return tuple(
            EnvironmentPlan(
                env_id=item.env_id,
                budget=item.budget,
                mean=item.mean,
                random_score=item.random_score,
                random_score_from=item.random_score_from,
                spread=item.spread,
                margins=self._margins(item),
                n_baseline=len(item.runs),
            )
            for item in self.environments
        )

    def _margins(self, item: BaselineEnvironment) -> tuple[float, ...]:
        """The margin of every column; that of `final` as it was frozen."""
        spreads = columns(np.array([run.curve for run in item.runs])).std(axis=0, ddof=1)
        others = [environment_margin(self.margins, item.scale, float(spread)) for spread in spreads[1:]]
        return item.margin, *others


@dataclass(frozen=True)
class Freezing:
    """How a run set becomes a baseline. `random_scores`: measured ones, oriented; where one lacks, the first bin."""

    metric: Metric
    margins: Margins
    budgets: Mapping[str, int]
    random_scores: Mapping[str, float]
    benchmark: str | None = None
    benchmark_command: tuple[str, ...] = ()
    benchmark_key: str | None = None
    command: str = ""

    def freeze(self, name: str, run_set: RunSet) -> Baseline:
        """The baseline of `run_set`; environments with fewer than two sound runs are left out."""
        frozen = [self._environment(env_id, run_set) for env_id in run_set.env_ids if env_id in self.budgets]
        environments = tuple(item for item in frozen if item is not None)
        if not environments:
            raise NoBaselineError(
                f"'{run_set.reference}': no environment has two sound runs to compare with; {self._why_not(run_set)}"
            )
        record = Baseline(
            name=name,
            benchmark=self.benchmark,
            metric=self.metric.name,
            step=self.metric.step,
            direction=self.metric.direction,
            command=self.command,
            benchmark_command=self.benchmark_command,
            benchmark_key=self.benchmark_key,
            provenance=run_set.provenance,
            margins=self.margins,
            suite_margin=0.0,
            environments=environments,
        )
        return record.model_copy(update={"suite_margin": suite_margin(self.margins, record.yardsticks())})

    def _why_not(self, run_set: RunSet) -> str:
        """The first fault, as an example."""
        for run in run_set.runs:
            fault = fault_of(run, self.budgets[run.env_id]) if run.env_id in self.budgets else None
            if fault:
                return f"{run.env_id}, seed {run.seed}: {fault.detail}"
        return "see `rlops compare --help` for what a run set is"

    def _environment(self, env_id: str, run_set: RunSet) -> BaselineEnvironment | None:
        budget, runs = self.budgets[env_id], run_set.of(env_id)
        sound = sound_runs(runs, budget)
        if len(sound) < 2:
            return None
        higher = self.metric.direction == "higher-is-better"
        grids = np.array([oriented_grid(run.curve, budget, higher_is_better=higher) for run in sound])
        mean, spread = float(final(grids).mean()), float(final(grids).std(ddof=1))
        measured = self.random_scores.get(env_id)
        random_score = float(bins(grids)[:, 0].mean()) if measured is None else measured
        scale = mean - random_score
        return BaselineEnvironment(
            env_id=env_id,
            budget=budget,
            mean=mean,
            spread=spread,
            random_score=random_score,
            random_score_from="first 5 % of the curves" if measured is None else "random policy, 100 episodes",
            scale=scale,
            margin=environment_margin(self.margins, scale, spread),
            config=common_config(sound),
            left_out=tuple(_left_out(run, sound, budget) for run in runs if run not in sound),
            runs=tuple(_baseline_run(run, grid) for run, grid in zip(sound, grids, strict=True)),
        )


def common_config(runs: list[Run]) -> dict[str, Any]:
    """The settings that all runs share (seed and the like differ)."""
    first, *others = [run.config for run in runs]
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}


def common_horizons(*run_sets: RunSet) -> dict[str, int]:
    """Per environment of the first set, the last step that all sets reach: the budget where none is given.

    A set that logged nothing of an environment has no say in it: what it lacks is for the judge to name.
    """
    found = {}
    for env_id in run_sets[0].env_ids:
        ends = [max((run.curve.last_step for run in run_set.of(env_id)), default=0) for run_set in run_sets]
        found[env_id] = min((end for end in ends if end > 0), default=0)
    return found


def write_baseline(baseline: Baseline, folder: Path) -> Path:
    """`folder`/NAME.json, a line a run, written at once or not at all."""
    path = folder / f"{baseline.name}.json"
    write_whole(path, _dump(baseline))
    return path


def read_baseline(name: str, folder: Path) -> Baseline:
    """The baseline `name` in `folder`. Raises NoBaselineError where there is none, UsageError for a broken file."""
    path = folder / f"{name}.json"
    if not path.is_file():
        known = sorted(file.stem for file in folder.glob("*.json"))
        there = f"{folder} has: {', '.join(known)}" if known else f"{folder} has none"
        raise NoBaselineError(
            f"there is no baseline '{name}'; {there}{did_you_mean(name, known)}; "
            + (
                f"the file is file:{name}"
                if Path(name).is_file()
                else f"the folder is dir:{name}"
                if Path(name).is_dir()
                else f"make one with `rlops baseline save {name}`"
            )
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("schema") != SCHEMA:
            raise UsageError(
                f"{path}: has schema {content.get('schema')}, this rlops reads schema {SCHEMA}; save it again"
            )
        return Baseline.model_validate(content)
    except (ValueError, AttributeError) as error:
        what = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise UsageError(f"{path}: is not a baseline file: {what}; restore it from git") from None


def _baseline_run(run: Run, grid: Any) -> BaselineRun:
    return BaselineRun(
        seed=run.seed,
        final=float(final(grid)),
        auc=float(auc(grid)),
        curve_sha256=run.curve_sha256,
        fingerprint=run.fingerprint,
        minutes=run.minutes,
        curve=tuple(float(value) for value in grid),
    )


def _left_out(run: Run, sound: list[Run], budget: int) -> LeftOut:
    fault = fault_of(run, budget)
    if fault:
        return LeftOut(seed=run.seed, why=fault.detail)
    original = duplicates([*sound, run]).get(run.seed)
    again = "the seed was run more than once"
    return LeftOut(seed=run.seed, why=again if original is None else f"a copy of seed {original}")


def _dump(baseline: Baseline) -> str:
    """JSON with a line a run: a diff shows which seeds changed, and a reader can skip the curves."""
    content = baseline.model_dump(mode="json", by_alias=True)
    rows: list[str] = []
    for environment in [*content["environments"], *(item["environment"] for item in content["accepted"])]:
        for i, run in enumerate(environment["runs"]):
            rows.append(json.dumps(run))
            environment["runs"][i] = f"@{len(rows) - 1}@"
    text = json.dumps(content, indent=2, ensure_ascii=False)
    return re.sub(r'"@(\d+)@"', lambda match: rows[int(match[1])], text) + "\n"
