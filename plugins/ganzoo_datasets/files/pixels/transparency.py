"""Pictures of more than 8 bits over white; Pillow does it for the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def over_white(
    values: NDArray[Any], alpha: NDArray[Any], *, opaque: int, white: int, premultiplied: bool = False
) -> NDArray[np.float64]:
    """α·values + (1 − α)·white, with α = alpha / opaque; (H, W) or (H, W, 3), alpha (H, W).

    Where the values are premultiplied, they are α·values already.
    """
    share = (alpha / opaque).reshape(*alpha.shape, *[1] * (values.ndim - 2))
    seen: NDArray[np.float64] = (values if premultiplied else share * values) + (1 - share) * white
    return seen
