"""Pictures of a mapped file that are asked for before they are touched, all of a batch at once.

Whoever touches a map waits for one page after another. The system reads on around each of them, which is right for a
set that fits into memory, since the rest will be wanted too. Of one that does not fit it throws most away again: of
64×64 pictures in shuffled order, nine bytes in ten. And a disk that is asked for many things at once is twice as fast.
"""

from __future__ import annotations

import mmap
import os
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGE = 2**16
"""Bytes of a picture, from which on it pays to ask for it in sets that fit into memory, too."""


class ReadAhead:
    """Asks the system for rows of a mapped array.

    Args:
        images: mapped by :class:`numpy.memmap`, whole; (N, …), C-contiguous.
        memory: bytes of the machine. A set that takes more than half of them is read row by row.
    """

    def __init__(self, images: NDArray[np.uint8], *, memory: int | None = None) -> None:
        memory = _of_machine() if memory is None else memory
        asked = getattr(images, "base", None)
        rows = images.nbytes // max(1, len(images))
        fits = images.nbytes <= memory // 2
        self._map: mmap.mmap | None = None
        if isinstance(asked, mmap.mmap) and hasattr(asked, "madvise") and (rows >= LARGE or not fits):
            whole = np.frombuffer(asked, np.uint8)
            self._map, self._row, self._start = asked, rows, images.ctypes.data - whole.ctypes.data
            if not fits:
                asked.madvise(mmap.MADV_RANDOM)

    @property
    def asks(self) -> bool:
        """Whether it does anything: for large pictures, and for sets that do not fit into memory."""
        return self._map is not None

    def ask(self, index: NDArray[np.int64]) -> None:
        """Have the system read these rows; this does not wait for them."""
        if self._map is None:
            return
        with suppress(OSError, ValueError, OverflowError):  # it was advice; a row that is not there is told by others
            for row in index.tolist():
                start = self._start + row * self._row
                page = start % mmap.PAGESIZE
                self._map.madvise(mmap.MADV_WILLNEED, start - page, self._row + page)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy is of pictures in memory, for which nobody has to ask."""
        return ReadAhead, (np.empty(0, np.uint8),)


def _of_machine() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0
