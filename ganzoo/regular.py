"""Files of folders that strangers may have made: only regular ones are read, and none is written through a link.

Whoever opens a pipe waits for ever, a device never ends, and what is added to a link lands in a file elsewhere.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

LONGEST_TEXT = 2**26
"""Bytes of a file that is read as a whole: the manifest of ten thousand classes has some 300 kB."""


def opened(path: Path) -> BinaryIO:
    """A regular file, or a link to one, to be read; a pipe is never waited for.

    Raises:
        OSError: it is no regular file, or cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    file = open(descriptor, "rb")  # noqa: SIM115  # whoever called closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return file


def regular_bytes(path: Path, *, at_most: int) -> bytes:
    """A regular file's content, up to one byte more than expected.

    Raises:
        OSError: as :func:`opened`.
    """
    with opened(path) as file:
        # As many bytes as it has: whoever states a size of petabytes gets no memory for it.
        return file.read(min(max(at_most, 0), os.fstat(file.fileno()).st_size) + 1)


def regular_text(path: Path, *, errors: str = "strict") -> str:
    """The UTF-8 text of a regular file of at most :data:`LONGEST_TEXT` bytes.

    Raises:
        OSError: as :func:`opened`, or it is longer.
        UnicodeDecodeError: it is not UTF-8.
    """
    content = regular_bytes(path, at_most=LONGEST_TEXT)
    if len(content) > LONGEST_TEXT:
        raise OSError(errno.EFBIG, f"it is longer than {LONGEST_TEXT:,} bytes", str(path))
    return content.decode("utf-8", errors)


def added_to(path: Path) -> BinaryIO:
    """A file to read and to add to; made if it is missing.

    Raises:
        OSError: it is a link, a pipe or a device, or cannot be written.
    """
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link, and nothing here is written through one", str(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return path.open("ab+")
