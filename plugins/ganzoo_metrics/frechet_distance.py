"""The Fréchet distance between Gaussians fitted to features."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import Field

from ganzoo.component import Options
from ganzoo.protocols import Features
from ganzoo_metrics.demands import both
from ganzoo_metrics.feature_matrix import mean_of, too_few

if TYPE_CHECKING:
    from torch import Tensor


class FrechetDistance(Options):
    """Squared Fréchet distance between Gaussians with the means and covariances of real and of generated features.

    Formula:
        fd = ‖μ_r − μ_f‖² + tr Σ_r + tr Σ_f − 2 tr (Σ_r Σ_f)^½

    μ and Σ (unbiased, n − 1) are of features (N, F). It is 0 for equal moments, and has no upper bound. It is biased:
    fewer samples give a larger value, the more so the more features there are; below F samples it says little, and a
    warning says so. Values at different numbers of samples must not be compared.

    It is called FID only if the features are those of the Inception network of the TensorFlow code, from 50,000
    samples; through another extractor it is another number.

    Where implementations differ: tr (Σ_r Σ_f)^½ is mostly computed by a matrix square root, which is unstable where a
    covariance is singular, as it always is below F samples; a multiple of the identity is then added (pytorch-fid), or
    the imaginary part dropped. Here it is the sum of the singular values of A Bᵀ, where Σ_r = Aᵀ A and Σ_f = Bᵀ B,
    which is exact whatever the rank.

    Raises:
        ConfigError: fewer than 2 samples on a side.

    Source: Heusel et al. 2017, arXiv:1706.08500, equation 6; Dowson & Landau 1982.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"features"})
    higher_is_better: ClassVar[bool] = False
    fewest_samples: ClassVar[int] = 2

    samples: int = Field(default=5000, ge=2, le=10_000_000, description="number of generated samples")

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """``fd``; draws nothing."""
        both("frechet-distance", real, fake, least=self.fewest_samples)
        # The other side is part of the name: this is true of two matrices.
        found, name = fake.known().found, f"ganzoo_metrics 1: frechet distance beside {real.known().digest}"
        if found.get(name) is None:
            found[name] = _between(*(_moments(side) for side in (real, fake)))
        return {"fd": float(found[name])}

    def warnings(self, *, real: Features, fake: Features) -> list[str]:
        """That there are too few samples."""
        return too_few(real, fake)


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """The distance between two matrices of features (N, F) and (M, F)."""
    sides = {"real": Features(features=real), "fake": Features(features=fake)}
    return FrechetDistance()(**sides, random=torch.Generator())["fd"]


def _between(real: Tensor, fake: Tensor) -> Tensor:
    """The distance, from what :func:`_moments` says of both."""
    (mean, root), (other_mean, other_root) = ((one[0], one[1:]) for one in (real, fake))
    shared = torch.linalg.svdvals(root @ other_root.T).sum()
    spread = sum(one.flatten().dot(one.flatten()) for one in (root, other_root)) - 2 * shared
    distance: Tensor = (mean - other_mean).square().sum() + spread.clamp(min=0)
    return distance


def _moments(side: Features) -> Tensor:
    """μ as the first row and below it A with Aᵀ A = Σ, in float64."""
    facts, name = side.known(), "ganzoo_metrics 1: mean and root of covariance"
    found = facts.found.get(name)
    if found is None:
        found = facts.found[name] = _mean_and_root(facts.of)
    return found


def _mean_and_root(features: Tensor) -> Tensor:
    """The mean, and A of at most as many rows as there are features; some rows after others, to take little room."""
    mean, width = mean_of(features), features.shape[1]
    # LAPACK works column by column; what lies so need not be copied for it.
    rows = torch.empty(width, min(2 * width, len(features)), dtype=torch.float64).T
    count = 0
    for part in torch.split(features, width):
        rows[count : count + len(part)] = part
        rows[count : count + len(part)] -= mean
        count += len(part)
        if count > width:
            rows[:width] = torch.geqrf(rows[:count])[0][:width].triu_()
            count = width
    return torch.cat([mean[None], rows[:count] / math.sqrt(len(features) - 1)])
