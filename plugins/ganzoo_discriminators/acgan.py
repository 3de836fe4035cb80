"""The AC-GAN discriminator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.dcgan_trunk import DcganTrunk, DcganTrunkOptions

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec


class Acgan(DcganTrunkOptions):
    """The trunk of ``dcgan`` with two heads: one logit for real against fake, and K class logits.

    Formula:
        x (N, C, S, S) → [4×4 conv, stride 2 → norm → LeakyReLU 0.2]ⁿ → h (N, w, b, b),  S = b·2ⁿ
        logit (N,) = b×b conv of h;  class logits (N, K) = another b×b conv of h, with bias

    Trunk, sizes, norms, initialization and ``minibatch`` are those of ``dcgan``; the minibatch layer feeds only the
    logit, because a sample's class does not depend on the others. The classes are learned through the regularizer
    ``auxiliary-classifier``, which this discriminator suggests. Labels are not an input: the network judges the image
    and predicts its class. Features are the activations after each block.

    Where implementations differ: the paper's own ImageNet and CIFAR-10 networks have six convolutions with dropout
    ½, and linear heads.

    Raises:
        ConfigError: if the data have no classes, or are not square images with a side that halves down to 4…7.

    Source: Odena et al. 2017, arXiv:1610.09585, equations 2 and 3; trunk: Radford et al. 2016, arXiv:1511.06434.
    """

    def tags(self) -> frozenset[str]:
        """Those of the trunk; it returns class logits, so it needs classes."""
        return super().tags() | {"needs_labels", "provides_class_logits"}

    def build(self, spec: DataSpec) -> AcganNetwork:
        """The network for images and classes of ``spec``."""
        if not spec.classes:
            raise ConfigError(
                "discriminator acgan predicts classes, but the data have none",
                allowed="data with at least two classes",
                hint="--data FOLDER with one sub-folder per class, or --disc dcgan",
            )
        return AcganNetwork(self.build_trunk(spec), classes=len(spec.classes))


class AcganNetwork(Discriminator):
    """The module behind :class:`Acgan`."""

    def __init__(self, trunk: DcganTrunk, *, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.to_logit = trunk.logit_head()
        self.to_class_logits = trunk.head(classes, bias=True)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N,), class logits (N, K) and the activations of each block."""
        features = self.trunk(images)
        return DiscriminatorOutput(
            logits=self.to_logit(features[-1]).reshape(len(images)),
            class_logits=self.to_class_logits(features[-1]).flatten(1),
            features=features,
        )
