"""Folders of log files that other software wrote: runs are found, named and read alike whatever the format."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from rlops.curves.filters import setting
from rlops.curves.history import Column, RunHistory, columns_of
from rlops.curves.sources.log_names import Names
from rlops.curves.sources.path_pattern import PathPattern
from rlops.curves.sources.settings import all_settings, settings_files
from rlops.curves.sources.source import Listing, version_of
from rlops.errors import UsageError
from rlops.plan import Metric

Row = Mapping[str, object]

SHOWN = 3
"""How many paths an error shows (arbitrary)."""


@dataclass(frozen=True)
class Log:
    """What the files of one run say. `lost`: in words, what of them could not be read."""

    rows: Sequence[Row]
    settings: Mapping[str, object] = field(default_factory=dict)
    started_at: str | None = None
    minutes: float | None = None
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class LogFormat:
    """A format: its `files` as globs, how those of one run are read, and what they call the step and the return."""

    name: str
    files: tuple[str, ...]
    read: Callable[[Sequence[Path]], Log]
    names: Names

    def holds(self, folder: Path) -> bool:
        """Is there such a file somewhere below?"""
        return any(file.is_file() for glob in self.files for file in folder.rglob(glob))

    def found(self, folder: Path) -> list[Path]:
        """All such files below."""
        return sorted({file for glob in self.files for file in folder.rglob(glob) if file.is_file()})

    def in_our_words(self, columns: Mapping[str, Column]) -> dict[str, Column]:
        """The columns, and where they are not there the step and the return under the names that rlops asks for."""
        steps = map(_finite, self._logged(self.names.step, columns))
        step = next((column for column in steps if column.rows.size), None)
        metric = next(self._logged(self.names.metric, columns), None)
        added = {Metric().step: step, Metric().name: metric}
        return {**{name: column for name, column in added.items() if column is not None}, **columns}

    @staticmethod
    def _logged(names: Iterable[str], columns: Mapping[str, Column]) -> Iterator[Column]:
        return (columns[name] for name in names if name in columns)


@dataclass(frozen=True)
class LogFiles:
    """The runs whose logs of one format lie below `folder`: every folder with such files is a run.

    A `pattern` names the parts of the runs' paths. The runs are then the folders that lie as deep as the pattern, and
    all of them have to fit; where the pattern ends in a file's name, every file that fits is a run.

    Such logs do not say how a run ended. It counts as finished, and as incomplete where something cannot be read; a
    curve that ends too early is found when it is judged.
    """

    folder: Path
    format: LogFormat
    pattern: PathPattern | None = None

    def list_runs(self) -> Sequence[Listing]:
        """Every run there is. Raises UsageError where none fits the pattern."""
        return [
            Listing(identity, version_of((*place.files, *place.settings))) for identity, place in self._places.items()
        ]

    def fetch(self, listing: Listing) -> RunHistory:
        """The run with all its rows; its config is what its files say, the path adds to it in `named`."""
        place = self._places[listing.identity]
        log = self.format.read(place.files)
        return RunHistory(
            identity=listing.identity,
            version=listing.version,
            state="finished",
            config=all_settings(place.settings, log.settings),
            columns=self.format.in_our_words(columns_of(log.rows)),
            source=f"{place.path} ({self.format.name})",
            started_at=log.started_at,
            minutes=log.minutes,
            incomplete="; ".join(log.lost) or None,
            provenance={"format": self.format.name},
        )

    def named(self, histories: Iterable[RunHistory], keys: Iterable[str]) -> list[RunHistory]:
        """The runs, their config with what their paths say. Another pattern is thus no other version of a stored run.

        Raises UsageError where path and files contradict each other, and where a run then lacks one of the `keys`.
        """
        named = [self._with_path(history) for history in histories]
        for key in keys:
            lacking = [history for history in named if setting(history.config, key) is None]
            if lacking:
                raise UsageError(self._lacks(key, lacking, len(named)))
        return named

    def _with_path(self, history: RunHistory) -> RunHistory:
        said = self._places[history.identity].said
        for key, value in said.items():
            other = history.config.get(key)
            if other is not None and str(other) != str(value):
                raise UsageError(
                    f"{history.source}: its files say {key}={other}, its path says {key}={value}; where that part of "
                    f"the path is no {key}, give it another name in the pattern: {{number}} for {{{key}}}"
                )
        return replace(history, config={**history.config, **said})

    def _lacks(self, key: str, lacking: Sequence[RunHistory], count: int) -> str:
        paths = ", ".join(self._places[history.identity].name for history in lacking[:SHOWN])
        config = lacking[0].config
        known = ", ".join(f"{name}={config[name]}" for name in ("env_id", "seed") if config.get(name) is not None)
        others = ", ".join(sorted(config.keys() - {"env_id", "seed"})[:12])
        return (
            f"{self.folder}: {len(lacking)} of {count} runs do not say their {key}, by which rlops tells runs apart "
            f"({paths}; their {self.format.name} files and paths say: "
            f"{'; '.join(filter(None, [known, others])) or 'nothing'}); name the parts of their paths: "
            "&path={algo}/{env_id}_{seed} where the paths below the folder are like ppo/CartPole-v1_1"
        )

    @cached_property
    def _places(self) -> Mapping[str, "_Place"]:
        files = self.format.found(self.folder)
        places = list(self._fitting(self.pattern, files) if self.pattern else self._folders(files))
        if self.pattern and files and not places:
            there = ", ".join(file.relative_to(self.folder).as_posix() for file in files[:SHOWN])
            raise UsageError(
                f"{self.folder}: no run lies as path={self.pattern.text} says; "
                f"the {len(files)} {self.format.name} files lie like {there}"
            )
        return {f"{place.path.parent.resolve() / place.path.name}#{self.format.name}": place for place in places}

    def _folders(self, files: Iterable[Path]) -> Iterator["_Place"]:
        by_folder = defaultdict(list)
        for file in files:
            by_folder[file.parent].append(file)
        for folder, group in by_folder.items():
            # A folder that is a run itself goes by its own name.
            name = folder.relative_to(self.folder).as_posix() if folder != self.folder else folder.resolve().name
            yield _Place(name, folder, tuple(group))

    def _fitting(self, pattern: PathPattern, files: Iterable[Path]) -> Iterator["_Place"]:
        if pattern.names_files:
            for file in files:
                name = file.relative_to(self.folder).as_posix()
                said = pattern.fields(name)
                if said is not None:
                    yield _Place(name, file, (file,), said)
            return
        for place in self._folders(files):
            if pattern.is_as_deep_as(place.name):
                said = pattern.fields(place.name)
                if said is None:
                    raise UsageError(
                        f"{place.path}: the path {place.name} does not fit path={pattern.text}; "
                        "rename the folder, move it away, or write a pattern that fits all runs"
                    )
                yield replace(place, said=said)


@dataclass(frozen=True)
class _Place:
    """Where a run lies: its path below the folder that was asked for, its files, what the path says."""

    name: str
    path: Path
    files: tuple[Path, ...]
    said: Mapping[str, object] = field(default_factory=dict)

    @property
    def settings(self) -> Sequence[Path]:
        return settings_files(self.files[0].parent)


def _finite(column: Column) -> Column:
    keep = np.isfinite(column.values)
    return Column(column.rows[keep], column.values[keep])
