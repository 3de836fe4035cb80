"""Colored blobs: images whose modes are known exactly, of any size."""

from __future__ import annotations

import colorsys
import hashlib
import math
from typing import TYPE_CHECKING, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from ganzoo.component import DatasetOptions
from ganzoo.errors import ConfigError, DataError
from ganzoo.protocols import DataSpec
from ganzoo.seeds import generator_for
from ganzoo_datasets.image_array import fingerprint, frequencies

if TYPE_CHECKING:
    from pathlib import Path

    from ganzoo.protocols import Dataset

SPLITS = {"train": ("train",), "test": ("test",), "all": ("train", "test")}
RING = 0.28
JITTER = 0.04
RADIUS = (0.18, 0.26)
BRIGHTNESS = (0.8, 1.0)


class Synthetic(DatasetOptions):
    """One soft blob per image, on black; a mode is a position on a ring and a hue, and the label is the mode.

    A pixel at distance d from the blob's center, in units of the side, has the color b · relu(1 − d²/R²)² · hue. The
    center is the mode's ± 0.04 along each axis, R is in [0.18, 0.26], b in [0.8, 1], all uniform. With one channel the
    hue is white, and modes differ by position alone. The default size is 32, with 3 channels.

    The opened dataset's ``modes`` are (K, 5): rows (x, y, red, green, blue), the center in units of the side from the
    upper left corner, the hue in [0, 1]. Classes are as equally frequent as ``n`` allows. Splits: ``train`` and
    ``test`` have ``n`` images each, from different draws; ``all`` is both. Images are computed when they are read.
    """

    modes: int = Field(default=8, ge=2, le=64, description="number of modes")
    n: int = Field(default=4096, ge=2, le=100_000_000, description="images per split")
    seed: int = Field(default=0, ge=0, description="seed of the images; not the seed of the run")

    @model_validator(mode="after")
    def _every_mode_occurs(self) -> Self:
        if self.n < self.modes:
            raise ValueError(f"n ({self.n}) must be at least modes ({self.modes}), so that every mode occurs")
        return self

    def open(self, *, image_size: int | None, channels: int | None, split: str, cache: Path) -> Dataset:
        """Draw the blobs of one split.

        Raises:
            DataError: there is no such split.
            ConfigError: channels other than 1 and 3.
        """
        if split not in SPLITS:
            raise DataError(
                f"dataset synthetic has no split {split!r}",
                given=split,
                allowed=", ".join(SPLITS),
                hint="--set data.split=train",
            )
        if channels not in (None, 1, 3):
            raise ConfigError(
                "dataset synthetic does not come in this number of channels",
                given=f"channels {channels}",
                allowed="channels 1 or 3",
                hint="--set data.channels=3",
            )
        modes = known_modes(self.modes, colored=channels != 1)
        labels = torch.arange(self.n).remainder(self.modes).repeat(len(SPLITS[split]))
        draws = [
            torch.rand(self.n, 4, dtype=torch.float64, generator=generator_for(self.seed, "synthetic", part))
            for part in SPLITS[split]
        ]
        return Blobs(torch.cat(draws), labels, modes, side=image_size or 32, channels=channels or 3)


class Blobs:
    """The images of :class:`Synthetic`, in the shape of :class:`ganzoo.protocols.Dataset`.

    Args:
        draws: (N, 4) in [0, 1), which vary x, y, radius and brightness.
        labels: (N,) the mode of each.
        modes: (K, 5) as :class:`Synthetic` describes them.
    """

    groups: tuple[str, ...] | None = None

    def __init__(self, draws: Tensor, labels: Tensor, modes: Tensor, *, side: int, channels: int) -> None:
        self.labels: Tensor | None = labels
        self.modes: Tensor | None = modes
        self.spec = DataSpec(
            shape=(channels, side, side),
            classes=tuple(f"mode-{mode}" for mode in range(len(modes))),
            marginal=frequencies(labels, len(modes)),
        )
        self._centers = modes[labels, :2] + (2 * draws[:, :2] - 1) * JITTER
        self._radii = RADIUS[0] + (RADIUS[1] - RADIUS[0]) * draws[:, 2]
        brightness = BRIGHTNESS[0] + (BRIGHTNESS[1] - BRIGHTNESS[0]) * draws[:, 3]
        self._colors = 255 * brightness[:, None] * modes[labels, 2 : 2 + channels]
        drawn = hashlib.sha256(b"blobs, version 1")
        for numbers in (self._centers, self._radii, self._colors):
            drawn.update(numbers.numpy().astype("<f8").tobytes())
        self.fingerprint = fingerprint(drawn.hexdigest(), self.spec, labels)

    def __len__(self) -> int:
        return len(self._radii)

    def read(self, index: Tensor) -> Tensor:
        """Images at ``index``, uint8 (N, C, H, W)."""
        # Only operations that IEEE 754 rounds exactly, in float64: no exponential, which differs between processors.
        side = self.spec.shape[-1]
        pixels = (torch.arange(side, dtype=torch.float64) + 0.5) / side
        x, y = ((pixels - self._centers[index, axis, None]) for axis in (0, 1))
        distance = (y * y)[:, :, None] + (x * x)[:, None, :]
        radius = self._radii[index, None, None]
        height = (1 - distance / (radius * radius)).clamp_(min=0)
        height *= height
        return (height[:, None] * self._colors[index, :, None, None]).round_().to(torch.uint8)


def known_modes(count: int, *, colored: bool) -> Tensor:
    """(K, 5) centers on a ring and hues around the color wheel; white throughout if not ``colored``."""
    rows = []
    for mode in range(count):
        angle = 2 * math.pi * mode / count
        # Rounded, since sine and cosine differ in the last bit between machines.
        center = (round(0.5 + RING * math.cos(angle), 6), round(0.5 + RING * math.sin(angle), 6))
        rows.append((*center, *(colorsys.hsv_to_rgb(mode / count, 1.0, 1.0) if colored else (1.0, 1.0, 1.0))))
    return torch.tensor(rows, dtype=torch.float64)
