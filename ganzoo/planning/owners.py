"""Which components of a kind have an option like one that a component lacks, for the message about it."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

from ganzoo.errors import GanzooError
from ganzoo.registry import Entry

MOST = 3
"""Components named in one message."""


def owners_of(key: str, entry: Entry, others: Iterable[Entry]) -> str:
    """``"margin-hinge has margin_real and margin_fake"``; empty if no other component of the kind has anything like it.

    Components with an option of exactly this name come before those with similar ones. A component that cannot be
    loaded is left out: this only completes the message about another one.
    """
    exact, similar = [], []
    for other in others:
        if other.qualified == entry.qualified:
            continue
        options = _options(other)
        if key in options:
            exact.append(f"{other.name} has {key}")
        elif near := similar_to(key, options):
            similar.append(f"{other.name} has {' and '.join(near)}")
    return ", ".join([*exact, *similar][:MOST])


def similar_to(key: str, options: Collection[str]) -> list[str]:
    """The options that ``key`` may have meant: near in spelling, or with it as one of their words; in their order."""
    near = set(difflib.get_close_matches(key, options, n=2, cutoff=0.7))
    return [option for option in options if option in near or key in option.split("_")]


def _options(entry: Entry) -> list[str]:
    try:
        return list(entry.options().model_fields)
    except GanzooError:
        return []
