"""The unbiased squared maximum mean discrepancy with a polynomial kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import Field

from ganzoo.component import Options
from ganzoo_metrics.feature_matrix import both, order_by_content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from ganzoo.protocols import Features

GROUPS = 20
"""The standard error is a jackknife over so many groups of samples."""
CHUNK = 2048
"""Rows of a kernel matrix that are in memory at once."""


class KernelDistance(Options):
    """Kernel distance: unbiased squared maximum mean discrepancy between real and generated features.

    Formula:
        k(x, y) = (⟨x, y⟩ / F + 1)³
        kd = E_{i≠j} k(r_i, r_j) + E_{i≠j} k(f_i, f_j) − 2 E_{i,j} k(r_i, f_j)

    over all pairs of features (N, F). Its expectation is 0 where both have the same distribution, whatever the number
    of samples, so it may fall slightly below 0. ``kd_std`` is its standard error by a jackknife over 20 groups of
    samples.

    It is called KID only if the features are those of the Inception network of the TensorFlow code; through another
    extractor it is another number.

    Where implementations differ: others draw some (often 100) subsets of 1,000 samples, and report the mean over them
    and their standard deviation, which is that of a subset and not of the mean. All pairs give the estimate of the
    smallest variance, and nothing is drawn.

    Raises:
        ConfigError: fewer than 40 samples on a side.

    Source: Bińkowski et al. 2018, arXiv:1801.01401, section 4; the U-statistic: Gretton et al. 2012, lemma 6.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"features"})
    higher_is_better: ClassVar[bool] = False
    spreads: ClassVar[Mapping[str, str]] = {"kd": "kd_std"}

    samples: int = Field(default=5000, ge=2 * GROUPS, description="number of generated samples")

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """``kd`` and its standard error ``kd_std``; draws nothing."""
        value, error = kernel_distance(*both("kernel-distance", real, fake, least=2 * GROUPS))
        return {"kd": value, "kd_std": error}


def kernel_distance(real: Tensor, fake: Tensor) -> tuple[float, float]:
    """The distance between features (N, F) and (M, F), and its standard error."""
    groups = _groups(real), _groups(fake)
    sides = {
        (one, other): _sums(a, b, groups[one], groups[other], diagonal=one == other)
        for one, a in enumerate((real, fake))
        for other, b in enumerate((real, fake))
        if one <= other
    }
    counts = [torch.bincount(one, minlength=GROUPS).double() for one in groups]
    everything = torch.ones(GROUPS, dtype=torch.float64)
    whole = _distance(sides, counts, everything)
    left_out = torch.eye(GROUPS, dtype=torch.float64)
    without = torch.stack([_distance(sides, counts, everything - one) for one in left_out])
    error = ((GROUPS - 1) / GROUPS * (without - without.mean()).square().sum()).sqrt()
    return float(whole), float(error)


def _distance(sides: Mapping[tuple[int, int], Tensor], counts: list[Tensor], kept: Tensor) -> Tensor:
    """The U-statistic of the groups that are kept (1) and not left out (0), from sums over pairs of groups."""
    n = [(count * kept).sum() for count in counts]
    sums = {pair: kept @ found @ kept for pair, found in sides.items()}
    real, fake = sums[0, 0] / (n[0] * (n[0] - 1)), sums[1, 1] / (n[1] * (n[1] - 1))
    return real + fake - 2 * sums[0, 1] / (n[0] * n[1])


def _sums(a: Tensor, b: Tensor, groups_a: Tensor, groups_b: Tensor, *, diagonal: bool) -> Tensor:
    """(GROUPS, GROUPS) sums of the kernel over pairs; without pairs of a sample with itself if ``diagonal``."""
    found = torch.zeros(GROUPS, GROUPS, dtype=torch.float64)
    for start in range(0, len(a), CHUNK):
        kernel = (a[start : start + CHUNK] @ b.T).div_(a.shape[1]).add_(1).pow_(3)
        if diagonal:
            rows = torch.arange(len(kernel))
            kernel[rows, rows + start] = 0
        by_column = torch.zeros(len(kernel), GROUPS, dtype=torch.float64).index_add_(1, groups_b, kernel)
        found.index_add_(0, groups_a[start : start + CHUNK], by_column)
    return found


def _groups(features: Tensor) -> Tensor:
    """A group for each sample, of equal sizes. By their place they would depend on the order of the samples."""
    place = torch.empty(len(features), dtype=torch.int64)
    place[order_by_content(features)] = torch.arange(len(features))
    return place % GROUPS
