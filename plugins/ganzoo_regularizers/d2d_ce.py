"""The class objective of ReACGAN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from pydantic import Field
from torch.nn import functional as F

from ganzoo.component import RegularizerOptions
from ganzoo.protocols import Regularizer
from ganzoo_regularizers.class_similarities import Similarities, similarities

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import StepView


class D2dCe(RegularizerOptions, Regularizer):
    """Data-to-data cross entropy: samples near the proxy of their class, and apart from samples of other classes.

    Formula:
        p_i = min(cos(e_i, v_i) − m_p, 0) / τ,    n_ij = max(cos(e_i, e_j) − m_n, 0) / τ
        t_i = −ln( exp p_i / (exp p_i + Σ_{j: y_j ≠ y_i} exp n_ij) )
        D: λ·E t of real data;    G: λ·E t of fakes

    e_i (N, E) are embeddings, v_i the proxies of their classes y_i. λ is ``weight``, τ ``temperature``, m_p
    ``margin_positive``, m_n ``margin_negative``. What lies within m_p of its proxy is pulled no further, and what is
    less alike than m_n is pushed no further. Samples of the same class do not repel each other. Where all cosines are
    0, it is ln(1 + k·exp(m_p / τ)) with k samples of other classes and m_n ≥ 0. It is 0 in a batch of one class.

    Where implementations differ: StudioGAN has no m_n of its own but 1 − m_p, which is the default here; and it
    subtracts the largest n_ij of a row from the others without adding it back to exp p_i, so that pushing weighs less
    there where samples are much alike. Its λ and τ on CIFAR-10 are the defaults.

    Raises:
        ConfigError: if the discriminator returns no embedding, the data have no labels, or a batch is a single sample.

    Source: Kang et al. 2021, arXiv:2111.01118, equation 8; StudioGAN's configuration of ReACGAN on CIFAR-10.
    """

    weight: float = Field(default=0.5, ge=0, description="λ, the factor of the term")
    temperature: float = Field(default=0.5, gt=0, description="τ, by which cosines are divided")
    margin_positive: float = Field(default=0.98, ge=-1, le=1, description="m_p, the cosine to the proxy that suffices")
    margin_negative: float = Field(
        default=0.02, ge=-1, le=1, description="m_n, the cosine up to which samples of other classes are left alone"
    )

    def tags(self) -> frozenset[str]:
        """It compares samples, and needs their embeddings and classes."""
        return frozenset({"batch_nonlinear", "needs_embedding", "needs_labels", "needs_two_samples"})

    def discriminator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``d2d_ce_real``."""
        return {"d2d_ce_real": self._mean(similarities(view.real_output, view.real_labels, of="d2d-ce"))}

    def generator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``d2d_ce_fake``."""
        return {"d2d_ce_fake": self._mean(similarities(view.fake_output, view.fake_labels, of="d2d-ce"))}

    def _mean(self, cosines: Similarities) -> Tensor:
        near = (cosines.proxy - self.margin_positive).clamp(max=0) / self.temperature
        pairs = F.relu(cosines.pairs - self.margin_negative) / self.temperature
        others = pairs.masked_fill(cosines.alike, -torch.inf)
        return (torch.logsumexp(torch.cat([near[:, None], others], dim=1), dim=1) - near).mean()
