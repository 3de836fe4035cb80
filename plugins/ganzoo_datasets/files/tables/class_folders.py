"""Whether folders of pictures look like classes, so that a table beside them is not what the classes come from."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from ganzoo_datasets.files.pixels.reader import is_picture
from ganzoo_datasets.files.splits import split_of

CONTAINERS = frozenset(
    (
        *("data", "dataset", "files", "images", "image", "imgs", "img", "input", "jpeg", "jpg", "png", "photos"),
        *("pictures", "part", "parts", "shard", "shards", "batch", "chunk", "fold", "folder", "raw", "all"),
    )
)
"""Words in the names of folders that only hold pictures."""

OWNERS = frozenset(("patient", "subject", "case", "person", "writer", "study", "series", "scan", "visit", "view"))
"""Words before the number of a folder that holds the pictures of one person or visit."""


def class_folders(names: Iterable[str]) -> list[str]:
    """The folders that look like classes: for each picture the first that has a telling name; fewer than two are none.

    ``images``, ``train_images``, ``HAM10000_images_part_1``, ``00000`` and ``patient00001`` tell nothing of a class.
    """
    folders = {os.path.dirname(name) for name in names if is_picture(name)}
    found = {next((part for part in folder.split("/") if part and _tells(part)), "") for folder in folders} - {""}
    return sorted(found) if len(found) > 1 else []


def _tells(folder: str) -> bool:
    words = re.findall(r"[^\W\d_]+", folder.casefold())
    if not words:
        return not (folder.isdecimal() and len(folder) >= 5)
    if split_of(folder) or any(word in CONTAINERS or split_of(word) for word in words):
        return False
    return not (words[0] in OWNERS and folder[-1].isdecimal())
