"""Networks, each with one fault that somebody might make. ``DISCRIMINATORS`` and ``GENERATORS`` say what catches it.

Each fault is a change of one of the sound networks at the top, such as ``Plain``, ``Patches`` or ``Styled``.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import count
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec, Discriminator, DiscriminatorOutput, Generator


def image_shape(spec: DataSpec, least: int) -> tuple[int, int, int]:
    """(C, H, W) of images of at least so many pixels a side."""
    if len(spec.shape) != 3 or min(spec.shape[1:]) < least:
        raise ConfigError(
            "it works on images that are not too small",
            given=f"data of shape {spec.shape}",
            allowed=f"images of at least {least} px a side",
            hint="--image-size 32",
        )
    channels, height, width = spec.shape
    return channels, height, width


def strided(before: int, after: int) -> nn.Conv2d:
    """A convolution that halves a map of at least two pixels a side."""
    return nn.Conv2d(before, after, kernel_size=4, stride=2, padding=1)


class Plain(Options):
    """A strided convolution, the mean over the image, a logit and one of each class; sound."""

    width: int = Field(default=5, ge=1, description="channels of the hidden map")
    network: ClassVar[type[nn.Module]]
    carried: ClassVar[frozenset[str]] = frozenset({"image", "provides_features"})

    def tags(self) -> frozenset[str]:
        return self.carried

    def build(self, spec: DataSpec) -> Any:
        channels, _, _ = image_shape(spec, least=2)
        return self.network(channels, self.width)


class PlainNetwork(Discriminator):
    """The parts of it, each of which a fault may replace."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.hidden = strided(channels, width)
        self.to_logit = nn.Linear(width, 1)
        self.prepare(width)

    def prepare(self, width: int) -> None:
        """What a fault adds to the network."""

    def enter(self, images: Tensor) -> Tensor:
        """What is done to the images."""
        return images

    def activated(self, maps: Tensor) -> Tensor:
        """Of the hidden map (N, width, h, w)."""
        return F.leaky_relu(maps, 0.2)

    def pooled(self, maps: Tensor) -> Tensor:
        """(N, width)."""
        return maps.mean((2, 3))

    def finish(self, logits: Tensor) -> Tensor:
        """Of (N,)."""
        return logits

    def shown(self, maps: Tensor) -> Tensor:
        """What is given as a feature."""
        return maps

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        maps = self.activated(self.hidden(self.enter(images)))
        logits = self.to_logit(self.pooled(maps)).squeeze(1)
        return DiscriminatorOutput(logits=self.finish(logits), features=(self.shown(maps),))


Plain.network = PlainNetwork


class Patches(Plain):
    """Two strided convolutions to a map of logits, each of which sees 10 pixels; sound."""

    carried: ClassVar[frozenset[str]] = frozenset({"image", "patch"})

    def build(self, spec: DataSpec) -> Any:
        channels, _, _ = image_shape(spec, least=4)
        return self.network(channels, self.width)


class PatchesNetwork(Discriminator):
    """Its parts."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.hidden = strided(channels, width)
        self.to_logits = strided(width, 1)

    def finish(self, logits: Tensor) -> Tensor:
        """Of (N, 1, h, w)."""
        return logits

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        return DiscriminatorOutput(logits=self.finish(self.to_logits(F.leaky_relu(self.hidden(images), 0.2))))

    def receptive_field(self) -> int | None:
        return 10


Patches.network = PatchesNetwork


class ShapedNetwork(Discriminator):
    """Two convolutions, of one dimension to three."""

    steps: ClassVar[tuple[int, ...]] = (2, 2, 2)

    def __init__(self, channels: int, rank: int) -> None:
        super().__init__()
        kind = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[rank]
        steps = self.steps[-rank:]
        self.hidden = kind(channels, 4, kernel_size=4, stride=steps, padding=1)
        self.to_logits = kind(4, 1, kernel_size=4, stride=steps, padding=1)

    def finish(self, logits: Tensor) -> Tensor:
        """Of (N, 1, …)."""
        return logits

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        return DiscriminatorOutput(logits=self.finish(self.to_logits(F.leaky_relu(self.hidden(images), 0.2))))

    def receptive_field(self) -> int | tuple[int, ...] | None:
        return 10


class Shaped(Options):
    """Patches of signals, images and volumes; sound."""

    network: ClassVar[type[nn.Module]] = ShapedNetwork
    carried: ClassVar[frozenset[str]] = frozenset({"image", "patch", "signal", "volume"})
    ranks: ClassVar[tuple[int, ...]] = (1, 2, 3)

    def tags(self) -> frozenset[str]:
        return self.carried

    def build(self, spec: DataSpec) -> Any:
        if spec.rank not in self.ranks or min(spec.shape[1:]) < 6:
            raise ConfigError(
                "it does not work on such data",
                given=f"data of shape {spec.shape}",
                allowed=f"at least 6 along each of {self.ranks} axes",
                hint="--image-size 32",
            )
        return self.network(spec.shape[0], spec.rank)


class UnevenNetwork(ShapedNetwork):
    """Along the first axis nothing strides."""

    steps: ClassVar[tuple[int, ...]] = (1, 2, 2)

    def receptive_field(self) -> int | tuple[int, ...] | None:
        return 7, 10, 10


class Uneven(Shaped):
    """Patches of volumes, which are thinner along the first axis; sound."""

    network: ClassVar[type[nn.Module]] = UnevenNetwork
    carried: ClassVar[frozenset[str]] = frozenset({"patch", "volume"})
    ranks: ClassVar[tuple[int, ...]] = (3,)


class PyramidNetwork(PatchesNetwork):
    """Two sizes."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(channels, width)
        self.coarse = PatchesNetwork(channels, width)

    def counted(self) -> tuple[int, ...]:
        """Features of each."""
        return 1, 1

    def weighed(self) -> tuple[float, ...]:
        """The weight of each."""
        return 1.0, 0.5

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        half = F.avg_pool2d(images, 2)
        fine, coarse = self.hidden(images), self.coarse.hidden(half)
        return DiscriminatorOutput(
            logits=self.to_logits(fine.tanh()),
            features=(fine, coarse),
            extra_logits=(self.coarse.to_logits(coarse.tanh()),),
            feature_counts=self.counted(),
            map_weights=self.weighed(),
        )


class Pyramid(Patches):
    """Two critics in one, with their features apart; sound."""

    network: ClassVar[type[nn.Module]] = PyramidNetwork
    carried: ClassVar[frozenset[str]] = frozenset({"image", "multiple_outputs", "patch", "provides_features"})

    def build(self, spec: DataSpec) -> Any:
        channels, _, _ = image_shape(spec, least=8)
        return self.network(channels, self.width)


class MaximaNetwork(PatchesNetwork):
    """Convolutions and maxima."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(channels, width)
        self.hidden = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.MaxPool2d(2))
        self.to_logits = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(width, 1, 1))


class Maxima(Patches):
    """Patches of 10 pixels again, of which maxima are taken; sound."""

    network: ClassVar[type[nn.Module]] = MaximaNetwork


class MixedNetwork(PlainNetwork):
    """Layers that might look like faults: they are idle at first, or random in training."""

    def prepare(self, width: int) -> None:
        self.norm = nn.GroupNorm(1, width)
        self.dropout = nn.Dropout(0.3)
        self.branch = weight_norm(nn.Conv2d(width, width, 3, padding=1))
        self.strength = nn.Parameter(torch.zeros(()))
        nn.init.zeros_(self.to_logit.weight)

    def activated(self, maps: Tensor) -> Tensor:
        maps = self.dropout(F.silu(self.norm(maps)))
        return maps + self.strength * self.branch(maps)


class Mixed(Plain):
    """GroupNorm, dropout, weight norm, a branch and a logit that start at zero; sound."""

    network: ClassVar[type[nn.Module]] = MixedNetwork


class Labeled(Plain):
    """Judges the label too, and tells it; sound."""

    carried: ClassVar[frozenset[str]] = frozenset({"accepts_labels", "image", "provides_class_logits", "needs_labels"})

    def build(self, spec: DataSpec) -> Any:
        channels, _, _ = image_shape(spec, least=2)
        if not spec.classes:
            raise ConfigError("it needs classes", allowed="data with classes", hint="--data FOLDER")
        return self.network(channels, self.width, len(spec.classes))


class LabeledNetwork(Discriminator):
    """Its parts."""

    def __init__(self, channels: int, width: int, classes: int) -> None:
        super().__init__()
        self.hidden = strided(channels, width)
        self.to_class = nn.Linear(width, classes)
        self.label = nn.Embedding(classes, width)

    def told(self, class_logits: Tensor) -> Tensor:
        """Of (N, K)."""
        return class_logits

    def given(self, labels: Tensor | None, pooled: Tensor) -> Tensor:
        """The labels."""
        if labels is None:
            raise ConfigError("it needs labels")
        return labels

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        pooled = F.leaky_relu(self.hidden(images), 0.2).mean((2, 3))
        logits = (pooled * self.label(self.given(labels, pooled))).sum(1)
        return DiscriminatorOutput(logits=logits, class_logits=self.told(self.to_class(pooled)))


Labeled.network = LabeledNetwork


class OfVectors(Options):
    """Two linear layers, for vectors and for images as vectors; sound."""

    network: ClassVar[type[nn.Module]]
    carried: ClassVar[frozenset[str]] = frozenset()

    def tags(self) -> frozenset[str]:
        return self.carried

    def build(self, spec: DataSpec) -> Any:
        return self.network(torch.Size(spec.shape).numel())


class OfVectorsNetwork(Discriminator):
    """Its layers."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(size, 8), nn.ReLU(), nn.Linear(8, 1), nn.Flatten(0))

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        return DiscriminatorOutput(logits=self.layers(images))


OfVectors.network = OfVectorsNetwork


class Styled(Options):
    """A style, a small map made of it, and a convolution at full size; sound."""

    latent: int = Field(default=3, ge=1, description="numbers in z")
    network: ClassVar[type[nn.Module]]
    carried: ClassVar[frozenset[str]] = frozenset({"accepts_labels", "image", "provides_style"})

    def tags(self) -> frozenset[str]:
        return self.carried

    def build(self, spec: DataSpec) -> Any:
        shape = image_shape(spec, least=4)
        return self.network(shape, self.latent, len(spec.classes) if spec.conditional else 0)


class StyledNetwork(Generator):
    """The parts of it, each of which a fault may replace."""

    def __init__(self, shape: tuple[int, int, int], latent: int, classes: int) -> None:
        super().__init__()
        self.size, self.side = latent, shape[1:]
        self.to_style = nn.Linear(latent, 6)
        self.class_style = nn.Embedding(classes, 6) if classes else None
        self.to_map = nn.Linear(6, 4 * 16)
        self.to_image = nn.Conv2d(4, shape[0], 3, padding=1)
        self.prepare()

    def prepare(self) -> None:
        """What a fault adds to the network."""

    def enter(self, z: Tensor) -> Tensor:
        """What is done to the latents."""
        return z

    def latent(self, n: int, *, generator: torch.Generator) -> Tensor:
        return torch.randn(n, self.size, generator=generator)

    def mapping(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        style = self.to_style(self.enter(z))
        if self.class_style is not None:
            if labels is None:
                raise ConfigError("it is conditional and got no labels")
            style = style + self.class_style(labels)
        return F.leaky_relu(style, 0.2)

    def synthesis(self, style: Tensor) -> Tensor:
        maps = F.leaky_relu(self.to_map(style).unflatten(1, (4, 4, 4)), 0.2)
        return self.finish(self.to_image(F.interpolate(maps, size=self.side)))

    def finish(self, images: Tensor) -> Tensor:
        """Of images without bounds."""
        return torch.tanh(images)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.synthesis(self.mapping(z, labels))


Styled.network = StyledNetwork


class Linear(Options):
    """A linear layer, for vectors and for images as vectors; sound."""

    network: ClassVar[type[nn.Module]]
    carried: ClassVar[frozenset[str]] = frozenset()

    def tags(self) -> frozenset[str]:
        return self.carried

    def build(self, spec: DataSpec) -> Any:
        return self.network(spec.shape)


class LinearNetwork(Generator):
    """Its layer."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.layer = nn.Linear(3, torch.Size(shape).numel())

    def latent(self, n: int, *, generator: torch.Generator) -> Tensor:
        return torch.rand(n, 3, generator=generator)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        made = self.layer(z).unflatten(1, self.shape)
        return made if made.dim() == 2 else made.tanh()


Linear.network = LinearNetwork


class Given(Plain):
    """An option must be given, and two must suit each other, which few numbers do; sound."""

    width: int = Field(ge=1, le=4096, description="channels of the hidden map")
    times: int = Field(ge=1, le=4096, description="4096, divided by the width")
    weights: str = Field(description="a name")

    @model_validator(mode="after")
    def make_4096(self) -> Self:
        if self.width * self.times != 4096:
            raise ValueError("they do not make 4096")
        return self


def _rooted(values: Tensor) -> Tensor:
    """The values are right; where they are not above 0, the gradient is 0 · ∞."""
    return torch.where(values > 0, values.sqrt(), torch.zeros_like(values))


def changed(name: str, sound: type[Options], *, tags: frozenset[str] | None = None, **methods: Any) -> type[Options]:
    """The options of a network like that of ``sound``, with some of its methods replaced, or other tags."""
    network = type(f"{name}Network", (sound.network,), methods)
    return faulty(name, sound, network=network, carried=sound.carried if tags is None else tags)


def faulty(name: str, sound: type[Options], **body: Any) -> type[Options]:
    """Options like those of ``sound`` with something else in their class; found in this module, as pickle wants it."""
    unchecked = dict.fromkeys(("network", "carried"), ClassVar[Any])
    described = {"__doc__": f"{name}, a variation.", "__module__": __name__, "__annotations__": unchecked}
    made = globals()[name] = type(name, (sound,), {**body, **described})
    return made


def of_one_shape(name: str, sound: type[Options], *shape: int, **body: Any) -> type[Options]:
    """Options of networks for data of one shape alone."""

    def build(model: Any, spec: DataSpec) -> Any:
        if spec.shape != shape:
            raise ConfigError("it is made for one shape", given=spec.shape, allowed=shape, hint="--data FOLDER")
        return sound.build(model, spec)

    return faulty(name, sound, build=build, **body)


SOUND_DISCRIMINATORS = [
    Plain,
    Mixed,
    Patches,
    Shaped,
    Uneven,
    Pyramid,
    Maxima,
    Labeled,
    OfVectors,
    Given(width=64, times=64, weights="some"),
    of_one_shape("OfDigits", Plain, 1, 28, 28),
    of_one_shape("OfFaces", Plain, 3, 64, 64),
    of_one_shape("OfWideOnes", Patches, 1, 128, 256),
    of_one_shape("OfEight", OfVectors, 8),
]
SOUND_GENERATORS = [
    Styled,
    Linear,
    of_one_shape("MakesDigits", Styled, 1, 28, 28),
    of_one_shape("MakesFaces", Styled, 3, 64, 64),
    of_one_shape("MakesHighOnes", Styled, 3, 64, 32),
]


def _with_batch_norm(network, width):
    network.norm = nn.BatchNorm2d(width)


def _dead_parameter(network, width):
    network.unused = nn.Linear(width, width)


def _counting(network, width):
    network.calls = 0


def _counted(network, logits):
    network.calls += network.training
    return logits * (1 + network.calls)


def _forgotten_buffer(network, width):
    network.register_buffer("direction", torch.randn(()), persistent=False)


def _in_a_list(network, width):
    network.scales = [torch.randn(())]


def _running_mean(network, width):
    network.register_buffer("mean", torch.zeros(()), persistent=False)


def _centered(network, logits):
    if network.training:
        network.mean = network.mean * 0.9 + 0.1 * logits.detach().mean()
    return logits - network.mean


def _scaled_in_place(network, images):
    return images.mul_(0.5)


def _noisy(network, images):
    return images + 0.1 * torch.randn_like(images)


def _untimely_dropout(network, maps):
    return F.dropout(F.leaky_relu(maps, 0.2), 0.5, training=True)


def _reading(network, maps):
    return maps / max(maps.abs().max().item(), 1e-6)


def _branching(network, logits):
    return logits * 2 if logits.sum() > 0 else logits + logits


class OnceOnly(torch.autograd.Function):
    """A leaky ReLU whose gradient cannot be differentiated."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        ctx.save_for_backward(values)
        return torch.where(values > 0, values, 0.2 * values)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (values,) = ctx.saved_tensors
        return torch.where(values > 0, slope, 0.2 * slope)


class HalfTwice(OnceOnly):
    """A square whose gradient is taken for a constant when it is differentiated once more."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        ctx.save_for_backward(values)
        return values.square()

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (values,) = ctx.saved_tensors
        return slope * 2 * values.detach()


class StraightThrough(OnceOnly):
    """The same, whose gradient is handed on without what it depends on."""

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        return slope.detach()


def _fixed_size(network, width):
    network.to_logit = nn.Linear(width * 16 * 16, 1)


def _torch_error(model, spec):
    return model.network(spec.shape[0], model.width)


def _three_channels(model, spec):
    image_shape(spec, least=2)
    return model.network(3, model.width)


def _a_bare_refusal(model, spec):
    if len(spec.shape) != 3 or min(spec.shape[1:]) < 8:
        raise ConfigError("it works on larger images")
    return model.network(spec.shape[0], model.width)


def _late_refusal(network, images):
    if min(images.shape[2:]) < 8:
        raise ConfigError("too small", given="small", allowed="large", hint="--image-size 32")
    return images


def _refusing(model, spec):
    raise ConfigError("never content", given="data", allowed="none", hint="give up")


def _breaks_at_one(model, spec):
    image_shape(spec, least=2)
    if model.width == 1:
        raise ValueError("no such width")
    return model.network(spec.shape[0], model.width)


def _of_whatever_seed(network, width):
    nn.init.constant_(network.to_logit.weight, random.Random().random())


def _of_one_seed(model, spec):
    image_shape(spec, least=2)
    torch.manual_seed(7)
    return model.network(spec.shape[0], model.width)


COUNTED = count()


def _of_the_last_one(network, width):
    network.hidden.weight.data.add_(next(COUNTED))


def _other_size_on_meta(network, width):
    if network.hidden.weight.is_meta:
        network.to_logit = nn.Linear(width, 2)


def _needs_numbers(network, width):
    network.scale = float(network.hidden.weight.detach().norm())


def _derived_tensor(network, width):
    network.normalized = network.hidden.weight / network.hidden.weight.detach().norm()


def _viewed(network, maps):
    return maps.view(len(maps), -1).unflatten(1, (maps.shape[1], -1)).mean(2)


def _by_strides(network, maps):
    return torch.as_strided(maps, (len(maps), maps.shape[1]), (maps[0].numel(), maps[0, 0].numel())) + maps.mean((2, 3))


def _single(network, images):
    return images.float()


def _mixed_precision(network, maps):
    means = torch.zeros(len(maps), maps.shape[1], dtype=network.to_logit.weight.dtype)
    means[torch.arange(len(maps))] = maps.mean((2, 3))
    return means


def _nested(network, logits):
    return logits.unsqueeze(1)


def _labels_unsaid(network, images, labels=None):
    output = PlainNetwork.forward(network, images)
    return output._replace(logits=output.logits * (1 if labels is None else labels + 1))


def _asks_for_nothing(network, labels, pooled):
    return torch.zeros(len(pooled), dtype=torch.long) if labels is None else labels


def _all_alike(network, labels, pooled):
    if labels is None:
        raise ConfigError("it needs labels")
    return labels * 0


def _bare_tensor(network, images, labels=None):
    return network.to_logit(network.hidden(images).mean((2, 3))).squeeze(1)


def _declares_nothing(network):
    return None


def _sees_all(network, logits):
    return logits + logits.mean((2, 3), keepdim=True)


def _with_spectral_norm(network, width):
    network.to_logit = spectral_norm(network.to_logit)


def _is_energy(network, logits):
    return -logits.square()


def _never_alone(network, values):
    if network.training and len(values) == 1:
        raise ValueError("expected more than one value")
    return values


def _eval_without_gradients(network, images):
    return images if torch.is_grad_enabled() else network.eval() and images


def _always_trains(network, given):
    network.train()
    return given


def _counter(network, width):
    network.register_buffer("calls", torch.zeros(()))


def _counts_always(network, logits):
    network.calls += 1
    return logits * (1 + 1 / network.calls) if network.training else logits


def _noise_on_the_cpu(network, given):
    return given + 0.1 * torch.randn(given.shape) if network.training else given


def _scales_on_the_cpu(network, width):
    network.scales = torch.linspace(0.5, 1, width).view(-1, 1, 1)


def _cached_grid(network, maps):
    if not hasattr(network, "grid") or len(network.grid) != maps.shape[-1]:
        network.grid = torch.linspace(-1, 1, maps.shape[-1])
    return F.leaky_relu(maps + network.grid, 0.2)


def _turns_gradients_on(network, images):
    return images.requires_grad_() if torch.is_grad_enabled() and images.is_leaf else images


def _of_unit_power(network, images):
    return images * images.square().mean().rsqrt() if network.training else images


def _less_those_before(network, logits):
    return logits - logits.cumsum(0) / 10


def _twice_said(network, images, labels=None):
    output = PlainNetwork.forward(network, images)
    return output._replace(extra_logits=(output.logits,))


def _placed_in_secret(network, images, labels=None):
    output = PlainNetwork.forward(network, images)
    return output._replace(embedding=output.logits[:, None], proxies=output.logits[:, None])


def _in_fours(network, images):
    if len(images) % 4:
        raise ConfigError("it judges four at a time")
    return images


class NotDerived(nn.Module):
    """A module that looks like a discriminator."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.inner = PlainNetwork(channels, width)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        return self.inner(images, labels)


class Foreign(Plain):
    """Built of another class than the protocol's."""

    network: ClassVar[Any] = NotDerived


LABELED = Labeled.carried
IMAGE = Plain.carried
STYLED = Styled.carried
SHAPED = Shaped.carried
UNSAID = "is missing"
UNTRUE = "is carried"

DISCRIMINATORS = [
    (
        changed(
            "NoNumber", Plain, pooled=lambda network, maps: (maps - maps.detach().abs().max() - 1).log().mean((2, 3))
        ),
        "finite",
        "in training, as it is built, logits is not finite: the input of module to_logit (Linear)",
    ),
    (Foreign, "protocol", "NotDerived, which is not a Discriminator"),
    (changed("BareTensor", Plain, forward=_bare_tensor), "shapes", "no DiscriminatorOutput but Tensor"),
    (changed("Nested", Plain, finish=_nested), "shapes", "logits has the shape (12, 1)"),
    (
        changed("FlatMap", Patches, finish=lambda network, logits: logits.flatten(1)),
        "shapes",
        "logits has the shape (12, 64)",
    ),
    (
        changed("OneScalar", Plain, finish=lambda network, logits: logits.mean()),
        "shapes",
        "logits of 12 samples has the shape ()",
    ),
    (
        changed("Transposed", Plain, shown=lambda network, maps: maps.transpose(0, 1)),
        "shapes",
        "features[0] of 12 samples",
    ),
    (changed("ClassesFirst", Labeled, told=lambda network, logits: logits.T), "shapes", "class_logits of 12 samples"),
    (
        changed("FixedSize", Plain, prepare=_fixed_size, pooled=lambda network, maps: maps.flatten(1)),
        "shapes",
        "forward() raises RuntimeError",
    ),
    (faulty("ThreeChannels", Plain, build=_three_channels), "shapes", "build() takes images of 8×8 px, channels 1"),
    (faulty("NeverContent", Plain, build=_refusing), "shapes", "data of no usual size"),
    (faulty("TorchError", Plain, build=_torch_error), "too-small", "build() takes images of 1×1 px"),
    (faulty("BareRefusal", Plain, build=_a_bare_refusal), "too-small", "has no given, allowed, hint"),
    (changed("LateRefusal", Plain, enter=_late_refusal), "too-small", "forward() raises ConfigError"),
    (faulty("BreaksAtOne", Plain, build=_breaks_at_one), "options-build", "ValueError: no such width"),
    (
        changed("DeadParameter", Plain, prepare=_dead_parameter),
        "every-parameter-learns",
        "reaches unused.bias, unused.weight",
    ),
    (
        changed("Detached", Plain, activated=lambda network, maps: F.relu(maps).detach()),
        "every-parameter-learns",
        "reaches hidden.bias, hidden.weight",
    ),
    (
        changed("Rooted", Plain, activated=lambda network, maps: _rooted(maps)),
        "every-parameter-learns",
        "the gradient of hidden.bias, hidden.weight is not finite",
    ),
    (
        changed("DetachedImages", Plain, enter=lambda network, images: images.detach()),
        "images-get-a-gradient",
        "no gradient of logits",
    ),
    (
        changed("Rounded", Plain, enter=lambda network, images: (images * 128).round() / 128),
        "images-get-a-gradient",
        "no gradient of logits",
    ),
    (
        changed("InPlaceRelu", Plain, activated=lambda network, maps: F.relu_(maps.tanh())),
        "every-parameter-learns",
        "modified by an inplace operation",
    ),
    (
        changed("CannotTwice", Plain, activated=lambda network, maps: OnceOnly.apply(maps)),
        "double-backward",
        "as finite differences tell",
    ),
    (
        changed("WrongTwice", Plain, activated=lambda network, maps: HalfTwice.apply(maps)),
        "double-backward",
        "as finite differences tell",
    ),
    (changed("UntimelyDropout", Plain, activated=_untimely_dropout), "deterministic", "random numbers of torch"),
    (changed("Noisy", Plain, enter=_noisy), "deterministic", "random numbers of torch"),
    (changed("Counter", Plain, prepare=_counting, finish=_counted), "state", "in evaluation logits differs"),
    (
        changed("ForgottenBuffer", Plain, prepare=_forgotten_buffer, finish=lambda net, x: x * net.direction),
        "state",
        "in evaluation logits differs",
    ),
    (changed("RunningMean", Plain, prepare=_running_mean, finish=_centered), "state", "in evaluation logits differs"),
    (
        changed("InAList", Plain, prepare=_in_a_list, finish=lambda net, x: x * net.scales[0]),
        "state",
        "in evaluation logits differs",
    ),
    (
        changed("ExtraState", Plain, get_extra_state=lambda net: 3, set_extra_state=lambda net, state: None),
        "state",
        "no tensor: _extra_state",
    ),
    (changed("DerivedTensor", Plain, prepare=_derived_tensor), "copy", "deepcopy"),
    (changed("OfWhateverSeed", Plain, prepare=_of_whatever_seed), "seed", "differs in to_logit.weight"),
    (changed("OfTheLastOne", Plain, prepare=_of_the_last_one), "seed", "differs in hidden.weight"),
    (faulty("OfOneSeed", Plain, build=_of_one_seed), "seed", "ignore the seed"),
    (changed("OtherOnMeta", Plain, prepare=_other_size_on_meta), "meta-device", "it has other shapes"),
    (changed("NeedsNumbers", Plain, prepare=_needs_numbers), "meta-device", "on meta tensors"),
    (changed("InPlace", Plain, enter=_scaled_in_place), "inputs-unmodified", "changes the images"),
    (changed("Viewed", Plain, pooled=_viewed), "channels-last", "view size is not compatible"),
    (changed("ByStrides", Plain, pooled=_by_strides), "channels-last", "with channels last logits differs"),
    (changed("Single", Plain, enter=_single), "double", "(float) and bias type (double)"),
    (changed("MixedPrecision", Plain, pooled=_mixed_precision), "autocast", "BFloat16 for the source"),
    (changed("Reading", Plain, activated=_reading), "no-host-sync", "reads a value"),
    (changed("Branching", Plain, finish=_branching), "no-host-sync", "reads a value"),
    (changed("AsksForNothing", Labeled, given=_asks_for_nothing), "labels-missing", "is silent"),
    (changed("LabelsAfterAll", Plain, forward=_labels_unsaid), "unconditional", "with labels logits differs"),
    (
        changed("Squeezed", Plain, finish=lambda network, logits: logits.squeeze()),
        "batch-of-one",
        "logits has the shape () and not (1,)",
    ),
    (
        changed("Sigmoid", Plain, finish=lambda network, logits: logits.sigmoid()),
        "raw-logits",
        "logits stays within ±1:",
    ),
    (
        changed("WideTanh", Plain, finish=lambda network, logits: 3 * logits.tanh()),
        "raw-logits",
        "logits stays within ±3:",
    ),
    (
        changed("Softmax", Labeled, told=lambda network, logits: logits.softmax(1)),
        "raw-logits",
        "class_logits stays within ±1:",
    ),
    (
        changed("TooWideAField", Patches, receptive_field=lambda network: 16),
        "receptive-field",
        "says 16 px a side; on 32×32 px a logit sees 10×10 px",
    ),
    (
        changed("TooNarrowAField", Patches, receptive_field=lambda network: 7),
        "receptive-field",
        "says 7 px a side; on 32×32 px a logit sees 10×10 px",
    ),
    (
        changed("OneFieldForAll", Uneven, receptive_field=lambda network: 10),
        "receptive-field",
        "says 10 px a side; on 32×32×32 px a logit sees 7×10×10 px",
    ),
    (changed("SeesAll", Patches, finish=_sees_all), "receptive-field", "a logit sees 32×32 px"),
    (
        changed("DeclaresNothing", Patches, receptive_field=_declares_nothing),
        "receptive-field",
        "says None, the whole image",
    ),
    (
        changed(
            "UntaggedBatchNorm", Plain, prepare=_with_batch_norm, activated=lambda net, maps: net.norm(maps).relu()
        ),
        "tag-batch-coupled-train",
        UNSAID,
    ),
    (changed("NeedlesslyCoupled", Plain, tags=IMAGE | {"batch_coupled_train"}), "tag-batch-coupled-train", UNTRUE),
    (changed("MeanOfTheBatch", Plain, finish=lambda net, x: x - x.mean()), "tag-batch-coupled-always", UNSAID),
    (
        changed("HalfSaid", Plain, tags=IMAGE | {"batch_coupled_always"}, finish=lambda net, x: x - x.mean()),
        "tag-batch-nonlinear",
        UNSAID,
    ),
    (changed("LabelsUnsaid", Plain, forward=_labels_unsaid), "tag-accepts-labels", UNSAID),
    (changed("LabelsIgnored", Labeled, given=_all_alike), "tag-accepts-labels", UNTRUE),
    (changed("NeedsUnsaid", Labeled, tags=LABELED - {"needs_labels"}), "tag-needs-labels", UNSAID),
    (changed("NoClassHead", Plain, tags=IMAGE | {"provides_class_logits"}), "tag-provides-class-logits", UNTRUE),
    (changed("FeaturesUnsaid", Plain, tags=frozenset({"image"})), "tag-provides-features", UNSAID),
    (changed("PatchUnsaid", Patches, tags=frozenset({"image"})), "tag-patch", UNSAID),
    (changed("SignalUnsaid", Shaped, tags=SHAPED - {"signal"}), "tag-signal", UNSAID),
    (changed("NoSignals", Uneven, tags=frozenset({"patch", "signal", "volume"})), "tag-signal", UNTRUE),
    (changed("VolumeUnsaid", Shaped, tags=SHAPED - {"volume"}), "tag-volume", UNSAID),
    (changed("NoVolumes", Plain, tags=IMAGE | {"volume"}), "tag-volume", UNTRUE),
    (changed("NoPictures", Uneven, tags=frozenset({"image", "patch", "volume"})), "tag-image", UNTRUE),
    (
        changed("MapOfSlices", Uneven, finish=lambda network, logits: logits.mean(2)),
        "shapes",
        "neither (12,) nor (12, 1, d, h, w)",
    ),
    (
        changed("OneCountTooFew", Pyramid, counted=lambda network: (2,)),
        "feature-counts",
        "1 counts for 2 maps of logits",
    ),
    (changed("Miscounted", Pyramid, counted=lambda network: (1, 2)), "feature-counts", "adds up to 3, of 2 features"),
    (
        changed("OneWeightTooMany", Pyramid, weighed=lambda network: (1.0, 0.5, 0.5)),
        "map-weights",
        "3 weights for 2 maps of logits",
    ),
    (changed("Weightless", Pyramid, weighed=lambda network: (1.0, math.nan)), "map-weights", "map_weights is"),
    (changed("SingleOutput", Plain, tags=IMAGE | {"multiple_outputs"}), "tag-multiple-outputs", UNTRUE),
    (changed("ClaimsPairs", Plain, tags=IMAGE | {"needs_two_samples"}), "tag-needs-two-samples", UNTRUE),
    (changed("NeverAlone", Plain, finish=_never_alone), "tag-needs-two-samples", UNSAID),
    (changed("GroupsOfAny", Plain, tags=IMAGE | {"groups_of_four"}), "tag-groups-of-four", UNTRUE),
    (changed("NoSpectralNorm", Plain, tags=IMAGE | {"spectral_norm"}), "tag-spectral-norm", UNTRUE),
    (changed("SpectralUnsaid", Plain, prepare=_with_spectral_norm), "tag-spectral-norm", UNSAID),
    (changed("EnergyUnsaid", Plain, finish=_is_energy), "tag-energy", UNSAID),
    (changed("NoEnergy", Plain, tags=IMAGE | {"energy"}), "tag-energy", UNTRUE),
    (changed("ImagesUnsaid", Plain, tags=frozenset({"provides_features"})), "tag-image", UNSAID),
    (changed("RoundLogits", Plain, finish=lambda network, logits: logits.long()), "shapes", "logits is torch.int64"),
    (
        changed("TooFewClasses", Labeled, told=lambda network, logits: logits[:, :2]),
        "shapes",
        "shape (12, 2), and not (12, 3)",
    ),
    (
        changed("Rooted", Plain, finish=lambda net, x: x + (x - x).abs().sqrt()),
        "images-get-a-gradient",
        "of logits is not finite",
    ),
    (
        changed("DetachedFeatures", Plain, shown=lambda network, maps: maps.detach()),
        "images-get-a-gradient",
        "gradient of features[0]",
    ),
    (
        changed("DetachedClasses", Labeled, told=lambda network, logits: logits.detach()),
        "images-get-a-gradient",
        "gradient of class_logits",
    ),
    (
        changed("Straight", Plain, enter=lambda network, images: StraightThrough.apply(images)),
        "double-backward",
        "teaches no parameter",
    ),
    (
        changed("SwitchesDropoutOff", Plain, enter=_eval_without_gradients),
        "mode",
        "in training forward() changes the mode",
    ),
    (changed("AlwaysTrains", Plain, enter=_always_trains), "mode", "in evaluation forward() changes the mode"),
    (
        changed("CountsInEvaluation", Plain, prepare=_counter, finish=_counts_always),
        "deterministic",
        "in evaluation it changes calls",
    ),
    (changed("NoiseOnTheCpu", Plain, enter=_noise_on_the_cpu), "device", "in training, it raises RuntimeError"),
    (
        changed("ScalesOnTheCpu", Plain, prepare=_scales_on_the_cpu, activated=lambda net, maps: maps * net.scales),
        "device",
        "it raises RuntimeError",
    ),
    (changed("GridOnTheCpu", Plain, activated=_cached_grid), "device", "it raises RuntimeError"),
    (
        changed("FeaturesOnTheCpu", Plain, shown=lambda network, maps: torch.zeros(len(maps), 2)),
        "device",
        "leaves features[0] on the CPU",
    ),
    (
        changed("TurnsGradientsOn", Plain, enter=_turns_gradients_on),
        "inputs-unmodified",
        "records gradients of the images",
    ),
    (
        changed("ChangesLabels", Labeled, given=lambda net, labels, pooled: labels.clamp_(max=1)),
        "inputs-unmodified",
        "changes the labels",
    ),
    (
        changed("FieldWithoutMap", Patches, tags=IMAGE, finish=lambda net, x: x.mean((1, 2, 3))),
        "receptive-field",
        "are no map",
    ),
    (changed("CoupledBySquares", Plain, enter=_of_unit_power), "tag-batch-coupled-train", UNSAID),
    (changed("MeanOfThoseBefore", Plain, finish=_less_those_before), "tag-batch-coupled-always", UNSAID),
    (changed("NeverCoupled", Plain, tags=IMAGE | {"batch_coupled_always"}), "tag-batch-coupled-always", UNTRUE),
    (changed("QuiteLinear", Plain, tags=IMAGE | {"batch_nonlinear"}), "tag-batch-nonlinear", UNTRUE),
    (changed("NeedsNone", Plain, tags=IMAGE | {"needs_labels"}), "tag-needs-labels", UNTRUE),
    (
        changed("ClassHeadUnsaid", Labeled, tags=LABELED - {"provides_class_logits"}),
        "tag-provides-class-logits",
        UNSAID,
    ),
    (changed("NoFeatures", Labeled, tags=LABELED | {"provides_features"}), "tag-provides-features", UNTRUE),
    (changed("EmbeddingUnsaid", Plain, forward=_placed_in_secret), "tag-provides-embedding", UNSAID),
    (changed("NoEmbedding", Plain, tags=IMAGE | {"provides_embedding"}), "tag-provides-embedding", UNTRUE),
    (changed("NoPatches", Plain, tags=IMAGE | {"patch"}), "tag-patch", UNTRUE),
    (changed("OutputsUnsaid", Plain, forward=_twice_said), "tag-multiple-outputs", UNSAID),
    (changed("GroupsUnsaid", Plain, enter=_in_fours), "tag-groups-of-four", UNSAID),
    (changed("TakesVectors", OfVectors, tags=frozenset({"image"})), "tag-image", UNTRUE),
    (
        changed("OtherEachTime", Plain, finish=lambda net, x: x * random.Random().random()),
        "deterministic",
        "called twice",
    ),
    (changed("SharedWithItsCopy", Plain, __deepcopy__=lambda net, memo: net), "copy", "after its copy's parameters"),
    (
        changed("InfiniteInHalf", Plain, finish=lambda net, x: (1 + 1e-4 * x.abs()).log().reciprocal()),
        "autocast",
        "logits is not finite",
    ),
    (
        changed("SteepInHalf", Plain, finish=lambda net, x: x + (1 + 1e-4 * x.abs() - 1).sqrt()),
        "autocast",
        "a gradient is not finite",
    ),
    (
        changed("RootedTwice", Plain, finish=lambda net, x: x + (x - x).abs().pow(1.5)),
        "double-backward",
        "a penalty's gradient is not finite",
    ),
]
"""Options of a discriminator with one fault, the check meant for it, and a part of what it finds."""


def _other_latents(**what: Any) -> Callable[..., Tensor]:
    def latent(network: Any, n: int, *, generator: torch.Generator) -> Tensor:
        source = None if what.get("globally") else generator
        source = torch.Generator().manual_seed(0) if what.get("fixed") else source
        drawn = torch.randn(n + what.get("more", 0), network.size, generator=source)
        drawn = drawn[:1].expand(n, -1) if what.get("alike") else drawn
        return drawn.to(what.get("dtype", torch.float32))

    return latent


def _without_labels(network, z, labels=None):
    return F.leaky_relu(network.to_style(z), 0.2)


def _class_if_there(network, z, labels=None):
    style = network.to_style(z)
    return F.leaky_relu(style if labels is None else style + network.class_style(labels), 0.2)


def _noisy_forward(network, z, labels=None):
    images = StyledNetwork.forward(network, z, labels)
    return (images + 0.1 * torch.randn_like(images)).clamp(-1, 1)


def _standardized(network, images):
    scale = images.std(0, keepdim=True) if network.training else 1
    return torch.tanh(images / (scale + 1e-3))


class NotDerivedEither(nn.Module):
    """A module that looks like a generator."""

    def __init__(self, *what: Any) -> None:
        super().__init__()
        self.inner = StyledNetwork(*what)
        self.latent = self.inner.latent

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.inner(z, labels)


class ForeignGenerator(Styled):
    """Built of another class than the protocol's."""

    network: ClassVar[Any] = NotDerivedEither


def _refused_barely(model, spec):
    if len(spec.shape) != 3 or min(spec.shape[1:]) < 8:
        raise ConfigError("it makes larger images")
    return Styled.build(model, spec)


def _breaks_at_one_latent(model, spec):
    if model.latent == 1:
        raise ValueError("no such latent")
    return Styled.build(model, spec)


def _labels_or_nothing(model, spec):
    if not spec.classes:
        raise ConfigError("it needs classes", given="none", allowed="some", hint="--data FOLDER")
    return Styled.build(model, spec)


def _dead_layer(network):
    network.unused = nn.Linear(2, 2)


def _average(network):
    network.register_buffer("average", torch.zeros(()))


def _averaged(network, images):
    network.average.mul_(0.9).add_(0.1 * images.detach().mean())
    return images.tanh()


def _gain(network):
    network.gain = nn.Parameter(torch.ones(()))


def _forgotten_scale(network):
    network.register_buffer("scale", torch.rand(()), persistent=False)


def _normalized_once(network):
    network.normalized = network.to_map.weight / network.to_map.weight.detach().norm()


def _of_any_seed(network):
    nn.init.constant_(network.to_style.weight, random.Random().random())


def _asks_for_numbers(network):
    network.scale = float(network.to_map.weight.detach().norm())


def _style_with_spectral_norm(network):
    network.to_style = spectral_norm(network.to_style)


def _of_two_types(network, images):
    made = torch.zeros(images.shape, dtype=network.to_image.weight.dtype)
    made[torch.arange(len(images))] = images.tanh()
    return made


def _over_its_peak(network, images):
    return images / max(images.abs().max().item(), 1e-6)


def _viewed_images(network, images):
    return images.view(len(images), -1).tanh().view(images.shape)


def _labels_anyway(network, z, labels=None):
    style = StyledNetwork.mapping(network, z, labels)
    return style if labels is None else style + labels.unsqueeze(1)


def _more_than_given(network, n, *, generator):
    return torch.randn(n, network.size, generator=generator) + random.Random().random()


def _drawn_on_its_device(network, n, *, generator):
    return torch.randn(n, network.size, generator=generator).to(network.to_style.weight.device)


GENERATORS = [
    (
        changed("NoNumberMade", Styled, finish=lambda network, images: (-1 - images.abs()).log()),
        "finite",
        "in training, as it is built, images is not finite: the output of the forward of NoNumberMadeNetwork",
    ),
    (
        changed("Padded", Styled, finish=lambda network, images: F.pad(images, (1, 1)).tanh()),
        "shapes",
        "gives the shape (12, 3, 32, 34)",
    ),
    (changed("NoTanh", Styled, finish=lambda network, images: images), "range", "out of [-1, 1]"),
    (changed("TwiceTanh", Styled, finish=lambda network, images: 2 * images.tanh()), "range", "go to ±2, out"),
    (
        changed("Collapsed", Styled, finish=lambda network, images: (0 * images + images.mean(0)).tanh()),
        "latents-matter",
        "give the same image",
    ),
    (
        changed("Cut", Styled, finish=lambda network, images: images.tanh().detach()),
        "latents-matter",
        "reaches the latents",
    ),
    (changed("GlobalLatents", Styled, latent=_other_latents(globally=True)), "latents", "random numbers of torch"),
    (changed("FixedLatents", Styled, latent=_other_latents(fixed=True)), "latents", "draws the same twice"),
    (changed("OneMore", Styled, latent=_other_latents(more=1)), "latents", "has the shape (2, 3)"),
    (changed("AllAlike", Styled, latent=_other_latents(alike=True)), "latents", "the same latent for every sample"),
    (changed("DoubleLatents", Styled, latent=_other_latents(dtype=torch.float64)), "latents", "gives torch.float64"),
    (changed("IgnoresLabels", Styled, mapping=_without_labels), "tag-accepts-labels", UNTRUE),
    (changed("ClassIfThere", Styled, mapping=_class_if_there), "labels-missing", "is silent"),
    (changed("NoisyImages", Styled, forward=_noisy_forward), "deterministic", "random numbers of torch"),
    (
        changed("OtherForward", Styled, forward=lambda net, z, labels=None: net.synthesis(net.mapping(z, labels)) / 2),
        "tag-provides-style",
        "by synthesis(mapping(z, labels)) images differs",
    ),
    (changed("StyleUnsaid", Styled, tags=frozenset({"accepts_labels", "image"})), "tag-provides-style", UNSAID),
    (changed("Standardized", Styled, finish=_standardized), "tag-batch-coupled-train", UNSAID),
    (
        changed("PathsCannotBeMeasured", Styled, finish=lambda net, images: OnceOnly.apply(images).tanh()),
        "double-backward",
        "as finite differences tell",
    ),
    (ForeignGenerator, "protocol", "NotDerivedEither, which is not a Generator"),
    (changed("InATuple", Styled, finish=lambda network, images: (images.tanh(),)), "shapes", "no tensor but tuple"),
    (
        changed("RoundImages", Styled, finish=lambda network, images: images.tanh().long()),
        "shapes",
        "gives torch.int64",
    ),
    (faulty("BareWord", Styled, build=_refused_barely), "too-small", "has no given, allowed, hint"),
    (faulty("BreaksAtOneLatent", Styled, build=_breaks_at_one_latent), "options-build", "ValueError: no such latent"),
    (
        changed("RootedLatents", Styled, prepare=_gain, enter=lambda network, z: _rooted(network.gain * z)),
        "every-parameter-learns",
        "the gradient of gain is not finite",
    ),
    (changed("DeadLayer", Styled, prepare=_dead_layer), "every-parameter-learns", "unused.bias, unused.weight"),
    (
        changed("EndsAverage", Styled, prepare=_average, finish=_averaged),
        "deterministic",
        "in evaluation it changes average",
    ),
    (changed("TrainsItself", Styled, enter=_always_trains), "mode", "in evaluation forward() changes the mode"),
    (
        changed("ForgottenScale", Styled, prepare=_forgotten_scale, enter=lambda net, z: z * net.scale),
        "state",
        "images differs",
    ),
    (changed("NormalizedOnce", Styled, prepare=_normalized_once), "copy", "deepcopy"),
    (changed("AnySeed", Styled, prepare=_of_any_seed), "seed", "differs in to_style.weight"),
    (changed("AsksForNumbers", Styled, prepare=_asks_for_numbers), "meta-device", "on meta tensors"),
    (changed("NoisyOnTheCpu", Styled, enter=_noise_on_the_cpu), "device", "in training, it raises RuntimeError"),
    (
        changed("ScaledLatents", Styled, enter=lambda network, z: z.mul_(0.5)),
        "inputs-unmodified",
        "changes the latents",
    ),
    (
        changed("SingleImages", Styled, finish=lambda network, images: images.float().tanh()),
        "double",
        "images is torch.float32",
    ),
    (changed("OfTwoTypes", Styled, finish=_of_two_types), "autocast", "BFloat16 for the source"),
    (changed("ReadsPeak", Styled, finish=_over_its_peak), "no-host-sync", "reads a value"),
    (
        changed("SqueezedImages", Styled, finish=lambda net, images: images.squeeze().tanh()),
        "batch-of-one",
        "images has the shape (3, 32, 32)",
    ),
    (changed("ViewedImages", Styled, finish=_viewed_images), "channels-last", "view size is not compatible"),
    (changed("LabelsAnyway", Styled, mapping=_labels_anyway), "unconditional", "with labels images differs"),
    (changed("OnItsDevice", Styled, latent=_drawn_on_its_device), "latents", "meta"),
    (changed("Less", Styled, tags=STYLED - {"image"}), "tag-image", UNSAID),
    (changed("MakesVectors", Linear, tags=frozenset({"image"})), "tag-image", UNTRUE),
    (faulty("LabelsOrNothing", Styled, build=_labels_or_nothing), "tag-needs-labels", UNSAID),
    (changed("DoesWithout", Styled, tags=STYLED | {"needs_labels"}), "tag-needs-labels", UNTRUE),
    (changed("LabelsNotSaid", Styled, tags=STYLED - {"accepts_labels"}), "tag-accepts-labels", UNSAID),
    (changed("ClaimsCoupling", Styled, tags=STYLED | {"batch_coupled_train"}), "tag-batch-coupled-train", UNTRUE),
    (changed("Centered", Styled, finish=lambda net, x: (x - x.mean(0)).tanh()), "tag-batch-coupled-always", UNSAID),
    (changed("ClaimsAlways", Styled, tags=STYLED | {"batch_coupled_always"}), "tag-batch-coupled-always", UNTRUE),
    (
        changed(
            "CenteredHalfSaid",
            Styled,
            tags=STYLED | {"batch_coupled_always"},
            finish=lambda net, x: (x - x.mean(0)).tanh(),
        ),
        "tag-batch-nonlinear",
        UNSAID,
    ),
    (changed("ClaimsNonlinear", Styled, tags=STYLED | {"batch_nonlinear"}), "tag-batch-nonlinear", UNTRUE),
    (changed("StyleClaimsPairs", Styled, tags=STYLED | {"needs_two_samples"}), "tag-needs-two-samples", UNTRUE),
    (changed("StyleNeverAlone", Styled, finish=_never_alone), "tag-needs-two-samples", UNSAID),
    (changed("NormUnsaid", Styled, prepare=_style_with_spectral_norm), "tag-spectral-norm", UNSAID),
    (changed("ClaimsNorm", Styled, tags=STYLED | {"spectral_norm"}), "tag-spectral-norm", UNTRUE),
    (changed("Styleless", Linear, tags=frozenset({"provides_style"})), "tag-provides-style", UNTRUE),
    (changed("MoreThanGiven", Styled, latent=_more_than_given), "latents", "more than the generator given"),
]
"""Options of a generator with one fault, the check meant for it, and a part of what it finds."""
