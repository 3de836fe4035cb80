"""Memory that a step frees stays with the process, so that the next one need not ask for it again.

A step takes and frees the same memory over and over. GNU's allocator gives what lies free at its end back to the
system as soon as it is more than twice the largest block it has seen freed, and the system clears every page of it
when it comes back: at small batches a sixth of a step's processor time. Blocks of 32 MiB and more still come from the
system each by itself, and go back to it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""The numbers of two settings of ``mallopt``, as malloc.h has them."""
LARGEST = 32 * 2**20
"""Bytes of the largest block that is not the system's own, as the allocator itself would set it at most."""
NEVER = -1
"""In place of how many bytes may lie free: all of them."""
VARIABLES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_", "GLIBC_TUNABLES", "LD_PRELOAD")
"""Whoever sets one of them has chosen an allocator, or how it works."""


def keep_freed_memory(environment: Mapping[str, str] = os.environ) -> bool:
    """For the rest of this process; whether it is so, which is on Linux with GNU's allocator alone.

    It is not undone: the process goes on holding the most that it had at a time.
    """
    return not any(environment.get(name) for name in VARIABLES) and give_back_above(NEVER)


def give_back_above(free: int) -> bool:
    """Give memory back to the system when more bytes than this lie free; whether the allocator takes that."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes  # of use here alone, and every command imports this file

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none, or one that does nothing
    return mallopt is not None and bool(mallopt(MMAP_THRESHOLD, LARGEST)) and bool(mallopt(TRIM_THRESHOLD, free))
