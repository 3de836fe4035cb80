"""The shape of the images a generator is built for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from ganzoo.protocols import DataSpec


def image_shape(spec: DataSpec, *, generator: str) -> tuple[int, int, int]:
    """(C, H, W) of ``spec``; ``generator`` names the generator in the error.

    Raises:
        ConfigError: if the data are not images.
    """
    if len(spec.shape) != 3:
        raise ConfigError(
            f"generator {generator} makes images",
            given=f"data of shape {spec.shape}",
            allowed="data of shape (C, H, W)",
            hint="ganzoo list generators",
        )
    channels, height, width = spec.shape
    return channels, height, width


def width_by_size(height: int, width: int) -> int:
    """Width before the image if none is given: 32 for images below 64 px (the shorter side), else 64."""
    return 32 if min(height, width) < 64 else 64
