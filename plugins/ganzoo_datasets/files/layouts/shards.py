"""Folders that only divide a large set into parts: ``part_1`` and ``part_2``, or ``00000`` and ``00001``."""

from __future__ import annotations

import re
from collections.abc import Collection

WORDS = (
    "archive|batch|chunk|data|dataset|dir|folder|fold|images|image|imgs|img|part|parts|photos|pictures|pt|shard|shards|"
    "subset|tar|vol|volume|zip"
)
_NUMBERED = re.compile(rf"(?P<before>.*?)(?:(?<![^\W\d_])(?P<word>{WORDS})[\s_.-]*(?P<number>\d+))", re.IGNORECASE)
_NUMBER = re.compile(r"\d{5,}")


def are_shards(folders: Collection[str]) -> bool:
    """Whether the names of folders side by side tell nothing but which part of the set each is.

    Either all are numbers of five digits or more, or all are one text with a word such as ``part`` and a number at the
    end. ``grade_1`` and ``grade_2`` are classes; so are ``0`` and ``1``, and ``001`` and ``002``.
    """
    if len(folders) < 2:
        return False
    if all(map(_NUMBER.fullmatch, folders)):
        return True
    found = [_NUMBERED.fullmatch(name) for name in folders]
    return len({(one["before"], one["word"].lower()) for one in found if one}) == 1 and all(found)


def without_number(folder: str) -> str:
    """The name of a folder without the part's number: ``train_part_1`` → ``train``; other names as they are."""
    found = re.fullmatch(rf"(.*?[^\W\d_])[\s_.-]*(?:(?:{WORDS})[\s_.-]*)?\d{{1,3}}", folder, re.IGNORECASE)
    return found[1] if found else folder
