"""The table beside the npz files: nothing that is not in them, and made again whenever it is not theirs."""

import sqlite3
import threading
from dataclasses import replace

import pytest

from rlops.curves import Store
from rlops.curves.history import RunHistory, columns_of
from rlops.errors import UsageError

ROWS = [{"global_step": i, "r": float(i)} for i in range(3)]


def history(name, project="p", **changes):
    source = f"wandb:e/{project}/runs/{name}"
    made = RunHistory(f"id-{name}", "v1", "finished", {"seed": 1}, columns_of(ROWS), source, started_at=f"2026-{name}")
    return replace(made, **changes)


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path)
    for name, project in (("2", "p"), ("1", "p"), ("3", "other"), ("4", "p_x")):
        store.put(history(name, project))
    return store


def known(store, project="p"):
    return [(meta["identity"], meta["version"]) for meta in store.known(f"wandb:e/{project}/runs/")]


def index(store):
    return store.folder / "index.sqlite"


def test_the_runs_of_a_project_oldest_first(store):
    assert known(store) == [("id-1", "v1"), ("id-2", "v1")]
    assert known(store, "p_x") == [("id-4", "v1")]
    (meta, _) = store.known("wandb:e/p/runs/")
    assert (meta["config"], meta["tags"], meta["state"]) == ({"seed": 1}, [], "finished")
    assert known(Store(store.folder / "nowhere")) == []


def test_what_is_written_and_removed_meanwhile_is_seen(store):
    known(store)
    store.put(history("1", version="v2"))
    store.put(history("5"))
    next(path for path in store.folder.glob("*.npz") if store.get("id-2") and path == store.path("id-2")).unlink()
    assert known(store) == [("id-1", "v2"), ("id-5", "v1")]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"no database" * 1000),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:1000]),
        lambda path: _forget(path, "DELETE FROM runs"),
        lambda path: _forget(path, "PRAGMA user_version = 99"),
        lambda path: _forget(path, "UPDATE runs SET meta = '{}', mtime_ns = 0"),
    ],
    ids=["gone", "another file", "empty", "torn", "rows lost", "of another rlops", "behind"],
)
def test_it_is_made_again_from_the_files(store, damage):
    before = known(store)
    damage(index(store))
    assert known(store) == before


def _forget(path, statement):
    with sqlite3.connect(path) as database:
        database.execute(statement)
    database.close()


def test_a_torn_file_is_no_run_until_it_is_whole(store):
    path = store.path("id-1")
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    assert known(store) == [("id-2", "v1")]
    path.write_bytes(whole)
    assert known(store) == [("id-1", "v1"), ("id-2", "v1")]


def test_several_at_once(store):
    found = []
    threads = [threading.Thread(target=lambda: found.append(known(store))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[("id-1", "v1"), ("id-2", "v1")]] * 8


def test_an_index_that_cannot_be_written_is_told_and_stays(store, monkeypatch):
    known(store)
    before = index(store).read_bytes()
    monkeypatch.setattr("rlops.curves.index.SECONDS_FOR_OTHERS", 0.05)
    other = sqlite3.connect(index(store), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UsageError, match="is another rlops at work"):
        known(store)
    other.execute("ROLLBACK")
    other.close()
    assert index(store).read_bytes() == before
