"""The layers of the DCGAN and PatchGAN families, initialized as published."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from ganzoo_discriminators.norm import Norm

WEIGHT_STD = 0.02
CONVOLUTIONS: Mapping[int, Callable[..., Any]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
BATCH_NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
INSTANCE_NORMS = {1: nn.InstanceNorm1d, 2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}
DROPOUTS = {1: nn.Dropout1d, 2: nn.Dropout2d, 3: nn.Dropout3d}
"""Rank of the data → the layer."""


def convolution(
    before: int,
    after: int,
    *,
    kernel: int = 4,
    stride: int | Sequence[int],
    padding: int,
    bias: bool,
    norm: Norm = "none",
    rank: int = 2,
) -> nn.Module:
    """A convolution of ``before`` to ``after`` channels: weights from N(0, 0.02²), zero bias.

    ``stride`` is one number, or one per axis; ``norm`` as in :func:`normalized`. Initialization comes first, so that
    the first power iterations see the weights in use.
    """
    steps = (stride,) * rank if isinstance(stride, int) else tuple(stride)
    layer: Any = CONVOLUTIONS[rank](before, after, kernel, steps, padding, bias=bias)
    nn.init.normal_(layer.weight, 0.0, WEIGHT_STD)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return normalized(layer, norm)


def normalized(layer: nn.Module, norm: Norm) -> nn.Module:
    """The layer with a norm on its weight, where ``norm`` is one of weights; else the layer itself.

    Spectral norm divides the weight by the spectral norm of its (out, rest) matrix, which is not the operator norm of
    the convolution. Weight norm makes the length of each output's weights a parameter (Salimans & Kingma 2016,
    arXiv:1602.07868).
    """
    if norm == "spectral":
        return spectral_norm(layer)
    return weight_norm(layer) if norm == "weight" else layer


def batch_norm(width: int, *, rank: int = 2) -> nn.Module:
    """BatchNorm with weights from N(1, 0.02²) and zero bias."""
    layer = BATCH_NORMS[rank](width)
    nn.init.normal_(layer.weight, 1.0, WEIGHT_STD)
    return layer


def block(
    before: int,
    after: int,
    *,
    kernel: int = 4,
    stride: int | Sequence[int],
    padding: int,
    bias: bool,
    norm: Norm,
    dropout: float = 0.0,
    rank: int = 2,
) -> nn.Sequential:
    """Convolution, norm, LeakyReLU 0.2, and dropout of whole channels.

    Batch and instance norm follow the convolution, instance norm without parameters; spectral and weight norm are on
    its weight.
    """
    layers = [
        convolution(
            before,
            after,
            kernel=kernel,
            stride=stride,
            padding=padding,
            bias=bias,
            norm=norm,
            rank=rank,
        )
    ]
    if norm == "batch":
        layers.append(batch_norm(after, rank=rank))
    elif norm == "instance":
        layers.append(INSTANCE_NORMS[rank](after))
    layers.append(nn.LeakyReLU(0.2, inplace=True))
    if dropout:
        layers.append(DROPOUTS[rank](dropout))
    return nn.Sequential(*layers)
