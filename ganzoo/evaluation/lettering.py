"""Text on pictures, in the font that comes with Pillow: names beside the rows of a grid, a line above a picture."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache

from PIL import Image, ImageDraw, ImageFont

SMALLEST, LARGEST = 10, 32
"""Font sizes in pixels."""
NO_LETTER = "\uffff"
"""Never a character, so the font draws its sign for a missing letter."""


def with_names(picture: Image.Image, names: Sequence[str]) -> Image.Image:
    """The picture with a name beside each of its equally high rows, in a white margin to the left.

    The margin is about half as wide as the picture at most; what is longer is shortened.
    """
    row = picture.height / len(names)
    size = min(max(round(row / 4), SMALLEST), LARGEST)
    shown = [shortened(legible(name), size, picture.width // 2) for name in names]
    margin = max(width_of(text, size) for text in shown) + size
    sheet = Image.new(picture.mode, (margin + picture.width, picture.height), "white")
    sheet.paste(picture, (margin, 0))
    draw = ImageDraw.Draw(sheet)
    for number, text in enumerate(shown):
        draw.text((margin - size // 2, round((number + 0.5) * row)), text, fill="black", anchor="rm", font_size=size)
    return sheet


def with_caption(picture: Image.Image, text: str) -> Image.Image:
    """The picture below a line of text on white."""
    size = min(max(picture.width // 40, 14), LARGEST)
    shown = shortened(legible(text), size, picture.width - size // 2)
    height = 2 * size
    sheet = Image.new(picture.mode, (picture.width, height + picture.height), "white")
    sheet.paste(picture, (0, height))
    ImageDraw.Draw(sheet).text((size // 4, height // 2), shown, fill="black", anchor="lm", font_size=size)
    return sheet


def shortened(text: str, size: int, width: int) -> str:
    """The text, its end replaced by ``…`` as far as it does not fit into ``width`` pixels."""
    if width_of(text, size) <= width:
        return text
    fitting = bisect_right(range(len(text)), width, key=lambda length: width_of(f"{text[:length]}…", size)) - 1
    return f"{text[: max(fitting, 0)]}…"


def width_of(text: str, size: int) -> int:
    """Pixels that a line of text takes."""
    return round(_font(size).getlength(text) + 0.5)


def legible(text: str) -> str:
    """The text in one line, in letters that the font has; others become the letter below their marks, or their code."""
    return "".join(map(_drawable, " ".join(unicodedata.normalize("NFC", text).split())))


@cache
def _drawable(letter: str) -> str:
    font = _font(LARGEST)
    missing = bytes(font.getmask(NO_LETTER))
    without_marks = unicodedata.normalize("NFKD", letter)[0]
    found = (one for one in (letter, without_marks) if bytes(font.getmask(one)) != missing)
    return next(found, f"\\u{ord(letter):04x}")


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
