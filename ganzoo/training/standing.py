"""How the game stands in one pair of losses: D has won, D is blind, or neither."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from ganzoo.training.equilibrium import LossScale

Standing = Literal["D won", "D blind", "normal", "NaN"]

WON = 0.95
"""D has won if it gained at least this share of all that its loss lets it gain.

With ``bce`` that is D = 0.07, where G sees through a tanh-like step; with ``hinge`` it is D = 0.1, where one logit in
twenty still lies within the margin. Healthy runs of every bounded loss stayed below 0.9.
"""
BLIND = 0.02
"""D is blind if it gained at most this share: it does no better than a D that answers the same for every sample."""


def standing(real: Tensor, fake: Tensor, scale: LossScale) -> Standing:
    """Judge one batch by its logits, of any shape.

    For a loss whose objective has a level and a floor, it is the share of what D can gain that decides:
    :data:`WON`, :data:`BLIND`. A loss without a floor, such as ``wgan``, can never be won; there D is blind where the
    mean logits of real and fake samples do not differ by two standard errors in the right direction.

    ``NaN`` where the loss is not finite: what a critic has learned is lost then, and the last state is to be loaded.

    One batch is noisy, and at p_g = p_data the best D is blind too: :func:`ganzoo.health.monitor.verdicts` judges rows.
    """
    real, fake = real.detach().double(), fake.detach().double()
    with torch.no_grad():
        value = scale.loss.discriminator_loss(real=real, fake=fake).item()
    if not math.isfinite(value):
        return "NaN"
    advantage = scale.advantage(value)
    if advantage is None:
        error = (_squared_error(real) + _squared_error(fake)) ** 0.5
        return "D blind" if real.mean().item() - fake.mean().item() <= 2 * error else "normal"
    if advantage >= WON:
        return "D won"
    return "D blind" if advantage <= BLIND else "normal"


def _squared_error(logits: Tensor) -> float:
    """Of the mean; 0 for a single logit, of which nothing is known."""
    return logits.var().item() / logits.numel() if logits.numel() > 1 else 0.0
