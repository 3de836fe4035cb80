"""Extractors as an evaluation opens them, the data they may learn from, and pictures to look at."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from ganzoo.errors import ConfigError, DataError
from ganzoo.protocols import DataSpec
from ganzoo.testing.check import NotHere
from ganzoo.testing.metrics.worlds import world_of
from ganzoo.testing.subject import Subject

SHAPES = ((3, 32, 32), (1, 28, 28))
"""Of the data that an extractor may learn from; the second for those that do not take the first."""
DATA = 300
PICTURES = 4
VARIANTS = 4
ROUNDING = 1e-4
"""How far rows may be apart for rounding, as a part of the largest number in them."""


class Waves:
    """Labeled pictures in memory: dark waves whose direction is the class."""

    groups: tuple[str, ...] | None = None
    modes: Tensor | None = None

    def __init__(self, shape: tuple[int, ...]) -> None:
        world = world_of(shape, DATA)
        self.spec: DataSpec = world.spec
        self.fingerprint = f"waves {shape} {DATA}"
        images, labels = world.real.images, world.real.labels
        assert images is not None
        assert labels is not None
        self.labels: Tensor | None = labels
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    def read(self, index: Tensor) -> Tensor:
        """Pictures at ``index``."""
        return self._images[index]


@contextlib.contextmanager
def empty_cache() -> Iterator[Path]:
    """A cache folder that is not there yet."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        yield Path(scratch) / "cache"


def opened(subject: Subject, cache: Path) -> Any:
    """The extractor, for the first data that it can be had for.

    Raises:
        ConfigError: it can be had for none; what it says of the first.
    """
    options: Any = subject.chosen
    refusals: list[ConfigError] = []
    for shape in SHAPES:
        try:
            return options.open(data=Waves(shape), device=torch.device("cpu"), cache=cache)
        except ConfigError as error:
            refusals.append(error)
    raise refusals[0]


@contextlib.contextmanager
def extractor_of(subject: Subject) -> Iterator[Any]:
    """The extractor, from an empty cache."""
    with empty_cache() as cache:
        yield opened(subject, cache)


def no_weights(subject: Subject) -> str | None:
    """Weights that are not on this machine cannot be looked through."""
    return subject.once(_missing)


def _missing(subject: Subject) -> str | None:
    try:
        with extractor_of(subject):
            return None
    except DataError as error:
        return NotHere(error.message)


def pictures(channels: int, height: int, width: int, *, count: int = PICTURES) -> Tensor:
    """Uint8 (N, C, H, W): waves of other directions and lengths, with a little noise."""
    drawn = torch.Generator().manual_seed(height * width)
    row, column = torch.linspace(0, 1, height)[:, None], torch.linspace(0, 1, width)
    angle, length = (torch.rand(count, channels, 1, 1, generator=drawn) for _ in range(2))
    wave = torch.sin(6.28 * (1 + 2 * length) * (angle * row + (1 - angle) * column))
    noise = torch.rand(count, channels, height, width, generator=drawn)
    return (118 + 100 * wave + 20 * noise).to(torch.uint8)


def variants(subject: Subject) -> Iterator[Subject]:
    """The subject, and some with one choice made otherwise or one number, such as a seed, changed a little."""
    yield from islice(_variants(subject), 1 + VARIANTS)


def _variants(subject: Subject) -> Iterator[Subject]:
    yield from subject.choices()
    options = subject.chosen
    for name, value in options:
        if isinstance(value, int) and not isinstance(value, bool):
            with contextlib.suppress(ValidationError):
                yield replace(subject, options=type(options)(**{**dict(options), name: value + 1}))


def close(one: Tensor, other: Tensor) -> bool:
    """Whether rows are alike but for rounding."""
    if one.shape != other.shape:
        return False
    largest = torch.cat([one.flatten(), other.flatten()]).abs().max()
    return bool((one - other).abs().max() <= ROUNDING * largest)
