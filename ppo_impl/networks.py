"""Actor and critic of every seed, stacked: each parameter has a leading seed axis."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn


def affine(bias_S1J: Tensor, x_SBI: Tensor, weight_SIJ: Tensor) -> Tensor:
    """`bias + x @ weight` for each seed, with the same bits for a seed whatever other seeds are beside it.

    A batch of one matrix is multiplied by another kernel than a batch of several, and rounds differently: a lone seed
    is therefore doubled. From two matrices on the number makes no difference (tests/ppo_impl/test_networks.py).
    """
    if len(x_SBI) > 1:
        return torch.baddbmm(bias_S1J, x_SBI, weight_SIJ)
    return torch.baddbmm(*(one.expand(2, -1, -1) for one in (bias_S1J, x_SBI, weight_SIJ)))[:1]


class Linear(nn.Module):
    """One linear layer per seed.

    Args:
        inputs, outputs: sizes of the layer.
        gain: scale of the orthogonal initialisation.
        generators: one random stream per seed.
    """

    def __init__(self, inputs: int, outputs: int, gain: float, generators: Sequence[Generator]) -> None:
        super().__init__()
        # detail 2: orthogonal initialisation with a gain, biases 0. Seed by seed, each from its own stream.
        weights = [
            nn.init.orthogonal_(torch.empty(inputs, outputs), gain, generator=generator) for generator in generators
        ]
        self.weight_SIJ = nn.Parameter(torch.stack(weights))
        self.bias_S1J = nn.Parameter(torch.zeros(len(generators), 1, outputs))

    def forward(self, x_SBI: Tensor) -> Tensor:
        """x_SBI -> x_SBJ."""
        return affine(self.bias_S1J, x_SBI, self.weight_SIJ)


def mlp(inputs: int, outputs: int, gain: float, generators: Sequence[Generator]) -> nn.Sequential:
    """Two hidden layers of 64 tanh units; `gain` is that of the last layer, the others have sqrt(2)."""
    return nn.Sequential(
        Linear(inputs, 64, 2**0.5, generators),
        nn.Tanh(),
        Linear(64, 64, 2**0.5, generators),
        nn.Tanh(),
        Linear(64, outputs, gain, generators),
    )


class Agent(nn.Module):
    """The policy and the value function of every seed."""

    def __init__(self, observation_size: int, num_actions: int, generators: Sequence[Generator]) -> None:
        super().__init__()
        # detail 13: actor and critic share nothing.
        # detail 2, continued: 0.01 makes the first policy nearly uniform; 1 suits a value.
        self.actor = mlp(observation_size, num_actions, 0.01, generators)
        self.critic = mlp(observation_size, 1, 1.0, generators)

    def log_probabilities(self, observations_SBO: Tensor) -> Tensor:
        """The policy: log-probabilities_SBA of the actions."""
        logits_SBA: Tensor = self.actor(observations_SBO)
        return logits_SBA.log_softmax(-1)

    def values(self, observations_SBO: Tensor) -> Tensor:
        """The expected discounted return of each observation, values_SB."""
        values_SB1: Tensor = self.critic(observations_SBO)
        return values_SB1.squeeze(-1)
