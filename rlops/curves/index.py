"""What the store has, without opening every file: an SQLite table beside the npz files.

It holds nothing that is not in them. Where it is missing, broken or behind, it is made again from them.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlops.errors import UsageError

SCHEMA = 1
SECONDS_FOR_OTHERS = 30.0
"""How long to wait for another rlops that is writing."""
TABLE = """
CREATE TABLE IF NOT EXISTS runs (
    file TEXT PRIMARY KEY, mtime_ns INTEGER NOT NULL, size INTEGER NOT NULL, source TEXT, meta TEXT
) WITHOUT ROWID
"""

Meta = Mapping[str, Any]


@dataclass(frozen=True)
class Index:
    """The table of the npz files in `folder`; `read_meta`: what a file says of its run, None where it is broken."""

    folder: Path
    read_meta: Callable[[Path], Meta | None]

    @property
    def path(self) -> Path:
        """The database."""
        return self.folder / "index.sqlite"

    def sources(self, prefix: str) -> list[Meta]:
        """What is known of every stored run whose source begins with `prefix`, oldest first.

        Raises UsageError where the folder cannot be written to, or another rlops writes for too long.
        """
        try:
            try:
                return self._sources(prefix)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self.path.unlink(missing_ok=True)  # no database, or a damaged one
                return self._sources(prefix)
        except (sqlite3.OperationalError, OSError) as error:
            raise UsageError(f"{self.path}: {error}; is the folder writable, is another rlops at work?") from None

    def _sources(self, prefix: str) -> list[Meta]:
        with self._connected() as database:
            self._catch_up(database)
            rows = database.execute(
                "SELECT meta FROM runs WHERE meta IS NOT NULL AND substr(source, 1, ?) = ?", (len(prefix), prefix)
            ).fetchall()
        metas: list[Meta] = [json.loads(meta) for (meta,) in rows]
        return sorted(metas, key=lambda meta: (str(meta.get("started_at") or ""), str(meta["identity"])))

    def _catch_up(self, database: sqlite3.Connection) -> None:
        """Read what was written since, by whomever; forget what is gone."""
        known = {file: (mtime, size) for file, mtime, size in database.execute("SELECT file, mtime_ns, size FROM runs")}
        there = {}
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.endswith(".npz"):
                    there[entry.name] = entry.stat().st_mtime_ns, entry.stat().st_size
        for file in known.keys() - there.keys():
            database.execute("DELETE FROM runs WHERE file = ?", (file,))
        for file in there.keys() - {file for file in there if known.get(file) == there[file]}:
            meta = self.read_meta(self.folder / file)
            row = (file, *there[file], meta and meta["source"], None if meta is None else json.dumps(meta))
            database.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?)", row)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self.path, timeout=SECONDS_FOR_OTHERS, isolation_level=None)
        try:
            database.execute("BEGIN IMMEDIATE")
            if database.execute("PRAGMA user_version").fetchone() != (SCHEMA,):
                database.execute("DROP TABLE IF EXISTS runs")
                database.execute(f"PRAGMA user_version = {SCHEMA}")
            database.execute(TABLE)
            yield database
            database.execute("COMMIT")
        finally:
            database.close()
