"""The critics of Projected GAN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ganzoo_blocks.image_shape import image_shape
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.component import Options
from ganzoo.protocols import DiscriminatorOutput
from ganzoo_discriminators.backbones import backbone, usual_side
from ganzoo_discriminators.on_frozen import OnFrozen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ganzoo.protocols import DataSpec

KERNEL = 4
"""Side of the last convolution, and of the smallest map that is halved no further."""


class Projected(Options):
    """One small critic on each level of a frozen network, whose levels are mixed at random beforehand.

    Formula:
        φ_l(x), l = 1 … L, finest first: maps of the frozen network, EfficientNet-Lite0 trained on ImageNet
        m_l = A_l φ_l: 1×1 convolutions to ndf·2^(l−1) channels
        p_L = B_L up(m_L),  p_l = B_l up(p_{l+1} + m_l): 1×1 convolutions to ndf·2^(l−2) channels, p_1 to ndf
        logits of level l = 4×4 conv of [4×4 conv, stride 2 → BatchNorm → LeakyReLU 0.2]^{L+1−l} p_l, a map (N, 1, h, w)

    ``x`` is in [-1, 1]. A and B, the mixing across channels and across scales, are random and fixed: they are not
    trained, but they are in the state, so that a critic that is loaded mixes as the saved one. ``up`` enlarges
    bilinearly to the sides of the next finer level, at last twice (corners aligned). Critics have spectral norm on
    every convolution; one halves fewer times where its map would have less than 4 pixels a side, and a last map of less
    than that has a smaller last kernel. The critic of level l has the widths of p_l, p_(l+1), …, p_L, then ndf·2^(L−1);
    so that of level 1 keeps ndf at its first halving. The adversarial loss is the sum over levels, each a mean over its
    map; ``logits`` are those of level 1, and features are p_l and the activations of each critic.

    The frozen network is that of the extractor ``efficientnet-lite0`` (``ganzoo[evaluate]``; its weights are checked by
    their SHA-256), with L = 4 levels: stages 1–2, 3, 4–5 and 6–7, of 24, 40, 112 and 320 channels at ¼ to 1/32 of the
    side. It sees (127.5·(x + 1) − 127) / 128, gray repeated to three channels. Pictures below 224 px are enlarged to
    224×224 bilinearly, larger ones stay as they are; ``resize`` says otherwise, and antialiases where pictures become
    smaller. At 224 px each map of logits is 4×4. It stays in evaluation, gets no gradient and is in no state or
    checkpoint. A step costs far more than one of ``dcgan``, nearly all of it in the frozen network: of 32 px pictures
    most of the work at 224 px is on interpolated pixels, and ``resize`` 64 or 128 trades detail for time.

    Use it with ``--loss hinge``, and with ``--augment diffaugment`` as the authors do: critics on features memorize few
    pictures soon.

    Where implementations differ: the authors' code averages over the logits of all levels together; the paper, and
    ganzoo, add levels. The code leaves A and B as torch initializes convolutions, which is done here; the paper speaks
    of Kaiming initialization. Their images, too, are scaled to about [-1, 1] for the network. They blur
    all images at first for some data sets, which is not done here.

    Raises:
        ConfigError: if the data are not images of one channel or three, or there is no such extractor.
        DataError: if the weights of the extractor are not installed; the error says how to.

    Source: Sauer et al. 2021, arXiv:2111.01007, sections 3 and 4, and the authors' code.
    """

    extractor: str = Field(
        default="efficientnet-lite0", description="the frozen network: efficientnet-lite0 or random-conv"
    )
    resize: int | None = Field(
        default=None,
        ge=8,
        le=1024,
        description="pixels a side that the frozen network sees; by default 224 for efficientnet-lite0 where the data "
        "are smaller, else as they are",
    )
    ndf: int = Field(default=64, ge=1, le=4_096, description="channels of the finest mixed level")

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the size that the extractor sees."""
        return self.model_copy(update={"resize": self.resize or usual_side(self.extractor, spec)})

    def tags(self) -> frozenset[str]:
        """The same for all options."""
        coupled = {"batch_coupled_train", "batch_nonlinear"}
        return frozenset({"image", "multiple_outputs", "patch", "provides_features", "spectral_norm", *coupled})

    def build(self, spec: DataSpec) -> ProjectedNetwork:
        """The network for images of ``spec``."""
        image_shape(spec, of="discriminator projected")
        frozen = backbone(self.extractor, spec, resize=self.resolve(spec).resize, of="projected")
        return ProjectedNetwork(frozen, shape=spec.shape, ndf=self.ndf)


class ProjectedNetwork(OnFrozen):
    """The module behind :class:`Projected`, on any frozen network that returns several maps, finest first."""

    def __init__(self, backbone: nn.Module, *, shape: tuple[int, ...], ndf: int = 64) -> None:
        super().__init__(backbone)
        shapes = self.shapes(shape)
        self.mixing = Mixing([channels for channels, *_ in shapes], ndf)
        sides = [min(rest) for _, *rest in shapes]
        mixed = [2 * sides[0], *sides[:-1]]  # each has grown to the sides of the next finer level
        self.critics = nn.ModuleList(
            level_critic([*self.mixing.widths[level:], ndf * 2 ** (len(shapes) - 1)], side)
            for level, side in enumerate(mixed)
        )
        self.settle()

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N, 1, h, w) of the finest level, those of the others, and the activations of each critic."""
        logits: list[Tensor] = []
        features: list[Tensor] = []
        for critic, found in zip(self.critics, self.mixing(self.maps(images)), strict=True):
            assert isinstance(critic, nn.Sequential)
            *blocks, last = critic
            features.append(found)
            for block in blocks:
                found = block(found)
                features.append(found)
            logits.append(last(found))
        return DiscriminatorOutput(
            logits=logits[0],
            extra_logits=tuple(logits[1:]),
            features=tuple(features),
            feature_counts=tuple(len(critic) for critic in self.critics) if len(logits) > 1 else (),  # type: ignore[arg-type]
        )


class Mixing(nn.Module):
    """Random mixing across channels, then across scales, of maps that come finest first."""

    def __init__(self, channels: Sequence[int], ndf: int) -> None:
        super().__init__()
        inner = [ndf * 2**level for level in range(len(channels))]
        self.widths = [ndf, *inner[:-1]]
        self.across_channels = nn.ModuleList(FixedConvolution(*pair) for pair in zip(channels, inner, strict=True))
        self.across_scales = nn.ModuleList(FixedConvolution(*pair) for pair in zip(inner, self.widths, strict=True))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """The mixed maps, finest first."""
        mixed = [mix(found) for mix, found in zip(self.across_channels, maps, strict=True)]
        carried: Tensor | None = None
        found: list[Tensor] = []
        for level in reversed(range(len(mixed))):
            carried = mixed[level] if carried is None else carried + mixed[level]
            size = mixed[level - 1].shape[2:] if level else [2 * side for side in carried.shape[2:]]
            grown = F.interpolate(carried, size=list(size), mode="bilinear", align_corners=True)
            carried = self.across_scales[level](grown)
            found.insert(0, carried)
        return found


class FixedConvolution(nn.Module):
    """A 1×1 convolution whose random weights are buffers: never trained, and in the state."""

    weight: Tensor
    bias: Tensor

    def __init__(self, narrow: int, wide: int) -> None:
        super().__init__()
        layer = nn.Conv2d(narrow, wide, 1)
        assert layer.bias is not None
        self.register_buffer("weight", layer.weight.detach())
        self.register_buffer("bias", layer.bias.detach())

    def forward(self, maps: Tensor) -> Tensor:
        """(N, narrow, h, w) → (N, wide, h, w)."""
        return F.conv2d(maps, self.weight, self.bias)


def level_critic(widths: Sequence[int], side: int) -> nn.Sequential:
    """Halving blocks along ``widths``, as many as the map has room for, and the last convolution, to one channel."""
    layers: list[nn.Module] = []
    width, *rest = widths
    for wider in rest:
        if side // 2 < KERNEL:
            break
        halving = spectral_norm(nn.Conv2d(width, wider, 4, 2, 1))
        layers.append(nn.Sequential(halving, nn.BatchNorm2d(wider), nn.LeakyReLU(0.2)))
        width, side = wider, side // 2
    return nn.Sequential(*layers, spectral_norm(nn.Conv2d(width, 1, min(KERNEL, side), bias=False)))
