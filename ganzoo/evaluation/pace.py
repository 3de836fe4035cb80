"""How far an evaluation is, and how long the rest takes: what looks at pictures counts, whoever wants to is told."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from ganzoo.evaluation.gathering import Chunks
from ganzoo.protocols import Extracted, Extractor

GENERATING = "samples"
"""What the first stage of a judgment is called, and what is counted while samples are generated or read."""
BALANCED = "samples equally of each class"


@dataclass(frozen=True, kw_only=True)
class EvaluationStage:
    """Samples that are generated, or one metric through one extractor.

    Attributes:
        name: ``samples``, or ``frechet-distance[random-conv]``.
        looks: extractor, or ``samples`` → pictures that it is expected to see.
    """

    name: str
    looks: Mapping[str, int] = field(default_factory=dict)


class Pace:
    """Counts what is done of the stages that were foreseen.

    The rest is estimated from seconds per picture, of each extractor and of the generator, and from what a metric took
    at an earlier checkpoint. What a metric computes for the first time is not in it: nothing tells how long that takes.
    """

    def __init__(
        self, tell: Callable[[Pace], None] = lambda pace: None, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._tell, self._clock = tell, clock
        self._stages: list[EvaluationStage] = []
        self._at = -1
        self._begun = 0.0
        self._seen = Counter[str]()
        self._total = Counter[str]()
        self._seconds: dict[str, float] = {}
        self._looking = 0.0
        self._computing: dict[str, float] = {}

    def foresee(self, stages: Sequence[EvaluationStage]) -> None:
        """What there is to be done, in order."""
        self._stages = list(stages)

    def begin(self, name: str) -> None:
        """A stage begins; those before it are done, or were not needed."""
        self._end()
        ahead = range(self._at + 1, len(self._stages))
        self._at = next((at for at in ahead if self._stages[at].name == name), self._at)
        self._begun, self._looking, self._seen = self._clock(), 0.0, Counter()
        self._tell(self)

    def _end(self) -> None:
        if self._at >= 0:
            took = self._clock() - self._begun - self._looking
            self._computing[self._stages[self._at].name] = max(took, 0.0)

    def looked(self, kind: str, pictures: int, seconds: float) -> None:
        """So many pictures were generated, or seen by an extractor."""
        self._seen[kind] += pictures
        self._total[kind] += pictures
        self._seconds[kind] = self._seconds.get(kind, 0.0) + seconds
        self._looking += seconds
        self._tell(self)

    @property
    def stages(self) -> Sequence[EvaluationStage]:
        """What was foreseen."""
        return self._stages

    @property
    def computing(self) -> Mapping[str, float]:
        """Stage that is over → seconds in which it did anything but look at pictures."""
        return self._computing

    @property
    def stage(self) -> EvaluationStage | None:
        """The stage that it is at."""
        return self._stages[self._at] if self._at >= 0 else None

    @property
    def number(self) -> int:
        """Its number, from 1."""
        return self._at + 1

    @property
    def count(self) -> int:
        """How many stages there are."""
        return len(self._stages)

    @property
    def share(self) -> float:
        """How much of the stage is looked at, from 0 to 1."""
        wanted = sum(self.stage.looks.values()) if self.stage else 0
        return min(1.0, sum(self._seen.values()) / wanted) if wanted else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Of what can be foreseen; ``None`` before a picture of some kind that is still to be seen was."""
        if self.stage is None:
            return None
        here = {kind: max(0, count - self._seen[kind]) for kind, count in self.stage.looks.items()}
        ahead = self._stages[self._at + 1 :]
        left = Counter(here)
        for stage in ahead:
            left.update(stage.looks)
        if any(count and not self._total[kind] for kind, count in left.items()):
            return None
        looking = sum(count * self._seconds[kind] / self._total[kind] for kind, count in left.items() if count)
        passed = max(self._clock() - self._begun - self._looking, 0.0)
        computing = max(self._computing.get(self.stage.name, 0.0) - passed, 0.0)
        return looking + computing + sum(self._computing.get(stage.name, 0.0) for stage in ahead)

    @property
    def unforeseen(self) -> int:
        """Metrics whose computing is not in the estimate."""
        ahead = self._stages[max(self._at, 0) :]
        names = {stage.name for stage in ahead} - {GENERATING, BALANCED}
        return len(names - self._computing.keys())

    def counted(self, chunks: Chunks) -> Iterator[tuple[Tensor, Tensor | None]]:
        """The chunks, whose pictures are counted as they come."""
        begun = self._clock()
        for part, labels in chunks:
            self.looked(GENERATING, len(part), self._clock() - begun)
            yield part, labels
            begun = self._clock()

    def watching(self, extractors: Mapping[str, Extractor]) -> dict[str, Extractor]:
        """The extractors, whose looks are counted."""
        return {name: _Watched(name, one, self, self._clock) for name, one in extractors.items()}


class _Watched:
    """An extractor that says how many pictures it has seen."""

    def __init__(self, name: str, extractor: Extractor, pace: Pace, clock: Callable[[], float]) -> None:
        self._name, self._extractor, self._pace, self._clock = name, extractor, pace, clock
        self.digest, self.size = extractor.digest, extractor.size
        self.classes, self.resize = extractor.classes, extractor.resize

    def __call__(self, images: Tensor) -> Extracted:
        begun = self._clock()
        seen = self._extractor(images)
        self._pace.looked(self._name, len(images), self._clock() - begun)
        return seen
