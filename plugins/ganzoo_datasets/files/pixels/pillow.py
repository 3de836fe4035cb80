"""Photographs and graphics, as Pillow reads them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from ganzoo_datasets.files.pixels import deep_png, jpeg_end
from ganzoo_datasets.files.pixels.orientation import TAG, upright, upright_size
from ganzoo_datasets.files.pixels.raster import (
    BESIDE_COLOR,
    HIDDEN,
    NO_END,
    Raster,
    UnreadablePicture,
    refuse_bombs,
)

# A closed list, since some of Pillow's formats (EPS) start other programs. TGA has no signature, so it comes last.
FORMATS = ("JPEG", "PNG", "MPO", "WEBP", "AVIF", "BMP", "DIB", "GIF", "JPEG2000", "PPM", "TIFF", "TGA")
GRAY_MODES = frozenset(("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N"))


def read(file: IO[bytes], *, at_least: int | None) -> Raster:
    """Decode a picture: transparency over white, CMYK and palette to RGB, EXIF orientation applied, the first frame.

    Raises:
        UnreadablePicture: corrupt, truncated, too large, or with pixels without a stated range.
    """
    try:
        return _read(file, at_least)
    except UnreadablePicture:
        whole = jpeg_end.completed(file)
        if whole is None:
            raise
    raster = _read(io.BytesIO(whole), at_least)
    return replace(raster, notes=(NO_END, *raster.notes))


def size_of(file: IO[bytes]) -> tuple[int, int]:
    """Width and height, upright, from the header alone.

    Raises:
        UnreadablePicture: even the header cannot be read.
    """
    with _opened(file) as image:
        return upright_size(image.size, _orientation(image))


def raw_gray(file: IO[bytes]) -> NDArray[Any]:
    """The values of a gray picture of 12 or 16 bits as they are stored, neither scaled nor turned.

    Raises:
        UnreadablePicture: it is not one, or corrupt.
    """
    with _opened(file) as image:
        if not image.mode.startswith("I;16"):
            raise UnreadablePicture(f"Pillow reads it as {image.mode}, not as gray of 12 or 16 bits")
        return np.asarray(image).astype(np.int32)


def _read(file: IO[bytes], at_least: int | None) -> Raster:
    with _opened(file) as image:
        deep = deep_png.layout(image)
        color = image.mode not in GRAY_MODES and deep != "LA;16B"
        # The further pictures of an MPO are other views of the same photograph, made by the camera.
        further = image.format != "MPO" and bool(getattr(image, "is_animated", False))
        stored = image.size
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        # Before all else: Pillow tells of broken pixels at the first attempt alone, and asking for a tag may be one.
        image.load()
        turn = _orientation(image)
        size = upright_size(stored, turn)
        if deep is not None:
            values, notes = deep_png.read(file, deep, image.info.get("transparency"))
            return Raster(upright(values, turn), (0, 65535), color, further, size, notes=notes)
        if (gray := _sixteen_bit(image)) is not None:
            return Raster(upright(gray, turn), (0, 65535), color, further, size)
        flat, notes = _over_white(image, file)
        values = np.asarray(flat.convert("RGB" if color else "L"))
        return Raster(upright(values, turn), (0, 255), color, further, size, notes=notes)


def reads_alone() -> bool:
    """Whether Pillow's own plugins read every format, and none that this program has registered."""
    return all(Image.OPEN[name][0].__module__.startswith("PIL.") for name in _formats())


@contextmanager
def _opened(file: IO[bytes]) -> Iterator[ImageFile.ImageFile]:
    """Pillow raises nearly every kind of exception on broken files, so all mean the same here."""
    file.seek(0)
    try:
        with Image.open(file, formats=_formats()) as image:
            refuse_bombs(*image.size)
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


def _orientation(image: Image.Image) -> int:
    try:
        turn = image.getexif().get(TAG)
    except Exception:
        # The pixels are whole; broken metadata is no reason to lose them.
        return 1
    return turn if isinstance(turn, int) else 1


def _sixteen_bit(image: Image.Image) -> NDArray[Any] | None:
    """The values of a gray picture of 16 bits, ``None`` for 8 bits."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        values = np.asarray(image).astype(np.int32)
        transparent = image.info.get("transparency")
        if isinstance(transparent, int):
            values[values == transparent] = 65535
        return values
    if image.mode in ("I", "F"):
        raise UnreadablePicture(f"Pillow reads its pixels as {image.mode}, for which {image.format} states no range")
    return None


def _over_white(image: Image.Image, file: IO[bytes]) -> tuple[Image.Image, tuple[str, ...]]:
    """The picture without transparency, and the notes."""
    if not image.has_transparency_data:
        return image, ()
    layer = image.convert("RGBA")
    lowest, highest = layer.getchannel("A").getextrema()
    if lowest == 255:
        return layer, ()
    if image.format == "TGA" and _without_alpha_bits(file):
        return layer.convert("RGB"), (BESIDE_COLOR,)
    if highest == 0:
        return layer.convert("RGB"), (HIDDEN,)
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer), ()


def _without_alpha_bits(file: IO[bytes]) -> bool:
    """Whether a TGA states that the fourth byte of its pixels is no alpha: the low bits of byte 17."""
    file.seek(17)
    return file.read(1)[0] & 0x0F == 0
