"""The judge on learning curves that other projects published (RLOPS_REAL_DATA)."""

import numpy as np
import pandas as pd
import pytest

from rlops.curves import LearningCurve, Run, RunSet
from rlops.judge import Word
from rlops.run_sets import Terms, compare_references
from rlops.training import Watchers
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


def test_pairs_that_began_as_one_run_are_noted(compared, real_data):
    """ppo_timelimit: both arms of a seed are one run until the first time limit is hit.

    In HalfCheetah and Reacher that is the first episodes alone, before anything was learned.
    """
    verdict = compared(
        "ppo_timelimit.parquet?algo=PPO_timelimit_fix", "ppo_timelimit.parquet?algo=PPO_no_timelimit_fix"
    )
    noted = found(verdict, "common-prefix")
    assert {env_id: item.seeds for env_id, item in noted.items()} == dict.fromkeys(
        ("Hopper-v2", "Walker2d-v2"), tuple(range(10))
    )
    table = pd.read_parquet(real_data / "ppo_timelimit.parquet")
    table = table[table.env_id == "Hopper-v2"].sort_values("global_step")
    parts = []
    for _, pair in table.groupby("seed"):
        fix, no_fix = (rows[["global_step", "episodic_return"]].to_numpy().tolist() for _, rows in pair.groupby("algo"))
        equal = next(i for i, (one, other) in enumerate(zip(fix, no_fix, strict=False)) if one != other)
        assert equal > 1_000
        parts.append(int(fix[equal - 1][0]))
    assert f"10 of 10 pairs of one seed have equal curves up to steps {min(parts):,} to {max(parts):,};" in (
        noted["Hopper-v2"].detail
    )


def test_resets_are_seen_from_the_first_one_on_and_shake_the_curves(compared):
    """primacy_resets: the networks are reset every 200,000 steps; until then the seeds of both arms are one run."""
    with_resets, without = (f"primacy_resets.parquet?algo=SAC_rr1_{arm}" for arm in ("resets", "noresets"))
    verdict = compared(without, with_resets)
    noted = found(verdict, "common-prefix")
    assert noted.keys() == words(verdict).keys()
    assert all("up to step 200,000" in item.detail or "steps 200,000 to" in item.detail for item in noted.values())
    shaken = found(verdict, "less-stable")
    assert {"dmc_cheetah-run", "dmc_quadruped-run", "dmc_walker-run"} <= shaken.keys()
    assert not found(compared(with_resets, without), "less-stable")


def test_environments_in_which_most_runs_collapse_are_named(compared, real_data):
    """DDPG never takes off in PyBullet's Hopper and in Ant, where TD3 does; the oracle counts on the raw table."""
    verdict = compared("mushroom_rl.parquet?algo=TD3", "mushroom_rl.parquet?algo=DDPG")
    named = found(verdict, "failure-rate")
    yardstick = {item.env_id: item for item in verdict.environments}
    table = pd.read_parquet(real_data / "mushroom_rl.parquet")
    table = table[table.global_step > 0.9 * table.groupby("env_id").global_step.transform("max")]
    scores = table.groupby(["algo", "env_id", "seed"]).episodic_return.mean()
    assert named.keys() == {"Ant-v3", "HopperBulletEnv-v0"}
    for env_id, item in named.items():
        limit = yardstick[env_id].random_score + 0.2 * yardstick[env_id].scale
        assert (scores["DDPG", env_id] < limit).sum() == len(item.seeds) == 25
        assert f", {(scores['TD3', env_id] < limit).sum()} of 25 baseline runs" in item.detail


def test_curves_that_end_early_are_truncated_and_not_stretched(compared, real_data):
    """drq's dreamer bench: several runs end at 40 % of the horizon."""
    same = "drq.parquet?source=drq_dmc_dreamer_bench"
    verdict = compared(same, same)
    table = pd.read_parquet(real_data / "drq.parquet")
    table = table[table.source == "drq_dmc_dreamer_bench"]
    ends = table.groupby(["env_id", "seed"]).global_step.max()
    expected = {}
    for item in verdict.environments:
        short = ends[item.env_id][ends[item.env_id] <= 0.9 * item.budget]
        if len(short):
            expected[item.env_id] = tuple(short.index)
    assert {env_id: item.seeds for env_id, item in found(verdict, "truncated").items()} == expected
    assert len(expected) >= 5
    assert all(
        not row.counted
        for item in verdict.environments
        for row in item.runs
        if row.seed in expected.get(item.env_id, ())
    )


def test_constant_curves_and_an_uneven_grid_are_said(compared, real_data):
    """tdmpc2: tasks that are never solved, and methods that were not run on every task."""
    verdict = compared("tdmpc2.parquet?algo=tdmpc2", "tdmpc2.parquet?algo=dreamerv3")
    table = pd.read_parquet(real_data / "tdmpc2.parquet")
    distinct = table[table.algo == "dreamerv3"].groupby(["env_id", "seed"]).episodic_return.nunique()
    constant = {env_id for env_id, _ in distinct[distinct == 1].index}
    assert constant & words(verdict).keys() == {
        item.env_id for item in verdict.findings if item.kind == "constant-curve" and item.side == "candidate"
    }
    uneven = compared("tdmpc2.parquet?algo=tdmpc2", "tdmpc2.parquet?algo=tdmpc")
    there = table[table.algo == "tdmpc"].groupby("env_id").seed.unique()
    every = {int(seed) for seeds in there for seed in seeds}
    for env_id, item in found(uneven, "missing-seeds").items():
        assert set(item.seeds) == every - {int(seed) for seed in there.get(env_id, ())}
