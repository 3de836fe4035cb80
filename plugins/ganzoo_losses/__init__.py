"""First-party losses."""

from __future__ import annotations

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1

WGAN_GP_SETTING = {
    "regularizers.gradient-penalty.weight": 10.0,
    "train.optimizer": "adam",
    "train.g_lr": 1e-4,
    "train.d_lr": 1e-4,
    "train.g_betas": [0.0, 0.9],
    "train.d_betas": [0.0, 0.9],
    "train.n_critic": 5,
}


@hookimpl
def ganzoo_components() -> list[Component]:
    """Announce the losses."""
    return [
        Component(
            kind="loss",
            name="bce",
            target="ganzoo_losses.bce:Bce",
            summary="the original GAN loss with the non-saturating generator",
            aliases=("non-saturating", "logistic"),
            paper="Goodfellow et al. 2014, arXiv:1406.2661",
        ),
        Component(
            kind="loss",
            name="wgan-gp",
            target="ganzoo_losses.wgan_gp:WganGp",
            summary="Wasserstein distance, the critic held near slope 1 by a gradient penalty",
            tags=frozenset({"needs_lipschitz"}),
            suggests=WGAN_GP_SETTING,
            paper="Gulrajani et al. 2017, arXiv:1704.00028",
        ),
        Component(
            kind="loss",
            name="lsgan",
            target="ganzoo_losses.lsgan:Lsgan",
            summary="least squares towards a target for real and one for fake",
            aliases=("mse", "least-squares"),
            paper="Mao et al. 2017, arXiv:1611.04076",
        ),
        Component(
            kind="loss",
            name="hinge",
            target="ganzoo_losses.hinge:Hinge",
            summary="hinge loss with margin 1 on both sides",
            paper="Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957",
        ),
        Component(
            kind="loss",
            name="margin-hinge",
            target="ganzoo_losses.margin_hinge:MarginHinge",
            summary="hinge loss with a margin of its own for real and for fake",
            paper="after Lim & Ye 2017, arXiv:1705.02894",
        ),
    ]
