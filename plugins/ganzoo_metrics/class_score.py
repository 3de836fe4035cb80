"""How sure a classifier that knows the classes of the data is of samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import Field

from ganzoo.component import Options
from ganzoo_metrics.demands import probabilities

if TYPE_CHECKING:
    from ganzoo.protocols import Features


class ClassScore(Options):
    """How sure a classifier is of each sample while all classes occur: the formula of the Inception Score.

    Formula:
        class_score = exp(E_x KL(p(y|x) ‖ p(y)))          p(y) = E_x p(y|x)

    of class probabilities (N, K). It is between 1 and K. It is called Inception Score only through the Inception
    network and its 1,000 classes of ImageNet; here the classifier knows the classes of your data. It compares with no
    real data: a generator that repeats one sure picture per class has the highest score.

    Where implementations differ: others take the mean over 10 parts, whose value is lower for few samples.

    Raises:
        ConfigError: no samples.

    Source: Salimans et al. 2016, arXiv:1606.03498, section 4.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"class_probs"})
    higher_is_better: ClassVar[bool] = True

    samples: int = Field(default=5000, ge=1, le=10_000_000, description="number of generated samples")

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """``class_score``; draws nothing."""
        p = probabilities("class-score", fake)
        divergence = torch.special.xlogy(p, p).sum(1) - torch.special.xlogy(p, p.mean(0)).sum(1)
        return {"class_score": float(divergence.mean().clamp(min=0).exp())}
