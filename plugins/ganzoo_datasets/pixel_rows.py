"""Images stored in a file as plain numbers → an array of squares, one chunk at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo_datasets.files.pixels.square import square

CHUNK_BYTES = 2**22


class CutShort(Exception):
    """A file ends before its last image."""


def read_rows(file: IO[bytes], shape: tuple[int, ...]) -> Iterator[NDArray[np.uint8]]:
    """An array of bytes (N, …) as it lies in ``file``, a few megabytes at a time.

    Raises:
        CutShort: the file has fewer bytes than ``shape`` needs.
    """
    count, *rest = shape
    width = int(np.prod(rest, dtype=np.int64))
    length = max(1, CHUNK_BYTES // max(width, 1))
    for start in range(0, count, length):
        rows = min(length, count - start)
        content = file.read(rows * width)
        if len(content) < rows * width:
            raise CutShort(f"it ends in image {start + len(content) // width + 1:,} of {count:,}")
        yield np.frombuffer(content, dtype=np.uint8).reshape(rows, *rest)


def squares(
    chunks: Iterable[NDArray[np.uint8]], count: int, *, size: int, channels: int
) -> tuple[NDArray[np.uint8], str]:
    """(N, C, S, S) from ``count`` images (n, H, W) or (n, H, W, 3), by the rule for pictures of any size; its SHA-256.

    Only the result is held in memory. Three channels of gray images share one plane, which is hashed once.
    """
    squared: NDArray[np.uint8] | None = None
    row = 0
    for chunk in chunks:
        if squared is None:
            planes = channels if chunk.ndim == 4 else 1
            squared = np.empty((count, planes, size, size), dtype=np.uint8)
        squared[row : row + len(chunk)] = _squared(chunk, size, squared.shape[1])
        row += len(chunk)
    if squared is None or row != count:
        raise ValueError(f"{row} images came instead of {count}")
    return np.broadcast_to(squared, (count, channels, size, size)), hashlib.sha256(squared.data).hexdigest()


def _squared(chunk: NDArray[np.uint8], size: int, planes: int) -> NDArray[np.uint8]:
    native = chunk.shape[1:3] == (size, size)
    if chunk.ndim == 3:
        return (chunk if native else np.stack([_resized(Image.fromarray(image), size) for image in chunk]))[:, None]
    if native and planes == 3:
        return chunk.transpose(0, 3, 1, 2)
    mode = "RGB" if planes == 3 else "L"
    images = np.stack([_resized(Image.fromarray(image).convert(mode), size) for image in chunk])
    return images.reshape(len(chunk), size, size, planes).transpose(0, 3, 1, 2)


def _resized(image: Image.Image, size: int) -> NDArray[np.uint8]:
    return square(image, size)
