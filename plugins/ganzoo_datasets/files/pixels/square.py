"""A picture of any size → a square of the size that is trained at."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Fit = Literal["crop", "pad", "stretch"]


def square(image: Image.Image, size: int, fit: Fit = "crop") -> NDArray[np.uint8]:
    """(S, S) or (S, S, 3): its center, all of it on a black square, or all of it out of proportion; Lanczos."""
    side = min(image.size)
    if fit == "stretch":
        box: tuple[float, float, float, float] = (0, 0, image.width, image.height)
    elif fit == "pad":
        image, box = padded(image), (0, 0, max(image.size), max(image.size))
    else:
        left, top = (image.width - side) / 2, (image.height - side) / 2
        if side == size:
            # A crop by half a pixel would blur a picture that needs no resizing.
            left, top = left // 1, top // 1
        box = (left, top, left + side, top + side)
    return np.asarray(image.resize((size, size), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0))


def padded(image: Image.Image) -> Image.Image:
    """The picture in the middle of a black square."""
    side = max(image.size)
    whole = Image.new(image.mode, (side, side))
    whole.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return whole
