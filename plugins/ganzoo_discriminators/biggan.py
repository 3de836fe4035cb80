"""The discriminator of BigGAN."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ganzoo_discriminators.projection import Projection, ProjectionNetwork
from ganzoo_discriminators.resnet_trunk import TrunkLayout

if TYPE_CHECKING:
    from ganzoo.protocols import DataSpec


class Biggan(Projection):
    """Residual blocks with spectral norm that judge an image together with its label; the critic of BigGAN.

    Formula:
        h = Σ_{H,W} relu(φ(x));  logit (N,) = w·h + b + ⟨v_y, h⟩
        φ below 64 px: 2 halving blocks, 2 plain ones, all of width 4·ndf
        64 px: 4 halving blocks of 1, 2, 4, 8 times ndf, one plain block of 16;  128 px: 1, 2, 4, 8, 16, and 16
        256 px: 1, 2, 4, 8, 8, 16, and 16

    Blocks are those of ``projection``, but their first convolution is as wide as their second, and all weights start
    orthogonal, biases at zero; SAGAN's self-attention starts from Glorot's uniform distribution. v_y is a learned
    vector for each class y. Every weight, the table of all v among them, is divided by its spectral norm. Pooling is a
    *sum*. The shorter side selects the layout; H and W may differ. ``attention`` 64 is the paper's, for images of
    128 px or more. Features are the activations after each block. At 128×128×3 with ndf 96, 1,000 classes and attention
    64: 87,982,370 parameters, as BigGAN-PyTorch prints.

    Where implementations differ: BigGAN-deep is another network. The authors' own code was not published beyond its
    trained generators; layouts here are those of the paper's tables and of BigGAN-PyTorch, which has 4·64 channels at
    32 px. Its spectral norm is iterated at every forward, here once per update (``train.spectral_norm``).

    Raises:
        ConfigError: if the data have no classes, the labels are missing, the images have fewer than 4 px per side, or
            no feature map has the side that ``attention`` asks for.

    Source: Brock et al. 2019, arXiv:1809.11096, appendix B, figure 15 and tables 4 to 6; BigGAN-PyTorch, by one of its
    authors; the head: Miyato & Koyama 2018, arXiv:1802.05637.
    """

    component: ClassVar[str] = "biggan"
    layouts: ClassVar[tuple[TrunkLayout, ...]] = (
        TrunkLayout(side=256, ndf=96, halving=(1, 2, 4, 8, 8, 16), plain=(16,)),
        TrunkLayout(side=128, ndf=96, halving=(1, 2, 4, 8, 16), plain=(16,)),
        TrunkLayout(side=64, ndf=64, halving=(1, 2, 4, 8), plain=(16,)),
        TrunkLayout(side=4, ndf=64, halving=(4, 4), plain=(4, 4)),
    )
    wide: ClassVar[bool] = True

    ndf: int | None = Field(
        default=None,
        ge=1,
        le=65_536,
        description="unit of all widths; by default 64 below 128 px, else 96 (the paper's)",
    )

    def build(self, spec: DataSpec) -> ProjectionNetwork:
        """The network for images and classes of ``spec``."""
        classes = self.class_count(spec)
        return ProjectionNetwork(self.build_trunk(spec), classes=classes, name=self.component, orthogonal=True)
