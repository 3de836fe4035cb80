"""What a command does before it computes."""

from __future__ import annotations

from ganzoo import allocator, cores


def get_ready() -> None:
    """Choose how torch's threads wait, before torch is imported, and keep the memory that is freed."""
    cores.settle()
    allocator.keep_freed_memory()
