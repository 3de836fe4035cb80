"""The multi-scale discriminator of signals."""

from __future__ import annotations

from itertools import pairwise
from math import gcd
from typing import TYPE_CHECKING, Literal

import torch.nn.functional as F
from ganzoo_blocks.signal_shape import signal_shape
from pydantic import Field

from ganzoo.component import Options
from ganzoo_discriminators.norm import NORM_TAGS, SignalNorm
from ganzoo_discriminators.sub_critic import SHOWN, Shown, SignalNetwork, SubCritic, convolution_of, together

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec, DiscriminatorOutput

WIDTHS = (1, 1, 2, 4, 8, 8, 8)
KERNELS = (15, 41, 41, 41, 41, 41, 5)
STRIDES = (1, 2, 2, 4, 4, 1, 1)
GROUPS = (1, 4, 16, 16, 16, 16, 1)
LAST_KERNEL = 3


class Scale(Options):
    """Critics of a signal and of averages of it, half and a quarter as long: the multi-scale discriminator (MSD).

    Formula:
        x₀ = x (N, C, T),  x_{k+1} = average pooling of x_k, kernel 4, stride 2, padding 2 with zeros that count
        x_k → seven convs → LeakyReLU after each → conv 3 → logits (N, 1, L) of scale k
        kernels 15, 41, 41, 41, 41, 41, 5;  strides 1, 2, 2, 4, 4, 1, 1;  groups 1, 4, 16, 16, 16, 16, 1
        widths: ndf, ndf, 2·ndf, 4·ndf, 8·ndf, 8·ndf, 8·ndf, and 1 for the logits

    One logit of the first scale sees 3,879 numbers. ``logits`` are those of the first scale, ``extra_logits`` those of
    the others; the adversarial loss is the sum over all. A convolution has as many groups as its input's width allows:
    the largest common divisor with the published number. Convolutions are padded, have a bias and torch's own
    initialization. At 1 channel and the defaults: 29,618,821 parameters, 9,870,209 of which are the first critic's.

    With ``norm`` spectral-first, the first critic has spectral norm and the others weight norm, as in HiFi-GAN.
    ``features`` are grouped by critic: all seven activations and the logits, as in HiFi-GAN, hidden without the logits,
    later without the first activation.

    Where implementations differ: MelGAN's, the first of its kind, has widths 16, 64, 256, 1,024 with strides of 4, and
    weight norm alone, and DAC's the same. In audiocraft's code what the averaging returns is dropped, so that all
    scales hear the full rate.

    Raises:
        ConfigError: if the data are not signals.

    Source: Kong et al. 2020, arXiv:2010.05646, section 2.3, after Kumar et al. 2019, arXiv:1910.06711; code:
        jik876/hifi-gan.
    """

    n_scales: int = Field(default=3, ge=1, le=8, description="number of critics, each on a signal half as long")
    ndf: int = Field(default=128, ge=1, le=65_536, description="width of the first convolution")
    norm: Literal["spectral-first", "weight", "spectral", "none"] = Field(
        default="spectral-first", description="norm on the weights; spectral-first has weight norm from the second on"
    )
    slope: float = Field(default=0.1, ge=0, lt=1, description="slope of LeakyReLU below zero")
    features: Shown = Field(default="all", description=SHOWN)

    def tags(self) -> frozenset[str]:
        """A map of logits for each scale."""
        several = frozenset({"multiple_outputs"} if self.n_scales > 1 else ())
        return frozenset({"patch", "provides_features", "signal"}) | NORM_TAGS[self._norm(0)] | several

    def build(self, spec: DataSpec) -> ScaleNetwork:
        """The network for data of ``spec``."""
        channels, _ = signal_shape(spec, of="scale")
        return ScaleNetwork(self._critic(channels, self._norm(number)) for number in range(self.n_scales))

    def _norm(self, number: int) -> SignalNorm:
        if self.norm == "spectral-first":
            return "weight" if number else "spectral"
        return self.norm

    def _critic(self, channels: int, norm: SignalNorm) -> ScaleCritic:
        widths = [channels, *(self.ndf * factor for factor in WIDTHS)]
        layers = [
            convolution_of(before, after, (kernel,), stride=(step,), groups=gcd(before, groups), norm=norm)
            for (before, after), kernel, step, groups in zip(pairwise(widths), KERNELS, STRIDES, GROUPS, strict=True)
        ]
        to_logits = convolution_of(widths[-1], 1, (LAST_KERNEL,), norm=norm)
        return ScaleCritic(layers, to_logits, slope=self.slope, shown=self.features)


class ScaleCritic(SubCritic):
    """A stack of convolutions on a signal as it is."""

    def receptive_field(self) -> int:
        """How many numbers one logit sees."""
        return self.seen_along()


class ScaleNetwork(SignalNetwork):
    """The module behind :class:`Scale`."""

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N, 1, L) of the signal, those of its averages, and the features of all."""
        said = []
        for number, critic in enumerate(self.critics):
            images = F.avg_pool1d(images, 4, 2, 2) if number else images
            said.append(critic(images))
        return together(said)
