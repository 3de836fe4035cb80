"""Images read at positions other than their pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def resampled(images: Tensor, source: Tensor) -> Tensor:
    """Each pixel of the result is read at ``source`` @ (across, down, 1), bilinearly; reflected at the borders.

    Args:
        images: (N, C, H, W).
        source: (N, 3, 3), from a pixel of the result to a position in the image, both in pixels from the center.

    Whole-pixel maps are exact. ``grid_sample`` is not used: its positions are in units of the image's side, which
    rounds whole pixels, and its backward on CUDA adds in no fixed order; that of ``gather`` can be told to use one.
    """
    n, channels, height, width = images.shape
    center_y, center_x = (height - 1) / 2, (width - 1) / 2
    y = torch.arange(height, device=images.device, dtype=images.dtype).view(1, -1, 1) - center_y
    x = torch.arange(width, device=images.device, dtype=images.dtype).view(1, 1, -1) - center_x
    (xx, xy, x0), (yx, yy, y0) = (row.view(n, 3, 1, 1).unbind(1) for row in source[:, :2].unbind(1))
    from_x = xx * x + xy * y + x0 + center_x
    from_y = yx * x + yy * y + y0 + center_y
    left, top = from_x.floor(), from_y.floor()
    flat = images.reshape(n, channels, -1)
    result = torch.zeros_like(flat)
    for row, of_row in ((top, 1 - (from_y - top)), (top + 1, from_y - top)):
        for column, of_column in ((left, 1 - (from_x - left)), (left + 1, from_x - left)):
            index = reflected(row.long(), height) * width + reflected(column.long(), width)
            pixels = flat.gather(2, index.view(n, 1, -1).expand(-1, channels, -1))
            result = result + (of_row * of_column).view(n, 1, -1) * pixels
    return result.view(n, channels, height, width)


def reflected(index: Tensor, length: int) -> Tensor:
    """Any integers as positions in [0, ``length``), mirrored at the first and last as often as needed."""
    if length == 1:
        return torch.zeros_like(index)
    period = 2 * (length - 1)
    index = index % period
    return torch.minimum(index, period - index)
