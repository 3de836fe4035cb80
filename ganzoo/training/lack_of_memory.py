"""Telling a lack of memory from other errors, and saying what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ganzoo.errors import ResourceError

WORDS = ("allocate memory", "backend out of memory")


@contextmanager
def told_of_memory(words: str, *, hint: str) -> Iterator[None]:
    """Turn running out of memory inside the block into an error that says what to change.

    Raises:
        ResourceError: there was too little.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not lacks_memory(error):
            raise
        raise ResourceError(words, given=str(error).splitlines()[0] if str(error) else None, hint=hint) from error


def lacks_memory(error: BaseException) -> bool:
    """Whether memory was lacking; for that of the machine and of Apple's GPUs torch has no error of its own."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in WORDS)
