"""Mistakes of a loop that no error shows, told where they can be seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from weakref import ref

from torch import Tensor, nn

from ganzoo.training.given_data import GivenBatch

FAR = 10
"""Data that reach above this, and as many times as far as the other side, are in another range: bytes beside tanh."""
SQUASHES = (nn.Sigmoid, nn.Softmax)


class LastFake:
    """The fakes of the last ``generator_loss``, which ``update`` may be given as real data; it keeps none alive."""

    def __init__(self) -> None:
        self._fake: ref[Tensor] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, or what is read from a file, has seen none."""
        return LastFake, ()

    def see(self, fake: Tensor) -> None:
        """Remember them while somebody else does."""
        self._fake = ref(fake)

    def is_in(self, real: Tensor) -> bool:
        """Whether these are the same numbers, detached or not."""
        fake = None if self._fake is None else self._fake()
        return fake is not None and real.data_ptr() == fake.data_ptr() and real.numel() > 0


def tell_of_ranges(given: GivenBatch, *, warn: Callable[[str], None]) -> None:
    """Warn where one side is in another range than the other; two numbers are read from the device."""
    assert given.real is not None
    if not (given.real.numel() and given.fake.numel()):
        return
    far = {"real": given.real.abs().max().item(), "fake": given.fake.abs().max().item()}
    (near, less), (distant, more) = sorted(far.items(), key=lambda side: side[1])
    if more > FAR and more > FAR * less:
        warn(
            f"{distant} reaches to {more:.4g} and {near} to {less:.4g}, so critics tell them apart by their range: "
            "give both in that of the generator, as x / 127.5 - 1 is of bytes"
        )


def tell_of_sigmoids(
    critics: nn.ModuleDict, logits: Mapping[str, tuple[Tensor, Tensor]], *, warn: Callable[[str], None]
) -> None:
    """Warn of critics whose last layer squashes logits, which losses do by themselves; their numbers are read."""
    for name, sides in logits.items():
        last = list(critics[name].modules())[-1]
        if isinstance(last, SQUASHES) and all(bool(((side >= 0) & (side <= 1)).all()) for side in sides):
            warn(
                f"critic {name} ends in {type(last).__name__}, and losses take logits of any sign: bce applies the "
                "sigmoid by itself, and margins of hinge lie outside of 0 to 1. Leave the layer out"
            )
