"""First-party augmentations of what the discriminator sees."""

from __future__ import annotations

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components() -> list[Component]:
    """Announce the augmentations."""
    return [
        Component(
            kind="augmentation",
            name="diffaugment",
            target="ganzoo_augmentations.diffaugment:Diffaugment",
            summary="color, translation and cutout, applied to everything the discriminator sees",
            aliases=("diff-augment",),
            tags=frozenset({"needs_images"}),
            paper="Zhao et al. 2020, arXiv:2006.10738",
        ),
        Component(
            kind="augmentation",
            name="ada",
            target="ganzoo_augmentations.ada:Ada",
            summary="transforms whose probability adapts to how much the discriminator overfits",
            aliases=("adaptive-augmentation",),
            tags=frozenset({"needs_images"}),
            paper="Karras et al. 2020, arXiv:2006.06676",
        ),
    ]
