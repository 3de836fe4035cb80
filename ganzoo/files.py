"""Files that appear whole or not at all: written beside their place, flushed to disk, then renamed.

Whoever reads one, or is killed while writing it, never meets half a file.
"""

from __future__ import annotations

import errno
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ganzoo.errors import ConfigError, GanzooError, ResourceError

PLACE = "--out DIR"
"""The option that chooses where most commands write."""
LONGEST_NAME = 255
"""Bytes of the name of a file or folder on the usual file systems."""
FULL = {errno.ENOSPC, errno.EDQUOT}
ABANDONED = 86_400.0
"""Seconds after which nobody writes to half a file any more: its process was killed."""
_BESIDE = re.compile(r"\..+\.\d+-\d+\.partial")
_OF_THE_SYSTEM = re.compile(r"\(os error (\d+)\)")
"""What a library written in Rust, such as that of tensor files, makes of a refusal by the system."""


def expanded(word: Path | str) -> Path:
    """The path that somebody wrote, from the home folder on where it begins with ``~``.

    Raises:
        ConfigError: there is no such home folder, as in many containers; or no file can be named so.
    """
    try:
        path = Path(word).expanduser()
    except RuntimeError as error:
        raise ConfigError(
            f"{word} begins with a home folder that does not exist",
            given=word,
            allowed="a path without ~",
            hint="write the path out, or set HOME",
        ) from error
    if longest := max((part for part in path.parts if len(os.fsencode(part)) > LONGEST_NAME), key=len, default=""):
        raise ConfigError(
            f"no file or folder can have a name of {len(os.fsencode(longest))} bytes",
            given=f"{longest[:40]}…",
            allowed=f"names of at most {LONGEST_NAME} bytes",
        )
    if "\0" in str(path):
        raise ConfigError("a path cannot hold the character of number 0", given=path)
    return path


@contextmanager
def whole_file(path: Path, *, place: str = PLACE) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; after the block it takes the place of ``path``.

    The folder of ``path`` is made if it is missing. If the block raises, what stood at ``path`` is still there, and
    nothing is left beside it. What a process that was killed left there is removed a day later, by the next file that
    is written to the folder.

    Raises:
        ResourceError: no space, no permission, or not a folder; ``place`` is the option that chooses another.
    """
    with writing(path, place=place):
        _make_folder(path.parent)
        _remove_abandoned(path.parent)
        # A name of its own: threads and processes that write the same file must not write into each other's.
        beside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
        try:
            yield beside
            flush_to_disk(beside)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
        flush_to_disk(path.parent)


def _remove_abandoned(folder: Path) -> None:
    """Remove what killed processes left beside files: it would stay for ever, in a cache as large as features are."""
    for path in folder.glob(".*.partial"):
        with suppress(OSError):
            if _BESIDE.fullmatch(path.name) and time.time() - path.lstat().st_mtime > ABANDONED:
                path.unlink()


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:  # what stands there is a file, and "File exists" would not say so
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from error


def write_text(path: Path, text: str, *, place: str = PLACE) -> None:
    """Replace a UTF-8 file. Raises :class:`ResourceError` as :func:`whole_file` does."""
    with whole_file(path, place=place) as beside:
        beside.write_text(text, encoding="utf-8")


@contextmanager
def writing(path: Path, *, place: str = PLACE, needs: int | None = None) -> Iterator[None]:
    """Turn a failed write inside the block into an error that names the place.

    Args:
        path: what is written.
        place: the option that chooses another one.
        needs: how many bytes it takes, if that is known.

    Raises:
        ResourceError: no space, no permission, or not a folder.
    """
    try:
        yield
    except Exception as raised:
        error = _of_the_system(raised)
        if error is None or _about_another(error, path):
            raise
        blocker = _file_in_the_way(path) if isinstance(error, FileExistsError | NotADirectoryError) else None
        reason = f"{blocker} is a file, not a folder" if blocker else error.strerror or str(error)
        hint = f"free some space, or use {place} on another disk" if error.errno in FULL else f"choose another {place}"
        size = "" if needs is None else f"; it needs {needs / 1e6:,.3g} MB"
        raise ResourceError(f"cannot write {path}: {reason}{size}", hint=hint) from error


def _of_the_system(error: Exception) -> OSError | None:
    """The refusal of the system that an error is, or that a library made a text of."""
    if isinstance(error, OSError | GanzooError):
        return error if isinstance(error, OSError) else None
    found = _OF_THE_SYSTEM.search(str(error))
    return OSError(int(found[1]), os.strerror(int(found[1]))) if found else None


def _about_another(error: OSError, path: Path) -> bool:
    """Whether an error names a file elsewhere: who reads one thing and writes another may fail at either."""
    if not isinstance(error.filename, str | bytes):
        return False
    # The library of locks names files from the root on, also where they were given from the working folder on.
    named, path = (Path(os.path.abspath(os.fsdecode(one))) for one in (error.filename, path))
    return not (named.is_relative_to(path.parent) or path.is_relative_to(named))


def _file_in_the_way(path: Path) -> Path | None:
    """The file that stands where ``path``, or a folder above it, is to be a folder."""
    return next((one for one in (path, *path.parents) if one.exists() and not one.is_dir()), None)


def flush_to_disk(path: Path) -> None:
    """Wait until a file, or the entries of a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
