"""results.json: the record of published results. Renderers show what stands here and compute nothing.

There is no verdict in it. Scores and curves are in the metric's own units and direction; shares are of the scale of an
environment: 0 its random score, 1 the mean of the first run set, higher is better. Whatever is told of each run set
stands in the order of `run_sets`, None where it has none.
"""

import hashlib
from typing import Any, Literal

from pydantic import ConfigDict, Field

from rlops.judge.record import CurveResults, EstimateBand, Finding, Record, SideRecord

SCHEMA: Literal[1] = 1


class Estimate(Record):
    """A number with its 95 % interval; None where one run has none."""

    value: float
    interval: tuple[float, float] | None = None


class RunSetRecord(Record):
    """One of the run sets: its name on the page, who it is, and the command that trains it as far as it is known."""

    label: str
    metric: str
    source: SideRecord
    command: tuple[str, ...] = ()


class ResultRun(Record):
    """One run: its scores where it has them, why not where it has none."""

    seed: int
    state: str
    counted: bool
    why_not: str | None = None
    final: float | None = None
    auc: float | None = None
    last_step: int
    minutes: float | None = None
    url: str | None = None


class Scores(Record):
    """What a run set achieved in one environment.

    `mean`, `iqm`: of the score `final` over the counted runs; `curve`: mean over them at the environment's `steps`.
    `environment_steps`: of all counted runs together; `minutes`: a run takes; `steps_per_second`: over those runs whose
    minutes are known, whatever else the machine did.
    """

    mean: Estimate | None = None
    iqm: Estimate | None = None
    n_counted: int
    n_runs: int
    environment_steps: int
    minutes: float | None = None
    steps_per_second: float | None = None
    curve: EstimateBand | None = None
    runs: tuple[ResultRun, ...]


class EnvironmentResults(Record):
    """One environment: its scale, and the scores of every run set.

    `no_shares`: why it is not among the numbers for all environments.
    """

    env_id: str
    budget: int
    steps: tuple[float, ...]
    random_score: float | None = None
    random_score_from: str | None = None
    reference_score: float | None = None
    no_shares: str | None = None
    scores: tuple[Scores, ...]


class AggregateResults(Record):
    """One number for all environments, an estimate a run set."""

    name: str
    estimates: tuple[Estimate | None, ...]


class ResultsFinding(Finding):
    """Something the reader must know of the data; `run_set`: the label of the one it is about."""

    run_set: str | None = None

    @property
    def who(self) -> str | None:
        """Whose runs it is about."""
        return self.run_set


class Results(Record):
    """The whole record. `profile`: share of runs above a share of the scale; `sample_efficiency`: IQM over the budget.

    `environments` in the order in which the run sets name them; `counted_environments`: those in the numbers for all.
    """

    model_config = ConfigDict(populate_by_name=True)

    schema_version: Literal[1] = Field(SCHEMA, alias="schema")
    title: str
    benchmark: str | None
    metric: str
    step: str
    direction: Literal["higher-is-better", "lower-is-better"]
    run_sets: tuple[RunSetRecord, ...]
    environments: tuple[EnvironmentResults, ...]
    counted_environments: tuple[str, ...]
    aggregates: tuple[AggregateResults, ...]
    profile: CurveResults | None
    sample_efficiency: CurveResults | None
    findings: tuple[ResultsFinding, ...]
    method: tuple[str, ...]
    data_sha256: str
    command: str
    rlops_version: str
    created_at: str

    def identity(self) -> str:
        """sha256 of what was asked and found: equal for the same runs, whenever asked."""
        circumstances = {"created_at", "command", "rlops_version"}
        return hashlib.sha256(self.model_dump_json(exclude=circumstances).encode()).hexdigest()


def results_schema() -> dict[str, Any]:
    """The JSON Schema of results.json."""
    return Results.model_json_schema(by_alias=True)
