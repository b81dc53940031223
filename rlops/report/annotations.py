"""The verdict as annotations of a GitHub workflow run: commands on stdout, one a line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rlops.judge.record import Verdict, Word
from rlops.report import text
from rlops.report.environment import EnvironmentView
from rlops.report.findings import FindingGroup, said
from rlops.report.view import ReportView, build_view
from rlops.report.words import WORDS

LONGEST_TITLE = 120
LONGEST_MESSAGE = 1000
MOST_ENVIRONMENTS = 3
LEVELS = ("notice", "warning", "error")
SEVERITIES = {"not-comparable": "error", "failed": "error", "warning": "warning"}
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


@dataclass(frozen=True)
class Annotation:
    """One annotation before it is escaped; `lines` are shown one below the other."""

    level: str
    title: str
    lines: tuple[str, ...]

    def command(self) -> str:
        """The workflow command; no text of a stranger can end it or start another."""
        title = _escaped(text.line(self.title, LONGEST_TITLE), _PROPERTY)
        message = "\n".join(text.line(line, LONGEST_MESSAGE) for line in self.lines)
        return f"::{self.level} title={title}::{_escaped(message, _DATA)}"


def annotations(verdict: Verdict, *, most: int = 10) -> list[str]:
    """At most `most` workflow commands, the most important first; the last one says how many are left out."""
    view = build_view(verdict)
    all_of_them = list(_annotations(view, f"rlops {text.line(verdict.benchmark or 'compare')}"))
    shown = all_of_them[: max(1, most)]
    if more := len(all_of_them) - len(shown):
        last = shown[-1]
        shown[-1] = Annotation(last.level, last.title, (*last.lines, f"{more} more: see the report"))
    return [annotation.command() for annotation in shown]


def _annotations(view: ReportView, who: str) -> Iterator[Annotation]:
    """Nothing is louder than the verdict, and a passing one is explained by its findings alone."""
    loudest = _loudest(view)
    yield _sentence(view, who, loudest)
    if loudest != "notice" and view.judged:
        yield from (_environment(env, who, loudest) for env in view.environments if not env.passes)
    most = max(loudest, "warning", key=LEVELS.index)
    yield from (_finding(group, who, most) for group in view.findings if group.severity in SEVERITIES)


def _loudest(view: ReportView) -> str:
    if WORDS[view.word].passes:
        return "notice"
    return "error" if view.judged and view.word is not Word.INCONCLUSIVE else "warning"


def _sentence(view: ReportView, who: str, level: str) -> Annotation:
    step = view.next_step
    cost = f" ({step.cost})" if step.cost else ""
    lines = (f"{view.symbol} {view.sentence}", f"Next: {step.text}{cost}", step.command)
    return Annotation(level, who, tuple(line for line in lines if line))


def _environment(env: EnvironmentView, who: str, loudest: str) -> Annotation:
    level = "warning" if env.word == Word.INCONCLUSIVE else loudest
    numbers = (
        ("change", env.change_and_interval),
        ("margin", env.margin),
        ("p (worse)", env.p_harm),
        ("seeds", env.seeds),
    )
    known = ", ".join(f"{label} {value}" for label, value in numbers if value != text.NONE)
    return Annotation(level, f"{who}: {env.label} {env.word}", tuple(part for part in (env.note, known) if part))


def _finding(group: FindingGroup, who: str, loudest: str) -> Annotation:
    level = min(SEVERITIES[group.severity], loudest, key=LEVELS.index)
    items = [said(item, MOST_ENVIRONMENTS) for item in group.items]
    more = f" (and {len(items) - 1} more)" if len(items) > 1 else ""
    return Annotation(level, f"{who}: {group.kind}", (f"{items[0]}{more}", group.meaning))


def _escaped(shown: str, table: Mapping[str, str | int | None]) -> str:
    return shown.translate(str.maketrans(dict(table)))
