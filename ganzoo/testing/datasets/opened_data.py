"""How checks open data, and in how many ways."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from ganzoo.errors import ConfigError, DataError
from ganzoo.testing.subject import Subject

SIDE = 16
"""The side of the images that most checks look at, if there are such: all of them are read, again and again."""
MOST = 2048
"""So many items stand for all."""
SPLITS = ("train", "val", "test", "all")


def open_data(
    subject: Subject,
    cache: Path,
    *,
    image_size: int | None = None,
    channels: int | None = None,
    split: str = "train",
) -> Any:
    """The data as a run opens them."""
    options: Any = subject.chosen
    return options.open(image_size=image_size, channels=channels, split=split, cache=cache)


@contextlib.contextmanager
def empty_cache() -> Iterator[Path]:
    """A cache folder that is not there yet, as at a user's first run."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        yield Path(scratch) / "cache"


def side_of(subject: Subject, cache: Path) -> int | None:
    """A small side that the data can be had in; ``None`` leaves it to them."""
    try:
        open_data(subject, cache, image_size=SIDE)
    except (ConfigError, DataError):
        return None
    return SIDE


@contextlib.contextmanager
def small_data(subject: Subject) -> Iterator[Any]:
    """The data with small images, if there are such, and an empty cache."""
    with empty_cache() as cache:
        try:
            data = open_data(subject, cache, image_size=SIDE)
        except (ConfigError, DataError):
            data = open_data(subject, cache)
        yield data


def on_data(look: Callable[[Any], None]) -> Callable[[Subject], None]:
    """A check of the opened data alone."""

    @wraps(look)  # a check belongs to the module of what it looks at
    def run(subject: Subject) -> None:
        with small_data(subject) as data:
            look(data)

    return run


def some(data: Any, most: int = 64) -> Tensor:
    """Positions of items, evenly spread, the first and the last among them."""
    return torch.linspace(0, len(data) - 1, min(len(data), most), dtype=torch.float64).round().long()


@dataclass(frozen=True)
class Content:
    """What data hold, as hashes.

    Attributes:
        tensors: of items and labels.
        visible: of all that a run can see of them.
        whole: whether every item was read.
    """

    tensors: str
    visible: str
    whole: bool


def content_of(data: Any) -> Content:
    """Read the data, or evenly spread items of them where they are many."""
    tensors = hashlib.sha256(str(len(data)).encode())
    for index in torch.split(some(data, MOST), 512):
        _add(tensors, data.read(index))
    if data.labels is not None:
        _add(tensors, data.labels)
    visible = tensors.copy()
    visible.update(repr((data.spec, data.groups)).encode())
    if data.modes is not None:
        _add(visible, data.modes)
    return Content(tensors.hexdigest(), visible.hexdigest(), len(data) <= MOST)


def look_at(subject: Subject) -> tuple[str, Content]:
    """Fingerprint and content, from an empty cache."""
    with small_data(subject) as data:
        return data.fingerprint, content_of(data)


def _add(seen: Any, tensor: Tensor) -> None:
    seen.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
    seen.update(tensor.contiguous().numpy().tobytes())


def openings(subject: Subject, cache: Path) -> Iterator[tuple[str, Any]]:
    """The data opened in all ways that are near at hand, each with words that say how."""
    side = side_of(subject, cache)
    ways: list[tuple[Subject, dict[str, Any]]] = [(subject, {"split": split}) for split in SPLITS]
    ways += [(subject, {"channels": channels}) for channels in (1, 3)]
    ways += [(subject, {"image_size": side + 8})] if side else []
    ways += [(one, {}) for one in (*subject.choices(), *_other_numbers(subject)) if one is not subject]
    for one, asked in ways:
        words = subject.difference(one) or ", ".join(f"{name}={value!r}" for name, value in asked.items())
        with contextlib.suppress(ConfigError, DataError):
            yield words, open_data(one, cache, **{"image_size": side, **asked})


def _other_numbers(subject: Subject) -> Iterator[Subject]:
    """With one number, such as a seed, changed a little."""
    options = subject.chosen
    for name, value in options:
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        for other in (value + 1, value - 1) if isinstance(value, int) else (value * 2, value / 2):
            with contextlib.suppress(ValidationError):
                yield replace(subject, options=type(options)(**{**dict(options), name: other}))
                break


def without(name: str) -> Callable[[Subject], str | None]:
    """Skip data that lack what they need not have."""

    def reason(subject: Subject) -> str | None:
        with small_data(subject) as data:
            return f"it has no {name}" if getattr(data, name, None) is None else None

    return reason
