"""Some pictures → one array, and what was learned about them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ganzoo_datasets.files.pixels.picture import Rule, read_picture
from ganzoo_datasets.files.pixels.raster import UnreadablePicture
from ganzoo_datasets.files.seen import Seen
from ganzoo_datasets.files.sources.source import PictureSource

TALKATIVE = ("pydicom", "tifffile")


@dataclass
class Chunk:
    """The result of decoding some pictures.

    Attributes:
        pixels: uint8 (n, C, S, S) of those that could be read, in order.
        files: how many were tried.
        seen: what was learned about them.
        unreadable: name → reason.
    """

    pixels: NDArray[np.uint8]
    files: int
    seen: Seen = field(default_factory=Seen)
    unreadable: dict[str, str] = field(default_factory=dict)


def decode_chunk(source: PictureSource, names: Collection[str], rule: Rule) -> Chunk:
    """Decode pictures one after another; those that cannot be read are told, not raised."""
    pixels = np.empty((len(names), rule.channels, rule.size, rule.size), dtype=np.uint8)
    chunk = Chunk(pixels, len(names))
    kept = 0
    for name in names:
        try:
            picture = read_picture(source, name, rule)
        except UnreadablePicture as error:
            chunk.unreadable[name] = str(error)
            continue
        pixels[kept] = picture.pixels
        kept += 1
        chunk.seen.add(name, picture)
    chunk.pixels = pixels[:kept]
    return chunk


@contextmanager
def without_warnings() -> Iterator[None]:
    """Silence the readers, who name no file and may print what they read; problems are reported here, with the name."""
    loggers = [logging.getLogger(name) for name in TALKATIVE]
    before, nobody = [logger.propagate for logger in loggers], logging.NullHandler()
    for logger in loggers:
        logger.propagate = False
        logger.addHandler(nobody)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        for logger, propagate in zip(loggers, before, strict=True):
            logger.removeHandler(nobody)
            logger.propagate = propagate
