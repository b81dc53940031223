"""Policies against torch.distributions."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from textbook import generators
from torch import Tensor, distributions

from ppo_impl.distributions import INVALID, Categorical, Normal, gumbel_noise, normal_noise

axes = st.lists(st.integers(1, 4), max_size=3).map(tuple)
sizes_of_components = st.lists(st.integers(1, 5), min_size=1, max_size=4)
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def logits_of(sizes: list[int], axes_X: tuple[int, ...], seed: int = 0) -> tuple[Tensor, Tensor]:
    """logits_XP and some actions_XC."""
    random = generators(seed)[0]
    actions = [torch.randint(size, axes_X, generator=random) for size in sizes]
    logits_XP = 3 * torch.randn(*axes_X, sum(sizes), generator=random, dtype=torch.float64)
    return logits_XP, torch.stack(actions, -1)


@settings(deadline=None)
@given(axes_X=axes, size=st.integers(1, 6), seed=st.integers(0, 2**31))
def test_one_choice_is_torchs_categorical(axes_X: tuple[int, ...], size: int, seed: int) -> None:
    logits_XP, actions_XC = logits_of([size], axes_X, seed)
    ours, theirs = Categorical(logits_XP, [size]), distributions.Categorical(logits=logits_XP)
    torch.testing.assert_close(ours.log_probabilities(actions_XC), theirs.log_prob(actions_XC[..., 0]), **CLOSE)
    torch.testing.assert_close(ours.entropies(), theirs.entropy(), **CLOSE)
    assert torch.equal(ours.mode()[..., 0], theirs.mode)


@settings(deadline=None)
@given(axes_X=axes, sizes=sizes_of_components, seed=st.integers(0, 2**31))
def test_several_choices_are_the_sum_of_independent_ones(axes_X: tuple[int, ...], sizes: list[int], seed: int) -> None:
    logits_XP, actions_XC = logits_of(sizes, axes_X, seed)
    ours = Categorical(logits_XP, sizes)
    singles = [distributions.Categorical(logits=logits_XA) for logits_XA in logits_XP.split(sizes, -1)]
    log_probabilities = [one.log_prob(actions_XC[..., c]) for c, one in enumerate(singles)]
    torch.testing.assert_close(ours.log_probabilities(actions_XC), torch.stack(log_probabilities).sum(0), **CLOSE)
    torch.testing.assert_close(ours.entropies(), torch.stack([one.entropy() for one in singles]).sum(0), **CLOSE)
    assert torch.equal(ours.mode(), torch.stack([one.mode for one in singles], -1))


@settings(deadline=None)
@given(axes_X=axes, components=st.integers(1, 4), seed=st.integers(0, 2**31), apart=st.booleans())
def test_continuous_actions_are_torchs_independent_normals(
    axes_X: tuple[int, ...], components: int, seed: int, apart: bool
) -> None:
    random = generators(seed)[0]
    mean_XC, actions_XC = torch.randn(2, *axes_X, components, generator=random, dtype=torch.float64)
    log_deviation = torch.randn(*(axes_X if apart else ()), components, generator=random, dtype=torch.float64)
    ours = Normal(mean_XC, log_deviation)
    theirs = distributions.Independent(distributions.Normal(mean_XC, log_deviation.exp().expand_as(mean_XC)), 1)
    torch.testing.assert_close(ours.log_probabilities(actions_XC), theirs.log_prob(actions_XC), **CLOSE)
    torch.testing.assert_close(ours.entropies(), theirs.entropy(), **CLOSE)
    assert torch.equal(ours.mode(), theirs.mode)


def test_choices_are_drawn_with_their_probabilities_component_by_component() -> None:
    probabilities = torch.tensor([0.05, 0.2, 0.75]), torch.tensor([0.6, 0.4])
    policy = Categorical(torch.cat(probabilities).log(), [3, 2])
    draws = 40_000
    for generator in generators(1, 2):
        actions_XC = policy.sample(gumbel_noise(generator, (draws, 5)))
        together_AA = torch.zeros(3, 2).index_put_(tuple(actions_XC.T), torch.tensor(1.0), accumulate=True)
        expected_AA = probabilities[0][:, None] * probabilities[1]
        torch.testing.assert_close(together_AA / draws, expected_AA, atol=0.0125, rtol=0)  # 5 standard errors


def test_numbers_are_drawn_with_their_means_and_deviations_component_by_component() -> None:
    mean_C, deviation_C = torch.tensor([-2.0, 0.0, 5.0]), torch.tensor([0.1, 1.0, 3.0])
    draws = 40_000
    for generator in generators(1, 2):
        drawn_XC = Normal(mean_C.expand(draws, 3), deviation_C.log()).sample(normal_noise(generator, (draws, 3)))
        normal_XC = (drawn_XC - mean_C) / deviation_C
        for power, moment in ((1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0)):  # the fourth's standard error: sqrt(96 / draws)
            expected_C = torch.full((3,), moment)
            torch.testing.assert_close(normal_XC.pow(power).mean(0), expected_C, atol=5 * (96 / draws) ** 0.5, rtol=0)
        torch.testing.assert_close(normal_XC.mean(0), torch.zeros(3), atol=0.025, rtol=0)
        torch.testing.assert_close(torch.corrcoef(normal_XC.T), torch.eye(3), atol=0.025, rtol=0)


@pytest.mark.parametrize("noise", [gumbel_noise, normal_noise])
def test_noise_is_finite_has_its_shape_and_comes_from_the_generator_alone(noise) -> None:
    noise_TNP = noise(generators(3)[0], (50, 40, 30))
    assert noise_TNP.shape == (50, 40, 30)
    assert noise_TNP.isfinite().all()
    assert torch.equal(noise_TNP, noise(generators(3)[0], (50, 40, 30)))
    assert not torch.equal(noise_TNP, noise(generators(4)[0], (50, 40, 30)))


@settings(deadline=None)
@given(data=st.data(), sizes=sizes_of_components, seed=st.integers(0, 2**31))
def test_choices_that_are_not_allowed_do_not_exist(data: st.DataObject, sizes: list[int], seed: int) -> None:
    """Never drawn, no gradient; all the rest is as with the remaining choices alone."""
    masks = [data.draw(st.lists(st.booleans(), min_size=A, max_size=A).filter(any)) for A in sizes]
    mask_P = torch.tensor([allowed for mask in masks for allowed in mask])
    logits_XP, _ = logits_of(sizes, (50,), seed)
    leaf_XP = logits_XP.requires_grad_()
    policy = Categorical(leaf_XP.masked_fill(~mask_P, INVALID), sizes)
    for actions_XC in (policy.sample(gumbel_noise(generators(seed)[0], (50, sum(sizes)))), policy.mode()):
        for mask, actions_X in zip(masks, actions_XC.unbind(-1), strict=True):
            assert torch.tensor(mask)[actions_X].all()
    remaining = Categorical(logits_XP[:, mask_P], [sum(mask) for mask in masks])
    places = [torch.tensor(mask).cumsum(0) - 1 for mask in masks]  # an action's number among those that remain
    renumbered_XC = torch.stack([place[a_X] for place, a_X in zip(places, actions_XC.unbind(-1), strict=True)], -1)
    torch.testing.assert_close(
        policy.log_probabilities(actions_XC), remaining.log_probabilities(renumbered_XC), **CLOSE
    )
    torch.testing.assert_close(policy.entropies(), remaining.entropies(), **CLOSE)
    (policy.log_probabilities(actions_XC).sum() + policy.entropies().sum()).backward()
    assert not leaf_XP.grad[:, ~mask_P].any()
    assert leaf_XP.grad.isfinite().all()


def test_a_draw_needs_no_more_than_the_noise_and_the_largest_sum_wins() -> None:
    logits_XP, noise_XP = torch.tensor([[0.0, 1.0, 0.0, 0.0]]), torch.tensor([[3.0, 1.0, -1.0, 0.5]])
    assert Categorical(logits_XP, [2, 2]).sample(noise_XP).tolist() == [[0, 1]]
    assert Categorical(logits_XP, [2, 2]).mode().tolist() == [[1, 0]]
    assert Normal(logits_XP, torch.zeros(4)).sample(noise_XP).tolist() == [[3.0, 2.0, -1.0, 0.5]]
