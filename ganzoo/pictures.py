"""Sample grids, single images and the film of a run, as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ganzoo.rundir import writing

MOST_FRAMES = 100
GAP = 2
"""Pixels between the cells of a grid."""


def to_image(pixels: Tensor) -> Image.Image:
    """A picture from uint8 (C, H, W)."""
    array = pixels.permute(1, 2, 0).contiguous().numpy()
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def grid(images: Tensor, columns: int) -> Image.Image:
    """Images (N, C, H, W), uint8, row by row on white; small ones are enlarged by a whole factor to be seen."""
    n, channels, height, width = images.shape
    rows = -(-n // columns)
    sheet = torch.full((channels, rows * (height + GAP) + GAP, columns * (width + GAP) + GAP), 255, dtype=torch.uint8)
    for number in range(n):
        top = GAP + (number // columns) * (height + GAP)
        left = GAP + (number % columns) * (width + GAP)
        sheet[:, top : top + height, left : left + width] = images[number]
    picture = to_image(sheet)
    factor = max(1, round(600 / max(picture.size)))
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def save(picture: Image.Image, path: Path) -> None:
    """Write a PNG; it appears whole or not at all."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.partial")
        picture.save(beside, format="PNG")
        beside.replace(path)


def save_film(frames: Sequence[Path], path: Path) -> None:
    """An animated GIF of the frames in order, evenly thinned to a hundred; the last one stays for two seconds."""
    if not frames:
        return
    count = min(len(frames), MOST_FRAMES)
    shown = [frames[round(number * (len(frames) - 1) / max(count - 1, 1))] for number in range(count)]
    first, *others = (Image.open(frame).convert("P", palette=Image.Palette.ADAPTIVE) for frame in shown)
    durations = [200] * len(others) + [2000]
    with writing(path):
        beside = path.with_name(f".{path.name}.partial")
        first.save(beside, format="GIF", save_all=True, append_images=others, duration=durations, loop=0, optimize=True)
        beside.replace(path)
