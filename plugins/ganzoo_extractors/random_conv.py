"""Features of a convolutional network whose weights are random and never trained."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from ganzoo_blocks.orthogonal_kernels import orthogonal_kernels
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from ganzoo.component import ExtractorOptions
from ganzoo.protocols import Dataset, Extracted, Extractor
from ganzoo_extractors.one_by_one import one_by_one

VERSION = 1
"""Of the network; another one gives other features."""


class RandomConv(ExtractorOptions):
    """Means over positions of three layers of 3×3 convolutions, strides 1, 2, 2, with random orthogonal weights.

    Formula:
        h₀ = x / 127.5 − 1        h_l = max(W_l ∗ h_{l−1}, 0)        φ(x) = (mean h₁, mean h₂, mean h₃)

    ``x`` (N, C, H, W) is uint8; gray pictures are repeated to three channels, and no picture is resized. ``W_l`` are
    orthogonal (rows, or columns where there are fewer), times √2, drawn from ``seed``. With ``width`` w the features
    (N, 7 w) are means of w, 2 w and 4 w channels, at least 0.

    They know no objects: differences that people see at once may be small in them, and the reverse. They serve where
    nothing better is installed, and for pictures that no trained network knows.

    Source: random embeddings in place of a trained network after Naeem et al. 2020, arXiv:2002.09797, section 4.3;
    orthogonal weights after Saxe et al. 2014, arXiv:1312.6120.
    """

    width: int = Field(default=64, ge=1, le=1024, description="channels of the first layer")
    seed: int = Field(default=0, ge=0, lt=2**63, description="of the weights")

    def open(self, *, data: Dataset, device: torch.device, cache: Path) -> Extractor:
        """The network on ``device``; neither the data nor the cache is looked at."""
        return RandomConvExtractor(self, device)


class RandomConvExtractor:
    """See :class:`RandomConv`."""

    classes: tuple[str, ...] = ()
    resize = "none"

    def __init__(self, options: RandomConv, device: torch.device) -> None:
        self.size = 7 * options.width
        self.digest = hashlib.sha256(f"random-conv {VERSION} {options.width} {options.seed}".encode()).hexdigest()
        self._device = device
        self._weights = [kernel.to(device) for kernel in orthogonal_kernels(options.width, seed=options.seed)]

    def __call__(self, images: Tensor) -> Extracted:
        """Features of each picture."""
        return Extracted(features=one_by_one(images, self._look, device=self._device))

    def _look(self, images: Tensor) -> Tensor:
        found = images.to(self._device).float().div(127.5).sub(1)
        means = []
        for layer, weight in enumerate(self._weights):
            found = F.relu(F.conv2d(found, weight, stride=2 if layer else 1, padding=1))
            means.append(found.mean((2, 3)))
        return torch.cat(means, dim=1)
