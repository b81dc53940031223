"""A row an iteration: `result.json` and `progress.csv` of RLlib, `progress.csv` of the loggers of Baselines and SB3."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rlops.curves.sources import log_names
from rlops.curves.sources.logs import Log, LogFormat, Row
from rlops.curves.sources.rows import csv_rows, later_stands, read_text, whole_lines
from rlops.curves.sources.source import moment
from rlops.errors import UsageError


def read_progress(files: Sequence[Path]) -> Log:
    """The iterations of one run; where it was restored from a checkpoint, the later ones stand.

    Of several files in a folder one is read: result.json, which says the most, else progress.csv, whose like other
    processes of the run may have left (progress-rank001.csv). Raises UsageError where that leaves several.
    """
    file = _the_one(files)
    rows, settings, lost = _json_lines(file) if file.suffix == ".json" else _table(file)
    return Log(
        rows=_in_force(rows),
        settings=settings,
        started_at=_started_at(rows),
        minutes=_seconds(rows[-1]) / 60 if rows and _seconds(rows[-1]) else None,
        lost=lost,
    )


def _the_one(files: Sequence[Path]) -> Path:
    by_name = {file.name: file for file in files}
    file = by_name.get("result.json") or by_name.get("progress.csv") or files[0]
    if len(files) > 1 and file.name not in {"result.json", "progress.csv"}:
        raise UsageError(
            f"{file.parent}: holds several runs ({', '.join(by_name)}); say what their files' names say, like "
            "&path=progress-{env_id}-{seed}.csv"
        )
    return file


def _table(file: Path) -> tuple[list[Row], Mapping[str, object], tuple[str, ...]]:
    _, rows, lost = csv_rows(read_text(file), file)
    return list(rows), {}, lost


def _json_lines(file: Path) -> tuple[list[Row], Mapping[str, object], tuple[str, ...]]:
    text, lost = whole_lines(read_text(file), file)
    results = [_json(line) for line in text.split("\n") if line]
    good = [result for result in results if result is not None]
    if len(good) < len(results):
        lost = (f"{len(results) - len(good)} lines of {file.name} are no JSON", *lost)
    config = good[-1].get("config") if good else None
    return [dict(_flat(result)) for result in good], config if isinstance(config, dict) else {}, lost


def _json(line: str) -> dict[str, object] | None:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _flat(result: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Keys of groups joined by slashes, as RLlib's own table has them."""
    for key, value in result.items():
        if isinstance(value, Mapping):
            if prefix or key != "config":
                yield from _flat(value, f"{prefix}{key}/")
        else:
            yield f"{prefix}{key}", value


def _in_force(rows: Sequence[Row]) -> Sequence[Row]:
    """What counts of a run that was restored: its count of iterations since then begins again."""
    name = next((name for name in log_names.PROGRESS.step if any(name in row for row in rows)), None)
    if name is None:
        return rows
    segments: list[list[tuple[float, Row]]] = [[]]
    before = 0.0
    for row in rows:
        iteration = _figure(row, "iterations_since_restore") or before
        if iteration < before:
            segments.append([])
        segments[-1].append((_figure(row, name) or 0.0, row))
        before = iteration
    return [row for _, row in later_stands(segments)]


def _started_at(rows: Sequence[Row]) -> str | None:
    ended = _figure(rows[0], "timestamp") if rows else None
    return moment(ended - _seconds(rows[0])) if ended else None


def _seconds(row: Row) -> float:
    return _figure(row, "time_total_s") or _figure(row, "misc/time_elapsed") or _figure(row, "time/time_elapsed") or 0.0


def _figure(row: Row, key: str) -> float | None:
    value = row.get(key)
    return float(value) if isinstance(value, int | float) else None


PROGRESS = LogFormat("progress", ("result.json", "progress*.csv"), read_progress, log_names.PROGRESS)
