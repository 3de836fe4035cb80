"""Weights of critics that nothing trains, which otherwise nobody would notice."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from torch import nn

from ganzoo.training.adversarial_step import AdversarialStep

SHOWN = 3
"""So many names tell what it is about."""


def tell_of_untrained(
    critics: nn.ModuleDict, steps: Iterable[AdversarialStep], *, update: int, warn: Callable[[str], None]
) -> None:
    """Warn of weights without a gradient, in the first update in which all parts act; called before it is stepped.

    A critic that returns ``a, b`` may mean two maps of logits, of which the second is read as features.

    Args:
        critics: the critics.
        steps: their steps; regularizers may act in one update of several.
        update: how many the critics have made before.
        warn: says something once.
    """
    if update + 1 != math.lcm(*(part.every for step in steps for part in step.objective.regularizers)):
        return
    named = critics.named_parameters()
    still = [name for name, parameter in named if parameter.requires_grad and parameter.grad is None]
    if still:
        names = ", ".join(still[:SHOWN]) + (f" and {len(still) - SHOWN} more" if len(still) > SHOWN else "")
        warn(
            f"{names} got no gradient, so nothing trains them: critics return a list of maps, [a, b], for logits to be "
            "trained, and (logits, features) else; requires_grad_(False) says that it is meant"
        )
