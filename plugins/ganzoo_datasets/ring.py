"""Gaussians on a circle: the smallest picture of mode collapse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from ganzoo.component import DatasetOptions
from ganzoo_datasets.gaussians import Gaussians, split_parts

if TYPE_CHECKING:
    from pathlib import Path

    from ganzoo.protocols import Dataset


class Ring(DatasetOptions):
    """Points in the plane: a mixture of round Gaussians of equal weight, whose centers lie evenly on a circle.

    Formula:
        c_k = radius · (cos 2πk/K, sin 2πk/K)        x = c_k + std · (ε₁, ε₂),  ε ~ N(0, 1)

    The defaults are PacGAN's: 8 modes, radius 1, std 0.01, 100,000 points. The opened dataset's ``modes`` (K, 2) and
    ``mode_std`` say where the modes are; the label of a point is its mode, for components that use labels. Splits:
    ``train`` and ``test`` have ``n`` points each, from different draws; ``all`` is both. Points are float32 and not
    scaled to [-1, 1]: the generator must reach beyond that range.

    Where implementations differ: the ring of Unrolled GAN is usually given as radius 2 and std 0.02, the same picture
    twice as large. Others draw the mode of each point at random; here point i has mode i mod K.

    Source: Metz et al. 2016, arXiv:1611.02163 (ring); Lin et al. 2018, arXiv:1712.04086 (settings). Computed here.
    """

    modes: int = Field(default=8, ge=2, le=1024, description="number of modes")
    radius: float = Field(default=1.0, gt=0, description="radius of the circle of centers")
    std: float = Field(default=0.01, gt=0, description="standard deviation around each center")
    n: int = Field(default=100_000, ge=2, le=100_000_000, description="points per split")
    seed: int = Field(default=0, ge=0, description="seed of the points; not the seed of the run")

    @model_validator(mode="after")
    def _every_mode_occurs(self) -> Self:
        if self.n < self.modes:
            raise ValueError(f"n ({self.n}) must be at least modes ({self.modes}), so that every mode occurs")
        return self

    def open(self, *, image_size: int | None, channels: int | None, split: str, cache: Path) -> Dataset:
        """Draw the points of one split.

        Raises:
            DataError: there is no such split.
            ConfigError: a size or channels are given.
        """
        parts = split_parts("ring", split, image_size=image_size, channels=channels)
        return Gaussians(self._centers(), mode_std=self.std, n=self.n, seed=self.seed, parts=parts)

    def _centers(self) -> Tensor:
        angles = [2 * math.pi * mode / self.modes for mode in range(self.modes)]
        # Rounded, since sine and cosine differ in the last bit between machines.
        unit = [(round(math.cos(angle), 12), round(math.sin(angle), 12)) for angle in angles]
        return self.radius * torch.tensor(unit, dtype=torch.float64)
