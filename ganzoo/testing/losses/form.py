"""Checks of the form of a loss: which methods it has, and what they give."""

from __future__ import annotations

from inspect import Parameter, signature

import torch
from torch import Tensor

from ganzoo.protocols import Loss, RelativisticLoss
from ganzoo.testing.check import check, demand
from ganzoo.testing.losses.objectives import logits, loss_of, objectives
from ganzoo.testing.subject import Subject


@check(
    "protocol",
    Loss,
    "Both methods take ``real`` and ``fake`` by keyword, so that they cannot be confused.",
    every_choice=True,
)
def keeps_the_protocol(subject: Subject) -> None:
    """Methods are there, and take keywords."""
    loss = loss_of(subject)
    wanted = RelativisticLoss if "generator_needs_real" in subject.tags else Loss
    demand(
        isinstance(loss, wanted), f"build() returns {type(loss).__name__}, which lacks a method of {wanted.__name__}"
    )
    for method, names in (("discriminator_loss", {"real", "fake"}), ("generator_loss", _of_generator(subject))):
        parameters = signature(getattr(loss, method)).parameters
        demand(set(parameters) == names, f"{method} takes {', '.join(parameters) or 'nothing'}")
        positional = [name for name, one in parameters.items() if one.kind is not Parameter.KEYWORD_ONLY]
        demand(not positional, f"{method} takes {', '.join(positional)} by position: write a * before it")


def _of_generator(subject: Subject) -> set[str]:
    return {"real", "fake"} if "generator_needs_real" in subject.tags else {"fake"}


@check(
    "scalar",
    Loss,
    "Both return a scalar to *minimize*: a tensor without axes, of the logits' own type.",
    every_choice=True,
)
def is_scalar(subject: Subject) -> None:
    """Of the logits' own precision, with a graph behind it."""
    for dtype in (torch.float32, torch.float64):
        values = objectives(loss_of(subject), *logits(4, 1, 3, 2, dtype=dtype))
        for player, value in zip("DG", values, strict=True):
            demand(isinstance(value, Tensor), f"{player}'s value is not a tensor but {type(value).__name__}")
            demand(value.shape == (), f"{player}'s value has the shape {tuple(value.shape)}")
            demand(value.dtype == dtype, f"{player}'s value is {value.dtype} for logits of {dtype}")
            demand(value.requires_grad, f"{player}'s value hangs on no logit: nothing can be learned from it")
