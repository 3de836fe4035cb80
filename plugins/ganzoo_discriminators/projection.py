"""The projection discriminator."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.resnet_trunk import ResnetTrunk, ResnetTrunkOptions, sum_pooled
from ganzoo_discriminators.spectral_layers import (
    glorot_embedding,
    glorot_linear,
    orthogonal_embedding,
    orthogonal_linear,
)

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec


class Projection(ResnetTrunkOptions):
    """The network of ``resnet-sn`` that judges an image together with its label.

    Formula:
        h = Σ_{H,W} relu(φ(x));  logit (N,) = w·h + b + ⟨v_y, h⟩

    v_y is a learned vector for each class y; w and the table of all v are spectrally normalized, as is every other
    weight. Blocks, sizes, attention and initialization are those of ``resnet-sn``; v starts from Glorot's uniform
    distribution. The generator is asked for classes too, by default as frequent as in the data. Features are the
    activations after each block. At 32×32×3, ndf 128 and 10 classes: 1,055,105 parameters.

    Where implementations differ: the authors' 32 px network leaves b out, their larger ones have it. Here, as in their
    code, v is a table of (classes, width), whose spectral norm grows with the number of classes.

    Raises:
        ConfigError: if the data have no classes, the labels are missing, the images have fewer than 4 px per side, or
            no feature map has the side that ``attention`` asks for.

    Source: Miyato & Koyama 2018, arXiv:1802.05637, equation 3 and figure 1d, and the authors' code.
    """

    component: ClassVar[str] = "projection"

    def tags(self) -> frozenset[str]:
        """Those of the trunk; it needs labels."""
        return super().tags() | {"accepts_labels", "needs_labels"}

    def build(self, spec: DataSpec) -> ProjectionNetwork:
        """The network for images and classes of ``spec``."""
        return ProjectionNetwork(self.build_trunk(spec), classes=self.class_count(spec), name=self.component)

    def class_count(self, spec: DataSpec) -> int:
        """How many classes the data have.

        Raises:
            ConfigError: if they have none.
        """
        if not spec.classes:
            raise ConfigError(
                f"discriminator {self.component} judges images by their class, but the data have none",
                allowed="data with at least two classes",
                hint="--data FOLDER with one sub-folder per class, or --disc resnet-sn",
            )
        return len(spec.classes)


class ProjectionNetwork(Discriminator):
    """The module behind :class:`Projection`; the linear layer and the table of ``orthogonal`` ones start so."""

    def __init__(self, trunk: ResnetTrunk, *, classes: int, name: str, orthogonal: bool = False) -> None:
        super().__init__()
        self.name = name
        self.trunk = trunk
        self.to_logit = (orthogonal_linear if orthogonal else glorot_linear)(trunk.width, 1)
        self.class_vectors = (orthogonal_embedding if orthogonal else glorot_embedding)(classes, trunk.width)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N,) of images with their labels (N,), and the activations of each block."""
        if labels is None:
            raise ConfigError(
                f"discriminator {self.name} judges images by their class, but got no labels",
                allowed="labels (N,) beside the images",
                hint="pass labels, or use --disc resnet-sn",
            )
        features = self.trunk(images)
        pooled = sum_pooled(features[-1])
        projected = (self.class_vectors(labels) * pooled).sum(dim=1)
        return DiscriminatorOutput(logits=self.to_logit(pooled).squeeze(1) + projected, features=features)
