"""A contact sheet of data: some items of each class, as the networks get to see them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import torch
from PIL import Image, ImageDraw, ImageFont

from ganzoo.evaluation.pictures import framed, scatter, to_image
from ganzoo.planning.overview import Overview
from ganzoo.protocols import Dataset

CELL, GAP = 96, 4
"""Pixels per side that an image is brought to, and between two."""
COLUMNS, ROWS = 10, 6
MOST_CLASSES = 20
POINTS = 2048
MARGIN, BETWEEN = 12, 16
"""Pixels around everything, and between two classes side by side."""
LINE, TITLE, CAPTION = 22, 15, 13
"""Height of a line of text, and the sizes of the letters in a title and in the caption."""
FONTS = ("DejaVuSans.ttf", "Arial Unicode.ttf", "Arial.ttf", "arial.ttf")
INK, FAINT = (20, 20, 20), (110, 110, 110)


def data_sheet(dataset: Dataset, seen: Overview) -> Image.Image:
    """A row of images for each class, with name and count, or a block of images; of points, a scatter plot.

    The items are spread evenly over the dataset, so the same data make the same sheet.
    """
    if seen.channels is None:
        points = dataset.read(_spread(torch.arange(len(dataset)), POINTS))
        return framed(scatter(points, points))
    size, titled = _cell(seen.shape), _titled(dataset, seen)
    limit = COLUMNS * (size[0] + GAP) - GAP
    rows = [(title, _row([_fitted(image, size) for image in dataset.read(places)])) for title, places in titled]
    return _sheet([_block(title, row, limit) for title, row in rows], _caption(seen, len(rows)), limit)


def _titled(dataset: Dataset, seen: Overview) -> list[tuple[str, torch.Tensor]]:
    """Title of each row, empty without classes, and the places of its items."""
    if dataset.labels is None or not seen.classes:
        return [("", part) for part in torch.split(_spread(torch.arange(len(dataset)), COLUMNS * ROWS), COLUMNS)]
    occurring = [(number, name, count) for number, (name, count) in enumerate(seen.classes.items()) if count]
    return [
        (f"{_drawable(name, number)} ({count:,})", _spread((dataset.labels == number).nonzero().flatten(), COLUMNS))
        for number, name, count in occurring[:MOST_CLASSES]
    ]


def _spread(places: torch.Tensor, count: int) -> torch.Tensor:
    """Up to ``count`` places, evenly spread from the first to the last."""
    count = min(count, len(places))
    return places[torch.linspace(0, len(places) - 1, count, dtype=torch.float64).round().long()]


def _cell(shape: Sequence[int]) -> tuple[int, int]:
    """Width and height of an image on the sheet: small ones are enlarged by a whole factor, large ones shrunk."""
    _, height, width = shape
    side = max(width, height)
    scale = CELL / side if side > 1.5 * CELL else max(1, round(CELL / side))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _fitted(image: torch.Tensor, size: tuple[int, int]) -> Image.Image:
    picture = to_image(image).convert("RGB")
    grows = size[0] >= picture.width
    return picture.resize(size, Image.Resampling.NEAREST if grows else Image.Resampling.LANCZOS)


def _row(pictures: Sequence[Image.Image]) -> Image.Image:
    width, height = pictures[0].size
    row = Image.new("RGB", (len(pictures) * (width + GAP) - GAP, height), "white")
    for number, picture in enumerate(pictures):
        row.paste(picture, (number * (width + GAP), 0))
    return row


def _block(title: str, row: Image.Image, limit: int) -> Image.Image:
    """A row of images under its title, if it has one."""
    title = _shortened(title, TITLE, limit)
    head, width = LINE if title else 0, max(row.width, math.ceil(_font(TITLE).getlength(title)))
    block = Image.new("RGB", (width, head + row.height), "white")
    ImageDraw.Draw(block).text((0, head - 4), title, fill=INK, anchor="ls", font=_font(TITLE))
    block.paste(row, (0, head))
    return block


def _sheet(blocks: Sequence[Image.Image], caption: str, limit: int) -> Image.Image:
    """Blocks from left to right, as many as fit beside each other, and a caption at the foot."""
    places, left, top, below = [], 0, 0, 0
    for block in blocks:
        if left and left + block.width > limit:
            left, top = 0, below
        places.append((MARGIN + left, MARGIN + top))
        left += block.width + BETWEEN
        below = max(below, top + block.height + GAP)
    caption = _shortened(caption, CAPTION, limit)
    right = max(place[0] + block.width for place, block in zip(places, blocks, strict=True))
    right = max(right, MARGIN + math.ceil(_font(CAPTION).getlength(caption)))
    sheet = Image.new("RGB", (right + MARGIN, below + LINE + 2 * MARGIN), "white")
    for place, block in zip(places, blocks, strict=True):
        sheet.paste(block, place)
    foot = (MARGIN, MARGIN + below + LINE - 4)
    ImageDraw.Draw(sheet).text(foot, caption, fill=FAINT, anchor="ls", font=_font(CAPTION))
    return sheet


def _caption(seen: Overview, shown: int) -> str:
    words = [f"{seen.images:,} images", seen.read_as]
    occurring = sum(count > 0 for count in seen.classes.values())
    if occurring > shown:
        words.append(f"{shown} of {occurring:,} classes are shown")
    return "; ".join(words)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font of the system where there is one: Pillow's own has few letters beyond ASCII."""
    for name in FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def _shortened(text: str, size: int, width: int) -> str:
    font, short = _font(size), text
    while len(short) > 1 and font.getlength(short) > width:
        short = short[:-2] + "…"
    return short


def _drawable(name: str, number: int) -> str:
    """A class name in one line; its number in the order of the classes, where the font lacks a letter of it."""
    name = " ".join(name.encode("utf-8", "backslashreplace").decode().split())
    font = _font(TITLE)
    box = bytes(font.getmask("\U0010ffff"))
    lacking = any(bytes(font.getmask(letter)) == box for letter in name if not letter.isspace())
    return f"class {number + 1}, whose name this font cannot write" if lacking else name
