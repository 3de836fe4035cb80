"""Files that are not a component's own, which it leaves alone."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ganzoo.testing.check import demand

FOLDERS = ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TMPDIR", "TEMP", "TMP", "GANZOO_CACHE")
"""Variables of the environment that say where programs put files."""

Files = Mapping[Path, tuple[int, int]]


@contextlib.contextmanager
def nothing_written(*, code: Path, watched: Iterable[Path] = (), own: Iterable[Path] = ()) -> Iterator[None]:
    """Demand that the block leaves no file in the working folder, in the home or temporary folder, or in those named.

    Args:
        code: a folder without what is below it, which may be all that is installed.
        watched: folders with what is below them.
        own: where it may write nevertheless; in the working folder if relative.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        places = [Path(scratch).resolve(), *watched]
        before = _files(places, code)
        with _moved_to(places[0]):
            yield
            allowed = [path.expanduser().absolute() for path in own]
        changed = sorted(path for path, state in _files(places, code).items() if before.get(path) != state)
        changed = [path for path in changed if not any(path.is_relative_to(place) for place in allowed)]
        names = [str(path.relative_to(places[0]) if path.is_relative_to(places[0]) else path) for path in changed]
        demand(not changed, f"it writes {', '.join(names[:3])}, which is not a place that it was given")


@contextlib.contextmanager
def _moved_to(folder: Path) -> Iterator[None]:
    """Make ``folder`` the working folder, and its sub-folders what programs take for home and temporary ones."""
    places = {name: folder / name.lower() for name in FOLDERS}
    kept, temporary = {name: os.environ.get(name) for name in FOLDERS}, tempfile.tempdir
    for place in places.values():
        place.mkdir()
    os.environ.update({name: str(place) for name, place in places.items()})
    tempfile.tempdir = str(places["TMPDIR"])
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        tempfile.tempdir = temporary
        for name, value in kept.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def files_below(folder: Path, pattern: str = "**/*") -> Files:
    """Size and time of every file in a folder and below; what Python compiles is left out."""
    return {
        path: (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.glob(pattern)
        if path.is_file() and "__pycache__" not in path.parts
    }


def _files(places: Iterable[Path], code: Path) -> dict[Path, tuple[int, int]]:
    found = dict(files_below(code, "*"))
    for place in places:
        found |= files_below(place)
    return found
