"""Pictures as text inside a page, small enough for many of them."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ganzoo.regular import opened
from ganzoo.runs.checkpoint import step_of

MOST_FRAMES = 24
"""Sample grids of a run that are shown; of more, so many evenly spaced ones."""
SIDE = 640
"""Pixels of the longer side of a picture; larger ones are scaled down."""
MOST_BYTES = 120_000
"""Of a picture; one that would be larger without losses is written as WebP with losses."""
ATTEMPTS = ((1.0, 82), (0.75, 60), (0.5, 45), (0.35, 30))
"""Share of the size, and quality of the WebP: the first that is small enough is taken, or else the last."""


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """A picture as an ``img`` takes it."""

    source: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class ShownGrid:
    """The sample grid of a step."""

    step: int
    picture: Embedded


def embedded(picture: Image.Image, *, side: int = SIDE, most_bytes: int = MOST_BYTES) -> Embedded:
    """The picture, at most ``side`` pixels wide and high: as PNG, or as WebP where that would be too large."""
    shown = picture.convert("L" if picture.mode in ("L", "1") else "RGB")
    shown = _resized(shown, min(1.0, side / max(shown.size)))
    content = _bytes(shown, "PNG")
    if len(content) <= most_bytes:
        return _embedded("png", content, shown)
    for share, quality in ATTEMPTS:
        smaller = _resized(shown, share)
        content = _bytes(smaller, "WEBP", quality=quality, method=1)
        if len(content) <= most_bytes:
            break
    return _embedded("webp", content, smaller)


def _embedded(kind: str, content: bytes, picture: Image.Image) -> Embedded:
    source = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return Embedded(source=source, width=picture.width, height=picture.height)


def _resized(picture: Image.Image, share: float) -> Image.Image:
    if share == 1:
        return picture
    size = (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _bytes(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return buffer.getvalue()


def frames(grids: Sequence[Path]) -> list[ShownGrid]:
    """Grids of a run, evenly chosen from the first to the last; one that is damaged is left out."""
    count = min(len(grids), MOST_FRAMES)
    chosen = [grids[round(number * (len(grids) - 1) / max(count - 1, 1))] for number in range(count)]
    found = [(path, embedded_file(path)) for path in chosen]
    return [ShownGrid(step=step_of(path), picture=picture) for path, picture in found if picture is not None]


def embedded_file(path: Path, *, side: int = SIDE, most_bytes: int = MOST_BYTES) -> Embedded | None:
    """The picture of a file; ``None`` if it is missing or damaged."""
    try:
        with opened(path) as file, Image.open(file) as picture:
            return embedded(picture, side=side, most_bytes=most_bytes)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
