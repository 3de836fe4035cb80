"""Spectrally normalized layers of the residual networks, initialized as their authors do.

The spectral norm removes the scale of a weight, so a gain changes how fast its direction changes, not what it computes
at first. Initialization comes first, so that the first power iterations see the weights in use. Biases start at zero.
"""

from __future__ import annotations

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


def glorot_convolution(before: int, after: int, kernel: int, *, gain: float = 1.0) -> nn.Module:
    """A convolution that keeps the size, weights from Glorot's uniform distribution times ``gain``."""
    layer = nn.Conv2d(before, after, kernel, padding=kernel // 2)
    nn.init.xavier_uniform_(layer.weight, gain)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return spectral_norm(layer)


def orthogonal_convolution(before: int, after: int, kernel: int) -> nn.Module:
    """A convolution that keeps the size, weights an orthogonal (out, rest) matrix."""
    layer = nn.Conv2d(before, after, kernel, padding=kernel // 2)
    nn.init.orthogonal_(layer.weight)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return spectral_norm(layer)


def glorot_linear(before: int, after: int) -> nn.Module:
    """A linear layer with bias, weights from Glorot's uniform distribution."""
    layer = nn.Linear(before, after)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return spectral_norm(layer)


def orthogonal_linear(before: int, after: int) -> nn.Module:
    """A linear layer with bias, weights an orthogonal matrix."""
    layer = nn.Linear(before, after)
    nn.init.orthogonal_(layer.weight)
    nn.init.zeros_(layer.bias)
    return spectral_norm(layer)


def orthogonal_embedding(count: int, width: int) -> nn.Module:
    """A vector of ``width`` numbers for each of ``count`` classes; the table starts orthogonal, and has the norm."""
    layer = nn.Embedding(count, width)
    nn.init.orthogonal_(layer.weight)
    return spectral_norm(layer)


def glorot_embedding(count: int, width: int) -> nn.Module:
    """A vector of ``width`` numbers for each of ``count`` classes, from Glorot's uniform distribution.

    The spectral norm is that of the (count, width) table.
    """
    layer = nn.Embedding(count, width)
    nn.init.xavier_uniform_(layer.weight)
    return spectral_norm(layer)
