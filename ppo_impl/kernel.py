"""Tanh networks of every seed as one step of autograd, computed by numpy on the memory of torch's tensors.

It computes what `bias + x @ weight` and `tanh`, layer by layer, compute; it is there for speed alone: one entry in the
graph, few temporary arrays, and matrix products that call the BLAS once per seed, so that a seed's numbers do not
depend on its company. docs/performance.md says what it gains; tests check it against autograd.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]


Layers = list[tuple[Array, Array]]  # weight_SIJ and bias_S1J of each


@dataclass(frozen=True)
class Network:
    """Where a network's parameters lie in a seed's row: layer by layer, weights before biases."""

    begin: int
    widths: tuple[int, ...]  # inputs of the first layer, then outputs of each

    @property
    def sizes(self) -> list[int]:
        """How many numbers each weight and each bias takes."""
        shapes = zip(self.widths, self.widths[1:], strict=False)
        return [size for inputs, outputs in shapes for size in (inputs * outputs, outputs)]

    @property
    def end(self) -> int:
        """The first place behind it."""
        return self.begin + sum(self.sizes)

    def layers(self, flat_SP: Array) -> Layers:
        """Each layer's parameters: views of the rows."""
        found, begin = [], self.begin
        for inputs, outputs in zip(self.widths, self.widths[1:], strict=False):
            middle, end = begin + inputs * outputs, begin + (inputs + 1) * outputs
            weight_SIJ = flat_SP[:, begin:middle].reshape(-1, inputs, outputs)
            found.append((weight_SIJ, flat_SP[:, None, middle:end]))
            begin = end
        return found


def forward(x_SBI: Array, parameters: Layers) -> list[Array]:
    """What every layer puts out: tanh in all but the last."""
    outputs: list[Array] = []
    for weight_SIJ, bias_S1J in parameters:
        if outputs:
            np.tanh(outputs[-1], out=outputs[-1])
        y_SBJ = np.matmul(outputs[-1] if outputs else x_SBI, weight_SIJ)
        y_SBJ += bias_S1J
        outputs.append(y_SBJ)
    return outputs


def backward(
    inputs: list[Array],
    parameters: Layers,
    gradients: Layers,
    slope_SBJ: Array,
) -> None:
    """Writes the gradients of weight_SIJ and bias_S1J of each layer.

    Args:
        inputs: of each layer; those of the hidden ones are overwritten.
        parameters: of each layer.
        gradients: where they go.
        slope_SBJ: the loss's gradient by the outputs of the last layer.
    """
    ones_1B = np.ones((1, slope_SBJ.shape[1]), slope_SBJ.dtype)
    for layer in reversed(range(len(parameters))):
        h_SBI = inputs[layer]
        np.matmul(h_SBI.transpose(0, 2, 1), slope_SBJ, out=gradients[layer][0])
        np.matmul(ones_1B, slope_SBJ, out=gradients[layer][1])  # the sum over B, five times quicker than `sum`
        if layer:
            weight_SJI = parameters[layer][0].transpose(0, 2, 1)
            # A product of K = 1 is no product: matmul would take ten times as long.
            one = slope_SBJ.shape[2] == 1
            slope_SBJ = slope_SBJ * weight_SJI if one else np.matmul(slope_SBJ, np.ascontiguousarray(weight_SJI))
            np.square(h_SBI, out=h_SBI)
            np.subtract(1, h_SBI, out=h_SBI)  # the derivative of tanh
            slope_SBJ *= h_SBI


class _Function(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_SBI: Tensor, flat_SP: Tensor, parameters: dict[Network, Layers]) -> tuple[Tensor, ...]:
        x = x_SBI.numpy()
        (*hidden,) = (forward(x, some) for some in parameters.values())
        outputs = tuple(torch.from_numpy(some.pop()) for some in hidden)
        ctx.saved = x, hidden, parameters, flat_SP.shape
        return outputs

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        if ctx.saved is None:
            raise RuntimeError("the kernel's backward pass uses up what the forward pass kept; compute the loss again")
        x, hidden, parameters, shape = ctx.saved
        ctx.saved = None
        networks = list(parameters)
        gradient_SP = np.empty(shape, x.dtype)
        gradient_SP[:, : networks[0].begin] = 0
        gradient_SP[:, networks[-1].end :] = 0
        for network, inputs, slope_SBJ in zip(networks, hidden, slopes, strict=True):
            backward([x, *inputs], parameters[network], network.layers(gradient_SP), slope_SBJ.numpy())
        return None, torch.from_numpy(gradient_SP), None


class TanhNetworks:
    """Networks with tanh after every layer but the last.

    Args:
        flat_SP: a row of parameters per seed.
        networks: where each finds its own in a row, one right behind the other.
    """

    def __init__(self, flat_SP: Tensor, networks: Sequence[Network]) -> None:
        self._flat_SP = flat_SP
        self._networks = networks
        self._look()

    def _look(self) -> None:
        """Makes the views of the parameters; kept, because making them takes as long as a small product."""
        flat = self._flat_SP.detach().numpy()
        self._place = self._flat_SP.data_ptr()
        self._parameters = {network: network.layers(flat) for network in self._networks}

    def __call__(self, x_SBI: Tensor, networks: Sequence[Network]) -> Sequence[Tensor]:
        """Outputs_SBJ of some of the networks, neighbours, all of the same inputs.

        Args:
            x_SBI: inputs, of which no gradient is taken.

        Raises:
            ValueError: the inputs want a gradient, as those of an encoder would.
        """
        if x_SBI.requires_grad:
            raise ValueError("the kernel computes no gradient by its inputs; use_kernel=False does")
        if self._flat_SP.data_ptr() != self._place:  # the parameters have moved: .double() and the like
            self._look()
        parameters = {network: self._parameters[network] for network in networks}
        if torch.is_grad_enabled():
            outputs: Sequence[Tensor] = _Function.apply(x_SBI, self._flat_SP, parameters)  # type: ignore[no-untyped-call]
            return outputs
        x = x_SBI.numpy()
        return [torch.from_numpy(forward(x, some)[-1]) for some in parameters.values()]
