"""Details 7 to 10 and 12: the loss, against one seed's textbook loss; what is told about it."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from textbook import SPACES, Single, double_agent, pick, random_batch

from ppo_impl import ppo
from ppo_impl.config import Config

CONFIG = Config(ent_coef=0.37, vf_coef=0.71)


@pytest.mark.parametrize("kernel", [True, False])
@pytest.mark.parametrize("clip_vloss", [True, False])
@pytest.mark.parametrize("kind", SPACES)
def test_loss_and_gradients_are_those_of_the_textbook(kind: str, clip_vloss: bool, kernel: bool) -> None:
    agent, batch = double_agent(kind, 3, use_kernel=kernel), random_batch(kind, 3, 50)
    config = replace(CONFIG, clip_vloss=clip_vloss)
    parts = ppo.loss(agent, batch, 0.2, config)
    parts.loss_SB.mean(1).sum().backward()
    for s in range(3):
        single = Single.of(agent, kind, s)
        expected, log_ratio_B = single.loss(batch, s, 0.2, config)
        expected.backward()
        row = single.row(gradient=True)
        torch.testing.assert_close(parts.loss_SB[s].mean(), expected)
        torch.testing.assert_close(parts.log_ratio_SB[s], log_ratio_B)
        torch.testing.assert_close(agent.flat_SP.grad[s, : len(row)], row)
        assert not agent.flat_SP.grad[s, len(row) :].any()
        assert (log_ratio_B > 0.2).any()  # both sides of the clips were in the sample
        assert (log_ratio_B < -0.2).any()


def test_a_loss_is_made_of_its_parts() -> None:
    parts = ppo.loss(double_agent("discrete", 2), random_batch("discrete", 2, 50), 0.2, CONFIG)
    whole_SB = parts.policy_loss_SB - 0.37 * parts.entropy_SB + 0.71 * parts.value_loss_SB
    torch.testing.assert_close(parts.loss_SB, whole_SB)


def test_advantages_are_normalised_within_the_minibatch_seed_by_seed() -> None:
    agent, batch = double_agent("discrete", 2), random_batch("discrete", 2, 40)
    part = pick(batch, torch.arange(10, 30))
    factor_S1, shift_S1 = torch.tensor([[5.0], [0.2]]), torch.tensor([[-9.0], [4.0]])
    moved = replace(part, advantages_SB=part.advantages_SB * factor_S1 + shift_S1)
    one, other = (ppo.loss(agent, some, 0.2, CONFIG) for some in (part, moved))
    for field in fields(one):
        torch.testing.assert_close(getattr(one, field.name), getattr(other, field.name))
    normal_SB = ppo.normalise(part.advantages_SB)
    torch.testing.assert_close(normal_SB.mean(1), torch.zeros(2).double(), atol=1e-12, rtol=0)
    torch.testing.assert_close(normal_SB.std(1), torch.ones(2).double())


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "slope"),
    [
        (1.5, 2.0, -2.4, 0.0),  # gained enough: no pull
        (1.1, 2.0, -2.2, -2.0),
        (0.5, 2.0, -1.0, -2.0),  # moved the wrong way: full pull back
        (0.5, -2.0, 1.6, 0.0),
        (1.5, -2.0, 3.0, 2.0),
    ],
)
def test_the_surrogate_is_clipped_on_the_side_of_the_gain_only(
    ratio: float, advantage: float, loss: float, slope: float
) -> None:
    ratio_SB = torch.tensor([[ratio]], requires_grad=True)
    loss_SB = ppo.policy_loss(ratio_SB, torch.tensor([[advantage]]), 0.2)
    loss_SB.sum().backward()
    assert loss_SB.item() == pytest.approx(loss)
    assert ratio_SB.grad is not None
    assert ratio_SB.grad.item() == pytest.approx(slope)


@pytest.mark.parametrize(
    ("value", "target", "loss", "slope"),
    [
        (0.1, 1.0, 0.405, -0.9),
        (0.5, 1.0, 0.32, 0.0),  # beyond the clip range towards the target: no pull
        (-0.5, 1.0, 1.125, -1.5),  # away from it: full pull
        (2.0, 1.0, 0.5, 1.0),  # beyond the target: the larger of the two errors counts
    ],
)
def test_the_value_loss_is_clipped_around_the_old_value(value: float, target: float, loss: float, slope: float) -> None:
    value_SB = torch.tensor([[value]], requires_grad=True)
    loss_SB = ppo.value_loss(value_SB, torch.tensor([[0.0]]), torch.tensor([[target]]), 0.2)
    loss_SB.sum().backward()
    assert loss_SB.item() == pytest.approx(loss)
    assert value_SB.grad is not None
    assert value_SB.grad.item() == pytest.approx(slope)


def test_an_unclipped_value_loss_pulls_from_everywhere() -> None:
    value_SB = torch.tensor([[0.5]], requires_grad=True)
    ppo.value_loss(value_SB, torch.tensor([[0.0]]), torch.tensor([[1.0]]), None).sum().backward()
    assert value_SB.grad is not None
    assert value_SB.grad.item() == pytest.approx(-0.5)


def test_policy_and_value_are_clipped_by_the_range_that_is_given_not_by_the_one_configured() -> None:
    agent, batch = double_agent("discrete", 1), random_batch("discrete", 1, 50)
    tight, wide = (ppo.loss(agent, batch, clip, CONFIG) for clip in (0.01, 1e3))
    single = Single.of(agent, "discrete", 0)
    for parts, clip in ((tight, 0.01), (wide, 1e3)):
        torch.testing.assert_close(parts.loss_SB.mean(), single.loss(batch, 0, clip, CONFIG)[0])
    assert (tight.policy_loss_SB != wide.policy_loss_SB).any()
    assert (tight.value_loss_SB != wide.value_loss_SB).any()


def test_debug_variables() -> None:
    ratio_SB = torch.tensor([[1.0, 1.1, 0.7, 1.3], [1.0, 1.0, 1.0, 1.0]])
    debug = ppo.policy_change(ratio_SB.log(), 0.2)
    torch.testing.assert_close(debug["old_approx_kl"], -ratio_SB.log().mean(1))
    torch.testing.assert_close(debug["approx_kl"], (ratio_SB - 1 - ratio_SB.log()).mean(1), atol=1e-7, rtol=1e-5)
    assert debug["clipfrac"].tolist() == [0.5, 0.0]


def test_explained_variance() -> None:
    returns_SB = torch.tensor([[1.0, 2.0, 3.0, 4.0]]).expand(4, -1).clone()
    returns_SB[3] = 7.0
    values_SB = torch.tensor([[1.0, 2.0, 3.0, 4.0], [9.0, 9.0, 9.0, 9.0], [2.0, 4.0, 6.0, 8.0], [1.0, 2.0, 3.0, 4.0]])
    told = ppo.explained_variance(values_SB, returns_SB).tolist()
    assert told[:3] == pytest.approx([1.0, 0.0, 0.0])
    assert np.isnan(told[3])
