"""The multi-scale discriminator of complex Fourier transforms."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

from ganzoo_blocks.signal_shape import signal_shape
from pydantic import Field

from ganzoo.component import Options
from ganzoo_discriminators.norm import NORM_TAGS, SignalNorm
from ganzoo_discriminators.spectrogram import Resolution, demand_length, planes, quartered, spectrum
from ganzoo_discriminators.sub_critic import SHOWN, Judgement, Shown, SignalNetwork, SubCritic, convolution_of

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

KERNELS = ((3, 9), (3, 9), (3, 9), (3, 9), (3, 3))
STRIDES = ((1, 1), (1, 2), (1, 2), (1, 2), (1, 1))
DILATIONS = ((1, 1), (1, 1), (2, 1), (4, 1), (1, 1))
LAST_KERNEL = (3, 3)


class StftComplex(Options):
    """Critics of a signal's complex Fourier transforms: the multi-scale STFT discriminator of EnCodec (MS-STFT).

    Formula:
        x (N, C, T) → STFT, hop n_fft/4, periodic Hann window w, divided by √Σw² → real and imaginary parts as channels,
        (N, 2·C, frames, n_fft/2 + 1) → 3×9 conv → LeakyReLU → [3×9 conv, stride 1×2, dilation d×1 → LeakyReLU], d = 1,
        2, 4 → 3×3 conv → LeakyReLU → 3×3 conv → logits (N, 1, L), for each n_fft;  widths ndf, and 1 for the logits

    Kernels of 3 and dilations go along time, those of 9 and the stride along frequency. Ends are not mirrored, so a
    signal must be at least n_fft long, and what does not fill a last window is not seen. One logit sees 21 frames:
    6,143 numbers with n_fft 1,024, since w begins with 0, over all frequencies that its map has there. ``logits`` are
    those of the first n_fft, ``extra_logits`` those of the others; the adversarial loss is the sum over all.
    Convolutions are padded, have a bias and torch's own initialization. The first one has no norm, as in the code,
    where none is passed to it. At 1 channel and the defaults: 472,330 parameters, 94,466 for each n_fft.

    Transforms are computed in float32 at least. ``features`` are grouped by critic: five activations, without the
    logits (hidden), as in EnCodec; all has the logits too, later has them in the place of the first activation.

    Where implementations differ: EnCodec's repository has n_fft 1,024, 2,048, 512 and the slope 0.2; audiocraft, which
    trains it, adds 256 and 128, has the slope 0.3, and can judge the channels of stereo as samples of their own.

    Raises:
        ConfigError: if the data are not signals, or shorter than an n_fft.

    Source: Défossez et al. 2022, arXiv:2210.13438, section 3.4; code: facebookresearch/encodec and audiocraft.
    """

    n_ffts: tuple[Annotated[int, Field(ge=4, le=2**16)], ...] = Field(
        default=(1024, 2048, 512, 256, 128), min_length=1, max_length=8, description="length of each window"
    )
    ndf: int = Field(default=32, ge=1, le=65_536, description="width of all convolutions")
    norm: SignalNorm = Field(default="weight", description="norm on the weight of all convolutions but the first")
    slope: float = Field(default=0.2, ge=0, lt=1, description="slope of LeakyReLU below zero")
    features: Shown = Field(default="hidden", description=SHOWN)

    def tags(self) -> frozenset[str]:
        """A map of logits for each n_fft."""
        several = frozenset({"multiple_outputs"} if len(self.n_ffts) > 1 else ())
        return frozenset({"patch", "provides_features", "signal"}) | NORM_TAGS[self.norm] | several

    def build(self, spec: DataSpec) -> SignalNetwork:
        """The network for data of ``spec``."""
        channels, length = signal_shape(spec, of="stft-complex")
        shortest, because = demand_length(length, quartered(self.n_ffts), "none")
        signal_shape(spec, of="stft-complex", shortest=shortest, because=because)
        return SignalNetwork(self._critic(channels, resolution) for resolution in quartered(self.n_ffts))

    def _critic(self, channels: int, resolution: Resolution) -> ComplexCritic:
        widths = [2 * channels, *[self.ndf] * len(KERNELS)]
        norms: list[SignalNorm] = ["none", *[self.norm] * (len(KERNELS) - 1)]
        layers = [
            convolution_of(before, after, kernel, stride=step, dilation=gap, norm=norm)
            for (before, after), kernel, step, gap, norm in zip(
                pairwise(widths), KERNELS, STRIDES, DILATIONS, norms, strict=True
            )
        ]
        to_logits = convolution_of(self.ndf, 1, LAST_KERNEL, norm=self.norm)
        stack = SubCritic(layers, to_logits, slope=self.slope, shown=self.features)
        return ComplexCritic(stack, resolution=resolution)


class ComplexCritic(SubCritic):
    """A stack of convolutions on real and imaginary parts."""

    def __init__(self, stack: SubCritic, *, resolution: Resolution) -> None:
        super().__init__(stack.layers, stack.to_logits, slope=stack.slope, shown=stack.shown)
        self.resolution = resolution

    def forward(self, view: Tensor) -> Judgement:
        """What it says of a signal (N, C, T)."""
        found = spectrum(view, self.resolution, window="hann", padding="none", normalized=True)
        return super().forward(planes(found).to(view.dtype))

    def receptive_field(self) -> int:
        """How many numbers of the signal one logit sees."""
        _, hop, width = self.resolution
        return (self.seen_along() - 1) * hop + width - 1  # a Hann window begins with 0
