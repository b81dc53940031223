"""The store: one npz per run is the truth. Nothing in it is pickled, every write is atomic."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rlops.curves.history import Column, RunHistory
from rlops.curves.index import Index, Meta
from rlops.errors import UsageError
from rlops.files import write_whole

FORMAT = 1
BROKEN = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile)
"""What reading a file raises that is not there, torn or corrupt."""


@dataclass(frozen=True)
class Store:
    """The run histories below `folder`; several processes may read and write at once."""

    folder: Path

    def get(self, identity: str, version: str | None = None) -> RunHistory | None:
        """The stored run, None where there is none, another version of it, or a file that cannot be read."""
        path = self.path(identity)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                meta = _meta(arrays, path)
                if version not in {None, meta["version"]}:
                    return None
                columns = {
                    key: Column(arrays[f"rows_{i}"], arrays[f"values_{i}"]) for i, key in enumerate(meta.pop("keys"))
                }
        except BROKEN:
            return None  # pulled again, as if it had never been there
        meta.pop("format")
        return RunHistory(columns=columns, **{**meta, "tags": tuple(meta["tags"])})

    def known(self, source: str) -> list[Meta]:
        """What is stored of every run whose source begins with `source`, without its columns; oldest first."""
        if not self.folder.is_dir():
            return []
        return Index(self.folder, _read_meta).sources(source)

    def put(self, history: RunHistory) -> None:
        """Write the run, replacing an older version of it."""
        meta = {name: value for name, value in vars(history).items() if name != "columns"}
        meta = {**meta, "config": dict(history.config), "provenance": dict(history.provenance)}
        meta = {**meta, "keys": list(history.columns), "format": FORMAT}
        arrays: dict[str, Any] = {"meta": np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)}
        for i, column in enumerate(history.columns.values()):
            arrays |= {f"rows_{i}": column.rows, f"values_{i}": column.values}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        write_whole(self.path(history.identity), buffer.getvalue())

    def path(self, identity: str) -> Path:
        """The file of a run."""
        return self.folder / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.npz"


def _read_meta(path: Path) -> Meta | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return _meta(arrays, path)
    except BROKEN:
        return None


def _meta(arrays: Mapping[str, Any], path: Path) -> dict[str, Any]:
    meta: dict[str, Any] = json.loads(bytes(arrays["meta"]).decode())
    if meta["format"] != FORMAT:
        raise UsageError(
            f"{path} was written by another version of rlops (format {meta['format']}, this one reads {FORMAT}); "
            "use that version, or another folder with --dir"
        )
    return meta
