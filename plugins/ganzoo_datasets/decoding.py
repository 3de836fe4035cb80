"""Many picture files → arrays, on all cores, in order, one chunk at a time."""

from __future__ import annotations

import os
import statistics
import warnings
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganzoo_datasets.picture import UnreadablePicture, read_picture, shorter_side

CHUNK_BYTES = 2**22
CHUNK_FILES = 256
SAMPLED = 1000
SMALLEST, LARGEST = 32, 128


@dataclass
class Chunk:
    """The result of decoding some files.

    Attributes:
        pixels: uint8 (n, C, S, S) of the files that could be read, in order.
        files: how many were tried.
        color: whether any has color.
        animated: names of the files with further frames.
        unreadable: name → reason.
    """

    pixels: NDArray[np.uint8]
    files: int
    color: bool = False
    animated: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)


def decode(root: Path, names: Sequence[str], *, size: int, channels: int) -> Generator[Chunk, None, None]:
    """Decode all files, chunk by chunk, in order; never more than a few chunks are in memory.

    Args:
        root: the folder.
        names: paths below it.
        size: side of the squares.
        channels: 1 or 3.
    """
    length = max(1, min(CHUNK_FILES, CHUNK_BYTES // (size * size * channels)))
    waiting: deque[Future[Chunk]] = deque()
    workers = os.cpu_count() or 1
    # Pillow lets go of the interpreter while it decodes, so threads use every core.
    with without_warnings(), ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(names), length):
            waiting.append(pool.submit(_decode_chunk, root, names[start : start + length], size, channels))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def typical_size(root: Path, names: Sequence[str]) -> int:
    """The largest power of two, 32 to 128, that is at most the median shorter side of (up to 1,000) files."""
    step = max(1, len(names) // SAMPLED)
    with without_warnings():
        sides = [side for name in names[::step] if (side := shorter_side(root / name)) is not None]
    median = int(statistics.median_low(sides)) if sides else SMALLEST
    return max(SMALLEST, min(LARGEST, 1 << (max(median, 1).bit_length() - 1)))


def _decode_chunk(root: Path, names: Sequence[str], size: int, channels: int) -> Chunk:
    pixels = np.empty((len(names), channels, size, size), dtype=np.uint8)
    chunk = Chunk(pixels, len(names))
    kept = 0
    for name in names:
        try:
            picture = read_picture(root / name, size=size, channels=channels)
        except UnreadablePicture as error:
            chunk.unreadable[name] = str(error)
            continue
        pixels[kept] = picture.pixels
        kept += 1
        chunk.color |= picture.color
        if picture.animated:
            chunk.animated.append(name)
    chunk.pixels = pixels[:kept]
    return chunk


def without_warnings() -> warnings.catch_warnings[None]:
    """Silence Pillow's warnings, which name no file; problems with a picture are reported here, with its name."""
    return warnings.catch_warnings(action="ignore")
