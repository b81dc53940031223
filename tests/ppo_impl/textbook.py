"""PPO of one seed, written from the papers with torch's own layers, distributions and Adam: what tests compare to."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, distributions, nn

from ppo_impl.config import Config
from ppo_impl.environments import Choices, Intervals, Spaces
from ppo_impl.kernel import Network
from ppo_impl.networks import Agent
from ppo_impl.ppo import Batch

torch.set_num_threads(1)  # as the trainer does: the matrices are small

INFINITY = torch.full((2,), torch.inf).numpy()
SPACES = {
    "discrete": Spaces(4, Choices((2,), (0,), scalar=True)),
    "multi-discrete": Spaces(4, Choices((3, 2, 4), (0, 0, 0), scalar=False)),
    "continuous": Spaces(4, Intervals(-INFINITY, INFINITY)),
}


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def double_agent(kind: str, seeds: int, *, use_kernel: bool = True, stretch: float = 1.7) -> Agent:
    """In double precision, and away from the nearly uniform first policy and the deviation of 1."""
    agent = Agent(SPACES[kind], generators(*range(1, seeds + 1)), use_kernel=use_kernel).double()
    random = torch.Generator().manual_seed(seeds)
    with torch.no_grad():
        agent.flat_SP.mul_(stretch)
        everywhere_SP = 0.1 * torch.randn(agent.flat_SP.shape, generator=random, dtype=torch.float64)
        agent.flat_SP.add_(everywhere_SP)
    return agent


def random_batch(kind: str, seeds: int, samples: int) -> Batch:
    """A batch far from any agent: ratios and values on both sides of the clip range."""
    random = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(seeds, samples, *shape, generator=random, dtype=torch.float64)

    actions, masks_SBP = SPACES[kind].actions, None
    if isinstance(actions, Choices):
        actions_SBC = torch.stack([torch.randint(A, (seeds, samples), generator=random) for A in actions.sizes], -1)
        if kind == "multi-discrete":
            taken = [
                nn.functional.one_hot(a_SB, A) for a_SB, A in zip(actions_SBC.unbind(-1), actions.sizes, strict=True)
            ]
            masks_SBP = (normal(sum(actions.sizes)) > 0) | torch.cat(taken, -1).bool()
        log_probabilities_SB = -0.7 * len(actions.sizes) + 0.3 * normal()
    else:
        actions_SBC = normal(len(actions.low_C))
        log_probabilities_SB = -2.8 + 0.3 * normal()
    return Batch(
        observations_SBO=normal(4),
        masks_SBP=masks_SBP,
        actions_SBC=actions_SBC,
        log_probabilities_SB=log_probabilities_SB,
        values_SB=0.5 * normal(),
        advantages_SB=3 + 2 * normal(),
        returns_SB=normal(),
    )


def ordinary(agent: Agent, network: Network, s: int) -> nn.Sequential:
    """One seed's network of ordinary layers."""
    layers: list[nn.Module] = []
    for weight_SIJ, bias_S1J in agent.layers(network):
        weight_IJ = weight_SIJ[s].detach()
        layers += [nn.Linear(*weight_IJ.shape, dtype=weight_IJ.dtype), nn.Tanh()]
        layers[-2].load_state_dict({"weight": weight_IJ.T, "bias": bias_S1J[s, 0].detach()})
    return nn.Sequential(*layers[:-1])


@dataclass
class Single:
    """One seed: two networks and, for continuous actions, log standard deviations."""

    actor: nn.Sequential
    critic: nn.Sequential
    log_deviation_C: nn.Parameter
    sizes: Sequence[int]  # of each component's choices; none: continuous

    @classmethod
    def of(cls, agent: Agent, kind: str, s: int) -> "Single":
        actions = SPACES[kind].actions
        sizes = actions.sizes if isinstance(actions, Choices) else ()
        behind = agent.critic.end
        log_deviation_C = agent.flat_SP[s, behind : behind + (0 if sizes else agent.num_components)]
        networks = [ordinary(agent, network, s) for network in (agent.actor, agent.critic)]
        return cls(*networks, nn.Parameter(log_deviation_C.detach().clone()), sizes)

    def parameters(self) -> list[nn.Parameter]:
        deviation = [] if self.sizes else [self.log_deviation_C]
        return [*self.actor.parameters(), *self.critic.parameters(), *deviation]

    def row(self, *, gradient: bool = False) -> Tensor:
        """All parameters (or their gradients) in the order of a row of `flat_SP`."""
        tensors = [parameter.grad if gradient else parameter.detach() for parameter in self.parameters()]
        return torch.cat([tensor.T.flatten() if tensor.dim() == 2 else tensor for tensor in tensors])

    def judge(self, b: Batch, s: int) -> tuple[Tensor, Tensor]:
        """Log-probabilities of the actions, and entropies."""
        outputs_BP = self.actor(b.observations_SBO[s])
        if not self.sizes:
            policy = distributions.Independent(distributions.Normal(outputs_BP, self.log_deviation_C.exp()), 1)
            return policy.log_prob(b.actions_SBC[s]), policy.entropy()
        if b.masks_SBP is not None:
            outputs_BP = outputs_BP.masked_fill(~b.masks_SBP[s], -torch.inf)
        parts = [distributions.Categorical(logits=logits_BA) for logits_BA in outputs_BP.split(self.sizes, -1)]
        actions = b.actions_SBC[s].unbind(-1)
        log_probabilities = [part.log_prob(action_B) for part, action_B in zip(parts, actions, strict=True)]
        return sum(log_probabilities), sum(part.entropy() for part in parts)

    def loss(self, b: Batch, s: int, clip: float, c: Config) -> tuple[Tensor, Tensor]:
        """Written from the paper and from baselines' ppo2; and the logarithm of each sample's ratio."""
        log_probability_B, entropy_B = self.judge(b, s)
        log_ratio_B = log_probability_B - b.log_probabilities_SB[s]
        ratio = log_ratio_B.exp()
        advantage = (b.advantages_SB[s] - b.advantages_SB[s].mean()) / (b.advantages_SB[s].std() + 1e-8)
        surrogate = torch.minimum(ratio * advantage, torch.clip(ratio, 1 - clip, 1 + clip) * advantage)
        value, old = self.critic(b.observations_SBO[s])[:, 0], b.values_SB[s]
        squared = (value - b.returns_SB[s]) ** 2
        if c.clip_vloss:
            clipped = old + torch.clip(value - old, -clip, clip)
            squared = torch.maximum(squared, (clipped - b.returns_SB[s]) ** 2)
        loss = -surrogate.mean() - c.ent_coef * entropy_B.mean() + c.vf_coef * 0.5 * squared.mean()
        return loss, log_ratio_B.detach()

    def update(self, b: Batch, s: int, rate: float, clip: float, c: Config, stream: torch.Generator) -> int:
        """The whole training on one batch; returns how many passes were made."""
        adam = torch.optim.Adam(self.parameters(), lr=rate, eps=1e-5)
        for epoch in range(c.update_epochs):
            order_B = torch.randperm(c.batch_size, generator=stream)
            for index_B in order_B.split(c.batch_size // c.num_minibatches):
                adam.zero_grad()
                loss, log_ratio_B = self.loss(pick(b, index_B), s, clip, c)
                loss.backward()
                nn.utils.clip_grad_norm_(self.parameters(), c.max_grad_norm)
                adam.step()
            if c.target_kl is not None and (log_ratio_B.exp() - 1 - log_ratio_B).mean() > c.target_kl:
                return epoch + 1
        return c.update_epochs


def pick(b: Batch, index_B: Tensor) -> Batch:
    """The same samples of every seed."""
    return Batch(**{name: None if column is None else column[:, index_B] for name, column in vars(b).items()})
