"""`rlops calibrate`."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.commands import BUDGET, CHECKOUT, COLLAPSED, STEADY, WIDE, CommandLine, table

BENCHMARK = """
environments = ["A-v1", "B-v1"]
budget = 10_000
code = ["bench.py"]
packages = []
command = ["{python}", "bench.py", "{env_id}", "{seed}"]

[policy]
alpha = 0.01
looks = [3, 4]
"""


@pytest.fixture
def good(tmp_path: Path) -> str:
    return table(tmp_path / "good.csv", {"A-v1": STEADY, "B-v1": STEADY})


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "bench.py").touch()
    path = tmp_path / "benchmarks" / "bench.toml"
    path.write_text(BENCHMARK)
    return path


def test_words(rlops: CommandLine, good: str) -> None:
    ended = rlops("calibrate", good, "--splits", "20")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0].endswith("20 A/A splits, 5 stored runs against 5 candidate seeds")
    assert lines[1] == "policy: alpha 0.05, beta 0.05, every environment must pass; looks after 3, 5 candidate seeds"
    for start in ("regressed (a false alarm) ", "passed ", "inconclusive "):
        (line,) = [line for line in lines if line.startswith(start)]
        assert re.search(r"%   \[\d+\.\d%, \d+\.\d%\]$", line)
    assert [line.split()[:2] for line in lines if "-v1" in line] == [["A-v1", "10"], ["B-v1", "10"]]
    for text in ("What this cannot see", "unlucky baseline", "are not independent", "all 10 stored runs"):
        assert text in ended.out
    assert max(map(len, lines[1:])) <= 100


def test_json(rlops: CommandLine, good: str) -> None:
    ended = rlops("calibrate", good, "--splits", "20", "--candidate-seeds", "4", "--seed", "7", "--json")
    record = json.loads(ended.out)
    assert ended.code == 0
    assert (record["schema"], record["run_set"], record["seed"], record["splits"]) == (1, good, 7, 20)
    assert (record["candidate_seeds"], record["looks"], record["alpha"]) == (4, [3, 4], 0.05)
    assert sum(record["words"].values()) == 20
    assert sum(record[key]["count"] for key in ("regressed", "passed", "inconclusive")) == 20
    for item in record["environments"]:
        assert (item["runs"], item["n_baseline"]) == (10, 6)
        low, high = item["regressed"]["interval"]
        assert low <= item["regressed"]["share"] <= high
    assert (
        rlops("calibrate", good, "--splits", "20", "--candidate-seeds", "4", "--seed", "7", "--json").out == ended.out
    )


def test_every_key_is_explained(rlops: CommandLine, good: str) -> None:
    text = (CHECKOUT / "docs" / "commands.md").read_text().partition("## How often is the gate wrong here?")[2]
    text = text.partition("\n## ")[0]
    record = json.loads(rlops("calibrate", good, "--splits", "1", "--json").out)
    for key in (*record, *record["regressed"], *record["environments"][0]):
        assert f"`{key}`" in text, key


def test_an_alarm_is_an_answer_and_no_failure(rlops: CommandLine, tmp_path: Path) -> None:
    """Runs of two kinds, and a level at which nearly half of the splits raise one."""
    (tmp_path / "policy.toml").write_text("[policy]\nalpha = 0.9\n")
    mixed = table(tmp_path / "mixed.csv", {"A-v1": (*STEADY[:5], *COLLAPSED)})
    ended = rlops("calibrate", mixed, "--splits", "30", "--policy", "policy.toml", "--json")
    assert ended.code == 0
    assert json.loads(ended.out)["regressed"]["count"] > 0


@pytest.mark.usefixtures("benchmark")
class TestBaseline:
    def test_keeps_its_own_metric_and_margins(self, rlops: CommandLine, good: str) -> None:
        rlops("baseline", "save", "bench", good)
        ended = rlops("calibrate", "bench", "--splits", "10", "--json")
        record = json.loads(ended.out)
        assert (record["metric"], record["benchmark"], record["alpha"]) == ("charts/episodic_return", None, 0.05)
        assert [item["runs"] for item in record["environments"]] == [10, 10]

    def test_is_judged_by_the_benchmarks_policy_where_asked(self, rlops: CommandLine, good: str) -> None:
        rlops("baseline", "save", "bench", good)
        record = json.loads(rlops("calibrate", "bench", "--splits", "5", "--benchmark", "bench", "--json").out)
        assert (record["benchmark"], record["alpha"], record["looks"]) == ("bench", 0.01, [3, 4, 5])
        assert "--benchmark bench takes" in rlops("calibrate", "bench", "--splits", "5").err
        assert rlops("calibrate", "bench", "--splits", "5", "--quiet").err == ""

    def test_environments_can_be_chosen(self, rlops: CommandLine, good: str) -> None:
        rlops("baseline", "save", "bench", good)
        record = json.loads(rlops("calibrate", "bench?env_id=B-v1", "--splits", "5", "--json").out)
        assert [item["env_id"] for item in record["environments"]] == ["B-v1"]

    def test_margins_are_frozen(self, rlops: CommandLine, good: str) -> None:
        rlops("baseline", "save", "bench", good)
        (rlops.folder / "p.toml").write_text("[margins]\nspreads = 3\n")
        ended = rlops("calibrate", "bench", "--policy", "p.toml")
        assert ended.code == 2
        assert "were frozen" in ended.err

    def test_of_another_definition(self, rlops: CommandLine, good: str, benchmark: Path) -> None:
        rlops("baseline", "save", "bench", good)
        benchmark.write_text(BENCHMARK.replace("10_000", "8_000"))
        ended = rlops("calibrate", "bench", "--benchmark", "bench")
        assert ended.code == 5
        assert f"the budget of the baseline is {BUDGET}, the benchmark's is 8000" in ended.err


@pytest.mark.usefixtures("benchmark")
class TestSave:
    def method(self, rlops: CommandLine, *command: str) -> str:
        return "\n".join(json.loads(rlops("compare", *command, "--json").out)["method"])

    def test_reports_tell_the_rates_from_then_on(self, rlops: CommandLine, good: str) -> None:
        rlops("baseline", "save", "bench", good)
        ended = rlops("calibrate", "bench", "--splits", "40", "--benchmark", "bench", "--save", "--json")
        record = json.loads(ended.out)
        assert "written into baselines/bench.json" in ended.err
        text = self.method(rlops, "bench", good, "--benchmark", "bench")
        assert "40 times some of them took the candidate's part, 3, 4 and 5 seeds against 5 others" in text
        share, (low, high) = record["passed"]["share"], record["passed"]["interval"]
        assert f"{share:.1%} [{low:.1%}, {high:.1%}] passed" in text
        assert "alpha 0.01, strict" in text
        assert "an unlucky baseline does not show there" in text
        shown = rlops("report", str(next((rlops.folder / ".rlops/verdicts").iterdir())))
        assert shown.code == 0

    def test_only_while_the_runs_are_the_same(self, rlops: CommandLine, good: str) -> None:
        rlops("baseline", "save", "bench", good)
        rlops("calibrate", "bench", "--splits", "5", "--save")
        assert "some of them took" in self.method(rlops, "bench", good)
        assert "some of them took" not in self.method(rlops, "bench?env_id=A-v1", good)
        rlops("baseline", "save", "bench", good)
        assert "some of them took" not in self.method(rlops, "bench", good)

    def test_other_run_sets_have_no_file_to_write_to(self, rlops: CommandLine, good: str) -> None:
        rlops("baseline", "save", "bench", good)
        before = (rlops.folder / "baselines/bench.json").read_bytes()
        for run_set in (good, "bench?env_id=A-v1"):
            ended = rlops("calibrate", run_set, "--splits", "5", "--save")
            assert (ended.code, ended.out) == (2, "")
            assert "--save writes into a baseline's file" in ended.err
        assert (rlops.folder / "baselines/bench.json").read_bytes() == before

    def test_accepted_runs_are_not_the_baselines(self, rlops: CommandLine, good: str) -> None:
        rlops("baseline", "save", "bench", good)
        why = ("--env-id", "A-v1", "--reason", "r", "--author", "a", "--until", "2099-01-01")
        accepted = rlops("baseline", "accept", "bench", good, *why)
        assert accepted.code == 0, accepted.err
        ended = rlops("calibrate", "bench", "--splits", "5", "--save")
        assert ended.code == 2
        assert "an accepted regression is in force" in ended.err


class TestErrors:
    @pytest.mark.parametrize(
        ("options", "why"),
        [
            ([], "a split needs 2 runs a side"),
            (["--candidate-seeds", "2"], "leave fewer than 2 stored runs"),
            (["--candidate-seeds", "1"], "--candidate-seeds"),
            (["--splits", "0"], "--splits"),
        ],
    )
    def test_usage(self, rlops: CommandLine, tmp_path: Path, options: list[str], why: str) -> None:
        ended = rlops("calibrate", table(tmp_path / "few.csv", {"A-v1": WIDE}), *options)
        assert (ended.code, ended.out) == (2, "")
        assert why in ended.err

    def test_no_baseline(self, rlops: CommandLine) -> None:
        assert rlops("calibrate", "nothing").code == 5


def test_what_a_saved_baseline_replaces_is_said(rlops: CommandLine, good: str, benchmark: Path) -> None:
    assert "replaces" not in rlops("baseline", "save", "bench", good).err
    rlops("calibrate", "bench", "--splits", "5", "--save")
    ended = rlops("baseline", "save", "bench", good)
    assert "baselines/bench.json (replaces 20 runs and the calibration" in ended.err


class TestWhatIsMeant:
    def test_a_file_that_is_called_a_baseline(self, rlops: CommandLine, good: str) -> None:
        assert "the file is file:good.csv" in rlops("compare", "good.csv", good).err

    def test_a_value_that_no_row_has(self, rlops: CommandLine, good: str) -> None:
        assert (
            "no row is left by env_id=C-v1; it takes: A-v1, B-v1" in rlops("compare", good, f"{good}?env_id=C-v1").err
        )

    def test_why_no_environment_has_sound_runs(self, rlops: CommandLine, good: str) -> None:
        ended = rlops("compare", good, good, "--budget", "1000000")
        assert "the curve ends at step 10,000 of 1,000,000" in ended.err
