"""What augmentations ask of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from ganzoo.protocols import DataSpec


def channels_of_images(spec: DataSpec, *, augmentation: str) -> int:
    """C of the images. Raises ``ConfigError`` if the data are vectors."""
    if len(spec.shape) != 3:
        raise ConfigError(
            f"augmentation {augmentation} transforms images, and the data are vectors",
            given=f"shape {spec.shape}",
            allowed="shapes (C, H, W)",
            hint="leave the augmentation out, or take a dataset of images: ganzoo list datasets",
        )
    return spec.shape[0]
