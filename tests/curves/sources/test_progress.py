"""progress.csv and result.json: against pandas and json."""

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from rlops.curves.history import columns_of
from rlops.curves.sources.progress import PROGRESS, read_progress
from rlops.errors import UsageError


def curve(log) -> list[tuple[float, float]]:
    columns = PROGRESS.in_our_words(columns_of(log.rows))
    steps, returns = columns["global_step"], columns["charts/episodic_return"]
    by_row = dict(zip(steps.rows.tolist(), steps.values.tolist(), strict=True))
    return [(by_row[row], value) for row, value in zip(returns.rows.tolist(), returns.values.tolist(), strict=True)]


def test_the_logger_of_openai_baselines(real_data: Path) -> None:
    file = real_data / "raw_samples/openai_baselines_logger/progress-coinrun-train.csv"
    table = pd.read_csv(file)
    log = read_progress([file])
    assert curve(log) == list(zip(table["misc/total_timesteps"], table["eprewmean"], strict=True))
    assert len(log.rows) == len(table) == 3051
    assert log.minutes == table["misc/time_elapsed"].iloc[-1] / 60


@pytest.mark.parametrize("name", ["result.json", "progress.csv"])
def test_rllib(real_data: Path, name: str) -> None:
    folder = real_data / "raw_samples/rllib"
    table = pd.read_csv(folder / "progress.csv")
    log = read_progress([folder / name])
    found = [point for point in curve(log) if not math.isnan(point[1])]
    expected = table.dropna(subset="episode_reward_mean")
    assert found == list(zip(expected["timesteps_total"], expected["episode_reward_mean"], strict=True))
    assert (len(log.rows), len(found), found[-1][0]) == (23, 21, 6_491_500)
    assert log.minutes == table["time_total_s"].iloc[-1] / 60
    assert (log.started_at or "")[:19] == "2018-11-10T00:18:01"  # its first row was logged 11 s later
    assert not any(key.startswith("config") for row in log.rows for key in row)
    assert log.settings.get("env") == ("PongNoFrameskip-v4" if name == "result.json" else None)


def test_result_json_says_more_than_progress_csv_and_is_read_alone(real_data: Path) -> None:
    folder = real_data / "raw_samples/rllib"
    log = read_progress([folder / "progress.csv", folder / "result.json"])
    assert len(log.rows) == 23
    first = json.loads((folder / "result.json").read_text().splitlines()[0])
    assert log.rows[0]["info/learner/cur_lr"] == first["info"]["learner"]["cur_lr"]


NEW_RLLIB = [
    {
        "env_runners": {"episode_return_mean": 5.0 * i, "num_env_steps_sampled": 100},
        "num_env_steps_sampled_lifetime": 100 * i,
    }
    for i in (1, 2)
]
OLD_RLLIB = [{"episode_reward_mean": 5.0 * i, "timesteps_total": 100 * i} for i in (1, 2)]
MIDDLE_RLLIB = [
    {"episode_reward_mean": 5.0 * i, "timesteps_total": None, "num_env_steps_sampled": 100 * i} for i in (1, 2)
]


@pytest.mark.parametrize("results", [NEW_RLLIB, OLD_RLLIB, MIDDLE_RLLIB])
def test_the_names_of_all_versions_of_rllib(tmp_path: Path, results: list[dict[str, object]]) -> None:
    (tmp_path / "result.json").write_text("".join(json.dumps(result) + "\n" for result in results))
    assert curve(read_progress([tmp_path / "result.json"])) == [(100, 5.0), (200, 10.0)]


@pytest.mark.parametrize("step", ["time/total_timesteps", "total_timesteps", "misc/total_timesteps"])
def test_the_names_of_the_other_loggers(tmp_path: Path, step: str) -> None:
    """Keys that come later are blank in the rows before; a step that is no number is no step."""
    (tmp_path / "progress.csv").write_text(
        f"{step},rollout/ep_rew_mean,train/loss\n100,5.0,\n200,10.0,0.5\nnan,9.0,0.5\n"
    )
    log = read_progress([tmp_path / "progress.csv"])
    columns = PROGRESS.in_our_words(columns_of(log.rows))
    assert columns["global_step"].values.tolist() == [100, 200]
    assert columns["charts/episodic_return"].values.tolist() == [5.0, 10.0, 9.0]
    assert columns["train/loss"].rows.tolist() == [1, 2]


def test_where_a_trial_was_restored_the_later_iterations_stand(tmp_path: Path) -> None:
    points = [(1, 100, 1.0), (2, 200, 2.0), (3, 300, 3.0), (1, 150, 10.0), (2, 250, 20.0)]
    keys = ("iterations_since_restore", "timesteps_total", "episode_reward_mean")
    (tmp_path / "result.json").write_text(
        "".join(json.dumps(dict(zip(keys, point, strict=True))) + "\n" for point in points)
    )
    assert curve(read_progress([tmp_path / "result.json"])) == [(100, 1.0), (150, 10.0), (250, 20.0)]


def test_a_header_that_is_repeated_and_a_long_field(tmp_path: Path) -> None:
    """Old RLlib writes its whole config into every row."""
    header, config = "timesteps_total,config,episode_reward_mean\n", "{" + "x" * 200_000 + "}"
    (tmp_path / "progress.csv").write_text(f"{header}100,{config},1.0\n{header}200,{config},2.0\n")
    log = read_progress([tmp_path / "progress.csv"])
    assert (curve(log), len(log.rows), log.lost) == ([(100, 1.0), (200, 2.0)], 2, ())


def test_a_torn_end_and_lines_that_are_none_are_said(tmp_path: Path) -> None:
    good = json.dumps({"timesteps_total": 100, "episode_reward_mean": 1.0})
    (tmp_path / "result.json").write_text(f"{good}\n[1]\n{{oops\n{good[:20]}")
    log = read_progress([tmp_path / "result.json"])
    assert log.lost == (
        "2 lines of result.json are no JSON",
        "result.json ends in the middle of a line, which is left out",
    )
    assert len(log.rows) == 1


def test_an_empty_log_has_no_rows(tmp_path: Path) -> None:
    for name in ("result.json", "progress.csv"):
        (tmp_path / name).write_text("")
        log = read_progress([tmp_path / name])
        assert (list(log.rows), log.minutes, log.started_at, log.lost) == ([], None, None, ())


def test_of_several_processes_the_first_is_read(tmp_path: Path) -> None:
    for name, value in (("progress-rank001.csv", 1.0), ("progress.csv", 2.0)):
        (tmp_path / name).write_text(f"total_timesteps,eprewmean\n100,{value}\n")
    assert curve(read_progress(sorted(tmp_path.iterdir()))) == [(100, 2.0)]


def test_several_files_of_which_none_is_the_one(tmp_path: Path) -> None:
    for name in ("progress-a-1.csv", "progress-a-2.csv"):
        (tmp_path / name).write_text("total_timesteps,eprewmean\n100,1.0\n")
    with pytest.raises(UsageError, match=r"several runs \(progress-a-1.csv, progress-a-2.csv\).*&path=progress-"):
        read_progress(sorted(tmp_path.iterdir()))
