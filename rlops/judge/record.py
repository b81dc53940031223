"""verdict.json: the record of a verdict. Renderers show what stands here and compute nothing.

Numbers: `change`, `interval`, `margin`, `minimum_detectable_change` are fractions of an environment's scale, negative =
worse; scores and curves are in the metric's own units and direction. p-values are one-sided.
"""

import enum
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rlops.errors import UsageError
from rlops.strangers import without_secrets

SCHEMA: Literal[1] = 1
MOST_BYTES = 64 * 1024 * 1024


class Word(enum.StrEnum):
    """The seven verdicts."""

    IDENTICAL = "identical"
    """bit-equal curves: nothing that is trained has changed"""
    EQUIVALENT = "equivalent"
    """shown to lose less than the margin"""
    IMPROVED = "improved"
    """shown to lose less than the margin, and shown to be better"""
    REGRESSED = "regressed"
    """shown to be worse, and not shown to be inside the margin"""
    INCONCLUSIVE = "inconclusive"
    """neither is shown: more seeds would decide"""
    FAILED = "failed"
    """candidate runs failed or are missing"""
    NOT_COMPARABLE = "not-comparable"
    """the two sides did not do the same thing"""


class Record(BaseModel):
    """A part of a record that is written to be read by other programs: frozen, and nothing in it but what is named."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def to_json(self) -> str:
        """The text of its file."""
        return self.model_dump_json(by_alias=True, indent=1)

    def without_secrets(self) -> Self:
        """The record without the secrets of this environment, whatever name or message they came in with."""
        content = self.model_dump(mode="json", by_alias=True)
        safe = without_secrets(content)
        return self if safe == content else type(self).model_validate(safe)


Interval = tuple[float, float]
Side = Literal["baseline", "candidate"]


class Finding(Record):
    """Something the reader must know beside the verdict. `kind` is a slug that docs/findings.md explains."""

    kind: str
    severity: Literal["note", "warning", "failed", "not-comparable"]
    detail: str
    env_id: str | None = None
    side: Side | None = None
    seeds: tuple[int, ...] = ()

    @property
    def who(self) -> str | None:
        """Whose runs it is about."""
        return self.side


def make_finding(
    kind: str, severity: str, detail: str, env_id: str | None, side: Side | None = None, seeds: Iterable[int] = ()
) -> Finding:
    """A finding, its seeds in order."""
    fields = {"kind": kind, "severity": severity, "detail": detail, "env_id": env_id, "side": side}
    return Finding.model_validate({**fields, "seeds": tuple(sorted(seeds))})


class RunRow(Record):
    """One run: its scores where it has them, why not where it has none, and how to make it again.

    `steps_to`: when it reached its environment's `threshold`, None where it never did.
    """

    side: Side
    seed: int
    state: str
    counted: bool
    why_not: str | None = None
    final: float | None = None
    auc: float | None = None
    steps_to: float | None = None
    last_step: int
    minutes: float | None = None
    url: str | None = None
    command: tuple[str, ...] = ()


class CurveBand(Record):
    """Mean over seeds at each grid step with its 95 % t interval, and every seed's own curve.

    `minutes`: what a run takes on average.
    """

    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    seeds: Mapping[int, tuple[float, ...]]
    minutes: float | None = None


class EstimateBand(Record):
    """An estimate with its 95 % interval at each point of an axis."""

    estimate: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class CurveResults(Record):
    """A number for all environments along an axis, a band a run set; of a verdict: the baseline's, the candidate's."""

    points: tuple[float, ...]
    bands: tuple[EstimateBand, ...]


class Curves(Record):
    """Learning curves on the common step grid, rounded to four significant digits: for pictures.

    `difference`: candidate minus baseline in each of 20 stretches of the budget (difference of means, t interval).
    """

    steps: tuple[float, ...]
    baseline: CurveBand | None = None
    candidate: CurveBand | None = None
    difference: EstimateBand | None = None


class EnvironmentVerdict(Record):
    """One environment. What could not be computed is None, and a finding or `note` says why.

    `shown_by`: the statistic that shows the harm, where it is proven. `threshold`: the score halfway up the scale.
    """

    env_id: str
    verdict: Word
    note: str | None = None
    p_harm: float | None = None
    p_equivalent: float | None = None
    p_improved: float | None = None
    shown_by: str | None = None
    change: float | None = None
    interval: Interval | None = None
    margin: float | None = None
    scale: float | None = None
    spread: float | None = None
    random_score: float | None = None
    random_score_from: str | None = None
    threshold: float | None = None
    mean_baseline: float | None = None
    mean_candidate: float | None = None
    probability_of_improvement: float | None = None
    n_baseline: int
    n_candidate: int
    minimum_detectable_change: float | None = None
    seeds_to_decide: int | None = None
    budget: int
    curves: Curves
    runs: tuple[RunRow, ...]


class FailureRecord(Record):
    """A process that failed: what it trained, why it ended, the last lines it printed."""

    label: str
    why: str
    log_tail: str


class Suite(Record):
    """All informative environments together: mean change with its 95 % interval, margin, p of the pass test.

    `within_margin`: the test rejects; `passed`: and there are seeds enough for it to count. `p_harm`: of "all together
    learn worse", Stouffer's combination of the environments' p.
    """

    change: float
    interval: Interval
    margin: float
    p_equivalent: float
    p_harm: float
    within_margin: bool
    passed: bool
    environments: int


class Aggregate(Record):
    """One number for all informative environments, of scores as shares of the scale, with its 95 % bootstrap interval.

    A comparison of the sides (the probability of improvement) has no baseline value.
    """

    name: str
    baseline: float | None = None
    baseline_interval: Interval | None = None
    candidate: float
    candidate_interval: Interval


class CommitRecord(Record):
    """A commit between the two versions."""

    commit: str
    author: str
    date: str
    subject: str


class SideRecord(Record):
    """Who took part: the reference as given, and what is known of its code and machine."""

    reference: str
    n_runs: int
    git_commit: str | None = None
    git_dirty: bool | None = None
    packages: Mapping[str, str] = {}
    machine: str | None = None
    python: str | None = None


class PolicyRecord(Record):
    """The planned error rates, and the smallest loss that matters in words.

    `looks`: after how many candidate seeds the data may be looked at, `look`: how many looks were taken (1: one).
    `named_level`, `suite_level`: what the smallest p of one environment, and that of all together, are held against.
    """

    alpha: float
    beta: float
    strict: bool
    smallest_loss: str
    looks: tuple[int, ...] = ()
    look: int = 1
    named_level: float | None = None
    suite_level: float | None = None


class NextStep(Record):
    """What to do now: a sentence, the command if there is one, and its cost."""

    text: str
    command: str | None = None
    minutes: float | None = None


class Cost(Record):
    """What the answer took: cells trained for it and known before; the candidate's minutes and environment steps."""

    cells_trained: int | None = None
    cells_known: int | None = None
    minutes: float | None = None
    environment_steps: int


class Verdict(Record):
    """The whole record; `environments` worst first, as they are shown.

    `profile`: the share of runs above each share of the scale. `commits`: what the candidate has and the baseline has
    not, newest first; `commits_left_out` more are not told.
    """

    model_config = ConfigDict(populate_by_name=True)

    schema_version: Literal[1] = Field(SCHEMA, alias="schema")
    verdict: Word
    exit_code: Annotated[int, Field(ge=0, le=255)]
    sentence: str
    benchmark: str | None
    metric: str
    step: str
    direction: Literal["higher-is-better", "lower-is-better"]
    baseline: SideRecord
    candidate: SideRecord
    policy: PolicyRecord
    suite: Suite | None
    aggregates: tuple[Aggregate, ...] = ()
    profile: CurveResults | None = None
    counts: Mapping[Word, int]
    environments: tuple[EnvironmentVerdict, ...]
    findings: tuple[Finding, ...]
    failures: tuple[FailureRecord, ...] = ()
    commits: tuple[CommitRecord, ...] = ()
    commits_left_out: int = 0
    next_step: NextStep
    method: tuple[str, ...]
    cost: Cost
    data_sha256: str
    command: str
    rlops_version: str
    created_at: str

    def identity(self) -> str:
        """sha256 of what was asked and answered: equal for the same runs under the same plan, whenever asked."""
        circumstances = {
            "created_at",
            "command",
            "commits",
            "commits_left_out",
            "cost",
            "failures",
            "next_step",
            "rlops_version",
        }
        return hashlib.sha256(self.model_dump_json(exclude=circumstances).encode()).hexdigest()


def read_verdict(path: Path) -> Verdict:
    """The record in the file at `path`; raises UsageError for a missing, oversized or foreign file."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"{path}: is larger than {MOST_BYTES >> 20} MiB; that is no verdict.json of rlops")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise UsageError(f"{path}: there is no verdict; `rlops compare` and `rlops gate` write one") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is not JSON: {error}") from None
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise UsageError(
            f"{path}: has schema {schema}, this rlops reads schema {SCHEMA}; make it again with `rlops compare`"
        )
    try:
        return Verdict.model_validate(content)
    except ValidationError as error:
        detail = error.errors()[0]
        where = ".".join(map(str, detail["loc"]))
        raise UsageError(f"{path}: {where}: {detail['msg']}; make it again with `rlops compare`") from None


def json_schema() -> dict[str, Any]:
    """The JSON Schema of verdict.json."""
    return Verdict.model_json_schema(by_alias=True)
