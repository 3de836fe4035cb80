"""How much main memory this process may use, and how much of it is free: of the machine, or less in a container."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

MACHINE = Path("/proc/meminfo")
CONTAINER = Path("/sys/fs/cgroup")
LOW = 2**30
"""With less than this free, even small runs fail."""


@dataclass(frozen=True)
class Memory:
    """Bytes in all, and bytes that are free or can be freed; ``None`` where the system does not tell."""

    total: int
    free: int | None

    @property
    def low(self) -> bool:
        """Whether hardly a run would fit."""
        return self.free is not None and self.free < LOW

    def __str__(self) -> str:
        """For people."""
        free = "free: unknown" if self.free is None else f"{in_units(self.free)} free"
        return f"{in_units(self.total)}, {free}"


def memory(*, machine: Path = MACHINE, container: Path = CONTAINER) -> Memory | None:
    """What Linux and the limit of its control group say; elsewhere the total alone, or nothing."""
    try:
        of_machine = _of_machine(machine.read_text())
    except (OSError, ValueError, KeyError):
        return _total_alone()
    try:
        limit = int((container / "memory.max").read_text())
        used = int((container / "memory.current").read_text()) - _cached(container / "memory.stat")
    except (OSError, ValueError):
        return of_machine  # no limit: the file says "max", or is not there
    assert of_machine.free is not None
    return Memory(min(of_machine.total, limit), min(of_machine.free, max(0, limit - used)))


def in_units(size: int) -> str:
    """``3.2 GiB``, or ``45 MiB``."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{max(1, round(size / 2**20))} MiB"


def _of_machine(text: str) -> Memory:
    rows = {name: value for name, _, value in (line.partition(":") for line in text.splitlines())}
    total, free = (int(rows[key].split()[0]) * 1024 for key in ("MemTotal", "MemAvailable"))
    return Memory(total, free)


def _cached(stat: Path) -> int:
    """Copies of files, which count as used and make room when memory is asked for."""
    rows = dict(line.split() for line in stat.read_text().splitlines())
    return int(rows.get("inactive_file", 0))


def _total_alone() -> Memory | None:
    try:
        return Memory(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), None)
    except (AttributeError, ValueError, OSError):
        return None
