"""First-party discriminators."""

from __future__ import annotations

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1

DCGAN_SETTING = {
    "train.g_lr": 2e-4,
    "train.d_lr": 2e-4,
    "train.g_betas": [0.5, 0.999],
    "train.d_betas": [0.5, 0.999],
}
BATCH_NORM_TAGS = frozenset({"batch_coupled_train", "batch_nonlinear"})


@hookimpl
def ganzoo_components() -> list[Component]:
    """Announce the discriminators."""
    return [
        Component(
            kind="discriminator",
            name="dcgan",
            target="ganzoo_discriminators.dcgan:Dcgan",
            summary="strided convolutions down to one logit, BatchNorm by default",
            tags=BATCH_NORM_TAGS | {"image"},
            suggests=DCGAN_SETTING,
            paper="Radford et al. 2016, arXiv:1511.06434",
        ),
        Component(
            kind="discriminator",
            name="patchgan-sn",
            target="ganzoo_discriminators.patchgan_sn:PatchganSn",
            summary="a map of logits, one a patch, every convolution spectrally normalized",
            tags=frozenset({"image", "patch", "spectral_norm"}),
            paper="Isola et al. 2017, arXiv:1611.07004; Miyato et al. 2018, arXiv:1802.05957",
        ),
        Component(
            kind="discriminator",
            name="acgan",
            target="ganzoo_discriminators.acgan:Acgan",
            summary="dcgan with a second head that tells the class",
            tags=BATCH_NORM_TAGS | {"image", "needs_labels", "provides_class_logits"},
            suggests={"regularizers.auxiliary-classifier.weight": 1.0, **DCGAN_SETTING},
            paper="Odena et al. 2017, arXiv:1610.09585",
        ),
    ]
