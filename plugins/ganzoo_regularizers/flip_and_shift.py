"""A second view of an image with the same content: mirrored or not, and moved by a few pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

DRAWS = 3
"""Uniform numbers per image: flip, shift down, shift across."""

LARGEST_SHIFT = 8
"""Shifts go up to a side divided by this."""


def flipped_and_shifted(images: Tensor, draws: Tensor) -> Tensor:
    """Images (N, C, H, W), each by its row of ``draws`` (N, 3), uniform in [0, 1); differentiable in the images.

    A horizontal flip with probability ½, then a shift by whole pixels of up to ⌊H/8⌋ and ⌊W/8⌋ each way, all equally
    likely. What the shift uncovers is filled by reflection, so that no border tells the views apart.
    """
    # Decided on the CPU: not every device has the draws' double precision.
    flip = (draws[:, 0] < 0.5).view(-1, 1, 1, 1).to(images.device, non_blocking=True)
    images = torch.where(flip, images.flip(3), images)
    for axis in (2, 3):
        side = images.shape[axis]
        most = side // LARGEST_SHIFT
        shift = (draws[:, axis - 1] * (2 * most + 1)).long().view(-1, 1, 1, 1) - most
        shape = [1, 1, 1, 1]
        shape[axis] = side
        source = torch.arange(side, device=images.device).view(shape) - shift.to(images.device, non_blocking=True)
        # Mirrored at the first and the last pixel, which are not repeated.
        source = (side - 1) - ((side - 1) - source.abs()).abs()
        images = images.gather(axis, source.expand_as(images))
    return images
