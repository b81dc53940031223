"""Adam for many seeds."""

import torch
from torch import Tensor, nn


class Adam:
    """torch's Adam on each seed's row of parameters, so that one seed can rest without ageing its averages.

    By the operation that `torch.optim.Adam(fused=True)` comes to: the classes around it take as long as the arithmetic.

    Args:
        flat_SP: the parameters; a gradient of all of them is expected in its `grad`.
        eps: added to the root of the mean square.
    """

    def __init__(self, flat_SP: nn.Parameter, eps: float) -> None:
        self._flat_SP = flat_SP
        self._mean_SP, self._square_SP = torch.zeros_like(flat_SP.detach()), torch.zeros_like(flat_SP.detach())
        self._steps_S = torch.zeros(len(flat_SP))
        self._eps = eps
        # Views: what moves them moves the whole.
        wholes = (flat_SP.detach(), self._mean_SP, self._square_SP, self._steps_S)
        self._rows = [list(whole) for whole in wholes]

    def gradient(self) -> Tensor:
        """gradient_SP.

        Raises:
            RuntimeError: there has been no backward pass.
        """
        if self._flat_SP.grad is None:
            raise RuntimeError("no gradient: call backward() first")
        return self._flat_SP.grad

    def zero_grad(self) -> None:
        """Forgets the gradient."""
        self._flat_SP.grad = None

    def step(self, learning_rate: float, learning_S: Tensor) -> None:
        """One step of those seeds that are still learning; the others stay as they are."""
        if not learning_S.any():
            return
        learning = learning_S.tolist()
        parameters, gradients, means, squares, steps = (
            [row for row, chosen in zip(rows, learning, strict=True) if chosen]
            for rows in (self._rows[0], self.gradient().unbind(), *self._rows[1:])
        )
        self._steps_S += learning_S
        torch._fused_adam_(
            parameters, gradients, means, squares, [], steps,
            lr=learning_rate, beta1=0.9, beta2=0.999, weight_decay=0.0, eps=self._eps, amsgrad=False, maximize=False,
        )  # fmt: skip

    def state(self) -> dict[str, Tensor]:
        """Parameters, running means and step counts, each with the seed axis in front."""
        return {
            "parameters": self._flat_SP.detach(),
            "mean": self._mean_SP,
            "square": self._square_SP,
            "steps": self._steps_S,
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Goes on from there."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])
