from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec, WrapperSpec

from ppo_impl.config import Config
from ppo_impl.environments import Environments, Synchronous, make_vector, vector
from ppo_impl.environments.classic import CLASSIC
from ppo_impl.ppo import Iteration, Trainer, collect, train

SEEDS_SN = np.array([[3, 1, 4], [1, 5, 9]])
CARTPOLE = "gymnasium.envs.classic_control.cartpole:CartPoleEnv"


@pytest.mark.parametrize("env_id", CLASSIC)
def test_gymnasiums_own_classics_are_stepped_by_numpy(env_id: str) -> None:
    assert type(make_vector(env_id, SEEDS_SN)) is CLASSIC[env_id]


@pytest.mark.parametrize(
    "spec",
    [
        EnvSpec("CartPole-v1", CARTPOLE, max_episode_steps=200),
        EnvSpec("CartPole-v1", CARTPOLE),
        EnvSpec("CartPole-v1", CARTPOLE, max_episode_steps=500, kwargs={"sutton_barto_reward": True}),
        EnvSpec("CartPole-v1", "probes:Probe", max_episode_steps=500),
        EnvSpec("CartPole-v1", lambda: None, max_episode_steps=500),
        EnvSpec(
            "CartPole-v1", CARTPOLE, max_episode_steps=500,
            additional_wrappers=(WrapperSpec("Flip", "gymnasium.wrappers:FlattenObservation", {}),),
        ),
        EnvSpec("CartPole-v7", CARTPOLE, max_episode_steps=200),
        EnvSpec("CartPole-v7", CARTPOLE, max_episode_steps=500),
    ],
    ids=["shorter", "endless", "other rewards", "other class", "function", "wrapped", "other name", "same elsewhere"],
)  # fmt: skip
def test_one_that_somebody_registered_is_stepped_by_gymnasium(spec: EnvSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(gymnasium.registry, spec.id, spec)
    if callable(spec.entry_point):
        monkeypatch.setattr(spec, "entry_point", lambda **_: gymnasium.make("Acrobot-v1"))
    assert isinstance(make_vector(spec.id, SEEDS_SN), Synchronous)


def test_another_time_limit_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        gymnasium.registry, "CartPole-v1", EnvSpec("CartPole-v1", CARTPOLE, max_episode_steps=3)
    )  # fmt: skip
    environments = Environments(Config(), SEEDS_SN)
    environments.reset()
    dones = [environments.step(np.zeros((2, 3, 1), dtype=np.int64))[2].all() for _ in range(7)]
    assert np.flatnonzero(dones).tolist() == [2, 5]


def curves(config: Config) -> tuple[list[Iteration], dict[str, Any]]:
    trainer = Trainer(config)
    return list(train(trainer)), {
        name: array for name, array in trainer.state().items() if not name.startswith("environments.vector.")
    }


@pytest.mark.parametrize("env_id", CLASSIC)
def test_numpys_and_gymnasiums_environments_train_to_the_same_curves(
    env_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit: losses, returns, parameters, statistics."""
    config = Config(env_id=env_id, seeds=(1, 7), num_envs=3, num_steps=84, total_timesteps=252 * 3)
    numpys, left = curves(config)
    monkeypatch.setattr(vector, "make_vector", Synchronous)
    gymnasiums, right = curves(config)
    np.testing.assert_equal(left, right)
    for one, other in zip(numpys, gymnasiums, strict=True):
        for name in ("losses", "episodic_return_S", "episodic_length_S", "global_step", "learning_rate"):
            np.testing.assert_equal(getattr(one, name), getattr(other, name))
    assert env_id in ("Acrobot-v1", "MountainCar-v0") or np.isfinite(numpys[-1].episodic_return_S).all()


# What both kinds have in common


def test_together_they_are_stepped_and_counted_as_each_alone() -> None:
    together = Environments(Config(), SEEDS_SN)
    alone = {place: gymnasium.make("CartPole-v1") for place in np.ndindex(SEEDS_SN.shape)}
    expected = {place: one.reset(seed=int(SEEDS_SN[place]))[0] for place, one in alone.items()}
    observations_SNO = together.reset()
    random, returns = np.random.default_rng(0), dict.fromkeys(alone, 0.0)
    finished: dict[int, list[float]] = {0: [], 1: []}
    for _ in range(100):
        for place, observation in expected.items():
            np.testing.assert_array_equal(observations_SNO[place], observation)
        actions_SNC = random.integers(2, size=(*SEEDS_SN.shape, 1))
        observations_SNO, rewards_SN, dones_SN = together.step(actions_SNC)
        for place, one in alone.items():
            expected[place], reward, terminated, truncated, _ = one.step(int(actions_SNC[place].item()))
            assert (rewards_SN[place], dones_SN[place]) == (reward, terminated or truncated)
            returns[place] += float(reward)
            if terminated or truncated:
                finished[place[0]].append(returns[place])
                returns[place], expected[place] = 0, one.reset()[0]
    assert sum(map(len, finished.values())) > 10
    returns_S, lengths_S = together.episodes.take()
    np.testing.assert_allclose(returns_S, [np.mean(finished[0]), np.mean(finished[1])])
    np.testing.assert_allclose(lengths_S, returns_S)  # CartPole gives 1 a step


def test_a_truncated_episode_is_over() -> None:
    environments = Environments(Config(env_id="probes:Truncated-v0"), SEEDS_SN)
    environments.reset()
    dones = [environments.step(np.zeros((2, 3, 1), dtype=np.int64))[2].all() for _ in range(11)]
    assert np.flatnonzero(dones).tolist() == [4, 9]


@pytest.mark.parametrize("env_id", ["CartPole-v1", "probes:Identity-v0"])
def test_what_comes_out_is_float32_and_not_overwritten_later(env_id: str) -> None:
    environments = Environments(Config(env_id=env_id), SEEDS_SN)
    first_SNO = environments.reset()
    copy_SNO = first_SNO.copy()
    second_SNO, rewards_SN, dones_SN = environments.step(np.zeros((2, 3, 1), dtype=np.int64))
    assert [one.dtype for one in (first_SNO, second_SNO, rewards_SN, dones_SN)] == [np.float32] * 3 + [np.bool_]
    np.testing.assert_array_equal(first_SNO, copy_SNO)


def test_masks_come_through() -> None:
    environments = Environments(Config(env_id="probes:Masked-v0"), SEEDS_SN)
    environments.reset()
    masks_SNP = environments.action_masks()
    assert masks_SNP is not None
    assert masks_SNP.shape == (2, 3, 3)
    assert Environments(Config(), SEEDS_SN).action_masks() is None


def test_masks_of_several_components_stand_in_a_row() -> None:
    environments = Environments(Config(env_id="probes:MaskedPair-v0"), SEEDS_SN)
    environments.reset()
    masks_SNP = environments.action_masks()
    assert masks_SNP is not None
    assert masks_SNP.shape == (2, 3, 5)
    assert (masks_SNP == np.array([True, False, True, True, False])).all()


@pytest.mark.parametrize("env_id", ["probes:MaskedPair-v0", "probes:MaskedReach-v0"])
def test_masks_of_any_kind_are_trained_with(env_id: str) -> None:
    """The pair breaks down if they are not heeded; numbers have no choices that could be forbidden."""
    trainer = Trainer(Config(env_id=env_id, seeds=(1, 2), num_steps=16, total_timesteps=64))
    assert trainer.iterate().finite_S.all()


def test_the_policy_learns_with_the_masks_it_acted_under_even_if_they_come_only_sometimes() -> None:
    """The probe tells nothing at the start of an episode of 8 steps, nor in every other step: all is allowed then."""
    trainer = Trainer(Config(env_id="probes:Reticent-v0", seeds=(1, 2), num_steps=16, total_timesteps=64))
    parts = trainer.environments, trainer.observations_SNO, trainer.agent, trainer.generators
    masks_STNP = collect(*parts, 16, trainer.clock).masks_STNP
    assert masks_STNP is not None
    assert masks_STNP[:, 0::2].all()
    assert not masks_STNP[:, 1::2].all(-1).any()
    assert masks_STNP.any(-1).all()
    plain = Trainer(Config(seeds=(1, 2), num_steps=16, total_timesteps=64))
    parts = plain.environments, plain.observations_SNO, plain.agent, plain.generators
    assert collect(*parts, 16, plain.clock).masks_STNP is None
