"""The real data that generated ones are compared with, and those that show how good a value can get."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.evaluation.gathering import Gathered, gather_real
from ganzoo.evaluation.kept_facts import KeptFacts
from ganzoo.evaluation.remembering import Remembered
from ganzoo.protocols import Dataset, Extractor, FeatureFacts
from ganzoo.seeds import generator_for


@dataclass(frozen=True, kw_only=True)
class RealData:
    """Real data, opened.

    Attributes:
        dataset: what the generator learned from.
        split: the name of that part.
        find_held_out: opens real data that it did not learn from, with the name of that part, if there are any.
        cache: where features are kept.
        remembered: pictures that metrics looked at.
        facts: digest of features → what was found out about them.
    """

    dataset: Dataset
    split: str
    find_held_out: Callable[[], tuple[Dataset, str] | None] = lambda: None
    cache: Path
    remembered: Remembered = field(default_factory=Remembered)
    facts: dict[str, KeptFacts] = field(default_factory=dict)

    @cached_property
    def held_out(self) -> tuple[Dataset, str] | None:
        """Real data that the generator did not learn from and the name of that part; opened when first asked for."""
        return self.find_held_out()

    def real(self, count: int | None, extractors: Mapping[str, Extractor], *, images: bool) -> Gathered:
        """So many of the real data, always the same ones; all of them if ``count`` is ``None``."""
        return self._look(self.dataset, order(self.dataset)[:count], extractors, images=images)

    def unseen(self, count: int | None, extractors: Mapping[str, Extractor], *, images: bool) -> Gathered | None:
        """So many of those that were held out; ``None`` if there are none."""
        if self.held_out is None:
            return None
        dataset, _ = self.held_out
        return self._look(dataset, order(dataset)[:count], extractors, images=images)

    def floor(
        self, count: int | None, n: int, extractors: Mapping[str, Extractor], *, images: bool
    ) -> tuple[Gathered, Gathered, str] | None:
        """What takes the place of real and of generated data, and in words what that is.

        Held-out data are compared with the real ones; without them one half of the real data is compared with the
        other, and no group is in both. ``None`` where a half would be empty, as of data that are one group.

        Args:
            count: real data that generated ones are compared with; all of them if ``None``.
            n: generated ones.
            extractors: what looks at them.
            images: whether the pictures themselves are needed.
        """
        unseen = self.unseen(n, extractors, images=images)
        if unseen is not None and self.held_out is not None:
            return self.real(count, extractors, images=images), unseen, f"{unseen.count:,} of {self.held_out[1]}"
        here, there = halves(self.dataset)
        there = there[:n]
        if not len(here) or not len(there):
            return None
        here = here if count is None else here[:count]
        words = f"{len(there):,} of {self.split}, against {len(here):,} others of it"
        return (
            self._look(self.dataset, here, extractors, images=images),
            self._look(self.dataset, there, extractors, images=images),
            words,
        )

    def _look(self, dataset: Dataset, index: Tensor, extractors: Mapping[str, Extractor], *, images: bool) -> Gathered:
        gathered = gather_real(dataset, index, extractors, images=images, cache=self.cache, remembered=self.remembered)
        for name, seen in gathered.seen.items():
            gathered.found[name, gathered.count] = self._kept(seen.features)
        return gathered

    def _kept(self, features: Tensor) -> KeptFacts:
        digest = FeatureFacts(of=features, found={}).digest
        return self.facts.setdefault(digest, KeptFacts(self.cache / "facts" / digest))


def order(dataset: Dataset) -> Tensor:
    """The data in an order that depends on their content alone, so that the first of them are a fair sample."""
    return torch.randperm(len(dataset), generator=generator_for(0, "real", dataset.fingerprint))


def halves(dataset: Dataset) -> tuple[Tensor, Tensor]:
    """Two halves of the data that have no group in common."""
    shuffled = order(dataset)
    if dataset.groups is None:
        return shuffled[: len(shuffled) // 2], shuffled[len(shuffled) // 2 :]
    members: dict[str, list[int]] = {}
    for number in shuffled.tolist():
        members.setdefault(dataset.groups[number], []).append(number)
    sides: tuple[list[int], list[int]] = ([], [])
    for group in members.values():
        min(sides, key=len).extend(group)
    return torch.tensor(sides[0], dtype=torch.int64), torch.tensor(sides[1], dtype=torch.int64)
