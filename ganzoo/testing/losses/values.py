"""Checks of what a loss gives: its form, and what the value does not depend on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import Parameter, signature
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import ConfigError
from ganzoo.protocols import Loss, RelativisticLoss
from ganzoo.testing.check import demand
from ganzoo.testing.losses.objectives import both, logits, loss_of, objectives, same
from ganzoo.testing.subject import Subject


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


def is_scalar(subject: Subject) -> None:
    """Of the logits' own precision, with a graph behind it."""
    for dtype in (torch.float32, torch.float64):
        values = objectives(loss_of(subject), *logits(4, 1, 3, 2, dtype=dtype))
        for player, value in zip("DG", values, strict=True):
            demand(isinstance(value, Tensor), f"{player}'s value is no tensor but {type(value).__name__}")
            demand(value.shape == (), f"{player}'s value has the shape {tuple(value.shape)}")
            demand(value.dtype == dtype, f"{player}'s value is {value.dtype} for logits of {dtype}")
            demand(value.requires_grad, f"{player}'s value hangs on no logit: nothing can be learned from it")


def order_does_not_matter(subject: Subject) -> None:
    """Pairs stay together, for those that compare pairs."""
    loss = loss_of(subject)
    real, fake = logits(6, 1, 2, 2)
    expected = both(loss, real, fake)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    same(expected, both(loss, real[order], fake[order]), "with samples in another order")
    if "paired" not in subject.tags:
        same(expected, both(loss, real, fake[order]), "with fakes in another order, and real ones as they were")


def shape_does_not_matter(subject: Subject) -> None:
    """Patch maps and plain logits mean the same."""
    loss = loss_of(subject)
    real, fake = logits(24)
    expected = both(loss, real, fake)
    for shape in ((24, 1), (24, 1, 1, 1), (2, 1, 3, 4), (4, 1, 3, 2), (1, 1, 4, 6)):
        same(expected, both(loss, real.view(shape), fake.view(shape)), f"as {shape} in place of (24,)")
    apart = (side.view(4, 1, 2, 3).transpose(2, 3) for side in (real, fake))
    same(expected, both(loss, *apart), "as a map that is not contiguous")


def is_a_mean(subject: Subject) -> None:
    """A sum would make the learning rate depend on the batch size."""
    loss = loss_of(subject)
    real, fake = logits(5)
    twice = torch.cat([real, real]), torch.cat([fake, fake])
    same(both(loss, real, fake), both(loss, *twice), "with every sample twice")


def takes_unequal_batches(subject: Subject) -> None:
    """The last batch, or several fakes a real one."""
    loss = loss_of(subject)
    real, fake = logits(6)
    if "paired" in subject.tags:
        for reals, fakes in ((6, 3), (6, 1), (1, 6)):
            for player in takers(loss, real[:reals], fake[:fakes]):
                demand(False, f"it compares pairs, and {player} takes {reals} real with {fakes} fake logits")
        return
    halved = torch.cat([fake[:3], fake[:3]])
    same(both(loss, real, halved), both(loss, real, fake[:3]), "with 3 fakes, or each of them twice")


def takers(loss: Any, real: Tensor, fake: Tensor) -> Iterator[str]:
    """The players whose objective does not refuse these logits with a ConfigError."""
    asked: dict[str, Callable[[], object]] = {"D": lambda: loss.discriminator_loss(real=real, fake=fake)}
    if "real" in signature(loss.generator_loss).parameters:
        asked["G"] = lambda: loss.generator_loss(real=real, fake=fake)
    for player, ask in asked.items():
        try:
            ask()
        except ConfigError:
            continue
        yield player


def leaves_its_inputs(subject: Subject) -> None:
    """In-place operations on logits spoil the other player's step."""
    loss = loss_of(subject)
    real, fake = (side.detach() for side in logits(4, 1, 2, 2))
    kept = real.clone(), fake.clone()
    objectives(loss, real, fake)
    demand(torch.equal(real, kept[0]) and torch.equal(fake, kept[1]), "it changed the logits that it was given")
