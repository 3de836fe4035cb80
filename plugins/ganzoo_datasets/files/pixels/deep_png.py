"""PNG files with color or transparency and 16 bits per channel, of which Pillow keeps the high byte."""

from __future__ import annotations

from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from ganzoo_datasets.files.pixels.raster import HIDDEN
from ganzoo_datasets.files.pixels.transparency import over_white

WHITE = 65535
DEEP = frozenset(("RGB;16B", "RGBA;16B", "LA;16B"))


def layout(image: ImageFile.ImageFile) -> str | None:
    """How the samples of an opened file lie, if it is such a PNG with a single frame."""
    if image.format != "PNG" or getattr(image, "is_animated", False) or not image.tile:
        return None
    stored = image.tile[0].args
    return stored if isinstance(stored, str) and stored in DEEP else None


def read(file: IO[bytes], samples: str, key: Any) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The values of all 16 bits over white, and the notes.

    Args:
        file: the file.
        samples: as :func:`layout` answers.
        key: the color that counts as transparent, or ``None``.
    """
    if samples == "LA;16B":
        # Four bytes per pixel, read as if they were red, green, blue and alpha.
        stored = _bytes(file, "RGBA").astype(np.int32)
        deep = stored[..., ::2] << 8 | stored[..., 1::2]
    else:
        # Pillow's 16-bit layouts keep one byte of each sample; read as little-endian, that is the low one.
        mode = samples.partition(";")[0]
        deep = _bytes(file, samples).astype(np.int32) << 8 | _bytes(file, f"{mode};16L")
    if samples == "RGB;16B":
        if isinstance(key, tuple):
            deep[(deep == np.array(key)).all(-1)] = WHITE
        return deep, ()
    values, alpha = deep[..., :-1], deep[..., -1]
    values = values[..., 0] if values.shape[-1] == 1 else values
    if not alpha.any():
        return values, (HIDDEN,)
    return over_white(values, alpha, opaque=WHITE, white=WHITE), ()


def _bytes(file: IO[bytes], samples: str) -> NDArray[np.uint8]:
    """One byte of each sample, or all bytes of two."""
    file.seek(0)
    with Image.open(file, formats=("PNG",)) as image:
        image.tile = [tile._replace(args=samples) for tile in image.tile]
        image.load()
        return np.asarray(image)
