"""TIFF files. What Pillow reads right is left to it; the rest is decoded by tifffile, as the tags state it.

Pillow 13 scales 12 bits as if they were 16, inverts white-is-zero with 8 bits but not with 16, reads signed values as
unsigned ones, and mixes up the planes of 16-bit color. What both read is compared in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from ganzoo_datasets.files.pixels import pillow
from ganzoo_datasets.files.pixels.orientation import TAG, upright, upright_size
from ganzoo_datasets.files.pixels.raster import BESIDE_COLOR, HIDDEN, Raster, UnreadablePicture, refuse_bombs
from ganzoo_datasets.files.pixels.scaling import Range
from ganzoo_datasets.files.pixels.transparency import over_white

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
BANDS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3}
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
PREMULTIPLIED, SEPARATE = 1, 2
"""Kinds of transparency among the extra samples."""

INSTALL = "pip install 'ganzoo[medical]'"


@dataclass(frozen=True)
class Form:
    """What the tags of a page say about its samples.

    Attributes:
        colors: the photometric interpretation.
        bands: samples per pixel.
        bits: per sample.
        numbers: unsigned, signed, or float.
        alpha: ``PREMULTIPLIED``, ``SEPARATE``, or 0 where no band is transparency.
        turn: orientation.
    """

    colors: int
    bands: int
    bits: int
    numbers: int
    alpha: int
    turn: int

    @property
    def beside(self) -> int:
        """How many bands are not colors."""
        return self.bands - BANDS[self.colors]

    @property
    def left_to_pillow(self) -> bool:
        """Whether Pillow reads such files right, in every compression that it knows."""
        if self.numbers != UNSIGNED or (self.beside and not self.alpha):
            return False
        if self.beside:
            return self.bits == 8 and (self.colors == RGB or (self.colors == BLACK_IS_ZERO and self.alpha == SEPARATE))
        return self.bits == 8 or (self.bits in (1, 2, 4) and BANDS[self.colors] == 1)

    @property
    def stated(self) -> Range | None:
        """The range of the numbers; 32 bits and floats are used for units that no tag names."""
        if self.bits > 16 or self.numbers == FLOAT:
            return None
        return (
            (0, 2**self.bits - 1) if self.numbers == UNSIGNED else (-(2 ** (self.bits - 1)), 2 ** (self.bits - 1) - 1)
        )


def read(file: IO[bytes], *, at_least: int | None) -> Raster:
    """Decode the first page: alpha over white, and the orientation applied.

    Raises:
        UnreadablePicture: and why.
    """
    with _first_page(file) as (tiff, page):
        form, further = _form(page), _has_more(tiff)
        if not form.left_to_pillow:
            return _raster(_values(file, page, form), form, further=further)
    return replace(pillow.read(file, at_least=at_least), further=further)


def size_of(file: IO[bytes]) -> tuple[int, int]:
    """Width and height, upright, from the tags alone.

    Raises:
        UnreadablePicture: even they cannot be read.
    """
    with _first_page(file) as (_, page):
        return upright_size((page.imagewidth, page.imagelength), _turn(page))


@contextmanager
def _first_page(file: IO[bytes]) -> Iterator[tuple[tifffile.TiffFile, tifffile.TiffPage]]:
    file.seek(0)
    try:
        with tifffile.TiffFile(file) as tiff:
            page = tiff.pages.first
            refuse_bombs(page.imagewidth, page.imagelength)
            yield tiff, page
    except UnreadablePicture:
        raise
    except Exception as error:
        # Like Pillow, tifffile raises many kinds of exceptions on broken files.
        raise UnreadablePicture(f"corrupt: {error or type(error).__name__}") from error


def _form(page: tifffile.TiffPage) -> Form:
    """The form of a page.

    Raises:
        UnreadablePicture: it is none of a picture.
    """
    if page.imagedepth > 1:
        raise UnreadablePicture(f"it is a volume of {page.imagedepth} slices, not a picture")
    if page.photometric not in BANDS:
        raise UnreadablePicture(f"its colors are {_name(page.photometric)}, which are not read")
    bits, numbers = _same(page.bitspersample, "bits per sample"), _same(page.sampleformat, "sample formats")
    if numbers not in (UNSIGNED, SIGNED, FLOAT):
        raise UnreadablePicture(f"its samples are {_name(page.sampleformat)}, which are not read")
    extra = tuple(int(one) for one in page.extrasamples)
    bands, colors = page.samplesperpixel, BANDS[page.photometric]
    alpha = extra[0] if len(extra) == 1 and extra[0] in (PREMULTIPLIED, SEPARATE) else 0
    form = Form(int(page.photometric), bands, bits, numbers, alpha, _turn(page))
    if form.beside not in (0, 1) or (form.beside and not alpha and colors != 3):
        raise UnreadablePicture(
            f"it has {bands} bands; pictures have 1 (gray) or 3 (color), and at most one more, for transparency"
        )
    if not form.left_to_pillow and form.colors not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB):
        raise UnreadablePicture(f"its colors are {_name(page.photometric)} of {bits} bits; only 8 bits are read")
    if numbers == SIGNED and bits not in (8, 16, 32, 64):
        raise UnreadablePicture(f"its samples are signed with {bits} bits; only 8, 16 and 32 are read")
    return form


def _same(values: Any, what: str) -> int:
    different = set(values) if isinstance(values, tuple) else {values}
    if len(different) > 1:
        raise UnreadablePicture(f"its bands have different {what}: {', '.join(map(str, sorted(different)))}")
    return int(different.pop())


def _turn(page: tifffile.TiffPage) -> int:
    turn = page.tags.valueof(TAG, 1)
    return turn if isinstance(turn, int) else 1


def _name(code: Any) -> str:
    return str(getattr(code, "name", code)).replace("_", " ").lower()


def _values(file: IO[bytes], page: tifffile.TiffPage, form: Form) -> NDArray[Any]:
    """The samples as they are stored, (H, W) or (H, W, bands)."""
    _check_whole(file, page)
    try:
        stored = page.asarray()
    except (ImportError, NotImplementedError, ValueError) as error:
        if not isinstance(error, ImportError) and "imagecodecs" not in str(error):
            raise
        # Pillow keeps these values as they are; the tests compare them.
        if form.bands == 1 and form.numbers == UNSIGNED and form.bits in (12, 16):
            return pillow.raw_gray(file)
        packed = "" if page.compression == 1 else f", {_name(page.compression)} compressed"
        raise UnreadablePicture(f"pixels of {form.bits} bits{packed}, need imagecodecs: {INSTALL}") from error
    return stored if form.bands == 1 else np.moveaxis(stored, page.axes.index("S"), -1)


def _check_whole(file: IO[bytes], page: tifffile.TiffPage) -> None:
    """What is missing in a file would become zeros."""
    end = file.seek(0, 2)
    parts = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    if not parts or any(not size or start + size > end for start, size in parts):
        raise UnreadablePicture("corrupt: image file is truncated")


def _has_more(tiff: tifffile.TiffFile) -> bool:
    """Whether there are further pages; smaller copies of the first one are none."""
    if tiff.is_imagej and (tiff.imagej_metadata or {}).get("images", 1) > 1:
        return True
    # Not len(tiff.pages), which looks for all pages of a long file.
    try:
        second = tiff.pages[1]
    except IndexError:
        return False
    return not (isinstance(second, tifffile.TiffPage) and second.is_reduced)


def _raster(values: NDArray[Any], form: Form, *, further: bool) -> Raster:
    inverted = form.colors == WHITE_IS_ZERO
    notes: tuple[str, ...] = ()
    if form.beside:
        colors, beside = values[..., :-1], values[..., -1]
        values = colors[..., 0] if colors.shape[-1] == 1 else colors
        if form.alpha and form.stated is None:
            raise UnreadablePicture(f"it has transparency of {form.bits} bits, which states no range")
        if not form.alpha:
            notes = (BESIDE_COLOR,)
        elif not beside.any():
            notes = (HIDDEN,)
        else:
            opaque = int(form.stated[1]) if form.stated else 1
            premultiplied = form.alpha == PREMULTIPLIED
            values = over_white(
                values, beside, opaque=opaque, white=0 if inverted else opaque, premultiplied=premultiplied
            )
    return Raster(
        upright(values, form.turn),
        form.stated,
        color=form.colors == RGB,
        further=further,
        inverted=inverted,
        notes=notes,
    )
