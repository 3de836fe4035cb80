"""Pictures of a mapped file that are asked for before they are touched, all of a batch at once.

Whoever touches a map waits for one page after another. The system reads on around each of them, which is right for a
set that fits into memory, since the rest will be wanted too. Of one that does not fit it throws most away again: of
64×64 pictures in shuffled order, nine bytes in ten. And a disk that is asked for many things at once is twice as fast.
"""

from __future__ import annotations

import mmap
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.data import memory

LARGE = 2**16
"""Bytes of a picture, from which on it pays to ask for it in sets that fit into memory, too."""

KEPT = 320
"""MiB of expected rows that are taken to be in memory: two windows of ``ganzoo.orders`` and what is read meanwhile."""


class ReadAhead:
    """Asks the system for rows of a mapped array.

    Args:
        images: mapped by :class:`numpy.memmap`, whole; (N, …), C-contiguous. Others are not asked for.
        most: bytes of memory that this process may use; by default all of the machine, or of its container or job. A
            set that takes more than half of them is read row by row.
    """

    def __init__(self, images: NDArray[np.uint8], *, most: int | None = None) -> None:
        most = _of_this_process() if most is None else most
        asked = getattr(images, "base", None)
        rows = images.nbytes // max(1, len(images))
        fits = images.nbytes <= most // 2
        self._map: mmap.mmap | None = None
        self._when: NDArray[np.int32] | None = None
        self._asked = 0
        self.pays = False
        """Whether rows are asked for just before they are read: large ones, and of sets that do not fit."""
        if isinstance(asked, mmap.mmap) and hasattr(asked, "madvise"):
            whole = np.frombuffer(asked, np.uint8)
            self._map, self._row, self._start = asked, rows, images.ctypes.data - whole.ctypes.data
            self._count, self.pays = len(images), rows >= LARGE or not fits
            if not fits:
                asked.madvise(mmap.MADV_RANDOM)

    def expect(self, index: NDArray[np.int64]) -> None:
        """Have the system read rows that will be wanted soon."""
        self._ask(index)
        if self.pays:
            self._asked += len(index) * self._row
            if self._when is None:
                self._when = np.full(self._count, -KEPT, np.int32)
            with suppress(IndexError):
                self._when[index] = self._asked // 2**20

    def want(self, index: NDArray[np.int64]) -> None:
        """Have the system read rows that are read next, where that pays and they were not expected a while ago."""
        if self.pays and (self._when is None or (self._asked // 2**20 - self._when[index] >= KEPT).any()):
            self._ask(index)

    def _ask(self, index: NDArray[np.int64]) -> None:
        """Neighbors together; this does not wait for what is read."""
        if self._map is None or not len(index):
            return
        ends = np.flatnonzero(index[1:] != index[:-1] + 1)  # the last of each run of neighbors but one
        firsts, lasts = [index[0], *index[ends + 1]], [*index[ends], index[-1]]
        for first, last in zip(map(int, firsts), map(int, lasts), strict=True):
            start = self._start + first * self._row
            page = start % mmap.PAGESIZE
            with suppress(OSError, ValueError, OverflowError):  # it is advice; a row that is not there others tell of
                self._map.madvise(mmap.MADV_WILLNEED, start - page, (last + 1 - first) * self._row + page)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy is of pictures in memory, for which nobody has to ask."""
        return ReadAhead, (np.empty(0, np.uint8),)


def _of_this_process() -> int:
    found = memory()
    return found.total if found is not None else 0
