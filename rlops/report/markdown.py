"""The verdict as GitHub-flavoured Markdown, for a pull-request comment and a job summary.

What the reader needs stands first, the rest is folded. Where it is too long for a comment, folds go first, then logs,
then rows; marker, sentence and next step always stay.
"""

import urllib.parse
from collections.abc import Iterator, Sequence

from rlops.judge.record import Verdict
from rlops.report import text
from rlops.report.blocks import ALL, MORE, Fold, Room, folds, unfolded
from rlops.report.markup import code, fence, prose
from rlops.report.view import ReportView, SideView, build_view

LONGEST = 65_536
"""The longest comment GitHub takes, in characters."""
LONGEST_MARKER = 200
ROOMS = (
    *(Room(log_lines=lines) for lines in (ALL, 10, 3, 0)),
    *(Room(log_lines=0, rows=rows) for rows in (300, 100, 30)),
    *(Room(letters, 0, rows) for letters, rows in ((1000, 30), (400, 10), (200, 3), (100, 1), (30, 0))),
)
"""From all the room there is to hardly any."""


def marker(benchmark: str | None) -> str:
    """The hidden first line by which a comment is found again; nothing in a name can end it."""
    name = urllib.parse.quote(text.line(benchmark or "compare"), safe="/").replace("--", "-%2D")
    return f"<!-- rlops:{name[:LONGEST_MARKER]} -->"


def render_markdown(verdict: Verdict, *, longest: int = LONGEST) -> str:
    """The verdict as Markdown of at most `longest` characters; raises ValueError where nothing useful would fit."""
    view = build_view(verdict)
    folded = folds(view)
    for room in ROOMS:
        blocks = [f"{marker(verdict.benchmark)}\n{_heading(view, room)}", *_head(view, room), *unfolded(view, room)]
        if len(_page(blocks, [], folded)) <= longest:
            return _with_folds(blocks, folded, longest)
    raise ValueError(f"{longest} characters are too few for a verdict")


def _with_folds(blocks: Sequence[str], folded: Sequence[Fold], longest: int) -> str:
    """The blocks and as many folds as there is room for, the first ones first."""
    kept: list[str] = []
    left_out = list(folded)
    for fold in folded:
        others = [other for other in left_out if other is not fold]
        fitting = (shown for shown in fold.versions() if len(_page(blocks, [*kept, shown], others)) <= longest)
        if (shown := next(fitting, None)) is not None:
            kept, left_out = [*kept, shown], others
    return _page(blocks, kept, left_out)


def _page(blocks: Sequence[str], kept: Sequence[str], left_out: Sequence[Fold]) -> str:
    titles = ", ".join(fold.title for fold in left_out)
    end = [f"Left out, because it is too long for a comment: {titles}; {MORE}."] if titles else []
    return "\n\n".join([*blocks, *kept, *end]) + "\n"


def _heading(view: ReportView, room: Room) -> str:
    return f"## {view.symbol} {prose(text.cut(view.sentence, room.letters))}"


def _head(view: ReportView, room: Room) -> Iterator[str]:
    yield f"**{'Please read on' if view.read_on.needed else 'You need not read on'}:** {view.read_on.why}"
    gate = f"the gate {view.gate} with exit code {view.exit_code}"
    yield f"{_side(view.candidate, room)} against {_side(view.baseline, room)}; {gate}."
    yield from _next_step(view, room)


def _side(side: SideView, room: Room) -> str:
    commit = code(side.commit) if side.commit and side.commit not in side.reference else None
    known = " with ".join(part for part in (commit, "uncommitted changes" if side.dirty else None) if part)
    return code(text.cut(side.reference, room.letters)) + (f" ({known})" if known else "")


def _next_step(view: ReportView, room: Room) -> Iterator[str]:
    step = view.next_step
    cost = f" ({step.cost})" if step.cost else ""
    yield f"**Next:** {prose(text.cut(step.text, room.letters))}{cost}"
    if step.command and len(step.command) <= room.letters:
        yield fence(step.command, "sh")
    elif step.command:
        yield f"Its command is too long for a comment: {MORE}."
