"""Mistakes of a loop that no error shows, told where they can be seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self
from weakref import ref

import torch
from torch import Tensor, nn

from ganzoo.protocols import AnyLoss
from ganzoo.training.given_data import GivenBatch

BYTES, NUMBERS = (128, 255.5), 10
"""Data from 0 to within these bounds, beside others that reach no farther than that, are bytes that nobody divided."""
SQUASHES = (nn.Sigmoid, nn.Softmax)


class LastFake:
    """The fakes of the last ``generator_loss``, which ``update`` may be given as real data; it keeps none alive."""

    def __init__(self) -> None:
        self._fake: ref[Tensor] | None = None
        self._version = 0

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, or what is read from a file, has seen none."""
        return LastFake, ()

    def see(self, fake: Tensor) -> None:
        """Remember them while somebody else does."""
        self._fake, self._version = ref(fake), fake._version

    def is_in(self, real: Tensor) -> bool:
        """Whether these are the same numbers, detached or not, and not others that were written in their place."""
        fake = None if self._fake is None else self._fake()
        if fake is None or fake.shape != real.shape or real.numel() == 0:
            return False
        return real.data_ptr() == fake.data_ptr() and real._version == self._version


def tell_of_ranges(given: GivenBatch, *, warn: Callable[[str], None]) -> None:
    """Warn where one side are bytes and the other is not."""
    assert given.real is not None
    if not (given.real.numel() and given.fake.numel()):
        return
    for bytes_, others in (("real", "fake"), ("fake", "real")):
        side, beside = getattr(given, bytes_), getattr(given, others).abs().max().item()
        low, high = BYTES
        if side.min().item() >= 0 and low < side.max().item() <= high and beside < NUMBERS:
            warn(
                f"{bytes_} reaches from 0 to {side.max().item():.4g} and {others} to {beside:.4g}: if these are bytes, "
                "critics tell them apart by that alone; x / 127.5 - 1 brings bytes to [-1, 1]"
            )


class Squashed:
    """Within the block, what the last layers of critics give where they are a sigmoid or a softmax.

    Losses take logits. That a layer is the last one to be registered does not say that logits come from it, so its
    numbers are compared with them.
    """

    def __init__(self, critics: nn.ModuleDict) -> None:
        last = {name: list(critic.modules())[-1] for name, critic in critics.items()}
        self._layers = {name: layer for name, layer in last.items() if isinstance(layer, SQUASHES)}
        self._given: dict[str, list[Tensor]] = {name: [] for name in self._layers}
        self._hooks: list[Any] = []

    def __enter__(self) -> Self:
        """Listen to them."""
        for name, layer in self._layers.items():
            given = self._given[name]
            self._hooks.append(layer.register_forward_hook(lambda _, __, out, given=given: given.append(out.detach())))
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no hook behind."""
        for hook in self._hooks:
            hook.remove()

    def tell(self, name: str, logits: Sequence[Tensor], loss: AnyLoss, *, warn: Callable[[str], None]) -> None:
        """Warn if logits are what such a layer gave, and the loss is not least there for the extremes of it."""
        if not self._given.get(name) or self._is_reached(loss, logits[0]):
            return
        squashed = torch.cat([out.flatten() for out in self._given[name]])
        if all(bool(torch.isin(side.flatten(), squashed.to(side.dtype)).all()) for side in logits):
            warn(
                f"critic {name} ends in {type(self._layers[name]).__name__}, and losses take logits of any sign: bce "
                "applies the sigmoid by itself, and margins of hinge lie outside of 0 to 1. Leave the layer out"
            )

    @staticmethod
    def _is_reached(loss: AnyLoss, like: Tensor) -> bool:
        """Whether D's loss is 0 where it says 1 of real data and 0 of fakes, as least squares may have it."""
        with torch.no_grad():
            value = loss.discriminator_loss(real=torch.ones_like(like), fake=torch.zeros_like(like))
        return bool(value.abs() < 1e-6)
