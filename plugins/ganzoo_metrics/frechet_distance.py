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
    from collections.abc import Mapping

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
    ranges: ClassVar[Mapping[str, tuple[float | None, float | None]]] = {"fd": (0, None)}
    fewest_samples: ClassVar[int] = 2

    samples: int = Field(default=5000, ge=2, le=10_000_000, description="number of generated samples")

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """``fd``; draws nothing."""
        both("frechet-distance", real, fake, least=self.fewest_samples)
        # The other side is part of the name: this is true of two matrices.
        found, name = fake.known().found, f"ganzoo_metrics 1: frechet distance beside {real.known().digest}"
        if found.get(name) is None:
            found[name] = _between(_moments(real), fake.known().of)
        return {"fd": float(found[name])}

    def warnings(self, *, real: Features, fake: Features) -> list[str]:
        """That there are too few samples."""
        return too_few(real, fake)


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """The distance between two matrices of features (N, F) and (M, F)."""
    sides = {"real": Features(features=real), "fake": Features(features=fake)}
    return FrechetDistance()(**sides, random=torch.Generator())["fd"]


def _between(known: Tensor, fake: Tensor) -> Tensor:
    """The distance of features to those that :func:`_mean_and_root` is ``known`` of."""
    other = _mean_and_root(fake)
    means = (known[0] - other[0]).square().sum()
    spread = sum(one[1:].flatten().dot(one[1:].flatten()) for one in (known, other))
    product = known[1:] @ other[1:].T
    del other  # at 2,048 features each matrix takes 32 MiB
    distance: Tensor = means + (spread - 2 * torch.linalg.svdvals(product).sum()).clamp(min=0)
    return distance


def _moments(side: Features) -> Tensor:
    """What :func:`_mean_and_root` says, found once."""
    facts, name = side.known(), "ganzoo_metrics 1: mean and root of covariance"
    found = facts.found.get(name)
    if found is None:
        found = facts.found[name] = _mean_and_root(facts.of)
    return found


def _mean_and_root(features: Tensor) -> Tensor:
    """μ as the first row, and below it A with Aᵀ A = Σ, of at most as many rows as there are features; in float64.

    A is the triangle of a QR decomposition, made of some rows after others, to take little room.
    """
    mean, width = mean_of(features), features.shape[1]
    # LAPACK works column by column, and in place on what lies so.
    rows = torch.empty(width, min(2 * width, len(features)), dtype=torch.float64).T
    count = 0
    for part in torch.split(features, width):
        rows[count : count + len(part)] = part
        rows[count : count + len(part)] -= mean
        count += len(part)
        if count > width:
            rows[count:] = 0  # which changes no triangle
            torch.geqrf(rows, out=(rows, rows.new_empty(width)))
            rows[:width].triu_()
            count = width
    return torch.cat([mean[None], rows[:count].div_(math.sqrt(len(features) - 1))])
