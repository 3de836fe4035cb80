"""First-party presets: the critics of published works as settings of :class:`ganzoo.Adversary`."""

from __future__ import annotations

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components() -> list[Component]:
    """Announce the presets."""
    return [
        Component(
            kind="preset",
            name="vqgan",
            target="ganzoo_presets:vqgan.yaml",
            summary="hinge critic of VQGAN's code: half hinge, adaptive weight at the last layer, from step 250,001",
            paper="Esser et al. 2020, arXiv:2012.09841",
        ),
        Component(
            kind="preset",
            name="ldm",
            target="ganzoo_presets:ldm.yaml",
            summary="critic of latent diffusion's autoencoders: as vqgan with weight 0.5, from step 50,001",
            paper="Rombach et al. 2022, arXiv:2112.10752",
        ),
        Component(
            kind="preset",
            name="llamagen",
            target="ganzoo_presets:llamagen.yaml",
            summary="critic of LlamaGen's tokenizer: half hinge, fixed weight 0.5, from step 20,000",
            paper="Sun et al. 2024, arXiv:2406.06525",
        ),
        Component(
            kind="preset",
            name="open-magvit2",
            target="ganzoo_presets:open-magvit2.yaml",
            summary="critic of Open-MAGVIT2: half hinge for D, softplus of the map's mean for G, LeCam",
            paper="Luo et al. 2024, arXiv:2409.04410",
        ),
        Component(
            kind="preset",
            name="rae",
            target="ganzoo_presets:rae.yaml",
            summary="loss, weight and both starts of RAE: the critic learns two epochs before it is heard",
            paper="Zheng et al. 2025, arXiv:2510.11690",
        ),
        Component(
            kind="preset",
            name="pix2pix",
            target="ganzoo_presets:pix2pix.yaml",
            summary="conditional patch critic of pix2pix: cross entropy, D's half",
            paper="Isola et al. 2017, arXiv:1611.07004",
        ),
        Component(
            kind="preset",
            name="cyclegan",
            target="ganzoo_presets:cyclegan.yaml",
            summary="patch critic of CycleGAN: least squares, D's half, a pool of 50 earlier fakes",
            paper="Zhu et al. 2017, arXiv:1703.10593",
        ),
        Component(
            kind="preset",
            name="pix2pixhd",
            target="ganzoo_presets:pix2pixhd.yaml",
            summary="two-scale conditional critic of pix2pixHD: least squares, features of all layers",
            paper="Wang et al. 2018, arXiv:1711.11585",
        ),
        Component(
            kind="preset",
            name="spade",
            target="ganzoo_presets:spade.yaml",
            summary="two-scale conditional critic of SPADE: hinge averaged over scales, features of all layers",
            paper="Park et al. 2019, arXiv:1903.07291",
        ),
        Component(
            kind="preset",
            name="esrgan",
            target="ganzoo_presets:esrgan.yaml",
            summary="loss and weight of ESRGAN: relativistic average, halved, means detached in D's step",
            paper="Wang et al. 2018, arXiv:1809.00219",
        ),
        Component(
            kind="preset",
            name="real-esrgan",
            target="ganzoo_presets:real-esrgan.yaml",
            summary="loss and weight of Real-ESRGAN: cross entropy, weight 0.1",
            paper="Wang et al. 2021, arXiv:2107.10833",
        ),
        Component(
            kind="preset",
            name="monai-autoencoder",
            target="ganzoo_presets:monai-autoencoder.yaml",
            summary="critic of MONAI's autoencoder tutorials: least squares, weight 0.01",
            paper="Pinaya et al. 2023, arXiv:2307.15208",
        ),
        Component(
            kind="preset",
            name="afm",
            target="ganzoo_presets:afm.yaml",
            summary="loss, penalties and gradient normalization of adversarial flow models",
            paper="Lin et al. 2025, arXiv:2511.22475",
        ),
        Component(
            kind="preset",
            name="hifigan",
            target="ganzoo_presets:hifigan.yaml",
            summary="critics of HiFi-GAN's vocoder: least squares over periods and scales, features of all layers",
            paper="Kong et al. 2020, arXiv:2010.05646",
        ),
        Component(
            kind="preset",
            name="bigvgan",
            target="ganzoo_presets:bigvgan.yaml",
            summary="critics of BigVGAN's vocoder: as hifigan, with magnitudes in the place of scales",
            paper="Lee et al. 2022, arXiv:2206.04658",
        ),
        Component(
            kind="preset",
            name="dac",
            target="ganzoo_presets:dac.yaml",
            summary="critics of the Descript Audio Codec: periods and bands of leveled signals, clipped together",
            paper="Kumar et al. 2023, arXiv:2306.06546",
        ),
        Component(
            kind="preset",
            name="encodec",
            target="ganzoo_presets:encodec.yaml",
            summary="critics of EnCodec: hinge over five complex transforms, balanced with your own loss",
            paper="Défossez et al. 2022, arXiv:2210.13438",
        ),
        Component(
            kind="preset",
            name="vocos",
            target="ganzoo_presets:vocos.yaml",
            summary="critics of Vocos: hinge on both sides, averaged over periods and, by a tenth, over bands",
            paper="Siuzdak 2023, arXiv:2306.00814",
        ),
    ]
