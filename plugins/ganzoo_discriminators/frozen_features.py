"""Trained heads on the features of a network that is not trained."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

from ganzoo_blocks.image_shape import image_shape
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from ganzoo.component import Options
from ganzoo.protocols import DiscriminatorOutput
from ganzoo_discriminators.backbones import backbone, finest_field, usual_side
from ganzoo_discriminators.convolution import convolution
from ganzoo_discriminators.on_frozen import OnFrozen

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

KERNELS = {1: 9, 2: 3}
"""Of the second layer of a head, for tokens and for maps."""


class FrozenFeatures(Options):
    """A small head on each map of a frozen network; only the heads are trained.

    Formula:
        φ_l(x) (N, C_l, h, w) or (N, C_l, L): maps or tokens of the frozen network, l = 1, 2, …
        a = LeakyReLU(W₁ φ_l),  b = (a + LeakyReLU(W_k ∗ a)) / √2,  logits of level l = w·b, a map (N, 1, h, w)

    ``x`` is in [-1, 1]. W₁ and w are 1×1 convolutions, W_k is 3×3 of maps and 9 of tokens, padded by zeros; all are
    spectrally normalized, with slope 0.2. The adversarial loss is the sum over levels, each a mean over its map;
    ``logits`` are those of the first level, and features are a and b of each. There is no other norm, so samples are
    judged independently.

    ``extractor`` names the frozen network. ``random-conv`` (three levels of 64, 128 and 256 channels, sides 1, ½, ¼)
    takes x as it is. ``efficientnet-lite0`` (four levels of 24, 40, 112, 320 channels, sides ¼ to 1/32) sees
    (127.5·(x + 1) − 127) / 128. Gray is repeated to three channels. With ``resize`` s both sides are brought to s
    pixels, bilinearly, antialiased where they become smaller; by default pictures below 224 px are enlarged to 224 for
    ``efficientnet-lite0``, all others stay as they are. Neither random numbers nor statistics are in it: it stays in
    evaluation, gets no gradient and is in no state or checkpoint, which hold the heads alone.

    From Python any module serves that returns a tensor (N, C, L) or (N, C, H, W), or a tuple or list of them, of
    images in [-1, 1] (it normalizes by itself)::

        from ganzoo_discriminators.frozen_features import FrozenFeaturesNetwork
        critic = FrozenFeaturesNetwork(my_backbone, shape=(3, 64, 64), width=64)

    Where implementations differ: heads of StyleGAN-T and RAE judge tokens of a ViT, pad circularly and have a batch
    norm over virtual batches of 8 or 1 behind each convolution but the last; Projected GAN mixes levels first
    (``projected``). They average over the logits of all levels together, here levels are added.

    Raises:
        ConfigError: if the data are not images of one channel or three, or there is no such extractor.
        DataError: if the weights of the extractor are not installed; the error says how to.

    Source: Sauer et al. 2023, arXiv:2301.09515, section 3.2 (heads on frozen features); Kumari et al. 2022,
    arXiv:2112.09130.
    """

    extractor: str = Field(default="random-conv", description="the frozen network: random-conv or efficientnet-lite0")
    resize: int | None = Field(
        default=None,
        ge=8,
        le=1024,
        description="pixels a side that the frozen network sees; by default 224 for efficientnet-lite0 where the data "
        "are smaller, else as they are",
    )
    width: int = Field(default=64, ge=1, le=4_096, description="channels of a head")

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the size that the extractor sees."""
        return self.model_copy(update={"resize": self.resize or usual_side(self.extractor, spec)})

    def tags(self) -> frozenset[str]:
        """The same for all options."""
        return frozenset({"image", "multiple_outputs", "patch", "provides_features", "spectral_norm"})

    def build(self, spec: DataSpec) -> FrozenFeaturesNetwork:
        """The network for images of ``spec``."""
        image_shape(spec, of="discriminator frozen-features")
        resize = self.resolve(spec).resize
        frozen = backbone(self.extractor, spec, resize=resize, of="frozen-features")
        field = finest_field(self.extractor, spec, kernel=KERNELS[2], resize=resize)
        return FrozenFeaturesNetwork(frozen, shape=spec.shape, width=self.width, field=field)


class FrozenFeaturesNetwork(OnFrozen):
    """The module behind :class:`FrozenFeatures`, on any frozen network.

    Args:
        backbone: images (N, C, H, W) in [-1, 1] → tokens (N, C', L) or maps (N, C', h, w), one or a tuple or list of
            them; it is copied.
        shape: (C, H, W) of an image, to see once what comes out.
        width: channels of a head.
        field: sides in pixels of what a logit of the first level sees; ``None`` is the whole image.

    Raises:
        ConfigError: ``backbone`` gives neither tokens nor maps.
    """

    def __init__(
        self,
        backbone: nn.Module,
        *,
        shape: tuple[int, ...],
        width: int = 64,
        field: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__(backbone)
        self.field = field
        self.heads = nn.ModuleList(Head(channels, width, len(rest)) for channels, *rest in self.shapes(shape))
        self.settle()

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N, 1, h, w) of the first level, those of the others, and activations of the heads."""
        judged = [head(found) for head, found in zip(self.heads, self.maps(images), strict=True)]
        logits = [one if one.ndim == 4 else one.unsqueeze(2) for one, _ in judged]
        return DiscriminatorOutput(
            logits=logits[0],
            extra_logits=tuple(logits[1:]),
            features=tuple(feature for _, features in judged for feature in features),
            feature_counts=(2,) * len(judged) if len(judged) > 1 else (),
        )

    def receptive_field(self) -> int | tuple[int, ...] | None:
        """What a logit of the first level sees, as the constructor was told."""
        square = self.field is not None and len(set(self.field)) == 1
        return self.field[0] if self.field is not None and square else self.field


class Head(nn.Module):
    """Tokens (N, C, L) or maps (N, C, h, w) → logits (N, 1, …), and the two activations before."""

    def __init__(self, channels: int, width: int, rank: int) -> None:
        super().__init__()
        kernel = KERNELS[rank]

        def layer(before: int, after: int, kernel: int) -> nn.Module:
            return convolution(
                before, after, kernel=kernel, stride=1, padding=kernel // 2, bias=True, norm="spectral", rank=rank
            )

        self.first, self.second, self.last = layer(channels, width, 1), layer(width, width, kernel), layer(width, 1, 1)

    def forward(self, found: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Logits, then the activations."""
        first = F.leaky_relu(self.first(found), 0.2)
        second = (first + F.leaky_relu(self.second(first), 0.2)) / math.sqrt(2)
        return self.last(second), (first, second)
