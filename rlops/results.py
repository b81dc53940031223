"""From run-set references to the record of what they achieved, and where it is kept. Trains nothing, judges nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rlops.curves import (
    Baseline,
    Freezing,
    Reference,
    RunSet,
    metric_name,
    parse_reference,
)
from rlops.errors import NoBaselineError, UsageError
from rlops.files import write_whole
from rlops.judge import Entry, Results, ResultsTerms, definition_findings, results
from rlops.plan import EnvironmentPlan, Metric, format_seeds
from rlops.run_sets import Terms, budgets_of, load_run_set, occasion, stored_baseline
from rlops.training import Watchers
from rlops.workspace import Workspace

MOST_RUN_SETS = 16
"""More lines than these cannot be told apart in one picture (arbitrary)."""


def publish_references(
    workspace: Workspace, references: Sequence[str], labels: Sequence[str], terms: Terms, watchers: Watchers
) -> Results:
    """What the run sets achieved, the first one being 1 on the scale. `labels`: one each, or none."""
    asked = [parse_reference(text) for text in references]
    names = _names(asked, labels)
    baselines = {one.text: stored_baseline(workspace, one) for one in asked if one.kind == "baseline"}
    terms = _terms(list(baselines.values()), terms)
    entries = [
        _entry(workspace, reference, name, baselines.get(reference.text), terms, watchers)
        for reference, name in zip(asked, names, strict=True)
    ]
    horizons = _horizons(terms, [entry.runs for entry in entries])
    yardsticks = _yardsticks(entries[0], baselines.get(asked[0].text), terms, horizons)
    benchmark = terms.benchmark.name if terms.benchmark else _one_benchmark(asked, list(baselines.values()))
    return results(entries, ResultsTerms(terms.metric, horizons, yardsticks, benchmark), occasion())


def results_folder(workspace: Workspace, record: Results) -> Path:
    """Where the record belongs: the same data give the same folder."""
    return workspace.results / f"{record.benchmark or 'results'}-{record.identity()[:12]}"


def write_results(workspace: Workspace, record: Results, rendered: dict[str, str]) -> Path:
    """The folder with results.json and what was rendered of it, by file name."""
    workspace.prepare()
    folder = results_folder(workspace, record)
    for name, content in {**rendered, "results.json": record.to_json()}.items():
        write_whole(folder / name, content)
    return folder


def _names(asked: Sequence[Reference], labels: Sequence[str]) -> list[str]:
    """What the run sets are called, unlike each other."""
    if len(asked) > MOST_RUN_SETS:
        raise UsageError(
            f"{len(asked)} run sets cannot be told apart on one page; publish at most {MOST_RUN_SETS} together"
        )
    if labels and len(labels) != len(asked):
        raise UsageError(f"--label is given {len(labels)} times for {len(asked)} run sets; say one for each, in order")
    names = list(labels) or [reference.label for reference in asked]
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise UsageError(f"{count} run sets are called '{name}'; tell them apart with --label, once for each, in order")
    return names


def _terms(baselines: Sequence[Baseline], terms: Terms) -> Terms:
    """The metric is that of the benchmark, else of the baselines, else of the command line."""
    metrics = {f"baseline '{item.name}'": (item.metric, item.step, item.direction) for item in baselines}
    if terms.benchmark is not None:
        own = terms.benchmark.metric
        metrics[f"benchmark '{terms.benchmark.name}'"] = (own.name, own.step, own.direction)
    if not metrics:
        return terms
    first, *others = metrics
    for other in others:
        if metrics[other] != metrics[first]:
            raise UsageError(
                f"the {first} measures {' '.join(metrics[first])}, the {other} {' '.join(metrics[other])}; "
                "publish what is measured alike"
            )
    name, step, direction = metrics[first]
    return replace(terms, metric=Metric(name=name, step=step, direction=direction))


def _entry(
    workspace: Workspace, reference: Reference, label: str, baseline: Baseline | None, terms: Terms, watchers: Watchers
) -> Entry:
    if baseline is not None:
        runs = replace(baseline.run_set(), reference=reference.text)
        left_out = {item.env_id: item.left_out for item in baseline.environments}
        accepted = definition_findings(baseline, None)
        return Entry(label, runs, baseline.metric, baseline.benchmark_command, left_out, accepted)
    name = metric_name(reference, terms.metric.name)
    if reference.kind == "git" and terms.benchmark is not None and reference.seeds is None:
        # A version may have been trained as a baseline or as a candidate: all that there is counts.
        both = sorted({*terms.benchmark.seeds.baseline, *terms.benchmark.seeds.candidate})
        reference = replace(reference, filters={**reference.filters, "seed": (format_seeds(both),)})
    named = replace(terms, metric=terms.metric.model_copy(update={"name": name}))
    runs = load_run_set(workspace, reference, named, watchers, "candidate")
    command = next((run.command for run in runs.runs if run.command), ())
    return Entry(label, replace(runs, reference=reference.text), name, command)


def _horizons(terms: Terms, run_sets: Sequence[RunSet]) -> dict[str, int]:
    """Of every environment that some run set has, the last step that all of them reach; of runs that came to an end."""
    ended = [replace(one, runs=tuple(run for run in one.runs if run.state == "finished")) for one in run_sets]
    everything = RunSet("", tuple(run for one in run_sets for run in one.runs))
    return budgets_of(terms, everything, *ended)


def _yardsticks(
    first: Entry, baseline: Baseline | None, terms: Terms, horizons: dict[str, int]
) -> tuple[EnvironmentPlan, ...]:
    """The scale of every environment in which the first run set has two sound runs."""
    measured = {
        item.env_id: item.random_score
        for item in (baseline.environments if baseline else ())
        if item.random_score_from == "random policy, 100 episodes"
    }
    freezing = Freezing(terms.metric, terms.margins, horizons, measured)
    try:
        return freezing.freeze(first.label, first.runs).yardsticks()
    except NoBaselineError:
        return ()  # the page names what is wrong with the runs


def _one_benchmark(asked: Sequence[Reference], baselines: Sequence[Baseline]) -> str | None:
    """The benchmark that all run sets are of, if they are baselines of one."""
    names = {item.benchmark for item in baselines}
    return names.pop() if len(names) == 1 and all(one.kind == "baseline" for one in asked) else None
