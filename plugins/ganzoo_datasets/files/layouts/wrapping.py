"""The folder around all pictures, as archives and downloads have one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ganzoo_datasets.files.layouts.placed import relative
from ganzoo_datasets.files.layouts.shards import without_number
from ganzoo_datasets.files.splits import domain_of, split_of


def wrapping(names: Sequence[str], empty: Callable[[str], bool]) -> str:
    """The folder that all pictures are in, as deep as it goes, or the empty text.

    A folder named for a split is not gone into, nor one beside an empty folder, which may be a class that got lost.
    """
    root = ""
    while names:
        tops = {relative(name, root)[0] for name in names}
        top = min(tops)
        folders = all(len(relative(name, root)) > 1 for name in names)
        if len(tops) > 1 or not folders or split_of(without_number(top)) or split_of(top) or domain_of(top):
            break
        if empty(root):
            break
        root = f"{root}/{top}" if root else top
    return root
