"""A file that a command is asked to write: a new one, and a name for it that is not taken."""

from __future__ import annotations

import shlex
from pathlib import Path

from ganzoo.errors import ConfigError


def unused(path: Path) -> Path:
    """The path; where something is there, ``NAME-2.png`` and so on."""
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found


def new_name(path: Path | str) -> str:
    """What :func:`unused` finds, as one would type it."""
    return shlex.quote(str(unused(Path(path))))


def demand_new(path: Path, *, option: str) -> None:
    """Raise a :class:`ConfigError` where something is there."""
    if path.exists():
        raise ConfigError(f"{path} exists, and nothing is overwritten", hint=f"{option} {new_name(path)}")


def check_output(path: Path, *, option: str, what: str, formats: tuple[str, ...], usual: str) -> None:
    """Check a file before anything is computed.

    Args:
        path: the file.
        option: that names it.
        what: is written, and its format, in words.
        formats: endings that it may have.
        usual: its name without ending, where it has none.

    Raises:
        ConfigError: it has another ending, or something is there.
    """
    if path.suffix.lower() not in formats:
        raise ConfigError(
            f"{what}, and {path} is named otherwise",
            given=path.suffix or "no ending",
            allowed=", ".join(formats),
            hint=f"{option} {new_name(path.parent / f'{path.stem or usual}{formats[0]}')}",
        )
    demand_new(path, option=option)
