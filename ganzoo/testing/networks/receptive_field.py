"""A check of how much of an image one logit sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ganzoo.protocols import DataSpec, Discriminator
from ganzoo.testing.check import check, demand
from ganzoo.testing.networks.trial import Trial, first_taken, taken, trial
from ganzoo.testing.subject import VECTORS, Subject
from ganzoo.training import spectral

SIDES = {1: (64, 256, 1024, 8192), 2: (32, 64, 128, 256, 512), 3: (16, 32, 64)}
"""Rank → sides of the signals, squares and cubes on which receptive fields are measured."""
PIXELS = {1: 2**14, 2: 2**17, 3: 2**17}
"""Rank → numbers of all data together on which one is measured: a maximum hands on the gradient of a single one."""


def judges_no_patches(subject: Subject) -> str | None:
    """A logit that sees everything has nothing to declare."""
    if "patch" not in subject.tags and trial(subject).network.receptive_field() is None:
        return "it carries no tag patch and declares no receptive field"
    if subject.once(size_with_room) is None:
        return "it takes no square image twice as large as its receptive field"
    return None


@check(
    "receptive-field",
    Discriminator.receptive_field,
    "Side, in pixels, of the input patch one logit sees; ``None`` when it sees the whole image.",
    skip=judges_no_patches,
    every_choice=True,
)
def sees_what_it_says(subject: Subject) -> None:
    """The images' gradient of one logit, in the midst of an image at least twice as large as what it sees."""
    spec = subject.once(size_with_room)
    assert spec is not None  # the check is skipped otherwise
    one = trial(subject, spec, n=max(2, PIXELS[spec.rank] // torch.Size(spec.shape[1:]).numel()))
    declared, sides = one.network.receptive_field(), one.spec.shape[1:]
    said = "None, the whole image" if declared is None else f"{_by_axis(declared)} px a side"
    shape = tuple(one.answers()["logits"].shape)
    as_map = len(shape) == 2 + len(sides)
    demand(as_map, f"receptive_field() says {said}; logits {shape} are no map, and see the whole image")
    seen = field_of(one)
    right = seen == (sides if declared is None else _per_axis(declared, len(sides)))
    demand(right, f"receptive_field() says {said}; on {_by_axis(sides)} px a logit sees {_by_axis(seen)} px")


def _per_axis(field: int | tuple[int, ...], rank: int) -> tuple[int, ...]:
    return (field,) * rank if isinstance(field, int) else tuple(field)


def _by_axis(field: int | tuple[int, ...]) -> str:
    return str(field) if isinstance(field, int) else "×".join(map(str, field))


def size_with_room(subject: Subject) -> DataSpec | None:
    """The smallest data of at least twice the receptive field that its network declares for them."""
    for spec in _sizes(first_taken(subject)):
        one = taken(subject, spec, n=1)
        if one is not None:
            declared = one.network.receptive_field()
            if declared is None or min(spec.shape[1:]) >= 2 * max(_per_axis(declared, spec.rank)):
                return spec
    return None


def _sizes(first: DataSpec) -> Iterator[DataSpec]:
    """Data with equal sides, of the rank and channels of those that are taken first."""
    rank = first.rank or 2
    return (replace(VECTORS, shape=(first.shape[0], *[side] * rank)) for side in SIDES[rank])


def field_of(one: Trial) -> tuple[int, ...]:
    """Sides of the part of an image that the logit in the middle of the map depends on."""
    one = one.double()
    with torch.no_grad():
        for parameter in one.network.parameters():
            # Positive and of about a mean's size: nothing cancels, nothing is cut off or saturates.
            fan_in = parameter[0].numel() if parameter.dim() > 1 else 1
            parameter.copy_((0.5 + torch.rand_like(parameter)) / fan_in)
    for _ in range(3):
        spectral.iterate(one.network)
    one.network.eval()
    images = one.given.abs().requires_grad_()
    with _WithoutStatistics():
        maps = one.network(images, one.labels).logits
    middle = maps[(slice(None), 0, *(side // 2 for side in maps.shape[2:]))]
    (slope,) = torch.autograd.grad(middle.sum(), images)
    seen = slope.ne(0).any(0).any(0)
    others = ([other for other in range(seen.dim()) if other != axis] for axis in range(seen.dim()))
    return tuple(_extent((seen.amax(rest) if rest else seen).nonzero().flatten()) for rest in others)


def _extent(places: torch.Tensor) -> int:
    return int(places.max() - places.min()) + 1 if len(places) else 0


class _WithoutStatistics(TorchFunctionMode):
    """Norms that take statistics over a whole map hand on what they get."""

    NORMS = (F.instance_norm, F.group_norm, F.layer_norm)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in self.NORMS:
            return args[0] if args else kwargs["input"]
        return func(*args, **kwargs)
