"""Fully connected layers from noise to vectors or small images."""

from __future__ import annotations

from math import prod, sqrt
from typing import TYPE_CHECKING, Literal, Self

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from ganzoo.component import Options
from ganzoo.protocols import Generator
from ganzoo_generators.labels import class_count, given_labels

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

Activation = Literal["relu", "leaky-relu", "tanh"]
Prior = Literal["normal", "uniform"]
Initialization = Literal["orthogonal", "normal"]

ORTHOGONAL_GAIN = 1.4
WEIGHT_STD = 0.02
NEGATIVE_SLOPE = 0.2
UNIFORM_BOUND = sqrt(3)
"""U[−√3, √3) has variance 1, as N(0, 1) has."""


class Mlp(Options):
    """Fully connected layers: for vectors, and for images as in the first GAN.

    Formula:
        z (N, latent) → [linear → (BatchNorm) → activation]^depth → linear → vectors (N, D), unbounded,
        or → tanh → images (N, C, H, W) in [−1, 1];  prior normal: z ~ N(0, I), uniform: z_i ~ U[−√3, √3)

    A layer before a BatchNorm has no bias; all others have one. Biases start at 0; weights start as orthogonal matrices
    times 1.4, or from N(0, 0.02²), with which several layers can be trained only with BatchNorm. ``leaky-relu`` has
    slope 0.2. When the plan makes the networks conditional, the one-hot label is concatenated to z.

    The defaults are those of the authors' notebook for Unrolled GAN on the ring: z of 256 normal numbers, two layers of
    128, tanh, orthogonal. PacGAN on ring and grid: ``latent: 2, width: 400, depth: 4, activation: relu, norm: batch,
    initialization: normal``. Goodfellow on MNIST: ``latent: 100, width: 1200, activation: relu``.

    Where implementations differ: DCGAN's authors use uniform noise U[−1, 1), which has variance ⅓; here it is
    Goodfellow's, with variance 1. Goodfellow's weights start from U[−0.05, 0.05), and his images end in a sigmoid, in
    [0, 1].

    Raises:
        ConfigError: if a conditional generator has no classes.

    Source: Goodfellow et al. 2014, arXiv:1406.2661; the defaults: Metz et al. 2017, arXiv:1611.02163, their notebook;
    Lin et al. 2018, arXiv:1712.04086, their code.
    """

    latent: int = Field(default=256, ge=1, le=8_192, description="size of z")
    width: int | None = Field(
        default=None, ge=1, le=8_192, description="units per hidden layer; by default 128 for vectors, 512 for images"
    )
    depth: int = Field(default=2, ge=1, le=100, description="number of hidden layers")
    activation: Activation = Field(default="tanh", description="activation after each hidden layer")
    norm: Literal["none", "batch"] = Field(default="none", description="normalization before each activation")
    prior: Prior = Field(default="normal", description="distribution of z; both have mean 0 and variance 1")
    initialization: Initialization = Field(
        default="orthogonal", description="initial weights: orthogonal matrices times 1.4, or from N(0, 0.02²)"
    )

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the default width for the kind of data."""
        return self.model_copy(update={"width": self._width(spec)})

    def tags(self) -> frozenset[str]:
        """BatchNorm couples the samples of a batch."""
        coupled = frozenset({"batch_coupled_train", "batch_nonlinear", "needs_two_samples"})
        return frozenset({"accepts_labels"}) | (coupled if self.norm == "batch" else frozenset())

    def build(self, spec: DataSpec) -> MlpNetwork:
        """The network for data of ``spec``, conditional if ``spec`` is."""
        return MlpNetwork(
            spec.shape,
            latent=self.latent,
            width=self._width(spec),
            depth=self.depth,
            activation=self.activation,
            norm=self.norm == "batch",
            prior=self.prior,
            initialization=self.initialization,
            classes=class_count(spec, generator="mlp"),
        )

    def _width(self, spec: DataSpec) -> int:
        return self.width or (128 if len(spec.shape) == 1 else 512)


class MlpNetwork(Generator):
    """The module behind :class:`Mlp`; ``classes`` 0 means unconditional."""

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        latent: int,
        width: int,
        depth: int,
        activation: Activation,
        norm: bool,
        prior: Prior,
        initialization: Initialization,
        classes: int,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.latent_size = latent
        self.prior = prior
        self.classes = classes
        layers: list[nn.Module] = []
        entering = latent + classes
        for _ in range(depth):
            layers.append(_linear(entering, width, bias=not norm, initialization=initialization))
            if norm:
                layers.append(nn.BatchNorm1d(width))
            layers.append(_activation(activation))
            entering = width
        self.hidden = nn.Sequential(*layers)
        self.to_data = _linear(entering, prod(shape), bias=True, initialization=initialization)

    def latent(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw z, (n, latent), from the prior on the CPU."""
        if self.prior == "uniform":
            return (torch.rand(n, self.latent_size, generator=generator) * 2 - 1) * UNIFORM_BOUND
        return torch.randn(n, self.latent_size, generator=generator)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Vectors (N, D), or images (N, C, H, W) in [−1, 1]. ``labels`` are used only if it is conditional.

        Raises:
            ConfigError: if the generator is conditional and ``labels`` is missing.
        """
        if self.classes:
            labels = given_labels(labels, classes=self.classes, generator="mlp")
            z = torch.cat([z, F.one_hot(labels, self.classes).to(z)], dim=1)
        data: Tensor = self.to_data(self.hidden(z))
        return data if len(self.shape) == 1 else torch.tanh(data).view(-1, *self.shape)


def _linear(before: int, after: int, *, bias: bool, initialization: Initialization) -> nn.Linear:
    layer = nn.Linear(before, after, bias=bias)
    if initialization == "orthogonal":
        nn.init.orthogonal_(layer.weight, ORTHOGONAL_GAIN)
    else:
        nn.init.normal_(layer.weight, 0.0, WEIGHT_STD)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _activation(name: Activation) -> nn.Module:
    if name == "tanh":
        return nn.Tanh()
    return nn.ReLU() if name == "relu" else nn.LeakyReLU(NEGATIVE_SLOPE)
