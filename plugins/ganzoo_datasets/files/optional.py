"""Packages that read some formats and are not part of every installation."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from ganzoo.errors import DataError


def reader_of(path: Path, package: str, extra: str) -> Any:
    """The package that reads a file.

    Args:
        path: the file, for the message.
        package: what is imported.
        extra: of ganzoo, that installs it.

    Raises:
        DataError: it is not installed.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise DataError(
            f"{path} is read with {package.partition('.')[0]}, which is not installed",
            given=path,
            allowed=f"an environment with ganzoo[{extra}]",
            hint=f"python -m pip install 'ganzoo[{extra}]'",
        ) from error
