"""JPEG files that lack their end marker and nothing else, as some cameras and downloads leave them.

Pillow can be told to accept truncated files, but only for the whole process, and it fills what is missing with gray.
"""

from __future__ import annotations

import io
import struct
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

START, END = b"\xff\xd8", b"\xff\xd9"
TAILS = (b"", b"\xaa" * 4096, b"\x55" * 4096)
"""Compressed data that cannot all mean the same, wherever they are read."""

SEQUENTIAL = frozenset((0xC0, 0xC1))
SCAN, RESTARTS = 0xDA, 0xDD


def completed(file: IO[bytes]) -> bytes | None:
    """The content with its end marker, or ``None`` if it is no JPEG, or any pixel is missing, or that cannot be told.

    The pixels are all there if they do not depend on what follows.
    """
    file.seek(0)
    if file.read(2) != START:
        return None
    body = START + file.read().rstrip(b"\xff")
    if not _in_one_scan(body):
        return None
    try:
        first, *others = (_pixels(body + tail + END) for tail in TAILS)
    except Exception:
        # Pillow raises nearly every kind of exception on broken files.
        return None
    return body + END if all(np.array_equal(first, other) for other in others) else None


def _pixels(content: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
        return np.asarray(image)


def _in_one_scan(content: bytes) -> bool:
    """Whether all components come in one pass without restarts; else a missing part might not be noticed."""
    place, components = len(START), 0
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker, length = content[place + 1], struct.unpack(">H", content[place + 2 : place + 4])[0]
        segment = content[place + 4 : place + 2 + length]
        if marker in SEQUENTIAL and len(segment) > 5:
            components = segment[5]
        if marker == RESTARTS and any(segment):
            return False
        if marker == SCAN:
            return components > 0 and segment[:1] == bytes((components,))
        place += 2 + length
    return False
