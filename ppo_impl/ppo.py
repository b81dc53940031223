"""Proximal policy optimisation (Schulman et al., 2017) with the 13 core details of "The 37 Implementation Details of
Proximal Policy Optimization" (Huang et al., ICLR Blog Track 2022), each marked `detail n` where it stands.

Every array has a leading seed axis S: seeds are trained side by side, share no number, and each draws from a random
stream of its own, so that a seed's curve is the same, bit for bit, whatever other seeds are in the process. For that,
sums run along the last axis: torch adds in an order that depends on the axes behind the one it sums.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from ppo_impl.config import Config
from ppo_impl.environments import Environments
from ppo_impl.networks import Agent


@dataclass(frozen=True)
class Iteration:
    """What is known after one iteration: one segment collected, one update made."""

    global_step: int  # environment steps of each seed since the start
    seconds: float  # this iteration took
    learning_rate: float
    episodic_return_S: NDArray[np.float64]  # mean of the episodes that ended in this iteration; NaN if none did
    episodic_length_S: NDArray[np.float64]
    losses: dict[str, NDArray[np.float64]]  # name -> one number per seed, mean over this iteration's minibatches
    finite_S: NDArray[np.bool_]  # False: this seed's parameters or losses are NaN or infinite, its training is lost


class Trainer:
    """The training of all seeds of one configuration."""

    def __init__(self, config: Config) -> None:
        torch.set_num_threads(1)  # these matrices are small: a second thread made it three times slower
        self.config = config
        self.generators = [torch.Generator().manual_seed(seed) for seed in config.seeds]
        # Drawn, not counted up from the seed: seed 1's second environment would else be seed 2's first.
        env_seeds = [torch.randint(2**31, (config.num_envs,), generator=generator) for generator in self.generators]
        self.environments = Environments(config.env_id, torch.stack(env_seeds).numpy())
        self.agent = Agent(self.environments.observation_size, self.environments.num_actions, self.generators)
        self.optimizer = make_optimizer(self.agent, config)
        self.observations_SNO = torch.from_numpy(self.environments.reset())
        self.iteration = 0

    def iterate(self) -> Iteration:
        """One iteration for every seed."""
        start = time.perf_counter()
        learning_rate = anneal(self.optimizer, self.iteration, self.config)
        segment = collect(self.environments, self.observations_SNO, self.agent, self.generators, self.config)
        self.observations_SNO = segment.next_observations_SNO
        batch = make_batch(segment, self.agent, self.config)
        losses = update(self.agent, self.optimizer, batch, self.generators, self.config)
        self.iteration += 1
        returns_S, lengths_S = self.environments.episodes.take()
        return Iteration(
            global_step=self.iteration * self.config.batch_size,
            seconds=time.perf_counter() - start,
            learning_rate=learning_rate,
            episodic_return_S=returns_S,
            episodic_length_S=lengths_S,
            losses={name: loss_S.double().numpy() for name, loss_S in losses.items()},
            finite_S=finite(self.agent, losses).numpy(),
        )


def train(config: Config) -> Iterator[Iteration]:
    """Trains, yielding after each iteration; who consumes it decides what to record and when to stop."""
    trainer = Trainer(config)
    try:
        for _ in range(config.num_iterations):
            yield trainer.iterate()
    finally:
        trainer.environments.close()


@dataclass(frozen=True)
class Segment:
    """T steps of every environment."""

    observations_STNO: Tensor  # what the agent saw
    actions_STN: Tensor  # what it did
    log_probabilities_STN: Tensor  # of what it did, at that time
    rewards_STN: Tensor  # what it got
    dones_STN: Tensor  # 1 where the episode ended with this step
    next_observations_SNO: Tensor  # what it sees after the last step; the next segment begins with it


@dataclass(frozen=True)
class Batch:
    """The samples to learn from."""

    observations_SBO: Tensor
    actions_SB: Tensor
    log_probabilities_SB: Tensor
    values_SB: Tensor  # of the critic before the update
    advantages_SB: Tensor
    returns_SB: Tensor  # what the critic should have said

    def pick(self, index_SB: Tensor) -> "Batch":
        """The samples at these places, chosen for each seed by its own row."""
        seeds_S1 = torch.arange(len(index_SB)).unsqueeze(1)
        return Batch(*(getattr(self, field.name)[seeds_S1, index_SB] for field in fields(self)))


@torch.no_grad()
def collect(
    environments: Environments,
    observations_SNO: Tensor,
    agent: Agent,
    generators: Sequence[Generator],
    config: Config,
) -> Segment:
    """Lets the current policy act for T steps, from the given observations on."""
    # detail 1: N environments run for T steps; the next segment goes on where this one stops, within the episodes.
    S, N, O = observations_SNO.shape  # noqa: E741
    T = config.num_steps
    segment = Segment(
        observations_STNO=torch.empty(S, T, N, O),
        actions_STN=torch.empty(S, T, N, dtype=torch.int64),
        log_probabilities_STN=torch.empty(S, T, N),
        rewards_STN=torch.empty(S, T, N),
        dones_STN=torch.empty(S, T, N),
        next_observations_SNO=observations_SNO,
    )
    noise_STNA = gumbel_noise(generators, (T, N, environments.num_actions))
    for t in range(T):
        segment.observations_STNO[:, t] = observations_SNO
        log_probabilities_SNA = agent.log_probabilities(observations_SNO)
        actions_SN = (log_probabilities_SNA + noise_STNA[:, t]).argmax(-1)
        segment.actions_STN[:, t] = actions_SN
        segment.log_probabilities_STN[:, t] = of_actions(log_probabilities_SNA, actions_SN)
        observations, rewards, dones = environments.step(actions_SN.numpy())
        observations_SNO = torch.from_numpy(observations)
        segment.rewards_STN[:, t] = torch.from_numpy(rewards)
        segment.dones_STN[:, t] = torch.from_numpy(dones)
    return replace(segment, next_observations_SNO=observations_SNO)


def gumbel_noise(generators: Sequence[Generator], shape: tuple[int, ...]) -> Tensor:
    """Noise that makes `argmax(log_probabilities + noise)` a sample of the distribution (the Gumbel-max trick).

    A whole segment's is drawn at once: one call per seed instead of one per seed and step.
    """
    return torch.stack([-torch.empty(shape).exponential_(generator=generator).log() for generator in generators])


def of_actions(log_probabilities_XA: Tensor, actions_X: Tensor) -> Tensor:
    """The log-probability of each action taken; X stands for any leading axes."""
    return log_probabilities_XA.gather(-1, actions_X.unsqueeze(-1)).squeeze(-1)


def make_optimizer(agent: Agent, config: Config) -> torch.optim.Adam:
    """One Adam for all seeds: it works number by number, so that no seed feels another."""
    # detail 3: epsilon 1e-5, not the 1e-8 of the library. (foreach: quick, and the same bits for a seed in any company;
    # fused=True is quicker still, but rounds the last numbers of an array, and so some seeds, otherwise than the rest.)
    return torch.optim.Adam(agent.parameters(), lr=config.learning_rate, eps=1e-5, foreach=True)


def anneal(optimizer: torch.optim.Optimizer, iteration: int, config: Config) -> float:
    """Sets the learning rate of an iteration (the first is 0) and returns it."""
    # detail 4: linearly from the full rate in the first iteration to 0 after the last.
    learning_rate = config.learning_rate * (1 - iteration / config.num_iterations)
    optimizer.param_groups[0]["lr"] = learning_rate
    return learning_rate


@torch.no_grad()
def make_batch(segment: Segment, agent: Agent, config: Config) -> Batch:
    """Joins what happened with what it was worth, and lays steps and environments along one axis."""
    S, T, N, _ = segment.observations_STNO.shape
    observations_SBO = segment.observations_STNO.flatten(1, 2)
    values_SB = agent.values(observations_SBO)
    next_values_SN = agent.values(segment.next_observations_SNO)
    advantages_STN = advantage(
        segment.rewards_STN, segment.dones_STN, values_SB.view(S, T, N), next_values_SN, config.gamma, config.gae_lambda
    )
    advantages_SB = advantages_STN.flatten(1, 2)
    return Batch(
        observations_SBO=observations_SBO,
        actions_SB=segment.actions_STN.flatten(1, 2),
        log_probabilities_SB=segment.log_probabilities_STN.flatten(1, 2),
        values_SB=values_SB,
        advantages_SB=advantages_SB,
        returns_SB=advantages_SB + values_SB,
    )


def advantage(
    rewards_STN: Tensor, dones_STN: Tensor, values_STN: Tensor, next_values_SN: Tensor, gamma: float, gae_lambda: float
) -> Tensor:
    """Generalised advantage estimation (Schulman et al., 2016, equation 16), computed backwards.

    Args:
        rewards_STN, dones_STN: of each step; done is 1 where the episode ended with that step.
        values_STN: of the observations before each step.
        next_values_SN: of the observations after the last step.
        gamma, gae_lambda: discount and lambda.

    Returns:
        advantages_STN = sum over k of (gamma lambda)^k delta_(t+k), up to the episode's or the segment's end, where
        delta_t = reward_t + gamma value_(t+1) - value_t.
    """
    # detail 5: an episode still running at the segment's end is worth next_values. One that was truncated counts as
    # terminated: worth nothing more. (Faithful to the original; a known bias of it.)
    going_on_STN = 1 - dones_STN
    advantages_STN = torch.empty_like(rewards_STN)
    later_SN = torch.zeros_like(next_values_SN)
    for t in reversed(range(rewards_STN.shape[1])):
        delta_SN = rewards_STN[:, t] + gamma * next_values_SN * going_on_STN[:, t] - values_STN[:, t]
        later_SN = delta_SN + gamma * gae_lambda * going_on_STN[:, t] * later_SN
        advantages_STN[:, t] = later_SN
        next_values_SN = values_STN[:, t]
    return advantages_STN


def update(
    agent: Agent, optimizer: torch.optim.Optimizer, batch: Batch, generators: Sequence[Generator], config: Config
) -> dict[str, Tensor]:
    """Several passes of gradient descent over the batch.

    Returns:
        The debug variables of every seed, each the mean over all minibatches.
    """
    history = []
    for _ in range(config.update_epochs):
        for index_SB in minibatches(generators, config):
            loss_S, debug = loss(agent, batch.pick(index_SB), config)
            optimizer.zero_grad()
            loss_S.sum().backward()  # type: ignore[no-untyped-call]
            clip_gradients(agent, config.max_grad_norm)
            optimizer.step()
            history.append(debug)
    means = {name: torch.stack([debug[name] for debug in history], dim=1).mean(1) for name in history[0]}
    return {**means, "explained_variance": explained_variance(batch.values_SB, batch.returns_SB)}


def minibatches(generators: Sequence[Generator], config: Config) -> Sequence[Tensor]:
    """The index_SB of each minibatch of one pass."""
    # detail 6: a shuffle cut into equal parts, so that each pass uses each sample once; not draws with replacement.
    shuffles = [torch.randperm(config.batch_size, generator=generator) for generator in generators]
    return torch.stack(shuffles).chunk(config.num_minibatches, dim=1)


def normalise(advantages_SB: Tensor) -> Tensor:
    """Mean 0 and standard deviation 1 for each seed."""
    # detail 7: within the minibatch, not within the whole batch.
    deviation_S1, mean_S1 = torch.std_mean(advantages_SB, dim=1, keepdim=True)
    return (advantages_SB - mean_S1) / (deviation_S1 + 1e-8)


def policy_loss(ratio_SB: Tensor, advantages_SB: Tensor, clip_coef: float) -> Tensor:
    """The clipped surrogate objective (Schulman et al., 2017, equation 7), negated."""
    # detail 8: no gain from moving a probability further than the clip range, full pain from having moved it wrongly.
    clipped_SB = ratio_SB.clamp(1 - clip_coef, 1 + clip_coef)
    return -torch.min(ratio_SB * advantages_SB, clipped_SB * advantages_SB).mean(1)


def value_loss(values_SB: Tensor, old_values_SB: Tensor, returns_SB: Tensor, clip_coef: float | None) -> Tensor:
    """Half the mean squared error of the critic, clipped; `None` leaves it unclipped."""
    error_SB = (values_SB - returns_SB).square()
    if clip_coef is not None:
        # detail 9: the value, too, gains nothing from moving further than the clip range from what it was.
        clipped_SB = old_values_SB + (values_SB - old_values_SB).clamp(-clip_coef, clip_coef)
        error_SB = torch.max(error_SB, (clipped_SB - returns_SB).square())
    return 0.5 * error_SB.mean(1)


def loss(agent: Agent, batch: Batch, config: Config) -> tuple[Tensor, dict[str, Tensor]]:
    """What is minimised, loss_S, and what is worth watching; both per seed."""
    log_probabilities_SBA = agent.log_probabilities(batch.observations_SBO)
    log_ratio_SB = of_actions(log_probabilities_SBA, batch.actions_SB) - batch.log_probabilities_SB
    policy_loss_S = policy_loss(log_ratio_SB.exp(), normalise(batch.advantages_SB), config.clip_coef)
    value_clip = config.clip_coef if config.clip_vloss else None
    value_loss_S = value_loss(agent.values(batch.observations_SBO), batch.values_SB, batch.returns_SB, value_clip)
    entropy_S = -(log_probabilities_SBA.exp() * log_probabilities_SBA).sum(-1).mean(-1)
    # detail 10: one loss for everything; the entropy is a bonus, so it is subtracted.
    loss_S = policy_loss_S - config.ent_coef * entropy_S + config.vf_coef * value_loss_S
    losses = {"policy_loss": policy_loss_S, "value_loss": value_loss_S, "entropy": entropy_S}
    debug = {name: part_S.detach() for name, part_S in losses.items()}
    return loss_S, debug | policy_change(log_ratio_SB.detach(), config.clip_coef)


@torch.no_grad()
def clip_gradients(agent: Agent, max_norm: float) -> None:
    """Shortens each seed's gradient to `max_norm` where it is longer."""
    # detail 11: the norm is that of all parameters of actor and critic together; here of one seed at a time.
    gradients = [parameter.grad for parameter in agent.parameters() if parameter.grad is not None]
    squares = [gradient_SIJ.square().sum((1, 2)) for gradient_SIJ in gradients]
    norm_S = torch.stack(squares, dim=1).sum(1).sqrt()
    scale_S11 = (max_norm / (norm_S + 1e-6)).clamp(max=1).view(-1, 1, 1)
    for gradient_SIJ in gradients:
        gradient_SIJ.mul_(scale_S11)


@torch.no_grad()
def policy_change(log_ratio_SB: Tensor, clip_coef: float) -> dict[str, Tensor]:
    """How far the policy has moved since it collected the batch, per seed."""
    # detail 12: two estimates of the KL divergence, k1 and k3 of http://joschu.net/blog/kl-approx.html, and the share
    # of samples that are clipped. Above 0.02 or so the updates are too large.
    ratio_SB = log_ratio_SB.exp()
    return {
        "old_approx_kl": (-log_ratio_SB).mean(1),
        "approx_kl": ((ratio_SB - 1) - log_ratio_SB).mean(1),
        "clipfrac": ((ratio_SB - 1).abs() > clip_coef).float().mean(1),
    }


def explained_variance(values_SB: Tensor, returns_SB: Tensor) -> Tensor:
    """Share of the returns' variance that the critic foresaw: 1 all, 0 none, NaN if there is no variance."""
    variance_S = returns_SB.var(1)
    return torch.where(variance_S > 0, 1 - (returns_SB - values_SB).var(1) / variance_S, torch.nan)


def finite(agent: Agent, losses: dict[str, Tensor]) -> Tensor:
    """Which seeds are still sound, finite_S: their parameters and losses are numbers."""
    checks = [parameter_SIJ.isfinite().all(2).all(1) for parameter_SIJ in agent.parameters()]
    checks += [losses[name].isfinite() for name in ("policy_loss", "value_loss", "entropy")]
    return torch.stack(checks).all(0)
