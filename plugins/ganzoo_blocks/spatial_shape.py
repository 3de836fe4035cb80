"""The shape of data that have axes besides their channels: signals, images, volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from ganzoo.protocols import DataSpec

RANKS = (1, 2, 3)


def spatial_shape(spec: DataSpec, *, of: str) -> tuple[int, tuple[int, ...]]:
    """Channels and sides of ``spec``, (C, T), (C, H, W) or (C, D, H, W); ``of`` is the name of the discriminator.

    Raises:
        ConfigError: if the data are of another rank.
    """
    if spec.rank not in RANKS:
        raise ConfigError(
            f"discriminator {of} works on signals, images and volumes only",
            given=f"data of shape {spec.shape}",
            allowed="data of shape (C, T), (C, H, W) or (C, D, H, W)",
            hint="--disc mlp, or a dataset of images from: ganzoo list datasets",
        )
    return spec.shape[0], spec.shape[1:]
