"""One critic of several that judge a signal, each from a view of its own, and what they say together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch.nn.functional as F
from torch import nn

from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.convolution import CONVOLUTIONS, normalized
from ganzoo_discriminators.wide import wide

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo_discriminators.norm import SignalNorm

Shown = Literal["all", "hidden", "later"]
SHOWN = (
    "which activations are features: those of all convolutions with the logits (all), without them (hidden), or with "
    "them but without the first convolution (later)"
)
PEAK, QUIET = 0.8, 1e-9


class Judgement(NamedTuple):
    """Logits (N, 1, L) of one critic, and its features."""

    logits: Tensor
    features: tuple[Tensor, ...]


class SubCritic(nn.Module):
    """Convolutions with LeakyReLU, then one to logits.

    Args:
        layers: the convolutions.
        to_logits: the last one, to a single channel.
        slope: of LeakyReLU below zero.
        shown: what is returned as features.
    """

    def __init__(self, layers: Iterable[nn.Module], to_logits: nn.Module, *, slope: float, shown: Shown) -> None:
        super().__init__()
        self.layers, self.to_logits = nn.ModuleList(layers), to_logits
        self.slope, self.shown = slope, shown

    def forward(self, view: Tensor) -> Judgement:
        """What it says of a view (N, channels, …)."""
        activations = activations_of(self.layers, view, self.slope)
        return judgement(activations, self.to_logits(activations[-1]), self.shown)

    def seen_along(self, axis: int = 0) -> int:
        """How many numbers of the view one logit sees along an axis, the first behind the channels by default."""
        return field_of([*self.layers, self.to_logits], axis)


class SignalNetwork(Discriminator):
    """Several critics on one signal (N, C, T). Labels are ignored.

    Args:
        critics: modules that give a :class:`Judgement` of the signal and know their ``receptive_field()``.
        leveled: whether the signal is first moved to mean 0 and scaled to its peak.
    """

    def __init__(self, critics: Iterable[nn.Module], *, leveled: bool = False) -> None:
        super().__init__()
        self.critics, self.leveled = nn.ModuleList(critics), leveled

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N, 1, L) of the first critic, those of the others, and the features of all."""
        given = at_level(images) if self.leveled else images
        return together([critic(given) for critic in self.critics])

    def receptive_field(self) -> int | None:
        """How many numbers of the signal one logit of the first critic spans; all of them where it is leveled."""
        first: Any = self.critics[0]
        field: int = first.receptive_field()
        return None if self.leveled else field


def convolution_of(
    before: int,
    after: int,
    kernel: Sequence[int],
    *,
    stride: Sequence[int] | None = None,
    dilation: Sequence[int] | None = None,
    groups: int = 1,
    norm: SignalNorm,
) -> nn.Module:
    """A convolution padded so that a stride of 1 keeps the size; torch's own initialization, as published."""
    rank = len(kernel)
    steps, gaps = tuple(stride or (1,) * rank), tuple(dilation or (1,) * rank)
    padding = tuple((size - 1) * gap // 2 for size, gap in zip(kernel, gaps, strict=True))
    layer = CONVOLUTIONS[rank](before, after, tuple(kernel), steps, padding, gaps, groups)
    return normalized(layer, norm)


def activations_of(layers: Iterable[nn.Module], view: Tensor, slope: float) -> list[Tensor]:
    """What each convolution gives, after LeakyReLU."""
    found = []
    for layer in layers:
        view = F.leaky_relu(layer(view), slope)
        found.append(view)
    return found


def judgement(activations: Sequence[Tensor], logits: Tensor, shown: Shown, *, first: Sequence[int] = (0,)) -> Judgement:
    """Logits on one axis, and the chosen features; ``first`` are the places of first convolutions."""
    kept = [one for place, one in enumerate(activations) if shown != "later" or place not in first]
    features = kept if shown == "hidden" else [*kept, logits]
    return Judgement(logits=logits.flatten(2), features=tuple(features))


def together(said: Sequence[Judgement]) -> DiscriminatorOutput:
    """What several critics say, as one."""
    return DiscriminatorOutput(
        logits=said[0].logits,
        features=tuple(feature for one in said for feature in one.features),
        extra_logits=tuple(one.logits for one in said[1:]),
        feature_counts=tuple(len(one.features) for one in said) if len(said) > 1 else (),
    )


def field_of(layers: Sequence[nn.Module], axis: int) -> int:
    """How many numbers of its input one number of a stack of convolutions sees along an axis."""
    field = 1
    for layer in reversed(layers):
        made: Any = layer
        field = (field - 1) * made.stride[axis] + (made.kernel_size[axis] - 1) * made.dilation[axis] + 1
    return int(field)


def at_level(signal: Tensor) -> Tensor:
    """The signal with mean 0 and a peak of 0.8, each channel for itself; silence stays silence."""
    exact = wide(signal)
    centered = exact - exact.mean(-1, keepdim=True)
    return (PEAK * centered / (centered.abs().amax(-1, keepdim=True) + QUIET)).to(signal.dtype)


def reflected(signal: Tensor, left: int, right: int) -> Tensor:
    """The signal with its ends mirrored."""
    if left == right == 0:
        return signal
    padded: Tensor = F.pad(signal, (left, right), mode="reflect")
    return padded
