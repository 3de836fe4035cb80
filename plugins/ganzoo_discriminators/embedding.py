"""The discriminator of ContraGAN and ReACGAN."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.resnet_trunk import ResnetTrunk, ResnetTrunkOptions, sum_pooled
from ganzoo_discriminators.spectral_layers import glorot_embedding, glorot_linear

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec


class Embedding(ResnetTrunkOptions):
    """The network of ``resnet-sn`` that judges an image, and places it and its class among embeddings.

    Formula:
        h = Σ_{H,W} relu(φ(x));  logit (N,) = w·h + b;  embedding (N, E) = V h + c;  proxy (N, E) = v_y

    The logit does not depend on the class. v_y is a learned vector for each class y; w, V and the table of all v are
    spectrally normalized, as is every other weight. Embeddings and proxies are learned through the regularizers
    ``d2d-ce`` (ReACGAN), which this discriminator suggests, or ``contrastive`` (ContraGAN), which take their cosines.
    Blocks, sizes, attention and initialization are those of ``resnet-sn``; v starts from Glorot's uniform
    distribution. Features are the activations after each block.

    Where implementations differ: StudioGAN's trunks for these methods are BigGAN's; its E is 512 for both on CIFAR-10.

    Raises:
        ConfigError: if the data have no classes, the labels are missing, the images have fewer than 4 px per side, or
            no feature map has the side that ``attention`` asks for.

    Source: Kang & Park 2020, arXiv:2006.12681, section 3; Kang et al. 2021, arXiv:2111.01118.
    """

    component: ClassVar[str] = "embedding"

    embedding: int = Field(default=512, ge=1, le=4_096, description="E, numbers of an embedding")

    def tags(self) -> frozenset[str]:
        """Those of the trunk; it needs labels for their proxies."""
        return super().tags() | {"accepts_labels", "needs_labels", "provides_embedding"}

    def build(self, spec: DataSpec) -> EmbeddingNetwork:
        """The network for images and classes of ``spec``."""
        if not spec.classes:
            raise ConfigError(
                "discriminator embedding compares images with their classes, but the data have none",
                allowed="data with at least two classes",
                hint="--data FOLDER with one sub-folder per class, or --disc resnet-sn",
            )
        return EmbeddingNetwork(self.build_trunk(spec), classes=len(spec.classes), embedding=self.embedding)


class EmbeddingNetwork(Discriminator):
    """The module behind :class:`Embedding`."""

    def __init__(self, trunk: ResnetTrunk, *, classes: int, embedding: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.to_logit = glorot_linear(trunk.width, 1)
        self.to_embedding = glorot_linear(trunk.width, embedding)
        self.proxies = glorot_embedding(classes, embedding)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N,), embeddings (N, E), proxies of labels (N,), and the activations of each block."""
        if labels is None:
            raise ConfigError(
                "discriminator embedding compares images with their classes, but got no labels",
                allowed="labels (N,) beside the images",
                hint="pass labels, or use --disc resnet-sn",
            )
        features = self.trunk(images)
        pooled = sum_pooled(features[-1])
        return DiscriminatorOutput(
            logits=self.to_logit(pooled).squeeze(1),
            features=features,
            embedding=self.to_embedding(pooled),
            proxies=self.proxies(labels),
        )
