"""One picture file of any size and mode → a square uint8 array: all rules about pixels."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

MAX_PIXELS = 178_956_970
"""A file whose header states more pixels counts as a decompression bomb."""

WEB_SUFFIXES = (".apng", ".avif", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".webp")
OTHER_SUFFIXES = (".bmp", ".dib", ".jp2", ".pbm", ".pgm", ".pnm", ".ppm", ".tga", ".tif", ".tiff")
SUFFIXES = frozenset((*WEB_SUFFIXES, *OTHER_SUFFIXES))
# A closed list, since some of Pillow's formats (EPS) start other programs. TGA has no signature, so it comes last.
FORMATS = ("JPEG", "PNG", "MPO", "WEBP", "AVIF", "BMP", "DIB", "GIF", "JPEG2000", "PPM", "TIFF", "TGA")
GRAY_MODES = frozenset(("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N"))
ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadablePicture(Exception):
    """Why a file cannot be used."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: uint8 (C, S, S).
        color: whether the file's mode has color, whatever its pixels.
        animated: whether further frames or pages were left out.
    """

    pixels: NDArray[np.uint8]
    color: bool
    animated: bool


def read_picture(path: Path, *, size: int, channels: int) -> Picture:
    """Decode a file in full; resize the shorter side to ``size`` (Lanczos), crop the center, ``channels`` 1 or 3.

    16-bit gray is divided by 257, transparency is laid over white, CMYK and palette become RGB, EXIF orientation is
    applied, and an animation gives its first frame.

    Raises:
        UnreadablePicture: corrupt, truncated, too large, not readable, or with pixels without a stated range.
    """
    with _opened(path) as image:
        color = image.mode not in GRAY_MODES
        # The further pictures of an MPO are other views of the same photograph, made by the camera.
        animated = image.format != "MPO" and bool(getattr(image, "is_animated", False))
        # A JPEG decodes several times faster to half, a quarter or an eighth of its size; at least 2·size stays.
        image.draft(None, (2 * size, 2 * size))
        image.load()
        upright = _upright(image)
        flat = _over_white(_eight_bit(upright, image.format)).convert("RGB" if channels == 3 else "L")
        pixels = np.asarray(center_square(flat, size))
    return Picture(pixels.reshape(size, size, channels).transpose(2, 0, 1), color, animated)


def shorter_side(path: Path) -> int | None:
    """The shorter side in pixels, from the header alone; ``None`` when even that cannot be read."""
    try:
        with _opened(path) as image:
            return min(image.size)
    except UnreadablePicture:
        return None


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Pillow raises nearly every kind of exception on broken files, so all mean the same here."""
    try:
        # A pipe with the name of a picture would block for ever.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise UnreadablePicture("not a regular file")
        with Image.open(path, formats=_formats()) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError(
                    f"Image size ({image.width * image.height} pixels) exceeds limit of {MAX_PIXELS} pixels"
                )
            yield image
    except UnreadablePicture:
        raise
    except Exception as error:
        raise UnreadablePicture(_reason(path, error)) from error


@cache
def _formats() -> tuple[str, ...]:
    """Those of :data:`FORMATS` that this build of Pillow can read."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _reason(path: Path, error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not a picture" if os.path.getsize(path) else "an empty file"
    if isinstance(error, Image.DecompressionBombError):
        return f"a decompression bomb? {error}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"corrupt: {error or type(error).__name__}"


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(ORIENTATION)
    except Exception:
        # The pixels are whole; broken metadata is no reason to lose them.
        return image
    turn = UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _eight_bit(image: Image.Image, kind: str | None) -> Image.Image:
    if image.mode.startswith("I;16") or (image.mode == "I" and kind in ("PNG", "PPM")):
        values = np.asarray(image).astype(np.int64)
        transparent = image.info.get("transparency")
        if isinstance(transparent, int):
            values[values == transparent] = 65535
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise UnreadablePicture("32-bit pixels have no stated range; save it with 8 or 16 bits per channel")
    return image


def _over_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)


def center_square(image: Image.Image, size: int) -> Image.Image:
    """The center square, resized to ``size`` by Lanczos filtering."""
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    if side == size:
        # A crop by half a pixel would blur a picture that needs no resizing.
        left, top = left // 1, top // 1
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
