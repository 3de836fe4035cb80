"""Data for metrics: pictures of three classes and points around known modes, and what generators may make of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from ganzoo.protocols import DataSpec, Features
from ganzoo.testing.subject import VECTORS, images_like

PICTURES, POINTS = (3, 32, 32), VECTORS.shape
RARER = (
    (1, 28, 28),
    (1, 32, 32),
    (3, 64, 64),
    (1, 64, 64),
    (3, 8, 8),
    (3, 16, 16),
    (3, 28, 28),
    (3, 128, 128),
    (3, 256, 256),
)
"""Sizes of pictures for metrics that take neither of the others."""
MODE_STD = 0.01


@dataclass(frozen=True, kw_only=True)
class World:
    """Data as a metric is given them.

    Attributes:
        spec: of the data.
        real: real data, with as many others of the same kind that are held out.
        unseen: as many others of the same kind: what a perfect generator makes.
        flat: as many of one sample that is unlike any real one: what the worst generator makes. Labels are those that
            it was asked for, and so no worse than the others.
    """

    spec: DataSpec
    real: Features
    unseen: Features
    flat: Features


@lru_cache(maxsize=8)
def world_of(shape: tuple[int, ...], count: int) -> World:
    """Pictures (C, H, W) or points (2,), with so many samples of each sort."""
    return _pictures(shape, count) if len(shape) == 3 else _points(count)


def part(features: Features, index: Tensor) -> Features:
    """The samples at ``index``, in this order; modes are not of samples, and held-out data stay as they are."""
    chosen = {
        name: value[index]
        for name in ("images", "labels", "features", "class_probs")
        if (value := getattr(features, name)) is not None
    }
    return replace(features, **chosen)


def copied(features: Features) -> Features:
    """With tensors of its own."""
    found: dict[str, Any] = {field.name: getattr(features, field.name) for field in fields(features)}
    for name, value in found.items():
        if isinstance(value, Tensor):
            found[name] = value.clone()
        elif isinstance(value, Features):
            found[name] = copied(value)
    return Features(**found)


def only(features: Features, needs: frozenset[str]) -> Features:
    """What is needed, and ``None`` for the rest."""
    kept = needs | ({"mode_std"} if "modes" in needs else set())
    found = replace(features, **{field.name: None for field in fields(features) if field.name not in kept})
    return found if found.held_out is None else replace(found, held_out=only(found.held_out, needs))


def changed(before: Features, after: Features) -> list[str]:
    """Fields whose tensors are no longer equal."""
    found = {field.name: (getattr(before, field.name), getattr(after, field.name)) for field in fields(before)}
    names = [name for name, (one, other) in found.items() if isinstance(one, Tensor) and not torch.equal(one, other)]
    if before.held_out is not None and after.held_out is not None:
        names += [f"held_out.{name}" for name in changed(before.held_out, after.held_out)]
    return names


def _pictures(shape: tuple[int, ...], count: int) -> World:
    """Dark waves whose direction is the class, with noise; the worst is white."""
    drawn = torch.Generator().manual_seed(0)
    labels = torch.arange(3 * count) % 3
    channels, height, width = shape
    phase, noise = (
        torch.rand(3 * count, channels, 1, 1, generator=drawn),
        torch.rand(3 * count, *shape, generator=drawn),
    )
    angle = labels.view(-1, 1, 1, 1) * math.pi / 3
    row, column = (torch.arange(height) / height).view(1, 1, -1, 1), (torch.arange(width) / width).view(1, 1, 1, -1)
    wave = torch.sin(2 * math.pi * (2 * (angle.cos() * row + angle.sin() * column) + 0.2 * phase))
    images = (60 + 40 * wave + 20 * noise).to(torch.uint8)
    white = torch.full((count, *shape), 255, dtype=torch.uint8)
    return _world(images_like(*shape), images, labels, white, modes=None, mode_std=None)


def _points(count: int) -> World:
    """Eight round Gaussians on a circle; the worst is one point far outside."""
    drawn = torch.Generator().manual_seed(0)
    angles = torch.arange(8, dtype=torch.float64) * math.pi / 4
    modes = torch.stack([angles.cos(), angles.sin()], 1)
    labels = torch.arange(3 * count) % 8
    spread = MODE_STD * torch.randn(3 * count, 2, generator=drawn, dtype=torch.float64)
    points = (modes[labels] + spread).float()
    spec = replace(VECTORS, classes=tuple("abcdefgh"), marginal=(0.125,) * 8)
    return _world(spec, points, labels, torch.full((count, 2), 9.0), modes=modes, mode_std=MODE_STD)


def _world(
    spec: DataSpec, images: Tensor, labels: Tensor, flat: Tensor, *, modes: Tensor | None, mode_std: float | None
) -> World:
    classes = len(spec.classes)
    sure = torch.nn.functional.one_hot(labels, classes) * 0.98 + 0.02 / classes
    everything = Features(
        images=images,
        labels=labels,
        features=_features(images),
        class_probs=sure,
        modes=modes,
        mode_std=mode_std,
    )
    first, second, third = torch.arange(len(images)).chunk(3)
    worst = Features(
        images=flat,
        labels=labels[: len(flat)],
        features=_features(flat),
        class_probs=torch.full((len(flat), classes), 1 / classes),
        modes=modes,
        mode_std=mode_std,
    )
    real = replace(part(everything, first), held_out=part(everything, third))
    return World(spec=spec, real=real, unseen=part(everything, second), flat=worst)


def _features(images: Tensor) -> Tensor:
    """(N, 12) means over quarters of each channel; of vectors the vectors."""
    if images.dim() == 2:
        return images
    return torch.nn.functional.adaptive_avg_pool2d(images.float() / 255, 2).flatten(1)
