"""How much of a network that grows is there: its level of detail, as a number that may follow a schedule."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor


class Growth(nn.Module):
    """The level of detail of a network of n doublings: ``lod`` of them are left out.

    Formula:
        the last ⌊lod⌋ doublings are left out, 0 ≤ lod ≤ n; the one before them counts α = 1 − (lod − ⌊lod⌋)

    At 0 the network is whole; at 1 its last doubling is missing; at 0.3 that doubling is there and fades in with
    α = 0.7. The number lies in a buffer, so it is part of every checkpoint, and in Python, so that the structure of a
    pass is known without asking the device.

    Source: Karras et al. 2018, arXiv:1710.10196, section 2 and figure 2; the single number: the authors' code.
    """

    lod: Tensor

    def __init__(self, start: float, *, doublings: int) -> None:
        super().__init__()
        self.start, self.doublings = start, doublings
        self.register_buffer("lod", torch.zeros(()))
        self.left_out, self.fading = 0, False
        self.set(start)
        self.register_load_state_dict_post_hook(_read_back)  # type: ignore[no-untyped-call]

    def set(self, value: float) -> None:
        """Let so much be left out from now on.

        Raises:
            ConfigError: more than at the beginning, or less than nothing.
        """
        if not 0 <= value <= self.start:
            raise ConfigError(
                f"lod can only fall from where the network begins, which is {self.start:g}",
                given=f"lod {value:g}",
                allowed=f"0 to {self.start:g}",
                hint=f"begin with lod {self.doublings} and end with 0, the whole network",
            )
        self.lod.fill_(value)
        (stored,) = struct.unpack("f", struct.pack("f", value))  # as precisely as the buffer has it
        self._take(stored)

    def _take(self, value: float) -> None:
        self.left_out = math.floor(value)
        self.fading = value > self.left_out

    @property
    def top(self) -> int:
        """The number of doublings that are there, the one that fades in among them."""
        return self.doublings - self.left_out

    def alpha(self, like: Tensor) -> Tensor:
        """How much the last of them counts; 1 unless it fades in."""
        return (1 - (self.lod - self.left_out)).to(like.dtype)

    def levels(self) -> range:
        """The levels that ever stand at the image, from the first one on."""
        return range(self.doublings - math.ceil(self.start), self.doublings + 1)


def _read_back(growth: Growth, _: Any) -> None:
    """Loaded weights come with the level of detail that they were trained at."""
    if not growth.lod.is_meta:
        growth._take(growth.lod.item())


def demand_lod(lod: float, doublings: int, *, side: int, of: str) -> None:
    """Raise ``ConfigError`` where more would be left out than there is.

    ``side`` is that of the first map, ``of`` is kind and name of the network.
    """
    if lod > doublings:
        raise ConfigError(
            f"{of} has {doublings} doublings for images of this size, and more cannot be left out",
            given=f"lod {lod:g}",
            allowed=f"0 to {doublings}",
            hint=f"--image-size {side << math.ceil(lod)}, or a schedule of lod that begins with {doublings}",
        )


def widths_of(width: int, side: int, doublings: int) -> list[int]:
    """The widths from the first map to the image: ``width`` up to 32 px, then ``width``·32/side, rounded down."""
    return [max(1, min(width, 32 * width // (side << level))) for level in range(doublings + 1)]
