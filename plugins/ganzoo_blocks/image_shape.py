"""The shape of the images a component is built for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from ganzoo.protocols import DataSpec


FOR_VECTORS = {
    "discriminator": "--disc mlp",
    "generator": "--gen mlp",
    "augmentation": "--augment none, or augment=None in a loop of your own",
}
"""Kind of the component that asks → what works on vectors instead."""


def image_shape(spec: DataSpec, *, of: str) -> tuple[int, int, int]:
    """(C, H, W) of ``spec``; ``of`` is kind and name of the component that asks, ``generator dcgan``.

    Raises:
        ConfigError: if the data are not images.
    """
    if len(spec.shape) != 3:
        kind = of.partition(" ")[0]
        raise ConfigError(
            f"{of} works on images only",
            given=f"data of shape {spec.shape}",
            allowed="data of shape (C, H, W)",
            hint=f"{FOR_VECTORS.get(kind, f'ganzoo list {kind}s')}, or a dataset of images from: ganzoo list datasets",
        )
    channels, height, width = spec.shape
    return channels, height, width


def width_by_size(*sides: int) -> int:
    """Width of the convolution next to the image, if none is given: 32 below 64 px (the shorter side), else 64."""
    return 32 if min(sides) < 64 else 64
