"""Layers that show a discriminator how alike the samples of a batch are: a remedy for mode collapse."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.errors import ConfigError
from ganzoo_discriminators.wide import wide

Minibatch = Literal["none", "stddev", "discrimination"]

MINIBATCH_TAGS: dict[Minibatch, frozenset[str]] = {
    "none": frozenset(),
    "stddev": frozenset({"batch_coupled_always", "batch_nonlinear", "groups_of_four"}),
    "discrimination": frozenset({"batch_coupled_always", "batch_nonlinear"}),
}
GROUP = 4
KERNELS, KERNEL_SIZE = 100, 5
"""For minibatch discrimination: the authors' 100 kernels of 5 dimensions."""


class MinibatchStddev(nn.Module):
    """Appends one constant channel: how much the samples of a group differ.

    Groups have M = min(4, N) samples; sample i is in group i mod N/M. The channel of the group's samples is filled with
    the mean, over channels and pixels, of √(variance + 1e-8), where the variance is the population variance over the
    group. It is computed in float32 at least.

    Source: Karras et al. 2018, arXiv:1710.10196, section 3; groups and ε: Karras et al. 2020, arXiv:1912.04958 (code).
    """

    def forward(self, activations: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C + 1, H, W).

        Raises:
            ConfigError: if more than 4 samples do not divide into groups of 4. Smaller groups would be a different
                statistic, and one sample alone has none.
        """
        n, _, height, width = activations.shape
        size = min(GROUP, n)
        if n % size:
            raise ConfigError(
                f"minibatch stddev compares samples in groups of {GROUP}, but the batch does not divide into them",
                given=f"{n} samples in one pass",
                allowed=f"1, 2, 3 or a multiple of {GROUP}: {n - n % GROUP}, {n - n % GROUP + GROUP}, … "
                "(train.batch_size divided by train.accumulate)",
                hint=f"--set train.batch_size={n - n % GROUP + GROUP} --set train.accumulate=1, or so many samples in "
                "each pass of your own loop",
            )
        groups = wide(activations).reshape(size, n // size, *activations.shape[1:])
        spread = (groups.var(0, correction=0) + 1e-8).sqrt().mean((1, 2, 3)).repeat(size).to(activations.dtype)
        return torch.cat([activations, spread[:, None, None, None].expand(n, 1, height, width)], dim=1)


class MinibatchDiscrimination(nn.Module):
    """Appends to each sample's activations how close the other samples of the batch are to it under learned kernels.

    M = h·T, (N, 100, 5); o_b(i) = Σ_{j≠i} exp(−‖M_{i,b} − M_{j,b}‖₁) + c_b; the result is [h, o]. With ``spectral`` T
    has spectral norm. T starts from N(0, 1/features), with columns of about unit length, and c starts at −1, both as in
    the authors' code.

    Source: Salimans et al. 2016, arXiv:1606.03498, section 3.2; its sum includes j = i, a constant 1 that the authors'
    code leaves out, as here.
    """

    def __init__(self, features: int, *, spectral: bool = False) -> None:
        super().__init__()
        to_kernels = nn.Linear(features, KERNELS * KERNEL_SIZE, bias=False)
        nn.init.normal_(to_kernels.weight, 0.0, features**-0.5)
        self.to_kernels = spectral_norm(to_kernels) if spectral else to_kernels
        self.offset = nn.Parameter(torch.full((KERNELS,), -1.0))

    def forward(self, activations: Tensor) -> Tensor:
        """(N, features) to (N, features + 100)."""
        kernels = self.to_kernels(activations).reshape(-1, KERNELS, KERNEL_SIZE).permute(2, 1, 0).contiguous()
        # Dimension by dimension: a tensor (N, N, 100, 5) of all differences takes three to five times as long.
        distances = torch.zeros((), dtype=kernels.dtype, device=kernels.device)
        for coordinate in kernels:
            distances = distances + (coordinate[:, :, None] - coordinate[:, None, :]).abs()
        others = 1 - torch.eye(len(activations), dtype=distances.dtype, device=distances.device)
        closeness = (torch.exp(-distances) * others).sum(2).T + self.offset
        return torch.cat([activations, closeness], dim=1)
