"""monitor.csv: against pandas, and against the training that wrote it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlops.curves.sources.monitor import Monitor, merged, read_monitors
from rlops.errors import UsageError

HEADER = '#{"t_start": 1000.0, "env_id": "A-v1"}\n'
EPISODES = st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 50), st.integers(1, 400)), max_size=20)


def written(folder: Path, name: str, content: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(content)
    return folder / name


def as_pandas_reads(files: list[Path]) -> pd.DataFrame:
    """What stable_baselines3.common.monitor.load_results makes of a folder, and the steps so far."""
    tables = []
    for file in files:
        header = json.loads(file.read_text().splitlines()[0][1:])
        table = pd.read_csv(file, skiprows=1)
        tables.append(table.assign(ended=table.t + header["t_start"]))
    whole = pd.concat(tables).sort_values("ended", kind="stable")
    return whole.assign(global_step=whole.l.cumsum())


@pytest.mark.parametrize(
    "folder", ["baselines_monitor/fix/hopper-0", "baselines_monitor/nofix/hopper-1", "sb3_zoo/a2c/CartPole-v1_1"]
)
def test_the_original_files_are_read_as_pandas_reads_them(real_data: Path, folder: str) -> None:
    files = sorted((real_data / "raw_samples" / folder).glob("*.monitor.csv"))
    log, expected = read_monitors(files), as_pandas_reads(files)
    for column in ("global_step", "r", "l", "t"):
        assert [row[column] for row in log.rows] == expected[column].tolist()
    assert log.lost == ()
    assert log.minutes == pytest.approx(expected.t.max() / 60, abs=1e-3)


def test_the_run_of_sb3_zoo_took_the_steps_that_it_was_given(real_data: Path) -> None:
    files = sorted((real_data / "raw_samples/sb3_zoo/a2c/CartPole-v1_1").glob("*.monitor.csv"))
    log = read_monitors(files)
    assert len(files) == 8
    assert 495_000 < log.rows[-1]["global_step"] <= 500_000  # config.yml: n_timesteps, and 8 episodes were not over
    assert log.settings == {"env_id": "CartPole-v1"}
    assert log.started_at == "2021-03-01T17:22:08.331583+00:00"


def test_parallel_processes_by_hand(tmp_path: Path) -> None:
    """The second one began two seconds later: its clock is behind."""
    first = written(tmp_path, "0.monitor.csv", HEADER + "r,l,t\n1.0,10,1.0\n2.0,20,5.0\n")
    second = written(tmp_path, "1.monitor.csv", HEADER.replace("1000.0", "1002.0") + "r,l,t\n3.0,5,0.5\n4.0,7,2.0\n")
    log = read_monitors([first, second])
    assert [(row["r"], row["global_step"]) for row in log.rows] == [(1.0, 10), (3.0, 15), (4.0, 22), (2.0, 42)]


def test_one_process_that_was_resumed_goes_on_however_short_it_was(tmp_path: Path) -> None:
    file = written(tmp_path, "monitor.csv", HEADER + "r,l,t\n1.0,10,0.5\n2.0,10,0.9\n3.0,10,0.4\n")
    assert [(row["r"], row["global_step"]) for row in read_monitors([file]).rows] == [(1.0, 10), (2.0, 20), (3.0, 30)]


def test_parallel_processes_that_were_resumed_go_on(tmp_path: Path) -> None:
    files = [
        written(tmp_path, f"{i}.monitor.csv", HEADER + f"r,l,t\n{i}.1,1,{50 + i}\n{i}.2,1,{90 + i}\n{i}.3,1,{3 + i}\n")
        for i in (0, 1)
    ]
    assert [row["r"] for row in read_monitors(files).rows] == [0.1, 1.1, 0.2, 1.2, 0.3, 1.3]


@given(st.lists(EPISODES, min_size=1, max_size=4))
def test_merging_loses_no_episode_and_keeps_every_order(processes: list[list[tuple[int, int, int]]]) -> None:
    monitors = []
    for number, episodes in enumerate(processes):
        times = np.cumsum([pause / 100 for _, _, pause in episodes])
        rows = [
            {"r": float(r), "l": float(length), "t": float(t), "process": float(number)}
            for (r, length, _), t in zip(episodes, times, strict=True)
        ]
        monitors.append(Monitor(100.0 + number / 3, rows))
    together = merged(monitors)
    for number, monitor in enumerate(monitors):
        own = [{**row} for row in together if row["process"] == number]
        for row in own:
            del row["global_step"]
        assert own == monitor.episodes
    ended = [monitors[int(row["process"])].started + row["t"] for row in together]
    assert ended == sorted(ended)
    steps = [row["global_step"] for row in together]
    assert steps == np.cumsum([row["l"] for row in together]).tolist()
    assert (steps or [0])[-1] == sum(length for episodes in processes for _, length, _ in episodes)


def test_a_monitor_that_does_not_know_its_environment_takes_nothing_from_the_others(tmp_path: Path) -> None:
    first = written(tmp_path, "0.monitor.csv", HEADER)
    second = written(tmp_path, "1.monitor.csv", '#{"t_start": 1e300, "env_id": null}\nr,l,t\n')
    log = read_monitors([first, second])
    assert log.settings == {"env_id": "A-v1"}
    assert read_monitors([second]).started_at is None  # no calendar has that day


def test_columns_of_their_own_are_kept(tmp_path: Path) -> None:
    file = written(tmp_path, "monitor.csv", HEADER + "r,l,t,is_success\n1.0,10,1.0,True\n2.0,10,2.0,\n")
    assert [row.get("is_success") for row in read_monitors([file]).rows] == [1.0, None]


@pytest.mark.parametrize(
    ("rows", "says", "left"),
    [
        ("1.0,10,1.0\n2.0,10,2.", "monitor.csv ends in the middle of a line", 1),
        ("1.0,10,1.0\n2.0,10\n3.0,10,3.0\n", "1 lines of monitor.csv have not the 3 fields", 2),
        ("1.0,10,1.0\n2.0,x,2.0\n", "1 lines of monitor.csv have no number for l or t", 1),
        ("1.0,10,1.0\n2.0,nan,2.0\n", "1 lines of monitor.csv have no number for l or t", 1),
    ],
)
def test_what_cannot_be_read_is_said_and_the_rest_is_kept(tmp_path: Path, rows: str, says: str, left: int) -> None:
    log = read_monitors([written(tmp_path, "monitor.csv", HEADER + "r,l,t\n" + rows)])
    assert any(says in words for words in log.lost)
    assert len(log.rows) == left


def test_an_empty_file_beside_a_good_one_is_said(tmp_path: Path) -> None:
    good = written(tmp_path, "0.monitor.csv", HEADER + "r,l,t\n1.0,10,1.0\n")
    log = read_monitors([good, written(tmp_path, "1.monitor.csv", "")])
    assert log.lost == ("1.monitor.csv is empty",)
    assert [row["global_step"] for row in log.rows] == [10]
    assert log.started_at == "1970-01-01T00:16:40+00:00"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("r,l,t\n1,1,1\n", "is no monitor file; the first line"),
        ("#[1]\nr,l,t\n", "is no monitor file; the first line"),
        (HEADER + "a,b\n1,2\n", "columns r, l and t; it has a, b"),
    ],
)
def test_what_is_no_monitor_file(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_monitors([written(tmp_path, "monitor.csv", content)])


def test_monitors_of_several_environments_are_no_run(tmp_path: Path) -> None:
    files = [
        written(tmp_path, "0.monitor.csv", HEADER),
        written(tmp_path, "1.monitor.csv", HEADER.replace("A-v1", "B-v1")),
    ]
    with pytest.raises(UsageError, match=r"several environments \(A-v1, B-v1\).*&path=\{seed\}.monitor.csv"):
        read_monitors(files)
