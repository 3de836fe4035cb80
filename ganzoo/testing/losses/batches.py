"""Checks of a loss on batches in another order, of another shape or number, and that it leaves them as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import ConfigError
from ganzoo.protocols import Loss
from ganzoo.testing.check import check, demand
from ganzoo.testing.losses.objectives import both, logits, loss_of, objectives, same
from ganzoo.testing.subject import Subject


@check("permutation", Loss, "The order of samples does not matter.", every_choice=True)
def order_does_not_matter(subject: Subject) -> None:
    """Pairs stay together, for those that compare pairs."""
    loss = loss_of(subject)
    real, fake = logits(6, 1, 2, 2)
    expected = both(loss, real, fake)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    same(expected, both(loss, real[order], fake[order]), "with samples in another order")
    if "paired" not in subject.tags:
        same(expected, both(loss, real, fake[order]), "with fakes in another order, and real ones as they were")


@check(
    "shapes",
    Loss,
    "Logits may have any shape: (N,), (N, 1) and (N, 1, h, w) mean the same, contiguous or not.",
    every_choice=True,
)
def shape_does_not_matter(subject: Subject) -> None:
    """Patch maps and plain logits mean the same."""
    loss = loss_of(subject)
    real, fake = logits(24)
    expected = both(loss, real, fake)
    for shape in ((24, 1), (24, 1, 1, 1), (2, 1, 3, 4), (4, 1, 3, 2), (1, 1, 4, 6)):
        same(expected, both(loss, real.view(shape), fake.view(shape)), f"as {shape} in place of (24,)")
    apart = (side.view(4, 1, 2, 3).transpose(2, 3) for side in (real, fake))
    same(expected, both(loss, *apart), "as a map that is not contiguous")


@check(
    "duplicated-batch",
    Loss,
    "The value is a mean: a batch with every sample twice has the same value.",
    every_choice=True,
)
def is_a_mean(subject: Subject) -> None:
    """A sum would make the learning rate depend on the batch size."""
    loss = loss_of(subject)
    real, fake = logits(5)
    twice = torch.cat([real, real]), torch.cat([fake, fake])
    same(both(loss, real, fake), both(loss, *twice), "with every sample twice")


@check(
    "unequal-batches",
    Loss,
    "Real and fake may be of different number, unless it carries ``paired``: then that is a ConfigError.",
    every_choice=True,
)
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


@check("inputs-unmodified", Loss, "Logits are never changed in place.", every_choice=True)
def leaves_its_inputs(subject: Subject) -> None:
    """In-place operations on logits spoil the other player's step."""
    loss = loss_of(subject)
    real, fake = (side.detach() for side in logits(4, 1, 2, 2))
    kept = real.clone(), fake.clone()
    objectives(loss, real, fake)
    demand(torch.equal(real, kept[0]) and torch.equal(fake, kept[1]), "it changed the logits that it was given")
