"""Proximal policy optimisation (Schulman et al., 2017) with the 13 core details of "The 37 Implementation Details of
Proximal Policy Optimization" (Huang et al., ICLR Blog Track 2022), each marked `detail n` where it stands.

Every array has a leading seed axis S: seeds are trained side by side, share no number, and each draws from a random
stream of its own, so that a seed's curve is the same, bit for bit, whatever other seeds are in the process. For that,
sums run along the last axis: torch adds in an order that depends on the axes behind the one it sums.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from ppo_impl.clock import Clock
from ppo_impl.config import Config
from ppo_impl.environments import Arrays, Booleans, Environments, below, joined
from ppo_impl.machine import settle
from ppo_impl.networks import Agent
from ppo_impl.optimizer import Adam


@dataclass(frozen=True)
class Iteration:
    """What is known after one iteration: one segment collected, one update made."""

    global_step: int  # environment steps of each seed since the start
    seconds: dict[str, float]  # part of the work -> how long this iteration took over it, and the last over its logging
    learning_rate: float
    episodic_return_S: NDArray[np.float64]  # mean of the episodes that ended in this iteration; NaN if none did
    episodic_length_S: NDArray[np.float64]
    losses: dict[str, NDArray[np.float64]]  # name -> one number per seed, mean over this iteration's minibatches
    finite_S: NDArray[np.bool_]  # False: this seed's parameters or losses are NaN or infinite, its training is lost


class Trainer:
    """The training of all seeds of one configuration."""

    def __init__(self, config: Config) -> None:
        settle()
        self.config = config
        self.clock = Clock()
        self.generators = [torch.Generator().manual_seed(seed) for seed in config.seeds]
        # Drawn, not counted up from the seed: seed 1's second environment would else be seed 2's first.
        env_seeds = [torch.randint(2**31, (config.num_envs,), generator=generator) for generator in self.generators]
        self.environments = Environments(config, torch.stack(env_seeds).numpy())
        self.agent = Agent(self.environments.spaces, self.generators, use_kernel=config.kernel)
        self.optimizer = make_optimizer(self.agent)
        self.observations_SNO = torch.from_numpy(self.environments.reset())
        self.iteration = 0

    def iterate(self) -> Iteration:
        """One iteration for every seed."""
        rates = anneal(self.iteration, self.config)
        segment = collect(
            self.environments, self.observations_SNO, self.agent, self.generators, self.config.num_steps, self.clock
        )
        self.observations_SNO = segment.next_observations_SNO
        batch = make_batch(segment, self.agent, self.config)
        self.clock.lap("advantage")
        losses = update(self.agent, self.optimizer, batch, self.generators, rates, self.config)
        self.iteration += 1
        returns_S, lengths_S = self.environments.episodes.take()
        finite_S = finite(self.agent, losses).numpy()
        self.clock.lap("update")
        return Iteration(
            global_step=self.iteration * self.config.batch_size,
            seconds=self.clock.take(),
            learning_rate=rates.learning_rate,
            episodic_return_S=returns_S,
            episodic_length_S=lengths_S,
            losses={name: loss_S.double().numpy() for name, loss_S in losses.items()},
            finite_S=finite_S,
        )

    def state(self) -> Arrays:
        """Everything that is needed to go on exactly; between two iterations."""
        optimizer = {name: tensor.numpy() for name, tensor in self.optimizer.state().items()}
        own = {
            "iteration": np.array(self.iteration),
            "generators": np.stack([generator.get_state().numpy() for generator in self.generators]),
            "observations": self.observations_SNO.numpy(),
        }
        return {**own, **joined({"optimizer": optimizer, "environments": self.environments.state()})}

    def restore(self, state: Arrays) -> None:
        """Goes on exactly from there.

        Raises:
            ConfigError: the environments cannot be brought back to where they were.
        """
        self.environments.restore(below("environments", state))
        self.optimizer.restore({name: torch.from_numpy(one) for name, one in below("optimizer", state).items()})
        for generator, numbers in zip(self.generators, state["generators"], strict=True):
            generator.set_state(torch.from_numpy(numbers))
        self.observations_SNO = torch.from_numpy(state["observations"])
        self.iteration = int(state["iteration"])


def train(trainer: Trainer) -> Iterator[Iteration]:
    """Trains to the end, yielding after each iteration; who consumes it decides what to record and when to stop."""
    trainer.clock.begin()
    try:
        while trainer.iteration < trainer.config.num_iterations:
            yield trainer.iterate()
            trainer.clock.lap("logging")
    finally:
        trainer.environments.close()


@dataclass(frozen=True)
class Segment:
    """T steps of every environment."""

    observations_STNO: Tensor  # what the agent saw
    masks_STNP: Tensor | None  # which choices it had, if the environment tells
    actions_STNC: Tensor  # what it did
    rewards_STN: Tensor  # what it got
    dones_STN: Tensor  # 1 where the episode ended with this step
    next_observations_SNO: Tensor  # what it sees after the last step; the next segment begins with it


@dataclass(frozen=True)
class Batch:
    """The samples to learn from."""

    observations_SBO: Tensor
    masks_SBP: Tensor | None
    actions_SBC: Tensor
    log_probabilities_SB: Tensor  # of the actions, by the policy that took them
    values_SB: Tensor  # of the critic before the update
    advantages_SB: Tensor
    returns_SB: Tensor  # what the critic should have said

    def minibatches(self, index_SB: Tensor, count: int) -> list["Batch"]:
        """The samples in another order, each seed's by its own row, cut into parts."""
        S, B = self.values_SB.shape
        rows = (index_SB + B * torch.arange(S).unsqueeze(1)).flatten()  # of all seeds' samples in one column
        columns = [getattr(self, field.name) for field in fields(self)]
        # Picked once and then cut: a quarter of the calls.
        parts = [
            [None] * count
            if column is None
            else column.flatten(0, 1).index_select(0, rows).unflatten(0, index_SB.shape).chunk(count, dim=1)
            for column in columns
        ]
        return [Batch(*part) for part in zip(*parts, strict=True)]


@torch.no_grad()
def collect(
    environments: Environments,
    observations_SNO: Tensor,
    agent: Agent,
    generators: Sequence[Generator],
    num_steps: int,
    clock: Clock,
) -> Segment:
    """Lets the current policy act for T steps, from the given observations on."""
    # detail 1: N environments run for T steps; the next segment goes on where this one stops, within the episodes.
    S, N, O = observations_SNO.shape  # noqa: E741
    T, C = num_steps, agent.num_components
    # The environments' arrays are numpy's, and so is what they are gathered in: a step's writes take a quarter as long.
    seen_SNO, masks_SNP = observations_SNO.numpy(), environments.action_masks()
    observations_STNO = np.empty((S, T, N, O), dtype=np.float32)
    masks_STNP: Booleans | None = None
    actions_STNC = torch.empty(S, T, N, C, dtype=agent.action_dtype).numpy()
    rewards_STN, dones_STN = np.empty((2, S, T, N), dtype=np.float32)
    noise_STNP = torch.stack([agent.noise(generator, (T, N)) for generator in generators])
    for t, noise_SNP in enumerate(noise_STNP.unbind(1)):
        observations_STNO[:, t] = seen_SNO
        if masks_SNP is not None:
            if masks_STNP is None:  # an environment need not give a mask every time
                masks_STNP = np.ones((S, T, N, masks_SNP.shape[-1]), dtype=np.bool_)
            masks_STNP[:, t] = masks_SNP
        actions_SNC = agent.policy(torch.from_numpy(seen_SNO), tensor(masks_SNP)).sample(noise_SNP).numpy()
        actions_STNC[:, t] = actions_SNC
        clock.lap("inference")
        seen_SNO, rewards_STN[:, t], dones_STN[:, t] = environments.step(actions_SNC)
        masks_SNP = environments.action_masks()
        clock.lap("environment")
    return Segment(
        observations_STNO=torch.from_numpy(observations_STNO),
        masks_STNP=tensor(masks_STNP),
        actions_STNC=torch.from_numpy(actions_STNC),
        rewards_STN=torch.from_numpy(rewards_STN),
        dones_STN=torch.from_numpy(dones_STN),
        next_observations_SNO=torch.from_numpy(seen_SNO),
    )


def tensor(array: NDArray[Any] | None) -> Tensor | None:
    """The same numbers in the same memory; `None` stays none."""
    return None if array is None else torch.from_numpy(array)


def make_optimizer(agent: Agent) -> Adam:
    """One Adam for all seeds."""
    # detail 3: epsilon 1e-5, not the usual 1e-8.
    return Adam(agent.flat_SP, eps=1e-5)


@dataclass(frozen=True)
class Rates:
    """What changes from iteration to iteration."""

    learning_rate: float
    clip_coef: float


def anneal(iteration: int, config: Config) -> Rates:
    """The rates of an iteration; the first is 0."""
    # detail 4: linearly from the full rate in the first iteration to 0 after the last.
    left = 1 - iteration / config.num_iterations
    # auxiliary detail 1: the clip range, too, if asked for.
    return Rates(config.learning_rate * left, config.clip_coef * (left if config.anneal_clip else 1.0))


@torch.no_grad()
def make_batch(segment: Segment, agent: Agent, config: Config) -> Batch:
    """Joins what happened with what it was worth, and lays steps and environments along one axis.

    Values and log-probabilities are of the policy that acted, in one call for the whole segment instead of T.
    """
    S, T, N, _ = segment.observations_STNO.shape
    observations_SBO, actions_SBC = segment.observations_STNO.flatten(1, 2), segment.actions_STNC.flatten(1, 2)
    masks_SBP = None if segment.masks_STNP is None else segment.masks_STNP.flatten(1, 2)
    policy, values_SB = agent(observations_SBO, masks_SBP)
    next_values_SN = agent.values(segment.next_observations_SNO)
    advantages_STN = advantage(
        segment.rewards_STN, segment.dones_STN, values_SB.view(S, T, N), next_values_SN, config.gamma, config.gae_lambda
    )
    advantages_SB = advantages_STN.flatten(1, 2)
    return Batch(
        observations_SBO=observations_SBO,
        masks_SBP=masks_SBP,
        actions_SBC=actions_SBC,
        log_probabilities_SB=policy.log_probabilities(actions_SBC),
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
    next_values_STN = torch.cat([values_STN[:, 1:], next_values_SN.unsqueeze(1)], dim=1)
    deltas_STN = rewards_STN + gamma * next_values_STN * going_on_STN - values_STN
    decay_STN = gamma * gae_lambda * going_on_STN
    advantages_STN = torch.empty_like(rewards_STN)
    later_SN = torch.zeros_like(next_values_SN)
    for t in reversed(range(rewards_STN.shape[1])):
        later_SN = torch.addcmul(deltas_STN[:, t], decay_STN[:, t], later_SN, out=advantages_STN[:, t])
    return advantages_STN


def update(
    agent: Agent,
    optimizer: Adam,
    batch: Batch,
    generators: Sequence[Generator],
    rates: Rates,
    config: Config,
) -> dict[str, Tensor]:
    """Several passes of gradient descent over the batch.

    Returns:
        The debug variables of every seed, each the mean over the minibatches it learned from.
    """
    learning_S = torch.ones(len(generators), dtype=torch.bool)
    history = History(config.update_epochs * config.num_minibatches)
    for _ in range(config.update_epochs):
        index_SB = shuffle(generators, learning_S, config.batch_size)
        for minibatch in batch.minibatches(index_SB, config.num_minibatches):
            parts = loss(agent, minibatch, rates.clip_coef, config)
            optimizer.zero_grad()
            parts.loss_SB.mean(1).sum().backward()  # type: ignore[no-untyped-call]
            clip_gradient(optimizer.gradient(), config.max_grad_norm)
            optimizer.step(rates.learning_rate, learning_S)
            history.note(parts, learning_S)
        # auxiliary detail 3: a seed whose policy has moved too far learns no more from this batch.
        if config.target_kl is not None:
            kl_S = policy_change(parts.log_ratio_SB.detach(), rates.clip_coef)["approx_kl"]
            learning_S = learning_S & ~(kl_S > config.target_kl)
            if not learning_S.any():
                break
    means = history.means(rates.clip_coef)
    return {**means, "explained_variance": explained_variance(batch.values_SB, batch.returns_SB)}


def shuffle(generators: Sequence[Generator], learning_S: Tensor, samples: int) -> Tensor:
    """The order index_SB of one pass over the batch; a seed that has stopped learning draws nothing."""
    # detail 6: a shuffle, later cut into equal parts, so that each pass uses each sample once; not draws with
    # replacement.
    orders = [
        torch.randperm(samples, generator=generator) if learning else torch.arange(samples)
        for generator, learning in zip(generators, learning_S.tolist(), strict=True)
    ]
    return torch.stack(orders)


def normalise(advantages_SB: Tensor) -> Tensor:
    """Mean 0 and standard deviation 1 for each seed."""
    # detail 7: within the minibatch, not within the whole batch.
    deviation_S1, mean_S1 = torch.std_mean(advantages_SB, dim=1, keepdim=True)
    return (advantages_SB - mean_S1) / (deviation_S1 + 1e-8)


def policy_loss(ratio_SB: Tensor, advantages_SB: Tensor, clip_coef: float) -> Tensor:
    """The clipped surrogate objective (Schulman et al., 2017, equation 7), negated, of each sample."""
    # detail 8: no gain from moving a probability further than the clip range, full pain from having moved it wrongly.
    clipped_SB = ratio_SB.clamp(1 - clip_coef, 1 + clip_coef)
    return -torch.min(ratio_SB * advantages_SB, clipped_SB * advantages_SB)


def value_loss(values_SB: Tensor, old_values_SB: Tensor, returns_SB: Tensor, clip_coef: float | None) -> Tensor:
    """Half the squared error of the critic on each sample, clipped; `None` leaves it unclipped."""
    error_SB = (values_SB - returns_SB).square()
    if clip_coef is not None:
        # detail 9: the value, too, gains nothing from moving further than the clip range from what it was.
        clipped_SB = old_values_SB + (values_SB - old_values_SB).clamp(-clip_coef, clip_coef)
        error_SB = torch.max(error_SB, (clipped_SB - returns_SB).square())
    return 0.5 * error_SB


@dataclass(frozen=True)
class Parts:
    """The loss of each sample, what it is made of, and how far the policy has moved there."""

    loss_SB: Tensor
    policy_loss_SB: Tensor
    value_loss_SB: Tensor
    entropy_SB: Tensor
    log_ratio_SB: Tensor  # of the action's probabilities now and at the time of acting


def loss(agent: Agent, batch: Batch, clip_coef: float, config: Config) -> Parts:
    """What is minimised; a seed's loss is the mean over its samples."""
    policy, values_SB = agent(batch.observations_SBO, batch.masks_SBP)
    log_ratio_SB = policy.log_probabilities(batch.actions_SBC) - batch.log_probabilities_SB
    policy_loss_SB = policy_loss(log_ratio_SB.exp(), normalise(batch.advantages_SB), clip_coef)
    value_clip = clip_coef if config.clip_vloss else None
    value_loss_SB = value_loss(values_SB, batch.values_SB, batch.returns_SB, value_clip)
    entropy_SB = policy.entropies()
    # detail 10: one loss for everything; the entropy is a bonus, so it is subtracted.
    loss_SB = policy_loss_SB - config.ent_coef * entropy_SB + config.vf_coef * value_loss_SB
    return Parts(loss_SB, policy_loss_SB, value_loss_SB, entropy_SB, log_ratio_SB)


def clip_gradient(gradient_SP: Tensor, max_norm: float) -> None:
    """Shortens each seed's gradient to `max_norm` where it is longer."""
    # detail 11: the norm is that of all parameters of actor and critic together; here of one seed at a time.
    norm_S1 = torch.linalg.vector_norm(gradient_SP, dim=1, keepdim=True)
    gradient_SP.mul_((max_norm / (norm_S1 + 1e-6)).clamp_(max=1))


class History:
    """What the M minibatches of an update had to say; looked at when all are done.

    Args:
        minibatches: M, if no seed stops early.
    """

    def __init__(self, minibatches: int) -> None:
        self._minibatches = minibatches
        self._noted: list[Parts] = []
        self._learning: list[Tensor] = []

    def note(self, parts: Parts, learning_S: Tensor) -> None:
        """Keeps those of one minibatch, and which seeds learned from it."""
        self._noted.append(parts)
        self._learning.append(learning_S)

    def means(self, clip_coef: float) -> dict[str, Tensor]:
        """The debug variables of each seed: means over the minibatches it learned from."""
        learned_SM = self._together(self._learning)
        told = {
            name: self._together([getattr(parts, f"{name}_SB").detach() for parts in self._noted]).mean(-1)
            for name in ("policy_loss", "value_loss", "entropy")
        }
        log_ratio_SMB = self._together([parts.log_ratio_SB.detach() for parts in self._noted])
        told |= policy_change(log_ratio_SMB, clip_coef)
        count_S = learned_SM.sum(1)
        return {name: torch.where(learned_SM, told_SM, 0).sum(1) / count_S for name, told_SM in told.items()}

    def _together(self, tensors: list[Tensor]) -> Tensor:
        """Side by side on the second axis; filled up to M, so that sums run over as many numbers in any company."""
        missing = [torch.zeros_like(tensors[0])] * (self._minibatches - len(tensors))
        return torch.stack(tensors + missing, dim=1)


@torch.no_grad()
def policy_change(log_ratio_XB: Tensor, clip_coef: float) -> dict[str, Tensor]:
    """How far the policy has moved since it collected the batch, for each of X (seeds, minibatches)."""
    # detail 12: two estimates of the KL divergence, k1 and k3 of http://joschu.net/blog/kl-approx.html, and the share
    # of samples that are clipped. Above 0.02 or so the updates are too large.
    ratio_XB = log_ratio_XB.exp()
    return {
        "old_approx_kl": (-log_ratio_XB).mean(-1),
        "approx_kl": ((ratio_XB - 1) - log_ratio_XB).mean(-1),
        "clipfrac": ((ratio_XB - 1).abs() > clip_coef).float().mean(-1),
    }


def explained_variance(values_SB: Tensor, returns_SB: Tensor) -> Tensor:
    """Share of the returns' variance that the critic foresaw: 1 all, 0 none, NaN if there is no variance."""
    variance_S = returns_SB.var(1)
    return torch.where(variance_S > 0, 1 - (returns_SB - values_SB).var(1) / variance_S, torch.nan)


def finite(agent: Agent, losses: dict[str, Tensor]) -> Tensor:
    """Which seeds are still sound, finite_S: their parameters and losses are numbers."""
    checks = [agent.flat_SP.isfinite().all(1)]
    checks += [losses[name].isfinite() for name in ("policy_loss", "value_loss", "entropy")]
    return torch.stack(checks).all(0)
