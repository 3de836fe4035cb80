"""The PatchGAN discriminator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ganzoo_discriminators.norm import NORM_TAGS
from ganzoo_discriminators.patch_network import PatchNetwork, PatchOptions

if TYPE_CHECKING:
    from ganzoo.protocols import DataSpec


class Patchgan(PatchOptions):
    """A map of logits, each judging one patch of the image; BatchNorm by default.

    Formula:
        x (N, C, H, W) → 4×4 conv, stride 2 → LeakyReLU 0.2 → [4×4 conv, stride 2 → norm → LeakyReLU 0.2]ⁿ⁻¹
        → 4×4 conv, stride 1 → norm → LeakyReLU 0.2 → 4×4 conv, stride 1 → logits (N, 1, h, w)
        n = n_layers, padding 1;  widths: ndf, 2·ndf, 4·ndf, then 8·ndf, and 1 for the logits

    One logit sees 16, 34, 70, 142, 286 pixels per side for n_layers 1, 2, 3, 4, 5. At 128×128, n_layers 3 gives 14×14
    logits, 4 gives 6×6, 5 gives 2×2. H and W may differ. This receptive field is that of the convolutions: the
    statistics of BatchNorm in training, and of instance norm always, come from the whole map. Instance norm has no
    parameters; weight norm has one for each output of each convolution. Convolutions have a bias, except where
    BatchNorm follows. Weights start from N(0, 0.02²), BatchNorm's from N(1, 0.02²). Features are the activations after
    each block. At 3 channels, ndf 64, n_layers 3: 2,765,633 parameters with BatchNorm, 2,765,698 with weight norm,
    2,764,737 otherwise.

    Signals (N, C, T) are judged by convolutions, norms and dropout of one dimension, volumes and videos (N, C, D, H, W)
    by those of three; a map has as many axes as the data. ``stride`` replaces the 2 of the first n convolutions along
    all axes, or along each: with 1 along an axis, that axis gets shorter by n + 2 in all, and a logit sees 3·n + 7 of
    it. Parameters in one dimension, at 1 channel, ndf 64, n_layers 3: 692,289 with BatchNorm; in three: 11,048,769.

    Where implementations differ: the original judges pairs of images, input and output, as 6 channels; here D sees the
    channels of the data. pix2pixHD pads by 2, which gives larger maps. The authors' Lua code keeps a bias before
    BatchNorm. Video tokenizers (Open-MAGVIT2, Open-Sora) have kernels of 3, and stride 1 in time from the second
    convolution on.

    Raises:
        ConfigError: if the data are vectors, or too small for ``n_layers``: the error says what fits. If
            there are strides for more axes or fewer.

    Source: Isola et al. 2017, arXiv:1611.07004, section 3.2.2 and appendix 6.1.2.
    """

    norm: Literal["batch", "instance", "weight", "none"] = Field(
        default="batch",
        description="norm after every convolution except the first and the last; weight norm is on every convolution",
    )

    def tags(self) -> frozenset[str]:
        """Those of every patch discriminator and of the norm."""
        return super().tags() | NORM_TAGS[self.norm]

    def build(self, spec: DataSpec) -> PatchganNetwork:
        """The network for data of ``spec``."""
        return PatchganNetwork(**self.sizes(spec), norm=self.norm)


class PatchganNetwork(PatchNetwork):
    """The module behind :class:`Patchgan`."""
