"""The DCGAN discriminator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.dcgan_trunk import DcganTrunk, DcganTrunkOptions

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec


class Dcgan(DcganTrunkOptions):
    """Strided convolutions that halve the image until 4 to 7 pixels per side remain, then one logit.

    Formula:
        x (N, C, S, S) → [4×4 conv, stride 2 → norm → LeakyReLU 0.2]ⁿ → b×b conv → logit (N,),  S = b·2ⁿ
        widths: ndf, 2·ndf, 4·ndf, then 8·ndf;  b ∈ {4, 5, 6, 7}, n ≥ 1

    Images are square, with S = 8, 10, 12, …, 28, 32, …, 256: they are halved while the side is even and at least 8.
    ``norm`` batch and instance skip the first convolution and leave out all convolution biases; spectral norm applies
    to every convolution, and with it, as with ``norm`` none, convolutions have a bias. Instance norm has no parameters.
    Weights start from N(0, 0.02²), BatchNorm's from N(1, 0.02²). Features are the activations after each block.

    ``minibatch`` shows the last convolution how alike the samples of a batch are, in evaluation too, so real and fake
    samples go through in separate passes. stddev appends a constant channel: samples are in groups of M = min(4, N), i
    in group i mod N/M; per channel and pixel √(variance in the group + 1e-8) is taken, and the mean of these fills the
    channel. More than 4 samples must be a multiple of 4: smaller groups would silently be a different statistic.
    discrimination appends, with M = h·T (100×5), o_b(i) = Σ_{j≠i} exp(−‖M_{i,b} − M_{j,b}‖₁) + c_b to the flattened h.
    T has spectral norm where the other layers have it.

    At 64×64×3 with width 64: 2,765,568 parameters. With BatchNorm a sample's logit depends on its batch, which
    per-sample gradient penalties do not account for.

    Where implementations differ: above 64 px, some continue doubling to 16·ndf and beyond; here 8·ndf is the widest.
    The paper on minibatch discrimination also sums over j = i, a constant 1; its authors' code does not.

    Raises:
        ConfigError: if the data are not square images with a side b·2ⁿ as above, or a batch does not fit ``minibatch``
            stddev.

    Source: Radford et al. 2016, arXiv:1511.06434; spectral norm: Miyato et al. 2018, arXiv:1802.05957; stddev: Karras
    et al. 2018, arXiv:1710.10196, section 3; discrimination: Salimans et al. 2016, arXiv:1606.03498, section 3.2.
    """

    def build(self, spec: DataSpec) -> DcganNetwork:
        """The network for images of ``spec``."""
        return DcganNetwork(self.build_trunk(spec))


class DcganNetwork(Discriminator):
    """The module behind :class:`Dcgan`. One logit sees the whole image; labels are ignored."""

    def __init__(self, trunk: DcganTrunk) -> None:
        super().__init__()
        self.trunk = trunk
        self.to_logit = trunk.logit_head()

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N,) and the activations of each block."""
        features = self.trunk(images)
        return DiscriminatorOutput(logits=self.to_logit(features[-1]).reshape(len(images)), features=features)
