"""Copy what changed in a folder of runs to another machine, so that the copy is whole at every instant.

The one side says what it :func:`holds`; the other side :func:`packs <pack>` what differs; the first :func:`takes it
over <Copy.take_over>`. A file is the same where size and time of change are, which the copy gets as well, as rsync has
it. Names that begin with a dot are left out: they are locks, and files that are still being written.
"""

from __future__ import annotations

import io
import os
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ganzoo.files import writing

Stamp = tuple[int, int]
"""Size of a file and the time of its last change in ns."""
Held = Mapping[str, Stamp]
"""Name of a file, relative and with ``/`` → its stamp."""

GROWING = ("metrics.jsonl", "log.txt", "worker.log")
"""Files that get longer all the time: they are sent along with something else."""
LAST = ("config.yaml", "manifest.json", "evaluation.json", "failure.json")
"""What says that the rest is there comes after the rest, in this order."""
TRIES = 3
PARCEL = 64 * 2**20
"""Bytes after which a parcel takes no further file or checkpoint: the rest goes into the next one."""


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """What changed.

    Attributes:
        files: all that the sender has, sent or not; checkpoints and verdicts that are not among it are removed.
        archive: a tar archive of what the receiver lacks; of much, a part.
        rest: whether more is to come. Until it has, nothing is removed: the next checkpoint may be in it.
    """

    files: Held = field(default_factory=dict)
    archive: bytes = b""
    rest: bool = False


class Copy:
    """The folder of a receiver.

    It remembers with which stamp each file came, since a file system may round times (FAT to 2 s, some network shares
    to 1 s): a copy that went by its own stamps alone would lack these files for ever.

    Args:
        folder: where it lies.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._came: dict[str, tuple[Stamp, Stamp]] = {}

    def holds(self) -> dict[str, Stamp]:
        """What is there, with the stamps that the sender knows."""
        found = holds(self._folder)
        for name, (here, there) in self._came.items():
            if found.get(name) == here:
                found[name] = there
        return found

    def take_over(self, parcel: Parcel) -> None:
        """See :func:`take_over`."""
        arrived, found = take_over(self._folder, parcel), holds(self._folder)
        for name in arrived:
            self._came[name] = (found[name], parcel.files[name])
        self._came = {name: stamps for name, stamps in self._came.items() if name in found}


def holds(folder: Path) -> dict[str, Stamp]:
    """The files in a folder; what goes while it is listed, as old checkpoints do, is left out."""
    found = {}
    for parent, folders, names in os.walk(folder):  # which goes on where a folder is not there any more
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(parent, name) for name in names if not name.startswith(".")):
            try:
                seen = path.lstat()
            except FileNotFoundError:
                continue
            if stat.S_ISREG(seen.st_mode):
                found[path.relative_to(folder).as_posix()] = (seen.st_size, seen.st_mtime_ns)
    return found


def pack(folder: Path, held: Held, *, everything: bool = False) -> Parcel | None:
    """What a receiver lacks that has ``held``; ``None`` if nothing is new, or too much changes just now.

    No more than ``PARCEL`` bytes, a single checkpoint, and what grows are in memory at once: the receiver asks again.

    Args:
        folder: the one that is copied.
        held: what the receiver has.
        everything: send files that have grown even if nothing else is new.
    """
    for _ in range(TRIES):
        before = holds(folder)
        wanted = _new(before, held)
        gone, new = any(map(_goes, set(held) - set(before))), set(before) - set(held)
        if not wanted and not gone:
            return None
        if not everything and not gone and not new and all(_grows(name) for name in wanted):
            return None
        part = _part(before, wanted)
        try:
            archive, stamps = _archive(folder, part)
        except FileNotFoundError:
            continue
        # Nothing but growing files changed between two looks, so there was an instant at which all of it was there.
        if _without_growing(holds(folder)) == _without_growing(before):
            return Parcel(files={**before, **stamps}, archive=archive, rest=len(part) < len(wanted))
    return None


def take_over(folder: Path, parcel: Parcel) -> list[str]:
    """Make a folder equal to that of the sender; returns what arrived.

    A file or checkpoint appears whole or not at all; if this is killed, what is there can be gone on with.

    Raises:
        tarfile.TarError: a member would lie outside the folder, or is not a file.
        ResourceError: no space, no permission.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".incoming-") as beside:
            staged = Path(beside)
            if parcel.archive:
                with tarfile.open(fileobj=io.BytesIO(parcel.archive), mode="r:") as archive:
                    archive.extractall(staged, filter="data")
            arrived = [path.relative_to(staged).as_posix() for path in staged.rglob("*") if path.is_file()]
            for name in arrived:
                os.utime(staged / name, ns=(parcel.files[name][1],) * 2)
            for unit in sorted({_unit(name) for name in arrived}, key=_rank):
                _replace(staged / unit, folder / unit)
        for name in () if parcel.rest else holds(folder):
            if name not in parcel.files and _goes(name):
                (folder / name).unlink()
                _remove_empty(folder / name, folder)
    return arrived


def _new(files: Held, held: Held) -> list[str]:
    """What is to be sent: a checkpoint whole or not at all."""
    units = {_unit(name) for name, stamp in files.items() if held.get(name) != stamp}
    return sorted(name for name in files if _unit(name) in units)


def _part(files: Held, wanted: list[str]) -> list[str]:
    """So much of it as a parcel takes, in the order in which it has to arrive.

    What grows comes first and always, since each part may bring a checkpoint that counts its rows.
    """
    part, size = [name for name in wanted if _grows(name)], 0
    units: dict[str, list[str]] = {}
    for name in wanted:
        if not _grows(name):
            units.setdefault(_unit(name), []).append(name)
    for unit in sorted(units, key=_rank):
        more = sum(files[name][0] for name in units[unit])
        if size and size + more > PARCEL:
            break
        part += units[unit]
        size += more
    return part


def _archive(folder: Path, names: list[str]) -> tuple[bytes, dict[str, Stamp]]:
    """A tar archive, and size and time of what is in it: a growing file may be longer than it was just now."""
    buffer, stamps = io.BytesIO(), {}
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in names:
            with (folder / name).open("rb") as file:
                seen = os.fstat(file.fileno())
                member = tarfile.TarInfo(name)
                member.size, member.mode = seen.st_size, 0o644
                archive.addfile(member, file)
            stamps[name] = (seen.st_size, seen.st_mtime_ns)
    return buffer.getvalue(), stamps


def _unit(name: str) -> str:
    """What appears at once: a checkpoint, or a file."""
    parts = PurePosixPath(name).parts
    if "checkpoints" in parts[:-2]:
        return "/".join(parts[: parts.index("checkpoints") + 2])
    return name


def _rank(unit: str) -> tuple[int, str]:
    """Rows before the checkpoint that counts them, and what says that all is there last."""
    name = PurePosixPath(unit).name
    if name in LAST:
        return 2 + LAST.index(name), unit
    return int("checkpoints" in PurePosixPath(unit).parts), unit


def _replace(new: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        shutil.rmtree(place)
    os.replace(new, place)


def _remove_empty(path: Path, top: Path) -> None:
    for parent in path.parents:
        if parent == top or any(parent.iterdir()):
            return
        parent.rmdir()


def _goes(name: str) -> bool:
    """Whether a run removes such a file; what else a copy has more was put there by somebody, and stays."""
    return _unit(name) != name or PurePosixPath(name).name in ("evaluation.json", "failure.json")


def _grows(name: str) -> bool:
    return PurePosixPath(name).name in GROWING


def _without_growing(files: Held) -> dict[str, Stamp]:
    return {name: stamp for name, stamp in files.items() if not _grows(name)}
