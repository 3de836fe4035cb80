"""The class objective of AC-GAN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from pydantic import Field

from ganzoo.component import RegularizerOptions
from ganzoo.errors import ConfigError
from ganzoo.protocols import Regularizer

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DiscriminatorOutput, StepView


class AuxiliaryClassifier(RegularizerOptions, Regularizer):
    """Cross entropy of the discriminator's class logits, minimized by both players.

    Formula:
        D: λ·(CE(c(x), y) + CE(c(G(z, ŷ)), ŷ))
        G: λ·CE(c(G(z, ŷ)), ŷ)

    c are the class logits (N, K), y the labels of the real data and ŷ the labels the fakes were generated for, (N,) in
    [0, K). CE is the mean over the batch, in nats: ln K at equal logits. λ is ``weight``, the same for both players.

    Where implementations differ: with ``classify_fake`` off, D learns classes from real data only (StudioGAN); the
    paper uses both, which is the default. Class logits are raw: a softmax before the cross entropy is a mistake.

    Raises:
        ConfigError: if the discriminator returns no class logits, or the data have no labels.

    Source: Odena et al. 2017, arXiv:1610.09585, equations 2 and 3.
    """

    classify_fake: bool = Field(default=True, description="D learns classes from fakes too, not only from real data")

    def tags(self) -> frozenset[str]:
        """It needs class logits and labels."""
        return frozenset({"needs_class_logits", "needs_labels"})

    def discriminator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw terms ``auxiliary_classifier_real`` and, by default, ``auxiliary_classifier_fake``."""
        terms = {"auxiliary_classifier_real": class_cross_entropy(view.real_output, view.real_labels)}
        if self.classify_fake:
            terms["auxiliary_classifier_fake"] = class_cross_entropy(view.fake_output, view.fake_labels)
        return terms

    def generator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``auxiliary_classifier_fake``."""
        return {"auxiliary_classifier_fake": class_cross_entropy(view.fake_output, view.fake_labels)}


def class_cross_entropy(output: DiscriminatorOutput | None, labels: Tensor | None) -> Tensor:
    """Mean cross entropy, in nats, of the class logits of ``output`` against ``labels``."""
    if output is None or output.class_logits is None:
        raise ConfigError(
            "regularizer auxiliary-classifier needs class logits, but the discriminator returns none",
            allowed="a discriminator with the tag provides_class_logits",
            hint="--disc acgan, or leave auxiliary-classifier out",
        )
    if labels is None:
        raise ConfigError(
            "regularizer auxiliary-classifier needs labels, but the data have none",
            allowed="data with classes",
            hint="--data FOLDER with one sub-folder per class, or leave auxiliary-classifier out",
        )
    return F.cross_entropy(output.class_logits, labels)
