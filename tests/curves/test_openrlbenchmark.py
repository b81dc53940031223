"""The filters of Open RL Benchmark's scripts, as its README and CleanRL's benchmark scripts write them."""

import pytest

from rlops.curves import as_references
from rlops.curves.libraries import LIBRARIES, keys_of
from rlops.curves.references import metric_name, parse_reference, step_name
from rlops.errors import UsageError

CLEANRL = "?we=openrlbenchmark&wpn=cleanrl&ceik=env_id&cen=exp_name&metric=charts/episodic_return"
SB3 = "?we=openrlbenchmark&wpn=sb3&ceik=env&cen=algo&metric=rollout/ep_rew_mean"
TIANSHOU = "?we=tianshou&wpn=atari.benchmark&ceik=task&cen=algo_name&metric=test/reward"


def test_a_script_of_two_libraries():
    (td3, jax, ppo, iqn) = map(
        parse_reference,
        as_references(
            [
                CLEANRL, "td3?tag=pr-424&tag=v1&cl=CleanRL's TD3, new", "td3_jax?tag=pr-424&user=costa",
                SB3, "ppo_lstm?cl=PPO w/ LSTM", TIANSHOU, "iqn",
            ]
        ),
    )  # fmt: skip
    assert (td3.kind, td3.target, td3.label) == ("wandb", "openrlbenchmark/cleanrl", "CleanRL's TD3, new")
    assert td3.run_filters() == {"exp_name": ("td3",), "all_tags": ("pr-424", "v1")}
    assert metric_name(td3, "charts/episodic_return") == "charts/episodic_return"
    assert jax.run_filters() == {"exp_name": ("td3_jax",), "all_tags": ("pr-424",), "user": ("costa",)}
    assert jax.label == jax.text
    assert (ppo.target, ppo.run_filters(), ppo.keys.env_id) == ("openrlbenchmark/sb3", {"algo": ("ppo_lstm",)}, "env")
    assert (metric_name(ppo, "charts/episodic_return"), ppo.label) == ("rollout/ep_rew_mean", "PPO w/ LSTM")
    assert (iqn.target, iqn.keys.env_id, iqn.run_filters()) == (
        "tianshou/atari.benchmark",
        "task",
        {"algo_name": ("iqn",)},
    )


def test_other_words_stay():
    words = ("quick", "file:x.csv?algo=PPO", "git:main", "wandb:a/b")
    assert as_references(words) == words
    assert as_references([SB3, "a2c", "baseline:quick"])[1] == "baseline:quick"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([CLEANRL], "the name of an experiment is to follow"),
        ([CLEANRL, SB3, "ppo"], "the name of an experiment is to follow"),
        (["?wpn=cleanrl", "ppo"], "we is missing"),
        (["?we=a&wpn=b&metrik=c", "ppo"], "unknown key 'metrik'; did you mean metric?"),
        ([CLEANRL, "ppo?tags=a"], "unknown key 'tags'; did you mean tag?"),
    ],
)
def test_what_is_wrong_is_told(words, why):
    with pytest.raises(UsageError) as told:
        as_references(words)
    assert why in str(told.value)


@pytest.mark.parametrize("library", LIBRARIES)
def test_presets_say_what_a_library_calls_things(library):
    reference = parse_reference(f"wandb:e/p?keys={library}&env_id=A&seed=1-2")
    usual = keys_of(library)
    assert metric_name(reference, "charts/episodic_return") == usual.metric
    assert step_name(reference, "global_step") == usual.step
    assert metric_name(reference, "losses/value_loss") == "losses/value_loss"
    assert metric_name(parse_reference(f"wandb:e/p?keys={library}&metric=m"), "charts/episodic_return") == "m"
    assert reference.run_filters() == {usual.env_id: ("A",), usual.seed: ("1", "2")}


def test_an_unknown_library():
    with pytest.raises(UsageError, match="no such library"):
        _ = parse_reference("wandb:e/p?keys=sb33").keys
