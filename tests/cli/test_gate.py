"""The whole way with trainers that train nothing: the gate, its cells, the store and its repair."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rlops import run_sets
from rlops.curves import parse_reference
from rlops.errors import UsageError
from rlops.run_sets import Terms
from rlops.training import Watchers
from rlops.workspace import Workspace
from tests.cli.commands import STEADY, CommandLine, child_environment, table

TRAINER = """
import sys, time, wandb
env_id, seeds, final = sys.argv[1], sys.argv[2], float(sys.argv[3])
first, _, last = seeds.partition("-")
for seed in range(int(first), int(last or first) + 1):
    run = wandb.init(
        config={"env_id": env_id, "seed": seed}, reinit="create_new",
        settings=wandb.Settings(x_disable_stats=True, console="off", silent=True),
    )
    run.define_metric("*", step_metric="global_step")
    for step in range(500, 10_001, 500):
        value = (final + seed % 10 / 2) * min(1.0, step / 5000)
        run.log({"global_step": step, "charts/episodic_return": value})
    run.finish()
"""

PLAIN_TRAINER = """
import os, signal, sys, time
env_id, seeds, order = sys.argv[1:]
print("\\x1b]0;title\\x07training \\x1b[31m" + env_id + " [bold]" + seeds, flush=True)
if order == "wait":
    while not os.path.exists("go"):
        time.sleep(0.01)
elif order == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
else:
    sys.exit(int(order))
"""


def write_project(folder: Path, trainer: str, *orders: str, many: bool = True) -> None:
    (folder / "train.py").write_text(trainer)
    (folder / "benchmarks").mkdir()
    command = ["{python}", "train.py", "{env_id}", "{seeds}" if many else "{seed}", *orders]
    (folder / "benchmarks" / "bench.toml").write_text(
        f'environments = ["Dummy-v1"]\nbudget = 10_000\ncode = ["train.py"]\npackages = []\ncommand = {command}\n'
        '[seeds]\nbaseline = "1-10"\ncandidate = "101-105"\n[resources]\ngrace_seconds = 5\n'
        "[policy]\nlooks = []\n"
    )


def save_baseline(rlops: CommandLine) -> None:
    reference = table(rlops.folder / "steady.csv", {"Dummy-v1": STEADY})
    ended = rlops("baseline", "save", "bench", reference)
    assert ended.code == 0, ended.err


class TestGate:
    def test_the_whole_way(self, rlops: CommandLine) -> None:
        """One test, because the trainings of the first step are what the others stand on."""
        write_project(rlops.folder, TRAINER, "98")
        save_baseline(rlops)
        rlops.monkeypatch.setenv("WANDB_API_KEY", "secret-key")
        ended = rlops("gate", "bench", "--json", "--report", "r.html")
        assert ended.code == 0, ended.err
        first = json.loads(ended.out)
        self.passes_what_learns_alike(rlops, first, ended.err)
        self.again_trains_nothing_and_says_the_same(rlops, first)
        for content in (b"", b"PK\x03\x04 torn", b"\x80\x04."):
            self.a_corrupt_file_in_the_store_is_healed(rlops, first, content)
        self.the_cells_are_a_run_set(rlops)
        files = [path for path in rlops.folder.rglob("*") if path.is_file()]
        assert not [path for path in files if b"secret-key" in path.read_bytes()], "a secret was written"

    def passes_what_learns_alike(self, rlops: CommandLine, record: dict[str, Any], err: str) -> None:
        assert record["verdict"] == "equivalent"
        assert (record["cost"]["cells_trained"], record["cost"]["cells_known"]) == (5, 0)
        (environment,) = record["environments"]
        assert (environment["n_baseline"], environment["n_candidate"]) == (10, 5)
        # Seeds 101 to 105 end at 98.5 to 100.5, the baseline at 100.05 on average.
        assert environment["mean_candidate"] == pytest.approx(99.5)
        assert environment["mean_baseline"] == pytest.approx(sum(STEADY) / 10)
        assert (rlops.folder / "r.html").exists()
        assert "5 cells, 0 known, 5 to train" in err

    def again_trains_nothing_and_says_the_same(self, rlops: CommandLine, first: dict[str, Any]) -> None:
        before = sorted(path.stat().st_mtime_ns for path in rlops.folder.glob(".rlops/cells/*/*/done.json"))
        ended = rlops("gate", "bench", "--json")
        record = json.loads(ended.out)
        assert (ended.code, record["data_sha256"]) == (0, first["data_sha256"])
        assert record["environments"] == first["environments"]
        assert (record["cost"]["cells_trained"], record["cost"]["cells_known"]) == (0, 5)
        assert before
        assert before == sorted(path.stat().st_mtime_ns for path in rlops.folder.glob(".rlops/cells/*/*/done.json"))

    def a_corrupt_file_in_the_store_is_healed(self, rlops: CommandLine, first: dict[str, Any], content: bytes) -> None:
        stored = sorted(rlops.folder.glob(".rlops/runs/*.npz"))
        assert len(stored) == 5
        whole = len(stored[0].read_bytes())
        stored[0].write_bytes(content)
        assert json.loads(rlops("gate", "bench", "--json").out)["data_sha256"] == first["data_sha256"]
        assert len(stored[0].read_bytes()) == pytest.approx(whole, rel=0.05)

    def the_cells_are_a_run_set(self, rlops: CommandLine) -> None:
        (folder,) = rlops.folder.glob(".rlops/cells/*")
        reference = f"dir:{folder}"
        pulled = rlops("pull", reference, "--json")
        assert sorted(row["config"]["seed"] for row in json.loads(pulled.out)) == [101, 102, 103, 104, 105]
        assert rlops("compare", "bench", f"{reference}?seed=101-105", "--benchmark", "bench").code == 0
        assert rlops("baseline", "save", "cells", reference, "--benchmark", "bench").code == 0
        saved = json.loads((rlops.folder / "baselines" / "cells.json").read_text())
        assert [run["seed"] for run in saved["environments"][0]["runs"]] == [101, 102, 103, 104, 105]

    def test_cells_that_fail_fail_the_gate(self, rlops: CommandLine) -> None:
        write_project(rlops.folder, PLAIN_TRAINER, "3")
        save_baseline(rlops)
        ended = rlops("gate", "bench")
        assert ended.code == 4, ended.err
        assert "exit code 3" in ended.err
        assert "    training Dummy-v1 [bold]101-103" in ended.err.splitlines()
        assert "\x1b" not in ended.err
        assert rlops("run", "bench").code == 4

    def test_cells_that_are_killed_fail_the_gate(self, rlops: CommandLine) -> None:
        """An out-of-memory killer that takes every cell leaves nothing to pull, and the runs are missing."""
        write_project(rlops.folder, PLAIN_TRAINER, "kill")
        save_baseline(rlops)
        ended = rlops("gate", "bench")
        assert "killed by SIGKILL" in ended.err
        assert ended.code == 4, ended.err

    def test_an_environment_that_the_benchmark_had_before_is_no_finding(self, rlops: CommandLine) -> None:
        write_project(rlops.folder, PLAIN_TRAINER, "3")
        path = rlops.folder / "benchmarks" / "bench.toml"
        one = path.read_text()
        path.write_text(one.replace('["Dummy-v1"]', '["Dummy-v1", "Removed-v1"]'))
        rlops("run", "bench")
        path.write_text(one)
        save_baseline(rlops)
        record = json.loads(rlops("gate", "bench", "--json").out)
        assert "Removed-v1" not in {finding["env_id"] for finding in record["findings"]}

    def test_a_baseline_is_not_saved_without_the_seeds_that_failed(self, rlops: CommandLine) -> None:
        write_project(rlops.folder, PLAIN_TRAINER, "3")
        ended = rlops("baseline", "save", "bench", "--seeds", "1-2")
        assert ended.code == 4
        assert "nothing was saved" in ended.err
        assert not (rlops.folder / "baselines").exists()


class TestRun:
    def test_says_how_to_name_what_it_trained(self, rlops: CommandLine) -> None:
        write_project(rlops.folder, PLAIN_TRAINER, "0")
        ended = rlops("run", "bench", "--seeds", "1-2")
        assert ended.code == 0
        reference = ended.err.rpartition("the run set: ")[2].strip()
        assert reference.startswith("dir:.rlops/cells/bench-")
        assert parse_reference(reference).seeds == {1, 2}
        assert rlops("run", "bench", "--seeds", "1-2", "--quiet").err == ""

    def test_force(self, rlops: CommandLine) -> None:
        write_project(rlops.folder, PLAIN_TRAINER, "3", many=False)
        assert rlops("run", "bench", "--seeds", "1-2").code == 4
        assert (
            "exit code 3 in an earlier call; `rlops run bench --seeds 1 --force` trains it again"
            in rlops("run", "bench", "--seeds", "1-2").err
        )
        assert "exit code 3\n" in rlops("run", "bench", "--seeds", "1-2", "--force").err

    def test_the_live_board_on_a_terminal(self, tmp_path: Path) -> None:
        """It shows the trainer's last line, with nothing in it that the terminal would obey."""
        write_project(tmp_path, PLAIN_TRAINER, "wait")
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "rlops", "run", "bench", "--seeds", "1-2"],
            cwd=tmp_path,
            env=child_environment(tmp_path, TERM="xterm-256color", COLUMNS="100", NO_COLOR="1"),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        screen = b""
        while True:
            try:
                chunk = os.read(ours, 4096)
            except OSError:  # how Linux says that the other side has closed
                break
            if not chunk:
                break
            screen += chunk
            if b"training Dummy-v1 [bold]1" in screen:
                (tmp_path / "go").touch()
        os.close(ours)
        assert process.wait(timeout=60) == 0, screen
        assert b"bench  0/2 cells" in screen
        assert b"\x1b]0;title" not in screen
        assert b"\x1b[31m" not in screen
        assert b"2 cells trained, 0 were known" in screen


class FakeLoader:
    """Runs that logged one metric only, as `dir:` and `wandb:` have them."""

    def __init__(self, _store: object, metric: object, _progress: object, _offline: bool) -> None:
        self.metric = metric

    def runs(self, reference: object) -> object:
        if self.metric.name != "eval/return":  # type: ignore[attr-defined]
            raise UsageError(f"no run logged '{self.metric.name}'")  # type: ignore[attr-defined]
        raise FileNotFoundError("the right metric was asked for")


def test_a_baseline_of_another_metric_says_what_to_read(rlops: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --benchmark the metric is the stored baseline's, from the first look at the candidate on."""
    write_project(rlops.folder, PLAIN_TRAINER, "0")
    save_baseline(rlops)
    path = rlops.folder / "baselines" / "bench.json"
    path.write_text(path.read_text().replace('"charts/episodic_return"', '"eval/return"'))
    monkeypatch.setattr(run_sets, "Loader", FakeLoader)
    workspace = Workspace(rlops.folder, rlops.folder / ".rlops")
    with pytest.raises(FileNotFoundError, match="the right metric"):
        run_sets.compare_references(workspace, "bench", "dir:.", Terms(), Watchers())
