"""The nearest known word to a misspelt one, for error messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(given: str, known: Iterable[str]) -> str | None:
    """The known word most like ``given``, or ``None`` when none is like it. Case and ``_`` for ``-`` do not count."""
    words = {word.lower().replace("_", "-"): word for word in known}
    matches = difflib.get_close_matches(given.lower().replace("_", "-"), words, n=1)
    return words[matches[0]] if matches else None


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """``"; did you mean 'hinge'?"``, or nothing: to be appended to a message."""
    word = nearest(given, known)
    return f"; did you mean {word!r}?" if word else ""
