"""Detail 1: what a segment holds."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch

from ppo_impl import ppo
from ppo_impl.clock import Clock
from ppo_impl.config import Config
from ppo_impl.environments import Environments
from ppo_impl.ppo import Segment, Trainer

SMALL = Config(env_id="CartPole-v1", seeds=(1, 2, 3), num_envs=3, num_steps=10, num_minibatches=5, total_timesteps=300)
MASKED = replace(SMALL, env_id="identities:MaskedIdentity-v0", num_steps=20)


def collect(trainer: Trainer, observations_SNO: torch.Tensor | None = None) -> Segment:
    seen = trainer.observations_SNO if observations_SNO is None else observations_SNO
    return ppo.collect(trainer.environments, seen, trainer.agent, trainer.generators, trainer.config.num_steps, Clock())


def test_segments_are_what_lone_environments_give_and_go_on_where_the_last_one_stopped() -> None:
    trainer = Trainer(SMALL)
    seeds_SN = np.arange(100, 109).reshape(3, 3)
    trainer.environments = Environments(SMALL, seeds_SN)
    observations_SNO = torch.from_numpy(trainer.environments.reset())
    alone = {place: gymnasium.make("CartPole-v1") for place in np.ndindex(seeds_SN.shape)}
    seen = {place: one.reset(seed=int(seeds_SN[place]))[0] for place, one in alone.items()}
    dones = 0
    for _ in range(5):
        segment = collect(trainer, observations_SNO)
        observations_SNO = segment.next_observations_SNO
        for (s, n), one in alone.items():
            for t in range(SMALL.num_steps):
                np.testing.assert_array_equal(segment.observations_STNO[s, t, n], seen[s, n])
                seen[s, n], reward, terminated, truncated, _ = one.step(int(segment.actions_STNC[s, t, n, 0]))
                assert segment.rewards_STN[s, t, n] == reward
                assert segment.dones_STN[s, t, n] == float(terminated or truncated)
                if terminated or truncated:
                    seen[s, n], dones = one.reset()[0], dones + 1
            np.testing.assert_array_equal(segment.next_observations_SNO[s, n], seen[s, n])
    assert dones > 10


def test_no_two_environments_of_a_trainer_play_the_same_episodes() -> None:
    starts_SNO = Trainer(replace(SMALL, seeds=tuple(range(20)))).observations_SNO
    assert len(starts_SNO.flatten(0, 1).unique(dim=0)) == 60


def test_an_iteration_begins_with_what_the_environments_show_now() -> None:
    trainer = Trainer(SMALL)
    for _ in range(3):
        trainer.iterate()
        states_SNO = trainer.environments.state()["vector.physics_SNX"]
        np.testing.assert_array_equal(trainer.observations_SNO, states_SNO.astype(np.float32))


def test_every_iteration_goes_on_within_the_episodes() -> None:
    """Twelve steps each in three iterations, and each episode has ended no sooner than in one go."""
    config = replace(SMALL, env_id="probes:Truncated-v0", num_steps=2, num_minibatches=2)
    lengths_S = [iteration.episodic_length_S for iteration in ppo.train(Trainer(config))][2]
    assert lengths_S.tolist() == [5, 5, 5]


@pytest.mark.parametrize("kernel", [True, False])
@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1", "identities:MaskedIdentity-v0"])
def test_the_recorded_probabilities_and_values_are_those_of_the_policy_that_acted(env_id: str, kernel: bool) -> None:
    config = replace(SMALL, env_id=env_id, kernel=kernel)
    trainer = Trainer(config)
    segment = collect(trainer)
    batch = ppo.make_batch(segment, trainer.agent, config)
    for t, n in np.ndindex(config.num_steps, config.num_envs):
        row, place = t * config.num_envs + n, (slice(None), t, slice(n, n + 1))
        masks_SBP = None if segment.masks_STNP is None else segment.masks_STNP[place]
        with torch.no_grad():
            policy, values_SB = trainer.agent(segment.observations_STNO[place], masks_SBP)
        expected_SB = policy.log_probabilities(segment.actions_STNC[place])
        torch.testing.assert_close(batch.log_probabilities_SB[:, row], expected_SB[:, 0])
        torch.testing.assert_close(batch.values_SB[:, row], values_SB[:, 0])
        assert torch.equal(batch.observations_SBO[:, row], segment.observations_STNO[:, t, n])
        assert torch.equal(batch.actions_SBC[:, row], segment.actions_STNC[:, t, n])
        assert segment.masks_STNP is None or torch.equal(batch.masks_SBP[:, row], segment.masks_STNP[:, t, n])


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1", "identities:MaskedIdentity-v0"])
def test_actions_are_what_the_policy_makes_of_the_noise_of_each_seeds_own_stream(env_id: str) -> None:
    """The noise of a segment is drawn at once; what is kept is what was drawn, whatever the environment's bounds."""
    trainer = Trainer(replace(SMALL, env_id=env_id))
    streams = [torch.Generator() for _ in trainer.generators]
    for stream, generator in zip(streams, trainer.generators, strict=True):
        stream.set_state(generator.get_state())
    segment = collect(trainer)
    noise_STNP = torch.stack([trainer.agent.noise(stream, (SMALL.num_steps, SMALL.num_envs)) for stream in streams])
    masks_SBP = None if segment.masks_STNP is None else segment.masks_STNP.flatten(1, 2)
    with torch.no_grad():
        policy = trainer.agent.policy(segment.observations_STNO.flatten(1, 2), masks_SBP)
    torch.testing.assert_close(segment.actions_STNC.flatten(1, 2), policy.sample(noise_STNP.flatten(1, 2)))
    for stream, generator in zip(streams, trainer.generators, strict=True):
        assert torch.equal(stream.get_state(), generator.get_state())
    assert not torch.equal(noise_STNP[0], noise_STNP[1])


def test_masks_are_those_that_held_when_the_action_was_chosen() -> None:
    segment = collect(Trainer(MASKED))
    masks_STNP, actions_STNC = segment.masks_STNP, segment.actions_STNC
    assert masks_STNP is not None
    corners_STN = segment.observations_STNO.argmax(-1, keepdim=True)
    assert masks_STNP.gather(-1, corners_STN).all()  # the right choice is never forbidden
    assert (masks_STNP[..., :3].sum(-1) == 2).all()
    assert masks_STNP.gather(-1, actions_STNC + torch.tensor([0, 3])).all()
    assert 0.3 < masks_STNP[..., 3].float().mean() < 0.7
