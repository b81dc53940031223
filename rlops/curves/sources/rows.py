"""Rows of log files, read so that what is missing is said."""

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from rlops.errors import UsageError

T = TypeVar("T")

csv.field_size_limit(sys.maxsize)  # RLlib writes its whole config into one field of every row


def read_text(file: Path) -> str:
    """The text of a log file; line ends of every kind become newlines."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read as text ({error}); move it away, or choose another format") from None


def whole_lines(text: str, file: Path) -> tuple[str, tuple[str, ...]]:
    """The text up to its last newline, and in words that something stands behind it: a writer was stopped there."""
    whole, newline, torn = text.rpartition("\n")
    return whole + newline, ((f"{file.name} ends in the middle of a line, which is left out",) if torn else ())


def csv_rows(text: str, file: Path) -> tuple[list[str], list[dict[str, float]], tuple[str, ...]]:
    """The header, the rows with the numbers in them, and in words what could not be read."""
    whole, lost = whole_lines(text, file)
    header, *lines = list(csv.reader(io.StringIO(whole))) or [[]]
    lines = [line for line in lines if line and line != header]
    rows = [_numbers(header, line) for line in lines if len(line) == len(header)]
    if len(rows) < len(lines):
        lost = (f"{len(lines) - len(rows)} lines of {file.name} have not the {len(header)} fields of its header", *lost)
    return header, rows, lost


def _numbers(header: Sequence[str], line: Sequence[str]) -> dict[str, float]:
    values = zip(header, map(_number, line), strict=True)
    return {key: value for key, value in values if value is not None}


def _number(text: str) -> float | None:
    if text in {"True", "False"}:
        return float(text == "True")
    try:
        return float(text)
    except ValueError:
        return None


def later_stands(segments: Iterable[Sequence[tuple[float, T]]]) -> list[tuple[float, T]]:
    """The points of a log whose writer was resumed, as (step, ...): from its first step on the later segment stands."""
    kept: list[tuple[float, T]] = []
    for segment in segments:
        first = min((step for step, _ in segment), default=float("inf"))
        kept = [point for point in kept if point[0] < first]
        kept += segment
    return kept
