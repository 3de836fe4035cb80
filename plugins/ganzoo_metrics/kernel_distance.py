"""The unbiased squared maximum mean discrepancy with a polynomial kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import Field

from ganzoo.component import Options
from ganzoo_metrics.demands import both
from ganzoo_metrics.feature_matrix import order_by_content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from ganzoo.protocols import Features

GROUPS = 20
"""The standard error is a jackknife over so many groups of samples."""
CHUNK = 256
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
    fewest_samples: ClassVar[int] = 2 * GROUPS

    samples: int = Field(default=5000, ge=2 * GROUPS, le=10_000_000, description="number of generated samples")

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """``kd`` and its standard error ``kd_std``; draws nothing."""
        value, error = kernel_distance(*both("kernel-distance", real, fake, least=self.fewest_samples))
        return {"kd": value, "kd_std": error}


def kernel_distance(real: Tensor, fake: Tensor) -> tuple[float, float]:
    """The distance between features (N, F) and (M, F), and its standard error."""
    groups = _groups(real), _groups(fake)
    members = [torch.nn.functional.one_hot(one, GROUPS).double() for one in groups]
    sides = [_within(real, members[0]), _within(fake, members[1]), _between(real, fake, *members)]
    counts = [one.sum(0) for one in members]
    everything = torch.ones(GROUPS, dtype=torch.float64)
    whole = _distance(sides, counts, everything)
    left_out = torch.eye(GROUPS, dtype=torch.float64)
    without = torch.stack([_distance(sides, counts, everything - one) for one in left_out])
    error = ((GROUPS - 1) / GROUPS * (without - without.mean()).square().sum()).sqrt()
    return float(whole), float(error)


def _distance(sides: list[Tensor], counts: list[Tensor], kept: Tensor) -> Tensor:
    """The U-statistic of the groups that are kept (1) and not left out (0), from sums over pairs of groups."""
    n, m = ((count * kept).sum() for count in counts)
    real, fake, both = (kept @ found @ kept for found in sides)
    return real / (n * (n - 1)) + fake / (m * (m - 1)) - 2 * both / (n * m)


def _within(a: Tensor, members: Tensor) -> Tensor:
    """(GROUPS, GROUPS) sums of the kernel over pairs of two different samples, of rows (N, F) in groups (N, GROUPS)."""
    a = a.double()
    found = torch.zeros(GROUPS, GROUPS, dtype=torch.float64)
    for start in range(0, len(a), CHUNK):
        part, among = a[start : start + CHUNK], members[start : start + CHUNK]
        kernel = _kernel(part, a[start:])
        # Each pair once, and then its mirror image: half of the products are enough.
        kernel[:, : len(part)].triu_(1)
        found += among.T @ (kernel @ members[start:])
    return found + found.T


def _between(a: Tensor, b: Tensor, members_a: Tensor, members_b: Tensor) -> Tensor:
    """(GROUPS, GROUPS) sums of the kernel over pairs of a row of each."""
    b = b.double()
    found = torch.zeros(GROUPS, GROUPS, dtype=torch.float64)
    for start in range(0, len(a), CHUNK):
        found += members_a[start : start + CHUNK].T @ (_kernel(a[start : start + CHUNK].double(), b) @ members_b)
    return found


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T).div_(a.shape[1]).add_(1).pow_(3)


def _groups(features: Tensor) -> Tensor:
    """A group for each sample, of equal sizes. By their place they would depend on the order of the samples."""
    place = torch.empty(len(features), dtype=torch.int64)
    place[order_by_content(features)] = torch.arange(len(features))
    return place % GROUPS
