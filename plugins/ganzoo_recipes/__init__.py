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
            name="gan",
            target="ganzoo_recipes:gan.yaml",
            summary="the first GAN: fully connected, maxout critic, SGD, as on MNIST",
            paper="Goodfellow et al. 2014, arXiv:1406.2661",
        ),
        Component(
            kind="recipe",
            name="dcgan",
            target="ganzoo_recipes:dcgan.yaml",
            summary="the convolutional GAN with BatchNorm in both networks",
            paper="Radford et al. 2016, arXiv:1511.06434",
        ),
        Component(
            kind="recipe",
            name="wgan",
            target="ganzoo_recipes:wgan.yaml",
            summary="Wasserstein loss, weights clipped at 0.01, RMSprop, five critic updates per step",
            paper="Arjovsky et al. 2017, arXiv:1701.07875",
        ),
        Component(
            kind="recipe",
            name="wgan-gp",
            target="ganzoo_recipes:wgan-gp.yaml",
            summary="Wasserstein loss with a gradient penalty, critic without norm, five updates per step",
            paper="Gulrajani et al. 2017, arXiv:1704.00028",
        ),
        Component(
            kind="recipe",
            name="lsgan",
            target="ganzoo_recipes:lsgan.yaml",
            summary="least squares toward 0 and 1 with convolutional networks",
            paper="Mao et al. 2017, arXiv:1611.04076",
        ),
        Component(
            kind="recipe",
            name="acgan",
            target="ganzoo_recipes:acgan.yaml",
            summary="class-conditional: a critic with a second head that predicts the class, as on CIFAR-10",
            paper="Odena et al. 2017, arXiv:1610.09585",
        ),
        Component(
            kind="recipe",
            name="cgan",
            target="ganzoo_recipes:cgan.yaml",
            summary="class-conditional: both players see the label; convolutional form",
            paper="Mirza & Osindero 2014, arXiv:1411.1784",
        ),
        Component(
            kind="recipe",
            name="sngan",
            target="ganzoo_recipes:sngan.yaml",
            summary="residual networks, hinge loss and spectral norm in the critic, as on CIFAR-10",
            paper="Miyato et al. 2018, arXiv:1802.05957",
        ),
        Component(
            kind="recipe",
            name="sagan",
            target="ganzoo_recipes:sagan.yaml",
            summary="class-conditional: residual networks with self-attention, projection, two time scales",
            paper="Zhang et al. 2019, arXiv:1805.08318",
        ),
        Component(
            kind="recipe",
            name="biggan",
            target="ganzoo_recipes:biggan.yaml",
            summary="class-conditional: large batches, hierarchical latents, orthogonal regularization",
            paper="Brock et al. 2019, arXiv:1809.11096",
        ),
        Component(
            kind="recipe",
            name="sn-hinge",
            target="ganzoo_recipes:sn-hinge.yaml",
            summary="hinge loss and a spectrally normalized critic of the whole image, two time scales",
            paper="parts: Miyato et al. 2018, arXiv:1802.05957; Heusel et al. 2017, arXiv:1706.08500; "
            "Zhang et al. 2019, arXiv:1805.08318",
        ),
        Component(
            kind="recipe",
            name="patchgan-sn-hinge",
            target="ganzoo_recipes:patchgan-sn-hinge.yaml",
            summary="hinge loss and a spectrally normalized PatchGAN critic at 128×128, for textures and lesions",
            paper="parts: Isola et al. 2017, arXiv:1611.07004; Miyato et al. 2018, arXiv:1802.05957; "
            "Heusel et al. 2017, arXiv:1706.08500",
        ),
        Component(
            kind="recipe",
            name="patchgan-sn-hinge-small",
            target="ganzoo_recipes:patchgan-sn-hinge-small.yaml",
            summary="the same at 64×64 with augmentation, for few images and a night on a laptop",
            paper="parts: Isola et al. 2017, arXiv:1611.07004; Miyato et al. 2018, arXiv:1802.05957; "
            "Heusel et al. 2017, arXiv:1706.08500; Zhao et al. 2020, arXiv:2006.10738",
        ),
        Component(
            kind="recipe",
            name="relativistic",
            target="ganzoo_recipes:relativistic.yaml",
            summary="real and fake compared pair by pair, spectral norm in the critic, as on CIFAR-10",
            paper="Jolicoeur-Martineau 2018, arXiv:1807.00734",
        ),
        Component(
            kind="recipe",
            name="unrolled",
            target="ganzoo_recipes:unrolled.yaml",
            summary="the generator is trained through five unrolled updates of the critic; points on a ring",
            paper="Metz et al. 2017, arXiv:1611.02163",
        ),
        Component(
            kind="recipe",
            name="r3gan",
            target="ganzoo_recipes:r3gan.yaml",
            summary="relativistic loss, R1 and R2 on residual networks without norm; everything follows schedules",
            paper="Huang et al. 2024, arXiv:2501.05441",
        ),
        Component(
            kind="recipe",
            name="progressive",
            target="ganzoo_recipes:progressive.yaml",
            summary="both networks grow from 4 pixels to 32 while they are trained; Wasserstein with penalty",
            paper="Karras et al. 2018, arXiv:1710.10196",
        ),
        Component(
            kind="recipe",
            name="stylegan2-small",
            target="ganzoo_recipes:stylegan2-small.yaml",
            summary="styles, path length regularization, lazy R1 and minibatch stddev at a small size",
            paper="Karras et al. 2020, arXiv:1912.04958; Karras et al. 2020, arXiv:2006.06676",
        ),
    ]
