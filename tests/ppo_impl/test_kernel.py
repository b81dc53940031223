"""The networks in numpy against the same in torch, by autograd."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from textbook import SPACES, double_agent, random_batch
from torch import Tensor

from ppo_impl import ppo
from ppo_impl.config import Config
from ppo_impl.kernel import Network, TanhNetworks
from ppo_impl.machine import settle

depths = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)  # widths of all layers, the last one's too
stacks = st.lists(depths, min_size=1, max_size=3)


def laid_out(inputs: int, stack: list[tuple[int, ...]]) -> list[Network]:
    """Networks one behind the other."""
    networks: list[Network] = []
    for widths in stack:
        networks.append(Network(networks[-1].end if networks else 0, (inputs, *widths)))
    return networks


def numbers(seeds: int, samples: int, networks: list[Network], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Inputs x_SBI and parameters flat_SP, some of them behind the last network."""
    random = torch.Generator().manual_seed(samples)
    x_SBI = torch.randn(seeds, samples, networks[0].widths[0], generator=random, dtype=dtype)
    size = networks[-1].end + 3
    return x_SBI, torch.randn(seeds, size + -size % 64, generator=random, dtype=dtype).requires_grad_()


def run(x_SBI: Tensor, flat_SP: Tensor, networks: list[Network]) -> Sequence[Tensor]:
    return TanhNetworks(flat_SP, networks)(x_SBI, networks)


def in_torch(x_SBI: Tensor, flat_SP: Tensor, network: Network) -> Tensor:
    """The same, parameter by parameter."""
    h_SBJ, begin = x_SBI, network.begin
    for layer, (inputs, outputs) in enumerate(zip(network.widths, network.widths[1:], strict=False)):
        weight_SIJ = flat_SP[:, begin : begin + inputs * outputs].reshape(-1, inputs, outputs)
        begin += inputs * outputs
        h_SBJ = (h_SBJ.tanh() if layer else h_SBJ) @ weight_SIJ + flat_SP[:, None, begin : begin + outputs]
        begin += outputs
    assert begin == network.end
    return h_SBJ


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@settings(deadline=None, max_examples=80)
@given(seeds=st.integers(1, 4), samples=st.integers(1, 9), inputs=st.integers(1, 6), stack=stacks)
def test_outputs_and_gradients_are_those_of_autograd(
    dtype: torch.dtype, seeds: int, samples: int, inputs: int, stack: list[tuple[int, ...]]
) -> None:
    networks = laid_out(inputs, stack)
    x_SBI, flat_SP = numbers(seeds, samples, networks, dtype)
    before_SBI = x_SBI.clone()
    close = {"rtol": 1e-12, "atol": 1e-11} if dtype == torch.float64 else {"rtol": 1e-4, "atol": 1e-3}
    gradients = []
    for outputs in (run(x_SBI, flat_SP, networks), [in_torch(x_SBI, flat_SP, one) for one in networks]):
        torch.stack([output_SBJ.sin().sum() for output_SBJ in outputs]).sum().backward()
        gradients.append((flat_SP.grad, *outputs))
        flat_SP.grad = None
    for ours, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, expected, **close)
    assert torch.equal(x_SBI, before_SBI)
    with torch.no_grad():
        for output_SBJ, again_SBJ in zip(run(x_SBI, flat_SP, networks), gradients[0][1:], strict=True):
            assert torch.equal(output_SBJ, again_SBJ)


class Repeatable(torch.autograd.Function):
    """The kernel, run anew for each backward pass: gradcheck makes several."""

    @staticmethod
    def forward(ctx: Any, flat_SP: Tensor, x_SBI: Tensor, networks: list[Network]) -> tuple[Tensor, ...]:
        ctx.saved = flat_SP, x_SBI, networks
        return tuple(run(x_SBI, flat_SP, networks))

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        flat_SP, x_SBI, networks = ctx.saved
        leaf_SP = flat_SP.detach().requires_grad_()
        with torch.enable_grad():
            outputs = run(x_SBI, leaf_SP, networks)
        return *torch.autograd.grad(outputs, leaf_SP, slopes), None, None


@pytest.mark.parametrize("seeds", [1, 2])
@pytest.mark.parametrize("stack", [[(3, 2, 2), (2, 3, 1)], [(1,)], [(2, 1)]])
def test_gradients_are_the_slopes_of_the_outputs(seeds: int, stack: list[tuple[int, ...]]) -> None:
    networks = laid_out(2, stack)
    x_SBI, flat_SP = numbers(seeds, 3, networks, torch.float64)
    assert torch.autograd.gradcheck(lambda leaf_SP: Repeatable.apply(leaf_SP, x_SBI, networks), flat_SP)


def test_only_the_networks_that_were_asked_get_a_gradient() -> None:
    networks = laid_out(3, [(4, 2), (5, 1), (2, 2)])
    x_SBI, flat_SP = numbers(2, 6, networks, torch.float32)
    rubbish = [torch.full_like(flat_SP, torch.nan) for _ in range(20)]  # in memory that is then handed out again
    del rubbish
    TanhNetworks(flat_SP, networks)(x_SBI, networks[1:2])[0].sum().backward()
    begin, end = networks[1].begin, networks[1].end
    assert not flat_SP.grad[:, :begin].any()
    assert flat_SP.grad[:, begin:end].all()
    assert not flat_SP.grad[:, end:].any()


@pytest.mark.parametrize("dropped", [0, 1])
def test_an_output_that_does_not_matter_gets_gradient_0(dropped: int) -> None:
    networks = laid_out(3, [(4, 2), (5, 1)])
    x_SBI, flat_SP = numbers(2, 6, networks, torch.float32)
    run(x_SBI, flat_SP, networks)[1 - dropped].sum().backward()
    assert not flat_SP.grad[:, networks[dropped].begin : networks[dropped].end].any()


def test_a_second_backward_pass_is_refused() -> None:
    networks = laid_out(3, [(4, 2)])
    outputs = run(*numbers(1, 5, networks, torch.float32), networks)[0].sum()
    outputs.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="compute the loss again"):
        outputs.backward()


def test_inputs_that_want_a_gradient_are_refused() -> None:
    networks = laid_out(3, [(4, 2)])
    x_SBI, flat_SP = numbers(1, 5, networks, torch.float32)
    with pytest.raises(ValueError, match="use_kernel=False"):
        run(x_SBI.requires_grad_(), flat_SP, networks)


def test_parameters_may_move() -> None:
    networks = laid_out(3, [(4, 2)])
    x_SBI, flat_SP = numbers(1, 5, networks, torch.float32)
    flat_SP = torch.nn.Parameter(flat_SP.detach())
    kernel = TanhNetworks(flat_SP, networks)
    for moved in (flat_SP.data.double(), flat_SP.data.clone() + 1, flat_SP.data.clone() - 1):
        flat_SP.data = moved
        x_SBI = x_SBI.to(moved.dtype)
        torch.testing.assert_close(kernel(x_SBI, networks)[0], in_torch(x_SBI, flat_SP, networks[0]))


@pytest.mark.parametrize("kind", SPACES)
def test_the_loss_has_the_same_gradient_with_and_without_it(kind: str) -> None:
    rows = []
    for use_kernel in (True, False):
        agent = double_agent(kind, 3, use_kernel=use_kernel)
        parts = ppo.loss(agent, random_batch(kind, 3, 40), 0.2, Config(ent_coef=0.3))
        parts.loss_SB.mean(1).sum().backward()
        rows.append(agent.flat_SP.grad)
    torch.testing.assert_close(*rows, rtol=1e-10, atol=1e-13)


@settings(deadline=None, max_examples=80)
@given(
    samples=st.integers(1, 140),
    inputs=st.integers(1, 30),
    stack=st.lists(st.lists(st.integers(1, 70), min_size=1, max_size=3).map(tuple), min_size=1, max_size=2),
    company=st.integers(1, 8),
    data=st.data(),
)
def test_a_seed_gets_the_same_bits_in_any_company(
    samples: int, inputs: int, stack: list[tuple[int, ...]], company: int, data: st.DataObject
) -> None:
    settle()
    networks = laid_out(inputs, stack)
    x_SBI, flat_SP = numbers(12, samples, networks, torch.float32)
    seeds = data.draw(st.permutations(range(12)))[:company]

    def learn(chosen: list[int]) -> list[Tensor]:
        leaf_SP = flat_SP.detach()[chosen].requires_grad_()
        outputs = run(x_SBI[chosen], leaf_SP, networks)
        torch.stack([output_SBJ.sin().mean(1).sum() for output_SBJ in outputs]).sum().backward()
        return [leaf_SP.grad, *outputs]

    for some, everything in zip(learn(seeds), learn(list(range(12))), strict=True):
        assert torch.equal(some, everything[seeds])
