"""Splits in the names of files, as in DRIVE's ``21_training.tif`` beside ``01_test.tif``: noticed, not obeyed.

A word in the name of a file says less than a folder. But where some files name train and others test, training on all
of them is rarely wanted, and nothing else would show it.
"""

from __future__ import annotations

import logging
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from ganzoo_datasets.files.layouts.placed import Placed
from ganzoo_datasets.files.listing import listed
from ganzoo_datasets.files.splits import Split, domain_of, split_of

logger = logging.getLogger("ganzoo")

MOST = 0.5
"""Of the pictures, so many must name a split; a ``train_station.jpg`` beside a ``test_tube.jpg`` is a word."""

_WORD = re.compile(r"[^\W\d_]+")


def warn_of_named_splits(place: Path, placed: Sequence[Placed]) -> None:
    """Say that all pictures are read as train although the names of some say another split."""
    if {one.split for one in placed} != {"train"}:
        return
    named = {one.name: found for one in placed if (found := _named(one.name)) is not None}
    others = {name: pattern for name, (split, pattern) in named.items() if split != "train"}
    if len(named) < MOST * len(placed) or not others or len(others) == len(named):
        return
    logger.warning(
        "%s: %s of %s pictures are named for another split than train, and are read as train all the same; leave them "
        "out with --set data.exclude=%s, or move them into folders such as train and test; "
        "--set data.layout=folders says that all are meant%s",
        place,
        f"{len(others):,}",
        f"{len(placed):,}",
        shlex.quote(",".join(sorted(set(others.values())))),
        listed(list(others)[:3], min(3, len(others))),
    )


def _named(name: str) -> tuple[str, str] | None:
    """The only split that the name of a file mentions, and a pattern of such names."""
    base = name.rpartition("/")[2]
    stem = base.rpartition(".")[0]
    found = {split: word for word in _WORD.finditer(stem) if (split := _meant(word[0]))}
    if len(found) != 1:
        return None
    ((split, word),) = found.items()
    before = f"*{_mark(base[word.start() - 1])}" if word.start() else ""
    return split, f"{before}{word[0]}{_mark(base[word.end()])}*"


def _meant(word: str) -> Split | None:
    """GlaS counts ``testA`` and ``testB``."""
    domain = domain_of(word)
    return split_of(word) or (domain[0] if domain else None)


def _mark(letter: str) -> str:
    """A separator; a digit differs from name to name."""
    return "" if letter.isdecimal() else letter
