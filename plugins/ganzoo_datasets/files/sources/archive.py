"""Archives: the files in a ``.zip`` or ``.tar``, read where they are."""

from __future__ import annotations

from pathlib import Path

from ganzoo_datasets.files.sources.files import Files


def archive(path: Path) -> Files | None:
    """The files in an archive."""
    return None
