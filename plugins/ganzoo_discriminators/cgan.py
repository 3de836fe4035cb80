"""The conditional discriminator that gets the label as a plane of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from ganzoo_blocks.image_shape import image_shape
from pydantic import Field
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.dcgan_trunk import DcganTrunk, DcganTrunkOptions

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec


class Cgan(DcganTrunkOptions):
    """The discriminator ``dcgan`` on the image and, as extra channels, a learned plane for the label.

    Formula:
        logit (N,) = dcgan([x, e(y)]),  x (N, C, S, S),  y in {0, …, K−1},  e(y) (N, label_planes, S, S)

    It judges whether an image is real *and* of its class: an image under a wrong label counts as fake as soon as D can
    tell, which teaches G the classes. e is an embedding with one number per pixel, which starts from N(0, 1), about as
    strong as the image; it has no spectral norm, because it does not change the slope in x. Sizes, norms,
    ``minibatch``, initialization and features are those of ``dcgan``. Augmentation does not change the label's planes.

    Where implementations differ: the paper's own network is a maxout MLP, in which image and one-hot label pass through
    separate layers into a joint layer. Convolutional forms feed K one-hot planes, or planes that are constant over the
    image, or join the label at a later layer; some multiply image and embedding.

    Raises:
        ConfigError: if the data have no classes or are not square images with a side that halves down to 4…7, or if no
            labels are passed.

    Source: Mirza & Osindero 2014, arXiv:1411.1784, equation 2; trunk: Radford et al. 2016, arXiv:1511.06434.
    """

    label_planes: int = Field(default=1, ge=1, le=65_536, description="number of input planes made from the label")

    def tags(self) -> frozenset[str]:
        """Those of the trunk; it needs labels."""
        return super().tags() | {"accepts_labels", "needs_labels"}

    def build(self, spec: DataSpec) -> CganNetwork:
        """The network for images and classes of ``spec``."""
        _, height, width = image_shape(spec, of="discriminator cgan")
        if not spec.classes:
            raise ConfigError(
                "discriminator cgan judges images by their class, but the data have none",
                allowed="data with at least two classes",
                hint="--data FOLDER with one sub-folder per class, or --disc dcgan",
            )
        trunk = self.build_trunk(spec, more_planes=self.label_planes)
        return CganNetwork(trunk, classes=len(spec.classes), planes=(self.label_planes, height, width))


class CganNetwork(Discriminator):
    """The module behind :class:`Cgan`."""

    def __init__(self, trunk: DcganTrunk, *, classes: int, planes: tuple[int, int, int]) -> None:
        super().__init__()
        count, height, width = planes
        self.planes = planes
        self.label_embedding = nn.Embedding(classes, count * height * width)
        self.trunk = trunk
        self.to_logit = trunk.logit_head()

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N,) of images under ``labels`` (N,), and the activations of each block.

        Raises:
            ConfigError: if ``labels`` is missing.
        """
        if labels is None:
            raise ConfigError(
                "discriminator cgan judges images by their class, but got no labels",
                allowed=f"labels (N,) in [0, {self.label_embedding.num_embeddings})",
                hint="pass labels, or use --disc dcgan",
            )
        planes = self.label_embedding(labels).reshape(-1, *self.planes)
        features = self.trunk(torch.cat([images, planes.to(images.dtype)], dim=1))
        return DiscriminatorOutput(logits=self.to_logit(features[-1]).reshape(len(images)), features=features)
