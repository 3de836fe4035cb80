"""Many pictures → arrays, on all cores, in order, one chunk at a time."""

from __future__ import annotations

import os
import statistics
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from ganzoo_datasets.files.chunk import Chunk, decode_chunk, without_warnings
from ganzoo_datasets.files.decoders import Decoders, handed_over
from ganzoo_datasets.files.pixels.picture import Rule, read_picture
from ganzoo_datasets.files.pixels.raster import UnreadablePicture
from ganzoo_datasets.files.sources.source import PictureSource, in_order

CHUNK_BYTES = 2**22
CHUNK_FILES = 256
TRIED = 32
"""Pictures by which it is found whether several workers are of use."""
QUICK = 5e-4
"""Seconds of a picture, below which several threads are not."""
WORTH = 1.0
"""Seconds of processor time that are left for each process: to start one takes 0.16, and more from a slow disk."""
LONG = 2.5e-3
"""Seconds of a picture for each worker, from which threads hardly meet: with 6 ms two gain all that there is, without a
start and without pixels that travel; with 1.4 ms they do not."""
SAMPLED = 1000
SMALLEST, LARGEST = 32, 128

Submit = Callable[[Sequence[str]], Future[Chunk]]


def decode(
    source: PictureSource, names: Sequence[str], rule: Rule, *, workers: int | None = None
) -> Generator[Chunk, None, None]:
    """Decode all pictures, chunk by chunk, in order; never more than a few chunks are in memory.

    ``workers`` is how many decode at once, by default one per core, and fewer where they would be of no use.
    """
    length = max(1, min(CHUNK_FILES, CHUNK_BYTES // (rule.size * rule.size * rule.channels)))
    waiting: deque[Future[Chunk]] = deque()
    workers = 1 if in_order(source) else workers or _cores()
    first, rest = names[: min(TRIED, length)], names[min(TRIED, length) :]
    if not first:
        return
    with without_warnings():
        if workers > 1:
            is_readable(source, first[0])  # what is imported for the first picture takes as long as a hundred others
        begun, worked = time.perf_counter(), time.thread_time()
        chunk = decode_chunk(source, first, rule)
        each, work = (time.perf_counter() - begun) / len(first), (time.thread_time() - worked) / len(first)
    threads = 1 if each < QUICK else workers
    processes = min(workers, int(work * len(rest) / WORTH)) if work < LONG * workers else 0
    yield chunk
    with without_warnings(), _at_once(source, rule, threads, processes) as (submit, workers):
        for start in range(0, len(rest), length):
            waiting.append(submit(rest[start : start + length]))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def _at_once(source: PictureSource, rule: Rule, threads: int, processes: int) -> Iterator[tuple[Submit, int]]:
    """Who decodes what is left, so many threads or, where there are to be several, processes: how to ask, and how many.

    Pillow lets go of the interpreter while it decodes, so threads use every core; of small pictures that is so little
    that they only wait for each other: two are 0.7 times as fast as one. Processes never wait, but have to be started.
    """
    source_of_files = handed_over(source) if processes > 1 else None
    if source_of_files is not None:
        with Decoders(source_of_files, rule, processes) as decoders:
            yield decoders.submit, processes
    else:
        with ThreadPoolExecutor(threads) as pool:
            yield (lambda names: pool.submit(decode_chunk, source, names, rule)), threads


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


def _cores() -> int:
    """How many this process may use, of those there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
