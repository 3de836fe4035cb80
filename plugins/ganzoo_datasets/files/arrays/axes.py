"""Which axis of an array is which: (N, H, W), (N, H, W, 3), (N, 3, H, W) and so on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo_datasets.files.arrays.stored import Header


class NotPictures(Exception):
    """Why an array does not hold pictures, and the way out."""

    def __init__(self, reason: str, way_out: str) -> None:
        super().__init__(reason)
        self.way_out = way_out


@dataclass(frozen=True)
class Axes:
    """How a row becomes a picture, (H, W) or (H, W, channels).

    Attributes:
        shape: what a row is, for messages.
        turn: row → picture, a view.
        doubt: what else the shape could mean, or the empty text.
    """

    shape: str
    turn: Callable[[NDArray[Any]], NDArray[Any]]
    doubt: str = ""

    def size(self, header: Header) -> tuple[int, ...]:
        """Height, width and, with color, channels of the pictures."""
        row: NDArray[Any] = np.broadcast_to(np.zeros((), header.kind), header.shape[1:])
        return self.turn(row).shape


GRAY = Axes("(H, W)", lambda row: row)
LYING = Axes("(W, H)", lambda row: row.T)
GRAY_LAST = Axes("(H, W, 1)", lambda row: row[..., 0])
GRAY_FIRST = Axes("(1, H, W)", lambda row: row[0])
COLOR_LAST = Axes("(H, W, 3)", lambda row: row)
ALPHA_LAST = Axes("(H, W, 4)", lambda row: row)
COLOR_FIRST = Axes("(3, H, W)", lambda row: row.transpose(1, 2, 0))
CIFAR = Axes("3 × 32 × 32", lambda row: row.reshape(3, 32, 32).transpose(1, 2, 0))

LAST: Mapping[int, Axes] = {1: GRAY_LAST, 3: COLOR_LAST, 4: ALPHA_LAST}
FIRST: Mapping[int, Axes] = {1: GRAY_FIRST, 3: COLOR_FIRST}
SHAPES = "(N, H, W), (N, H, W, 1), (N, H, W, 3), (N, H, W, 4), (N, 1, H, W) or (N, 3, H, W)"


def axes_of(header: Header) -> Axes:
    """What the axes of an array of pictures are.

    Raises:
        NotPictures: no shape of pictures.
    """
    shape = header.shape
    if 0 in shape:
        raise NotPictures("it is empty", "choose a file with at least one picture")
    if len(shape) == 3:
        return _three(shape)
    if len(shape) != 4:
        raise NotPictures(*_other(shape))
    last, first = LAST.get(shape[3]), FIRST.get(shape[1])
    if last and first and shape[1] > 1:
        return Axes(last.shape, last.turn, f"a picture of {shape[1]} × {shape[2]} pixels; channels may come first")
    if last and shape[0] == 3 and shape[3] == 3:
        return Axes(last.shape, last.turn, "three pictures; the first axis may be color instead")
    found = last or first
    if found is None:
        raise NotPictures(*_other(shape))
    return found


def _three(shape: tuple[int, ...]) -> Axes:
    if shape[2] in (1, 3, 4):
        raise NotPictures(
            f"(H, W, {shape[2]}) is a single picture, not an array of many",
            "save one array of all pictures, numpy.stack(PICTURES), or give a folder of PNG files",
        )
    if shape[0] in (1, 3):
        return Axes(GRAY.shape, GRAY.turn, f"{shape[0]} gray pictures; one picture with its channels first fits too")
    return GRAY


def _other(shape: tuple[int, ...]) -> tuple[str, str]:
    """Why a shape is refused, and what to do."""
    if len(shape) == 4 and shape[2] in (1, 3):
        return (
            f"its last axis seems to count the pictures, (H, W, {shape[2]}, N)",
            "save it with that axis first: numpy.moveaxis(ARRAY, -1, 0)",
        )
    if len(shape) in (4, 5):
        return (
            "these are volumes, and ganzoo trains on two-dimensional pictures",
            "save one slice of each volume, such as ARRAY[:, ARRAY.shape[1] // 2]",
        )
    if len(shape) == 2:
        return (
            "its rows are flat, so the height and width are not known",
            "save it with its shape: ARRAY.reshape(len(ARRAY), HEIGHT, WIDTH)",
        )
    return f"it has {len(shape)} axes", "save it as (N, H, W) or (N, H, W, 3)"
