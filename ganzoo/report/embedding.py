"""Pictures as text inside a page, small enough for many of them."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ganzoo.runs.directory import step_of

MOST_FRAMES = 24
"""Sample grids of a run that are shown; of more, so many evenly spaced ones."""
SIDE = 640
"""Pixels of the longer side of a picture; larger ones are scaled down."""
MOST_BYTES = 120_000
"""Of a lossless picture; one that would be larger is written as WebP with losses."""
QUALITY = 82


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """A picture as an ``img`` takes it."""

    source: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The sample grid of a step."""

    step: int
    picture: Embedded


def embedded(picture: Image.Image, *, side: int = SIDE, most_bytes: int = MOST_BYTES) -> Embedded:
    """The picture, at most ``side`` pixels wide and high: as PNG, or as WebP where that would be too large."""
    shown = picture.convert("L" if picture.mode in ("L", "1") else "RGB")
    if max(shown.size) > side:
        share = side / max(shown.size)
        size = (max(1, round(shown.width * share)), max(1, round(shown.height * share)))
        shown = shown.resize(size, Image.Resampling.LANCZOS)
    kind, content = "png", _bytes(shown, "PNG", optimize=True)
    if len(content) > most_bytes:
        kind, content = "webp", _bytes(shown, "WEBP", quality=QUALITY, method=4)
    source = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return Embedded(source=source, width=shown.width, height=shown.height)


def _bytes(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return buffer.getvalue()


def frames(grids: Sequence[Path]) -> list[Frame]:
    """Grids of a run, evenly chosen from the first to the last; one that is damaged is left out."""
    count = min(len(grids), MOST_FRAMES)
    chosen = [grids[round(number * (len(grids) - 1) / max(count - 1, 1))] for number in range(count)]
    found = [(path, embedded_file(path)) for path in chosen]
    return [Frame(step=step_of(path), picture=picture) for path, picture in found if picture is not None]


def embedded_file(path: Path, *, side: int = SIDE, most_bytes: int = MOST_BYTES) -> Embedded | None:
    """The picture of a file; ``None`` if it is missing or damaged."""
    try:
        with Image.open(path) as picture:
            return embedded(picture, side=side, most_bytes=most_bytes)
    except (OSError, ValueError, SyntaxError):
        return None
