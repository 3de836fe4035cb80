"""The residual block of discriminators, which can halve the feature map."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

Convolution = Callable[[int, int, int], nn.Module]
"""From channels before, channels after and the side of the kernel to a layer that keeps the size."""


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut; both branches are averaged over 2×2 pixels if the block halves.

    Formula:
        y = pool(conv(relu(conv(relu(x))))) + conv₁ₓ₁(pool(x))

    The first block of a network sees the image and leaves out the first ReLU. The shortcut is the identity where
    neither size nor width changes. Some average after the shortcut's 1×1 convolution: the same function, for four times
    the work.
    """

    def __init__(
        self,
        before: int,
        after: int,
        *,
        halve: bool,
        first: bool,
        hidden: int,
        body: Convolution,
        shortcut: Convolution,
    ) -> None:
        super().__init__()
        self.halve = halve
        self.first = first
        self.into = body(before, hidden, 3)
        self.out = body(hidden, after, 3)
        self.shortcut = shortcut(before, after, 1) if halve or before != after else nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        """(N, before, H, W) to (N, after, H, W), or to half the size, rounded down; ``maps`` is not changed."""
        # This ReLU must not work in place: the shortcut and the features need its input unchanged.
        residual: Tensor = maps if self.first else F.relu(maps)
        residual = self.out(torch.relu_(self.into(residual)))
        if self.halve:
            residual, maps = F.avg_pool2d(residual, 2), F.avg_pool2d(maps, 2)
        kept: Tensor = self.shortcut(maps)
        return residual + kept
