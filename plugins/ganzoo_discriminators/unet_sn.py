"""The U-Net of Real-ESRGAN: one logit per pixel, with spectral norm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo_blocks.image_shape import image_shape
from pydantic import Field
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminator, DiscriminatorOutput

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

HALVINGS = 3
MULTIPLE = 2**HALVINGS
SLOPE = 0.2
FIELD = 64
"""Side of what a logit sees: of those whose row is 0 or 7 (mod 8); the others see 56."""


class UnetSn(Options):
    """A map of logits, one per pixel: an encoder that halves three times, and a decoder that adds the encoder's maps.

    Formula:
        e₀ = a(3×3 conv(x)) (N, ndf, H, W);  e_i = a(4×4 conv, stride 2 (e_{i−1})), i = 1, 2, 3: 2·ndf, 4·ndf, 8·ndf
        d₂ = a(3×3 conv(↑e₃)) + e₂;  d₁ = a(3×3 conv(↑d₂)) + e₁;  d₀ = a(3×3 conv(↑d₁)) + e₀
        logits (N, 1, H, W) = 3×3 conv(a(3×3 conv(a(3×3 conv(d₀)))));  a = LeakyReLU 0.2, ↑ bilinear doubling

    H and W are multiples of 8 and may differ. Every weight is divided by the spectral norm of its (out, rest) matrix,
    except those of the first and the last convolution, which are also the only ones with a bias; there is no other
    norm, so samples are judged independently. A logit sees at most 64×64 pixels. Weights start as torch's convolutions
    do. Features are e₀ to e₃, d₂ to d₀, and both activations after them. Labels are ignored. At 3 channels and ndf 64:
    4,376,897 parameters.

    Where implementations differ: ``unet`` is another network, that of Schönfeld et al.: it has a logit for the whole
    image besides, concatenates maps and is residual. BasicSR can leave out the additions (``skip_connection``); here
    they are always there. torch iterates a spectral norm at every forward in training mode, ganzoo once per update
    (``train.spectral_norm``).

    Raises:
        ConfigError: if the data are not images whose sides are multiples of 8.

    Source: Wang et al. 2021, arXiv:2107.10833, section 3.4 and figure 6, and the authors' code (BasicSR).
    """

    ndf: int = Field(default=64, ge=1, le=4_096, description="width of the first convolution")

    def tags(self) -> frozenset[str]:
        """The same for all options."""
        return frozenset({"image", "patch", "provides_features", "spectral_norm"})

    def build(self, spec: DataSpec) -> UnetSnNetwork:
        """The network for images of ``spec``."""
        channels, height, width = image_shape(spec, of="discriminator unet-sn")
        if height % MULTIPLE or width % MULTIPLE:
            raise ConfigError(
                "discriminator unet-sn halves images three times and doubles them again; these sides do not fit",
                given=f"images of {height}×{width}",
                allowed=f"sides that are multiples of {MULTIPLE}: 8, 16, 24, 32, …",
                hint=f"--image-size {max(MULTIPLE, min(height, width) // MULTIPLE * MULTIPLE)}",
            )
        return UnetSnNetwork(channels, self.ndf)


class UnetSnNetwork(Discriminator):
    """The module behind :class:`UnetSn`."""

    def __init__(self, channels: int, ndf: int) -> None:
        super().__init__()
        widths = [ndf * 2**number for number in range(HALVINGS + 1)]
        self.from_image = nn.Conv2d(channels, ndf, 3, padding=1)
        self.down = nn.ModuleList(_convolution(width, 2 * width, kernel=4, stride=2) for width in widths[:-1])
        self.up = nn.ModuleList(_convolution(2 * width, width) for width in reversed(widths[:-1]))
        self.last = nn.ModuleList(_convolution(ndf, ndf) for _ in range(2))
        self.to_logits = nn.Conv2d(ndf, 1, 3, padding=1)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N, 1, H, W), and the activations of every layer before them."""
        encoded = [F.leaky_relu(self.from_image(images), SLOPE)]
        for layer in self.down:
            encoded.append(F.leaky_relu(layer(encoded[-1]), SLOPE))
        later = [encoded[-1]]
        for layer, beside in zip(self.up, reversed(encoded[:-1]), strict=True):
            doubled = F.interpolate(later[-1], scale_factor=2.0, mode="bilinear", align_corners=False)
            later.append(F.leaky_relu(layer(doubled), SLOPE) + beside)
        for layer in self.last:
            later.append(F.leaky_relu(layer(later[-1]), SLOPE))
        return DiscriminatorOutput(logits=self.to_logits(later[-1]), features=(*encoded, *later[1:]))

    def receptive_field(self) -> int:
        """64 pixels a side."""
        return FIELD


def _convolution(before: int, after: int, *, kernel: int = 3, stride: int = 1) -> nn.Module:
    return spectral_norm(nn.Conv2d(before, after, kernel, stride, padding=1, bias=False))
