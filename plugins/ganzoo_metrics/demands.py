"""What metrics ask of both sides, and what they say where it is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import Features


def both(metric: str, real: Features, fake: Features, *, least: int) -> tuple[Tensor, Tensor]:
    """Features of both sides as they are: a copy in float64 of all of them would take twice the room.

    Raises :class:`ConfigError` if there are fewer than ``least`` of either.
    """
    sides = {"real": real.features, "generated": fake.features}
    for side, features in sides.items():
        if features is None or len(features) < least:
            raise ConfigError(
                f"metric {metric} needs at least {least} {side} samples",
                given=0 if features is None else len(features),
                allowed=f"at least {least}",
                hint="-n 1000",
            )
    assert real.features is not None
    assert fake.features is not None
    return real.features, fake.features


def probabilities(metric: str, features: Features) -> Tensor:
    """Class probabilities in float64. Raises :class:`ConfigError` if there are none."""
    if features.class_probs is None or len(features.class_probs) == 0:
        raise ConfigError(
            f"metric {metric} needs class probabilities of at least one sample",
            allowed="an extractor that tells classes apart",
            hint="--extractor classifier",
        )
    return features.class_probs.double()


def pictures(metric: str, features: Features, *, least: int) -> Tensor:
    """uint8 pictures. Raises :class:`ConfigError` for vectors, or fewer than ``least``."""
    images = features.images
    if images is None or images.ndim != 4 or len(images) < least:
        raise ConfigError(
            f"metric {metric} needs at least {least} pictures",
            given="none" if images is None else tuple(images.shape),
            allowed="uint8 (N, C, H, W)",
            hint="--metric mode-coverage for data with known modes",
        )
    return images


def labeled_pictures(metric: str, side: Features | None, of: str) -> tuple[Tensor, Tensor]:
    """uint8 pictures and their labels. Raises :class:`ConfigError` for vectors, or where there are none of either.

    Args:
        metric: its name.
        side: the data.
        of: what they are, in words.
    """
    images, labels = (None, None) if side is None else (side.images, side.labels)
    if images is None or labels is None or images.ndim != 4 or not len(images):
        raise ConfigError(
            f"metric {metric} trains classifiers of pictures and tests them on held-out ones",
            given=f"no {of} pictures with labels",
            allowed="labelled pictures, with a split test or val, and a class-conditional generator",
            hint="--data FOLDER --disc projection, or --metric none",
        )
    return images, labels
