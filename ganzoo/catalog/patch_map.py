"""How many patches a patch discriminator judges, and how large they are, for data of several sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch

from ganzoo.component import RANKS, Options
from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec, Discriminator
from ganzoo.training import spectral

SIDES = (32, 64, 128, 256)
OF_RANK = {1: (256, 1024, 8192, 65536), 2: SIDES, 3: (16, 32, 64, 128)}
"""Rank → sides of signals, square images and cubes."""


@dataclass(frozen=True, kw_only=True)
class PatchMap:
    """What a patch discriminator makes of data of one size, with equal sides.

    Attributes:
        side: of the data, in pixels.
        resolved: the options that were decided by the data → their values.
        receptive_field: side of the patch one logit sees, in pixels, or one of each axis where they differ; ``None``
            where everything is seen.
        map_shape: sides of the map of logits; ``None`` where the data are too small.
    """

    side: int
    resolved: dict[str, object]
    receptive_field: int | tuple[int, ...] | None
    map_shape: tuple[int, ...] | None

    @property
    def map_side(self) -> int | None:
        """The last side of the map."""
        return self.map_shape[-1] if self.map_shape else None


def patch_maps(
    options: Options, *, channels: int = 3, rank: int = 2, sides: Sequence[int] | None = None
) -> Iterator[PatchMap]:
    """Build the discriminator for each size without memory or arithmetic (on torch's ``meta`` device)."""
    for side in OF_RANK[rank] if sides is None else sides:
        spec = DataSpec(shape=(channels, *[side] * rank))
        try:
            chosen = options.resolve(spec)
            with spectral.on_meta():
                network: Discriminator = chosen.build(spec)
                logits = network(torch.empty(1, *spec.shape)).logits
        except ConfigError:
            yield PatchMap(side=side, resolved={}, receptive_field=None, map_shape=None)
            continue
        resolved = {name: value for name, value in chosen if getattr(options, name) is None and value is not None}
        field = network.receptive_field()
        yield PatchMap(side=side, resolved=resolved, receptive_field=field, map_shape=tuple(logits.shape[2:]))


def ranks_of(tags: Iterable[str]) -> list[int]:
    """Ranks of the data that a discriminator with these tags is for; images where none is named."""
    named = set(tags)
    return sorted((rank for rank, tag in RANKS.items() if tag in named), key=lambda rank: rank != 2) or [2]


def by_axis(sides: Sequence[int]) -> str:
    """``6×14×14``."""
    return "×".join(map(str, sides))


def field_in_words(one: PatchMap) -> str:
    """``70``, or ``10×16×16`` where sides differ."""
    field = one.receptive_field
    return by_axis(field) if isinstance(field, tuple) else str(field)
