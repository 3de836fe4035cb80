"""Gaussians on a square lattice: many modes at equal distances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from ganzoo.component import DatasetOptions
from ganzoo_datasets.gaussians import Gaussians, split_parts

if TYPE_CHECKING:
    from pathlib import Path

    from ganzoo.protocols import Dataset


class Grid(DatasetOptions):
    """Points in the plane: a mixture of round Gaussians of equal weight, whose centers form a square lattice.

    Formula:
        c_ij = spacing · (i − (m−1)/2, j − (m−1)/2),  0 ≤ i, j < m = side        x = c_ij + std · (ε₁, ε₂),  ε ~ N(0, 1)

    The defaults are PacGAN's: 25 modes at {−4, −2, 0, 2, 4}², std 0.05, 100,000 points. Mode i · side + j has the
    center c_ij. The opened dataset's ``modes`` (K, 2) and ``mode_std`` say where the modes are; the label of a point is
    its mode, for components that use labels. Splits: ``train`` and ``test`` have ``n`` points each, from different
    draws; ``all`` is both. Points are float32 and not scaled to [-1, 1]: the generator must reach far beyond that
    range.

    Where implementations differ: WGAN-GP's code draws std 0.05 and divides everything by 2.828, so its std is 0.018.
    Others draw the mode of each point at random; here point i has mode i mod K.

    Source: Srivastava et al. 2017, arXiv:1705.07761 (grid); Lin et al. 2018, arXiv:1712.04086 (settings). Computed
    here.
    """

    side: int = Field(default=5, ge=2, le=32, description="modes along each axis; side² in all")
    spacing: float = Field(default=2.0, gt=0, description="distance between neighboring centers")
    std: float = Field(default=0.05, gt=0, description="standard deviation around each center")
    n: int = Field(default=100_000, ge=2, le=100_000_000, description="points per split")
    seed: int = Field(default=0, ge=0, description="seed of the points; not the seed of the run")

    @model_validator(mode="after")
    def _every_mode_occurs(self) -> Self:
        if self.n < self.side**2:
            raise ValueError(f"n ({self.n}) must be at least side² ({self.side**2}), so that every mode occurs")
        return self

    def open(self, *, image_size: int | None, channels: int | None, split: str, cache: Path) -> Dataset:
        """Draw the points of one split.

        Raises:
            DataError: there is no such split.
            ConfigError: a size or channels are given.
        """
        parts = split_parts("grid", split, image_size=image_size, channels=channels)
        return Gaussians(self._centers(), mode_std=self.std, n=self.n, seed=self.seed, parts=parts)

    def _centers(self) -> Tensor:
        axis = self.spacing * (torch.arange(self.side, dtype=torch.float64) - (self.side - 1) / 2)
        return torch.cartesian_prod(axis, axis)
