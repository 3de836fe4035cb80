"""The cadence of spectral normalization: one power iteration per discriminator update, the same weights all step long.

torch's own parametrization iterates at every training-mode forward, so the real pass, the fake pass and the
generator's step would each see other weights. Here its layers are held still, and :func:`iterate` moves them.
The networks keep using :func:`torch.nn.utils.parametrizations.spectral_norm`; nothing is asked of their authors.

Held layers compute what torch's do, up to rounding, in a fraction of its time. A weight is read in the order in which
it lies in memory, where torch copies one that is channels-last, and it is multiplied by 1/σ: the backward pass of a
division by σ writes five tensors as large as the weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.parametrize import ParametrizationList
from torch.nn.utils.spectral_norm import SpectralNorm


def _layers(module: nn.Module) -> Iterator[tuple[str, nn.Module, str, _SpectralNorm]]:
    for path, owner in module.named_modules():
        for name, chain in getattr(owner, "parametrizations", {}).items():
            for parametrization in chain:
                if isinstance(parametrization, _SpectralNorm):
                    yield (f"{path}.{name}" if path else name), owner, name, parametrization


class _HeldSpectralNorm(_SpectralNorm):
    """A layer that is normalized by the vectors that it has; after ``train()`` it computes as torch's own again."""

    def forward(self, weight: Tensor) -> Tensor:
        """W / (uᵀWv)."""
        if self.training or weight.ndim == 1:
            return super().forward(weight)
        matrix, order = self._matrix(weight)
        # Copies, since what a graph needs must not change, and the vectors move at the next update.
        u, v = self._u.clone(), self._v.view(self._sides(weight)).permute(order).clone().flatten()
        norm = torch.vdot(u, torch.mv(matrix, v))
        return weight / norm if weight.dtype == torch.float16 else weight * norm.reciprocal()  # 1/σ may overflow there

    @torch.no_grad()
    def iterate(self, weight: Tensor) -> None:
        """Move the vectors by the power iterations of one forward."""
        matrix, order = self._matrix(weight)
        sides, v = self._sides(weight), self._v
        v = v.view(sides).permute(order).flatten()
        for _ in range(self.n_power_iterations):
            u = F.normalize(torch.mv(matrix, v), dim=0, eps=self.eps)
            v = F.normalize(torch.mv(matrix.H, u), dim=0, eps=self.eps)
        self._u.copy_(u)
        self._v.view(sides).permute(order).copy_(v.view([sides[axis] for axis in order]))

    def _sides(self, weight: Tensor) -> list[int]:
        return [side for axis, side in enumerate(weight.shape) if axis != self.dim]

    def _matrix(self, weight: Tensor) -> tuple[Tensor, list[int]]:
        """The weight as (out, rest) without a copy, where that can be, and the order of the axes in the rest."""
        rest = weight.movedim(self.dim, 0)
        order = sorted(range(rest.ndim - 1), key=lambda axis: -rest.stride(axis + 1))
        return rest.permute(0, *(axis + 1 for axis in order)).flatten(1), order


def hold(module: nn.Module) -> None:
    """Stop torch's per-forward iteration. ``module.train()`` undoes this."""
    for _, _, _, layer in _layers(module):
        _hold(layer)


def _hold(layer: _SpectralNorm) -> None:
    layer.training = False
    if type(layer) is _SpectralNorm:  # one that computes something of its own goes on doing so
        layer.__class__ = _HeldSpectralNorm


@contextmanager
def on_meta() -> Iterator[None]:
    """Make tensors on the ``meta`` device, and spare those the power iterations, 15 for each new weight.

    Without content there is nothing to find, and it takes most of the time in which a network is built.
    """
    iterated = _SpectralNorm._power_method

    def spared(self: _SpectralNorm, weight_mat: Tensor, n_power_iterations: int) -> None:
        if not weight_mat.is_meta:
            iterated(self, weight_mat, n_power_iterations)

    _SpectralNorm._power_method = spared  # type: ignore[method-assign]
    try:
        with torch.device("meta"):
            yield
    finally:
        _SpectralNorm._power_method = iterated  # type: ignore[method-assign]


@torch.no_grad()
def iterate(module: nn.Module) -> None:
    """One power iteration of every spectrally normalized weight, which then stays held."""
    for _, owner, name, layer in _layers(module):
        _hold(layer)
        weight = _normalized_by(layer, owner.parametrizations[name])  # type: ignore[index, arg-type]
        if isinstance(layer, _HeldSpectralNorm) and weight.ndim > 1:
            layer.iterate(weight)
        else:
            layer.training = True
            layer(weight)
            layer.training = False


def _normalized_by(layer: _SpectralNorm, chain: ParametrizationList) -> Tensor:
    """What the layer gets: the weight itself, or what others before it make of it, such as weight normalization."""
    values = [chain.original] if chain.is_tensor else [getattr(chain, f"original{i}") for i in range(chain.ntensors)]
    for one in chain:
        if one is layer:
            break
        values = [one(*values)]
    (weight,) = values
    return weight


def vectors(module: nn.Module) -> list[Tensor]:
    """Copies of the vectors of every spectrally normalized weight, for :func:`put_back`."""
    return [buffer.detach().clone() for buffer in _vectors(module)]


@torch.no_grad()
def put_back(module: nn.Module, kept: list[Tensor]) -> None:
    """Let the vectors be what they were."""
    for buffer, before in zip(_vectors(module), kept, strict=True):
        buffer.copy_(before)


def _vectors(module: nn.Module) -> Iterator[Tensor]:
    """Also those of ``torch.nn.utils.spectral_norm``, which torch had before: a hook, with vectors in its module."""
    for _, _, _, layer in _layers(module):
        yield from layer.buffers()
    for owner in module.modules():
        for hook in owner._forward_pre_hooks.values():
            if isinstance(hook, SpectralNorm):
                yield from (getattr(owner, f"{hook.name}_{side}") for side in "uv")


@torch.no_grad()
def norms(module: nn.Module) -> dict[str, Tensor]:
    """The spectral norm of each normalized weight, reshaped to (out, rest): 1 where the estimate has converged.

    It is not the operator norm of the convolution, which can be larger.
    """
    found = {}
    for path, owner, name, layer in _layers(module):
        was_training, layer.training = layer.training, False
        weight = getattr(owner, name).float()
        layer.training = was_training
        dim = getattr(layer, "dim", 0)
        found[path] = torch.linalg.matrix_norm(weight.movedim(dim, 0).flatten(1), ord=2)
    return found
