"""A run as its logger wrote it: every row of every metric. What a source delivers and the store keeps."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rlops.curves.filters import Labels, setting
from rlops.curves.learning_curve import LearningCurve, Run, State
from rlops.curves.libraries import USUAL, Keys
from rlops.errors import UsageError
from rlops.strangers import without_secrets


@dataclass(frozen=True, eq=False)
class Column:
    """One logged key: the `rows` (k,) int64 it appears in, and its `values` (k,) float64."""

    rows: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RunHistory:
    """A run with its complete history.

    `identity` names the run for ever, `version` changes when its content does. `incomplete` says in words what is
    missing (rows lost, a page truncated), None for a whole run. `provenance` is what a launcher recorded of it.
    """

    identity: str
    version: str
    state: State
    config: Mapping[str, object]
    columns: Mapping[str, Column]
    source: str
    url: str | None = None
    started_at: str | None = None
    minutes: float | None = None
    incomplete: str | None = None
    tags: tuple[str, ...] = ()
    group: str | None = None
    user: str | None = None
    provenance: Mapping[str, object] = field(default_factory=dict)

    def curve(self, metric: str, step: str) -> LearningCurve:
        """The metric against the step counter, where a row holds both, from its first value that is a number on.

        Empty when the run never logged the metric; all NaN when it logged nothing else.
        """
        if metric not in self.columns or step not in self.columns:
            return LearningCurve.from_points([], [])
        y, x = self.columns[metric], self.columns[step]
        _, in_y, in_x = np.intersect1d(y.rows, x.rows, assume_unique=True, return_indices=True)
        return LearningCurve.from_points(x.values[in_x], y.values[in_y]).from_first_number()

    def __post_init__(self) -> None:
        """Secrets that a trainer put among its settings are nowhere from here on."""
        object.__setattr__(self, "config", without_secrets(self.config))

    @property
    def labels(self) -> Labels:
        """What may be edited after the run."""
        return Labels(self.config, self.tags, self.group, self.user)

    def run(self, metric: str, step: str, keys: Keys = USUAL) -> Run:
        """The run with the learning curve of `metric`. Raises UsageError where the config lacks environment or seed."""
        curve = self.curve(metric, step)
        return Run(
            env_id=str(self._setting(keys.env_id, "env_id")),
            seed=self._seed(keys.seed),
            curve=curve,
            curve_sha256=curve.sha256(),
            state=self.state,
            fault=self.incomplete,
            config=self.config,
            fingerprint=_text(self.provenance.get("fingerprint")),
            source=self.source,
            url=self.url,
            minutes=self.minutes,
            started_at=self.started_at,
            process=_text(self.provenance.get("folder")),
            command=tuple(_strings(self.provenance.get("command"))),
        )

    def _setting(self, key: str, what: str) -> object:
        found = setting(self.config, key)
        if found is None:
            raise UsageError(
                f"{self.source}: the run's config has no '{key}'; rlops tells runs apart by env_id and seed: "
                f"pass config={{'{key}': ...}} to wandb.init, or say in the reference what it is called: "
                f"&{what}_key=NAME (it has: {', '.join(sorted(self.config)) or 'nothing'})"
            )
        return found

    def _seed(self, key: str) -> int:
        seed = self._setting(key, "seed")
        if (
            isinstance(seed, bool)
            or not isinstance(seed, int | float | str)
            or not str(seed).removesuffix(".0").isdigit()
        ):
            raise UsageError(f"{self.source}: the config's seed is {seed!r}; rlops needs a whole number")
        return int(float(seed))


def columns_of(rows: Iterable[Mapping[str, object]]) -> dict[str, Column]:
    """Columns of numeric keys from logged rows; W&B writes what JSON lacks as the strings NaN, Infinity, -Infinity."""
    found: dict[str, tuple[list[int], list[float]]] = {}
    for number, row in enumerate(rows):
        for key, value in row.items():
            figure = _number(value)
            if figure is not None:
                numbers, values = found.setdefault(key, ([], []))
                numbers.append(number)
                values.append(figure)
    return {
        # Without -0: not every way that rows take keeps it.
        key: Column(np.array(numbers, dtype=np.int64), np.array(values, dtype=np.float64) + 0.0)
        for key, (numbers, values) in found.items()
    }


def later_segment_wins(segments: Iterable[RunHistory], step: str) -> RunHistory:
    """One history from the segments of a resumed run, in the order given: where steps overlap the later one stands."""
    merged, *others = segments
    for segment in others:
        resumed_at = segment.columns[step].values.min() if step in segment.columns else np.inf
        kept = _rows_before(merged, step, float(resumed_at))
        offset = 1 + max((int(column.rows.max()) for column in merged.columns.values()), default=-1)
        columns = {
            key: _joined(_only(merged.columns.get(key), kept), segment.columns.get(key), offset)
            for key in {**merged.columns, **segment.columns}
        }
        merged = replace(
            segment,
            columns=columns,
            started_at=merged.started_at,
            minutes=_sum(merged.minutes, segment.minutes),
            incomplete="; ".join(filter(None, [merged.incomplete, segment.incomplete])) or None,
        )
    return merged


def _rows_before(history: RunHistory, step: str, limit: float) -> NDArray[np.int64]:
    column = history.columns.get(step)
    return column.rows[column.values < limit] if column else np.array([], dtype=np.int64)


def _only(column: Column | None, rows: NDArray[np.int64]) -> Column | None:
    if column is None:
        return None
    keep = np.isin(column.rows, rows)
    return Column(column.rows[keep], column.values[keep])


def _joined(first: Column | None, second: Column | None, offset: int) -> Column:
    parts = ([first] if first else []) + ([Column(second.rows + offset, second.values)] if second else [])
    return Column(np.concatenate([part.rows for part in parts]), np.concatenate([part.values for part in parts]))


def _sum(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first + second


def _number(value: object) -> float | None:
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str) and value in {"NaN", "Infinity", "-Infinity"}:
        return float(value.replace("Infinity", "inf"))
    return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _strings(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []
