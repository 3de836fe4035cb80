"""Density and coverage of generated samples by nearest neighbors."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import Field

from ganzoo.component import Options
from ganzoo.protocols import Features
from ganzoo_metrics.demands import both
from ganzoo_metrics.neighbors import filled_balls, nearest_others
from ganzoo_metrics.pairs import PairWork, over_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class DensityCoverage(Options):
    """How densely real neighborhoods are filled with generated samples, and how many of them are reached.

    Formula:
        B_i = B(r_i, d_k(r_i))            d_k(r_i): distance to the k-th nearest other real sample
        density = Σ_j |{i : f_j ∈ B_i}| / (k N_f)          coverage = |{i : ∃ j: f_j ∈ B_i}| / N_r

    of features (N, F) with Euclidean distance; k is ``neighbors``, and a sample on a sphere is inside. ``density`` is
    at least 0 and may exceed 1, far above where samples gather in one dense place, so it ranks nothing; its expectation
    is 1 for equal distributions. ``coverage`` is between 0 and 1, and for equal distributions and numbers about 1 −
    2^−k. One real outlier fills one ball, not all of ``precision``.

    Where implementations differ: prdc does not count points on the sphere; it matters for equal samples only.

    Raises:
        ConfigError: not more than k samples on a side.

    Source: Naeem et al. 2020, arXiv:2002.09797, section 3; k 5.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"features"})
    higher_is_better: ClassVar[bool] = True
    better: ClassVar[Mapping[str, str | None]] = {"density": None}
    ranges: ClassVar[Mapping[str, tuple[float | None, float | None]]] = {"coverage": (0, 1), "density": (0, None)}

    samples: int = Field(default=5000, ge=2, le=10_000_000, description="number of generated samples")
    neighbors: int = Field(
        default=5, ge=1, le=100_000, description="k, the neighbor whose distance is a real sample's radius"
    )

    @property
    def fewest_samples(self) -> int:
        """One more than neighbors: a sample is not its own."""
        return self.neighbors + 1

    def pair_work(self) -> PairWork:
        """Radii of real samples, and how many generated ones are within."""
        return PairWork(real=(nearest_others(self.neighbors),), between=(filled_balls(self.neighbors),))

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """``coverage`` and ``density``; draws nothing."""
        _, fakes = both("density-coverage", real, fake, least=self.fewest_samples)
        filled = over_pairs(self, real, fake).between[0]
        return {
            "coverage": float((filled > 0).double().mean()),
            "density": int(filled.sum()) / (self.neighbors * len(fakes)),
        }


def coverage_and_density(real: Tensor, fake: Tensor, k: int) -> tuple[float, float]:
    """Both, of features (N, F) and (M, F)."""
    sides = {"real": Features(features=real), "fake": Features(features=fake)}
    found = DensityCoverage(neighbors=k)(**sides, random=torch.Generator())
    return found["coverage"], found["density"]
