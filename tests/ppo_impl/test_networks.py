import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from textbook import SPACES, Single, double_agent, generators, random_batch

from ppo_impl.networks import Agent, affine

KINDS = pytest.mark.parametrize("kind", SPACES)
KERNEL = pytest.mark.parametrize("kernel", [True, False])


@KINDS
def test_initialisation_is_orthogonal_with_the_gain_of_the_layer_and_biases_are_0(kind: str) -> None:
    agent = Agent(SPACES[kind], generators(1, 2))
    for network, last in ((agent.actor, 0.01), (agent.critic, 1.0)):
        layers = agent.layers(network)
        for (weight_SIJ, bias_S1J), gain in zip(layers, (2**0.5, 2**0.5, last), strict=True):
            for weight_IJ in weight_SIJ.detach():
                rows_KL = weight_IJ if weight_IJ.shape[0] <= weight_IJ.shape[1] else weight_IJ.T
                expected_KK = gain**2 * torch.eye(len(rows_KL))
                torch.testing.assert_close(rows_KL @ rows_KL.T, expected_KK, atol=1e-5 * gain**2, rtol=0)
            assert not bias_S1J.any()


@KINDS
def test_actor_and_critic_are_networks_of_two_hidden_layers_of_64_each(kind: str) -> None:
    agent = Agent(SPACES[kind], generators(1))
    outputs = {"discrete": 2, "multi-discrete": 9, "continuous": 2}[kind]
    for network, last in ((agent.actor, outputs), (agent.critic, 1)):
        assert [tuple(weight_SIJ.shape) for weight_SIJ, _ in agent.layers(network)] == [
            (1, 4, 64),
            (1, 64, 64),
            (1, 64, last),
        ]


def test_the_standard_deviation_begins_at_1_and_is_the_same_for_every_observation() -> None:
    agent = Agent(SPACES["continuous"], generators(1, 2))
    (random,) = generators(0)
    x_SBO = 9 * torch.randn(2, 50, 4, generator=random)
    for begun in (True, False):
        policy, _ = agent(x_SBO)
        spread_SBC = policy.sample(torch.ones(2, 50, 2)) - policy.mode()
        entropies_SB = policy.entropies()
        torch.testing.assert_close(spread_SBC, spread_SBC[:, :1].expand_as(spread_SBC))
        torch.testing.assert_close(entropies_SB, entropies_SB[:, :1].expand_as(entropies_SB))
        if begun:
            torch.testing.assert_close(spread_SBC, torch.ones(2, 50, 2))
        with torch.no_grad():
            agent.flat_SP.add_(0.3 * torch.rand(agent.flat_SP.shape, generator=random) + 0.1)
    assert (spread_SBC[:, 0] - 1).abs().min() > 0.01


@KINDS
def test_each_seed_has_an_initialisation_of_its_own_that_depends_on_nothing_else(kind: str) -> None:
    several, alone = Agent(SPACES[kind], generators(7, 8, 9)), Agent(SPACES[kind], generators(8))
    assert torch.equal(several.flat_SP[1], alone.flat_SP[0])
    assert len(several.flat_SP) == 3
    assert not torch.equal(several.flat_SP[0], several.flat_SP[2])


@KERNEL
@KINDS
def test_actor_and_critic_share_nothing(kind: str, kernel: bool) -> None:
    agent, x_SBO = (
        Agent(SPACES[kind], generators(1), use_kernel=kernel),
        torch.randn(1, 5, 4, generator=generators(0)[0]),
    )
    rubbish = [torch.full_like(agent.flat_SP, torch.nan) for _ in range(20)]  # in memory that is then handed out again
    del rubbish
    begin, end = agent.critic.begin, agent.critic.end
    agent.values(x_SBO).sum().backward()
    assert not agent.flat_SP.grad[:, :begin].any()
    assert agent.flat_SP.grad[:, begin:end].count_nonzero() > 0.9 * (end - begin)
    assert not agent.flat_SP.grad[:, end:].any()
    agent.flat_SP.grad = None
    (agent.policy(x_SBO).sample(torch.zeros(1, 5, 2)) if kind == "continuous" else odd(agent, x_SBO)).sum().backward()
    assert agent.flat_SP.grad[:, :begin].count_nonzero() > 0.9 * begin
    assert not agent.flat_SP.grad[:, begin:end].any()


def odd(agent: Agent, x_SBO: torch.Tensor) -> torch.Tensor:
    """Something that depends on every output."""
    policy, zeros_SBC = agent.policy(x_SBO), torch.zeros(1, 5, agent.num_components, dtype=torch.int64)
    return policy.entropies() + policy.log_probabilities(zeros_SBC)


@KERNEL
@KINDS
def test_the_stacked_networks_are_the_ordinary_ones_side_by_side(kind: str, kernel: bool) -> None:
    agent, batch = double_agent(kind, 2, use_kernel=kernel), random_batch(kind, 2, 7)
    policy, values_SB = agent(batch.observations_SBO, batch.masks_SBP)
    by_itself = agent.policy(batch.observations_SBO, batch.masks_SBP)
    for s in range(2):
        single = Single.of(agent, kind, s)
        log_probabilities_B, entropies_B = single.judge(batch, s)
        torch.testing.assert_close(policy.log_probabilities(batch.actions_SBC)[s], log_probabilities_B)
        torch.testing.assert_close(by_itself.log_probabilities(batch.actions_SBC)[s], log_probabilities_B)
        torch.testing.assert_close(policy.entropies()[s], entropies_B)
        values_B = single.critic(batch.observations_SBO[s])[:, 0]
        torch.testing.assert_close(values_SB[s], values_B)
        torch.testing.assert_close(agent.values(batch.observations_SBO)[s], values_B)


@pytest.mark.parametrize("kind", SPACES)
def test_actions_have_the_shape_and_the_type_of_the_space(kind: str) -> None:
    agent = Agent(SPACES[kind], generators(1, 2))
    noise_SNP = torch.stack([agent.noise(generator, (5,)) for generator in generators(1, 2)])
    components = {"discrete": 1, "multi-discrete": 3, "continuous": 2}[kind]
    actions_SNC = agent.policy(torch.ones(2, 5, 4)).sample(noise_SNP)
    assert actions_SNC.shape == (2, 5, components)
    assert agent.num_components == components
    assert actions_SNC.dtype == agent.action_dtype == (torch.float32 if kind == "continuous" else torch.int64)
    assert not torch.equal(noise_SNP[0], noise_SNP[1])


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
