"""How steep the two sides of a loss are at the logit of a fake, found by trying."""

from __future__ import annotations

from typing import Any, Literal

import torch

from ganzoo.training.one_verdict import value_and_slope

Slopes = Literal["flat", "steep", "opposite"]
"""``flat``: the discriminator's side has a slope of 0 over whole ranges. ``opposite``: the sides are each other's
negative, but for a factor. Else ``steep``."""

SOME = torch.linspace(-19.7, 20.3, 161, dtype=torch.float64)
"""Logits on both sides of 0, none of which is a round number: a parabola is not flat for its vertex."""


def slopes_of(loss: Any) -> Slopes:
    """Of a loss that compares no samples."""
    _, its = value_and_slope(loss.discriminator_loss, SOME, real=torch.zeros_like(SOME))
    if not its.all():
        return "flat"
    _, mine = value_and_slope(loss.generator_loss, SOME)
    ratio = mine / its
    return "opposite" if torch.allclose(ratio, ratio[:1], rtol=1e-9, atol=0) else "steep"
