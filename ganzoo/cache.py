"""Where decoded pictures are kept."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from ganzoo.errors import ConfigError


def cache_folder() -> Path:
    """Where decoded pictures are kept: ``GANZOO_CACHE``, or else the user's cache folder.

    Raises:
        ConfigError: ``GANZOO_CACHE`` begins with ``~`` and there is no such home folder.
    """
    chosen = os.environ.get("GANZOO_CACHE")
    if not chosen:
        return platformdirs.user_cache_path("ganzoo")
    try:
        return Path(chosen).expanduser()
    except RuntimeError as error:
        raise ConfigError(
            "GANZOO_CACHE begins with a home folder that does not exist",
            given=chosen,
            hint="set GANZOO_CACHE to a writable folder",
        ) from error
