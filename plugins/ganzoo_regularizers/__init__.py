"""First-party regularizers."""

from __future__ import annotations

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components() -> list[Component]:
    """Announce the regularizers."""
    return [
        Component(
            kind="regularizer",
            name="gradient-penalty",
            target="ganzoo_regularizers.gradient_penalty:GradientPenalty",
            summary="holds the critic's slope between real and fake near a target",
            tags=frozenset({"limits_slope", "needs_per_sample_independence"}),
            paper="Gulrajani et al. 2017, arXiv:1704.00028",
        ),
        Component(
            kind="regularizer",
            name="auxiliary-classifier",
            target="ganzoo_regularizers.auxiliary_classifier:AuxiliaryClassifier",
            summary="cross entropy of the discriminator's class logits, minimized by both players",
            tags=frozenset({"needs_class_logits", "needs_labels"}),
            paper="Odena et al. 2017, arXiv:1610.09585",
        ),
    ]
