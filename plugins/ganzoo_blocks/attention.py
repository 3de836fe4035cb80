"""Self-attention over the positions of a map, as in SAGAN and BigGAN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

if TYPE_CHECKING:
    from torch import Tensor

POOL = 2
"""Keys and values are max-pooled by this much, so that a map of S positions has S/4 keys."""


class SelfAttention(nn.Module):
    """Adds to every position a mixture of the values of all positions, weighted by how well query and key agree.

    Formula:
        q = W_q x,  k = pool(W_k x),  v = pool(W_v x);  o_i = Σ_j softmax_j(q_i·k_j) v_j;  y = x + γ·W_o o

    ``W_q`` and ``W_k`` are 1×1 convolutions of C to C/8 channels, ``W_v`` to C/2 (rounded down, at least 1), ``W_o``
    back to C; none has a bias. ``pool`` is a 2×2 max-pooling of stride 2 that leaves out the last row or column of
    an odd side. γ is learned and starts at 0: at first the block is the identity. q·k is not scaled. Weights start
    from Glorot's uniform distribution, before the spectral norm.

    Where implementations differ: SAGAN's text has no pooling and gives v C/8 channels; its code, BigGAN and ganzoo do
    as above. Attention is written out instead of using torch's fused kernels, which have no second derivative.

    Source: Zhang et al. 2019, arXiv:1805.08318, section 3; Brock et al. 2019, arXiv:1809.11096, appendix B.
    """

    def __init__(self, channels: int, *, spectral: bool) -> None:
        super().__init__()
        inner, middle = max(channels // 8, 1), max(channels // 2, 1)
        self.to_query = _pointwise(channels, inner, spectral=spectral)
        self.to_key = _pointwise(channels, inner, spectral=spectral)
        self.to_value = _pointwise(channels, middle, spectral=spectral)
        self.to_output = _pointwise(middle, channels, spectral=spectral)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape; H and W are at least 2."""
        query = self.to_query(maps).flatten(2)
        key = F.max_pool2d(self.to_key(maps), POOL).flatten(2)
        value = F.max_pool2d(self.to_value(maps), POOL).flatten(2)
        attention = torch.softmax(query.transpose(1, 2) @ key, dim=-1)  # (N, positions, keys)
        mixed = (value @ attention.transpose(1, 2)).reshape(len(maps), -1, *maps.shape[2:])
        change: Tensor = self.to_output(mixed)
        return maps + self.gamma * change


def _pointwise(before: int, after: int, *, spectral: bool) -> nn.Module:
    layer = nn.Conv2d(before, after, 1, bias=False)
    nn.init.xavier_uniform_(layer.weight)
    return spectral_norm(layer) if spectral else layer
