"""Samples for metrics during training, of which every process that trains makes and looks at some.

The first process asks for them as often as its metrics need new ones. Pictures and features are those of one process to
the bit: each chunk is drawn, generated and looked at by one process as it would be by a single one, from weights that
are the same everywhere. What metrics make of them is left to the first process, which has the real data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from ganzoo.evaluation import sampling
from ganzoo.evaluation.gathering import Chunks, Gathered, gather
from ganzoo.evaluation.judging import Yardstick
from ganzoo.protocols import DataSpec, Extracted, Extractor, Generator
from ganzoo.training.team import Team


@dataclass(frozen=True, kw_only=True)
class SharedSamples:
    """Samples of a generator, for :func:`ganzoo.evaluation.judging.judge`.

    Attributes:
        network: ready for evaluation.
        spec: of the data that it makes.
        seed: of the latents.
        team: the processes that make them, perhaps one.
    """

    network: Generator
    spec: DataSpec
    seed: int
    team: Team

    def asked(self, n: int, *, balanced: bool = False) -> Chunks:
        """In the first process: ask the others to make theirs, and make those of this one."""
        self.team.first(lambda: balanced)
        return self._own(n, balanced=balanced)

    def look(self, chunks: Chunks, extractors: Mapping[str, Extractor], *, images: bool, expected: int) -> Gathered:
        """Look at those of this process; the first then gets what all have seen, of ``expected`` samples."""
        counts = sampling.counts(expected, self.team)
        own = gather(chunks, extractors, images=images, expected=counts[self.team.number])
        if self.team.alone:
            return own

        def whole(rows: Tensor | None) -> Tensor | None:
            return None if rows is None else self.team.to_first(rows, counts)

        seen = {
            name: Extracted(features=self.team.to_first(one.features, counts), class_probs=whole(one.class_probs))
            for name, one in own.seen.items()
        }
        return replace(own, count=expected, images=whole(own.images), labels=whole(own.labels), seen=seen)

    def over(self) -> None:
        """In the first process: nothing more is asked for."""
        self.team.first(lambda: None)

    def follow(self, yardstick: Callable[[], Yardstick]) -> None:
        """In another process: make and look at whatever the first one asks for."""
        while (balanced := self.team.first(lambda: None)) is not None:
            part = yardstick().with_classes(balanced=balanced)
            chunks = self._own(part.most, balanced=balanced)
            self.look(chunks, part.looks(), images=part.need_images, expected=part.most)

    def _own(self, n: int, *, balanced: bool) -> Chunks:
        labels = sampling.balanced_labels(self.spec, n) if balanced else None
        return sampling.chunks(self.network, self.spec, n, labels=labels, seed=self.seed, team=self.team)
