"""First-party losses."""

from __future__ import annotations

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1

WGAN_SETTING = {
    "regularizers.weight-clip.clip": 0.01,
    "train.optimizer": "rmsprop",
    "train.g_lr": 5e-5,
    "train.d_lr": 5e-5,
    "train.n_critic": 5,
    "train.batch_size": 64,
}

WGAN_GP_SETTING = {
    "regularizers.gradient-penalty.weight": 10.0,
    "train.optimizer": "adam",
    "train.g_lr": 1e-4,
    "train.d_lr": 1e-4,
    "train.g_betas": [0.0, 0.9],
    "train.d_betas": [0.0, 0.9],
    "train.n_critic": 5,
}

BEGAN_SETTING = {
    "discriminator.name": "autoencoder",
    "discriminator.distance": "l1",
    "train.optimizer": "adam",
    "train.g_lr": 1e-4,
    "train.d_lr": 1e-4,
    "train.g_betas": [0.9, 0.999],
    "train.d_betas": [0.9, 0.999],
    "train.batch_size": 16,
}


BY_SAMPLE = "with reduce=sample the logits of a sample are averaged first, so it matters which are of one"
"""Why shapes of logits count in losses with ``reduce``."""


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
            expected_failures={"shapes": BY_SAMPLE},
        ),
        Component(
            kind="loss",
            name="minimax",
            target="ganzoo_losses.minimax:Minimax",
            summary="the original GAN loss with the saturating generator",
            aliases=("saturating",),
            tags=frozenset({"saturating"}),
            paper="Goodfellow et al. 2014, arXiv:1406.2661",
            expected_failures={"shapes": BY_SAMPLE},
        ),
        Component(
            kind="loss",
            name="wgan",
            target="ganzoo_losses.wgan:Wgan",
            summary="Wasserstein distance, with a critic kept within bounds by weight clipping",
            aliases=("wasserstein",),
            tags=frozenset({"needs_lipschitz"}),
            suggests=WGAN_SETTING,
            paper="Arjovsky et al. 2017, arXiv:1701.07875",
        ),
        Component(
            kind="loss",
            name="wgan-gp",
            target="ganzoo_losses.wgan_gp:WganGp",
            summary="Wasserstein distance, with a critic held near slope 1 by a gradient penalty",
            tags=frozenset({"needs_lipschitz"}),
            suggests=WGAN_GP_SETTING,
            paper="Gulrajani et al. 2017, arXiv:1704.00028",
        ),
        Component(
            kind="loss",
            name="lsgan",
            target="ganzoo_losses.lsgan:Lsgan",
            summary="least squares toward one target for real logits and one for fake logits",
            aliases=("mse", "least-squares"),
            paper="Mao et al. 2017, arXiv:1611.04076",
            expected_failures={"shapes": BY_SAMPLE},
        ),
        Component(
            kind="loss",
            name="hinge",
            target="ganzoo_losses.hinge:Hinge",
            summary="hinge loss with margin 1 on both sides",
            paper="Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957",
            expected_failures={"shapes": BY_SAMPLE},
        ),
        Component(
            kind="loss",
            name="margin-hinge",
            target="ganzoo_losses.margin_hinge:MarginHinge",
            summary="hinge loss with separate margins for real and fake",
            paper="after Lim & Ye 2017, arXiv:1705.02894",
            expected_failures={"shapes": BY_SAMPLE},
        ),
        Component(
            kind="loss",
            name="relativistic",
            target="ganzoo_losses.relativistic:Relativistic",
            summary="which sample of a real and a fake one is real: logits compared pair by pair",
            aliases=("rpgan", "rsgan"),
            tags=frozenset({"generator_needs_real", "paired"}),
            paper="Jolicoeur-Martineau 2018, arXiv:1807.00734; Huang et al. 2024, arXiv:2501.05441",
            expected_failures={"shapes": BY_SAMPLE},
        ),
        Component(
            kind="loss",
            name="relativistic-average",
            target="ganzoo_losses.relativistic_average:RelativisticAverage",
            summary="each logit compared with the mean logit of the other side",
            aliases=("ragan",),
            tags=frozenset({"generator_needs_real", "batch_nonlinear"}),
            paper="Jolicoeur-Martineau 2018, arXiv:1807.00734",
            expected_failures={
                "gradcheck": "with detach_means no gradient flows through the means, as in ESRGAN's code",
                "double-backward": "likewise",
                "shapes": BY_SAMPLE,
            },
        ),
        Component(
            kind="loss",
            name="top-k",
            target="ganzoo_losses.top_k:TopK",
            summary="another loss whose generator learns from the fakes that D takes for most real",
            tags=frozenset({"batch_nonlinear"}),
            paper="Sinha et al. 2020, arXiv:2002.06224",
            expected_failures={"tag-batch-nonlinear": "at first G learns from all fakes; only later from a share"},
        ),
        Component(
            kind="loss",
            name="f-gan",
            target="ganzoo_losses.f_gan:FGan",
            summary="a bound on one of six f-divergences",
            aliases=("fgan",),
            paper="Nowozin et al. 2016, arXiv:1606.00709",
            expected_failures={
                "tag-needs-energy": "some bounds are linear in real logits, as in the paper",
                "shapes": BY_SAMPLE,
            },
        ),
        Component(
            kind="loss",
            name="ebgan",
            target="ganzoo_losses.ebgan:Ebgan",
            summary="energies of an autoencoder; those of fakes are raised up to a margin",
            tags=frozenset({"needs_energy"}),
            suggests={"discriminator.name": "autoencoder", "discriminator.distance": "l2"},
            paper="Zhao et al. 2016, arXiv:1609.03126",
        ),
        Component(
            kind="loss",
            name="began",
            target="ganzoo_losses.began:Began",
            summary="reconstruction errors of an autoencoder, balanced at a given ratio",
            tags=frozenset({"needs_energy"}),
            suggests=BEGAN_SETTING,
            paper="Berthelot et al. 2017, arXiv:1703.10717",
        ),
    ]
