"""A check of augmentations of vectors."""

from __future__ import annotations

from ganzoo.protocols import Augmentation
from ganzoo.testing.augmentations.images import demand_same_shape
from ganzoo.testing.augmentations.situations import augmentation_of
from ganzoo.testing.check import check
from ganzoo.testing.subject import VECTORS, Subject


def takes_images_only(subject: Subject) -> str | None:
    """A tag of its own says so."""
    return "it carries the tag needs_images" if "needs_images" in subject.tags else None


@check(
    "vectors",
    Augmentation,
    "Vectors (N, D) are taken likewise, unless it carries ``needs_images``.",
    skip=takes_images_only,
)
def takes_vectors(subject: Subject) -> None:
    """Points of the plane."""
    demand_same_shape(f"for vectors {VECTORS.shape}", augmentation_of(subject, VECTORS), VECTORS)
