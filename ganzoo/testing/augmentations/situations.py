"""Augmentations as a run builds them, fresh and after updates, and what they are given."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ganzoo.errors import ConfigError
from ganzoo.protocols import Augmentation, DataSpec
from ganzoo.testing.check import demand
from ganzoo.testing.subject import Subject, images_like

GRAY, COLORED = images_like(1, 6, 5), images_like(3, 7, 9)
SPECS = (GRAY, COLORED)
MANY_LOGITS = 2**18
"""In one update: what adapts to the number of images it has seen is to move at once."""


def augmentation_of(subject: Subject, spec: DataSpec, *, seed: int = 0) -> Augmentation:
    """The augmentation as a run gets it."""
    part: Augmentation = subject.build(spec, seed=seed)
    return part


def usable(subject: Subject) -> list[DataSpec]:
    """Images that it can be built for: gray, colored, or both."""
    found = []
    for spec in SPECS:
        try:
            augmentation_of(subject, spec)
        except ConfigError:
            continue
        found.append(spec)
    demand(found, "it refuses gray images and colored ones")
    return found


def situations(subject: Subject) -> Iterator[tuple[str, Augmentation, DataSpec]]:
    """Fresh, and after updates in which D was right of all images, or wrong; in words, and for which data."""
    for spec in usable(subject):
        yield f"for images {spec.shape}", augmentation_of(subject, spec), spec
        if type(augmentation_of(subject, spec)).after_update is Augmentation.after_update:
            continue
        for sign in (1.0, -1.0):
            adapted = augmentation_of(subject, spec)
            teach(adapted, sign, updates=8)
            yield f"for images {spec.shape}, after updates with logits {sign:g},", adapted, spec


def teach(part: Augmentation, sign: float, *, updates: int) -> None:
    """Updates of D with many logits of one sign, maps and single ones by turns."""
    for update in range(updates):
        shape = (MANY_LOGITS // 4, 1, 2, 2) if update % 2 else (MANY_LOGITS,)
        part.after_update(real=torch.full(shape, sign))


def batch(spec: DataSpec, n: int = 6, *, dtype: torch.dtype = torch.float64) -> Tensor:
    """Noise within (-1, 1)."""
    drawn = torch.rand(n, *spec.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (1.8 * drawn - 0.9).to(dtype)


def drawn(part: Augmentation, n: int, *, seed: int = 0) -> Tensor:
    """Its random numbers."""
    return part.draw(n, random=torch.Generator().manual_seed(seed))
