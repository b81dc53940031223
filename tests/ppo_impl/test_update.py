"""Details 4, 6, 11 and 12, clip annealing and the early stop by KL: what an update does with a batch."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from textbook import SPACES, Single, double_agent, generators, random_batch
from torch import Tensor

from ppo_impl import ppo
from ppo_impl.clock import Clock
from ppo_impl.config import Config
from ppo_impl.networks import Agent
from ppo_impl.optimizer import Adam
from ppo_impl.ppo import Batch, Iteration, Parts, Rates, Trainer

SMALL = Config(env_id="CartPole-v1", seeds=(1, 2, 3), num_envs=3, num_steps=10, num_minibatches=5, total_timesteps=300)
MORE = Config(env_id="CartPole-v1", seeds=(1, 2, 3), num_envs=8, num_steps=32, num_minibatches=2, learning_rate=2e-3)
TEXTBOOK = Config(num_envs=4, num_steps=10, num_minibatches=2, update_epochs=6)
RATES = Rates(learning_rate=3e-3, clip_coef=0.2)
EVERYBODY = torch.ones(3, dtype=torch.bool)


def collected(config: Config) -> tuple[Trainer, Batch]:
    trainer = Trainer(config)
    segment = ppo.collect(
        trainer.environments, trainer.observations_SNO, trainer.agent, trainer.generators, config.num_steps, Clock()
    )
    return trainer, ppo.make_batch(segment, trainer.agent, config)


def update(trainer: Trainer, batch: Batch) -> dict[str, Tensor]:
    return ppo.update(trainer.agent, trainer.optimizer, batch, trainer.generators, RATES, trainer.config)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Batch, float, Parts]]:
    """Minibatch, clip range and result of every call of `ppo.loss`."""
    calls: list[tuple[Batch, float, Parts]] = []
    loss = ppo.loss

    def spy(agent: Agent, part: Batch, clip_coef: float, config: Config) -> Parts:
        calls.append((part, clip_coef, loss(agent, part, clip_coef, config)))
        return calls[-1][2]

    monkeypatch.setattr(ppo, "loss", spy)
    return calls


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, list[bool]]]:
    """Rate and learning seeds of every step of the optimizer."""
    calls: list[tuple[float, list[bool]]] = []
    step = Adam.step

    def spy(self: Adam, learning_rate: float, learning_S: Tensor) -> None:
        calls.append((learning_rate, learning_S.tolist()))
        step(self, learning_rate, learning_S)

    monkeypatch.setattr(Adam, "step", spy)
    return calls


# the whole, against the textbook


@pytest.mark.parametrize("kernel", [True, False])
@pytest.mark.parametrize(("kind", "target_kl", "stops"), [
    ("discrete", None, [6, 6, 6, 6]), ("multi-discrete", None, [6, 6, 6, 6]), ("continuous", None, [6, 6, 6, 6]),
    ("discrete", 0.029, [2, 5, 2, 6]), ("multi-discrete", 0.17, [5, 3, 6, 5]), ("continuous", 0.2, [4, 4, 2, 6]),
])  # fmt: skip
def test_an_update_is_the_ordinary_training_of_each_seed_alone(
    kind: str, target_kl: float | None, stops: list[int], kernel: bool
) -> None:
    """With its own stop: parameters, debug variables, and random numbers drawn."""
    config = replace(TEXTBOOK, target_kl=target_kl)
    agent, batch = double_agent(kind, 4, use_kernel=kernel), random_batch(kind, 4, config.batch_size)
    with torch.no_grad():
        policy, _ = agent(batch.observations_SBO, batch.masks_SBP)
        batch = replace(batch, log_probabilities_SB=policy.log_probabilities(batch.actions_SBC))
    singles, streams = [Single.of(agent, kind, s) for s in range(4)], generators(7, 8, 9, 10)
    ppo.update(agent, ppo.make_optimizer(agent), batch, streams, RATES, config)
    passes = []
    for s, single in enumerate(singles):
        (stream,) = generators(7 + s)
        passes.append(single.update(batch, s, 3e-3, 0.2, config, stream))
        row = single.row()
        torch.testing.assert_close(agent.flat_SP[s, : len(row)], row, rtol=1e-6, atol=1e-8)
        assert torch.equal(streams[s].get_state(), stream.get_state())
    assert passes == stops


# detail 4 and auxiliary detail 1


def test_the_learning_rate_falls_linearly_from_full_to_the_last_step_above_0(steps: list[Any]) -> None:
    trainer = Trainer(SMALL)
    told = [trainer.iterate().learning_rate for _ in range(SMALL.num_iterations)]
    assert told == pytest.approx([2.5e-4 * share / 10 for share in range(10, 0, -1)])
    assert [rate for rate, _ in steps] == [rate for rate in told for _ in range(5 * SMALL.update_epochs)]


@pytest.mark.parametrize("anneal_clip", [True, False])
def test_the_clip_range_falls_linearly_where_that_is_asked_for(anneal_clip: bool, seen: list[Any]) -> None:
    trainer = Trainer(replace(SMALL, anneal_clip=anneal_clip, clip_coef=0.3))
    for _ in range(SMALL.num_iterations):
        trainer.iterate()
    of_iterations = [0.3 * share / 10 if anneal_clip else 0.3 for share in range(10, 0, -1)]
    expected = [clip for clip in of_iterations for _ in range(5 * SMALL.update_epochs)]
    assert [clip_coef for _, clip_coef, _ in seen] == pytest.approx(expected)


def test_the_share_of_clipped_samples_is_counted_with_the_range_in_use(seen: list[Any]) -> None:
    trainer, batch = collected(replace(MORE, clip_coef=0.3))
    told = ppo.update(
        trainer.agent, trainer.optimizer, batch, trainer.generators, Rates(2e-3, 0.01), trainer.config
    )  # fmt: skip
    moved = [((parts.log_ratio_SB.exp() - 1).abs() > 0.01).float().mean(1) for _, _, parts in seen]
    torch.testing.assert_close(told["clipfrac"], torch.stack(moved).mean(0))
    assert (told["clipfrac"] > 0.1).all()


# detail 6


def test_each_pass_uses_each_sample_once_and_each_seed_shuffles_by_itself() -> None:
    streams = generators(1, 2, 3)
    passes = [ppo.shuffle(streams, EVERYBODY, 256) for _ in range(2)]
    for order_SB in passes:
        assert torch.equal(order_SB.sort(1).values, torch.arange(256).expand(3, -1))
        assert not torch.equal(order_SB[0], order_SB[1])
    assert not torch.equal(passes[0], passes[1])


def test_a_seed_that_has_stopped_draws_nothing() -> None:
    streams, others = generators(1, 2, 3), generators(1, 2, 3)
    order_SB = ppo.shuffle(streams, torch.tensor([True, False, True]), 256)
    assert torch.equal(streams[1].get_state(), others[1].get_state())
    assert torch.equal(order_SB[1].sort().values, torch.arange(256))
    for s in (0, 2):
        assert torch.equal(order_SB[s], torch.randperm(256, generator=others[s]))


@pytest.mark.parametrize("kind", SPACES)
def test_a_seed_picks_by_its_own_row_of_the_index(kind: str) -> None:
    batch, index_SB = random_batch(kind, 2, 4), torch.tensor([[3, 0, 1, 2], [1, 1, 2, 0]])
    parts = batch.minibatches(index_SB, 2)
    assert len(parts) == 2
    for number, part in enumerate(parts):
        for name, whole in vars(batch).items():
            for s in range(2):
                own_B = index_SB[s, 2 * number : 2 * number + 2]
                assert whole is None or torch.equal(getattr(part, name)[s], whole[s, own_B])
            assert (whole is None) == (getattr(part, name) is None)


def test_an_update_makes_epochs_times_minibatches_steps(seen: list[Any], steps: list[Any]) -> None:
    trainer, batch = collected(SMALL)
    update(trainer, batch)
    assert len(seen) == len(steps) == SMALL.update_epochs * SMALL.num_minibatches
    for epoch in range(SMALL.update_epochs):
        parts = [part for part, _, _ in seen[epoch * SMALL.num_minibatches :][: SMALL.num_minibatches]]
        advantages_SB = torch.cat([part.advantages_SB for part in parts], dim=1)
        assert torch.equal(advantages_SB.sort(1).values, batch.advantages_SB.sort(1).values)


# detail 11


def test_each_seeds_gradient_is_shortened_by_itself_and_as_a_whole() -> None:
    gradient_SP = torch.randn(3, 500, generator=generators(0)[0]) * torch.tensor([[100.0], [1e-4], [1.0]])
    before_SP = gradient_SP.clone()
    ppo.clip_gradient(gradient_SP, 0.5)
    for before_P, after_P in zip(before_SP, gradient_SP, strict=True):
        expected_P = before_P * min(1, 0.5 / float(before_P.double().norm()))
        torch.testing.assert_close(after_P, expected_P, rtol=1e-4, atol=0)


class Descent(Adam):
    """Plain gradient descent with rate 1."""

    def step(self, learning_rate: float, learning_S: Tensor) -> None:
        self._flat_SP.data -= self.gradient()


def test_an_update_steps_with_the_shortened_gradient() -> None:
    trainer, batch = collected(replace(SMALL, num_minibatches=1, update_epochs=1, vf_coef=1e4))
    before_SP = trainer.agent.flat_SP.detach().clone()
    trainer.optimizer = Descent(trainer.agent.flat_SP, eps=0)
    update(trainer, batch)
    moved_S = (trainer.agent.flat_SP.detach() - before_SP).norm(dim=1)
    torch.testing.assert_close(moved_S, torch.full((3,), 0.5), rtol=1e-3, atol=0)


# detail 12


@pytest.mark.parametrize("kernel", [True, False])
@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1", "identities:MaskedIdentity-v0"])
@pytest.mark.parametrize("config", [SMALL, MORE])
def test_the_first_minibatch_meets_the_policy_that_acted_and_later_ones_do_not(
    env_id: str, config: Config, kernel: bool, seen: list[Any]
) -> None:
    trainer, batch = collected(replace(config, env_id=env_id, kernel=kernel))
    update(trainer, batch)
    first, last = (parts.log_ratio_SB.detach() for _, _, parts in (seen[0], seen[-1]))
    # 0 on the machine where this was written; elsewhere matrix products may round by the number of their rows.
    torch.testing.assert_close(first.exp(), torch.ones_like(first), atol=1e-6, rtol=0)
    debug = ppo.policy_change(first, 0.2)
    assert (debug["old_approx_kl"].abs() < 1e-6).all()
    assert (debug["approx_kl"].abs() < 1e-6).all()
    assert not debug["clipfrac"].any()
    assert (ppo.policy_change(last, 0.2)["approx_kl"] > 1e-5).all()


def told_by(parts: Parts) -> dict[str, Tensor]:
    """The debug variables of one minibatch."""
    means = {name: getattr(parts, f"{name}_SB").detach().mean(1) for name in ("policy_loss", "value_loss", "entropy")}
    return {**means, **ppo.policy_change(parts.log_ratio_SB.detach(), 0.2)}


def test_losses_told_are_means_over_all_minibatches(seen: list[Any]) -> None:
    trainer, batch = collected(SMALL)
    told = update(trainer, batch)
    singles = [told_by(parts) for _, _, parts in seen]
    assert set(told) == {*singles[0], "explained_variance"}
    for name in singles[0]:
        torch.testing.assert_close(told[name], torch.stack([single[name] for single in singles]).mean(0))
    expected_S = ppo.explained_variance(batch.values_SB, batch.returns_SB)
    assert torch.equal(told["explained_variance"], expected_S)


# auxiliary detail 3


def test_a_seed_stops_after_the_first_pass_whose_last_minibatch_is_beyond_the_target(
    seen: list[Any], steps: list[Any]
) -> None:
    trainer, batch = collected(replace(MORE, target_kl=2e-3, update_epochs=8))
    told = update(trainer, batch)
    learning_MS = torch.tensor([learning for _, learning in steps])
    singles = [told_by(parts) for _, _, parts in seen]
    passes = []
    for s in range(3):
        beyond = [bool(single["approx_kl"][s] > 2e-3) for single in singles[1::2]]
        passes.append(beyond.index(True) + 1 if True in beyond else 8)
        assert learning_MS[:, s].tolist() == [m < 2 * passes[s] for m in range(len(steps))]
        for name in singles[0]:
            own = torch.stack([single[name][s] for single in singles[: 2 * passes[s]]])
            torch.testing.assert_close(told[name][s], own.mean())
    assert len(set(passes)) > 1
    assert len(seen) == 2 * max(passes)  # nothing is computed once nobody learns


def numbers(iteration: Iteration) -> dict[str, bytes]:
    return {name: loss_S.tobytes() for name, loss_S in iteration.losses.items()}


def run(config: Config) -> tuple[list[dict[str, bytes]], list[Tensor]]:
    """What four iterations tell, and where they end."""
    trainer = Trainer(config)
    told = [numbers(trainer.iterate()) for _ in range(4)]
    return told, [trainer.agent.flat_SP.detach(), *(generator.get_state() for generator in trainer.generators)]


def equal(one: tuple[Any, list[Tensor]], other: tuple[Any, list[Tensor]]) -> bool:
    return one[0] == other[0] and all(map(torch.equal, one[1], other[1]))


def test_a_target_out_of_reach_is_none() -> None:
    assert equal(run(replace(MORE, target_kl=1e9)), run(MORE))
    assert not equal(run(replace(MORE, target_kl=1e-3)), run(MORE))


def test_a_tiny_target_leaves_one_pass() -> None:
    assert equal(run(replace(MORE, target_kl=1e-12)), run(replace(MORE, update_epochs=1)))


@pytest.mark.parametrize("config", [MORE, replace(MORE, num_envs=6, num_steps=30, num_minibatches=5)])
def test_who_learns_alone_and_who_learns_in_company_are_the_same(config: Config, steps: list[Any]) -> None:
    """To the last bit, random numbers included, though some stop while others go on.

    Five minibatches: torch adds four numbers at a time, so that here a mean depends on how many places are added up.
    """
    config = replace(config, target_kl=2e-3)
    together, ends = Trainer(config), []
    lone = [Trainer(replace(config, seeds=(seed,))) for seed in config.seeds]
    for _ in range(4):
        steps.clear()
        told = together.iterate()
        ends.append({sum(learning[s] for _, learning in steps) for s in range(3)})
        for s, trainer in enumerate(lone):
            own = trainer.iterate()
            for name, loss_S in own.losses.items():
                assert loss_S.tobytes() == told.losses[name][s].tobytes(), name
            assert torch.equal(trainer.agent.flat_SP[0], together.agent.flat_SP[s])
            assert torch.equal(trainer.generators[0].get_state(), together.generators[s].get_state())
    assert any(len(counts) > 1 for counts in ends)  # they did not all stop together
