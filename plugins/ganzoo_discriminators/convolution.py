"""The layers of the DCGAN and PatchGAN families, initialized as published."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo_discriminators.norm import Norm

WEIGHT_STD = 0.02


def convolution(
    before: int, after: int, *, kernel: int = 4, stride: int, padding: int, bias: bool, spectral: bool
) -> nn.Module:
    """A convolution of ``before`` to ``after`` channels: weights from N(0, 0.02²), zero bias.

    With ``spectral`` its weight is divided by the spectral norm of its (out, rest) matrix, which is not the operator
    norm of the convolution. Initialization comes first, so that the first power iterations see the weights in use.
    """
    layer = nn.Conv2d(before, after, kernel, stride, padding, bias=bias)
    nn.init.normal_(layer.weight, 0.0, WEIGHT_STD)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return spectral_norm(layer) if spectral else layer


def batch_norm(width: int) -> nn.BatchNorm2d:
    """BatchNorm with weights from N(1, 0.02²) and zero bias."""
    layer = nn.BatchNorm2d(width)
    nn.init.normal_(layer.weight, 1.0, WEIGHT_STD)
    return layer


def block(
    before: int, after: int, *, kernel: int = 4, stride: int, padding: int, bias: bool, norm: Norm, dropout: float = 0.0
) -> nn.Sequential:
    """Convolution, norm, LeakyReLU 0.2, and dropout of whole channels.

    Batch and instance norm follow the convolution, instance norm without parameters; spectral norm is on its weight.
    """
    layers = [
        convolution(
            before, after, kernel=kernel, stride=stride, padding=padding, bias=bias, spectral=norm == "spectral"
        )
    ]
    if norm == "batch":
        layers.append(batch_norm(after))
    elif norm == "instance":
        layers.append(nn.InstanceNorm2d(after))
    layers.append(nn.LeakyReLU(0.2, inplace=True))
    if dropout:
        layers.append(nn.Dropout2d(dropout))
    return nn.Sequential(*layers)
