"""Photographs and graphics, as Pillow reads them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import IO

import numpy as np
from PIL import Image, UnidentifiedImageError

from ganzoo_datasets.files.pixels.raster import Raster, UnreadablePicture

MAX_PIXELS = 178_956_970
"""A file whose header states more pixels counts as a decompression bomb."""

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
LYING = frozenset((5, 6, 7, 8))


def read(file: IO[bytes], *, at_least: int | None) -> Raster:
    """Decode a picture: transparency over white, CMYK and palette to RGB, EXIF orientation applied, the first frame.

    Raises:
        UnreadablePicture: corrupt, truncated, too large, or with pixels without a stated range.
    """
    with _opened(file) as image:
        color = image.mode not in GRAY_MODES
        # The further pictures of an MPO are other views of the same photograph, made by the camera.
        further = image.format != "MPO" and bool(getattr(image, "is_animated", False))
        size = _upright_size(image)
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        image.load()
        upright = _upright(image)
        if (deep := _sixteen_bit(upright, image.format)) is not None:
            return Raster(deep, (0, 65535), color, further, size)
        flat = _over_white(upright)
        return Raster(np.asarray(flat.convert("RGB" if color else "L")), (0, 255), color, further, size)


def size_of(file: IO[bytes]) -> tuple[int, int]:
    """Width and height, upright, from the header alone.

    Raises:
        UnreadablePicture: even the header cannot be read.
    """
    with _opened(file) as image:
        return _upright_size(image)


@contextmanager
def _opened(file: IO[bytes]) -> Iterator[Image.Image]:
    """Pillow raises nearly every kind of exception on broken files, so all mean the same here."""
    try:
        with Image.open(file, formats=_formats()) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError(
                    f"Image size ({image.width * image.height} pixels) exceeds limit of {MAX_PIXELS} pixels"
                )
            yield image
    except UnreadablePicture:
        raise
    except Exception as error:
        raise UnreadablePicture(_reason(file, error)) from error


@cache
def _formats() -> tuple[str, ...]:
    """Those of :data:`FORMATS` that this build of Pillow can read."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _reason(file: IO[bytes], error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not a picture" if file.seek(0, 2) else "an empty file"
    if isinstance(error, Image.DecompressionBombError):
        return f"a decompression bomb? {error}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"corrupt: {error or type(error).__name__}"


def _orientation(image: Image.Image) -> int | None:
    try:
        turn = image.getexif().get(ORIENTATION)
    except Exception:
        # The pixels are whole; broken metadata is no reason to lose them.
        return None
    return turn if isinstance(turn, int) else None


def _upright(image: Image.Image) -> Image.Image:
    turn = UPRIGHT.get(_orientation(image) or 1)
    return image if turn is None else image.transpose(turn)


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    return (height, width) if _orientation(image) in LYING else (width, height)


def _sixteen_bit(image: Image.Image, kind: str | None) -> np.ndarray | None:
    """The values of a gray picture of 16 bits, ``None`` for 8 bits."""
    if image.mode.startswith("I;16") or (image.mode == "I" and kind in ("PNG", "PPM")):
        values = np.asarray(image).astype(np.int32)
        transparent = image.info.get("transparency")
        if isinstance(transparent, int):
            values[values == transparent] = 65535
        return values
    if image.mode in ("I", "F"):
        raise UnreadablePicture("32-bit pixels have no stated range; save it with 8 or 16 bits per channel")
    return None


def _over_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
