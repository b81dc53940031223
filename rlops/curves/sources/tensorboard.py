"""TensorBoard event files, through TensorBoard's own reader: every scalar by its tag."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from rlops.curves.sources import log_names
from rlops.curves.sources.logs import Log, LogFormat
from rlops.curves.sources.rows import later_stands
from rlops.curves.sources.source import moment
from rlops.errors import UsageError

CLEANRL_SETTINGS = "hyperparameters/text_summary"
"""The tag under which CleanRL's scripts log their arguments, as a table in Markdown."""
FRAME_BYTES = 16
"""What a record takes in a file beside its content: its length and two checksums."""


@dataclass(frozen=True)
class _EventFile:
    """One file: the events with scalars in their order, the settings, the bytes at its end that cannot be read."""

    path: Path
    events: Sequence[tuple[int, float, Mapping[str, float]]]
    settings: Mapping[str, object]
    unread: int

    @property
    def began(self) -> float:
        return self.events[0][1] if self.events else 0.0


def read_event_files(files: Sequence[Path]) -> Log:
    """The scalars in the files of one run; where a tag is in several files, the later one stands from its first step.

    An event is a row with its step as `global_step` and its `wall_time`; events of one step that follow upon each
    other share a row. Raises UsageError where the package tensorboard is missing.
    """
    read = sorted(map(_read, files), key=lambda file: file.began)
    rows: list[dict[str, object]] = []
    points: dict[str, list[list[tuple[float, tuple[int, float]]]]] = defaultdict(list)
    for file in read:
        of_file = defaultdict(list)
        for step, wall_time, scalars in _joined(file.events):
            for tag, value in scalars.items():
                of_file[tag].append((float(step), (len(rows), value)))
            rows.append({"global_step": step, "wall_time": wall_time})
        for tag, segment in of_file.items():
            points[tag].append(segment)
    times = [float(str(row["wall_time"])) for row in rows]
    at_once = [tag for tag, segments in points.items() if _overlap(segments, times)]
    for tag, segments in points.items():
        for _, (row, value) in later_stands(segments):
            rows[row][tag] = value
    return Log(
        rows=rows,
        settings={key: value for file in read for key, value in file.settings.items()},
        started_at=moment(min(times, default=None)),
        minutes=(max(times) - min(times)) / 60 if times else None,
        lost=tuple(_complaints(read, at_once)),
    )


def _complaints(files: Sequence[_EventFile], at_once: Sequence[str]) -> Iterator[str]:
    for file in files:
        if file.unread:
            yield f"the last {file.unread:,} bytes of {file.path.name} cannot be read: it is torn or damaged there"
    if at_once:
        yield f"several processes logged {at_once[0]} into one folder at once: these are several runs"


def _joined(events: Sequence[tuple[int, float, Mapping[str, float]]]) -> Iterator[tuple[int, float, dict[str, float]]]:
    """Events of one step as one, as far as no tag comes twice: most loggers write every scalar as its own event."""
    waiting: tuple[int, float, dict[str, float]] | None = None
    for step, wall_time, scalars in events:
        if waiting is not None and waiting[0] == step and waiting[2].keys().isdisjoint(scalars):
            waiting[2].update(scalars)
            continue
        if waiting is not None:
            yield waiting
        waiting = (step, wall_time, dict(scalars))
    if waiting is not None:
        yield waiting


def _overlap(segments: Sequence[Sequence[tuple[float, tuple[int, float]]]], times: Sequence[float]) -> bool:
    """Did a later file begin with a tag before an earlier one was done with it?"""
    spans = [(times[segment[0][1][0]], times[segment[-1][1][0]]) for segment in segments]
    return any(later[0] < earlier[1] for earlier, later in pairwise(spans))


def _read(path: Path) -> _EventFile:
    try:
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
        from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
        from tensorboard.compat.proto.event_pb2 import Event
    except ImportError:
        raise UsageError(
            f"{path}: reading TensorBoard files needs the package tensorboard: pip install 'rlops[tensorboard]'"
        ) from None
    events: list[tuple[int, float, Mapping[str, float]]] = []
    settings: dict[str, object] = {}
    unread = path.stat().st_size
    for record in RawEventFileLoader(str(path)).Load():  # it ends without a word where a file is torn or damaged
        try:
            event = Event.FromString(record)
        except DecodeError:
            break
        unread -= len(record) + FRAME_BYTES
        scalars = {}
        for value in event.summary.value:
            if value.tag == CLEANRL_SETTINGS:
                settings |= _cleanrl_settings(value)
            elif (number := _scalar(value)) is not None:
                scalars[value.tag] = number
        if scalars:
            events.append((event.step, event.wall_time, scalars))
    return _EventFile(path, events, settings, unread)


def _scalar(value: Any) -> float | None:
    """The number in a value, written in the old way or as a tensor; None for pictures, texts and distributions."""
    from tensorboard.util.tensor_util import make_ndarray

    kind = value.WhichOneof("value")
    if kind == "simple_value":
        return float(value.simple_value)
    if kind != "tensor" or any(dimension.size != 1 for dimension in value.tensor.tensor_shape.dim):
        return None
    array = make_ndarray(value.tensor)
    return float(array.item()) if array.dtype.kind in "fiu" else None


def _cleanrl_settings(value: Any) -> dict[str, object]:
    text = b"".join(value.tensor.string_val).decode(errors="replace")
    found = re.findall(r"^\|([^|\n]+)\|(.*)\|$", text, flags=re.MULTILINE)
    return {key: said for key, said in found if (key, said) not in {("param", "value"), ("-", "-")}}


TENSORBOARD = LogFormat("tensorboard", ("*.tfevents.*",), read_event_files, log_names.TENSORBOARD)
