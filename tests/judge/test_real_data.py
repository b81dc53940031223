"""The judge on learning curves that other projects published (RLOPS_REAL_DATA)."""

import numpy as np
import pandas as pd
import pytest

from rlops.curves import LearningCurve, Run, RunSet
from rlops.judge import Word
from rlops.run_sets import Terms, Watchers, compare_references
from rlops.workspace import Workspace
from tests.curve_sets import verdict_on


@pytest.fixture
def compared(real_data, tmp_path):
    def ask(a, b):
        left, right = (f"file:{real_data}/{text}" for text in (a, b))
        return compare_references(Workspace(tmp_path, tmp_path / ".rlops"), left, right, Terms(), Watchers())

    return ask


def words(verdict):
    return {item.env_id: item.verdict for item in verdict.environments}


def found(verdict, kind):
    return {item.env_id: item for item in verdict.findings if item.kind == kind}


def test_a2c_is_worse_than_ppo_where_all_runs_settle_it(compared, real_data):
    """Truth: the pairs table, from all 25 runs a side (Welch p < 0.001 on 9 of 10 environments)."""
    verdict = compared("mushroom_rl.parquet?algo=PPO", "mushroom_rl.parquet?algo=A2C")
    pairs = pd.read_csv(real_data / "pairs_dev.csv")
    pairs = pairs[(pairs["set"] == "mushroom_rl") & (pairs.baseline == "PPO") & (pairs.candidate == "A2C")]
    settled = set(pairs[pairs.settled_by_all_runs == "regression"].env_id)
    assert (verdict.verdict, verdict.exit_code) == (Word.REGRESSED, 1)
    unsettled = set(pairs[pairs.settled_by_all_runs == "unsettled"].env_id)
    worse = {env_id for env_id, word in words(verdict).items() if word is Word.REGRESSED}
    assert settled <= worse <= settled | unsettled
    assert verdict.suite.change < -0.4


@pytest.mark.parametrize("algo", ["PPO", "SAC", "TRPO", "TD3"])
def test_splits_of_the_same_runs_are_rarely_called_regressed(compared, algo, real_data):
    """20 random splits into 13 against 12; at 5 % more than 5 alarms come about once in 3,000 times."""
    table = pd.read_parquet(real_data / "mushroom_rl.parquet")
    table = table[table.algo == algo]
    runs = []
    for (env_id, seed), rows in table.groupby(["env_id", "seed"]):
        curve = LearningCurve.from_points(rows.global_step, rows.episodic_return)
        scaled = LearningCurve(curve.steps * 100_000 // curve.last_step, curve.values)
        runs.append(Run(env_id, int(seed), scaled, scaled.sha256()))
    rng, false_alarms = np.random.default_rng(0), 0
    for _ in range(20):
        order = rng.permutation(25)
        left, right = (
            RunSet(name, tuple(run for run in runs if run.seed in set(part)))
            for name, part in (("left", order[:13]), ("right", order[13:]))
        )
        false_alarms += verdict_on(left, right).verdict is Word.REGRESSED
    assert false_alarms <= 5


def test_duplicated_seeds_are_found_and_count_once(compared):
    """drq: byte-identical curves under two seeds (cheetah 3=7 and 4=9, reacher 6=9, walker 2=5)."""
    same = "drq.parquet?source=drq_dmc_planet_bench"
    verdict = compared(same, same)
    copies = {
        env_id: item.seeds for env_id, item in found(verdict, "duplicated-seeds").items() if item.side == "candidate"
    }
    assert copies == {
        "dmc_cheetah_run_pixels": (7, 9),
        "dmc_reacher_easy_pixels": (9,),
        "dmc_walker_walk_pixels": (5,),
    }
    cheetah = next(item for item in verdict.environments if item.env_id == "dmc_cheetah_run_pixels")
    assert cheetah.n_candidate == 8
    assert found(verdict, "same-runs")


def test_episode_by_episode_logs_on_irregular_steps(compared):
    """ppo_timelimit: without the bug fix Reacher is really worse (Welch p 0.004); the other three are nulls."""
    verdict = compared(
        "ppo_timelimit.parquet?algo=PPO_timelimit_fix", "ppo_timelimit.parquet?algo=PPO_no_timelimit_fix"
    )
    p_harm = {item.env_id: item.p_harm for item in verdict.environments}
    assert p_harm["Reacher-v2"] < 0.0125
    assert all(p > 0.05 for env_id, p in p_harm.items() if env_id != "Reacher-v2")
    assert not found(verdict, "truncated")


def test_one_run_a_side_gets_no_verdict(compared):
    verdict = compared("procgen_ppg.parquet?algo=ppg", "procgen_ppg.parquet?algo=ppg_e_aux_1")
    assert (verdict.verdict, verdict.exit_code) == (Word.INCONCLUSIVE, 3)
    (finding,) = [item for item in verdict.findings if item.kind == "too-few-seeds"]
    assert "16 environments" in finding.detail


def test_three_seeds_on_many_environments_cannot_name_one_and_say_so(compared):
    verdict = compared("tdmpc2.parquet?algo=tdmpc2", "tdmpc2.parquet?algo=dreamerv3")
    assert not [word for word in words(verdict).values() if word is Word.REGRESSED]
    assert any(item.kind == "level-unreachable" for item in verdict.findings)


def test_repeated_rows_are_noted(compared, real_data, tmp_path):
    """tdmpc2's raw sample holds duplicate (seed, step) rows."""
    raw = pd.read_csv(real_data / "raw_samples" / "tdmpc2" / "tdmpc" / "dog-run.csv")
    raw = raw.rename(columns={"step": "global_step", "reward": "episodic_return"}).assign(env_id="dog-run")
    raw.to_csv(tmp_path / "dog.csv", index=False)
    reference = f"file:{tmp_path}/dog.csv"
    verdict = compare_references(Workspace(tmp_path, tmp_path / "s"), reference, reference, Terms(), Watchers())
    assert found(verdict, "repeated-steps")
