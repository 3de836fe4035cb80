"""A small convolutional network that tells classes of pictures apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

RESOLUTION = 64
"""Larger pictures are reduced until their shorter side has so many pixels."""
GROUPS = 8
"""Of channels that a norm takes together."""
FINAL = 4
"""Pixels of the shorter side at which maps are halved no further."""
WIDTH, HIDDEN = 16, 64


class PictureClassifier(nn.Module):
    """Strided 3×3 convolutions, one hidden layer, one logit for each class.

    Formula:
        h₀ = (x − μ) / σ    h_l = SiLU(norm(W_l ∗ h_{l−1}))    φ = SiLU(V pool₂(h_L))    logits = U φ

    ``x`` (N, C, H, W) are pixels from 0 to 255, brought to the network's shape by :func:`prepared`. μ and σ are the
    mean and the standard deviation of each channel of the pictures that it learns from. There are three or four layers,
    of 16, 32, 64 and 64 channels, and each halves the map while its shorter side is above 4 pixels. ``norm`` is a
    GroupNorm, so that the row of a picture does not depend on the pictures beside it. ``pool₂`` averages to 2×2, and φ
    has 64 numbers.

    Args:
        shape: (C, H, W) of the pictures, reduced or not: the network is for :func:`reduced_shape` of it.
        classes: how many there are.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, shape: Sequence[int], classes: int) -> None:
        super().__init__()
        self.shape = reduced_shape(shape)
        halvings = math.ceil(math.log2(min(self.shape[1:]) / FINAL))
        count = max(3, halvings)
        widths = [self.shape[0], *(min(WIDTH * 2**number, 4 * WIDTH) for number in range(count))]
        layers = [
            _layer(before, after, stride=2 if number < halvings else 1)
            for number, (before, after) in enumerate(pairwise(widths))
        ]
        self.layers = nn.Sequential(*layers)
        self.hidden = nn.Linear(4 * widths[-1], HIDDEN)
        self.logits = nn.Linear(HIDDEN, classes)
        self.register_buffer("mean", torch.zeros(1, self.shape[0], 1, 1))
        self.register_buffer("std", torch.ones(1, self.shape[0], 1, 1))

    def features(self, pixels: Tensor) -> Tensor:
        """φ (N, 64) of prepared pixels (N, C, h, w), 0 to 255."""
        maps = self.layers((pixels.float() - self.mean) / self.std)
        return F.silu(self.hidden(F.adaptive_avg_pool2d(maps, 2).flatten(1)))

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (N, K) of prepared pixels (N, C, h, w), 0 to 255."""
        logits: Tensor = self.logits(self.features(pixels))
        return logits


def _layer(before: int, after: int, *, stride: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(before, after, 3, stride, 1), nn.GroupNorm(GROUPS, after), nn.SiLU())


def reduced_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    """(C, h, w) of pictures (C, H, W): the shorter side has at most 64 pixels, and the ratio of sides stays."""
    channels, height, width = shape
    factor = min(1.0, RESOLUTION / min(height, width))
    return channels, round(factor * height), round(factor * width)


def prepared(images: Tensor, shape: Sequence[int]) -> Tensor:
    """Pictures (N, ·, H, W) in the shape (C, h, w), float32 from 0 to 255; those that have it are unchanged.

    Sizes are changed bilinearly, antialiased. Gray becomes three equal channels, and colors become gray by the weights
    of ITU-R BT.601. The pixels of a picture follow from it alone.
    """
    pixels = images.float()
    if pixels.shape[1] == 3 and shape[0] == 1:
        pixels = (pixels * pixels.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    pixels = pixels.expand(-1, shape[0], -1, -1)
    if tuple(pixels.shape[2:]) == tuple(shape[1:]):
        return pixels
    return F.interpolate(pixels, size=list(shape[1:]), mode="bilinear", antialias=True, align_corners=False)
