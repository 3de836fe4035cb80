"""What every file of arrays offers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 2**22
DEFLATE = 1032
"""Deflate packs at most this many bytes into one; a file that states more cannot hold it."""


class CutShort(Exception):
    """A file ends before its last row, or goes on behind it."""


@dataclass(frozen=True)
class Header:
    """What a file states about one of its arrays."""

    shape: tuple[int, ...]
    kind: np.dtype[Any]

    @property
    def bytes(self) -> int:
        """How many bytes its values take."""
        return math.prod(self.shape) * self.kind.itemsize

    def __str__(self) -> str:
        """As messages show it: ``uint8 (60000, 28, 28)``."""
        return f"{self.kind} {self.shape}"


class Arrays(Protocol):
    """Named arrays of a file. Nothing stays open between two calls, so that a process can be forked at any time."""

    @property
    def path(self) -> Path:
        """The file, or the folder of several."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """What the arrays are called."""
        ...

    def file(self, name: str) -> Path:
        """The file that holds an array; its size and time tell one content from another."""
        ...

    def header(self, name: str) -> Header:
        """Shape and type, without the values.

        Raises:
            DataError: it cannot be read, or its length is not what it states.
        """
        ...

    def blocks(self, name: str, start: int) -> Iterator[NDArray[Any]]:
        """The rows from ``start`` on, along the first axis, a few megabytes at a time.

        Raises:
            DataError: it cannot be read, is corrupt, or is shorter or longer than its header states.
        """
        ...

    def whole(self, name: str) -> NDArray[Any]:
        """All values, for small arrays such as labels.

        Raises:
            DataError: it cannot be read, or holds Python objects.
        """
        ...


def block_length(header: Header) -> int:
    """How many rows are read at once."""
    width = math.prod(header.shape[1:]) * header.kind.itemsize
    return max(1, BLOCK_BYTES // max(width, 1))


def sliced(values: NDArray[Any], start: int) -> Iterator[NDArray[Any]]:
    """The rows of an array in memory, or mapped."""
    length = block_length(Header(values.shape, values.dtype))
    for first in range(start, len(values), length):
        yield values[first : first + length]


def streamed(file: IO[bytes], header: Header, start: int) -> Iterator[NDArray[Any]]:
    """The rows of an array that lies row by row in ``file``, to the end of the file.

    Raises:
        CutShort: the file has fewer bytes than the header states, or more.
    """
    count, *rest = header.shape
    width = math.prod(rest) * header.kind.itemsize
    length = block_length(header)
    for first in itertools.chain(range(0, start, length), range(start, count, length)):
        rows = min(length, (start if first < start else count) - first)
        content = file.read(rows * width)
        if len(content) < rows * width:
            raise CutShort(f"it ends in row {first + len(content) // width + 1:,} of {count:,}")
        # Asked for before the last rows are handed on: only at its end does an archive compare its checksum.
        if first + rows == count and file.read(1):
            raise CutShort(f"it goes on behind row {count:,}, its last")
        if first >= start:
            yield np.frombuffer(content, dtype=header.kind).reshape(rows, *rest)
