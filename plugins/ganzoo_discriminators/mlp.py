"""The fully connected discriminator."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.minibatch import KERNELS, MINIBATCH_TAGS, MinibatchDiscrimination

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

Activation = Literal["leaky-relu", "relu", "tanh", "maxout"]
Initialization = Literal["uniform", "normal", "orthogonal"]
NORMAL_STD = 0.02
ORTHOGONAL_GAIN = 1.4


class Mlp(Options):
    """Fully connected layers, for vectors and for flattened images.

    Formula:
        h₀ = [x flattened, one-hot y],  h_{l+1} = dropout(a(W_l h_l + b_l)),  l < depth,  logit (N,) = w·h_depth + b
        a: LeakyReLU 0.2, ReLU, tanh;  maxout: the largest of ``pieces`` linear maps

    The label is an input where the plan makes the networks conditional. ``norm`` spectral divides every weight by its
    spectral norm, which for maxout is that of the pieces together. ``minibatch`` discrimination inserts that layer (100
    kernels of 5 dimensions, see ``dcgan``) before the logit. ``initialization`` uniform is torch's own, with weights
    and biases from U(±1/√inputs); normal is N(0, 0.02²) and orthogonal has gain 1.4, both with zero biases. Features
    are the activations of the hidden layers.

    Published settings for ring and grid: PacGAN's GAN uses maxout, width 200, depth 3, pieces 5, initialization normal
    (Adam 1e-4 with β₁ 0.8, batch 100); Unrolled GAN's notebook uses tanh, width 128, depth 2, initialization orthogonal
    (Adam with β₁ 0.5, 1e-4 for D, 1e-3 for G, batch 512).

    Where implementations differ: Goodfellow's MNIST network is maxout, width 240, pieces 5, with dropout ½ on hidden
    layers and 0.2 on the input; here the input has none.

    Raises:
        ConfigError: if a conditional network is asked for and the data have no classes, or if it gets no labels.

    Source: Goodfellow et al. 2014, arXiv:1406.2661; settings: Lin et al. 2018, arXiv:1712.04086, and Metz et al. 2017,
    arXiv:1611.02163 (the authors' code); minibatch: Salimans et al. 2016, arXiv:1606.03498.
    """

    width: int = Field(default=128, ge=1, le=8_192, description="width of the hidden layers")
    depth: int = Field(default=2, ge=1, le=100, description="number of hidden layers")
    activation: Activation = Field(default="leaky-relu", description="activation after each hidden layer")
    pieces: int = Field(default=5, ge=2, le=256, description="number of linear maps of which maxout takes the largest")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="probability of dropping a hidden unit in training")
    norm: Literal["none", "spectral"] = Field(default="none", description="spectral norm on every layer")
    minibatch: Literal["none", "discrimination"] = Field(
        default="none", description="discrimination = show the logit how alike the samples of a batch are"
    )
    initialization: Initialization = Field(
        default="uniform", description="uniform (torch's own), normal (N(0, 0.02²)) or orthogonal with gain 1.4"
    )

    def tags(self) -> frozenset[str]:
        """It takes vectors, images and labels; the norm and the minibatch layer add theirs."""
        spectral = frozenset({"spectral_norm"}) if self.norm == "spectral" else frozenset()
        return spectral | MINIBATCH_TAGS[self.minibatch] | {"accepts_labels", "provides_features"}

    def build(self, spec: DataSpec) -> MlpNetwork:
        """The network for data of ``spec``, conditional if ``spec`` is."""
        if spec.conditional and not spec.classes:
            raise ConfigError(
                "discriminator mlp is asked to be conditional, but the data have no classes",
                allowed="data with classes",
                hint="--data FOLDER with one sub-folder per class",
            )
        return MlpNetwork(math.prod(spec.shape), self, classes=len(spec.classes) if spec.conditional else 0)


class MlpNetwork(Discriminator):
    """The module behind :class:`Mlp`; ``classes`` 0 means unconditional."""

    def __init__(self, size: int, options: Mlp, *, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.activation = options.activation
        self.pieces = options.pieces if options.activation == "maxout" else 1
        self.dropout = nn.Dropout(options.dropout)
        widths = [size + classes, *([options.width] * options.depth)]
        self.layers = nn.ModuleList(_linear(before, options.width * self.pieces, options) for before in widths[:-1])
        discriminates = options.minibatch == "discrimination"
        self.minibatch = (
            MinibatchDiscrimination(options.width, spectral=options.norm == "spectral")
            if discriminates
            else nn.Identity()
        )
        self.to_logit = _linear(options.width + (KERNELS if discriminates else 0), 1, options)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N,) of vectors (N, D) or images (N, C, H, W), and the activations of the hidden layers.

        Raises:
            ConfigError: if the discriminator is conditional and ``labels`` is missing.
        """
        features = []
        activations = self._with_labels(images.flatten(1), labels)
        for layer in self.layers:
            activations = self.dropout(self._activate(layer(activations)))
            features.append(activations)
        logits = self.to_logit(self.minibatch(activations))
        return DiscriminatorOutput(logits=logits.reshape(len(images)), features=tuple(features))

    def _with_labels(self, vectors: Tensor, labels: Tensor | None) -> Tensor:
        if not self.classes:
            return vectors
        if labels is None:
            raise ConfigError(
                "discriminator mlp was built conditional, but got no labels",
                allowed=f"labels (N,) in [0, {self.classes})",
                hint="pass labels, or build it with a DataSpec that is not conditional",
            )
        return torch.cat([vectors, F.one_hot(labels, self.classes).to(vectors.dtype)], dim=1)

    def _activate(self, values: Tensor) -> Tensor:
        if self.activation == "leaky-relu":
            return F.leaky_relu(values, 0.2)
        if self.activation == "relu":
            return F.relu(values)
        if self.activation == "tanh":
            return torch.tanh(values)
        return values.reshape(len(values), -1, self.pieces).amax(-1)


def _linear(before: int, after: int, options: Mlp) -> nn.Module:
    layer = nn.Linear(before, after)
    if options.initialization != "uniform":
        nn.init.zeros_(layer.bias)
    if options.initialization == "normal":
        nn.init.normal_(layer.weight, 0.0, NORMAL_STD)
    elif options.initialization == "orthogonal":
        nn.init.orthogonal_(layer.weight, ORTHOGONAL_GAIN)
    return spectral_norm(layer) if options.norm == "spectral" else layer
