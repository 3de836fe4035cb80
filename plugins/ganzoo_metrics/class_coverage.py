"""Which classes of the data are reached, as a classifier that knows them sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import Field

from ganzoo.component import Options
from ganzoo_metrics.demands import probabilities

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from ganzoo.protocols import Features


class ClassCoverage(Options):
    """Which classes of the real data a generator reaches, as a classifier sees them.

    Formula:
        q_k, p_k: shares of generated and of real data that the classifier gives to class k
        classes = |{k : q_k ≥ ``least`` p_k, p_k > 0}|         class_kl = Σ_k q_k ln(q_k / p_k)

    of class probabilities (N, K). ``classes`` is between 0 and the number of classes that the real data have.
    ``class_kl`` is 0 for equal shares. Shares of classes without real data count as 1/(2 N_r) in ``class_kl``, so that
    it is finite.

    Raises:
        ConfigError: no samples.

    Source: after Srivastava et al. 2017, arXiv:1705.07761, section 4.2 (modes that a classifier finds).
    """

    needs: ClassVar[frozenset[str]] = frozenset({"class_probs"})
    higher_is_better: ClassVar[bool] = True
    better: ClassVar[Mapping[str, str]] = {"class_kl": "lower"}

    samples: int = Field(default=5000, ge=1, le=10_000_000, description="number of generated samples")
    least: float = Field(default=0.1, gt=0, le=1, description="share of its real frequency at which a class is reached")

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """``classes`` and ``class_kl``; draws nothing."""
        p, q = (_shares(probabilities("class-coverage", side)) for side in (real, fake))
        # Exact shares are hit: 1 of 100 is a tenth of 1 of 10, but for rounding.
        reached = ((q >= self.least * p * (1 - 1e-9)) & (p > 0) & (q > 0)).sum()
        assert real.class_probs is not None
        floor = p.clamp(min=1 / (2 * len(real.class_probs)))
        divergence = (torch.special.xlogy(q, q) - torch.special.xlogy(q, floor)).sum()
        return {"classes": float(reached), "class_kl": max(0.0, float(divergence))}


def _shares(p: Tensor) -> Tensor:
    return torch.bincount(p.argmax(1), minlength=p.shape[1]).double() / len(p)
