"""PatchGAN discriminators on an image pyramid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import torch.nn.functional as F
from pydantic import Field
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.norm import NORM_TAGS, Norm
from ganzoo_discriminators.patch_fit import SIZED, way_out
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
    from collections.abc import Mapping, Sequence

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

    Signals, volumes and videos are judged as by ``patchgan``, with pooling of one dimension or three. An axis along
    which ``stride`` is 1 is not halved, unless it is 1 along all of them.

    Where implementations differ: pix2pixHD pads its convolutions by 2, here it is 1 as in ``patchgan``; it stores the
    coarsest scale first. SPADE's discriminator has 2 scales, and spectral and instance norm together.

    Raises:
        ConfigError: if the data are vectors, or a scale has no room for ``n_layers``; the error names what fits. If
            there are strides for more axes or fewer.

    Source: Wang et al. 2018, arXiv:1711.11585, section 3.2; patches: Isola et al. 2017, arXiv:1611.07004.
    """

    n_scales: int | None = Field(
        default=None,
        ge=1,
        le=1_000,
        description="number of images in the pyramid; by default 3, or as many as have room for n_layers",
    )
    norm: Norm = Field(
        default="instance",
        description="batch and instance norm skip the first and last convolution, spectral and weight apply to all",
    )

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the default width, depth and number of scales for the image size (its shorter side)."""
        resolved = super().resolve(spec)
        assert resolved.n_layers is not None
        fitting = max(self._most_scales(spec, resolved.n_layers), 1)
        return resolved.model_copy(update={"n_scales": self.n_scales or min(USUAL_SCALES, fitting)})

    def tags(self) -> frozenset[str]:
        """Those of every patch discriminator and of the norm, and ``multiple_outputs`` unless there is one scale."""
        several = frozenset() if self.n_scales == 1 else frozenset({"multiple_outputs"})
        return super().tags() | NORM_TAGS[self.norm] | several

    def build(self, spec: DataSpec) -> MultiscalePatchganNetwork:
        """The network for data of ``spec``."""
        chosen = self.resolve(spec)
        assert chosen.n_layers is not None
        assert chosen.n_scales is not None
        sizes = chosen.sizes(spec)
        self._check_scales(spec, chosen.n_layers, chosen.n_scales)
        return MultiscalePatchganNetwork(chosen.n_scales, sizes=sizes, norm=self.norm)

    def usual_n_layers(self, side: int, stride: int) -> int:
        """The default depth for a side of the data and the stride along it; it leaves room for all scales."""
        halvings = (self.n_scales or USUAL_SCALES) - 1 if is_halved(stride, self.stride) else 0
        return min(USUAL_DEPTH, max(largest_n_layers(pyramid_side(side, halvings), stride), 1))

    def _axes_halved(self, spec: DataSpec) -> list[tuple[int, int]]:
        """Side and stride of each axis that the pyramid halves."""
        axes = zip(spec.shape[1:], self.strides(spec), strict=True)
        return [(side, stride) for side, stride in axes if is_halved(stride, self.stride)]

    def _most_scales(self, spec: DataSpec, n_layers: int) -> int:
        return min(largest_n_scales(side, n_layers, stride) for side, stride in self._axes_halved(spec))

    def _check_scales(self, spec: DataSpec, n_layers: int, n_scales: int) -> None:
        """Refuse scales that have no room for a logit."""
        most = self._most_scales(spec, n_layers)
        if n_scales <= most:
            return
        side = min(side for side, stride in self._axes_halved(spec) if largest_n_scales(side, n_layers, stride) == most)
        unit = " px" if spec.rank == 2 else ""
        data = {1: "signals", 2: "images", 3: "volumes"}[spec.rank]
        raise ConfigError(
            f"discriminator multiscale-patchgan leaves no logit on scale {most + 1} of the pyramid, which is "
            + SIZED[spec.rank].format(pyramid_side(side, most)).partition(" ")[2],
            given=f"n_scales {n_scales} with n_layers {n_layers} on {data} of {side}{unit}",
            allowed=f"n_scales up to {most}, or fewer n_layers",
            hint=way_out(spec.rank, "multiscale-patchgan", "n_scales", most),
        )


def is_halved(stride: int, strides: int | tuple[int, ...]) -> bool:
    """Whether the pyramid halves an axis: not one along which no convolution strides, unless that is so of all."""
    return stride > 1 or set(strides if isinstance(strides, tuple) else (strides,)) == {1}


class MultiscalePatchganNetwork(Discriminator):
    """The module behind :class:`MultiscalePatchgan`: the finest scale first. Labels are ignored."""

    def __init__(self, n_scales: int, *, sizes: Mapping[str, Any], norm: Norm) -> None:
        super().__init__()
        self.scales = nn.ModuleList(PatchNetwork(**sizes, norm=norm) for _ in range(n_scales))
        self.halving = tuple(is_halved(stride, sizes["stride"]) for stride in sizes["stride"])

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N, 1, …) of the finest scale, those of the others, and the activations of all."""
        outputs = []
        for number, scale in enumerate(self.scales):
            images = halved(images, self.halving) if number else images
            outputs.append(scale(images))
        return DiscriminatorOutput(
            logits=outputs[0].logits,
            features=tuple(feature for output in outputs for feature in output.features),
            extra_logits=tuple(output.logits for output in outputs[1:]),
            feature_counts=tuple(len(output.features) for output in outputs) if len(outputs) > 1 else (),
        )

    def receptive_field(self) -> int | tuple[int, ...]:
        """Side of the patch one logit of the finest scale sees, or one of each axis. It may exceed the data."""
        finest = self.scales[0]
        assert isinstance(finest, PatchNetwork)
        return finest.receptive_field()


POOLS = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def halved(images: Tensor, axes: Sequence[bool] = (True, True)) -> Tensor:
    """The next image of the pyramid, halved along these axes; its border averages over the pixels that exist."""
    kernel, stride, padding = (
        tuple(size if along else idle for along in axes)
        for size, idle in ((POOL_KERNEL, 1), (POOL_STRIDE, 1), (POOL_PADDING, 0))
    )
    smaller: Tensor = POOLS[len(axes)](images, kernel, stride, padding, count_include_pad=False)
    return smaller
