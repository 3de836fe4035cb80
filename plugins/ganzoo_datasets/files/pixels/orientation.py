"""The orientation that EXIF and TIFF state: tag 0x0112."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

TAG = 0x0112
_UPRIGHT: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    2: lambda values: values[:, ::-1],
    3: lambda values: values[::-1, ::-1],
    4: lambda values: values[::-1],
    5: lambda values: values.swapaxes(0, 1),
    6: lambda values: np.rot90(values, -1),
    7: lambda values: values[::-1, ::-1].swapaxes(0, 1),
    8: lambda values: np.rot90(values),
}
_LYING = frozenset((5, 6, 7, 8))


def upright(values: NDArray[Any], turn: int) -> NDArray[Any]:
    """(H, W, …) as stored → as it is to be seen; an unknown turn is none."""
    return _UPRIGHT[turn](values) if turn in _UPRIGHT else values


def upright_size(size: tuple[int, int], turn: int) -> tuple[int, int]:
    """Width and height as seen."""
    return (size[1], size[0]) if turn in _LYING else size
