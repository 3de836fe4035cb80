"""Which reader takes a file, by its ending."""

from __future__ import annotations

import os
from typing import IO

from ganzoo_datasets.files.pixels import pillow
from ganzoo_datasets.files.pixels.raster import Raster, UnreadablePicture

WEB_SUFFIXES = (".apng", ".avif", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".webp")
OTHER_SUFFIXES = (".bmp", ".dib", ".jp2", ".pbm", ".pgm", ".pnm", ".ppm", ".tga", ".tif", ".tiff")
SUFFIXES = frozenset((*WEB_SUFFIXES, *OTHER_SUFFIXES))
"""Endings of pictures that are read, in lower case."""


def is_picture(name: str) -> bool:
    """By its name alone: a broken file or link counts, and is named when it cannot be decoded."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def read(file: IO[bytes], name: str, *, at_least: int | None) -> Raster:
    """Decode a file.

    Raises:
        UnreadablePicture: and why.
    """
    return pillow.read(file, at_least=at_least)


def size_of(file: IO[bytes], name: str) -> tuple[int, int] | None:
    """Width and height from the header alone; ``None`` when even that cannot be read."""
    try:
        return pillow.size_of(file)
    except UnreadablePicture:
        return None
