"""The oracles: mean and variance of everything seen, computed at once; a loop over one seed as openai/baselines has."""

import numpy as np
import pytest

from ppo_impl.config import Config
from ppo_impl.environments import Environments, Synchronous, make_vector
from ppo_impl.environments.normalise import Moments, Observations, Rewards

SEEDS_SN = np.array([[3, 1, 4, 7], [1, 5, 9, 2]])
RANDOM = np.random.default_rng(0)
SPREAD_SNO = np.array([[[0.1, 30.0]], [[1e-3, 4.0]]])  # seeds and components of other scales
SEEN_TSNO = (5 * SPREAD_SNO + SPREAD_SNO * RANDOM.normal(size=(50, 2, 4, 2))).astype(np.float32)


def at_once(seen_KO: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of K samples and of baselines' 1e-4 of a sample of mean 0 and variance 1."""
    count = len(seen_KO) + 1e-4
    mean_O = seen_KO.sum(0) / count
    return mean_O, ((seen_KO**2).sum(0) + 1e-4) / count - mean_O**2


def test_running_moments_are_those_of_everything_seen_of_each_seed() -> None:
    moments = Moments((2, 2))
    for T, seen_SNO in enumerate(SEEN_TSNO.astype(np.float64), start=1):
        moments.update(seen_SNO)
        for s in range(2):
            mean_O, variance_O = at_once(SEEN_TSNO[:T, s].reshape(-1, 2).astype(np.float64))
            np.testing.assert_allclose(moments.mean_SX[s], mean_O)
            np.testing.assert_allclose(moments.variance_SX[s], variance_O)
        assert moments.count == pytest.approx(4 * T + 1e-4)


def test_observations_are_at_unit_scale_the_newest_counted_already() -> None:
    observations = Observations(2, 2)
    for T, seen_SNO in enumerate(SEEN_TSNO, start=1):
        normalised_SNO = observations(seen_SNO)
        assert normalised_SNO.dtype == np.float32
        for s in range(2):
            mean_O, variance_O = at_once(SEEN_TSNO[:T, s].reshape(-1, 2).astype(np.float64))
            expected_NO = (seen_SNO[s] - mean_O) / np.sqrt(variance_O + 1e-8)
            np.testing.assert_allclose(normalised_SNO[s], expected_NO, rtol=1e-5, atol=1e-5)


def test_what_is_far_out_is_clipped_at_10() -> None:
    observations = Observations(2, 2)
    for seen_SNO in SEEN_TSNO:
        observations(seen_SNO)
    far_SNO = np.where(RANDOM.random((2, 4, 2)) < 0.5, np.float32(1e6), np.float32(-1e6))
    np.testing.assert_array_equal(observations(far_SNO, learn=False), 10 * np.sign(far_SNO))


def test_without_learning_the_statistics_stay_as_they_are() -> None:
    observations = Observations(2, 2)
    observations(SEEN_TSNO[0])
    before = {name: array.copy() for name, array in observations.moments.state().items()}
    first_SNO, second_SNO = (observations(SEEN_TSNO[1], learn=False) for _ in range(2))
    np.testing.assert_equal(observations.moments.state(), before)
    np.testing.assert_array_equal(first_SNO, second_SNO)
    assert not np.array_equal(observations(SEEN_TSNO[1]), first_SNO)


def baselines(rewards_TN: np.ndarray, dones_TN: np.ndarray, gamma: float) -> np.ndarray:
    """openai/baselines, common/vec_env/vec_normalize.py and common/running_mean_std.py, of one seed."""
    scaled, ret, mean, var, count = [], np.zeros(rewards_TN.shape[1]), 0.0, 1.0, 1e-4
    for rews, news in zip(rewards_TN, dones_TN, strict=True):
        ret = ret * gamma + rews
        batch_mean, batch_var, batch_count = np.mean(ret), np.var(ret), len(ret)
        delta, tot_count = batch_mean - mean, count + batch_count
        m2 = var * count + batch_var * batch_count + np.square(delta) * count * batch_count / tot_count
        mean, var, count = mean + delta * batch_count / tot_count, m2 / tot_count, tot_count
        scaled.append(np.clip(rews / np.sqrt(var + 1e-8), -10, 10))
        ret[news] = 0.0
    return np.array(scaled)


@pytest.mark.parametrize("gamma", [0.0, 0.9, 1.0])
def test_rewards_are_scaled_as_in_baselines(gamma: float) -> None:
    rewards_TSN = RANDOM.normal(size=(300, 3, 4)) * np.array([[0.01], [1.0], [50.0]])
    rewards_TSN[RANDOM.random(rewards_TSN.shape) < 0.01] *= 1000  # some will be clipped
    dones_TSN = RANDOM.random((300, 3, 4)) < 0.1
    rewards = Rewards(3, 4, gamma)
    scaled_TSN = np.array([rewards(*step) for step in zip(rewards_TSN.copy(), dones_TSN, strict=True)])
    for s in range(3):
        np.testing.assert_allclose(scaled_TSN[:, s], baselines(rewards_TSN[:, s], dones_TSN[:, s], gamma))
    assert (np.abs(scaled_TSN) == 10).any()


def test_a_seed_is_normalised_the_same_bit_for_bit_in_any_company() -> None:
    together, rewards = Observations(2, 2), Rewards(2, 4, 0.99)
    alone, rewards_alone = Observations(1, 2), Rewards(1, 4, 0.99)
    dones_TSN = RANDOM.random((50, 2, 4)) < 0.1
    for seen_SNO, dones_SN in zip(SEEN_TSNO, dones_TSN, strict=True):
        np.testing.assert_array_equal(together(seen_SNO)[1:], alone(seen_SNO[1:]))
        got_SN = seen_SNO[:, :, 1].astype(np.float64)
        np.testing.assert_array_equal(rewards(got_SN, dones_SN)[1:], rewards_alone(got_SN[1:], dones_SN[1:]))


def test_restored_they_go_on_exactly() -> None:
    rewards, others = Rewards(2, 4, 0.9), Rewards(2, 4, 0.9)
    none = np.zeros((2, 4), dtype=bool)
    for seen_SNO in SEEN_TSNO[:20]:
        rewards(seen_SNO[..., 0].astype(np.float64), none)
    others.restore({name: array.copy() for name, array in rewards.state().items()})
    for seen_SNO in SEEN_TSNO[20:]:
        got_SN = seen_SNO[..., 0].astype(np.float64)
        np.testing.assert_array_equal(rewards(got_SN, none), others(got_SN, none))


# In the environments


def stepped(environments: Environments, steps: int) -> list[tuple[np.ndarray, ...]]:
    """Observations, rewards and dones; beginning with the first observation."""
    actions_TSNC = np.random.default_rng(3).normal(size=(steps, *SEEDS_SN.shape, 2)).astype(np.float32)
    return [(environments.reset(),), *map(environments.step, actions_TSNC)]


def test_environments_show_normalised_numbers_and_count_raw_ones() -> None:
    """The first observation of an episode, too, is normalised: it is one more that was seen."""
    raw = Environments(Config(env_id="probes:Reach-v0", norm_obs=False, norm_reward=False), SEEDS_SN)
    scaled = Environments(Config(env_id="probes:Reach-v0", gamma=0.9), SEEDS_SN)
    plain, normalised = stepped(raw, 100), stepped(scaled, 100)
    observations, rewards = Observations(2, 2), Rewards(2, 4, 0.9)
    np.testing.assert_array_equal(normalised[0][0], observations(plain[0][0]))
    for (seen_SNO, got_SN, dones_SN), told in zip(plain[1:], normalised[1:], strict=True):
        np.testing.assert_array_equal(told[0], observations(seen_SNO))
        np.testing.assert_allclose(told[1], rewards(got_SN.astype(np.float64), dones_SN), rtol=1e-5)
        np.testing.assert_array_equal(told[2], dones_SN)
    assert np.abs(plain[-1][0]).max() > 100
    np.testing.assert_array_equal(raw.episodes.take(), scaled.episodes.take())


def test_in_an_evaluation_rewards_are_raw_and_statistics_given() -> None:
    config = Config(env_id="probes:Reach-v0")
    trained, judged = Environments(config, SEEDS_SN), Environments(config, SEEDS_SN + 50, learn=False)
    stepped(trained, 100)
    given = {name: array.copy() for name, array in trained.state().items()}
    judged.restore_statistics(given)
    _, rewards_SN, _ = stepped(judged, 50)[-1]
    raw = Environments(Config(env_id="probes:Reach-v0", norm_obs=False, norm_reward=False), SEEDS_SN + 50)
    np.testing.assert_array_equal(rewards_SN, stepped(raw, 50)[-1][1])
    for part in ("mean", "variance", "count"):
        np.testing.assert_array_equal(judged.state()[f"observations.{part}"], given[f"observations.{part}"])


@pytest.mark.parametrize("vector", [make_vector, Synchronous])
@pytest.mark.parametrize("norm", [None, True, False])
@pytest.mark.parametrize(("env_id", "continuous"), [("CartPole-v1", False), ("Pendulum-v1", True)])
def test_normalisation_is_for_continuous_actions_unless_asked_for(
    env_id: str, continuous: bool, norm: bool | None, vector: type[Synchronous]
) -> None:
    wanted = continuous if norm is None else norm
    for name, part in (("norm_obs", "observations."), ("norm_reward", "rewards.")):
        settings = {"norm_obs": False, "norm_reward": False, name: norm}
        environments = Environments(Config(env_id=env_id, **settings), SEEDS_SN, vector=vector(env_id, SEEDS_SN))
        environments.reset()
        parts = {key.partition(".")[0] + "." for key in environments.state()}
        assert (part in parts) is wanted
        assert not parts & ({"observations.", "rewards."} - {part})
