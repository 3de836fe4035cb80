"""How much main memory this process may use, and how much is free: of the machine, or less in a container or a job."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MACHINE = Path("/proc/meminfo")
GROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Limit, use, and what of it can be freed, in the second and the first version of Linux's control groups."""
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


def memory(*, machine: Path = MACHINE, groups: Path = GROUPS, own: Path = OWN) -> Memory | None:
    """What Linux and the limits of all control groups that it is in say; elsewhere the total alone, or nothing."""
    try:
        found = _of_machine(machine.read_text())
    except (OSError, ValueError, KeyError):
        return _total_alone()
    for limit, used in _limits(groups, own):
        assert found.free is not None
        found = Memory(min(found.total, limit), min(found.free, max(0, limit - used)))
    return found


def in_units(size: int) -> str:
    """``3.2 GiB``, or ``45 MiB``."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{max(1, round(size / 2**20))} MiB"


def _of_machine(text: str) -> Memory:
    rows = {name: value for name, _, value in (line.partition(":") for line in text.splitlines())}
    total, free = (int(rows[key].split()[0]) * 1024 for key in ("MemTotal", "MemAvailable"))
    return Memory(total, free)


def _limits(groups: Path, own: Path) -> Iterator[tuple[int, int]]:
    """Of each group with a limit, the limit and what is used of it, without copies of files that make room."""
    for folder in _folders(groups, own):
        for limit, used, cached in FILES:
            most = _number(folder / limit)  # no limit: the file says "max", or is not there
            if most is not None and most > 0:
                taken = (_number(folder / used) or 0) - (_number(folder / "memory.stat", cached) or 0)
                yield most, max(0, taken)


def _number(path: Path, row: str = "") -> int | None:
    """The number that a file consists of, or that of a row of it; ``None`` if there is none."""
    with suppress(OSError, ValueError):
        lines = [line.split() for line in path.read_text().splitlines()]
        return next((int(words[-1]) for words in lines if words and words[:-1] == ([row] if row else [])), None)
    return None


def _folders(groups: Path, own: Path) -> Iterator[Path]:
    """The folders of the groups that hold this process; in a container theirs is the uppermost that is seen."""
    yield groups
    tops = {"": groups}
    if os.path.isfile(groups / "memory" / "memory.limit_in_bytes"):
        tops["memory"] = groups / "memory"
        yield tops["memory"]
    with suppress(OSError):
        for line in own.read_text(errors="surrogateescape").splitlines():
            _, controllers, path = [*line.split(":", 2), "", ""][:3]
            for top in {tops[name] for name in controllers.split(",") if name in tops}:
                parts = [part for part in path.split("/") if part]
                yield from (top.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1))


def _total_alone() -> Memory | None:
    try:
        return Memory(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), None)
    except (AttributeError, ValueError, OSError):
        return None
