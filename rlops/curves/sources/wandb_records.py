"""What the records of a `.wandb` file say: a run's config, its rows as columns, how it ended."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rlops.curves.history import Column
from rlops.curves.sources.transaction_log import TransactionLog
from rlops.curves.sources.wandb_schema import MESSAGES, DecodeError

MOST_PLACES = 3
"""Of the places where rows are missing no more are named (arbitrary)."""

_FILE_TAG = b"\x0a"
_VALUE_TAG = b"\x82\x01"
"""How field 1 of a File and `value_json` of a HistoryItem begin."""
_WORDS = {b"true": 1.0, b"false": 0.0, b'"NaN"': np.nan, b'"Infinity"': np.inf, b'"-Infinity"': -np.inf}
"""Numbers to W&B without being any in JSON. Its server and its own reader of files quote the words that JSON lacks, so
that a text "NaN" is NaN to them, and here too."""


@dataclass
class RunRecords:
    """A run as one file tells it.

    `exit_code` is None where the file has no end. `started_at` in seconds since 1970. `lost` says in words which rows
    are missing inside the file, `torn` that it ends inside a record.
    """

    config: dict[str, object] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    group: str | None = None
    started_at: float | None = None
    exit_code: int | None = None
    lost: str | None = None
    torn: str | None = None


def read_records(log: TransactionLog) -> RunRecords:
    """All that the records of a file say of its run."""
    run, rows, broken = RunRecords(), _Rows(), set[int]()
    gaps = dict.fromkeys(log.gaps, 0)
    records = _decoded(log.records)
    for index, record in enumerate(records):
        if index in gaps:
            gaps[index] = rows.count
        if record is None or not _take(record, run, rows):
            broken.add(index)
            gaps.setdefault(index, rows.count)
    gaps |= {index: rows.count for index in gaps if index == len(records)}
    run.columns = rows.columns()
    steps = run.columns.get("_step")
    if log.torn:
        last = f": nothing is known after _step {steps.values[-1]:.0f}" if steps else ""
        run.torn = f"the file ends inside a record{last}"
    if gaps:
        places = [_place(index, count, records, broken, steps) for index, count in sorted(gaps.items())]
        run.lost = f"{_what(log.damaged_blocks, len(broken))} left out: {_some(places)}"
    return run


def _take(record: Any, run: RunRecords, rows: "_Rows") -> bool:
    """Add what a record says to the run; False where that cannot be decoded."""
    try:
        match record.WhichOneof("one"):
            case "history":
                rows.add(record.history.item)
            case "config":
                _change(run.config, record.config)
            case "run":
                _change(run.config, record.run.config)
                run.tags, run.group = tuple(record.run.tags), record.run.run_group or None
                if record.run.HasField("start_time"):
                    run.started_at = record.run.start_time.seconds + record.run.start_time.nanos / 1e9
            case "exit":
                run.exit_code = record.exit.exit_code
    except (DecodeError, ValueError, RecursionError):
        return False
    return True


class _Rows:
    """Columns from rows whose items are the bytes of a HistoryItem.

    A value is nearly always `value_json`, and what stands before it is the key, the same bytes in every row: such a
    head is decoded once. That takes half the time of decoding every item.
    """

    def __init__(self) -> None:
        self.count = 0
        self._by_name: dict[str, tuple[list[int], list[float]]] = {}
        self._by_head: dict[bytes, tuple[list[int], list[float]]] = {}

    def add(self, items: Sequence[bytes]) -> None:
        """The next row. Raises DecodeError where an item is none; those before it stay."""
        row, known = self.count, self._by_head
        self.count += 1
        for item in items:
            head, _, value = item.partition(_VALUE_TAG)
            column = known.get(head)
            if column is None or not value or value[0] != len(value) - 1:  # new, or longer than numbers are
                self._decode(item, head, row)
                continue
            try:
                figure = float(value[1:])
            except ValueError:
                self._decode(item, head, row)
            else:
                column[0].append(row)
                column[1].append(figure)

    def columns(self) -> dict[str, Column]:
        """What was added; where a row has a key twice the last value stands."""
        found = {}
        for name, (rows, values) in self._by_name.items():
            row_array = np.array(rows, dtype=np.int64)
            last = np.append(row_array[1:] != row_array[:-1], True)
            # JSON without a fraction has no -0, so that W&B gives 0 back.
            found[name] = Column(row_array[last], np.array(values, dtype=np.float64)[last] + 0.0)
        return found

    def _decode(self, item: bytes, head: bytes, row: int) -> None:
        decoded = MESSAGES["HistoryItem"].FromString(item)
        figure = _figure(decoded)
        if figure is None:
            return
        rows, values = self._by_name.setdefault(_name(decoded), ([], []))
        rows.append(row)
        values.append(figure)
        if decoded.value_json and _is_key(head, decoded):
            self._by_head[head] = rows, values


def _is_key(head: bytes, item: Any) -> bool:
    """Are the bytes before the value the whole key of the item? The key itself may hold the bytes that end them."""
    try:
        alone = MESSAGES["HistoryItem"].FromString(head)
    except DecodeError:
        return False
    return not alone.value_json and alone.WhichOneof("one") is None and _name(alone) == _name(item)


def _name(item: Any) -> str:
    return item.key or ".".join(item.nested_key)


def _figure(item: Any) -> float | None:
    """The value where it is a number or a truth value."""
    kind = item.WhichOneof("one")
    if kind in {"boolean", "integer", "number"}:
        return float(getattr(item, kind))
    text = item.json if kind == "json" else item.value_json
    try:
        return _WORDS[text] if text in _WORDS else float(text)
    except ValueError:
        return None


def _change(config: dict[str, object], record: Any) -> None:
    for item in record.update:
        *folders, name = item.nested_key or [item.key]
        value = json.loads(item.value_json, parse_constant=str)
        _folder(config, folders)[name] = value
    for item in record.remove:
        *folders, name = item.nested_key or [item.key]
        _folder(config, folders).pop(name, None)


def _folder(config: dict[str, Any], folders: Sequence[str]) -> dict[str, Any]:
    for name in folders:
        if not isinstance(config.get(name), dict):
            config[name] = {}
        config = config[name]
    return config


def _decoded(records: Sequence[bytes]) -> Sequence[Any]:
    """The records as messages, None where one cannot be decoded: all at once if possible, which is quicker."""
    lengths: dict[int, bytes] = {}
    parts: list[bytes] = []
    for record in records:
        size = len(record)
        if size not in lengths:
            lengths[size] = _FILE_TAG + _varint(size)
        parts += (lengths[size], record)
    try:
        found: Sequence[Any] = MESSAGES["File"].FromString(b"".join(parts)).record
    except DecodeError:
        return [_decoded_or_none(record) for record in records]
    return found


def _decoded_or_none(record: bytes) -> Any:
    try:
        return MESSAGES["Record"].FromString(record)
    except DecodeError:
        return None


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def _what(damaged_blocks: int, undecodable: int) -> str:
    parts = []
    if damaged_blocks:
        parts.append(f"{damaged_blocks} damaged {'block' if damaged_blocks == 1 else 'blocks'} of 32 KiB")
    if undecodable:
        parts.append(f"{undecodable} {'record' if undecodable == 1 else 'records'} that cannot be decoded")
    return " and ".join(parts) or "part of the file is"


def _some(places: Sequence[str]) -> str:
    more = f" and {len(places) - MOST_PLACES} places more" if len(places) > MOST_PLACES else ""
    return ", ".join(places[:MOST_PLACES]) + more


def _place(index: int, row: int, records: Sequence[Any], broken: set[int], steps: Column | None) -> str:
    """Where the rows before `row` end and those from it on begin, and how many records are missing between.

    The client numbers its records one by one.
    """
    before = next((records[i].num for i in range(index - 1, -1, -1) if i not in broken), None)
    after = next((records[i].num for i in range(index, len(records)) if i not in broken), None)
    missing = 0 if before is None or after is None else after - before - 1
    count = f" ({missing} {'record' if missing == 1 else 'records'})" if missing > 0 else ""
    if steps is None:
        return f"no _step is left to tell where{count}"
    at = int(np.searchsorted(steps.rows, row))
    if at == 0:
        return f"before _step {steps.values[0]:.0f}{count}"
    if at == steps.rows.size:
        return f"after _step {steps.values[-1]:.0f}{count}"
    return f"_step jumps from {steps.values[at - 1]:.0f} to {steps.values[at]:.0f}{count}"
