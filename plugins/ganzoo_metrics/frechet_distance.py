"""The Fréchet distance between Gaussians fitted to features."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import Field

from ganzoo.component import Options
from ganzoo_metrics.demands import both
from ganzoo_metrics.feature_matrix import too_few

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import Features


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
        return {"fd": frechet_distance(*both("frechet-distance", real, fake, least=self.fewest_samples))}

    def warnings(self, *, real: Features, fake: Features) -> list[str]:
        """That there are too few samples."""
        return too_few(real, fake)


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """The distance between two matrices of features (N, F) and (M, F)."""
    means = real.mean(0, dtype=torch.float64), fake.mean(0, dtype=torch.float64)
    roots = [_root(features, mean) for features, mean in zip((real, fake), means, strict=True)]
    shared = torch.linalg.svdvals(roots[0] @ roots[1].T).sum()
    spread = roots[0].square().sum() + roots[1].square().sum() - 2 * shared
    return float((means[0] - means[1]).square().sum() + spread.clamp(min=0))


def _root(features: Tensor, mean: Tensor) -> Tensor:
    """A with Aᵀ A = Σ, of at most as many rows as there are features; some rows after others, to take little room."""
    width = features.shape[1]
    root = features.new_empty(0, width, dtype=torch.float64)
    for part in torch.split(features, 4 * width):
        root = torch.cat([root, part - mean])
        if len(root) > width:
            root = torch.linalg.qr(root, mode="r")[1]
    return root.div_(math.sqrt(len(features) - 1))
