"""Whether data have room for a stack of convolutions, and how a refusal says so."""

from __future__ import annotations

from collections.abc import Sequence

from ganzoo.errors import ConfigError
from ganzoo_discriminators.patch_geometry import largest_n_layers, map_side, smallest_side

SIZED = {1: "signals {} long", 2: "images {} px high or wide", 3: "volumes {} deep, high or wide"}
"""Rank of the data → data with a side in words."""


def check_fit(sides: Sequence[int], strides: Sequence[int], n_layers: int, *, discriminator: str) -> None:
    """Refuse a stack that leaves less than one logit along an axis.

    Raises:
        ConfigError: it does; the error names the largest depth that fits.
    """
    axes = list(zip(sides, strides, strict=True))
    if all(map_side(side, n_layers, stride) >= 1 for side, stride in axes):
        return
    most, side = min((largest_n_layers(side, stride), side) for side, stride in axes)
    least = max(smallest_side(stride) for stride in strides)
    raise ConfigError(
        f"discriminator {discriminator} leaves no logit for {SIZED[len(sides)].format(side)}",
        given=f"n_layers {n_layers}",
        allowed=f"n_layers up to {most}" if most else _at_least(len(sides), least),
        hint=way_out(len(sides), discriminator, "n_layers", most),
    )


def way_out(rank: int, discriminator: str, option: str, most: int) -> str:
    """What to try next: of images a flag of ``ganzoo run``, which trains on no other rank, or else a call."""
    if rank == 2:
        return f"--set discriminator.{option}={most}" if most else "--image-size 32"
    if not most:
        return f"spec=ganzoo.protocols.DataSpec(shape={(1, *[32] * rank)})"
    return f'ganzoo.build("discriminator", "{discriminator}", spec=spec, {option}={most})'


def _at_least(rank: int, side: int) -> str:
    return f"images of at least {side} px per side" if rank == 2 else f"at least {side} along every axis"
