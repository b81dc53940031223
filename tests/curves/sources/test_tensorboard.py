"""TensorBoard event files: one that RLlib wrote, and those that writers of today make."""

import struct
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.util.tensor_util import make_tensor_proto

from rlops.curves.history import columns_of
from rlops.curves.sources.tensorboard import TENSORBOARD, read_event_files
from rlops.errors import UsageError

Point = tuple[int, float, str, object]


def simple(tag: str, value: float) -> Summary.Value:
    return Summary.Value(tag=tag, simple_value=value)


def tensor(tag: str, value: object, kind: object = np.float32) -> Summary.Value:
    return Summary.Value(tag=tag, tensor=make_tensor_proto(np.array(value, dtype=kind)))


def record(event: Event) -> bytes:
    """One record of an event file, as the format says: length, its checksum, content, its checksum."""
    content = event.SerializeToString()
    length = struct.pack("<Q", len(content))
    return length + struct.pack("<I", masked_crc32c(length)) + content + struct.pack("<I", masked_crc32c(content))


def write(folder: Path, second: int, *events: tuple[int, float, Summary.Value]) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"events.out.tfevents.{second}.host"
    first = record(Event(wall_time=events[0][1] if events else 0.0, file_version="brain.Event:2"))
    records = [record(Event(step=step, wall_time=wall, summary=Summary(value=[value]))) for step, wall, value in events]
    path.write_bytes(first + b"".join(records))
    return path


def points(log, tag: str) -> list[tuple[object, object]]:
    return [(row["global_step"], row[tag]) for row in log.rows if tag in row]


def test_the_file_that_rllib_wrote_holds_what_its_table_holds(real_data: Path) -> None:
    folder = real_data / "raw_samples/rllib"
    table = pd.read_csv(folder / "progress.csv")
    log = read_event_files(list(folder.glob("*.tfevents.*")))
    assert log.lost == ()
    for column in ("episode_reward_mean", "timesteps_total", "training_iteration"):
        found = points(log, f"ray/tune/{column}")
        known = pd.Series([value for _, value in found]).dropna()
        assert known.tolist() == table[column].dropna().astype(np.float32).tolist()
        assert [step for step, _ in found] == table["timesteps_total"].tolist()
    columns = TENSORBOARD.in_our_words(columns_of(log.rows))
    assert columns["charts/episodic_return"] is columns["ray/tune/episode_reward_mean"]


def test_the_writer_of_torch(tmp_path: Path) -> None:
    """The one that CleanRL and Stable-Baselines3 write with."""
    from torch.utils.tensorboard import SummaryWriter

    arguments = {"env_id": "Hopper-v4", "seed": 3, "note": "a|b"}
    lines = "\n".join(f"|{key}|{value}|" for key, value in arguments.items())
    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_text("hyperparameters", f"|param|value|\n|-|-|\n{lines}")
        writer.add_histogram("weights", np.arange(10.0), 100)
        for i in (1, 2, 3):
            writer.add_scalar("charts/episodic_return", i / 4, 100 * i)
            writer.add_scalar("losses/value_loss", float("nan"), 100 * i)
            writer.add_scalar("new", i / 2, 100 * i, new_style=True)
    log = read_event_files(sorted(tmp_path.glob("*.tfevents.*")))
    assert points(log, "charts/episodic_return") == [(100, 0.25), (200, 0.5), (300, 0.75)]
    assert points(log, "new") == [(100, 0.5), (200, 1.0), (300, 1.5)]
    assert np.isnan([value for _, value in points(log, "losses/value_loss")]).all()
    assert set().union(*log.rows) == {"global_step", "wall_time", "charts/episodic_return", "losses/value_loss", "new"}
    assert len(log.rows) == 3  # events of one step share a row: any tag can be the step counter
    assert log.settings == {"env_id": "Hopper-v4", "seed": "3", "note": "a|b"}


@pytest.mark.parametrize(
    "value",
    [
        simple("r", 1.5),
        tensor("r", 1.5),
        tensor("r", 1.5, np.float64),
        tensor("r", [1.5]),
        tensor("r", 1.5, np.float16),
    ],
)
def test_every_way_to_write_a_number(tmp_path: Path, value: Summary.Value) -> None:
    assert points(read_event_files([write(tmp_path, 1, (7, 1.0, value))]), "r") == [(7, 1.5)]


@pytest.mark.parametrize("value", [tensor("r", [1.0, 2.0]), tensor("r", "text", object), tensor("r", np.zeros((0, 3)))])
def test_what_is_no_number(tmp_path: Path, value: Summary.Value) -> None:
    log = read_event_files([write(tmp_path, 1, (7, 1.0, simple("known", 1.0)), (8, 2.0, value))])
    assert set().union(*log.rows) == {"global_step", "wall_time", "known"}


def test_whole_numbers(tmp_path: Path) -> None:
    assert points(read_event_files([write(tmp_path, 1, (7, 1.0, tensor("n", 3, np.int64)))]), "n") == [(7, 3.0)]


def test_several_values_at_one_step_are_all_kept(tmp_path: Path) -> None:
    """CleanRL logs every episode that ends in one of its parallel environments at the same step."""
    values = [
        (7, 1.0, simple("r", 1.0)),
        (7, 1.0, simple("l", 5.0)),
        (7, 1.0, simple("r", 2.0)),
        (7, 1.0, simple("l", 6.0)),
    ]
    log = read_event_files([write(tmp_path, 1, *values)])
    assert points(log, "r") == [(7, 1.0), (7, 2.0)]
    assert points(log, "l") == [(7, 5.0), (7, 6.0)]


def test_a_record_that_is_no_event_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, 1, (1, 1.0, simple("r", 1.0)))
    content = b"\xff" * 20
    length = struct.pack("<Q", len(content))
    checksums = [struct.pack("<I", masked_crc32c(part)) for part in (length, content)]
    after = record(Event(step=2, summary=Summary(value=[simple("r", 2.0)])))
    path.write_bytes(path.read_bytes() + length + checksums[0] + content + checksums[1] + after)
    log = read_event_files([path])
    assert points(log, "r") == [(1, 1.0)]
    assert log.lost[0].startswith(f"the last {36 + len(after)} bytes of ")


def test_time(tmp_path: Path) -> None:
    log = read_event_files([write(tmp_path, 1, (1, 60.0, simple("r", 1.0)), (2, 240.0, simple("r", 2.0)))])
    assert [row["wall_time"] for row in log.rows] == [60.0, 240.0]
    assert (log.started_at, log.minutes) == ("1970-01-01T00:01:00+00:00", 3.0)


def test_of_a_resumed_run_the_later_file_stands_tag_by_tag(tmp_path: Path) -> None:
    """A later file that only has another tag takes nothing away. Files are ordered by their times, not their names."""
    later = write(tmp_path, 1, (20, 100.0, simple("r", 9.0)), (40, 110.0, simple("r", 10.0)))
    first = write(tmp_path, 2, *((10 * i, float(i), simple("r", float(i))) for i in (1, 2, 3)))
    other = write(tmp_path, 3, (0, 200.0, simple("final", 1.0)))
    log = read_event_files([later, first, other])
    assert points(log, "r") == [(10, 1.0), (20, 9.0), (40, 10.0)]
    assert points(log, "final") == [(0, 1.0)]
    assert log.lost == ()


def test_two_processes_in_one_folder_are_said(tmp_path: Path) -> None:
    files = [
        write(tmp_path, second, *((10 * i, 10.0 * i + second, simple("r", float(i))) for i in range(5)))
        for second in (1, 2)
    ]
    assert read_event_files(files).lost == (
        "several processes logged r into one folder at once: these are several runs",
    )


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-5],
        lambda content: content[: len(content) // 2 + 3],
        lambda content: content[: len(content) // 2] + b"\x00\xff" + content[len(content) // 2 + 2 :],
    ],
)
def test_a_torn_or_damaged_file_is_said_and_the_rest_is_kept(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = write(tmp_path, 1, *((i, float(i), simple("r", float(i))) for i in range(100)))
    path.write_bytes(damage(path.read_bytes()))
    log = read_event_files([path])
    assert 40 < len(log.rows) < 100
    assert points(log, "r") == [(i, float(i)) for i in range(len(log.rows))]
    (words,) = log.lost
    assert words.endswith("bytes of events.out.tfevents.1.host cannot be read: it is torn or damaged there")


def test_a_file_without_scalars(tmp_path: Path) -> None:
    log = read_event_files([write(tmp_path, 1)])
    assert (list(log.rows), log.started_at, log.minutes, log.lost) == ([], None, None, ())


def test_without_the_package_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, 1)
    monkeypatch.setitem(sys.modules, "tensorboard.backend.event_processing.event_file_loader", None)
    with pytest.raises(UsageError, match=r"pip install 'rlops\[tensorboard\]'"):
        read_event_files([path])
