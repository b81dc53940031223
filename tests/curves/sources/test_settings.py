"""The files beside a log: read, never executed."""

import json
from pathlib import Path

import pytest

from rlops.curves.sources.settings import all_settings, settings_files
from rlops.errors import UsageError


def beside(folder: Path) -> dict[str, object]:
    return all_settings(settings_files(folder), {})


def test_sb3_zoo(real_data: Path) -> None:
    """By hand, from the files."""
    folder = real_data / "raw_samples/sb3_zoo/a2c/CartPole-v1_1"
    assert [path.name for path in settings_files(folder)] == ["args.yml", "config.yml"]
    settings = beside(folder)
    assert settings["env_id"] == settings["env"] == "CartPole-v1"
    assert (settings["algo"], settings["seed"], settings["n_envs"], settings["policy"]) == (
        "a2c",
        252933904,
        8,
        "MlpPolicy",
    )
    assert settings["n_timesteps"] == 500_000.0  # config.yml; args.yml has -1 for "as in config.yml"
    assert len(settings) == 29 + 4 - 1 + 1


def test_nothing_is_executed(tmp_path: Path) -> None:
    planted = tmp_path / "executed"
    (tmp_path / "args.yml").write_text(
        f"env: !!python/object/apply:os.system ['touch {planted}']\n"
        "policy: !!python/name:os.system ''\n"
        "schedule: !!python/object:builtins.object {x: 1}\n"
        "range: !!python/tuple [1, 2]\n"
        "seed: 3\nday: 2024-01-02\n"
    )
    settings = beside(tmp_path)
    assert not planted.exists()
    assert settings == {
        "env": [f"touch {planted}"],
        "policy": "",
        "schedule": {"x": 1},
        "range": [1, 2],
        "seed": 3,
        "day": "2024-01-02",
    }
    json.dumps(settings)


def test_the_log_itself_comes_first_then_rllibs_config(tmp_path: Path) -> None:
    (tmp_path / "args.yml").write_text("env: A\nseed: 1\nlr: 1\n")
    (tmp_path / "params.json").write_text('{"env": "B", "seed": 2, "gamma": 0.9}')
    files = settings_files(tmp_path)
    assert all_settings(files, {"seed": 3, "gamma": None}) == {
        "env_id": "B",
        "env": "B",
        "seed": 3,
        "lr": 1,
        "gamma": 0.9,
    }
    assert all_settings(files, {"env_id": "C"})["env_id"] == "C"


def test_arguments_of_runs_further_down_are_not_of_this_one(tmp_path: Path) -> None:
    for name in ("A_1", "A_2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "args.yml").write_text("seed: 1\n")
    assert settings_files(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("params.json", "{", "params.json: cannot be read"),
        ("args.yml", "a: [", "args.yml: cannot be read"),
        ("args.yml", "!!python/object/apply:collections.OrderedDict [[1], 2]", "args.yml: cannot be read"),
        ("args.yml", "a: &a [*a]", "args.yml: cannot be read"),
        ("config.yml", "- a\n", "config.yml: holds no settings by name"),
        ("config.yml", "", "config.yml: holds no settings by name"),
    ],
)
def test_what_cannot_be_read_is_an_error_that_names_it(tmp_path: Path, name: str, content: str, says: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=says):
        beside(tmp_path)
