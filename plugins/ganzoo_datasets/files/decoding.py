"""Many pictures → arrays, on all cores, in order, one chunk at a time."""

from __future__ import annotations

import logging
import os
import statistics
import time
import warnings
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ganzoo_datasets.files.pixels.picture import Rule, read_picture
from ganzoo_datasets.files.pixels.raster import UnreadablePicture
from ganzoo_datasets.files.seen import Seen
from ganzoo_datasets.files.sources.source import PictureSource, in_order

CHUNK_BYTES = 2**22
CHUNK_FILES = 256
TRIED = 32
"""Pictures by which it is found whether several workers are of use."""
QUICK = 5e-4
"""Seconds of a picture, below which they are not."""
SAMPLED = 1000
SMALLEST, LARGEST = 32, 128
TALKATIVE = ("pydicom", "tifffile")


@dataclass
class Chunk:
    """The result of decoding some pictures.

    Attributes:
        pixels: uint8 (n, C, S, S) of those that could be read, in order.
        files: how many were tried.
        seen: what was learned about them.
        unreadable: name → reason.
    """

    pixels: NDArray[np.uint8]
    files: int
    seen: Seen = field(default_factory=Seen)
    unreadable: dict[str, str] = field(default_factory=dict)


def decode(
    source: PictureSource, names: Sequence[str], rule: Rule, *, workers: int | None = None
) -> Generator[Chunk, None, None]:
    """Decode all pictures, chunk by chunk, in order; never more than a few chunks are in memory.

    ``workers`` is how many decode at once, by default one per core, and one where pictures are quickly decoded.
    """
    length = max(1, min(CHUNK_FILES, CHUNK_BYTES // (rule.size * rule.size * rule.channels)))
    waiting: deque[Future[Chunk]] = deque()
    workers = 1 if in_order(source) else workers or os.cpu_count() or 1
    first = names[: min(TRIED, length)]
    if not first:
        return
    begun = time.perf_counter()
    with without_warnings():
        chunk = _decode_chunk(source, first, rule)
    # Pillow lets go of the interpreter while it decodes, so threads use every core; of small pictures that is so little
    # that they only wait for each other: two are 0.7 times as fast as one.
    workers = 1 if time.perf_counter() - begun < QUICK * len(first) else workers
    yield chunk
    with without_warnings(), ThreadPoolExecutor(workers) as pool:
        for start in range(len(first), len(names), length):
            waiting.append(pool.submit(_decode_chunk, source, names[start : start + length], rule))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def typical_size(source: PictureSource, names: Sequence[str]) -> int:
    """The largest power of two, 32 to 128, that is at most the median shorter side of (up to 1,000) pictures."""
    step = max(1, len(names) // SAMPLED)
    with without_warnings():
        sides = [min(size) for name in names[::step] if (size := source.size(name)) is not None]
    median = int(statistics.median_low(sides)) if sides else SMALLEST
    return max(SMALLEST, min(LARGEST, 1 << (max(median, 1).bit_length() - 1)))


def is_readable(source: PictureSource, name: str) -> bool:
    """Whether a picture can be decoded."""
    with without_warnings():
        try:
            read_picture(source, name, Rule(size=1, channels=1))
        except UnreadablePicture:
            return False
    return True


def _decode_chunk(source: PictureSource, names: Sequence[str], rule: Rule) -> Chunk:
    pixels = np.empty((len(names), rule.channels, rule.size, rule.size), dtype=np.uint8)
    chunk = Chunk(pixels, len(names))
    kept = 0
    for name in names:
        try:
            picture = read_picture(source, name, rule)
        except UnreadablePicture as error:
            chunk.unreadable[name] = str(error)
            continue
        pixels[kept] = picture.pixels
        kept += 1
        chunk.seen.add(name, picture)
    chunk.pixels = pixels[:kept]
    return chunk


@contextmanager
def without_warnings() -> Iterator[None]:
    """Silence the readers, who name no file and may print what they read; problems are reported here, with the name."""
    loggers = [logging.getLogger(name) for name in TALKATIVE]
    before, nobody = [logger.propagate for logger in loggers], logging.NullHandler()
    for logger in loggers:
        logger.propagate = False
        logger.addHandler(nobody)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        for logger, propagate in zip(loggers, before, strict=True):
            logger.removeHandler(nobody)
            logger.propagate = propagate
