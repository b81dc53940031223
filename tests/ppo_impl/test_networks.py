import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ppo_impl.networks import Agent, Linear, affine


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.mark.parametrize(
    ("layer", "gain"),
    [(f"{net}.{place}", 2**0.5) for net in ("actor", "critic") for place in (0, 2)]
    + [("actor.4", 0.01), ("critic.4", 1.0)],
)
def test_initialisation_is_orthogonal_with_the_gain_of_the_layer(layer: str, gain: float) -> None:
    linear = Agent(4, 3, generators(1, 2)).get_submodule(layer)
    assert isinstance(linear, Linear)
    for weight_IJ in linear.weight_SIJ.detach():
        rows_KL = weight_IJ if weight_IJ.shape[0] <= weight_IJ.shape[1] else weight_IJ.T
        torch.testing.assert_close(rows_KL @ rows_KL.T, gain**2 * torch.eye(len(rows_KL)), atol=1e-5, rtol=0)
    assert not linear.bias_S1J.any()


def test_each_seed_has_an_initialisation_of_its_own_that_depends_on_nothing_else() -> None:
    several, alone = Agent(4, 2, generators(7, 8, 9)), Agent(4, 2, generators(8))
    for parameter_SIJ, lone_SIJ in zip(several.parameters(), alone.parameters(), strict=True):
        assert torch.equal(parameter_SIJ[1], lone_SIJ[0])
        assert parameter_SIJ.numel() == 3 * lone_SIJ.numel()
    assert not torch.equal(several.actor[0].weight_SIJ[0], several.actor[0].weight_SIJ[2])


def test_actor_and_critic_share_nothing() -> None:
    agent = Agent(4, 2, generators(1))
    agent.values(torch.ones(1, 5, 4)).sum().backward()
    assert all(parameter.grad is None for parameter in agent.actor.parameters())
    assert all(parameter.grad is not None for parameter in agent.critic.parameters())


def test_the_stacked_networks_are_the_ordinary_ones_side_by_side() -> None:
    agent = Agent(4, 3, generators(1, 2)).double()
    x_SBO = torch.randn(2, 5, 4, dtype=torch.float64)
    for seed in range(2):
        first, second, head = (agent.actor[place] for place in (0, 2, 4))
        h = torch.tanh(x_SBO[seed] @ first.weight_SIJ[seed] + first.bias_S1J[seed])
        h = torch.tanh(h @ second.weight_SIJ[seed] + second.bias_S1J[seed])
        logits_BA = h @ head.weight_SIJ[seed] + head.bias_S1J[seed]
        torch.testing.assert_close(agent.log_probabilities(x_SBO)[seed], logits_BA.log_softmax(-1))


@settings(deadline=None, max_examples=60)
@given(
    samples=st.integers(1, 140),
    inputs=st.integers(1, 65),
    outputs=st.integers(1, 65),
    company=st.integers(1, 8),
    data=st.data(),
)
def test_a_seed_gets_the_same_bits_in_any_company(
    samples: int, inputs: int, outputs: int, company: int, data: st.DataObject
) -> None:
    torch.set_num_threads(1)
    random = torch.Generator().manual_seed(samples)
    tensors = [
        torch.randn(12, *shape, generator=random) for shape in ((1, outputs), (samples, inputs), (inputs, outputs))
    ]
    seeds = data.draw(st.permutations(range(12)))[:company]

    def run(chosen: list[int]) -> list[torch.Tensor]:
        leaves = [tensor[chosen].requires_grad_() for tensor in tensors]
        y_SBJ = affine(*leaves)
        (y_SBJ.square().sum()).backward()
        return [y_SBJ.detach(), *(leaf.grad for leaf in leaves)]

    for some, everything in zip(run(seeds), run(list(range(12))), strict=True):
        assert torch.equal(some, everything[seeds])
