"""The store keeps every bit, survives torn files, and refuses what it does not understand."""

import json
import threading
from dataclasses import replace

import numpy as np
import pytest

from rlops.curves import Store
from rlops.curves.history import RunHistory, columns_of, later_segment_wins
from rlops.curves.sources.source import Listing, pull
from rlops.errors import UsageError

ROWS = [{"global_step": i, "r": i / 3, "loss": "NaN" if i == 4 else 0.5} for i in range(10)]


def history(rows=ROWS, **changes):
    made = RunHistory("id-1", "v1", "finished", {"env_id": "A", "seed": 1}, columns_of(rows), "here", tags=("a", "b"))
    return replace(made, **changes)


def test_what_is_put_comes_back_bit_for_bit(tmp_path):
    store = Store(tmp_path)
    store.put(history())
    back = store.get("id-1", "v1")
    assert back is not None
    assert {**vars(back), "columns": 0} == {**vars(history()), "columns": 0}
    for key, column in history().columns.items():
        np.testing.assert_array_equal(back.columns[key].rows, column.rows)
        np.testing.assert_array_equal(back.columns[key].values, column.values)


def test_another_version_and_another_run_are_not_there(tmp_path):
    store = Store(tmp_path)
    store.put(history())
    assert store.get("id-1", "v2") is None
    assert store.get("id-2") is None


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"x" * 500])
def test_a_torn_file_is_as_if_it_were_not_there(tmp_path, damage):
    store = Store(tmp_path)
    store.put(history())
    (path,) = tmp_path.glob("*.npz")
    path.write_bytes(damage(path.read_bytes()))
    assert store.get("id-1") is None
    store.put(history())
    assert store.get("id-1") is not None


def test_a_file_of_a_newer_rlops_is_refused(tmp_path):
    store = Store(tmp_path)
    store.put(history())
    (path,) = tmp_path.glob("*.npz")
    with np.load(path) as arrays:
        content = dict(arrays)
    meta = json.loads(bytes(content["meta"])) | {"format": 99}
    content["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    np.savez_compressed(path, **content)
    with pytest.raises(UsageError, match="another version of rlops"):
        store.get("id-1")


def test_writers_at_once_leave_a_whole_file(tmp_path):
    store = Store(tmp_path)
    threads = [threading.Thread(target=store.put, args=(history(version=f"v{i}"),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get("id-1") is not None
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]


class Counting:
    """A source that counts what it is asked for."""

    def __init__(self, *versions):
        self.versions, self.fetched = versions, []

    def list_runs(self):
        return [Listing(f"id-{i}", version) for i, version in enumerate(self.versions)]

    def fetch(self, listing):
        self.fetched.append(listing.identity)
        if listing.version == "broken":
            raise UsageError("it broke")
        return history(identity=listing.identity, version=listing.version)


def test_only_what_changed_is_fetched_again(tmp_path):
    store = Store(tmp_path)
    assert len(pull(Counting("v1", "v1", "v1"), store)) == 3
    again = Counting("v1", "v2", "v1")
    assert [run.version for run in pull(again, store)] == ["v1", "v2", "v1"]
    assert again.fetched == ["id-1"]


def test_what_was_fetched_before_an_error_is_kept(tmp_path):
    store = Store(tmp_path)
    with pytest.raises(UsageError):
        pull(Counting("v1", "broken"), store)
    assert store.get("id-0", "v1") is not None


def test_a_curve_joins_metric_and_step_by_row():
    rows = [{"global_step": 1, "r": 1.0}, {"r": 2.0}, {"global_step": 3}, {"global_step": 4, "r": 4.0}]
    curve = history(rows).curve("r", "global_step")
    assert (curve.steps.tolist(), curve.values.tolist()) == ([1, 4], [1.0, 4.0])
    assert history(rows).curve("other", "global_step").steps.size == 0


def test_nan_before_the_first_episode_has_ended_is_no_fault_and_later_it_is():
    rows = [{"global_step": i, "r": "NaN" if i in {0, 1, 5} else 1.0} for i in range(8)]
    curve = history(rows).curve("r", "global_step")
    assert curve.steps.tolist() == [2, 3, 4, 5, 6, 7]
    assert np.isnan(curve.values[3])
    assert np.isnan(history([{"global_step": 1, "r": "NaN"}]).curve("r", "global_step").values).all()


def test_nan_and_infinity_are_numbers_and_text_is_not():
    columns = columns_of([{"a": "NaN", "b": "Infinity", "c": "-Infinity", "d": "text", "e": None, "f": True}])
    assert np.isnan(columns["a"].values[0])
    assert (columns["b"].values[0], columns["c"].values[0], columns["f"].values[0]) == (np.inf, -np.inf, 1.0)
    assert set(columns) == {"a", "b", "c", "f"}


def test_of_a_resumed_run_the_later_segment_stands():
    first = history([{"global_step": i, "r": 1.0, "old": 1} for i in range(6)], started_at="1")
    second = history([{"global_step": i, "r": 2.0} for i in range(4, 9)], started_at="2")
    curve = later_segment_wins([first, second], "global_step").curve("r", "global_step")
    assert curve.steps.tolist() == list(range(9))
    assert curve.values.tolist() == [1.0] * 4 + [2.0] * 5


@pytest.mark.parametrize(
    ("config", "says"),
    [({"seed": 1}, "no 'env_id'"), ({"env_id": "A"}, "no 'seed'"), ({"env_id": "A", "seed": "x"}, "whole number")],
)
def test_a_run_must_say_environment_and_seed(config, says):
    with pytest.raises(UsageError, match=says):
        history(config=config).run("r", "global_step")
