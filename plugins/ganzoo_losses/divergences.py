"""The divergences of f-GAN: activation, conjugate, and where D cannot tell real from fake."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo_losses.bce import softplus


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """One row of f-GAN's table.

    Attributes:
        activation: g, which maps a logit into the domain of the conjugate φ*.
        conjugate: h = φ*∘g in a form that neither overflows nor cancels where the function itself does not.
        balance: the best logit at p_g = p_data: where g(v) is φ'(1).
        exponential: whether g or h grows exponentially, hence overflows.
        saturating: whether h flattens as the logit falls, so that a generator that minimizes −h stops learning.
    """

    activation: Callable[[Tensor], Tensor]
    conjugate: Callable[[Tensor], Tensor]
    balance: float = 0.0
    exponential: bool = False
    saturating: bool = True


DIVERGENCES = {
    "kl": Divergence(
        activation=lambda v: v,
        conjugate=lambda v: torch.exp(v - 1),
        balance=1.0,
        exponential=True,
    ),
    "reverse-kl": Divergence(
        activation=lambda v: -torch.exp(-v),
        conjugate=lambda v: v - 1,
        exponential=True,
        saturating=False,
    ),
    "pearson": Divergence(
        activation=lambda v: v,
        conjugate=lambda v: v.square() / 4 + v,
    ),
    "squared-hellinger": Divergence(
        activation=lambda v: -torch.expm1(-v),
        conjugate=torch.expm1,
        exponential=True,
    ),
    "jensen-shannon": Divergence(
        activation=lambda v: math.log(2) - softplus(-v),
        conjugate=lambda v: softplus(v) - math.log(2),
    ),
    "gan": Divergence(
        activation=lambda v: -softplus(-v),
        conjugate=softplus,
    ),
}
