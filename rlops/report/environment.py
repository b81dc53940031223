"""The view of one environment: its row in the table and its section."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rlops.judge.record import EnvironmentVerdict, RunRow
from rlops.report import text
from rlops.report.geometry import Scale, change_range
from rlops.report.pictures import IntervalDrawing, axis_scale, draw_interval
from rlops.report.words import WORDS

LONGEST_NOTE = 300


@dataclass(frozen=True)
class RunView:
    """One run in the per-seed table."""

    side: str
    seed: str
    final: str
    auc: str
    steps_to: str
    minutes: str
    last_step: str
    state: str
    counted: bool
    why_not: str | None
    link: str | None
    command: str | None


@dataclass(frozen=True)
class NumberView:
    """A number with its name and what it means here."""

    label: str
    value: str
    meaning: str


@dataclass(frozen=True)
class EnvironmentView:
    """One environment; `label` is `env_id` cut to a width that fits a table."""

    env_id: str
    label: str
    anchor: str
    word: str
    symbol: str
    tone: str
    passes: bool
    note: str | None
    mean_baseline: str
    mean_candidate: str
    change: str
    interval: str
    change_and_interval: str
    margin: str
    p_harm: str
    seeds: str
    drawing: IntervalDrawing
    numbers: tuple[NumberView, ...]
    runs: tuple[RunView, ...]


def common_scale(environments: Sequence[EnvironmentVerdict]) -> Scale:
    """The one axis on which the changes of all environments are drawn."""
    intervals = [item.interval for item in environments if item.interval is not None]
    changes = [item.change for item in environments if item.change is not None]
    margins = [item.margin for item in environments if item.margin is not None]
    return axis_scale(*change_range(changes, intervals, margins))


def environment_views(environments: Sequence[EnvironmentVerdict], scale: Scale) -> tuple[EnvironmentView, ...]:
    """The views in the order of the record."""
    anchors = anchors_of([environment.env_id for environment in environments])
    return tuple(_view(item, anchor, scale) for item, anchor in zip(environments, anchors, strict=True))


def anchors_of(env_ids: Sequence[str]) -> list[str]:
    """Ids for links, unlike each other even where the slugs are alike."""
    taken: dict[str, None] = {}
    for env_id in env_ids:
        base = f"env-{text.slug(env_id)}"
        anchor, number = base, 2
        while anchor in taken:
            anchor, number = f"{base}-{number}", number + 1
        taken[anchor] = None
    return list(taken)


def _view(item: EnvironmentVerdict, anchor: str, scale: Scale) -> EnvironmentView:
    style = WORDS[item.verdict]
    env_id = text.line(item.env_id) or "(no name)"
    return EnvironmentView(
        env_id=env_id,
        label=text.cut(env_id, text.LONGEST_LABEL),
        anchor=anchor,
        word=item.verdict.value,
        symbol=style.symbol,
        tone=style.tone,
        passes=style.passes,
        note=text.line(item.note, LONGEST_NOTE) if item.note else None,
        mean_baseline=text.score(item.mean_baseline),
        mean_candidate=text.score(item.mean_candidate),
        change=text.percent(item.change),
        interval=text.percent_interval(item.interval),
        change_and_interval=text.change(item.change, item.interval),
        margin=text.percent(item.margin, signed=False),
        p_harm=text.p_value(item.p_harm),
        seeds=f"{item.n_baseline:,} + {item.n_candidate:,}",
        drawing=draw_interval(scale, item.change, item.interval, item.margin),
        numbers=tuple(map(_explained, _numbers(item))),
        runs=tuple(_run(run) for run in item.runs),
    )


def _numbers(item: EnvironmentVerdict) -> Iterator[NumberView]:
    means = f"{text.score(item.mean_baseline)} → {text.score(item.mean_candidate)}"
    yield NumberView("Mean final", means, "baseline → candidate")
    change = text.change(item.change, item.interval)
    yield NumberView("Change, 95 % interval", change, f"of the scale, {text.score(item.scale)}")
    yield NumberView("Margin", text.percent(item.margin, signed=False), "the smallest loss that matters here")
    shown = f"harm is shown by {text.line(item.shown_by)}" if item.shown_by else "would be small if harm were shown"
    yield NumberView("p (worse)", text.p_value(item.p_harm), shown)
    yield NumberView("p (loss ≥ margin)", text.p_value(item.p_equivalent), "small where so large a loss is ruled out")
    yield NumberView("p (better)", text.p_value(item.p_improved), "small where improvement is shown")
    yield NumberView(
        "P(candidate > baseline)",
        text.probability(item.probability_of_improvement),
        "how many pairs of runs it wins; 0.50 is a draw",
    )
    yield NumberView("Spread", text.score(item.spread), "standard deviation of baseline runs")
    origin = text.line(item.random_score_from or "origin unknown", text.LONGEST_LABEL)
    yield NumberView("Random policy", text.score(item.random_score), f"where the scale begins ({origin})")
    if item.threshold is not None:
        yield NumberView("Halfway", text.score(item.threshold), "the score that “steps to halfway” waits for")
    detectable = text.percent(item.minimum_detectable_change, signed=False)
    yield NumberView("Detectable loss", detectable, "these runs find it in 80 of 100 cases")
    if item.seeds_to_decide is not None:
        yield NumberView("Seeds to decide", text.count(item.seeds_to_decide), "candidate seeds, an estimate")
    yield NumberView("Budget", f"{text.count(item.budget)} steps", "per run")


def _explained(number: NumberView) -> NumberView:
    return replace(number, meaning="not computed") if number.value == text.NONE else number


def _run(run: RunRow) -> RunView:
    return RunView(
        side=run.side,
        seed=str(run.seed),
        final=text.score(run.final),
        auc=text.score(run.auc),
        steps_to=text.NONE if run.steps_to is None else text.steps(run.steps_to),
        minutes=text.minutes(run.minutes),
        last_step=text.steps(run.last_step),
        state=_state(run),
        counted=run.counted,
        why_not=text.cut(text.clean(run.why_not).strip(), text.LONGEST_DETAIL) if run.why_not else None,
        link=text.web_link(run.url),
        command=text.clean(shlex.join(run.command)) if run.command else None,
    )


def _state(run: RunRow) -> str:
    state = text.line(run.state, text.LONGEST_LABEL)
    return state if run.counted else f"{state}, not counted"
