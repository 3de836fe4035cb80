"""Points around known centers in the plane: what ``ring`` and ``grid`` share."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ganzoo.errors import ConfigError, DataError
from ganzoo.protocols import DataSpec
from ganzoo.seeds import generator_for
from ganzoo_datasets.image_array import fingerprint, frequencies

SPLITS = {"train": ("train",), "test": ("test",), "all": ("train", "test")}
FINENESS = 2**20
"""Each draw is rounded to this many steps per standard deviation."""


class Gaussians:
    """Points of a mixture of round Gaussians, in the shape of :class:`ganzoo.protocols.Dataset`.

    Point i belongs to mode i mod K, its label, so that modes are as equally frequent as ``n`` allows.

    Args:
        modes: float64 (K, 2), the centers.
        mode_std: the standard deviation along each axis.
        n: points per split.
        seed: the seed of the points.
        parts: the splits, one after another.
    """

    groups: tuple[str, ...] | None = None

    def __init__(self, modes: Tensor, *, mode_std: float, n: int, seed: int, parts: Sequence[str]) -> None:
        labels = torch.arange(n).remainder(len(modes)).repeat(len(parts))
        self.labels: Tensor | None = labels
        self.modes: Tensor | None = modes
        self.mode_std = mode_std
        self.spec = DataSpec(
            shape=(2,),
            classes=tuple(f"mode-{mode}" for mode in range(len(modes))),
            marginal=frequencies(labels, len(modes)),
        )
        draws = torch.cat([_normal_pairs(n, generator_for(seed, "gaussians", part)) for part in parts])
        self._points = (modes[labels] + mode_std * draws).float()
        digest = hashlib.sha256(b"gaussians, version 1" + self._points.numpy().astype("<f4").tobytes())
        self.fingerprint = fingerprint(digest.hexdigest(), self.spec, labels)

    def __len__(self) -> int:
        return len(self._points)

    def read(self, index: Tensor) -> Tensor:
        """Points at ``index``, float32 (N, 2)."""
        return self._points[index]


def split_parts(name: str, split: str, *, image_size: int | None, channels: int | None) -> tuple[str, ...]:
    """The parts of a split of points.

    Raises:
        DataError: there is no such split.
        ConfigError: a size or channels are given, which points do not have.
    """
    if split not in SPLITS:
        raise DataError(
            f"dataset {name} has no split {split!r}",
            given=split,
            allowed=", ".join(SPLITS),
            hint="--set data.split=train",
        )
    given = {"image_size": image_size, "channels": channels}
    if any(value is not None for value in given.values()):
        raise ConfigError(
            f"dataset {name} holds points in the plane, which have neither size nor channels",
            given=", ".join(f"{key} {value}" for key, value in given.items() if value is not None),
            allowed="null for both",
            hint="leave out --image-size and data.channels, or choose a dataset of images",
        )
    return SPLITS[split]


def _normal_pairs(n: int, generator: torch.Generator) -> Tensor:
    """(n, 2) independent standard normal numbers, by Box and Muller's transform."""
    radius, angle = torch.rand(2, n, dtype=torch.float64, generator=generator)
    radius = (-2 * torch.log1p(-radius)).sqrt()
    angle = 2 * math.pi * angle
    pairs = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
    # Logarithm, sine and cosine differ in the last bit between machines; rounding takes that away. Not torch.randn,
    # whose numbers depend on the instructions of the processor.
    return (pairs * FINENESS).round() / FINENESS
