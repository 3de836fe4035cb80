"""First-party recipes: published settings as configuration files."""

from __future__ import annotations

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components() -> list[Component]:
    """Announce the recipes."""
    return [
        Component(
            kind="recipe",
            name="patchgan-sn-hinge",
            target="ganzoo_recipes:patchgan-sn-hinge.yaml",
            summary="hinge loss and a spectrally normalized PatchGAN critic at 128×128, for textures and lesions",
            paper="parts: Isola et al. 2017, arXiv:1611.07004; Miyato et al. 2018, arXiv:1802.05957; "
            "Heusel et al. 2017, arXiv:1706.08500",
        ),
    ]
