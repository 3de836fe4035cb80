"""The class objective of ContraGAN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from pydantic import Field

from ganzoo.component import RegularizerOptions
from ganzoo.protocols import Regularizer
from ganzoo_regularizers.class_similarities import Similarities, similarities

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import StepView


class Contrastive(RegularizerOptions, Regularizer):
    """Conditional contrastive loss (2C): samples near the proxy of their class and near other samples of it.

    Formula:
        t_i = −ln( (exp(cos(e_i, v_i)/τ) + Σ_{j≠i: y_j = y_i} exp(cos(e_i, e_j)/τ))
                 / (exp(cos(e_i, v_i)/τ) + Σ_{j≠i} exp(cos(e_i, e_j)/τ)) )
        D: λ·E t of real data;    G: λ·E t of fakes

    e_i (N, E) are embeddings, v_i the proxies of their classes y_i. λ is ``weight``, τ ``temperature``. Where all
    cosines are equal it is the mean of ln(N / n_i), with n_i the samples of a class in the batch of N; it is 0 in a
    batch of one class.

    Where implementations differ: StudioGAN's configurations of ContraGAN have τ 1 on CIFAR-10, as here.

    Raises:
        ConfigError: if the discriminator returns no embedding, the data have no labels, or a batch is a single sample.

    Source: Kang & Park 2020, arXiv:2006.12681, equation 8.
    """

    temperature: float = Field(default=1.0, gt=0, description="τ, by which cosines are divided")

    def tags(self) -> frozenset[str]:
        """It compares samples, and needs their embeddings and classes."""
        return frozenset({"batch_nonlinear", "needs_embedding", "needs_labels", "needs_two_samples"})

    def discriminator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``contrastive_real``."""
        return {"contrastive_real": self._mean(similarities(view.real_output, view.real_labels, of="contrastive"))}

    def generator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``contrastive_fake``."""
        return {"contrastive_fake": self._mean(similarities(view.fake_output, view.fake_labels, of="contrastive"))}

    def _mean(self, cosines: Similarities) -> Tensor:
        proxy, pairs = cosines.proxy / self.temperature, cosines.pairs / self.temperature
        itself = torch.eye(len(proxy), dtype=torch.bool, device=proxy.device)
        # The place of a sample beside itself is free: its proxy goes there.
        every = torch.where(itself, proxy[:, None], pairs)
        same = every.masked_fill(~cosines.alike, -torch.inf)
        return (torch.logsumexp(every, dim=1) - torch.logsumexp(same, dim=1)).mean()
