"""The history: a small file a verdict, kept in git, from which the site is made.

HISTORY/BENCHMARK/DATE-COMMIT-ID.json: what was said of which commit, and the scores it rests on; no curves. Numbers are
as in verdict.json, rounded to six significant digits.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rlops.errors import UsageError
from rlops.files import write_whole
from rlops.judge.record import EnvironmentVerdict, Interval, SideRecord, Suite, Verdict, Word

SCHEMA: Literal[1] = 1
MOST_BYTES = 1024 * 1024
DIGITS = 6
NO_BENCHMARK = "without-benchmark"
"""The folder of verdicts that belong to no benchmark."""
RESERVED = {NO_BENCHMARK, "reports", "index.html", "compare.html"}
"""What the site calls its other folders and files."""
ID_LENGTH = 12

HistoryRun = tuple[int, float, float]
"""A candidate seed with its `final` and `auc`."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class HistorySide(_Record):
    """Who took part. `kind` of reference: baseline, git, wandb, dir, file; None where it has none."""

    reference: str
    kind: str | None
    git_commit: str | None
    git_dirty: bool | None


class HistoryEnvironment(_Record):
    """One environment; `runs` are the candidate's that counted."""

    env_id: str
    verdict: Word
    change: float | None
    interval: Interval | None
    margin: float | None
    scale: float | None
    p_harm: float | None
    mean_baseline: float | None
    mean_candidate: float | None
    n_baseline: int
    n_candidate: int
    budget: int
    runs: tuple[HistoryRun, ...]


class HistorySuite(_Record):
    """The mean change over all informative environments."""

    change: float
    interval: Interval
    margin: float


class HistoryEntry(_Record):
    """One verdict. `id`: equal for the same runs under the same plan, whenever asked."""

    model_config = ConfigDict(populate_by_name=True)

    schema_version: Literal[1] = Field(SCHEMA, alias="schema")
    id: str = Field(pattern=r"^[0-9a-f]{12}$")
    created_at: str
    verdict: Word
    exit_code: int
    sentence: str
    benchmark: str | None
    metric: str
    direction: Literal["higher-is-better", "lower-is-better"]
    baseline: HistorySide
    candidate: HistorySide
    suite: HistorySuite | None
    data_sha256: str
    environments: tuple[HistoryEnvironment, ...]

    @property
    def folder(self) -> str:
        """The name of the benchmark's folder, in the history and on the site."""
        return folder_name(self.benchmark)

    @property
    def file_name(self) -> str:
        """DATE-COMMIT-ID.json."""
        day = re.match(r"\d{4}-\d\d-\d\d", self.created_at)
        commit = re.fullmatch(r"[0-9a-f]{7,64}", self.candidate.git_commit or "")
        return f"{day[0] if day else 'undated'}-{commit[0][:7] if commit else 'none'}-{self.id}.json"

    def to_json(self) -> str:
        """The text of the file: a line an environment, so that git shows which one changed."""
        content = self.model_dump(mode="json", by_alias=True)
        lines = [json.dumps(item) for item in content.pop("environments")]
        head = json.dumps(content, indent=1).removesuffix("\n}")
        return f'{head},\n "environments": [\n  ' + ",\n  ".join(lines) + "\n ]\n}\n"


def folder_name(benchmark: str | None) -> str:
    """A benchmark's name as that of a folder: itself where it is fit for one, else what is left of it and a hash."""
    if benchmark is None:
        return NO_BENCHMARK
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,79}", benchmark) and benchmark not in RESERVED:
        return benchmark
    left = re.sub(r"[^A-Za-z0-9_]+", "-", benchmark).strip("-")[:60]
    return f"{left}-{hashlib.sha256(benchmark.encode('utf-8', 'replace')).hexdigest()[:8]}".lstrip("-")


def verdict_id(verdict: Verdict) -> str:
    """What the entry and the report of a verdict are called: equal for the same runs under the same plan.

    Of facts that every verdict of schema 1 has, unlike its `identity`: a newer rlops must know an old one's entries.
    """
    policy = verdict.policy
    facts = (
        verdict.data_sha256,
        (verdict.benchmark, verdict.metric, verdict.direction, policy.alpha, policy.beta, policy.strict),
        [(side.reference, side.git_commit, side.git_dirty) for side in (verdict.baseline, verdict.candidate)],
        (verdict.verdict, verdict.exit_code, verdict.sentence),
        [
            (item.env_id, item.verdict, item.budget, item.margin, item.n_baseline, item.n_candidate)
            for item in verdict.environments
        ],
    )
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:ID_LENGTH]


def history_entry(verdict: Verdict, baseline_kind: str | None, candidate_kind: str | None) -> HistoryEntry:
    """The entry of a verdict; `*_kind`: the kind of reference of each side."""
    return HistoryEntry(
        id=verdict_id(verdict),
        created_at=verdict.created_at,
        verdict=verdict.verdict,
        exit_code=verdict.exit_code,
        sentence=verdict.sentence,
        benchmark=verdict.benchmark,
        metric=verdict.metric,
        direction=verdict.direction,
        baseline=_side(verdict.baseline, baseline_kind),
        candidate=_side(verdict.candidate, candidate_kind),
        suite=_suite(verdict.suite),
        data_sha256=verdict.data_sha256,
        environments=tuple(_environment(item) for item in verdict.environments),
    )


def write_entry(entry: HistoryEntry, history: Path) -> Path:
    """Write the entry below `history`; its path."""
    path = history / entry.folder / entry.file_name
    write_whole(path, entry.to_json())
    return path


def read_history(history: Path) -> list[HistoryEntry]:
    """All entries below `history`, oldest first; UsageError for a file that is none."""
    entries = [_read(path) for path in sorted(history.glob("*/*.json"))]
    return sorted(entries, key=lambda entry: (entry.created_at, entry.id))


def _read(path: Path) -> HistoryEntry:
    remedy = "restore it from git, or remove it: `rlops site build` writes it again from its verdict"
    if path.stat().st_size > MOST_BYTES:
        raise UsageError(f"{path}: is larger than {MOST_BYTES >> 20} MiB; that is no entry of a history; {remedy}")
    try:
        return HistoryEntry.model_validate_json(path.read_bytes())
    except ValidationError as error:
        detail = error.errors()[0]
        where = ".".join(map(str, detail["loc"]))
        raise UsageError(f"{path}: {f'{where}: ' if where else ''}{detail['msg']}; {remedy}") from None


def _side(side: SideRecord, kind: str | None) -> HistorySide:
    return HistorySide(reference=side.reference, kind=kind, git_commit=side.git_commit, git_dirty=side.git_dirty)


def _suite(suite: Suite | None) -> HistorySuite | None:
    if suite is None:
        return None
    interval = (_round(suite.interval[0]), _round(suite.interval[1]))
    return HistorySuite(change=_round(suite.change), interval=interval, margin=_round(suite.margin))


def _environment(item: EnvironmentVerdict) -> HistoryEnvironment:
    runs = [run for run in item.runs if run.side == "candidate" and run.counted]
    return HistoryEnvironment(
        env_id=item.env_id,
        verdict=item.verdict,
        change=_one(item.change),
        interval=None if item.interval is None else (_round(item.interval[0]), _round(item.interval[1])),
        margin=_one(item.margin),
        scale=_one(item.scale),
        p_harm=_one(item.p_harm),
        mean_baseline=_one(item.mean_baseline),
        mean_candidate=_one(item.mean_candidate),
        n_baseline=item.n_baseline,
        n_candidate=item.n_candidate,
        budget=item.budget,
        runs=tuple(
            (run.seed, _round(run.final), _round(run.auc))
            for run in sorted(runs, key=lambda run: run.seed)
            if run.final is not None and run.auc is not None
        ),
    )


def _one(value: float | None) -> float | None:
    return None if value is None else _round(value)


def _round(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
