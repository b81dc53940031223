"""`rlops report RUN_SET...`: results of run sets, end to end."""

import json
import sys

import pytest

from rlops.curves import read_baseline
from rlops.judge import Results
from tests.cli.commands import ALIKE, COLLAPSED, STEADY, CommandLine, table

BENCHMARK = """
environments = ["A-v1", "B-v1"]
budget = 10_000
code = ["bench.py"]
packages = []
command = ["{python}", "bench.py", "{env_id}", "{seed}"]
"""


@pytest.fixture
def tables(tmp_path):
    return (
        table(tmp_path / "one.csv", {"A-v1": STEADY, "B-v1": STEADY}),
        table(tmp_path / "two.csv", {"A-v1": ALIKE, "B-v1": COLLAPSED}, first_seed=101),
    )


@pytest.fixture
def baseline(rlops: CommandLine, tables, tmp_path):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "bench.py").touch()
    (tmp_path / "benchmarks" / "bench.toml").write_text(BENCHMARK)
    assert rlops("baseline", "save", "bench", tables[0]).code == 0
    return "bench"


def scores(record, env_id):
    (item,) = (item for item in record["environments"] if item["env_id"] == env_id)
    return item["scores"]


def test_json_is_the_record_and_so_is_the_file_in_the_store(rlops: CommandLine, tables):
    ended = rlops("report", *tables, "--json")
    assert ended.code == 0
    record = json.loads(ended.out)
    Results.model_validate(record)
    assert [item["label"] for item in record["run_sets"]] == list(tables)
    assert scores(record, "A-v1")[0]["mean"]["value"] == pytest.approx(sum(STEADY) / len(STEADY))
    assert scores(record, "B-v1")[1]["mean"]["value"] == pytest.approx(sum(COLLAPSED) / len(COLLAPSED))
    (folder,) = rlops.folder.glob(".rlops/results/*")
    assert {path.name for path in folder.iterdir()} == {"results.html", "results.md", "results.json"}
    assert json.loads((folder / "results.json").read_text()) == record
    assert record["command"] == f"rlops report '{tables[0]}' '{tables[1]}' --json".replace("'", "")


def test_the_same_data_give_the_same_folder(rlops: CommandLine, tables):
    for options in ((), ("--quiet",)):
        assert rlops("report", *tables, *options).code == 0
    assert len(list(rlops.folder.glob(".rlops/results/*"))) == 1
    assert rlops("report", *reversed(tables)).code == 0
    assert len(list(rlops.folder.glob(".rlops/results/*"))) == 2


def test_what_is_printed_is_the_table(rlops: CommandLine, tables):
    ended = rlops("report", *tables, "--label", "old", "--label", "new")
    rows = [line.split() for line in ended.out.splitlines()]
    assert rows[[row[:2] for row in rows].index(["A-v1", "old"])][:3] == ["A-v1", "old", "100.0"]
    assert "results  .rlops/results/" in ended.out


@pytest.mark.parametrize(("name", "begins"), [("a/r.md", "# Results of old and new"), ("r.html", "<!doctype html>")])
def test_output_says_where_and_what(rlops: CommandLine, tables, name, begins):
    assert rlops("report", *tables, "--label", "old", "--label", "new", "--output", name).code == 0
    assert (rlops.folder / name).read_text().lstrip().startswith(begins)


def test_output_json_is_the_record(rlops: CommandLine, tables):
    ended = rlops("report", *tables, "--json", "--output", "r.json")
    assert (rlops.folder / "r.json").read_text() == ended.out.removesuffix("\n")


def test_figures_are_where_the_markdown_looks_for_them(rlops: CommandLine, tables):
    ended = rlops("report", *tables, "--figures", "docs/my figures", "--output", "docs/results.md")
    assert ended.code == 0
    text = (rlops.folder / "docs" / "results.md").read_text()
    for name in ("curves", "aggregates", "sample_efficiency", "profile"):
        assert f"](my%20figures/{name}.svg)" in text
        assert (rlops.folder / "docs" / "my figures" / f"{name}.svg").is_file()


def test_figures_for_a_paper(rlops: CommandLine, tables):
    assert rlops("report", *tables, "--figures", "paper", "--format", "pdf").code == 0
    assert (rlops.folder / "paper" / "curves.pdf").read_bytes().startswith(b"%PDF-")


def test_without_matplotlib_it_says_what_to_install(rlops: CommandLine, tables, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "rlops.report.results.paper", raising=False)
    ended = rlops("report", *tables, "--figures", "paper", "--format", "png")
    assert ended.code == 2
    assert "pip install 'rlops[figures]'" in ended.err


def test_a_baseline_brings_its_metric_random_scores_and_command(rlops: CommandLine, baseline, tables):
    record = json.loads(rlops("report", baseline, tables[1], "--json").out)
    stored = read_baseline(baseline, rlops.folder / "baselines")
    (item,) = (item for item in stored.environments if item.env_id == "A-v1")
    found = record["environments"][0]
    assert (found["random_score"], found["random_score_from"]) == (item.random_score, item.random_score_from)
    assert found["reference_score"] == pytest.approx(item.mean)
    assert record["metric"] == stored.metric
    assert record["benchmark"] is None
    alone = json.loads(rlops("report", baseline, "--json").out)
    assert alone["benchmark"] == "bench"
    assert [item["name"] for item in alone["aggregates"]] == ["IQM", "mean", "median", "optimality gap"]


def test_what_was_accepted_in_a_baseline_is_said(rlops: CommandLine, baseline, tables):
    decided = ("--env-id", "B-v1", "--reason", "faster", "--author", "Ada", "--until", "2999-01-01")
    assert rlops("baseline", "accept", baseline, tables[1], *decided).code == 0
    record = json.loads(rlops("report", baseline, "--json").out)
    (finding,) = record["findings"]
    assert (finding["kind"], finding["env_id"], finding["run_set"]) == ("accepted-regression", "B-v1", baseline)
    assert scores(record, "B-v1")[0]["mean"]["value"] == pytest.approx(sum(COLLAPSED) / len(COLLAPSED))


def test_runs_that_a_baseline_was_saved_without_are_on_the_page(rlops: CommandLine, baseline, tables):
    with (rlops.folder / "one.csv").open("a") as file:
        file.write("A-v1,99,100,1.0\n")
    assert rlops("baseline", "save", baseline, tables[0], "--leave-out-failed").code == 0
    record = json.loads(rlops("report", baseline, "--json").out)
    assert (scores(record, "A-v1")[0]["n_counted"], scores(record, "A-v1")[0]["n_runs"]) == (10, 11)
    assert [(item["kind"], item["seeds"]) for item in record["findings"]] == [("left-out", [99])]


def test_a_benchmark_says_the_budget(rlops: CommandLine, baseline, tables):
    record = json.loads(rlops("report", *tables, "--benchmark", "bench", "--json").out)
    assert {item["budget"] for item in record["environments"]} == {10_000}
    assert record["benchmark"] == "bench"


def test_a_budget_below_the_end_is_measured_there(rlops: CommandLine, tables):
    record = json.loads(rlops("report", tables[0], "--budget", "5000", "--json").out)
    mean = sum(STEADY) / len(STEADY) * (0.91 + 1.0) / 2  # the last tenth of the way up
    assert scores(record, "A-v1")[0]["mean"]["value"] == pytest.approx(mean, rel=0.01)


def test_run_sets_that_end_elsewhere_are_measured_where_all_are(rlops: CommandLine, tables, tmp_path):
    short = table(tmp_path / "short.csv", {"A-v1": STEADY}, end=8_000)
    record = json.loads(rlops("report", tables[0], short, "--json").out)
    assert [item["budget"] for item in record["environments"]] == [8_000, 10_000]
    assert [(item["kind"], item["env_id"], item["run_set"]) for item in record["findings"]] == [
        ("unequal-horizons", "A-v1", tables[0]),
        ("missing-environment", "B-v1", short),
    ]


def test_a_run_that_broke_off_does_not_shorten_the_others(rlops: CommandLine, tmp_path):
    reference = table(tmp_path / "broken.csv", {"A-v1": STEADY})
    kept = [line for line in (tmp_path / "broken.csv").read_text().splitlines() if not line.startswith("A-v1,3,")]
    short = [f"A-v1,3,{step},1.0" for step in range(100, 3_000, 100)]
    (tmp_path / "broken.csv").write_text("\n".join([*kept, *short]) + "\n")
    ended = rlops("report", reference)
    assert "9 of 10" in ended.out
    assert "truncated" in ended.out


def test_secrets_of_the_environment_are_not_published(rlops: CommandLine, tables, monkeypatch):
    monkeypatch.setenv("MY_API_KEY", "sesame-open-sesame")
    ended = rlops("report", *tables, "--label", "sesame-open-sesame", "--label", "new", "--output", "r.html")
    assert ended.code == 0
    (folder,) = rlops.folder.glob(".rlops/results/*")
    for path in (rlops.folder / "r.html", *folder.iterdir()):
        assert "sesame-open-sesame" not in path.read_text()


class TestErrors:
    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (("--label", "one"), "--label is given 1 times for 2 run sets"),
            (("--label", "x", "--label", "x"), "2 run sets are called 'x'"),
            (("--benchmark", "none"), "none"),
            (("--metric", "other"), "no column 'other'"),
        ],
    )
    def test_of_options(self, rlops: CommandLine, tables, options, said):
        ended = rlops("report", *tables, *options, "--json")
        assert (ended.code, ended.out) == (2, "")
        assert said in ended.err

    def test_the_same_run_set_twice(self, rlops: CommandLine, tables):
        ended = rlops("report", tables[0], tables[0])
        assert ended.code == 2
        assert "tell them apart with --label" in ended.err

    def test_more_than_can_be_told_apart(self, rlops: CommandLine, tables):
        ended = rlops("report", *(f"{tables[0]}?seed={seed}" for seed in range(17)))
        assert ended.code == 2
        assert "at most 16" in ended.err

    def test_what_a_baseline_has_frozen(self, rlops: CommandLine, baseline):
        ended = rlops("report", baseline, "--lower-is-better")
        assert ended.code == 2
        assert "those of the baseline 'bench'" in ended.err

    def test_a_baseline_that_measures_something_else(self, rlops: CommandLine, baseline):
        cost = BENCHMARK + '[metric]\nname = "charts/cost"\ndirection = "lower-is-better"\n'
        (rlops.folder / "benchmarks" / "cost.toml").write_text(cost)
        ended = rlops("report", baseline, "--benchmark", "cost")
        assert ended.code == 2
        assert "the baseline 'bench' measures charts/episodic_return global_step higher-is-better" in ended.err

    def test_a_version_needs_a_benchmark(self, rlops: CommandLine):
        ended = rlops("report", "git:HEAD")
        assert ended.code == 2
        assert "--benchmark" in ended.err

    def test_a_baseline_that_is_not_there(self, rlops: CommandLine):
        ended = rlops("report", "nothing")
        assert ended.code == 5
        assert "there is no baseline 'nothing'" in ended.err

    def test_options_of_run_sets_do_not_go_with_a_verdict(self, rlops: CommandLine, tables):
        rlops("compare", *tables)
        ended = rlops("report", "--figures", "x")
        assert ended.code == 2
        assert "of run sets" in ended.err

    def test_a_verdict_that_is_not_there(self, rlops: CommandLine):
        ended = rlops("report", "no/verdict.json")
        assert ended.code == 2
        assert "there is no verdict" in ended.err

    def test_a_folder_without_a_verdict_is_no_run_set(self, rlops: CommandLine, tmp_path):
        (tmp_path / "some" / "folder").mkdir(parents=True)
        ended = rlops("report", "some/folder")
        assert ended.code == 2
        assert "dir:some/folder" in ended.err


def test_the_filters_of_open_rl_benchmark_are_understood(rlops: CommandLine):
    ended = rlops("report", "?we=me&wpn=mine&metric=charts/episodic_return", "ppo", "--offline")
    assert "wandb:me/mine" in ended.err


def test_several_algorithms_of_other_people(rlops: CommandLine, real_data):
    """mushroom_rl: 25 seeds of each of ten environments; the order of the algorithms is known."""
    asked = [f"file:{real_data}/mushroom_rl.parquet?algo={algo}" for algo in ("A2C", "PPO", "SAC")]
    record = json.loads(rlops("report", *asked, "--json").out)
    assert len(record["environments"]) == 10
    assert {one["n_counted"] for item in record["environments"] for one in item["scores"]} == {25}
    iqm = {item["name"]: [one and one["value"] for one in item["estimates"]] for item in record["aggregates"]}
    assert iqm["IQM"][0] < iqm["IQM"][1] < iqm["IQM"][2]
    assert iqm["P(better)"][0] is None
    assert min(iqm["P(better)"][1:]) > 0.9
    assert not record["findings"]
