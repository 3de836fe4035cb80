"""Precision and recall of generated samples by nearest neighbors."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import Field

from ganzoo.component import Options
from ganzoo.protocols import Features
from ganzoo_metrics.demands import both
from ganzoo_metrics.neighbors import inside_balls, nearest_others
from ganzoo_metrics.pairs import PairWork, over_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class PrecisionRecall(Options):
    """Share of generated samples that look real, and share of real ones that could be generated.

    Formula:
        S(X) = ∪_i B(x_i, d_k(x_i))       d_k(x_i): distance to the k-th nearest other sample of X
        precision = |{f ∈ S(real)}| / N_f        recall = |{r ∈ S(generated)}| / N_r

    of features (N, F) with Euclidean distance; k is ``neighbors``, and a sample on a sphere is inside. Both are between
    0 and 1. Real data reach about the value that stands as the floor, and not 1. A single outlier makes a large ball,
    and both depend on the number of samples: ``density-coverage`` is more robust.

    Where implementations differ: the authors' code and this count points on the sphere, prdc does not; it matters for
    equal samples only.

    Raises:
        ConfigError: not more than k samples on a side.

    Source: Kynkäänniemi et al. 2019, arXiv:1904.06991, equations 1 and 2; k 3.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"features"})
    higher_is_better: ClassVar[bool] = True
    better: ClassVar[Mapping[str, str]] = {"recall": "higher"}
    ranges: ClassVar[Mapping[str, tuple[float | None, float | None]]] = {"precision": (0, 1), "recall": (0, 1)}

    samples: int = Field(default=5000, ge=2, le=10_000_000, description="number of generated samples")
    neighbors: int = Field(
        default=3, ge=1, le=100_000, description="k, the neighbor whose distance is a sample's radius"
    )

    @property
    def fewest_samples(self) -> int:
        """One more than neighbors: a sample is not its own."""
        return self.neighbors + 1

    def pair_work(self) -> PairWork:
        """Radii of both sides, and who is inside."""
        radii = (nearest_others(self.neighbors),)
        return PairWork(real=radii, fake=radii, between=(inside_balls(self.neighbors),))

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """``precision`` and ``recall``; draws nothing."""
        reals, fakes = both("precision-recall", real, fake, least=self.fewest_samples)
        inside = over_pairs(self, real, fake).between[0].tolist()
        return {"precision": inside[0] / len(fakes), "recall": inside[1] / len(reals)}


def precision_and_recall(real: Tensor, fake: Tensor, k: int) -> tuple[float, float]:
    """Both, of features (N, F) and (M, F)."""
    sides = {"real": Features(features=real), "fake": Features(features=fake)}
    found = PrecisionRecall(neighbors=k)(**sides, random=torch.Generator())
    return found["precision"], found["recall"]
