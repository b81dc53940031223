"""Policies: what the actor's outputs mean. X stands for any leading axes, C for an action's components.

A policy is drawn from with noise that was drawn beforehand, for a whole segment at once: one call per seed, instead of
one per seed and step, and the random stream of a seed does not depend on what it does.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Generator, Tensor

INVALID = -1e8  # the logit of an action that is not allowed; not -inf, which times a probability of 0 is NaN


class Policy(Protocol):
    """A distribution of actions for each of X observations."""

    def sample(self, noise_XP: Tensor) -> Tensor:
        """Draws actions_XC."""

    def mode(self) -> Tensor:
        """The most likely actions_XC."""

    def log_probabilities(self, actions_XC: Tensor) -> Tensor:
        """log_probabilities_X of these actions (densities, where actions are continuous)."""

    def entropies(self) -> Tensor:
        """entropies_X in nats."""


class Categorical:
    """Choices; with several components (multi-discrete), each is chosen by itself.

    Args:
        logits_XP: those of all components in a row, not normalised.
        sizes: how many choices each component has; their sum is P.
    """

    def __init__(self, logits_XP: Tensor, sizes: Sequence[int]) -> None:
        self._logits_XP = logits_XP
        self._sizes = list(sizes)
        self._normalised: list[Tensor] | None = None

    def _log_probabilities(self) -> list[Tensor]:
        """Of each component's choices; computed once."""
        if self._normalised is None:
            parts = torch.split(self._logits_XP, self._sizes, -1) if len(self._sizes) > 1 else [self._logits_XP]
            self._normalised = [logits_XA.log_softmax(-1) for logits_XA in parts]
        return self._normalised

    def sample(self, noise_XP: Tensor) -> Tensor:
        """Draws actions_XC: with Gumbel noise the largest sum is a sample of the softmax (the Gumbel-max trick)."""
        return self._largest(self._logits_XP + noise_XP)

    def mode(self) -> Tensor:
        """The most likely actions_XC."""
        return self._largest(self._logits_XP)

    def _largest(self, scores_XP: Tensor) -> Tensor:
        if len(self._sizes) == 1:
            return scores_XP.argmax(-1, keepdim=True)
        return torch.cat(
            [scores_XA.argmax(-1, keepdim=True) for scores_XA in torch.split(scores_XP, self._sizes, -1)], -1
        )

    def log_probabilities(self, actions_XC: Tensor) -> Tensor:
        """log_probabilities_X of these actions."""
        # multi-discrete detail: components are independent, so their log-probabilities add up.
        return add_up(
            [
                normalised_XA.gather(-1, action_X1).squeeze(-1)
                for normalised_XA, action_X1 in zip(
                    self._log_probabilities(), torch.split(actions_XC, 1, -1), strict=True
                )
            ]
        )

    def entropies(self) -> Tensor:
        """entropies_X in nats."""
        return -add_up([(normalised_XA.exp() * normalised_XA).sum(-1) for normalised_XA in self._log_probabilities()])


class Normal:
    """Independent normal distributions, one per component.

    Args:
        mean_XC: the centres.
        log_deviation: log standard deviations, in a shape that fits mean_XC.
    """

    def __init__(self, mean_XC: Tensor, log_deviation: Tensor) -> None:
        self._mean_XC = mean_XC
        self._log_deviation_XC = log_deviation.expand_as(mean_XC)

    def sample(self, noise_XP: Tensor) -> Tensor:
        """Draws actions_XC from standard normal noise."""
        return self._mean_XC + self._log_deviation_XC.exp() * noise_XP

    def mode(self) -> Tensor:
        """The most likely actions_XC: the centres."""
        return self._mean_XC

    def log_probabilities(self, actions_XC: Tensor) -> Tensor:
        """log_densities_X of these actions."""
        # continuous detail 3: components are independent, so their log-densities add up.
        errors_XC = (actions_XC - self._mean_XC) * (-self._log_deviation_XC).exp()
        return (-0.5 * errors_XC.square() - self._log_deviation_XC - 0.5 * math.log(2 * math.pi)).sum(-1)

    def entropies(self) -> Tensor:
        """entropies_X in nats."""
        return (self._log_deviation_XC + 0.5 * math.log(2 * math.pi * math.e)).sum(-1)


def add_up(components_X: list[Tensor]) -> Tensor:
    """The sum over an action's components."""
    return components_X[0] if len(components_X) == 1 else torch.stack(components_X).sum(0)


def gumbel_noise(generator: Generator, shape: Sequence[int]) -> Tensor:
    """Gumbel(0, 1) numbers: minus the logarithm of exponential ones."""
    return -torch.empty(tuple(shape)).exponential_(generator=generator).log()


def normal_noise(generator: Generator, shape: Sequence[int]) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(tuple(shape), generator=generator)
