"""Brightness, contrast, luma flip, hue and saturation as one affine map of the colors of each image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def recolored(images: Tensor, colors: Mapping[str, Tensor]) -> Tensor:
    """RGB images (N, 3, H, W), each transformed by its own matrix; ``colors`` are (N,).

    Brightness is added first, then contrast multiplies; the luma flip mirrors at the plane orthogonal to the luma axis
    (1, 1, 1), hue turns about that axis (in radians), and saturation scales the distance from it.
    """
    axis = torch.full((3,), 1 / 3, dtype=images.dtype, device=images.device).sqrt()
    eye = torch.eye(3, dtype=images.dtype, device=images.device)
    # All nine are one third. Not axis·axisᵀ, whose rounding would show in every gray pixel.
    on_axis = torch.full_like(eye, 1 / 3)
    x, y, z = axis.unbind()
    zero = torch.zeros_like(x)
    across = torch.stack([torch.stack([zero, -z, y]), torch.stack([z, zero, -x]), torch.stack([-y, x, zero])])
    luma_flip, hue, saturation, contrast = (
        colors[name].view(-1, 1, 1) for name in ("luma_flip", "hue", "saturation", "contrast")
    )
    # Written so that each is exactly the unit matrix when its transform has not fired.
    flipped = eye - 2 * luma_flip * on_axis
    turned = hue.cos() * eye + (1 - hue.cos()) * on_axis + hue.sin() * across
    saturated = saturation * eye + (1 - saturation) * on_axis
    matrix = saturated @ turned @ flipped * contrast
    flat = (images + colors["brightness"].view(-1, 1, 1, 1)).flatten(2)
    return (matrix @ flat).view_as(images)


def gray_transform(images: Tensor, colors: Mapping[str, Tensor]) -> Tensor:
    """Gray images (N, 1, H, W): x → ±contrast·(x + brightness). Gray lies on the luma axis, which has no hue."""
    gain = colors["contrast"] * (1 - 2 * colors["luma_flip"])
    return gain.view(-1, 1, 1, 1) * (images + colors["brightness"].view(-1, 1, 1, 1))
