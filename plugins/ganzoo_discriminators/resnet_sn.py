"""SNGAN's residual discriminator."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.resnet_trunk import ResnetTrunk, ResnetTrunkOptions, sum_pooled
from ganzoo_discriminators.spectral_layers import glorot_linear

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec


class ResnetSn(ResnetTrunkOptions):
    """Residual blocks with spectral norm, one logit from the sum over all positions; optional self-attention.

    Formula:
        x (N, C, H, W) → residual blocks φ → h = Σ_{H,W} relu(φ(x)) → logit = w·h + b (N,)
        below 64 px: 2 halving blocks, 2 plain ones, all of width ndf
        64 px: 5 halving blocks of 1, 2, 4, 8, 16 times ndf;  128 px: one plain block more
        256 px: 6 halving blocks of 1, 2, 4, 8, 8, 16 times ndf, one plain block

    A block is two 3×3 convolutions and a shortcut; it halves by averaging over 2×2 pixels. Every weight is divided by
    the spectral norm of its (out, rest) matrix; there is no other norm, so samples are judged independently. Pooling is
    a *sum*. The shorter side selects the layout; H and W may differ, and an odd row or column is left out of the
    average. ``attention`` puts SAGAN's block, spectrally normalized, on the first feature map of that side: 16 or 8 for
    32 px; 32, 16, 8, 4 or 2 for 64 px. Weights start from Glorot's uniform distribution, those of 3×3 convolutions
    times √2; biases start at zero. Features are the activations after each block, attention included. At 32×32×3 and
    ndf 128: 1,053,825 parameters.

    Where implementations differ: the authors' 32 px network leaves b out, their larger ones have it. Many others
    average where this network sums. A ReLU that works in place would change what the shortcut passes on; none here
    does.

    Raises:
        ConfigError: if the data are not images of at least 4 px per side, or no feature map has the side that
            ``attention`` asks for; the error names the sides that exist.

    Source: Miyato et al. 2018, arXiv:1802.05957, appendix B.4, and the authors' code; attention: Zhang et al. 2019,
    arXiv:1805.08318.
    """

    component: ClassVar[str] = "resnet-sn"

    def build(self, spec: DataSpec) -> ResnetSnNetwork:
        """The network for images of ``spec``."""
        return ResnetSnNetwork(self.build_trunk(spec))


class ResnetSnNetwork(Discriminator):
    """The module behind :class:`ResnetSn`. One logit sees the whole image; labels are ignored."""

    def __init__(self, trunk: ResnetTrunk) -> None:
        super().__init__()
        self.trunk = trunk
        self.to_logit = glorot_linear(trunk.width, 1)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N,) and the activations of each block."""
        features = self.trunk(images)
        return DiscriminatorOutput(logits=self.to_logit(sum_pooled(features[-1])).squeeze(1), features=features)
