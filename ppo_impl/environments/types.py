"""Names for the arrays that go in and out of environments."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Arrays = dict[str, NDArray[Any]]  # what a checkpoint holds: numbers by name


def joined(parts: Mapping[str, Mapping[str, NDArray[Any]]]) -> Arrays:
    """The states of several parts in one: `part.name`."""
    return {f"{part}.{name}": array for part, state in parts.items() for name, array in state.items()}


def below(part: str, state: Mapping[str, NDArray[Any]]) -> Arrays:
    """The state of one part, out of what `joined` made."""
    return {name.removeprefix(f"{part}."): array for name, array in state.items() if name.startswith(f"{part}.")}
