"""The weights of a network as matrices: what penalties on weights are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvTransposeNd
from torch.nn.modules.instancenorm import _InstanceNorm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

NORMALIZATIONS = (_BatchNorm, _InstanceNorm, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
"""Layers whose parameters scale and shift one feature each: these are not matrices, whatever their shape."""


def weight_matrices(network: nn.Module, *, embeddings: bool) -> Iterator[tuple[str, Tensor]]:
    """Name and (out, rest) matrix of every parameter with two axes or more, differentiable in the parameter.

    ``out`` is the second axis of a transposed convolution and the first axis of any other layer. For a parametrized
    weight, such as one under spectral norm, the matrix is the stored parameter and not the weight computed from it: the
    penalties were published for parameters, and on W/σ(W) a penalty on the size of W would be a constant. Normalization
    layers have no matrix, whatever the shape of their parameters; embedding tables are left out unless ``embeddings``.
    """
    for name, parameter in network.named_parameters():
        if parameter.dim() < 2:
            continue
        owner = owner_of(network, name)
        table = isinstance(owner, nn.Embedding | nn.EmbeddingBag)
        if isinstance(owner, NORMALIZATIONS) or (table and not embeddings):
            continue
        out = 1 if isinstance(owner, _ConvTransposeNd) else 0
        yield name, parameter.movedim(out, 0).flatten(1)


def owner_of(network: nn.Module, name: str) -> nn.Module:
    """The layer a parameter belongs to; a parametrized weight is named LAYER.parametrizations.weight.original."""
    path = name.split(".")
    depth = path.index("parametrizations") if "parametrizations" in path else len(path) - 1
    return network.get_submodule(".".join(path[:depth]))
