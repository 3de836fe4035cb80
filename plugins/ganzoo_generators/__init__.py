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
            summary="transposed convolutions that double a map up to the image; optionally class-conditional",
            tags=frozenset({"accepts_labels", "batch_coupled_train", "batch_nonlinear", "image"}),
            paper="Radford et al. 2016, arXiv:1511.06434",
        ),
        Component(
            kind="generator",
            name="mlp",
            target="ganzoo_generators.mlp:Mlp",
            summary="fully connected layers, for vectors and small images",
            tags=frozenset({"accepts_labels"}),
            paper="Goodfellow et al. 2014, arXiv:1406.2661",
        ),
        Component(
            kind="generator",
            name="resnet",
            target="ganzoo_generators.resnet:Resnet",
            summary="SNGAN's residual blocks; optional class-conditional BatchNorm and self-attention",
            tags=frozenset({"accepts_labels", "batch_coupled_train", "batch_nonlinear", "image"}),
            paper="Miyato et al. 2018, arXiv:1802.05957",
        ),
        Component(
            kind="generator",
            name="stylegan",
            target="ganzoo_generators.stylegan:Stylegan",
            summary="a small StyleGAN2: mapping network, modulated convolutions and noise",
            tags=frozenset({"accepts_labels", "image", "provides_style"}),
            paper="Karras et al. 2020, arXiv:1912.04958",
        ),
        Component(
            kind="generator",
            name="r3gan",
            target="ganzoo_generators.r3gan:R3gan",
            summary="residual blocks with grouped convolutions and no norm; optionally class-conditional",
            tags=frozenset({"accepts_labels", "image"}),
            paper="Huang et al. 2024, arXiv:2501.05441",
        ),
        Component(
            kind="generator",
            name="progressive",
            target="ganzoo_generators.progressive:Progressive",
            summary="equalized convolutions and pixel norm, which may grow from 4 pixels to the whole image",
            tags=frozenset({"image"}),
            paper="Karras et al. 2018, arXiv:1710.10196",
        ),
        Component(
            kind="generator",
            name="biggan",
            target="ganzoo_generators.biggan:Biggan",
            summary="BigGAN: hierarchical latents and one shared class embedding in every BatchNorm",
            tags=frozenset({"accepts_labels", "batch_coupled_train", "batch_nonlinear", "image", "spectral_norm"}),
            paper="Brock et al. 2019, arXiv:1809.11096",
        ),
    ]
