"""What stands beside cached pixels: their shape and digest, and what was learned about the pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ganzoo_datasets.files.pixels.picture import Rule
from ganzoo_datasets.files.seen import Seen

DAMAGE = (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)
"""What reading an entry may raise, since a damaged file may hold anything."""


@dataclass(frozen=True)
class CacheEntry:
    """One cache entry, or a part of one that is not finished.

    Attributes:
        shape: (N, C, S, S) of the pixels.
        digest: SHA-256 of the pixels.
        modified_ns: modification time of the pixel file, to notice that it was written to; 0 for a part.
        seen: what was learned about the pictures.
        unreadable: name → reason of files that are not in the pixels.
    """

    shape: tuple[int, int, int, int]
    digest: str
    modified_ns: int
    seen: Seen = field(default_factory=Seen)
    unreadable: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> CacheEntry:
        """What :func:`dataclasses.asdict` made of it; raises one of ``DAMAGE`` for anything else."""
        return cls(**{**values, "shape": tuple(values["shape"]), "seen": Seen.from_plain(values["seen"])})

    def is_of(self, names: Sequence[str], rule: Rule) -> bool:
        """Whether it can be what these pictures became by the rule; a damaged one says anything."""
        unreadable = self.unreadable
        if not isinstance(unreadable, dict) or not unreadable.keys() <= set(names):
            return False
        count = len(names) - len(unreadable)
        numbers = all(type(side) is int for side in self.shape)
        fits = self.shape in [(count, channels, rule.size, rule.size) for channels in (1, 3)]
        told = all(isinstance(reason, str) for reason in unreadable.values()) and isinstance(self.digest, str)
        return numbers and fits and told and self.seen.is_plausible(pictures=count)
