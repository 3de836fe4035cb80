"""How many patches a patch discriminator judges, and how large they are, for images of several sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec, Discriminator

SIDES = (32, 64, 128, 256)


@dataclass(frozen=True, kw_only=True)
class PatchMap:
    """What a patch discriminator makes of images of one size.

    Attributes:
        side: of the image, in pixels.
        resolved: the options that were decided by the data → their values.
        receptive_field: side of the patch one logit sees, in pixels; ``None`` where the whole image is seen.
        map_side: side of the map of logits; ``None`` where the image is too small.
    """

    side: int
    resolved: dict[str, object]
    receptive_field: int | None
    map_side: int | None


def patch_maps(options: Options, *, channels: int = 3, sides: Sequence[int] = SIDES) -> Iterator[PatchMap]:
    """Build the discriminator for each size without memory or arithmetic (on torch's ``meta`` device)."""
    for side in sides:
        spec = DataSpec(shape=(channels, side, side))
        try:
            chosen = options.resolve(spec)
            with torch.device("meta"):
                network: Discriminator = chosen.build(spec)
                logits = network(torch.empty(1, *spec.shape)).logits
        except ConfigError:
            yield PatchMap(side=side, resolved={}, receptive_field=None, map_side=None)
            continue
        resolved = {name: value for name, value in chosen if getattr(options, name) is None and value is not None}
        field = network.receptive_field()
        yield PatchMap(side=side, resolved=resolved, receptive_field=field, map_side=logits.shape[-1])
