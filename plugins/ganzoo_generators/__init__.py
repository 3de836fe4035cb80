"""First-party generators."""

from __future__ import annotations

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components() -> list[Component]:
    """Announce the generators."""
    return [
        Component(
            kind="generator",
            name="dcgan",
            target="ganzoo_generators.dcgan:Dcgan",
            summary="transposed convolutions that double up to the image; class-conditional on demand",
            tags=frozenset({"accepts_labels", "batch_coupled_train", "batch_nonlinear", "image"}),
            paper="Radford et al. 2016, arXiv:1511.06434",
        )
    ]
