"""From folders of foreign logs to run sets, through the Loader and the command line."""

import json
import os
import sys
from pathlib import Path

import pandas as pd
import pytest

from rlops.cli.main import main
from rlops.curves import Loader, RunSet, Store, parse_reference
from rlops.curves.history import RunHistory
from rlops.errors import UsageError

ORIGINALS = "raw_samples/baselines_monitor"


def monitor(
    folder: Path, env_id: str | None = "A-v1", values: tuple[float, ...] = (1.0, 2.0), name: str = "monitor.csv"
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{value},10,{i}.0\n" for i, value in enumerate(values))
    (folder / name).write_text(f"#{json.dumps({'t_start': 0.0, 'env_id': env_id})}\nr,l,t\n{rows}")


def progress(folder: Path, value: float = 1.0, name: str = "progress.csv") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"eprewmean,misc/total_timesteps\n{value},100\n{value + 1},200\n")


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    return Loader(Store(tmp_path / "store"))


def runs(loader: Loader, text: str) -> RunSet:
    return loader.runs(parse_reference(text))


def named(run_set: RunSet) -> list[tuple[str, int]]:
    return [(run.env_id, run.seed) for run in run_set.runs]


def test_original_monitors_make_a_run_set(loader: Loader, real_data: Path) -> None:
    """The seed is in the folders' names, the environment in the files; pandas is the oracle of the curves."""
    folder = real_data / ORIGINALS
    found = runs(loader, f"dir:{folder}?path={{kind}}/hopper-{{seed}}&kind=fix")
    assert named(found) == [("Hopper-v2", 0), ("Hopper-v2", 1), ("Hopper-v2", 2)]
    for run in found.runs:
        table = pd.read_csv(folder / f"fix/hopper-{run.seed}/0.monitor.csv", skiprows=1)
        assert run.curve.values.tolist() == table.r.tolist()
        assert run.curve.steps.tolist() == table.l.cumsum().tolist()
        assert (run.state, run.fault, run.config["kind"]) == ("finished", None, "fix")
    assert found.provenance == {"format": "monitor"}


def test_the_original_run_of_sb3_zoo_says_all_itself(loader: Loader, real_data: Path) -> None:
    found = runs(loader, f"dir:{real_data}/raw_samples/sb3_zoo?algo=a2c&n_envs=8")
    assert named(found) == [("CartPole-v1", 252933904)]
    assert runs(loader, f"dir:{real_data}/raw_samples/sb3_zoo?path={{algo}}/{{env_id}}_{{number}}&number=1").runs


@pytest.mark.parametrize("format_", ["progress", "tensorboard"])
def test_the_original_run_of_rllib(loader: Loader, real_data: Path, tmp_path: Path, format_: str) -> None:
    folder = tmp_path / "impala" / "Pong_4"
    folder.mkdir(parents=True)
    for file in (real_data / "raw_samples/rllib").iterdir():
        (folder / file.name).symlink_to(file)
    env_id = "{name}" if format_ == "progress" else "{env_id}"
    found = runs(loader, f"dir:{tmp_path}/impala?path={env_id}_{{seed}}&format={format_}")
    assert named(found) == [("PongNoFrameskip-v4" if format_ == "progress" else "Pong", 4)]
    expected = pd.read_csv(folder / "progress.csv").dropna(subset="episode_reward_mean")
    assert found.runs[0].curve.steps.tolist() == expected.timesteps_total.tolist()
    assert found.runs[0].curve.values.tolist() == pytest.approx(expected.episode_reward_mean.tolist(), rel=1e-6)


def test_original_logs_are_compared_by_the_command_line(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = [f"dir:{real_data / ORIGINALS / side}?path=hopper-{{seed}}" for side in ("nofix", "fix")]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["rlops", "compare", *sides, "--json"])
    with pytest.raises(SystemExit):
        main()
    (environment,) = json.loads(capsys.readouterr().out)["environments"]
    assert (environment["env_id"], environment["n_baseline"], environment["n_candidate"]) == ("Hopper-v2", 3, 3)


class TestPaths:
    def test_fields_name_runs_and_filter_them(self, loader: Loader, tmp_path: Path) -> None:
        for algo in ("ppo", "a2c"):
            for seed in (1, 2, 10):
                progress(tmp_path / "logs" / algo / f"A-v1_{seed}", seed)
        where = f"dir:{tmp_path}/logs?path={{algo}}/{{env_id}}_{{seed}}"
        assert named(runs(loader, where + "&algo=ppo")) == [("A-v1", 1), ("A-v1", 10), ("A-v1", 2)]
        assert named(runs(loader, where + "&algo=a2c&seed=2-9")) == [("A-v1", 2)]
        assert len(runs(loader, where + "&env_id=A-v1&algo=a2c,ppo").runs) == 6
        with pytest.raises(UsageError, match="no run was found"):
            runs(loader, where + "&algo=sac")

    def test_a_stored_run_is_no_other_under_another_pattern(self, loader: Loader, tmp_path: Path) -> None:
        progress(tmp_path / "logs" / "7-A_1")
        assert named(runs(loader, f"dir:{tmp_path}/logs?path={{x}}-{{env_id}}_{{seed}}")) == [("A", 1)]
        assert named(runs(loader, f"dir:{tmp_path}/logs?path={{seed}}-{{env_id}}_{{x}}")) == [("A", 7)]
        assert len(list(loader.store.folder.glob("*.npz"))) == 1

    def test_a_folder_that_is_itself_the_run_goes_by_its_name(self, loader: Loader, tmp_path: Path) -> None:
        progress(tmp_path / "A-v1_5")
        assert named(runs(loader, f"dir:{tmp_path}/A-v1_5?path={{env_id}}_{{seed}}")) == [("A-v1", 5)]

    def test_what_lies_deeper_than_the_pattern_is_no_run(self, loader: Loader, tmp_path: Path) -> None:
        monitor(tmp_path / "logs" / "s1")
        monitor(tmp_path / "logs" / "s1" / "eval")
        assert named(runs(loader, f"dir:{tmp_path}/logs?path=s{{seed}}")) == [("A-v1", 1)]

    def test_files_that_are_runs_of_their_own(self, loader: Loader, tmp_path: Path) -> None:
        for seed in (1, 2):
            progress(tmp_path / "logs", seed, f"progress-coinrun-{seed}.csv")
        progress(tmp_path / "logs", name="progress-other.csv")
        found = runs(loader, f"dir:{tmp_path}/logs?path=progress-{{env_id}}-{{seed}}.csv")
        assert named(found) == [("coinrun", 1), ("coinrun", 2)]
        assert [run.curve.values[0] for run in found.runs] == [1.0, 2.0]

    @pytest.mark.parametrize(
        ("query", "says"),
        [
            (
                "",
                r"2 of 2 runs do not say their seed.*ppo/A_1, ppo/A_2.*env_id=A-v1.*&path=\{algo\}/\{env_id\}_\{seed\}",
            ),
            ("?path=ppo/{name}_{number}", r"2 of 2 runs do not say their seed.*env_id=A-v1; name, number\)"),
            (
                "?path={env_id}_{seed}",
                r"no run lies as path=\{env_id\}_\{seed\} says; the 2 monitor files lie like ppo/A_1/",
            ),
            (
                "?path={algo}/{env_id}_{seed}",
                r"files say env_id=A-v1, its path says env_id=A; .*\{number\} for \{env_id\}",
            ),
            ("?path={algo}/B_{seed}", r"the path ppo/A_1 does not fit path=\{algo\}/B_\{seed\}"),
            ("?path={seed}.monitor.csv", "no run lies as path="),
            ("?path=seed", "name the parts of the path in braces"),
        ],
    )
    def test_what_paths_do_not_say(self, loader: Loader, tmp_path: Path, query: str, says: str) -> None:
        for seed in (1, 2):
            monitor(tmp_path / "logs" / "ppo" / f"A_{seed}")
        with pytest.raises(UsageError, match=says):
            runs(loader, f"dir:{tmp_path}/logs{query}")

    def test_logs_without_an_environment(self, loader: Loader, tmp_path: Path) -> None:
        monitor(tmp_path / "logs" / "1", env_id=None)
        with pytest.raises(UsageError, match=r"1 of 1 runs do not say their env_id.*say: seed=1\)"):
            runs(loader, f"dir:{tmp_path}/logs?path={{seed}}")


class TestFormats:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for seed in (1, 2):
            monitor(tmp_path / "logs" / f"s{seed}")
            progress(tmp_path / "logs" / f"s{seed}")
            (tmp_path / "logs" / f"s{seed}" / "events.out.tfevents.1.host").write_bytes(b"")
        return tmp_path / "logs"

    @pytest.mark.parametrize(
        ("query", "format_"), [("", "monitor"), ("&format=monitor", "monitor"), ("&format=progress", "progress")]
    )
    def test_which_is_taken_is_said(self, loader: Loader, folder: Path, query: str, format_: str) -> None:
        pattern = "s{seed}" if format_ == "monitor" else "{env_id}{seed}"
        found = runs(loader, f"dir:{folder}?path={pattern}{query}")
        assert [run.source for run in found.runs] == [f"{folder}/s{seed} ({format_})" for seed in (1, 2)]
        assert found.runs[0].curve.steps.tolist() == ([10, 20] if format_ == "monitor" else [100, 200])

    def test_the_store_keeps_the_logs_of_each_format(self, loader: Loader, folder: Path) -> None:
        for reference in (f"dir:{folder}?path=s{{seed}}", f"dir:{folder}?path={{env_id}}{{seed}}&format=progress"):
            assert len(runs(loader, reference).runs) == 2
        assert len(list(loader.store.folder.glob("*.npz"))) == 4

    def test_cells_and_wandb_files_come_first(self, loader: Loader, folder: Path) -> None:
        (folder / "cell.json").write_text("{}")
        assert loader.histories(parse_reference(f"dir:{folder}")) == []  # a cell that is not done
        assert len(loader.histories(parse_reference(f"dir:{folder}?format=monitor&path=s{{seed}}"))) == 2
        with pytest.raises(UsageError, match="cells logs say themselves whose they are; leave path= out"):
            runs(loader, f"dir:{folder}?path=s{{seed}}")

    @pytest.mark.parametrize(
        ("query", "says"),
        [
            ("?format=moniter", "no such format; did you mean monitor"),
            (
                "?format=wandb",
                r"no logs in or below it \(wandb: run-\*.wandb\); it holds monitor, progress, tensorboard",
            ),
            ("?format=monitor,progress", "format takes one value"),
        ],
    )
    def test_formats_that_are_not_there(self, loader: Loader, folder: Path, query: str, says: str) -> None:
        with pytest.raises(UsageError, match=says):
            runs(loader, f"dir:{folder}{query}")

    def test_a_folder_without_logs_says_what_was_looked_for(self, loader: Loader, tmp_path: Path) -> None:
        with pytest.raises(
            UsageError, match=r"there are no logs.*cells: cell.json; wandb: .*monitor: .*tensorboard: \*.tfev"
        ):
            runs(loader, f"dir:{tmp_path}")

    def test_elsewhere_path_and_format_are_filters_like_any_other(self) -> None:
        assert parse_reference("wandb:a/b?format=x&path=y").other_filters() == {"format": ("x",), "path": ("y",)}
        assert parse_reference("dir:b?format=x&path=y&z=1").other_filters() == {"z": ("1",)}


class TestVersions:
    def pulled(self, loader: Loader, folder: Path) -> RunHistory:
        (history,) = loader.histories(parse_reference(f"dir:{folder}?path=s{{seed}}"))
        return history

    def test_a_log_that_did_not_change_is_not_read_again(
        self, loader: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monitor(tmp_path / "logs" / "s1")
        first = self.pulled(loader, tmp_path / "logs")
        monkeypatch.delattr("rlops.curves.sources.logs.RunHistory")  # without it none is made
        assert self.pulled(loader, tmp_path / "logs").version == first.version

    def test_a_log_that_grew_is_read_again(self, loader: Loader, tmp_path: Path) -> None:
        for values in ((1.0, 2.0), (1.0, 2.0, 3.0)):
            monitor(tmp_path / "logs" / "s1", values=values)
            assert self.pulled(loader, tmp_path / "logs").columns["r"].values.tolist() == list(values)
        assert len(list(loader.store.folder.glob("*.npz"))) == 1

    def test_so_is_one_whose_settings_changed(self, loader: Loader, tmp_path: Path) -> None:
        monitor(tmp_path / "logs" / "s1")
        (tmp_path / "logs" / "s1" / "args.yml").write_text("lr: 1\n")
        assert self.pulled(loader, tmp_path / "logs").config["lr"] == 1
        (tmp_path / "logs" / "s1" / "args.yml").write_text("lr: 2\n")
        os.utime(tmp_path / "logs" / "s1" / "args.yml", ns=(1, 1))
        assert self.pulled(loader, tmp_path / "logs").config["lr"] == 2


def test_what_could_not_be_read_is_a_fault_of_the_run(loader: Loader, tmp_path: Path) -> None:
    monitor(tmp_path / "logs" / "s1")
    with (tmp_path / "logs" / "s1" / "monitor.csv").open("a") as file:
        file.write("3.0,1")
    (run,) = runs(loader, f"dir:{tmp_path}/logs?path=s{{seed}}").runs
    assert (run.state, run.curve.values.tolist()) == ("finished", [1.0, 2.0])
    assert run.fault == "monitor.csv ends in the middle of a line, which is left out"
