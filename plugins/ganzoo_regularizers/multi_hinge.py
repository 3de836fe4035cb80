"""The multi-class hinge loss of MHingeGAN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from pydantic import Field
from torch.nn import functional as F

from ganzoo.component import RegularizerOptions
from ganzoo.errors import ConfigError
from ganzoo.protocols import Regularizer

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DiscriminatorOutput, StepView


class MultiHinge(RegularizerOptions, Regularizer):
    """Hinge loss over K classes and the class of fakes, in place of both players' adversarial loss.

    Formula:
        s(x) = (c_1(x), …, c_K(x), −ℓ(x)),    h(x, k) = relu(1 − s_k(x) + max_{j≠k} s_j(x))
        D: λ·(E h(x, y) + E h(G(z, ŷ), K+1))
        G: λ·g·E h(G(z, ŷ), ŷ)

    c are the class logits (N, K), ℓ the logit for real against fake, whose negative is the score of the class of fakes
    (of several patches or maps their mean), y the labels of real data and ŷ those the fakes were generated for. λ is
    ``weight``, g ``generator``. So D is to put each sample into its class or among fakes, by a margin of 1, and G is to
    have its fakes put into their classes. With all scores equal each h is 1. The loss of the configuration takes no
    part, but for what it logs.

    Where implementations differ: the authors' code, and StudioGAN's configuration, have K + 1 outputs of one layer;
    here the two heads of ``acgan`` have them. There G's term has the factor 0.05 beside feature matching of weight 1:
    ``generator=0.05`` with ``feature-matching``. Its L1 of batch means is ``norm=l1``.

    Raises:
        ConfigError: if the discriminator returns no class logits, or the data have no labels.

    Source: Kavalerov et al. 2021, arXiv:1912.04216 (Crammer & Singer's multi-class hinge), and the authors' code.
    """

    generator: float = Field(default=1.0, ge=0, description="g, the factor of the generator's term beside that of D's")

    def tags(self) -> frozenset[str]:
        """It is the whole objective of both players."""
        replaced = {"replaces_discriminator_loss", "replaces_generator_loss"}
        return frozenset({"needs_class_logits", "needs_labels", *replaced})

    def discriminator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw terms ``multi_hinge_real`` and ``multi_hinge_fake``."""
        of_fakes = scores(view.fake_output)
        among_fakes = torch.full((len(of_fakes),), of_fakes.shape[1] - 1, device=of_fakes.device)
        return {
            "multi_hinge_real": multi_hinge(scores(view.real_output), labels_of(view.real_labels)),
            "multi_hinge_fake": multi_hinge(of_fakes, among_fakes),
        }

    def generator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``multi_hinge_class``."""
        value = multi_hinge(scores(view.fake_output), labels_of(view.fake_labels))
        return {"multi_hinge_class": self.generator * value}


def multi_hinge(scores: Tensor, labels: Tensor) -> Tensor:
    """Mean of relu(1 − s_y + max of the others), of scores (N, K) and labels (N,)."""
    own = F.one_hot(labels, scores.shape[1]).bool()
    others = scores.masked_fill(own, -torch.inf).amax(1)
    return F.relu(1 - scores.gather(1, labels[:, None]).squeeze(1) + others).mean()


def scores(output: DiscriminatorOutput | None) -> Tensor:
    """(N, K + 1): class logits, then minus the mean logit.

    Raises:
        ConfigError: there are no class logits.
    """
    if output is None or output.class_logits is None:
        raise ConfigError(
            "regularizer multi-hinge needs class logits, but the discriminator returns none",
            allowed="a discriminator with the tag provides_class_logits",
            hint="--disc acgan, or leave multi-hinge out",
        )
    logits = torch.stack([logits.reshape(len(logits), -1).mean(1) for logits in output.maps()]).mean(0)
    return torch.cat([output.class_logits, -logits[:, None]], dim=1)


def labels_of(labels: Tensor | None) -> Tensor:
    """The labels.

    Raises:
        ConfigError: there are none.
    """
    if labels is None:
        raise ConfigError(
            "regularizer multi-hinge needs labels, but the data have none",
            allowed="data with classes",
            hint="--data FOLDER with one sub-folder per class, or leave multi-hinge out",
        )
    return labels
