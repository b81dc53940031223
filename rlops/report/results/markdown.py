"""Published results as GitHub-flavoured Markdown, for docs."""

import urllib.parse
from collections.abc import Iterator, Sequence

from rlops.judge.results_record import Results
from rlops.report.findings import FindingGroup, said
from rlops.report.markup import code, fence, prose
from rlops.report.results.view import EnvironmentView, ResultsView, ScoresView, build_view

MOST_ENVIRONMENTS = 8
"""Named in one finding (arbitrary)."""
MOST_COLUMNS = 7
"""Of a table on a page of GitHub (arbitrary)."""
FIGURE_TITLES = {
    "curves": "Learning curves: mean over runs and its 95 % interval",
    "aggregates": "All environments in a few numbers, with 95 % intervals",
    "profile": "Performance profile: share of runs above a score",
    "sample_efficiency": "Sample efficiency: IQM of all runs over the budget",
}


def render_results_markdown(record: Results, figures: Sequence[tuple[str, str]] = ()) -> str:
    """The page as Markdown; `figures`: name and address of those that were drawn, where the page will stand."""
    view = build_view(record)
    blocks = [
        f"# {prose(view.heading)}",
        prose(view.sentence),
        "Made with:",
        fence(view.command, "sh"),
        "## Scores",
        _scores(view),
        *_figure("curves", figures),
        *_aggregates(view, figures),
        *_findings(view.findings),
        "## Every number",
        _every_number(view.environments),
        "## Method",
        *(prose(paragraph) for paragraph in view.method),
        "## Provenance",
        *_run_sets(view),
        "\n".join(f"- {label}: {code(value)}" for label, value in view.provenance),
    ]
    return "\n\n".join(blocks) + "\n"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A pipe table of cells that are Markdown already; the first `left` columns are text, the others numbers."""
    rule = [*([":--"] * left), *(["--:"] * (len(titles) - left))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (titles, rule, *rows))


def _scores(view: ResultsView) -> str:
    """Mean and interval, an environment a line, a run set a column; and whether they are of all runs."""
    rows = [["environment", *map(prose, view.labels)]]
    rows += [[prose(env.label), *map(_mean, env.scores)] for env in view.environments]
    return f"Mean over runs, [95 % interval].\n\n{_upright(rows, 'run set')}"


def _upright(rows: Sequence[Sequence[str]], corner: str) -> str:
    """The table, with a run set a line where there are more of them than a page has room for columns."""
    if len(rows[0]) <= max(MOST_COLUMNS, len(rows)):
        return _table(rows[0], rows[1:])
    titles, *turned = zip(*rows, strict=True)
    return _table([corner, *titles[1:]], turned)


def _mean(one: ScoresView) -> str:
    return one.mean_and_interval if one.is_complete else f"{one.mean_and_interval}; {one.seeds} runs"


def _every_number(environments: Sequence[EnvironmentView]) -> str:
    titles = ["environment", "run set", "mean", "95 %", "IQM", "95 %", "seeds", "steps", "time a run", "steps/s"]
    rows = [[prose(env.label), *_numbers(one)] for env in environments for one in env.scores]
    table = _table(titles, rows, left=2)
    return f"{table}\n\nSteps are those of all counted runs together; steps/s: with whatever else the machine did."


def _numbers(one: ScoresView) -> Iterator[str]:
    yield prose(one.label)
    yield from (one.mean, one.mean_interval, one.iqm, one.iqm_interval, one.seeds)
    yield from (one.steps, one.minutes, one.speed)


def _figure(name: str, figures: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield from (
        f"![{FIGURE_TITLES[name]}]({urllib.parse.quote(address)})" for drawn, address in figures if drawn == name
    )


def _aggregates(view: ResultsView, figures: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield "## All environments"
    yield prose(view.scale)
    if view.aggregates:
        rows = [["", *map(prose, view.labels)], *([prose(item.name), *item.cells] for item in view.aggregates)]
        yield _upright(rows, "")
        yield "\n".join(f"- {prose(item.name)}: {prose(item.note)}" for item in view.aggregates)
    for name in ("aggregates", "sample_efficiency", "profile"):
        yield from _figure(name, figures)
    if view.left_out:
        yield "Not among these numbers:"
        yield "\n".join(f"- {prose(label)}: {prose(why)}" for label, why in view.left_out)


def _findings(groups: Sequence[FindingGroup]) -> Iterator[str]:
    if not groups:
        return
    yield "## Findings"
    for group in groups:
        items = [f"  - {prose(said(item, MOST_ENVIRONMENTS))}" for item in group.items]
        yield "\n".join([f"- {group.symbol} {group.severity} {code(group.kind)}: {group.meaning}", *items])


def _run_sets(view: ResultsView) -> Iterator[str]:
    for item in view.run_sets:
        facts = [f"- {label}: {code(value)}" for label, value in item.facts]
        yield f"### {prose(item.label)}"
        yield "\n".join([*facts, f"- Command: {code(item.command)}"] if item.command else facts)
