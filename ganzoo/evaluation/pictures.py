"""Sample grids, single images, the GIF and the contact sheet of a run, as files."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ganzoo.evaluation.few_colors import in_few_colors
from ganzoo.evaluation.lettering import with_caption, with_names
from ganzoo.files import PLACE, whole_file
from ganzoo.regular import opened

logger = logging.getLogger("ganzoo")

MOST_FRAMES = 100
GAP = 2
"""Pixels between the cells of a grid."""
SEEN = 600
"""Pixels that the longer side of a grid of small images is enlarged to, about."""
CANVAS, OVERSAMPLING = 480, 2
"""Pixels per side of a scatter plot, and how many times larger it is drawn."""
REAL_COLOR, FAKE_COLOR = (190, 190, 190), (31, 95, 180)
MOST_ON_SHEET, PANEL, CAPTION = 8, 220, 26
"""Most frames on a contact sheet, pixels per side of each, and height of the line above them."""


def to_image(pixels: Tensor) -> Image.Image:
    """A picture from uint8 (C, H, W)."""
    array = pixels.permute(1, 2, 0).contiguous().numpy()
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def grid(images: Tensor, columns: int, *, names: Sequence[str] = ()) -> Image.Image:
    """Images (N, C, H, W), uint8, row by row on white; small ones are enlarged by a whole factor to be seen.

    ``names``, one for each row if given, stand in a margin to the left.
    """
    n, channels, height, width = images.shape
    rows = -(-n // columns)
    sheet = torch.full((channels, rows * (height + GAP) + GAP, columns * (width + GAP) + GAP), 255, dtype=torch.uint8)
    for number in range(n):
        top = GAP + (number // columns) * (height + GAP)
        left = GAP + (number % columns) * (width + GAP)
        sheet[:, top : top + height, left : left + width] = images[number]
    picture = to_image(sheet)
    factor = max(1, round(SEEN / max(picture.size)))
    enlarged = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    return with_names(enlarged, names) if names else enlarged


def grid_by_class(images: Tensor, labels: Sequence[int], classes: Sequence[str]) -> Image.Image:
    """Images (N, C, H, W), uint8, in rows of one class each, beside its name; a class may take several rows.

    The order within a class is kept. There are at most as many columns as in a square grid.
    """
    of_class = [[row for row, label in enumerate(labels) if label == number] for number in range(len(classes))]
    columns = min(max(1, round(len(images) ** 0.5)), max(map(len, of_class)))
    white, cells, names = len(images), list[int](), list[str]()
    for name, rows in zip(classes, of_class, strict=True):
        for start in range(0, len(rows), columns):
            part = rows[start : start + columns]
            cells += part + [white] * (columns - len(part))
            names.append(name)
    padded = torch.cat([images, images.new_full((1, *images.shape[1:]), 255)])
    return grid(padded[cells], columns, names=names)


def scatter(points: Tensor, real: Tensor) -> Image.Image:
    """Generated points (N, D), their first two coordinates, over real ones, in the frame that the real ones fill."""
    low, high = real[:, :2].amin(0), real[:, :2].amax(0)
    center, reach = (low + high) / 2, float((high - low).max()) * 0.65 or 1.0
    scale = CANVAS * OVERSAMPLING / (2 * reach)
    picture = Image.new("RGB", (CANVAS * OVERSAMPLING,) * 2, "white")
    draw = ImageDraw.Draw(picture)
    for cloud, color, radius in ((real, REAL_COLOR, 2.5), (points, FAKE_COLOR, 1.5)):
        r = radius * OVERSAMPLING
        x_y = (cloud[:, :2] - center).mul(scale).mul(torch.tensor([1.0, -1.0])).add(CANVAS * OVERSAMPLING / 2)
        for x, y in x_y.tolist():
            draw.ellipse((x - r, y - r, x + r, y + r), fill=color)
    return picture.resize((CANVAS, CANVAS), Image.Resampling.LANCZOS)


def framed(picture: Image.Image) -> Image.Image:
    """The picture in a thin frame: points alone on white do not show where it ends."""
    ImageDraw.Draw(picture).rectangle((0, 0, picture.width - 1, picture.height - 1), outline=REAL_COLOR)
    return picture


def contact_sheet(frames: Sequence[Path], path: Path) -> None:
    """Some frames of a run side by side, each under its step, evenly spaced from the first to the last."""
    shown = _readable(thinned(frames, MOST_ON_SHEET))
    if not shown:
        return
    count = len(shown)
    sheet = Image.new("RGB", (count * (PANEL + GAP) + GAP, PANEL + CAPTION + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (frame, picture) in enumerate(shown):
        left = GAP + number * (PANEL + GAP)
        sheet.paste(picture.convert("RGB").resize((PANEL, PANEL), Image.Resampling.LANCZOS), (left, CAPTION))
        draw.rectangle((left, CAPTION, left + PANEL - 1, CAPTION + PANEL - 1), outline=REAL_COLOR)
        draw.text((left + PANEL // 2, CAPTION // 2), _step_of(frame), fill="black", anchor="mm", font_size=14)
    save(sheet, path, place="--runs DIR")


def thinned(frames: Sequence[Path], most: int) -> list[Path]:
    """At most so many of the frames, evenly spaced, the first and the last among them."""
    count = min(len(frames), most)
    return [frames[round(number * (len(frames) - 1) / max(count - 1, 1))] for number in range(count)]


def _readable(frames: Sequence[Path]) -> list[tuple[Path, Image.Image]]:
    """Those of the grids that can be read: a damaged one must not stop what is made of all."""
    found: list[tuple[Path, Image.Image]] = []
    for frame in frames:
        try:
            with opened(frame) as file, Image.open(file) as picture:
                picture.load()
                found.append((frame, picture))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            logger.warning("%s is damaged, and is left out of the film", frame)
    return found


def _step_of(frame: Path) -> str:
    return f"step {int(frame.stem.removeprefix('step-')):,}"


def save(picture: Image.Image, path: Path, *, place: str = PLACE) -> None:
    """Write a PNG; it appears whole or not at all. ``place`` is the option that chooses another path."""
    with whole_file(path, place=place) as beside:
        picture.save(beside, format="PNG")


def save_animation(frames: Iterable[Image.Image], path: Path, *, fps: float) -> None:
    """An endless GIF or WebP, by the suffix of the file. A GIF has 256 colors and counts hundredths of a second."""
    kind = path.suffix.lower()[1:]
    options: dict[str, object] = (
        {"duration": round(1000 / fps)} if kind == "webp" else {"duration": 10 * round(100 / fps)}
    )
    if kind == "gif":
        frames = (frame if frame.mode == "L" else in_few_colors(frame) for frame in frames)
    first, *others = frames
    with whole_file(path, place="--out FILE") as beside:
        first.save(beside, format=kind.upper(), save_all=True, append_images=others, loop=0, **options)


def save_gif(frames: Sequence[Path], path: Path) -> None:
    """An animated GIF of the frames in order, each below its step; the last one stays for two seconds.

    More than a hundred are evenly thinned to a hundred.
    """
    shown = _readable(thinned(frames, MOST_FRAMES))
    if not shown:
        return
    first, *others = (in_few_colors(with_caption(picture, _step_of(frame))) for frame, picture in shown)
    durations = [200] * len(others) + [2000]
    with whole_file(path, place="--runs DIR") as beside:
        first.save(beside, format="GIF", save_all=True, append_images=others, duration=durations, loop=0, optimize=True)
