"""The convolutions of ``random-conv``: fixed weights that follow from a seed."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ganzoo.seeds import generator_for


def orthogonal_kernels(width: int, *, seed: int) -> list[Tensor]:
    """Kernels (wide, narrow, 3, 3) of three layers with w, 2 w and 4 w channels, on the CPU.

    Rows are orthogonal, or columns where there are fewer, times √2. Saxe et al. 2014, arXiv:1312.6120.
    """
    kernels = []
    for layer, (narrow, wide) in enumerate(pairwise([3, width, 2 * width, 4 * width])):
        weight = torch.empty(wide, narrow, 3, 3, device="cpu")
        kernels.append(nn.init.orthogonal_(weight, gain=2**0.5, generator=generator_for(seed, "random-conv", layer)))
    return kernels
