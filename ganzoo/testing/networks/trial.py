"""Networks on trial: built for data that they take, fed, and asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec, DiscriminatorOutput
from ganzoo.testing.check import Failed, demand
from ganzoo.testing.subject import VECTORS, Subject, images_like
from ganzoo.training import spectral

SIDES = (8, 16, 28, 32, 48, 64, 96, 128, 256, 512)
SOME_VECTORS = (VECTORS, *(replace(VECTORS, shape=(size,)) for size in (8, 64, 784)))
USUAL = (
    images_like(3, 32),
    images_like(1, 64),
    images_like(3, 28),
    images_like(1, 8),
    images_like(3, 128),
    images_like(3, 256),
    *SOME_VECTORS,
    *(images_like(channels, side) for side in SIDES for channels in (1, 3)),
    *(images_like(channels, side, 2 * side) for side in SIDES for channels in (1, 3)),
    *(images_like(channels, 2 * side, side) for side in SIDES for channels in (1, 3)),
)
OTHER_RANKS = tuple(
    replace(VECTORS, shape=shape)
    for shape in ((1, 64), (1, 1024), (1, 8192), *((1, *[side] * 3) for side in (16, 32, 64)))
)
"""Signals and volumes: for discriminators, which judge data of any rank."""
"""Data that networks are built for in checks: the first that they take. Many take the first; some one size only."""

BATCH = 4
CHANCE = 1
"""Seed of the random numbers of a forward pass, such as dropout's; weights have seeds of their own."""

Answers = dict[str, Tensor]
"""What a network says of a batch, by name: ``logits``, ``features[0]``, … or ``images``."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A network and a batch to feed it with.

    Attributes:
        kind: ``discriminator`` or ``generator``.
        spec: what it was built for.
        network: in training mode, as it was built.
        given: images or vectors for a discriminator, latents for a generator.
        labels: integers (N,).
    """

    kind: str
    spec: DataSpec
    network: Any
    given: Tensor
    labels: Tensor

    @property
    def is_of_images(self) -> bool:
        """Whether the data are images, and not vectors."""
        return len(self.spec.shape) == 3

    def answers(self, given: Tensor | None = None, *, labels: bool = True) -> Answers:
        """What the network says, by name; with or without labels."""
        given = self.given if given is None else given
        output = self.network(given, self.labels[: len(given)] if labels else None)
        return named(self.kind, output)

    def judged(self, given: Tensor | None = None) -> list[Tensor]:
        """What objectives are taken of: logits of every sort, or the images."""
        return [value for name, value in self.answers(given).items() if not name.startswith("features")]

    def rows(self, rows: slice) -> Trial:
        """The same network with a part of the batch."""
        return replace(self, given=self.given[rows], labels=self.labels[rows])

    def double(self) -> Trial:
        """In float64, where differences are no matter of rounding."""
        return replace(self, network=self.network.double(), given=self.given.double())

    def set_mode(self, *, training: bool) -> None:
        """Training or evaluation. Spectral norms are held, as they are during an update."""
        self.network.train(training)
        spectral.hold(self.network)
        torch.manual_seed(CHANCE)


def trial(subject: Subject, spec: DataSpec | None = None, *, seed: int = 0, n: int = BATCH) -> Trial:
    """A network for ``spec``, or for the first of :data:`USUAL` that it takes.

    Raises:
        Failed: it takes none of them.
        ConfigError: it does not take ``spec``.
    """
    spec = first_taken(subject) if spec is None else spec
    return _with_data(subject, spec, subject.build(spec, seed=seed), seed=seed, n=n)


def taken(subject: Subject, spec: DataSpec, *, n: int = BATCH) -> Trial | None:
    """The same, or ``None`` if such data are refused.

    Raises:
        Failed: it is neither built nor refused with a ConfigError.
    """
    network = _built_or_refused(subject, spec)
    return None if network is None else _with_data(subject, spec, network, seed=0, n=n)


def _with_data(subject: Subject, spec: DataSpec, network: Any, *, seed: int, n: int) -> Trial:
    drawn = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % max(len(spec.classes), 1)
    if subject.kind == "generator":
        given = network.latent(n, generator=drawn)
    else:
        given = torch.rand(n, *spec.shape, generator=drawn) * 2 - 1
    return Trial(kind=subject.kind, spec=spec, network=network, given=given, labels=labels)


def output_of(subject: Subject) -> Any:
    """What a network says of a batch as it is built, in training mode: many checks look at it."""
    return subject.once(_said_of_a_batch)


def _said_of_a_batch(subject: Subject) -> Any:
    one = trial(subject)
    with torch.no_grad():
        return one.network(one.given, one.labels)


def first_taken(subject: Subject) -> DataSpec:
    """The first of the usual data that are not refused.

    Raises:
        Failed: it takes none of them.
    """
    return subject.once(_first_of_the_usual)


def takes_nothing(subject: Subject) -> str | None:
    """Why a network cannot be checked at all; one check says so, and the others are skipped."""
    try:
        first_taken(subject)
    except Failed:
        return "it takes data of no usual size"
    return None


def _first_of_the_usual(subject: Subject) -> DataSpec:
    refused: ConfigError | None = None
    for spec in (*USUAL, *(OTHER_RANKS if subject.kind == "discriminator" else ())):
        try:
            subject.build(spec)
            return spec
        except ConfigError as error:
            refused = refused or error
    raise Failed(f"it takes data of no usual size, neither images nor vectors nor others: {refused}")


def takes(subject: Subject, spec: DataSpec) -> bool:
    """Whether a network can be built for such data, and is not refused.

    Raises:
        Failed: it is neither built nor refused with a ConfigError.
    """
    return _built_or_refused(subject, spec) is not None


def _built_or_refused(subject: Subject, spec: DataSpec) -> Any:
    try:
        return subject.build(spec)
    except ConfigError:
        return None
    except Exception as error:
        raise Failed(f"for {size_of(spec)} build() raises no ConfigError but {in_short(error)}") from error


def size_of(spec: DataSpec) -> str:
    """The data in words: ``images of 32×32 px, channels 3``."""
    if len(spec.shape) == 1:
        return f"vectors of {spec.shape[0]} numbers"
    channels, *sides = spec.shape
    kinds = {1: ("signals", "numbers"), 2: ("images", "px"), 3: ("volumes", "voxels")}
    kind, unit = kinds.get(spec.rank, ("data", "numbers"))
    return f"{kind} of {'×'.join(map(str, sides))} {unit}, channels {channels}"


def in_short(error: Exception) -> str:
    """Its name and the first line of what it says."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def named(kind: str, output: Any) -> Answers:
    """A network's output by the names of its parts."""
    if kind == "generator":
        demand(isinstance(output, Tensor), f"forward() returns no tensor but {type(output).__name__}")
        return {"images": output}
    judged = isinstance(output, DiscriminatorOutput)
    demand(judged, f"forward() returns no DiscriminatorOutput but {type(output).__name__}")
    answers = {"logits": output.logits}
    if output.class_logits is not None:
        answers["class_logits"] = output.class_logits
    single = {"embedding": output.embedding, "proxies": output.proxies}
    answers |= {name: value for name, value in single.items() if value is not None}
    for name in ("features", "extra_logits"):
        answers |= {f"{name}[{number}]": value for number, value in enumerate(getattr(output, name))}
    return answers


def same(one: Answers, other: Answers, what: str, *, tolerance: float = 1e-5) -> None:
    """Demand that two answers agree."""
    demand(one.keys() == other.keys(), f"{what} it gives {', '.join(other)} and not {', '.join(one)}")
    for name, value in one.items():
        shapes = tuple(value.shape), tuple(other[name].shape)
        demand(shapes[0] == shapes[1], f"{what} {name} has the shape {shapes[1]} and not {shapes[0]}")
        close = torch.allclose(value, other[name], rtol=tolerance, atol=tolerance)
        demand(close, f"{what} {name} differs by up to {(value - other[name]).abs().max().item():.3g}")


def weighted_sum(values: Tensor) -> Tensor:
    """A sum in which no two values weigh the same: plain sums of centered values do not depend on anything."""
    drawn = torch.Generator().manual_seed(0)
    return (values * torch.randn(values.shape, generator=drawn, dtype=torch.float64).to(values)).sum()


def shake(network: Any, *, scale: float = 0.1) -> None:
    """Move all parameters a little: a factor that starts at 0 would hide what is behind it."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(scale * torch.randn_like(parameter))
    spectral.iterate(network)


def fill_normal(network: Any, *, scale: float, seed: int) -> None:
    """Give all parameters weights of a normal distribution, far from any that training would reach."""
    drawn = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=drawn))
    spectral.iterate(network)


def difference(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> list[str]:
    """Names of tensors that are not exactly alike."""
    return [name for name in one if name not in other or not torch.equal(one[name], other[name])]
