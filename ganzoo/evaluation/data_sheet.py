"""A contact sheet of data: some items of each class, as the networks get to see them."""

from __future__ import annotations

from collections.abc import Sequence

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
MARGIN, NARROWEST = 12, 420
LINE, TITLE, CAPTION = 22, 15, 13
"""Height of a line of text, and the sizes of the letters in a title and in the caption."""
INK, FAINT = (20, 20, 20), (110, 110, 110)


def data_sheet(dataset: Dataset, seen: Overview) -> Image.Image:
    """Rows by class with name and count, or a block of images where there are no classes; points as a scatter plot.

    The items are spread evenly over the dataset, so the same data make the same sheet.
    """
    if seen.channels is None:
        points = dataset.read(_spread(torch.arange(len(dataset)), POINTS))
        return framed(scatter(points, points))
    size, titled = _cell(seen.shape), _titled(dataset, seen)
    rows = [(title, _row([_fitted(image, size) for image in dataset.read(places)])) for title, places in titled]
    return _stacked(rows, _caption(seen, len(rows)))


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


def _stacked(rows: Sequence[tuple[str, Image.Image]], caption: str) -> Image.Image:
    """Rows one below the other, each under its title where it has one, and a caption at the foot."""
    width = max(NARROWEST, *(row.width for _, row in rows))
    height = sum((LINE if title else 0) + row.height + GAP for title, row in rows) + LINE
    sheet = Image.new("RGB", (width + 2 * MARGIN, height + 2 * MARGIN), "white")
    draw, top = ImageDraw.Draw(sheet), MARGIN
    for title, row in rows:
        if title:
            top += LINE
            draw.text((MARGIN, top - 4), _shortened(title, TITLE, width), fill=INK, anchor="ls", font=_font(TITLE))
        sheet.paste(row, (MARGIN, top))
        top += row.height + GAP
    text = _shortened(caption, CAPTION, width)
    draw.text((MARGIN, top + LINE - 4), text, fill=FAINT, anchor="ls", font=_font(CAPTION))
    return sheet


def _caption(seen: Overview, shown: int) -> str:
    words = [f"{seen.images:,} images", seen.read_as]
    occurring = sum(count > 0 for count in seen.classes.values())
    if occurring > shown:
        words.append(f"{shown} of {occurring:,} classes are shown")
    return "; ".join(words)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """DejaVu has more letters than Pillow's own font, where it is installed."""
    try:
        return ImageFont.truetype("DejaVuSans.ttf", size)
    except OSError:
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
