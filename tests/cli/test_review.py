"""Cases that an independent review found wrong, asked the way a user would ask."""

import json

import pandas as pd
import pytest

from rlops.curves import Run, RunSet, read_baseline, write_baseline
from rlops.judge import Word, definition_findings
from rlops.plan import Margins, Metric, read_benchmark
from rlops.run_sets import Terms, compare_references, freeze_baseline
from rlops.strangers import redacted
from rlops.training import Watchers
from rlops.workspace import Workspace
from tests.curve_sets import run_set


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path, tmp_path / ".rlops")


def table(path, runs: RunSet, name="episodic_return"):
    rows = [
        {"env_id": run.env_id, "seed": run.seed, "global_step": step, name: value}
        for run in runs.runs
        for step, value in zip(run.curve.steps, run.curve.values, strict=True)
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return f"file:{path}"


THREE = {"A": 100.0, "B": 100.0, "C": 100.0}


def test_environments_that_the_candidate_lacks_fail(workspace, tmp_path):
    a = table(tmp_path / "a.csv", run_set(THREE, range(10)))
    b = table(tmp_path / "b.csv", run_set({"A": 100.0}, range(10, 16)))
    verdict = compare_references(workspace, a, b, Terms(), Watchers())
    assert (verdict.verdict, verdict.exit_code) == (Word.FAILED, 4)
    assert {item.env_id for item in verdict.environments if item.verdict is Word.FAILED} == {"B", "C"}


def test_another_metric_on_one_side_is_not_comparable(workspace, tmp_path):
    a = table(tmp_path / "a.csv", run_set(THREE, range(10)))
    b = table(tmp_path / "b.csv", run_set(THREE, range(10, 16)), name="success")
    verdict = compare_references(workspace, a, f"{b}?metric=success", Terms(), Watchers())
    assert verdict.exit_code == 5


def test_the_store_keeps_itself_out_of_git(workspace):
    workspace.prepare()
    workspace.prepare()
    assert (workspace.store / ".gitignore").read_text() == "*\n"


def test_random_scores_are_measured_only_for_the_environments_own_return():
    runs = run_set({"CartPole-v1": 100.0}, range(5))
    asked = []

    def measure(env_ids):
        asked.extend(env_ids)
        return {"CartPole-v1": 22.0}

    budget = Terms(budget=100_000)
    assert freeze_baseline("b", runs, budget, measure).environments[0].random_score == 22.0
    for metric in (Metric(name="success_rate"), Metric(random_score="curves")):
        item = freeze_baseline("b", runs, Terms(metric=metric, budget=100_000), measure).environments[0]
        assert item.random_score_from == "first 5 % of the curves"
    assert asked == ["CartPole-v1"]
    measured = Metric(name="wrapped", random_score="measured")
    assert (
        freeze_baseline("b", runs, Terms(metric=measured, budget=100_000), measure).environments[0].random_score == 22
    )


def test_margins_changed_after_the_baseline_was_frozen_are_said(tmp_path):
    (tmp_path / "x.toml").write_text(
        'environments = ["A"]\nbudget = 100_000\ncode = ["."]\ncommand = ["{env_id}", "{seed}"]\n'
        "[margins]\nspreads = 9.0\n"
    )
    benchmark = read_benchmark(tmp_path / "x.toml")
    frozen = freeze_baseline("x", run_set({"A": 100.0}, range(5)), Terms(budget=100_000), lambda _: {})
    write_baseline(frozen, tmp_path)
    assert read_baseline("x", tmp_path).margins == Margins()
    assert [item.kind for item in definition_findings(frozen, benchmark)] == ["other-margins"]


def test_secrets_that_a_trainer_prints_are_not_shown(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "0123456789abcdef")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:pass@proxy:1")
    assert redacted("key 0123456789abcdef via http://user:pass@proxy:1") == "key [WANDB_API_KEY] via [HTTPS_PROXY]"


def test_a_baseline_is_not_saved_silently_without_the_runs_that_failed(tmp_path, rlops):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "own.toml").write_text(
        'environments = ["A"]\nbudget = 100_000\ncode = ["."]\ncommand = ["{env_id}", "{seed}"]\n'
    )
    runs = run_set({"A": 100.0}, range(5))
    broken: Run = runs.runs[0]
    short = broken.curve.steps <= 50_000
    steps, values = broken.curve.steps[short], broken.curve.values[short]
    curve = type(broken.curve)(steps, values)
    runs = RunSet("x", (Run("A", 0, curve, "s"), *runs.runs[1:]))
    reference = table(tmp_path / "a.csv", runs)
    refused = rlops("baseline", "save", "own", reference)
    assert refused.code == 4
    assert "left out: A seed 0: the curve ends at step 50,000 of 100,000" in refused.err
    assert not (tmp_path / "baselines").exists()
    assert rlops("baseline", "save", "own", reference, "--leave-out-failed").code == 0
    saved = json.loads((tmp_path / "baselines" / "own.json").read_text())
    assert saved["benchmark_command"] == []
