"""Scores by a classifier that knows the classes of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import Field

from ganzoo.component import Options
from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

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

    samples: int = Field(default=5000, ge=1, description="number of generated samples")

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """``class_score``; draws nothing."""
        p = probabilities("class-score", fake)
        divergence = torch.special.xlogy(p, p).sum(1) - torch.special.xlogy(p, p.mean(0)).sum(1)
        return {"class_score": float(divergence.mean().clamp(min=0).exp())}


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

    samples: int = Field(default=5000, ge=1, description="number of generated samples")
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


def probabilities(metric: str, features: Features) -> Tensor:
    """Class probabilities in float64. Raises :class:`ConfigError` if there are none."""
    if features.class_probs is None or len(features.class_probs) == 0:
        raise ConfigError(
            f"metric {metric} needs class probabilities of at least one sample",
            allowed="an extractor that tells classes apart",
            hint="--extractor classifier",
        )
    return features.class_probs.double()


def _shares(p: Tensor) -> Tensor:
    return torch.bincount(p.argmax(1), minlength=p.shape[1]).double() / len(p)
