"""Checks of what a preset says and of the critics that come of it."""

from __future__ import annotations

from typing import Any

import torch

from ganzoo.component import Component
from ganzoo.planning.own_critics import Adversary
from ganzoo.planning.presets import adversary_of, settings
from ganzoo.planning.ranks import takes_rank
from ganzoo.registry import Entry, Registry
from ganzoo.testing.check import check, demand
from ganzoo.testing.subject import NARROW, Subject

SHAPES = ((3, 128, 128), (1, 8192))
"""Pictures that have room for every usual critic, and signals."""


def _entry(subject: Subject) -> Entry:
    assert subject.entry is not None  # a preset is a file of an installed package
    return subject.entry


def _made(subject: Subject, **changes: object) -> Adversary:
    conditional = settings(_entry(subject)).condition
    return adversary_of(
        _entry(subject), shape=_shape(subject), condition_channels=1 if conditional else None, **changes
    )


def _critics(subject: Subject) -> list[tuple[str, dict[str, Any], Entry]]:
    """The name of each critic, its options, and the discriminator that it is."""
    registry = Registry.load()
    critics = settings(_entry(subject)).discriminators
    return [(name, given, registry.get("discriminator", str(given.get("name")))) for name, given in critics.items()]


def _shape(subject: Subject) -> tuple[int, ...]:
    """That of data which all critics are for; pictures, if there are no such data."""
    critics = _critics(subject)
    fitting = (
        shape for shape in SHAPES if all(takes_rank(entry.component.tags, len(shape) - 1) for _, _, entry in critics)
    )
    return next(fitting, SHAPES[0])


def _narrow(subject: Subject) -> dict[str, dict[str, Any]]:
    """The critics, with first convolutions as narrow as a check wants them."""
    return {
        name: {**given, **{width: NARROW[width] for width in NARROW if width in entry.options().model_fields}}
        for name, given, entry in _critics(subject)
    }


@check("settings", Component, "Its keys are arguments of an Adversary, with values that are allowed.")
def is_valid(subject: Subject) -> None:
    """The file is strict YAML, and every key and value is known."""
    settings(_entry(subject))


@check("source", Component, "Its first lines are a comment that says where the numbers come from.")
def says_where_it_comes_from(subject: Subject) -> None:
    """A published setting can be looked up."""
    head = _entry(subject).file_text().lstrip()
    demand(head.startswith("#"), "the file begins without a comment; say where its numbers come from")


@check("critics", Component, "Its components are there and take their options, so that critics are made of it.")
def makes_critics(subject: Subject) -> None:
    """Built for colored pictures of 128 px or for signals, without memory for the weights."""
    with torch.device("meta"):
        _made(subject)


@check("step", Component, "From its start on critics move, and the generator's loss and its gradient are finite.")
def makes_a_step(subject: Subject) -> None:
    """One step of both players, with narrow critics and the start at once."""
    made = _made(subject, start=0, generator_start=0, discriminators=_narrow(subject))
    before = [parameter.detach().clone() for parameter in made.parameters()]
    weight, pushed = _stepped(made, _shape(subject), condition=settings(_entry(subject)).condition)
    demand(bool(pushed.isfinite()), f"the generator's loss is {float(pushed)}")
    demand(weight.grad is not None and bool(weight.grad.isfinite()), f"the generator's gradient is {weight.grad}")
    moved = any(not torch.equal(old, new) for old, new in zip(before, made.parameters(), strict=True))
    demand(moved, "the critics did not move")


def _stepped(made: Adversary, shape: tuple[int, ...], *, condition: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """The weight of a generator after its backward pass, and what critics added to its loss."""
    random = torch.Generator().manual_seed(0)
    real, latent = (torch.randn(2, *shape, generator=random) for _ in range(2))
    seen = torch.randn(2, 1, *shape[1:], generator=random) if condition else None
    weight = torch.ones((), requires_grad=True)
    fake = weight * latent
    reference = (fake - real).abs().mean()
    pushed = made.generator_loss(fake, real=real, condition=seen, reference=reference, last_layer=weight).total
    (reference + pushed).backward()  # type: ignore[no-untyped-call]
    made.update(fake=fake, real=real, condition=seen)
    return weight, pushed.detach()
