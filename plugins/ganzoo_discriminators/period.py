"""The multi-period discriminator of HiFi-GAN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ganzoo_blocks.signal_shape import signal_shape
from pydantic import Field

from ganzoo.component import Options
from ganzoo_discriminators.norm import NORM_TAGS, SignalNorm
from ganzoo_discriminators.sub_critic import (
    SHOWN,
    Judgement,
    Shown,
    SignalNetwork,
    SubCritic,
    convolution_of,
    reflected,
)

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

WIDTHS = (1, 4, 16, 32, 32)
STRIDES = (3, 3, 3, 3, 1)
KERNEL, LAST_KERNEL = 5, 3


class Period(Options):
    """Several critics that each hear every p-th number of a signal: HiFi-GAN's multi-period discriminator (MPD).

    Formula:
        x (N, C, T) → mirrored at its end up to a multiple of p → (N, C, T/p, p)
        → [5×1 conv, stride 3×1 → LeakyReLU]⁴ → 5×1 conv → LeakyReLU → 3×1 conv → logits (N, 1, L), for each p
        widths: ndf, 4·ndf, 16·ndf, 32·ndf, 32·ndf, and 1 for the logits

    No convolution goes across the p columns, so that a critic compares numbers p apart, and sees what repeats. Of every
    p-th number a logit sees 647 in a row, which span 646·p + 1 numbers of the signal. ``logits`` are those of the first
    period, ``extra_logits`` those of the others; the adversarial loss is the sum over all. Convolutions are padded,
    have a bias and torch's own initialization. At 1 channel and the defaults: 41,105,770 parameters, 8,221,154 for each
    period; 41,092,165 without weight norm.

    Features are grouped by critic: with ``features`` all, five activations and the logits, as feature matching in
    HiFi-GAN and BigVGAN compares; hidden leaves out the logits (DAC), later the first activation (Vocos).

    Where implementations differ: DAC mirrors a whole period where T already is a multiple of p (``whole_period``), and
    moves each signal to mean 0 and a peak of 0.8 before (``level``). A gradient penalty is then one of the signal
    before, so it grows as signals get quiet, and ``receptive_field()`` is None, since mean and peak are those of all of
    it. audiocraft has slopes of 0.2 or 0.3.

    Raises:
        ConfigError: if the data are not signals, or so short that there is nothing to mirror.

    Source: Kong et al. 2020, arXiv:2010.05646, section 2.3; code: jik876/hifi-gan, descriptinc/descript-audio-codec.
    """

    periods: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(2, 3, 5, 7, 11), min_length=1, max_length=8, description="p of each critic"
    )
    ndf: int = Field(default=32, ge=1, le=65_536, description="width of the first convolution")
    norm: SignalNorm = Field(default="weight", description="norm on the weight of every convolution")
    slope: float = Field(default=0.1, ge=0, lt=1, description="slope of LeakyReLU below zero")
    features: Shown = Field(default="all", description=SHOWN)
    whole_period: bool = Field(
        default=False, description="mirror a whole period where the length is a multiple already, as DAC does"
    )
    level: bool = Field(
        default=False, description="move each signal to mean 0 and a peak of 0.8 before it is judged, as DAC does"
    )

    def tags(self) -> frozenset[str]:
        """A map of logits for each period."""
        several = frozenset({"multiple_outputs"} if len(self.periods) > 1 else ())
        return frozenset({"patch", "provides_features", "signal"}) | NORM_TAGS[self.norm] | several

    def build(self, spec: DataSpec) -> SignalNetwork:
        """The network for data of ``spec``."""
        channels, length = signal_shape(spec, of="period")
        for period in self.periods:
            needed = mirrored(length, period, whole=self.whole_period)
            if needed >= length:
                shortest = period + 1 if self.whole_period else period // 2 + 1
                signal_shape(spec, of="period", shortest=shortest, because=f"for period {period}")
        return SignalNetwork((self._critic(channels, period) for period in self.periods), leveled=self.level)

    def _critic(self, channels: int, period: int) -> PeriodCritic:
        widths = [channels, *(self.ndf * factor for factor in WIDTHS)]
        layers = [
            convolution_of(before, after, (KERNEL, 1), stride=(step, 1), norm=self.norm)
            for before, after, step in zip(widths, widths[1:], STRIDES, strict=False)
        ]
        to_logits = convolution_of(widths[-1], 1, (LAST_KERNEL, 1), norm=self.norm)
        stack = SubCritic(layers, to_logits, slope=self.slope, shown=self.features)
        return PeriodCritic(stack, period=period, whole=self.whole_period)


class PeriodCritic(SubCritic):
    """A stack of convolutions on a signal folded into columns."""

    def __init__(self, stack: SubCritic, *, period: int, whole: bool) -> None:
        super().__init__(stack.layers, stack.to_logits, slope=stack.slope, shown=stack.shown)
        self.period, self.whole = period, whole

    def forward(self, view: Tensor) -> Judgement:
        """What it says of a signal (N, C, T)."""
        padded = reflected(view, 0, mirrored(view.shape[-1], self.period, whole=self.whole))
        columns = padded.reshape(*padded.shape[:-1], -1, self.period)
        return super().forward(columns)

    def receptive_field(self) -> int:
        """How many numbers one logit spans; of these it sees every p-th."""
        return (self.seen_along() - 1) * self.period + 1


def mirrored(length: int, period: int, *, whole: bool) -> int:
    """How many numbers are added to a signal."""
    missing = -length % period
    return missing or (period if whole else 0)
