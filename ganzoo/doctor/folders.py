"""Whether the folders that ganzoo writes to can be written, and how much room there is."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from ganzoo.cache import cache_folder
from ganzoo.doctor.diagnosis import Diagnosis
from ganzoo.errors import ConfigError
from ganzoo.registry import full_traceback

SCARCE = 2**30
"""Bytes of free space below which a folder is remarked upon."""


def folder_checks() -> Iterator[Diagnosis]:
    """The cache folder and the folder of runs."""
    yield _folder("cache", cache_folder, fix="set GANZOO_CACHE to a writable folder")
    yield _folder("runs", lambda: Path.cwd() / "runs", fix="work in another folder, or use: ganzoo run --runs DIR")


def _folder(name: str, find: Callable[[], Path], *, fix: str) -> Diagnosis:
    where = "the current folder"
    try:
        folder = find()
        where = str(folder)
        write_and_remove(folder)
    except ConfigError as error:
        return _fault(name, f"{error.message}: {error.given}", fix)
    except OSError as error:
        return _fault(name, f"{where} is not writable: {error.strerror or error}", fix, full_traceback(error))
    free = shutil.disk_usage(_existing(folder)).free
    text = f"{folder} is writable, {free / 2**30:.1f} GiB free"
    return Diagnosis(section="folders", name=name, status="note" if free < SCARCE else "ok", text=text)


def _fault(name: str, text: str, fix: str, traceback: str = "") -> Diagnosis:
    return Diagnosis(section="folders", name=name, status="fault", text=text, fixes=(fix,), traceback=traceback)


def write_and_remove(folder: Path) -> None:
    """Write a file in a folder and remove it, and with it what folders had to be made.

    Raises:
        OSError: it cannot be done.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"ganzoo")
            file.flush()
            os.fsync(file.fileno())
    finally:
        for path in made:
            with suppress(OSError):  # not made after all, or no longer empty
                path.rmdir()


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
