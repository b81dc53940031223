"""What every source of runs can do, and the one loop that brings runs from a source into the store."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from rlops.curves.filters import Labels
from rlops.curves.history import RunHistory
from rlops.curves.store import Store

MOST_REQUESTS = 8
"""W&B asks for no more parallel requests than this."""


@dataclass(frozen=True)
class Listing:
    """A run that a source has: `identity` names it for ever, `version` changes when its history may have.

    `labels`: as they are now, where a listing tells them; they change without the history being read again.
    """

    identity: str
    version: str
    labels: Labels | None = None


def version_of(files: Iterable[Path]) -> str:
    """What changes when one of the files does."""
    return ";".join(f"{stat.st_size}@{stat.st_mtime_ns}" for stat in (file.stat() for file in files))


def moment(seconds: float | None) -> str | None:
    """The time since 1970 as ISO 8601, None where there is none or none that a calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds else None
    except (ValueError, OverflowError, OSError):
        return None


class Source(Protocol):
    """A place that has runs."""

    def list_runs(self) -> Sequence[Listing]:
        """All runs there are, cheaply: no history is read."""

    def fetch(self, listing: Listing) -> RunHistory:
        """One run with its complete history."""


def pull(
    source: Source, store: Store, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> list[RunHistory]:
    """All runs of the source, from the store where it has the same version, else fetched and stored.

    `progress(done, all)` is called after each. What has been fetched stays stored when this is interrupted.
    """
    listings = source.list_runs()

    def bring(listing: Listing) -> RunHistory:
        stored = store.get(listing.identity, listing.version)
        if stored is None:
            stored = source.fetch(listing)
            store.put(stored)
        elif listing.labels not in (None, stored.labels):
            stored = replace(stored, **vars(listing.labels))
            store.put(stored)
        return stored

    with ThreadPoolExecutor(MOST_REQUESTS) as pool:
        try:
            return list(_counted(pool.map(bring, listings), len(listings), progress))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _counted(histories: Iterator[RunHistory], count: int, progress: Callable[[int, int], None]) -> Iterator[RunHistory]:
    for done, history in enumerate(histories, start=1):
        progress(done, count)
        yield history
