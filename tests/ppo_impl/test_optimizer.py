"""Adam for many seeds against torch's for each."""

import pytest
import torch
from textbook import SPACES, generators
from torch import Tensor, nn

from ppo_impl import ppo
from ppo_impl.networks import Agent
from ppo_impl.optimizer import Adam

S, P, STEPS = 4, 64, 12
GRADIENTS_KSP = torch.randn(STEPS, S, P, generator=generators(0)[0]) * torch.logspace(-7, 1, P)
RATES = [0.1 * (1 - step / STEPS) for step in range(STEPS)]
EVERYBODY = torch.ones(S, dtype=torch.bool)


def new() -> tuple[nn.Parameter, Adam]:
    flat_SP = nn.Parameter(torch.randn(S, P, generator=generators(1)[0]))
    return flat_SP, Adam(flat_SP, eps=1e-5)


def step(flat_SP: nn.Parameter, optimizer: Adam, k: int, learning_S: Tensor = EVERYBODY) -> None:
    optimizer.zero_grad()
    (flat_SP * GRADIENTS_KSP[k]).sum().backward()
    optimizer.step(RATES[k], learning_S)


def alone(s: int, steps: list[int]) -> Tensor:
    """One seed's parameters, trained by torch with the gradients and rates of these steps."""
    row_P = new()[0].detach()[s].clone().requires_grad_()
    adam = torch.optim.Adam([row_P], eps=1e-5)
    for k in steps:
        adam.param_groups[0]["lr"] = RATES[k]
        row_P.grad = GRADIENTS_KSP[k, s].clone()
        adam.step()
    return row_P.detach()


def test_each_seed_is_trained_as_by_torchs_adam_with_a_falling_rate() -> None:
    flat_SP, optimizer = new()
    for k in range(STEPS):
        step(flat_SP, optimizer, k)
    for s in range(S):
        torch.testing.assert_close(flat_SP[s].detach(), alone(s, list(range(STEPS))), rtol=1e-6, atol=1e-6)


def test_a_seed_that_rests_is_untouched_and_later_goes_on_as_if_the_pause_had_not_been() -> None:
    flat_SP, optimizer = new()
    learned: list[list[int]] = [[] for _ in range(S)]
    for k in range(STEPS):
        learning_S = torch.tensor([True, k % 2 == 0, not 3 <= k < 9, k >= 5])
        before_SP = flat_SP.detach().clone()
        step(flat_SP, optimizer, k, learning_S)
        assert torch.equal((flat_SP.detach() != before_SP).any(1), learning_S)
        for s in learning_S.nonzero().flatten().tolist():
            learned[s].append(k)
    assert [len(steps) for steps in learned] == [12, 6, 6, 7]
    for s, steps in enumerate(learned):
        torch.testing.assert_close(flat_SP[s].detach(), alone(s, steps), rtol=1e-6, atol=1e-6)


def test_nobody_learning_changes_nothing() -> None:
    flat_SP, optimizer = new()
    before = {name: tensor.clone() for name, tensor in optimizer.state().items()}
    step(flat_SP, optimizer, 0, ~EVERYBODY)
    for name, tensor in optimizer.state().items():
        assert torch.equal(tensor, before[name])


def test_company_changes_no_bit() -> None:
    flat_SP, optimizer = new()
    for k in range(STEPS):
        step(flat_SP, optimizer, k, torch.tensor([k % 3 == 0, True, k < 4, False]))
    lone_SP = nn.Parameter(new()[0].detach()[1:2].clone())
    lone = Adam(lone_SP, eps=1e-5)
    for k in range(STEPS):
        lone.zero_grad()
        (lone_SP * GRADIENTS_KSP[k, 1:2]).sum().backward()
        lone.step(RATES[k], torch.ones(1, dtype=torch.bool))
    assert torch.equal(lone_SP[0], flat_SP[1])


def test_restored_it_goes_on_exactly() -> None:
    flat_SP, optimizer = new()
    for k in range(5):
        step(flat_SP, optimizer, k, torch.tensor([True, k < 3, True, False]))
    saved = {name: tensor.clone() for name, tensor in optimizer.state().items()}
    assert all(len(tensor) == S for tensor in saved.values())
    other_SP = nn.Parameter(torch.zeros(S, P))
    other = Adam(other_SP, eps=1e-5)
    other.restore(saved)
    for k in range(5, STEPS):
        step(flat_SP, optimizer, k)
        step(other_SP, other, k)
        assert torch.equal(flat_SP, other_SP)


def test_a_step_before_any_backward_pass_is_refused() -> None:
    _, optimizer = new()
    with pytest.raises(RuntimeError, match="backward"):
        optimizer.step(0.1, EVERYBODY)


def test_the_agents_adam_has_the_large_epsilon() -> None:
    """Detail 3."""
    agent = Agent(SPACES["discrete"], generators(1, 2))
    optimizer, before_SP = ppo.make_optimizer(agent), agent.flat_SP.detach().clone()
    agent.flat_SP.grad = torch.full_like(agent.flat_SP, 1e-5)
    optimizer.step(0.5, torch.ones(2, dtype=torch.bool))
    torch.testing.assert_close(before_SP - agent.flat_SP, torch.full_like(before_SP, 0.5 * 1e-5 / (1e-5 + 1e-5)))
