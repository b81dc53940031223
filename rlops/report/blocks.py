"""The blocks of the Markdown below its head: environments, findings, failures, and what is folded."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rlops.judge.record import Word
from rlops.report import text
from rlops.report.environment import EnvironmentView
from rlops.report.findings import FailureView, FindingGroup, said
from rlops.report.markup import code, fence, prose
from rlops.report.view import Difference, ReportView
from rlops.report.words import WORDS

LONGEST_SAID = 400
MOST_ITEMS = 5
"""Findings of one kind, and environments of one finding (arbitrary, as the other limits to what is brief)."""
MOST_FAILURES = 5
ALL = sys.maxsize
ROWS_OF_A_FOLD = (ALL, 100, 20)
MORE = "see the report"


@dataclass(frozen=True)
class Room:
    """How much there is room for: letters of a text, lines of a log, rows of a table or list."""

    letters: int = text.LONGEST_DETAIL
    log_lines: int = ALL
    rows: int = ALL


NUMBERS: tuple[tuple[str, Callable[[EnvironmentView], str]], ...] = (
    ("change, 95 % interval", lambda env: env.change_and_interval),
    ("margin", lambda env: env.margin),
    ("p (worse)", lambda env: env.p_harm),
    ("seeds", lambda env: env.seeds),
    ("mean, baseline → candidate", lambda env: f"{env.mean_baseline} → {env.mean_candidate}"),
)


@dataclass(frozen=True)
class Fold:
    """A block that opens on a click; `bodies`: the same, ever shorter."""

    title: str
    bodies: tuple[str, ...]

    def versions(self) -> Iterator[str]:
        """The folded block, the longest version first."""
        return (_folded(self.title, body) for body in self.bodies)


def unfolded(view: ReportView, room: Room) -> Iterator[str]:
    """What is in the way of a pass, and what must be known."""
    if not _is_folded(view):
        yield from _environments([env for env in view.environments if not env.passes], room)
    yield from _suite(view, in_the_way=True)
    yield from _findings([group for group in view.findings if group.severity != "note"], room)
    yield from _failures(view.failures, room)


def folds(view: ReportView) -> list[Fold]:
    """What few readers need, what is most needed first."""
    passing = [env for env in view.environments if env.passes]
    failing = [env for env in view.environments if not env.passes]
    folded: list[Fold | None] = []
    if _is_folded(view):
        verbs = ("does not pass alone", "do not pass alone") if view.judged else ("was not judged", "were not judged")
        folded.append(_environment_fold(failing, verbs))
    folded.append(_environment_fold(passing, ("passes", "pass"), *_suite(view, in_the_way=False)))
    folded += [_notes(view), _compared(view), _method(view), _provenance(view)]
    return [fold for fold in folded if fold is not None]


def _is_folded(view: ReportView) -> bool:
    """Is no environment in the way of a pass: a pass by the mean alone, or nothing was judged."""
    return WORDS[view.word].passes or not view.judged


def _environments(environments: Sequence[EnvironmentView], room: Room) -> Iterator[str]:
    """A table where there is a change to show, or the names alone; with the notes."""
    shown = environments[: room.rows]
    numbers = _are_numbers(shown)
    if numbers:
        yield _table(shown)
    remarks = [(remark, env) for env in shown if (remark := _remark(env, room, numbers=numbers))]
    if remarks:
        yield _listed(remarks)
    if more := len(environments) - len(shown):
        yield f"{text.counted(more, 'environment')} more: {MORE}."


def _table(environments: Sequence[EnvironmentView]) -> str:
    """Only the names are text of strangers: the numbers are formatted here."""
    titles = ["environment", "verdict", *(title for title, _ in NUMBERS)]
    rows = [
        [prose(env.label), f"{env.symbol} {env.word}", *(number(env) for _, number in NUMBERS)] for env in environments
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (titles, [":--", ":--", *["--:"] * len(NUMBERS)], *rows))


def _remark(env: EnvironmentView, room: Room, *, numbers: bool) -> str:
    note = prose(text.cut(env.note, room.letters)) if env.note else ""
    return note if numbers else ": ".join(part for part in (f"{env.symbol} {env.word}", note) if part)


def _listed(remarks: Sequence[tuple[str, EnvironmentView]]) -> str:
    """What is said of environments, once each; with stars, because a list of findings may follow."""
    names: dict[str, list[str]] = {}
    for what, env in remarks:
        names.setdefault(what, []).append(prose(env.label))
    return "\n".join(f"* {', '.join(who)}: {what}" for what, who in names.items())


def _suite(view: ReportView, *, in_the_way: bool) -> Iterator[str]:
    """The mean over all environments, if it stands in the way of a pass as asked for."""
    fact = view.facts[0]
    is_in_the_way = view.word in {Word.REGRESSED, Word.INCONCLUSIVE} and fact.tone == "warn"
    if in_the_way == is_in_the_way and _are_numbers(view.environments) and fact.value != text.NONE:
        yield f"{fact.label}: {fact.value}, {fact.detail}."


def _are_numbers(environments: Sequence[EnvironmentView]) -> bool:
    return any(env.change != text.NONE for env in environments)


def _findings(groups: Sequence[FindingGroup], room: Room) -> Iterator[str]:
    shown = groups[: room.rows]
    if shown:
        yield "\n".join(line for group in shown for line in _finding(group, room))
    if more := len(groups) - len(shown):
        yield f"{text.counted(more, 'finding')} more: {MORE}."


def _finding(group: FindingGroup, room: Room) -> Iterator[str]:
    """What one item says on one line, several items below what they mean."""
    head = f"- {group.symbol} {group.severity} {code(group.kind)}"
    longest = min(LONGEST_SAID, room.letters)
    items = [prose(text.cut(said(item, MOST_ITEMS), longest).removesuffix(".")) for item in group.items]
    if len(items) == 1:
        yield f"{head}: {items[0]}. {group.meaning}"
        return
    yield f"{head}: {group.meaning}"
    yield from (f"  - {item}" for item in items[:MOST_ITEMS])
    if len(items) > MOST_ITEMS:
        yield f"  - {len(items) - MOST_ITEMS} more: {MORE}"


def _failures(failures: Sequence[FailureView], room: Room) -> Iterator[str]:
    shown = failures[: min(MOST_FAILURES, room.rows)]
    for failure in shown:
        yield f"✕ {prose(text.cut(f'{failure.label}: {failure.why}', min(LONGEST_SAID, room.letters)))}"
        lines = failure.log_tail.strip("\n").splitlines()
        last = lines[max(0, len(lines) - room.log_lines) :]
        if last:
            yield _folded(f"The end of its log, {text.counted(len(last), 'line')}", fence("\n".join(last), "text"))
        elif lines:
            yield f"Its log is too long for a comment: {MORE}."
    if more := len(failures) - len(shown):
        yield f"{text.counted(more, 'failure')} more: {MORE}."


def _folded(title: str, body: str) -> str:
    """The empty lines matter: without them the body would be HTML."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _environment_fold(environments: Sequence[EnvironmentView], verbs: tuple[str, str], *more: str) -> Fold | None:
    if not environments:
        return None
    bodies = tuple("\n\n".join([*_environments(environments, Room(rows=rows)), *more]) for rows in ROWS_OF_A_FOLD)
    return Fold(f"{text.counted(len(environments), 'environment')} {verbs[len(environments) > 1]}", bodies)


def _notes(view: ReportView) -> Fold | None:
    notes = [group for group in view.findings if group.severity == "note"]
    bodies = tuple("\n\n".join(_findings(notes, Room(rows=rows))) for rows in ROWS_OF_A_FOLD)
    return Fold(text.counted(len(notes), "note"), bodies) if notes else None


def _compared(view: ReportView) -> Fold:
    unequal = [item for item in view.packages if item.unequal]
    lines = [_difference(item) for item in (*view.compared, *unequal)]
    if equal := len(view.packages) - len(unequal):
        lines.append(f"- {text.counted(equal, 'package')} with equal versions")
    return Fold("What was compared", ("\n".join(lines),))


def _difference(item: Difference) -> str:
    values = [code(item.baseline), code(item.candidate)]
    shown = values[0] if values[0] == values[1] else " → ".join(values)
    return f"- {'⚠ ' if item.unequal else ''}{prose(item.label)}: {shown}"


def _method(view: ReportView) -> Fold | None:
    """How to read the numbers and how often they mislead, where there are any; how they came about."""
    parts = [prose(paragraph) for paragraph in view.method]
    if _are_numbers(view.environments):
        legend = (
            f"Score of a run: {code(view.metric)}, mean of the last 10 % of steps, {view.direction}. "
            "Change: in units of what the baseline gained over a random policy; negative is worse. "
            "Interval: a picture, the tests decide. Seeds: baseline + candidate."
        )
        parts = [legend, "\n".join(f"- {label}: {prose(value)}" for label, value in view.policy), *parts]
    return Fold("Method and error rates", ("\n\n".join(parts),)) if parts else None


def _provenance(view: ReportView) -> Fold:
    lines = [f"- {label}: {value}" for label, value in view.cost]
    lines += [f"- {label}: {code(value)}" for label, value in view.provenance]
    return Fold("Cost and provenance", ("\n".join(lines),))
