"""What an evaluation will do, before it does it: the stages of :class:`ganzoo.evaluation.pace.Pace`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from ganzoo.evaluation.gathering import kept_at
from ganzoo.evaluation.judging import Yardstick, named, through, wants_balanced
from ganzoo.evaluation.pace import BALANCED, GENERATING, EvaluationStage, Pace
from ganzoo.evaluation.reference import RealData, halves, order
from ganzoo.evaluation.traits import Traits
from ganzoo.protocols import Dataset, Metric


def watched(yardstick: Yardstick, pace: Pace, *, judgments: int, balanced: bool, most: int | None = None) -> Yardstick:
    """The yardstick, which tells ``pace`` what it does.

    Args:
        yardstick: what is measured by what.
        pace: what counts.
        judgments: how many generators are judged, one after another.
        balanced: whether samples can be had equally of each class.
        most: samples at most, where there are only so many.
    """
    stages: list[EvaluationStage] = []
    known: set[Path] = set()
    for _ in range(judgments):
        stages += _stages(yardstick, known, balanced=balanced, most=most)
    pace.foresee(stages)
    return replace(yardstick, pace=pace, extractors=pace.watching(yardstick.extractors))


def _stages(yardstick: Yardstick, known: set[Path], *, balanced: bool, most: int | None) -> Iterator[EvaluationStage]:
    begun: set[bool] = set()
    for name, metric in yardstick.metrics.items():
        evenly = balanced and wants_balanced(metric)
        if evenly not in begun:
            begun.add(evenly)
            part = yardstick.with_classes(balanced=evenly) if balanced else yardstick
            count = part.most if most is None else min(part.most, most)
            looks = dict.fromkeys([GENERATING, *part.looks()], count)
            yield EvaluationStage(name=BALANCED if evenly else GENERATING, looks=looks)
        for extractor in through(metric, yardstick.extractors):
            looks = {} if extractor is None else {extractor: _real_looks(yardstick, metric, extractor, known)}
            yield EvaluationStage(name=named(name, extractor), looks=looks)


def _real_looks(yardstick: Yardstick, metric: Metric, name: str, known: set[Path]) -> int:
    """Real pictures that an extractor has not seen yet, and that a metric and its value of real data compare with."""
    looks = 0
    for dataset, index in _parts(yardstick.reference, metric, yardstick.samples(metric)):
        place = kept_at(yardstick.reference.cache, dataset, index, yardstick.extractors[name])
        looks += 0 if place in known or place.exists() else len(index)
        known.add(place)
    return looks


def _parts(reference: RealData, metric: Metric, n: int) -> Iterator[tuple[Dataset, Tensor]]:
    whole = Traits.of(metric).whole_reference
    yield reference.dataset, order(reference.dataset)[: None if whole else n]
    try:
        held_out = reference.held_out
    except Exception:  # whoever needs these data meets it again, and says so
        return
    if held_out is not None:
        dataset, _ = held_out
        yield dataset, order(dataset)[: None if "held_out" in metric.needs else n]
    elif "held_out" not in metric.needs:
        here, there = halves(reference.dataset)
        yield reference.dataset, here[: None if whole else n]
        yield reference.dataset, there[:n]
