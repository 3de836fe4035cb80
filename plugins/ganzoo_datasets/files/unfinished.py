"""Pictures decoded so far, chunk by chunk, so that a process that is killed leaves what it has done to the next.

Pixels lie in one file, and a line about each chunk in another. A line counts only while the pixels have the digest that
it states, so it does not matter which of the two reached the disk.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import IO

import numpy as np

from ganzoo_datasets.files.cache_entry import DAMAGE, CacheEntry
from ganzoo_datasets.files.chunk import Chunk
from ganzoo_datasets.files.decoding import decode, is_readable
from ganzoo_datasets.files.pixels.picture import Rule
from ganzoo_datasets.files.sources.source import PictureSource

logger = logging.getLogger("ganzoo")


class Unfinished:
    """The chunks in a folder, in order.

    Args:
        folder: where ``pixels`` and ``lines`` are; it exists.
        rule: how pictures become squares.
    """

    def __init__(self, folder: Path, rule: Rule) -> None:
        self.pixels, self.lines = folder / "decoded.u8", folder / "decoded.jsonl"
        self._rule = rule

    def chunks(self, source: PictureSource, names: Sequence[str]) -> Generator[Chunk, None, None]:
        """All pictures in order: first what is there of them, then the rest as it is decoded and written.

        Raises:
            OSError: it cannot be written.
        """
        done = 0
        for chunk in self._kept(source, names):
            done += chunk.files
            yield chunk
        if done:
            logger.info("%s of %s pictures had been decoded before", f"{done:,}", f"{len(names):,}")
        # Closed at once when a write fails, so that no thread goes on decoding.
        with closing(decode(source, names[done:], self._rule)) as rest:
            yield from self._added(rest)

    def remove(self) -> None:
        """Forget what was decoded."""
        for path in (self.lines, self.pixels):
            path.unlink(missing_ok=True)

    def _kept(self, source: PictureSource, names: Sequence[str]) -> Iterator[Chunk]:
        """The chunks that are whole; what follows the last of them is cut off when all have been taken."""
        for path in (self.pixels, self.lines):
            if not path.is_file():
                path.unlink(missing_ok=True)  # a pipe would be waited for
            path.touch()
        with self.pixels.open("r+b") as pixels, self.lines.open("r+b") as lines:
            done, places = 0, (0, 0)
            while (chunk := self._next(pixels, lines, names, done)) is not None:
                # A file can become readable without a change of its size or time, and then has to be decoded.
                if any(is_readable(source, name) for name in chunk.unreadable):
                    break
                done, places = done + chunk.files, (pixels.tell(), lines.tell())
                yield chunk
            for file, place in zip((pixels, lines), places, strict=True):
                file.truncate(place)

    def _next(self, pixels: IO[bytes], lines: IO[bytes], names: Sequence[str], done: int) -> Chunk | None:
        """The next chunk, or ``None`` if there is none or it is damaged."""
        try:
            entry = CacheEntry.from_plain(json.loads(lines.readline()))
            files = entry.shape[0] + len(entry.unreadable)
            some = names[done : done + files]
            if not 0 < files == len(some) or entry.shape[1] != self._rule.channels or not entry.is_of(some, self._rule):
                return None
            content = pixels.read(math.prod(entry.shape))
            if hashlib.sha256(content).hexdigest() != entry.digest:
                return None
            return Chunk(np.frombuffer(content, np.uint8).reshape(entry.shape), files, entry.seen, entry.unreadable)
        except DAMAGE:
            return None

    def _added(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Each chunk, once it stands behind the others."""
        with self.pixels.open("ab") as pixels, self.lines.open("ab") as lines:
            for chunk in chunks:
                content = chunk.pixels.tobytes()
                pixels.write(content)
                pixels.flush()
                shape = (len(chunk.pixels), self._rule.channels, self._rule.size, self._rule.size)
                digest = hashlib.sha256(content).hexdigest()
                line = asdict(CacheEntry(shape, digest, 0, chunk.seen, chunk.unreadable))
                lines.write(json.dumps(line).encode() + b"\n")
                lines.flush()
                yield chunk
