"""The PatchGAN discriminator with spectral norm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ganzoo_discriminators.patch_network import PatchNetwork, PatchOptions

if TYPE_CHECKING:
    from ganzoo.protocols import DataSpec


class PatchganSn(PatchOptions):
    """A map of logits, each judging one patch of the image; spectral norm on every convolution.

    Formula:
        x (N, C, H, W) → [4×4 conv, stride 2 → LeakyReLU 0.2]ⁿ → 4×4 conv, stride 1 → LeakyReLU 0.2
        → 4×4 conv, stride 1 → logits (N, 1, h, w),  n = n_layers, padding 1, W/σ(W) for each weight W
        widths: ndf, 2·ndf, 4·ndf, then 8·ndf, and 1 for the logits

    One logit sees 16, 34, 70, 142, 286 pixels per side for n_layers 1, 2, 3, 4, 5. At 128×128, n_layers 3 gives 14×14
    logits, 4 gives 6×6, 5 gives 2×2. H and W may differ. σ(W) is the spectral norm of the weight reshaped to (out,
    rest); the convolution's operator norm can be larger. Every convolution has a bias and none has BatchNorm, so
    samples are judged independently. ``dropout`` drops whole channels after each activation. Weights start from N(0,
    0.02²). Features are the activations after each block. At 3 channels, ndf 64, n_layers 3: 2,764,737 parameters.

    Signals (N, C, T) are judged by convolutions, norms and dropout of one dimension, volumes and videos (N, C, D, H, W)
    by those of three; a map has as many axes as the data. ``stride`` replaces the 2 of the first n convolutions along
    all axes, or along each: with 1 along an axis, that axis gets shorter by n + 2 in all, and a logit sees 3·n + 7 of
    it. Parameters in one dimension, at 1 channel, ndf 64, n_layers 3: 691,393; in three: 11,047,873.

    Where implementations differ: the original, ``patchgan``, has BatchNorm from the second convolution on, and no
    spectral norm. torch iterates a spectral norm at every forward in training mode, ganzoo once per update
    (``train.spectral_norm``).

    Raises:
        ConfigError: if the data are vectors, or too small for ``n_layers``: the error says what fits. If
            there are strides for more axes or fewer.

    Source: Isola et al. 2017, arXiv:1611.07004, section 3.2.2 and appendix 6.1.2; spectral norm: Miyato et al. 2018,
    arXiv:1802.05957.
    """

    dropout: float = Field(default=0.0, ge=0, lt=1, description="probability of dropping a channel in training")

    def tags(self) -> frozenset[str]:
        """The same for all options."""
        return super().tags() | {"spectral_norm"}

    def build(self, spec: DataSpec) -> PatchganSnNetwork:
        """The network for data of ``spec``."""
        return PatchganSnNetwork(**self.sizes(spec), norm="spectral", dropout=self.dropout)


class PatchganSnNetwork(PatchNetwork):
    """The module behind :class:`PatchganSn`."""
