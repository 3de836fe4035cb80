"""The unbiased squared maximum mean discrepancy with a polynomial kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from ganzoo.component import Options
from ganzoo.protocols import Features
from ganzoo_metrics.demands import both
from ganzoo_metrics.feature_matrix import order_by_content
from ganzoo_metrics.pairs import PairWork, Reduction, Tile, over_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUPS = 20
"""The standard error is a jackknife over so many groups of samples."""


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

    def pair_work(self) -> PairWork:
        """Sums of the kernel within both sides and between them."""
        return PairWork(real=(KERNEL_SUMS,), fake=(KERNEL_SUMS,), between=(KERNEL_SUMS,))

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """``kd`` and its standard error ``kd_std``; draws nothing."""
        both("kernel-distance", real, fake, least=self.fewest_samples)
        found = over_pairs(self, real, fake)
        sums = Sums(real=found.real[0], fake=found.fake[0], between=found.between[0])
        everyone = torch.ones(GROUPS, dtype=torch.float64)
        whole = _distance(sums, everyone)
        without = torch.stack([_distance(sums, everyone - one) for one in torch.eye(GROUPS, dtype=torch.float64)])
        error = ((GROUPS - 1) / GROUPS * (without - without.mean()).square().sum()).sqrt()
        return {"kd": float(whole), "kd_std": float(error)}


class Sums(NamedTuple):
    """Sums of the kernel over pairs of groups, and how many samples a group has: see :class:`_KernelSums`."""

    real: Tensor
    fake: Tensor
    between: Tensor


def kernel_distance(real: Tensor, fake: Tensor) -> tuple[float, float]:
    """The distance between features (N, F) and (M, F), and its standard error."""
    sides = {"real": Features(features=real), "fake": Features(features=fake)}
    found = KernelDistance()(**sides, random=torch.Generator())
    return found["kd"], found["kd_std"]


def _distance(sums: Sums, kept: Tensor) -> Tensor:
    """The U-statistic of the groups that are kept (1) and not left out (0)."""
    real, fake, both = (kept @ one[:GROUPS] @ kept for one in sums)
    n, m = ((one[GROUPS] * kept).sum() for one in (sums.real, sums.fake))
    return real / (n * (n - 1)) + fake / (m * (m - 1)) - 2 * both / (n * m)


class _KernelSums:
    """(GROUPS + 1, GROUPS) sums of the kernel over pairs of different samples, rows beside columns.

    The last row says how many samples each group of columns has.
    """

    def __init__(self, rows: Features, columns: Features) -> None:
        self._within = rows is columns
        self._rows, self._columns = (_groups(side.known().of) for side in (rows, columns))
        self._sums = torch.zeros(GROUPS, GROUPS, dtype=torch.float64)

    def see(self, tile: Tile) -> None:
        kernel = tile.products(scale=1 / tile.rows.centered.shape[1], plus=1).pow_(3)
        if tile.itself:
            kernel.triu_(1)
        rows, columns = _members(self._rows[tile.rows.which]), _members(self._columns[tile.columns.which])
        self._sums += rows.T @ (kernel @ columns)

    def found(self) -> Tensor:
        # Within a matrix each pair was seen once; here is its mirror image.
        sums = self._sums + self._sums.T if self._within else self._sums
        return torch.cat([sums, self._columns.bincount(minlength=GROUPS).double()[None]])


KERNEL_SUMS = Reduction(f"ganzoo_metrics 1: sums of a cubic kernel over {GROUPS} groups", _KernelSums)


def _members(groups: Tensor) -> Tensor:
    """(n, GROUPS), 1 for the group of a sample."""
    return torch.nn.functional.one_hot(groups, GROUPS).double()


def _groups(features: Tensor) -> Tensor:
    """A group for each sample, of equal sizes. By their place they would depend on the order of the samples."""
    place = torch.empty(len(features), dtype=torch.int64)
    place[order_by_content(features)] = torch.arange(len(features))
    return place % GROUPS
