"""An example of a plugin for ganzoo. This module must not import torch: the files behind the targets may."""

from __future__ import annotations

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components() -> list[Component]:
    """Announce what this plugin provides."""
    return [
        Component(
            kind="loss",
            name="smooth-hinge",
            target="ganzoo_example.smooth_hinge:SmoothHinge",
            summary="hinge loss, rounded off at its corner",
            paper="Shalev-Shwartz & Zhang 2013, arXiv:1209.1873",
        ),
        Component(
            kind="discriminator",
            name="global-pool",
            target="ganzoo_example.global_pool:GlobalPool",
            summary="a few strided convolutions, averaged over the image, for any size",
            tags=frozenset({"image", "provides_features"}),
        ),
    ]
