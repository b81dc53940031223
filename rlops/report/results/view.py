"""The view model of published results: everything that tables show, as finished strings."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rlops.judge.results_record import EnvironmentResults, Estimate, ResultRun, Results, RunSetRecord, Scores
from rlops.report import text
from rlops.report.environment import anchors_of
from rlops.report.findings import FailureView, FindingGroup, finding_groups

LONGEST_TITLE = 200
LONGEST_HEADING = 600
LONGEST_NAME = 40
"""Of a run set in tables and legends."""
AGGREGATE_NOTES = {
    "IQM": "mean of the middle half of all runs",
    "mean": "over environments, of each one's mean",
    "median": "over environments, of each one's mean",
    "optimality gap": "how far runs stay below 1, lower is better",
    "P(better)": "a run scores higher than one of {first}; 0.50 is a draw",
}


@dataclass(frozen=True)
class ScoresView:
    """What a run set achieved in one environment; `number` is its place among the run sets."""

    number: int
    label: str
    mean: str
    mean_interval: str
    iqm: str
    iqm_interval: str
    seeds: str
    is_complete: bool
    steps: str
    minutes: str
    speed: str

    @property
    def mean_and_interval(self) -> str:
        """Both, as one cell."""
        return self.mean if self.mean_interval == text.NONE else f"{self.mean} {self.mean_interval}"


@dataclass(frozen=True)
class RunView:
    """One run in the list of all."""

    number: int
    label: str
    seed: str
    final: str
    auc: str
    last_step: str
    minutes: str
    state: str
    counted: bool
    why_not: str | None
    link: str | None


@dataclass(frozen=True)
class EnvironmentView:
    """One environment; `label` is `env_id` cut to a width that fits a table."""

    env_id: str
    label: str
    anchor: str
    budget: str
    scale: str
    note: str | None
    scores: tuple[ScoresView, ...]
    runs: tuple[RunView, ...]


@dataclass(frozen=True)
class AggregateView:
    """One number for all environments: its name, what it is, and a cell a run set."""

    name: str
    note: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class RunSetView:
    """Who a run set is."""

    number: int
    label: str
    facts: tuple[tuple[str, str], ...]
    command: str | None


@dataclass(frozen=True)
class ResultsView:
    """All that is shown; `failures` is for the findings' template: a page of results has none."""

    title: str
    heading: str
    sentence: str
    metric: str
    step: str
    labels: tuple[str, ...]
    environments: tuple[EnvironmentView, ...]
    aggregates: tuple[AggregateView, ...]
    scale: str
    left_out: tuple[tuple[str, str], ...]
    findings: tuple[FindingGroup, ...]
    failures: tuple[FailureView, ...]
    method: tuple[str, ...]
    run_sets: tuple[RunSetView, ...]
    provenance: tuple[tuple[str, str], ...]
    command: str


def build_view(record: Results) -> ResultsView:
    """The strings of a record."""
    labels = tuple(name(item.label) for item in record.run_sets)
    anchors = anchors_of([item.env_id for item in record.environments])
    environments = tuple(
        _environment(item, anchor, labels) for item, anchor in zip(record.environments, anchors, strict=True)
    )
    by_name = {view.env_id: view.anchor for view in environments}
    return ResultsView(
        title=f"{text.line(record.title, LONGEST_TITLE)} · rlops",
        heading=text.line(record.title, LONGEST_HEADING),
        sentence=_sentence(record),
        metric=text.line(record.metric, text.LONGEST_LABEL),
        step=text.line(record.step, text.LONGEST_LABEL),
        labels=labels,
        environments=environments,
        aggregates=tuple(_aggregates(record, labels)),
        scale=_scale(record, labels),
        left_out=tuple((view.label, view.note) for view in environments if view.note),
        findings=finding_groups(record.findings, by_name),
        failures=(),
        method=tuple(text.line(paragraph) for paragraph in record.method),
        run_sets=tuple(_run_set(i, item, labels[i]) for i, item in enumerate(record.run_sets)),
        provenance=tuple(_provenance(record)),
        command=text.line(record.command),
    )


def name(label: str) -> str:
    """A run set's name as it stands in tables and legends."""
    return text.line(label, LONGEST_NAME) or "(no name)"


def interval(estimate: Estimate | None) -> str:
    """The two ends in the units of a score: '[7001, 7455]'."""
    if estimate is None or estimate.interval is None:
        return text.NONE
    low, high = map(text.score, estimate.interval)
    return f"[{low}, {high}]"


def _sentence(record: Results) -> str:
    all_runs = [run for item in record.environments for scores in item.scores for run in scores.runs]
    counted = sum(run.counted for run in all_runs)
    metric = text.line(record.metric, text.LONGEST_LABEL)
    direction = record.direction.replace("-", " ")
    sets = text.counted(len(record.run_sets), "run set")
    where = text.counted(len(record.environments), "environment")
    runs = "all counted" if counted == len(all_runs) else f"{counted:,} of them counted"
    return (
        f"What {sets} achieved in {where}: {metric}, {direction}, mean of the last 10 % of steps; "
        f"{text.counted(len(all_runs), 'run')}, {runs}. Published without a verdict."
    )


def _environment(item: EnvironmentResults, anchor: str, labels: Sequence[str]) -> EnvironmentView:
    env_id = text.line(item.env_id) or "(no name)"
    scale = f"random score {text.score(item.random_score)} ({text.line(item.random_score_from or 'unknown')})"
    return EnvironmentView(
        env_id=env_id,
        label=text.cut(env_id, text.LONGEST_LABEL),
        anchor=anchor,
        budget=f"{text.count(item.budget)} steps",
        scale=scale if item.random_score is not None else "random score unknown",
        note=text.line(item.no_shares) if item.no_shares else None,
        scores=tuple(_scores(i, label, item.scores[i]) for i, label in enumerate(labels)),
        runs=tuple(_run(i, label, run) for i, label in enumerate(labels) for run in item.scores[i].runs),
    )


def _scores(number: int, label: str, item: Scores) -> ScoresView:
    complete = item.n_counted == item.n_runs
    return ScoresView(
        number=number,
        label=label,
        mean=text.score(item.mean.value if item.mean else None),
        mean_interval=interval(item.mean),
        iqm=text.score(item.iqm.value if item.iqm else None),
        iqm_interval=interval(item.iqm),
        seeds=f"{item.n_counted:,}" if complete else f"{item.n_counted:,} of {item.n_runs:,}",
        is_complete=complete,
        steps=text.steps(item.environment_steps),
        minutes=text.minutes(item.minutes),
        speed=text.NONE if item.steps_per_second is None else f"{item.steps_per_second:,.0f}",
    )


def _run(number: int, label: str, run: ResultRun) -> RunView:
    state = text.line(run.state, text.LONGEST_LABEL)
    return RunView(
        number=number,
        label=label,
        seed=str(run.seed),
        final=text.score(run.final),
        auc=text.score(run.auc),
        last_step=text.steps(run.last_step),
        minutes=text.minutes(run.minutes),
        state=state if run.counted else f"{state}, not counted",
        counted=run.counted,
        why_not=text.cut(text.clean(run.why_not).strip(), text.LONGEST_DETAIL) if run.why_not else None,
        link=text.web_link(run.url),
    )


def _aggregates(record: Results, labels: Sequence[str]) -> Iterator[AggregateView]:
    for item in record.aggregates:
        cells = tuple(text.NONE if one is None else text.estimate(one.value, one.interval) for one in item.estimates)
        note = AGGREGATE_NOTES.get(item.name, "").format(first=labels[0])
        yield AggregateView(text.line(item.name), note, cells)


def _scale(record: Results, labels: Sequence[str]) -> str:
    number, total = len(record.counted_environments), len(record.environments)
    if not number:
        return (
            "No environment has a scale and two counted runs of every run set, so there are no numbers for all of them."
        )
    which = "the one environment" if number == total == 1 else f"{number:,} of {total:,} environments"
    return (
        f"Scores of {which} as shares of the scale: 0 is the random score, 1 the mean of {labels[0]}. "
        "95 % stratified bootstrap intervals."
    )


def _run_set(number: int, item: RunSetRecord, label: str) -> RunSetView:
    source = item.source
    dirty = " + uncommitted changes" if source.git_dirty else ""
    packages = ", ".join(f"{key} {value}" for key, value in sorted(source.packages.items()))
    facts = (
        ("Run set", source.reference),
        ("Metric", item.metric),
        ("Runs", text.count(source.n_runs)),
        ("Commit", f"{source.git_commit}{dirty}" if source.git_commit else None),
        ("Packages", packages),
        ("Python", source.python),
        ("Machine", source.machine),
    )
    return RunSetView(
        number=number,
        label=label,
        facts=tuple((key, text.line(value) or text.NONE) for key, value in facts if value),
        command=text.line(shlex.join(item.command)) if item.command else None,
    )


def _provenance(record: Results) -> Iterator[tuple[str, str]]:
    if record.benchmark:
        yield "Benchmark", text.line(record.benchmark)
    yield "sha256 of the data", text.line(record.data_sha256)
    yield "rlops", text.line(record.rlops_version)
    yield "Made at", text.line(record.created_at)
