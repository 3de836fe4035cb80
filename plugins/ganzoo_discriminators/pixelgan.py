"""The PixelGAN discriminator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ganzoo_blocks.image_shape import image_shape
from pydantic import Field
from torch import nn

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.convolution import block, convolution
from ganzoo_discriminators.norm import NORM_TAGS

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec


class Pixelgan(Options):
    """One logit per pixel, from the color of that pixel alone: 1×1 convolutions.

    Formula:
        x (N, C, H, W) → 1×1 conv → LeakyReLU 0.2 → 1×1 conv → norm → LeakyReLU 0.2 → 1×1 conv → logits (N, 1, H, W)
        widths: ndf, 2·ndf, and 1 for the logits

    The receptive field is one pixel, so all that this discriminator can teach is the distribution of colors: a baseline
    that shows what larger patches add. The statistics of BatchNorm in training, and of instance norm always, come from
    all pixels; instance norm has no parameters. Convolutions have a bias, except where BatchNorm follows. Weights start
    from N(0, 0.02²), BatchNorm's from N(1, 0.02²). Features are the activations of the two hidden layers. At 3 channels
    and ndf 64: 8,833 parameters with BatchNorm, 8,705 otherwise.

    Where implementations differ: with BatchNorm, the authors' PyTorch code leaves out the bias of the logits; their Lua
    code has it, as here; the former has 8,832 parameters.

    Raises:
        ConfigError: if the data are not images, or have a single pixel, where instance norm has nothing to compare.

    Source: Isola et al. 2017, arXiv:1611.07004, section 3.2.2 and appendix 6.1.2.
    """

    ndf: int = Field(default=64, ge=1, le=65_536, description="width of the first convolution")
    norm: Literal["batch", "instance", "none"] = Field(default="batch", description="norm after the second convolution")

    def tags(self) -> frozenset[str]:
        """Those of a patch discriminator and of the norm."""
        return NORM_TAGS[self.norm] | {"image", "patch", "provides_features"}

    def build(self, spec: DataSpec) -> PixelganNetwork:
        """The network for images of ``spec``."""
        channels, height, width = image_shape(spec, of="discriminator pixelgan")
        if self.norm == "instance" and height * width == 1:
            raise ConfigError(
                "discriminator pixelgan with instance norm compares the pixels of an image, but there is only one",
                given="images of 1×1",
                allowed="images of at least 2 pixels",
                hint="--set discriminator.norm=none, or --image-size 32",
            )
        return PixelganNetwork(channels, ndf=self.ndf, norm=self.norm)


class PixelganNetwork(Discriminator):
    """The module behind :class:`Pixelgan`. Labels are ignored."""

    def __init__(self, channels: int, *, ndf: int, norm: Literal["batch", "instance", "none"]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            [
                block(channels, ndf, kernel=1, stride=1, padding=0, bias=True, norm="none"),
                block(ndf, 2 * ndf, kernel=1, stride=1, padding=0, bias=norm != "batch", norm=norm),
            ]
        )
        self.to_logits = convolution(2 * ndf, 1, kernel=1, stride=1, padding=0, bias=True)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N, 1, H, W) and the activations of the hidden layers."""
        first = self.blocks[0](images)
        second = self.blocks[1](first)
        return DiscriminatorOutput(logits=self.to_logits(second), features=(first, second))

    def receptive_field(self) -> int:
        """One pixel."""
        return 1
