"""The exit code is the answer: each one told apart, and nothing but a proven regression exits with 1."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from rlops import run_sets
from rlops.errors import ExitCode
from tests.cli.commands import ALIKE, COLLAPSED, STEADY, WIDE, CommandLine, child, child_environment, table

BENCHMARK = """
environments = ["A-v1", "B-v1"]
budget = 10_000
code = ["bench.py"]
packages = []
command = ["{python}", "bench.py", "{env_id}", "{seed}"]
"""


@pytest.fixture
def good(tmp_path: Path) -> str:
    return table(tmp_path / "good.csv", {"A-v1": STEADY, "B-v1": STEADY})


@pytest.fixture
def also_good(tmp_path: Path) -> str:
    return table(tmp_path / "also_good.csv", {"A-v1": ALIKE, "B-v1": ALIKE}, first_seed=101)


@pytest.fixture
def collapsed(tmp_path: Path) -> str:
    return table(tmp_path / "collapsed.csv", {"A-v1": ALIKE, "B-v1": COLLAPSED}, first_seed=101)


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "bench.py").touch()
    path = tmp_path / "benchmarks" / "bench.toml"
    path.write_text(BENCHMARK)
    return path


class TestCodes:
    def test_0_equivalent(self, rlops: CommandLine, good: str, also_good: str) -> None:
        ended = rlops("compare", good, also_good)
        assert (ended.code, ended.err) == (0, "")
        assert "Equivalent" in ended.out

    def test_1_regressed(self, rlops: CommandLine, good: str, collapsed: str) -> None:
        ended = rlops("compare", good, collapsed)
        assert ended.code == 1
        assert "B-v1 learns worse" in ended.out

    def test_1_in_a_process_of_its_own(self, tmp_path: Path, good: str, collapsed: str) -> None:
        ended = child(tmp_path, "compare", good, collapsed)
        assert ended.code == 1, ended.err
        assert "B-v1 learns worse" in ended.out

    @pytest.mark.parametrize("values", [STEADY[:2], WIDE], ids=["few seeds", "noisy"])
    def test_3_inconclusive(self, rlops: CommandLine, good: str, values: tuple[float, ...], tmp_path: Path) -> None:
        open_question = table(tmp_path / "open.csv", {"A-v1": values, "B-v1": values}, first_seed=101)
        ended = rlops("compare", good, open_question)
        assert ended.code == 3
        assert "Inconclusive" in ended.out

    @pytest.mark.parametrize("code", [0, 3])
    def test_the_policy_maps_an_open_question(self, rlops: CommandLine, good: str, code: int, tmp_path: Path) -> None:
        (tmp_path / "policy.toml").write_text(f"[policy]\ninconclusive = {code}\n")
        open_question = table(tmp_path / "open.csv", {"A-v1": WIDE, "B-v1": WIDE}, first_seed=101)
        assert rlops("compare", good, open_question, "--policy", "policy.toml").code == code

    def test_4_truncated_runs(self, rlops: CommandLine, good: str, tmp_path: Path) -> None:
        short = table(tmp_path / "short.csv", {"A-v1": ALIKE, "B-v1": ALIKE}, first_seed=101, end=5000)
        ended = rlops("compare", good, short, "--budget", "10000")
        assert ended.code == 4
        assert "Failed" in ended.out

    def test_5_no_baseline(self, rlops: CommandLine, also_good: str) -> None:
        ended = rlops("compare", "quick", also_good)
        assert ended.code == 5
        assert "there is no baseline 'quick'" in ended.err
        assert "rlops baseline save quick" in ended.err

    def test_5_not_comparable(self, rlops: CommandLine, good: str, also_good: str, benchmark: Path) -> None:
        assert rlops("baseline", "save", "bench", good).code == 0
        assert rlops("compare", "bench", also_good, "--benchmark", "bench").code == 0
        benchmark.write_text(BENCHMARK.replace("10_000", "5_000"))
        ended = rlops("compare", "bench", also_good, "--benchmark", "bench")
        assert ended.code == 5
        assert "Not comparable" in ended.out

    def test_a_gate_without_its_baseline_trains_nothing(self, rlops: CommandLine, benchmark: Path) -> None:
        ended = rlops("gate", "bench")
        assert ended.code == 5
        assert "No baseline yet" in ended.out
        assert "rlops baseline save bench" in ended.out
        assert not (rlops.folder / ".rlops" / "cells").exists()


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("gaet", "quick"), "No such command 'gaet'; did you mean gate?"),
            (("compare", "quick"), "Missing argument 'B'"),
            (("compare", "a", "b", "--frobnicate"), "No such option"),
            (("compare", "a", "b", "--budget", "1"), "1 is not in the range"),
            (("run", "quick"), "benchmarks/ has: bench, broken"),
            (("run", "broken"), "broken.toml:1: budget: this key is missing"),
            (("run", "bench", "--seeds", "5-1"), "--seeds: the range 5-1 runs backwards; write 1-5"),
            (("compare", "fiel:a.csv", "b"), "did you mean file?"),
            (("compare", "a/b", "c"), "names no run set"),
            (("compare", "file:none.csv", "file:none.csv"), "there is no file none.csv"),
            (("compare", "dir:nowhere", "dir:nowhere"), "there is no folder nowhere"),
            (("compare", "git:main", "git:pr"), "say which: --benchmark NAME"),
            (("compare", "main..pr", "b"), "is both sides already"),
            (("compare", "b", "main..pr"), "is both sides already"),
            (("compare", "a", "b", "--benchmark", "bench", "--metric", "x"), "leave them or --benchmark out"),
            (("compare", "a", "b", "--policy", "none.toml"), "none.toml: cannot be read: No such file or directory"),
            (("report",), "there is no verdict in"),
            (("report", "nothing.json"), "there is no verdict"),
            (("pull", "file:x.csv"), "nothing to pull"),
            (("baseline", "show", "broken"), "is not a baseline file"),
            (("baseline", "save", "quick", "file:x.csv"), "no benchmark at"),
            (("baseline", "save", "../up", "file:good.csv", "--benchmark", "bench"), "is no name for a baseline"),
            (("baseline", "save", "a/b", "file:good.csv", "--benchmark", "bench"), "is no name for a baseline"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else "said",
    )
    @pytest.mark.usefixtures("benchmark", "good")
    def test_2(self, arguments: tuple[str, ...], said: str, rlops: CommandLine) -> None:
        (rlops.folder / "benchmarks" / "broken.toml").write_text("")
        (rlops.folder / "baselines").mkdir()
        (rlops.folder / "baselines" / "broken.json").write_text('{"schema": 1}')
        ended = rlops(*arguments)
        assert ended.code == 2, ended.err
        assert said in ended.err
        assert ended.out == ""
        assert "Traceback" not in ended.err

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (("--metric", "x"), "metric, direction and budget are those of the baseline 'bench'"),
            (("--lower-is-better",), "metric, direction and budget are those of the baseline 'bench'"),
            (("--budget", "5000"), "metric, direction and budget are those of the baseline 'bench'"),
            (("--policy", "margins.toml"), "margins.toml: [margins]: those of the baseline 'bench' were frozen"),
            (("--policy", "margins.toml", "--benchmark", "bench"), "were frozen when it was saved"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else "said",
    )
    @pytest.mark.usefixtures("benchmark")
    def test_an_option_that_a_stored_baseline_overrules_is_refused_not_ignored(
        self, options: tuple[str, ...], said: str, rlops: CommandLine, good: str, also_good: str
    ) -> None:
        assert rlops("baseline", "save", "bench", good).code == 0
        (rlops.folder / "margins.toml").write_text("[margins]\nscale_fraction = 0.9\n")
        (rlops.folder / "policy.toml").write_text("[policy]\nalpha = 0.01\n")
        ended = rlops("compare", "bench", also_good, *options)
        assert (ended.code, said in ended.err) == (2, True), ended.err
        assert rlops("compare", "bench", also_good, "--policy", "policy.toml").code == 0

    def test_a_metric_that_no_table_has(self, rlops: CommandLine, good: str, also_good: str) -> None:
        """The report would name a metric that nobody looked at."""
        ended = rlops("compare", good, also_good, "--metric", "no/such")
        assert ended.code == 2

    def test_names_that_no_file_system_takes(self, rlops: CommandLine, good: str) -> None:
        for arguments in (("compare", "x" * 300, good), ("baseline", "show", "x" * 300), ("report", "x" * 300)):
            ended = rlops(*arguments)
            assert ended.code in {2, 5}, ended.err
            assert "Traceback" not in ended.err

    def test_without_a_verb_the_help_is_shown(self, rlops: CommandLine) -> None:
        assert rlops().code == 2

    @pytest.mark.parametrize("target", ["taken/report.html", "."])
    def test_a_report_that_cannot_be_written_is_no_bug_and_loses_no_verdict(
        self, target: str, rlops: CommandLine, good: str, also_good: str, tmp_path: Path
    ) -> None:
        (tmp_path / "taken").touch()
        ended = rlops("compare", good, also_good, "--report", target)
        assert ended.code == 2, ended.err
        assert "Traceback" not in ended.err
        assert target.partition("/")[0] in ended.err

    def test_a_store_that_is_a_file_is_no_bug(
        self, rlops: CommandLine, good: str, also_good: str, tmp_path: Path
    ) -> None:
        (tmp_path / "taken").touch()
        ended = rlops("compare", good, also_good, "--dir", "taken")
        assert ended.code == 2, ended.err
        assert "Traceback" not in ended.err


def fail(*_: object, **__: object) -> None:
    raise RuntimeError("planted")


def exit_1(*_: object, **__: object) -> None:
    raise click.exceptions.FileError("x", hint="click exits with 1 here")


def press_ctrl_c(*_: object, **__: object) -> None:
    signal.raise_signal(signal.SIGINT)


def abort(*_: object, **__: object) -> None:
    raise click.Abort


def terminate(*_: object, **__: object) -> None:
    signal.raise_signal(signal.SIGTERM)


class TestEscapes:
    """With click and Python alone, all of these would exit with 1 (or kill the process)."""

    @pytest.mark.parametrize(
        ("what", "code"),
        [
            (fail, ExitCode.BUG),
            (exit_1, ExitCode.USAGE),
            (press_ctrl_c, ExitCode.SIGINT),
            (abort, ExitCode.SIGINT),
            (terminate, ExitCode.SIGTERM),
        ],
    )
    def test_code(
        self, what: Callable[..., None], code: ExitCode, rlops: CommandLine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(run_sets, "compare_references", what)
        ended = rlops("compare", "a", "b")
        assert ended.code == code
        assert ("This is a bug in rlops" in ended.err) == (code == ExitCode.BUG)
        assert ("planted" in ended.err) == (code == ExitCode.BUG)

    def test_a_bug_in_a_process_of_its_own(self, tmp_path: Path) -> None:
        broken = "import rlops.run_sets, rlops.__main__\nrlops.run_sets.compare_references = None"
        program = f"{broken}\nrlops.__main__.main()"
        ended = child(tmp_path, "compare", "a", "b", program=("-c", program))
        assert ended.code == 70
        assert "TypeError" in ended.err

    def test_a_reader_that_closes_the_pipe_is_no_regression(self, tmp_path: Path, good: str, also_good: str) -> None:
        """`rlops compare ... | head -1`: the verdict's own code; not click's 1, which nobody has proven."""
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [sys.executable, "-m", "rlops", "compare", good, also_good, "--json"],
            cwd=tmp_path,
            env=child_environment(tmp_path),
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        os.close(writing)
        assert done.returncode == 0
        assert done.stderr == ""
        assert list(tmp_path.glob(".rlops/verdicts/*/verdict.json")), "the verdict is not lost"
