"""Reading a gzip file from any place, by many threads at once, without unpacking it to a disk.

gzip can only be read from its start. While the file is read once, the state of the decompressor is copied every so
often; a later read goes on from the copy before its place. With 512 copies of some 50 kB the memory is bounded.
"""

from __future__ import annotations

import bisect
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SPACING = 2**20
COPIES = 512
BLOCK = 2**16
PIECE = 2**20
GZIP = 31
"""zlib's number for its largest window and a gzip header."""

BOMB_RATIO, BOMB_LEAST = 200, 2**26
"""What unpacks to more than so many times its size, and to more than so many bytes, is no collection of pictures."""


@dataclass(frozen=True)
class _Copy:
    """The decompressor after some bytes of the file: how many it took, and how many it gave."""

    taken: int
    given: int
    state: Any


class GzipIndex:
    """The unpacked content of a file. It must be read once as a whole, by :meth:`once`, before :meth:`at`."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY)
        self._size = os.fstat(self._file).st_size
        self._copies = [_Copy(0, 0, zlib.decompressobj(GZIP))]

    def once(self) -> Iterator[bytes]:
        """All of the content, in pieces.

        Raises:
            EOFError: the file is cut short.
            zlib.error: it is damaged.
            OverflowError: it unpacks to far more than pictures would.
        """
        spacing, stream = SPACING, _Stream(self._file, self._copies[0])
        while stream.more():
            yield stream.piece
            if stream.given > BOMB_LEAST and stream.given > BOMB_RATIO * self._size:
                raise OverflowError(f"it unpacks to more than {BOMB_RATIO} times its size: a decompression bomb?")
            if stream.given - self._copies[-1].given >= spacing:
                self._copies.append(stream.copy())
            if len(self._copies) > COPIES:
                del self._copies[1::2]
                spacing *= 2
        if not stream.whole:
            raise EOFError("it is cut short")

    def at(self, offset: int, length: int) -> bytes:
        """Some bytes of the content; several threads may ask at once."""
        start = self._copies[bisect.bisect_right(self._copies, offset, key=lambda one: one.given) - 1]
        stream = _Stream(self._file, start)
        found = bytearray()
        before = start.given
        while before < offset + length and stream.more():
            found += stream.piece[max(0, offset - before) : max(0, offset + length - before)]
            before = stream.given
        return bytes(found)

    def __del__(self) -> None:
        """Closes the file."""
        os.close(self._file)


class _Stream:
    """Unpacks from a copy on, a piece at a time."""

    def __init__(self, file: int, start: _Copy) -> None:
        self._file, self._taken, self._state = file, start.taken, start.state.copy()
        self._waiting = b""
        self.given = start.given
        self.piece = b""
        self.whole = False

    def more(self) -> bool:
        """Unpack the next piece; whether there was one."""
        self.piece = b""
        while not self.piece and not self.whole:
            self._waiting = self._waiting or os.pread(self._file, BLOCK, self._taken)
            if self._state.eof:
                # Further members may follow, or zeros that fill up a block of a tape.
                if not self._waiting.strip(b"\0"):
                    self.whole = not self._waiting
                    self._taken += len(self._waiting)
                    self._waiting = b""
                    continue
                self._state = zlib.decompressobj(GZIP)
            before = len(self._waiting)
            self.piece = self._state.decompress(self._waiting, PIECE)
            self._waiting = self._state.unconsumed_tail or self._state.unused_data
            self._taken += before - len(self._waiting)
            if not before and not self.piece:
                break
        self.given += len(self.piece)
        return bool(self.piece)

    def copy(self) -> _Copy:
        """The state now."""
        return _Copy(self._taken, self.given, self._state.copy())
