"""Actor and critic of every seed, stacked: each parameter has a leading seed axis."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from ppo_impl.distributions import INVALID, Categorical, Normal, Policy, gumbel_noise, normal_noise
from ppo_impl.environments import Choices, Spaces
from ppo_impl.kernel import Network, TanhNetworks


def affine(bias_S1J: Tensor, x_SBI: Tensor, weight_SIJ: Tensor) -> Tensor:
    """`bias + x @ weight` for each seed, with the same bits for a seed whatever other seeds are beside it.

    A batch of one matrix is multiplied by another kernel than a batch of several, and rounds differently: a lone seed
    is therefore doubled. From two matrices on the number makes no difference (tests/ppo_impl/test_networks.py).
    """
    if len(x_SBI) > 1:
        return torch.baddbmm(bias_S1J, x_SBI, weight_SIJ)
    return torch.baddbmm(*(one.expand(2, -1, -1) for one in (bias_S1J, x_SBI, weight_SIJ)))[:1]


class Agent(nn.Module):
    """The policy and the value function of every seed, each with two hidden layers of 64 tanh units.

    A seed's parameters are one row of `flat_SP`: a step of Adam is then a handful of operations on one array. Other
    networks (an image encoder, an LSTM) would stand beside this class and offer the same methods.

    Args:
        spaces: what the environment shows and takes.
        generators: one random stream per seed.
        use_kernel: compute it in numpy (kernel.py), which is quicker, instead of layer by layer in torch.
    """

    def __init__(self, spaces: Spaces, generators: Sequence[Generator], *, use_kernel: bool = True) -> None:
        super().__init__()
        self._actions = spaces.actions
        # detail 13: actor and critic share nothing.
        # continuous detail 4: so it is there, too, and each has two hidden layers of 64 tanh units.
        self.actor = Network(0, (spaces.observation_size, 64, 64, self.noise_size))
        self.critic = Network(sum(self.actor.sizes), (spaces.observation_size, 64, 64, 1))
        # detail 2, continued: 0.01 makes the first policy nearly uniform; 1 suits a value.
        parts = [*initial(self.actor, 0.01, generators), *initial(self.critic, 1.0, generators)]
        # continuous detail 2: the standard deviation is learned, but the same everywhere; it begins at 1.
        parts.append(torch.zeros(len(generators), 0 if isinstance(self._actions, Choices) else self.noise_size))
        # Rows begin at a multiple of 64 numbers, so that vector instructions treat those of all seeds alike.
        parts.append(torch.zeros(len(generators), -sum(part.shape[1] for part in parts) % 64))
        self._sizes = [part.shape[1] for part in parts]
        self.flat_SP = nn.Parameter(torch.cat(parts, dim=1))
        self._kernel = TanhNetworks(self.flat_SP, (self.actor, self.critic)) if use_kernel else None

    @property
    def num_components(self) -> int:
        """Numbers of one action."""
        return len(self._actions.sizes) if isinstance(self._actions, Choices) else len(self._actions.low_C)

    @property
    def action_dtype(self) -> torch.dtype:
        """Choices are integers, the rest is not."""
        return torch.int64 if isinstance(self._actions, Choices) else torch.float32

    @property
    def noise_size(self) -> int:
        """P: outputs of the actor, and random numbers needed to draw one action."""
        return sum(self._actions.sizes) if isinstance(self._actions, Choices) else len(self._actions.low_C)

    def noise(self, generator: Generator, shape: Sequence[int]) -> Tensor:
        """What `Policy.sample` needs, noise_XP."""
        draw = gumbel_noise if isinstance(self._actions, Choices) else normal_noise
        return draw(generator, (*shape, self.noise_size))

    def forward(self, observations_SBO: Tensor, masks_SBP: Tensor | None = None) -> tuple[Policy, Tensor]:
        """The policy on each observation, and its expected discounted return, values_SB."""
        outputs_SBP, values_SB1 = self._outputs(observations_SBO, (self.actor, self.critic))
        return self._policy(outputs_SBP, masks_SBP), values_SB1.squeeze(-1)

    def policy(self, observations_SBO: Tensor, masks_SBP: Tensor | None = None) -> Policy:
        """What the actor does on each observation; choices whose mask is False are (practically) never taken."""
        return self._policy(self._outputs(observations_SBO, (self.actor,))[0], masks_SBP)

    def values(self, observations_SBO: Tensor) -> Tensor:
        """The expected discounted return of each observation, values_SB."""
        return self._outputs(observations_SBO, (self.critic,))[0].squeeze(-1)

    def layers(self, network: Network) -> list[tuple[Tensor, Tensor]]:
        """weight_SIJ and bias_S1J of each layer: views of `flat_SP`."""
        parts = torch.split(self.flat_SP, self._sizes, dim=1)[0 if network is self.actor else len(self.actor.sizes) :]
        shapes = zip(network.widths, network.widths[1:], strict=False)
        return [
            (weight_SP.view(-1, *shape), bias_SP.unsqueeze(1))
            for weight_SP, bias_SP, shape in zip(parts[::2], parts[1::2], shapes, strict=False)
        ]

    def _outputs(self, x_SBI: Tensor, networks: Sequence[Network]) -> Sequence[Tensor]:
        """Outputs_SBJ of each network."""
        if self._kernel is not None:
            return self._kernel(x_SBI, networks)
        return [plain(x_SBI, self.layers(network)) for network in networks]

    def _policy(self, outputs_SBP: Tensor, masks_SBP: Tensor | None) -> Policy:
        if not isinstance(self._actions, Choices):
            # continuous detail 1: normal distributions, whose means the actor gives.
            log_deviation_SC = torch.split(self.flat_SP, self._sizes, dim=1)[-2]
            return Normal(outputs_SBP, log_deviation_SC.unsqueeze(1))
        if masks_SBP is not None:
            # invalid-action masking (Huang and Ontanon, 2020): such an action gets no probability and no gradient.
            outputs_SBP = outputs_SBP.masked_fill(~masks_SBP, INVALID)
        return Categorical(outputs_SBP, self._actions.sizes)


def initial(network: Network, gain: float, generators: Sequence[Generator]) -> list[Tensor]:
    """A new network's weights and biases, each seeds x numbers; `gain` is that of the last layer."""
    parts = []
    for layer, (inputs, outputs) in enumerate(zip(network.widths, network.widths[1:], strict=False), start=2):
        # detail 2: orthogonal initialisation, gain sqrt(2), biases 0. Seed by seed, each from its own stream.
        scale = gain if layer == len(network.widths) else 2**0.5
        weights = [
            nn.init.orthogonal_(torch.empty(inputs, outputs), scale, generator=generator) for generator in generators
        ]
        parts += [torch.stack(weights).flatten(1), torch.zeros(len(generators), outputs)]
    return parts


def plain(x_SBI: Tensor, layers: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """What kernel.py computes, in torch: tanh after every layer but the last."""
    *hidden, (last_SIJ, last_S1J) = layers
    for weight_SIJ, bias_S1J in hidden:
        x_SBI = affine(bias_S1J, x_SBI, weight_SIJ).tanh()
    return affine(last_S1J, x_SBI, last_SIJ)
