"""The multi-resolution discriminator of magnitudes."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from ganzoo_blocks.signal_shape import signal_shape
from pydantic import Field

from ganzoo.component import Options
from ganzoo_discriminators.norm import NORM_TAGS, SignalNorm
from ganzoo_discriminators.spectrogram import Resolution, Resolutions, Window, demand_length, spectrum
from ganzoo_discriminators.sub_critic import SHOWN, Judgement, Shown, SignalNetwork, SubCritic, convolution_of

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

KERNELS = ((3, 9), (3, 9), (3, 9), (3, 9), (3, 3))
STRIDES = ((1, 1), (1, 2), (1, 2), (1, 2), (1, 1))
LAST_KERNEL = (3, 3)


class Stft(Options):
    """Critics of the magnitudes of a signal's Fourier transforms: UnivNet's multi-resolution discriminator (MRD).

    Formula:
        x (N, C, T) → mirrored at both ends by ⌊(n_fft − hop)/2⌋ → |STFT| (N, C, n_fft/2 + 1, frames)
        → 3×9 conv → LeakyReLU → [3×9 conv, stride 1×2 → LeakyReLU]³ → 3×3 conv → LeakyReLU → 3×3 conv
        → logits (N, 1, L), for each (n_fft, hop, window);  widths ndf, and 1 for the logits

    Kernels of 3 go along frequency, those of 9 and the stride along time, as in the code of UnivNet and BigVGAN. The
    window is rectangular there, since none is given to ``torch.stft``; ``window`` hann leaks less. One logit sees 97
    frames: 12,120 numbers of the first resolution. ``logits`` are those of the first resolution, ``extra_logits`` those
    of the others; the adversarial loss is the sum over all. Phases are not judged. Convolutions are padded, have a bias
    and torch's own initialization. At 1 channel and the defaults: 280,902 parameters, 93,634 for each resolution.

    Transforms are computed in float32 at least. ``features`` are grouped by critic: all five activations and the
    logits, as in BigVGAN, hidden without the logits, later without the first activation.

    Where implementations differ: the slope of LeakyReLU is 0.2 in UnivNet and 0.1 in BigVGAN. An early critic of Vocos
    has other convolutions on magnitudes that are mirrored by n_fft/2 (``padding`` center).

    Raises:
        ConfigError: if the data are not signals, or too short for a resolution.

    Source: Jang et al. 2021, arXiv:2106.07889; Lee et al. 2022, arXiv:2206.04658; code:
        maum-ai/univnet, NVIDIA/BigVGAN.
    """

    resolutions: Resolutions = Field(
        default=((1024, 120, 600), (2048, 240, 1200), (512, 50, 240)),
        description="n_fft, hop and length of the window of each critic, in numbers of the signal",
    )
    ndf: int = Field(default=32, ge=1, le=65_536, description="width of all convolutions")
    norm: SignalNorm = Field(default="weight", description="norm on the weight of every convolution")
    slope: float = Field(default=0.2, ge=0, lt=1, description="slope of LeakyReLU below zero")
    features: Shown = Field(default="all", description=SHOWN)
    window: Window = Field(default="rectangular", description="form of the window")
    padding: Literal["frame", "center"] = Field(
        default="frame", description="mirror (n_fft − hop)/2 at both ends (frame), or n_fft/2 (center)"
    )

    def tags(self) -> frozenset[str]:
        """A map of logits for each resolution."""
        several = frozenset({"multiple_outputs"} if len(self.resolutions) > 1 else ())
        return frozenset({"patch", "provides_features", "signal"}) | NORM_TAGS[self.norm] | several

    def build(self, spec: DataSpec) -> SignalNetwork:
        """The network for data of ``spec``."""
        channels, length = signal_shape(spec, of="stft")
        shortest, because = demand_length(length, self.resolutions, self.padding)
        signal_shape(spec, of="stft", shortest=shortest, because=because)
        return SignalNetwork(self._critic(channels, resolution) for resolution in self.resolutions)

    def _critic(self, channels: int, resolution: Resolution) -> StftCritic:
        widths = [channels, *[self.ndf] * len(KERNELS)]
        layers = [
            convolution_of(before, after, kernel, stride=step, norm=self.norm)
            for (before, after), kernel, step in zip(pairwise(widths), KERNELS, STRIDES, strict=True)
        ]
        to_logits = convolution_of(self.ndf, 1, LAST_KERNEL, norm=self.norm)
        stack = SubCritic(layers, to_logits, slope=self.slope, shown=self.features)
        return StftCritic(stack, resolution=resolution, window=self.window, padding=self.padding)


class StftCritic(SubCritic):
    """A stack of convolutions on magnitudes."""

    def __init__(
        self, stack: SubCritic, *, resolution: Resolution, window: Window, padding: Literal["frame", "center"]
    ) -> None:
        super().__init__(stack.layers, stack.to_logits, slope=stack.slope, shown=stack.shown)
        self.resolution, self.window, self.padding = resolution, window, padding

    def forward(self, view: Tensor) -> Judgement:
        """What it says of a signal (N, C, T)."""
        magnitudes = spectrum(view, self.resolution, window=self.window, padding=self.padding).abs()
        return super().forward(magnitudes.to(view.dtype))

    def receptive_field(self) -> int:
        """How many numbers of the signal one logit sees."""
        _, hop, width = self.resolution
        # A Hann window begins with 0.
        return (self.seen_along(1) - 1) * hop + width - (self.window == "hann")
