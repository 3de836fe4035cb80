"""A cheap look at samples: how unlike each other they are, and how near to pictures of the training set.

Distances are Euclidean, between vectors, or between pictures that are averaged down to at most 8×8 pixels: enough to
tell one digit or face from another, and nothing that a metric on features should be replaced by.
"""

from __future__ import annotations

import math
from functools import cached_property

import torch
import torch.nn.functional as functional
from torch import Tensor

from ganzoo.protocols import Dataset
from ganzoo.seeds import generator_for

SIDE = 8
"""Pixels a side that pictures are averaged down to."""
COPY = 1 / 3
"""A sample is a copy if its nearest picture is at most this share as far away as the second nearest.

The threshold of Yoon et al. 2023 (ICML workshop, “Diffusion Probabilistic Models Generalize when They Fail to
Memorize”) for diffusion models. It is no threshold on a distance, so that it fits all data alike.
"""
PART = 2048
"""Training pictures at most that samples are compared with. G copies where pictures are few."""
PIXELS = 2**28
"""Bytes of pictures at most that are read for it: a quarter of a gigabyte, 64 at a time."""
OTHERS = 64
"""Real pictures that are kept apart, to see how near to one training picture real ones are; at most a quarter."""
PAIRED = 256
"""Real data whose distances are taken, each from each."""
FEWEST = 8
"""With fewer different training pictures, nothing is said of copies."""


def small(data: Tensor) -> Tensor:
    """uint8 (N, C, H, W) → float (N, F): area averages of at most SIDE × SIDE; vectors (N, D) stay as they are."""
    if data.ndim == 2:
        return data.float()
    size = (min(SIDE, data.shape[-2]), min(SIDE, data.shape[-1]))
    return functional.adaptive_avg_pool2d(data.float(), size).flatten(1)


def spread(rows: Tensor, labels: Tensor | None = None) -> float:
    """The mean distance of all pairs of rows, with labels of all pairs of one class; 0 where there is no pair."""
    distances = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")
    pairs = ~torch.eye(len(rows), dtype=torch.bool)
    if labels is not None:
        pairs &= labels[:, None] == labels[None, :]
    return float(distances[pairs].mean()) if pairs.any() else 0.0


def copied(distances: Tensor) -> float:
    """The share of samples that are copies by :data:`COPY`; ``distances`` (N, M) are those to M ≥ 2 pictures."""
    first, second = distances.topk(2, largest=False).values.T
    return float((first <= COPY * second).float().mean())


class Likeness:
    """What is looked at beside every grid: cheap, and the same for the same samples.

    The real data are read when first needed: at most :data:`PART` random ones, and fewer where they are large, so that
    at most :data:`PIXELS` bytes are decoded. Copies of pictures outside that part are not seen.

    Args:
        dataset: what the generator learns from.
        conditional: whether samples come class by class.
        mirrored: whether it learns from mirrored pictures, too.
    """

    def __init__(self, dataset: Dataset, *, conditional: bool = False, mirrored: bool = False) -> None:
        self._dataset, self._conditional, self._mirrored = dataset, conditional, mirrored

    def __call__(self, samples: Tensor, labels: Tensor | None = None) -> dict[str, float]:
        """Columns of a row of metrics.

        ``samples/diversity`` is the mean distance of the samples over that of real data, within classes if conditional.
        ``samples/copies`` is the share of the samples that are copies of training pictures, ``samples/copies_real``
        that of other real pictures. The two are left out for vectors and where there are too few pictures.
        """
        part, distance, share = self._real
        some = slice(None, PAIRED)
        chosen = None if labels is None else labels[some]
        found = {"samples/diversity": spread(small(samples[some]), chosen) / distance} if distance > 0 else {}
        if share is not None:
            found |= {"samples/copies": copied(self._distances(samples, part)), "samples/copies_real": share}
        return found

    @cached_property
    def _real(self) -> tuple[Tensor, float, float | None]:
        """Small training pictures, the mean distance of real data, the share of copies among other real pictures."""
        shape = self._dataset.spec.shape
        most = min(PART, max(2 * OTHERS, PIXELS // math.prod(shape)))
        index = torch.randperm(len(self._dataset), generator=generator_for(0, "likeness"))[:most]
        rows = torch.cat([small(self._dataset.read(some)) for some in torch.split(index, OTHERS)])
        classes = None
        if self._conditional and self._dataset.labels is not None:
            classes = self._dataset.labels[index][:PAIRED]
        distance = spread(rows[:PAIRED], classes)
        if len(shape) == 1:
            return rows, distance, None
        held = min(OTHERS, len(index) // 4)
        # Of pictures that stand twice, either is nearest: equal ones count once.
        part = torch.unique(rows[held:], dim=0)
        if held == 0 or len(part) < FEWEST:
            return part, distance, None
        others = self._dataset.read(index[:held])
        return part, distance, copied(self._distances(others, part))

    def _distances(self, samples: Tensor, part: Tensor) -> Tensor:
        """(N, M); where pictures are mirrored, that of the nearer side."""
        found = _distances(small(samples), part)
        return torch.minimum(found, _distances(small(samples.flip(-1)), part)) if self._mirrored else found


def _distances(rows: Tensor, part: Tensor) -> Tensor:
    return torch.cdist(rows, part, compute_mode="donot_use_mm_for_euclid_dist")
