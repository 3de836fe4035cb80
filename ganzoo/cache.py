"""Where decoded pictures are kept."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import platformdirs

from ganzoo.errors import ConfigError


def cache_folder() -> Path:
    """Where decoded pictures are kept: ``GANZOO_CACHE``, or else the user's cache folder.

    A user without a home folder, as in many containers, has one among the temporary files.

    Raises:
        ConfigError: ``GANZOO_CACHE`` begins with ``~`` and there is no such home folder; or what stands in the place
            among the temporary files is somebody else's.
    """
    chosen = os.environ.get("GANZOO_CACHE")
    if not chosen:
        try:
            usual = platformdirs.user_cache_path("ganzoo")
        except RuntimeError:  # what newer versions of platformdirs do; older ones leave ~ as it is
            usual = Path("~")
        return _without_home() if usual.parts[0] == "~" else usual
    try:
        return Path(chosen).expanduser()
    except RuntimeError as error:
        raise ConfigError(
            "GANZOO_CACHE begins with a home folder that does not exist",
            given=chosen,
            hint="set GANZOO_CACHE to a writable folder",
        ) from error


def _without_home() -> Path:
    """A folder that no other user can have filled: what lies there is believed."""
    path = Path(tempfile.gettempdir()) / f"ganzoo-{os.getuid()}"
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        seen = os.lstat(path)
        ours = stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.getuid() and not seen.st_mode & 0o022
    except OSError:
        ours = False
    if not ours:
        raise ConfigError(
            "there is no home folder to keep decoded pictures in, and the temporary one cannot be trusted",
            given=path,
            allowed="a folder of your own that nobody else can write to",
            hint="set GANZOO_CACHE to a writable folder",
        )
    return path
