"""PatchGAN discriminators on an image pyramid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import torch.nn.functional as F
from ganzoo_blocks.image_shape import image_shape
from pydantic import Field
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.norm import NORM_TAGS, Norm
from ganzoo_discriminators.patch_geometry import (
    POOL_KERNEL,
    POOL_PADDING,
    POOL_STRIDE,
    largest_n_layers,
    largest_n_scales,
    pyramid_side,
)
from ganzoo_discriminators.patch_network import USUAL_DEPTH, PatchNetwork, PatchOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from ganzoo.protocols import DataSpec

USUAL_SCALES = 3


class MultiscalePatchgan(PatchOptions):
    """Several PatchGANs, each with its own weights, on the image and on halved copies of it.

    Formula:
        x₀ = x,  x_{k+1} = 3×3 average pooling of x_k, stride 2, padding 1, over the pixels inside the image
        logits = D₀(x₀),  extra_logits = D₁(x₁), …, D_{s−1}(x_{s−1}),  s = n_scales

    Each D_k is a ``patchgan`` of the same width, depth and norm; with norm spectral it is a ``patchgan-sn``. The
    adversarial loss is the sum of the losses of all scales, each a mean over its map; ``logits``, statistics and the
    receptive field are those of D₀, the finest scale. One of its logits sees 16, 34, 70, … pixels, as in ``patchgan``;
    where a logit of one scale sees f pixels of the image, a logit of the next sees 2·f + 1.

    By default there are 3 scales, or as many as fit, with the largest depth up to 3 that leaves room for them: 1 from
    21 px on, 2 from 45, 3 from 93. Features are those of all scales, finest first. At 3 channels, ndf 64, n_layers 3
    and 3 scales: 3 × 2,764,737 parameters.

    Where implementations differ: pix2pixHD pads its convolutions by 2, here it is 1 as in ``patchgan``; it stores the
    coarsest scale first. SPADE's discriminator has 2 scales, and spectral and instance norm together.

    Raises:
        ConfigError: if the data are not images, or a scale has no room for ``n_layers``; the error names what fits.

    Source: Wang et al. 2018, arXiv:1711.11585, section 3.2; patches: Isola et al. 2017, arXiv:1611.07004.
    """

    n_scales: int | None = Field(
        default=None,
        ge=1,
        description="number of images in the pyramid; by default 3, or as many as have room for n_layers",
    )
    norm: Norm = Field(
        default="instance",
        description="batch and instance norm skip the first and last convolution, spectral applies to all",
    )

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the default width, depth and number of scales for the image size (its shorter side)."""
        resolved = super().resolve(spec)
        _, height, width = image_shape(spec, of=f"discriminator {self.name()}")
        assert resolved.n_layers is not None
        fitting = max(largest_n_scales(min(height, width), resolved.n_layers), 1)
        return resolved.model_copy(update={"n_scales": self.n_scales or min(USUAL_SCALES, fitting)})

    def tags(self) -> frozenset[str]:
        """Those of every patch discriminator and of the norm, and ``multiple_outputs`` unless there is one scale."""
        several = frozenset() if self.n_scales == 1 else frozenset({"multiple_outputs"})
        return super().tags() | NORM_TAGS[self.norm] | several

    def build(self, spec: DataSpec) -> MultiscalePatchganNetwork:
        """The network for images of ``spec``."""
        _, height, width = image_shape(spec, of=f"discriminator {self.name()}")
        chosen = self.resolve(spec)
        assert chosen.n_layers is not None
        assert chosen.n_scales is not None
        sizes = chosen.sizes(spec)
        check_scales(min(height, width), chosen.n_layers, chosen.n_scales)
        return MultiscalePatchganNetwork(chosen.n_scales, sizes=sizes, norm=self.norm)

    def usual_n_layers(self, side: int) -> int:
        """The default depth for images of ``side`` pixels; it leaves room for all scales."""
        coarsest = pyramid_side(side, (self.n_scales or USUAL_SCALES) - 1)
        return min(USUAL_DEPTH, max(largest_n_layers(coarsest), 1))


def check_scales(side: int, n_layers: int, n_scales: int) -> None:
    """Refuse scales that have no room for a logit."""
    most = largest_n_scales(side, n_layers)
    if n_scales <= most:
        return
    raise ConfigError(
        f"discriminator multiscale-patchgan leaves no logit on scale {most + 1} of the pyramid, which is "
        f"{pyramid_side(side, most)} px high or wide",
        given=f"n_scales {n_scales} with n_layers {n_layers} on images of {side} px",
        allowed=f"n_scales up to {most}, or fewer n_layers",
        hint=f"--set discriminator.n_scales={most}",
    )


class MultiscalePatchganNetwork(Discriminator):
    """The module behind :class:`MultiscalePatchgan`: the finest scale first. Labels are ignored."""

    def __init__(self, n_scales: int, *, sizes: Mapping[str, int], norm: Norm) -> None:
        super().__init__()
        self.scales = nn.ModuleList(PatchNetwork(**sizes, norm=norm) for _ in range(n_scales))

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N, 1, h, w) of the finest scale, those of the others, and the activations of all."""
        outputs = []
        for number, scale in enumerate(self.scales):
            images = halved(images) if number else images
            outputs.append(scale(images))
        return DiscriminatorOutput(
            logits=outputs[0].logits,
            features=tuple(feature for output in outputs for feature in output.features),
            extra_logits=tuple(output.logits for output in outputs[1:]),
            feature_counts=tuple(len(output.features) for output in outputs) if len(outputs) > 1 else (),
        )

    def receptive_field(self) -> int | None:
        """Side, in pixels, of the patch one logit of the finest scale sees. It may exceed the image."""
        finest = self.scales[0]
        assert isinstance(finest, PatchNetwork)
        return finest.receptive_field()


def halved(images: Tensor) -> Tensor:
    """The next image of the pyramid; its border averages over the pixels that exist."""
    return F.avg_pool2d(images, POOL_KERNEL, POOL_STRIDE, POOL_PADDING, count_include_pad=False)
