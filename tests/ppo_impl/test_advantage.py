"""Detail 5: generalised advantage estimation."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ppo_impl import ppo
from ppo_impl.clock import Clock
from ppo_impl.config import Config
from ppo_impl.ppo import Trainer

SMALL = Config(env_id="CartPole-v1", seeds=(1, 2, 3), num_envs=3, num_steps=10, num_minibatches=5, total_timesteps=300)
shapes = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 3))


@settings(deadline=None)
@given(shape=shapes, gamma=st.floats(0, 1), lam=st.floats(0, 1), seed=st.integers(0, 2**31))
def test_advantages_are_the_explicit_sum(shape: tuple[int, int, int], gamma: float, lam: float, seed: int) -> None:
    rewards, values, dones, last = random_episodes(shape, seed)
    later_values = np.concatenate([values[:, 1:], last[:, None]], axis=1)
    deltas = rewards + gamma * later_values * (1 - dones) - values
    expected = np.zeros(shape)
    for s, t, n in np.ndindex(shape):
        ends = np.flatnonzero(dones[s, t:, n])
        length = ends[0] + 1 if len(ends) else shape[1] - t
        expected[s, t, n] = sum((gamma * lam) ** k * deltas[s, t + k, n] for k in range(length))
    tensors = (torch.from_numpy(array) for array in (rewards, dones, values, last))
    np.testing.assert_allclose(ppo.advantage(*tensors, gamma, lam), expected, atol=1e-12)


@settings(deadline=None)
@given(shape=shapes, gamma=st.floats(0, 1), seed=st.integers(0, 2**31))
def test_with_lambda_1_an_advantage_is_the_discounted_return_less_the_value(
    shape: tuple[int, int, int], gamma: float, seed: int
) -> None:
    rewards, values, dones, last = random_episodes(shape, seed)
    tensors = (torch.from_numpy(array) for array in (rewards, dones, values, last))
    advantages = ppo.advantage(*tensors, gamma, 1.0)
    for s, n in np.ndindex(shape[0], shape[2]):
        future = last[s, n]
        for t in reversed(range(shape[1])):
            future = rewards[s, t, n] + (0 if dones[s, t, n] else gamma * future)
            assert float(advantages[s, t, n]) == pytest.approx(future - values[s, t, n], abs=1e-9)


def random_episodes(shape: tuple[int, int, int], seed: int) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    dones = (random.random(shape) < 0.3).astype(float)
    return random.normal(size=shape), random.normal(size=shape), dones, random.normal(size=(shape[0], shape[2]))


def test_the_batch_bootstraps_from_the_value_of_the_observation_after_the_segment() -> None:
    config = replace(SMALL, env_id="probes:Endless-v0", gamma=1.0, gae_lambda=1.0)
    trainer = Trainer(config)
    trainer.agent.layers(trainer.agent.critic)[-1][1].data[:] = torch.tensor([10.0, 20.0, 30.0]).view(3, 1, 1)
    segment = ppo.collect(
        trainer.environments, trainer.observations_SNO, trainer.agent, trainer.generators, config.num_steps, Clock()
    )
    batch = ppo.make_batch(segment, trainer.agent, config)
    assert not segment.dones_STN.any()
    to_come_STN = segment.rewards_STN.flip(1).cumsum(1).flip(1)
    expected_STN = to_come_STN + trainer.agent.values(segment.next_observations_SNO).detach()[:, None]
    torch.testing.assert_close(batch.returns_SB, expected_STN.flatten(1, 2))
    torch.testing.assert_close(batch.advantages_SB, batch.returns_SB - batch.values_SB)
