"""HEIC and HEIF, as phones write them."""

from __future__ import annotations

from typing import IO, Any

import numpy as np

from ganzoo_datasets.files.pixels.raster import Raster, UnreadablePicture, refuse_bombs

BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))
INSTALL = "pip install 'ganzoo[heic]'"


def is_heif(start: bytes) -> bool:
    """By the first bytes of a file. AVIF begins in the same way, with a brand of its own, and Pillow reads it."""
    return start[4:8] == b"ftyp" and start[8:12] in BRANDS and b"avif" not in start[:64]


def read(file: IO[bytes], *, at_least: int | None) -> Raster:
    """Decode the main picture, upright, transparency over white.

    Raises:
        UnreadablePicture: corrupt, or pillow-heif is not installed.
    """
    opened = _opened(file)
    try:
        image = opened.to_pillow()
    except Exception as error:
        raise UnreadablePicture(f"corrupt: {error or type(error).__name__}") from error
    from PIL import Image

    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    color = opened.mode not in ("L", "LA")
    return Raster(np.asarray(image.convert("RGB" if color else "L")), (0, 255), color)


def size_of(file: IO[bytes]) -> tuple[int, int]:
    """Width and height, upright.

    Raises:
        UnreadablePicture: the header cannot be read, or pillow-heif is not installed.
    """
    width, height = _opened(file).size
    return width, height


def _opened(file: IO[bytes]) -> Any:
    """Opened by itself: its plugin for Pillow would change what the whole process reads."""
    try:
        import pillow_heif
    except ImportError as error:
        raise UnreadablePicture(f"HEIC needs pillow-heif: {INSTALL}") from error
    file.seek(0)
    try:
        opened = pillow_heif.open_heif(file)
    except Exception as error:
        raise UnreadablePicture(f"corrupt: {error or type(error).__name__}") from error
    refuse_bombs(*opened.size)
    return opened
