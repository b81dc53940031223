import gymnasium
import numpy as np
import pytest

from ppo_impl.config import ConfigError
from ppo_impl.environments import Environments, Episodes, make

SEEDS_SN = np.array([[3, 1, 4], [1, 5, 9]])


def test_stepping_together_is_stepping_each_alone_and_resetting_it_when_it_ends() -> None:
    """No dummy step: after an ended episode the very next step is the first of a new one."""
    together = Environments("CartPole-v1", SEEDS_SN)
    alone = {place: gymnasium.make("CartPole-v1") for place in np.ndindex(SEEDS_SN.shape)}
    expected = {place: one.reset(seed=int(SEEDS_SN[place]))[0] for place, one in alone.items()}
    observations_SNO = together.reset()
    random, ended = np.random.default_rng(0), 0
    returns = dict.fromkeys(alone, 0.0)
    finished: dict[int, list[float]] = {0: [], 1: []}
    for _ in range(100):
        for place, observation in expected.items():
            np.testing.assert_array_equal(observations_SNO[place], observation)
        actions_SN = random.integers(2, size=SEEDS_SN.shape)
        observations_SNO, rewards_SN, dones_SN = together.step(actions_SN)
        for place, one in alone.items():
            expected[place], reward, terminated, truncated, _ = one.step(int(actions_SN[place]))
            assert (rewards_SN[place], dones_SN[place]) == (reward, terminated or truncated)
            returns[place] += float(reward)
            if terminated or truncated:
                finished[place[0]].append(returns[place])
                returns[place] = 0
                expected[place], ended = one.reset()[0], ended + 1
    assert ended > 10
    returns_S, lengths_S = together.episodes.take()
    np.testing.assert_allclose(returns_S, [np.mean(finished[0]), np.mean(finished[1])])
    np.testing.assert_allclose(lengths_S, returns_S)  # CartPole gives 1 a step


def test_a_truncated_episode_is_over() -> None:
    environments = Environments("probes:Truncated-v0", SEEDS_SN)
    environments.reset()
    dones = [environments.step(np.zeros(SEEDS_SN.shape, dtype=np.int64))[2].all() for _ in range(11)]
    assert np.flatnonzero(dones).tolist() == [4, 9]


def test_actions_may_be_counted_from_another_number_than_0() -> None:
    environments = Environments("probes:Shifted-v0", SEEDS_SN)
    observations_SNO = environments.reset()
    for _ in range(10):
        observations_SNO, rewards_SN, _ = environments.step(observations_SNO.argmax(-1))
        assert rewards_SN.all()


def test_what_comes_out_is_float32_and_not_overwritten_later() -> None:
    environments = Environments("CartPole-v1", SEEDS_SN)
    first_SNO = environments.reset()
    copy_SNO = first_SNO.copy()
    second_SNO, rewards_SN, _ = environments.step(np.zeros(SEEDS_SN.shape, dtype=np.int64))
    assert {first_SNO.dtype, second_SNO.dtype, rewards_SN.dtype} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(first_SNO, copy_SNO)


def test_episodes_that_run_over_several_takes_are_counted_whole_and_once() -> None:
    episodes = Episodes((2, 2))
    step = np.array([[1.0, 10.0], [100.0, np.nan]])
    none = np.zeros((2, 2), dtype=bool)
    episodes.count(step, none)
    assert np.isnan(episodes.take()).all()
    episodes.count(step, np.array([[True, True], [True, False]]))
    returns_S, lengths_S = episodes.take()
    assert returns_S.tolist() == [(2 + 20) / 2, 200]  # the NaN is another environment's, whose episode goes on
    assert lengths_S.tolist() == [2, 2]
    episodes.count(step, np.array([[True, False], [False, False]]))
    returns_S, lengths_S = episodes.take()
    assert (returns_S[0], lengths_S[0]) == (1, 1)
    assert np.isnan(returns_S[1])


@pytest.mark.parametrize(
    ("env_id", "message"),
    [
        ("CartPol-v1", "Did you mean: `CartPole`"),
        ("nowhere:Thing-v0", "nowhere"),
        ("Pendulum-v1", "only Discrete"),
        ("FrozenLake-v1", "only a flat Box"),
    ],
)
def test_an_environment_that_cannot_be_trained_is_refused(env_id: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make(env_id)
    assert f"--env-id {env_id}: " in str(caught.value)
    assert message in str(caught.value)
