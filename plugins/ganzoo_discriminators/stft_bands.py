"""The multi-band discriminator of complex Fourier transforms."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

import torch
from ganzoo_blocks.signal_shape import signal_shape
from pydantic import Field
from torch import nn

from ganzoo.component import Options
from ganzoo_discriminators.norm import NORM_TAGS, SignalNorm
from ganzoo_discriminators.spectrogram import Resolution, demand_length, planes, quartered, spectrum
from ganzoo_discriminators.sub_critic import (
    SHOWN,
    Judgement,
    Shown,
    SignalNetwork,
    activations_of,
    convolution_of,
    field_of,
    judgement,
)

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

KERNELS = ((3, 9), (3, 9), (3, 9), (3, 9), (3, 3))
STRIDES = ((1, 1), (1, 2), (1, 2), (1, 2), (1, 1))
LAST_KERNEL = (3, 3)
EDGES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
"""Of the bands, as parts of all frequencies."""


class StftBands(Options):
    """Critics of complex Fourier transforms with a stack of convolutions for each band: DAC's multi-band discriminator.

    Formula:
        x (N, C, T) → x − mean → 0.8·x/(max|x| + 1e-9) → STFT, hop n_fft/4, periodic Hann window
        → real and imaginary parts as channels, (N, 2·C, frames, n_fft/2 + 1) → bands of frequencies, each:
        3×9 conv → LeakyReLU → [3×9 conv, stride 1×2 → LeakyReLU]³ → 3×3 conv → LeakyReLU
        → side by side along frequency → 3×3 conv → logits (N, 1, L), for each n_fft;  widths ndf, and 1 for the logits
        edges of the bands: ⌊e·(n_fft/2 + 1)⌋ for e = 0, 0.1, 0.25, 0.5, 0.75, 1

    Kernels of 3 go along time, those of 9 and the stride along frequency. Each band has weights of its own, so quiet
    high frequencies are judged by their own measure. Each channel is moved to mean 0 and a peak of 0.8 first
    (``level``), so loudness is not judged, a gradient penalty, which is one of the signal before, grows as signals get
    quiet, and ``receptive_field()`` is None, since mean and peak are those of all of it. The convolutions of one logit
    see 13 frames: 8,191 numbers with n_fft 2,048, since the window begins with 0. ``logits`` are those of the first
    n_fft, ``extra_logits`` those of the others; the adversarial loss is the sum over all. Convolutions are padded, have
    a bias and torch's own initialization. At 1 channel and the defaults: 1,413,990 parameters, 471,330 for each n_fft.

    Transforms are computed in float32 at least. ``features`` are grouped by critic: the activations of all bands, five
    each, without the logits (hidden), as DAC compares; all has the logits too; later has them, but not the first
    activation of each band (Vocos, BigVGAN).

    Where implementations differ: DAC mirrors 3/8 of n_fft at both ends, and on the right up to a multiple of the hop
    (``padding`` stride); Vocos and BigVGAN mirror n_fft/2 (center).

    Raises:
        ConfigError: if the data are not signals, or too short for an n_fft.

    Source: Kumar et al. 2023, arXiv:2306.06546; code: descriptinc/descript-audio-codec, gemelo-ai/vocos,
        NVIDIA/BigVGAN.
    """

    n_ffts: tuple[Annotated[int, Field(ge=32, le=2**16)], ...] = Field(
        default=(2048, 1024, 512), min_length=1, max_length=8, description="length of each window"
    )
    ndf: int = Field(default=32, ge=1, le=65_536, description="width of all convolutions")
    norm: SignalNorm = Field(default="weight", description="norm on the weight of every convolution")
    slope: float = Field(default=0.1, ge=0, lt=1, description="slope of LeakyReLU below zero")
    features: Shown = Field(default="hidden", description=SHOWN)
    padding: Literal["stride", "center"] = Field(
        default="stride", description="mirror as DAC does (stride), or half a window (center)"
    )
    level: bool = Field(default=True, description="move each signal to mean 0 and a peak of 0.8 before it is judged")

    def tags(self) -> frozenset[str]:
        """A map of logits for each n_fft."""
        several = frozenset({"multiple_outputs"} if len(self.n_ffts) > 1 else ())
        return frozenset({"patch", "provides_features", "signal"}) | NORM_TAGS[self.norm] | several

    def build(self, spec: DataSpec) -> SignalNetwork:
        """The network for data of ``spec``."""
        channels, length = signal_shape(spec, of="stft-bands")
        resolutions = quartered(self.n_ffts)
        shortest, because = demand_length(length, resolutions, self.padding)
        signal_shape(spec, of="stft-bands", shortest=shortest, because=because)
        critics = (BandsCritic(self, channels, resolution) for resolution in resolutions)
        return SignalNetwork(critics, leveled=self.level)


class BandsCritic(nn.Module):
    """A stack of convolutions for each band, and one convolution over all of them."""

    def __init__(self, options: StftBands, channels: int, resolution: Resolution) -> None:
        super().__init__()
        self.options, self.resolution = options, resolution
        bins = resolution[0] // 2 + 1
        self.bands = [(int(low * bins), int(high * bins)) for low, high in pairwise(EDGES)]
        widths = [2 * channels, *[options.ndf] * len(KERNELS)]
        self.stacks = nn.ModuleList(
            nn.ModuleList(
                convolution_of(before, after, kernel, stride=step, norm=options.norm)
                for (before, after), kernel, step in zip(pairwise(widths), KERNELS, STRIDES, strict=True)
            )
            for _ in self.bands
        )
        self.to_logits = convolution_of(options.ndf, 1, LAST_KERNEL, norm=options.norm)

    def forward(self, signal: Tensor) -> Judgement:
        """What it says of a signal (N, C, T)."""
        found = spectrum(signal, self.resolution, window="hann", padding=self.options.padding)
        seen = planes(found).to(signal.dtype)
        by_band = [
            activations_of(self._layers(number), seen[..., low:high], self.options.slope)
            for number, (low, high) in enumerate(self.bands)
        ]
        logits = self.to_logits(torch.cat([activations[-1] for activations in by_band], dim=-1))
        every = [one for activations in by_band for one in activations]
        return judgement(every, logits, self.options.features, first=range(0, len(every), len(KERNELS)))

    def receptive_field(self) -> int:
        """How many numbers of the signal one logit sees."""
        _, hop, width = self.resolution
        return (field_of([*self._layers(0), self.to_logits], 0) - 1) * hop + width - 1  # a Hann window begins with 0

    def _layers(self, number: int) -> list[nn.Module]:
        return list(self.stacks[number].children())
