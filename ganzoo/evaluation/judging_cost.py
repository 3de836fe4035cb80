"""What it costs to judge generators, found on small pieces, as :mod:`ganzoo.training.estimate` does for steps.

An extractor is timed on a few pictures. Metrics are timed on a piece of the data and on half of it, with features that
no extractor had to look for, and their seconds are carried on by the power of the size that these two show.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.evaluation.gathering import chunks_of
from ganzoo.evaluation.judging import Yardstick, judge, named, through
from ganzoo.evaluation.outlook import watched
from ganzoo.evaluation.pace import BALANCED, GENERATING, Pace
from ganzoo.evaluation.reference import RealData, order
from ganzoo.evaluation.traits import Traits
from ganzoo.protocols import Dataset, Extracted, Extractor
from ganzoo.seeds import generator_for

PICTURES = 16
"""So many an extractor is timed on, after as many that only warm it up."""
SAMPLES = 512
"""The larger piece has so many samples of a metric that wants more."""
LONG = 10.0
"""Seconds after which half a piece is enough: the rest then counts in proportion."""
Clock = Callable[[], float]

STEEPEST = 3.0
"""No metric grows faster than this power of the size; what two small times show beyond it is noise."""


@dataclass(frozen=True, kw_only=True)
class JudgingCost:
    """Seconds of judging, beside those in which a generator makes samples.

    Attributes:
        once: of real pictures that extractors have to look at: they are kept for all runs on the same data.
        per_run: of numbers of real against real, found once for all checkpoints.
        per_checkpoint: of generated pictures that extractors look at, and of metrics.
        samples: that are generated for a checkpoint.
        unknown: metrics that could not be tried on a small piece, and why.
    """

    once: float
    per_run: float
    per_checkpoint: float
    samples: int
    unknown: Mapping[str, str]


def judging_cost(measured: Yardstick, *, clock: Clock = time.perf_counter) -> JudgingCost:
    """What it costs to judge generators by a yardstick, whose real data may have been looked at before."""
    pace = Pace()
    watched(measured, pace, judgments=1, balanced=True)
    generating = [stage for stage in pace.stages if stage.name in (GENERATING, BALANCED)]
    looks = Counter[str]()
    for stage in pace.stages:
        looks.update({} if stage in generating else stage.looks)
    eyes = {name: _per_picture(measured.reference.dataset, one, clock) for name, one in measured.extractors.items()}
    per_run, per_checkpoint, unknown = 0.0, 0.0, dict[str, str]()
    for name, metric in measured.metrics.items():
        seconds, failed = _computing(measured, name, clock)
        unknown |= failed
        # Half of it is for real against real, of a metric that has such a number beside its own.
        twice = "held_out" not in metric.needs
        per_checkpoint += seconds / 2 if twice else seconds
        per_run += seconds / 2 if twice else 0.0
    samples = sum(stage.looks.get(GENERATING, 0) for stage in generating)
    seen = sum(stage.looks.get(name, 0) * eyes[name] for stage in generating for name in eyes)
    return JudgingCost(
        once=sum(count * eyes[name] for name, count in looks.items()),
        per_run=per_run,
        per_checkpoint=per_checkpoint + seen,
        samples=samples,
        unknown=unknown,
    )


def _per_picture(dataset: Dataset, extractor: Extractor, clock: Clock) -> float:
    """Seconds in which an extractor looks at a picture."""
    pictures = dataset.read(order(dataset)[:PICTURES])
    extractor(pictures)
    begun = clock()
    extractor(pictures)
    return (clock() - begun) / len(pictures)


def _computing(measured: Yardstick, name: str, clock: Clock) -> tuple[float, dict[str, str]]:
    """Seconds of a metric and of its number of real against real, through all its extractors; and what failed."""
    wanted = measured.samples(measured.metrics[name])
    larger = min(1.0, SAMPLES / wanted)
    half, failed = _tried(measured, name, larger / 2, clock)
    if half is None:
        return 0.0, failed
    if half > LONG:
        return half * 2 / larger, {}
    whole, failed = _tried(measured, name, larger, clock)
    if whole is None:
        return 0.0, failed
    power = math.log2(max(whole, 1e-6) / max(half, 1e-6))
    return float(whole * (1 / larger) ** min(max(power, 0.0), STEEPEST)), {}


def _tried(measured: Yardstick, name: str, share: float, clock: Clock) -> tuple[float | None, dict[str, str]]:
    """Seconds on a share of the data and of the samples."""
    metric, reference = measured.metrics[name], measured.reference
    n = max(round(measured.samples(metric) * share), Traits.of(metric).fewest_samples, 2)
    with tempfile.TemporaryDirectory() as cache:
        piece = _Piece(reference.dataset, share, n)
        held_out = reference.held_out
        part = None if held_out is None else (_Piece(held_out[0], share, n), held_out[1])
        small = replace(
            measured,
            reference=RealData(dataset=piece, split=reference.split, find_held_out=lambda: part, cache=Path(cache)),
            metrics={name: metric},
            extractors={eye: _Blind(one) for eye, one in measured.extractors.items()},
            n=n,
            floors={},
        )
        pace = Pace(clock=clock)
        small = watched(small, pace, judgments=1, balanced=True)
        judgment = judge(small, lambda count: chunks_of(piece, order(piece)[:count]))
        pace.begin("nothing more")
    failed = dict(judgment.failed)
    if failed:
        return None, failed
    eyes = through(metric, measured.extractors)
    return sum(pace.computing[named(name, eye)] for eye in eyes), {}


class _Piece:
    """The first data in their own order: a share of them, and at least so many."""

    def __init__(self, whole: Dataset, share: float, least: int) -> None:
        self._whole = whole
        self._index = order(whole)[: max(round(len(whole) * share), least)]
        self.fingerprint = f"{len(self._index)} of {whole.fingerprint}"
        self.labels = None if whole.labels is None else whole.labels[self._index]
        groups = whole.groups
        self.groups = None if groups is None else tuple(groups[number] for number in self._index.tolist())
        self.spec, self.modes = whole.spec, whole.modes
        self.mode_std = getattr(whole, "mode_std", None)

    def __len__(self) -> int:
        return len(self._index)

    def read(self, index: Tensor) -> Tensor:
        """Those at ``index``."""
        return self._whole.read(self._index[index])


class _Blind:
    """Features of the right size that are drawn, so that a metric can be timed before anybody has looked."""

    def __init__(self, extractor: Extractor) -> None:
        self.digest, self.size = f"blind {extractor.digest}", extractor.size
        self.classes, self.resize = extractor.classes, extractor.resize

    def __call__(self, images: Tensor) -> Extracted:
        random = generator_for(0, "blind", int(images.sum()))
        features = torch.randn(len(images), self.size, generator=random)
        if not self.classes:
            return Extracted(features=features, class_probs=None)
        odds = torch.randn(len(images), len(self.classes), generator=random)
        return Extracted(features=features, class_probs=odds.softmax(1))
