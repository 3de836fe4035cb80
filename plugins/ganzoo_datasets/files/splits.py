"""Which split a folder or a cell of a table means: the usual spellings of train, val and test."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, get_args

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

SYNONYMS: dict[Split, tuple[str, ...]] = {
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validation", "validate", "dev", "devel", "development", "eval", "evaluation", "tuning"),
    "test": ("test", "testing", "tst", "holdout", "hold-out", "held-out"),
}
"""Without case; ``-``, ``_`` and spaces are alike."""

FILLERS = ("set", "data", "dataset", "split", "images", "imgs", "image", "img", "pictures", "photos")
"""Words that people put before or after: ``training_set``, ``test data``, ``images_train``, ``trainset``."""

_MEANING = {word.replace("-", ""): split for split, words in SYNONYMS.items() for word in words}
_SEPARATORS = re.compile(r"[\s_.-]+")
_YEAR = re.compile(r"(19|20)\d\d$")
_DOMAIN = re.compile(r"(?P<split>.*[^\s_-])(?:[\s_-]?(?P<capital>[AB])|[\s_-](?P<small>[ab]))")


def split_of(word: str) -> Split | None:
    """``train``, ``val`` or ``test`` for any usual spelling, such as ``Training_Set``; ``None`` for other words.

    A year at the end is allowed: ``train2017``.
    """
    text = unicodedata.normalize("NFKC", word).casefold().strip()
    words = [_YEAR.sub("", one) for one in _SEPARATORS.split(text)]
    meant = "".join(one for one in words if one not in FILLERS)
    ends = (meant, *(meant.removesuffix(filler) for filler in FILLERS))
    return next((_MEANING[end] for end in ends if end in _MEANING), None)


def domain_of(word: str) -> tuple[Split, str] | None:
    """Split and domain of a folder of an image-to-image set, such as ``trainA`` or ``test_b``; else ``None``."""
    found = _DOMAIN.fullmatch(word.strip())
    split = split_of(found["split"]) if found else None
    return None if found is None or split is None else (split, (found["capital"] or found["small"]).upper())
