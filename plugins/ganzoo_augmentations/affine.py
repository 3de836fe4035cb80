"""Affine maps of the plane, one per image: matrices (N, 3, 3) in pixels about the center of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def scaling(across: Tensor, down: Tensor) -> Tensor:
    """Both axes stretched by factors (N,)."""
    zero = torch.zeros_like(across)
    return _matrix([[across, zero, zero], [zero, down, zero]])


def rotation(angle: Tensor) -> Tensor:
    """A turn by angles (N,) in radians, from the first axis (across) toward the second (down)."""
    return _turn(angle.cos(), angle.sin())


def quarter_turns(count: Tensor) -> Tensor:
    """``count`` turns by 90°, (N,) from 0 to 3: in whole numbers, so that no pixel is blurred."""
    # π/2 is not exact in floating point: its cosine is not zero.
    quarter = count.long()
    cosine = (quarter == 0).to(count) - (quarter == 2).to(count)
    sine = (quarter == 1).to(count) - (quarter == 3).to(count)
    return _turn(cosine, sine)


def translation(across: Tensor, down: Tensor) -> Tensor:
    """A shift by pixels (N,)."""
    one, zero = torch.ones_like(across), torch.zeros_like(across)
    return _matrix([[one, zero, across], [zero, one, down]])


def _turn(cosine: Tensor, sine: Tensor) -> Tensor:
    zero = torch.zeros_like(cosine)
    return _matrix([[cosine, -sine, zero], [sine, cosine, zero]])


def _matrix(rows: list[list[Tensor]]) -> Tensor:
    zero, one = torch.zeros_like(rows[0][0]), torch.ones_like(rows[0][0])
    return torch.stack([torch.stack(row, -1) for row in [*rows, [zero, zero, one]]], -2)
