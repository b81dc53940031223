"""How the study tells its numbers, as Markdown."""

from collections.abc import Sequence

from benchmarks.study.truth import Loss


def percent(share: float, digits: int = 1) -> str:
    """As readers see it; what is not quite all or nothing never looks like it."""
    text = f"{100 * share:.{digits}f}"
    if share in {0.0, 1.0}:
        text = f"{100 * share:.0f}"
    elif float(text) in {0.0, 100.0}:
        text = f"{'<' if share < 0.5 else '>'} {10**-digits if share < 0.5 else 100 - 10**-digits:.{digits}f}"
    return f"{text} %"


def change(loss: Loss) -> str:
    """A change with its interval, in percent of the scale."""
    low, high = (f"{100 * one:.1f}" for one in (loss.low, loss.high))
    return minus(f"{100 * loss.change:+.1f} [{low}, {high}]")


def minus(text: str) -> str:
    """With the sign that typesetters use."""
    return text.replace("-", "−")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown; the first column is text, the others numbers."""
    lines = [head, [":--", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
