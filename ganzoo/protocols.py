"""The contracts between the core and what plugins provide.

Logits are raw and *higher means more real*, everywhere. Images are ``(N, C, H, W)`` in [-1, 1].
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

Player = Literal["discriminator", "generator"]


@dataclass(frozen=True)
class DataSpec:
    """What networks need to know of the data.

    Attributes:
        shape: ``(C, H, W)`` of an image, or ``(D,)`` of a vector.
        classes: class names; empty when the data has no labels.
        marginal: relative frequency of each class, summing to 1; as long as ``classes``.
        conditional: whether the networks are to use labels; decided by the plan.
    """

    shape: tuple[int, ...]
    classes: tuple[str, ...] = ()
    marginal: tuple[float, ...] = ()
    conditional: bool = False


class Batch(NamedTuple):
    """A batch of real data. ``data`` is float in [-1, 1] for images; ``index`` is the position in the dataset."""

    data: Tensor
    labels: Tensor | None
    index: Tensor  # type: ignore[assignment]


class DiscriminatorOutput(NamedTuple):
    """What a discriminator says of a batch."""

    logits: Tensor
    """``(N,)`` or ``(N, 1, h, w)``: raw, higher = more real, never squashed."""
    class_logits: Tensor | None = None
    """``(N, K)``."""
    features: tuple[Tensor, ...] = ()
    """Activations, for feature matching."""
    extra_logits: tuple[Tensor, ...] = ()
    """Further scales or maps: the loss is taken of each and summed."""

    def maps(self) -> tuple[Tensor, ...]:
        """All logits, those of further scales or maps included."""
        return (self.logits, *self.extra_logits)


class Discriminator(nn.Module):
    """Base class of discriminators (critics)."""

    @abstractmethod
    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Judge ``images`` (N, C, H, W); ``labels`` (N,) are integers in [0, K)."""
        raise NotImplementedError

    def receptive_field(self) -> int | None:
        """Side, in pixels, of the input patch one logit sees; ``None`` when it sees the whole image."""
        return None


class Generator(nn.Module):
    """Base class of generators."""

    @abstractmethod
    def latent(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw ``n`` latents on the CPU from ``generator``, first axis ``n``."""
        raise NotImplementedError

    @abstractmethod
    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images (N, C, H, W) in [-1, 1] from latents ``z`` and, if conditional, ``labels`` (N,)."""
        raise NotImplementedError


@runtime_checkable
class Loss(Protocol):
    """An adversarial objective: a pure function of logits that never sees a network.

    Both methods return a scalar to *minimize* and take logits of any shape. Optional methods:
    ``diagnostics(*, real, fake) -> dict[str, Tensor]`` (called on logged steps only; its keys extend or replace the
    logged ones) and ``equilibrium() -> {"d": float, "g": float}``, the values at p_g = p_data. A loss with state of
    its own has the three methods of :class:`StatefulLoss` as well.
    """

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's objective from its logits on real and on fake data."""
        ...

    def generator_loss(self, *, fake: Tensor) -> Tensor:
        """The generator's objective from the logits of its fakes."""
        ...


@runtime_checkable
class RelativisticLoss(Protocol):
    """A loss whose generator side compares with real logits; carries the tag ``generator_needs_real``."""

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """As in :class:`Loss`."""
        ...

    def generator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """The generator's objective from both kinds of logits."""
        ...


@runtime_checkable
class StatefulLoss(Protocol):
    """What a loss has besides if it adapts to the training, as BEGAN does; its state is part of every checkpoint."""

    def after_update(self, *, real: Tensor, fake: Tensor) -> None:
        """Called after each update of the discriminator with its detached logits on the whole batch."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """What changes during training."""
        ...

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict`."""
        ...


AnyLoss = Loss | RelativisticLoss
Discriminate = Callable[[Tensor, Tensor | None], DiscriminatorOutput]
Generate = Callable[[Tensor, Tensor | None], Tensor]


@dataclass(frozen=True, kw_only=True)
class StepView:
    """All a regularizer may see of a step. Images are un-augmented; fakes are detached in the discriminator's step.

    Attributes:
        player: whose step it is.
        network: the player's own network, uncompiled.
        real_output: ``None`` in the generator's step unless a part carries ``needs_real_output``.
        critic: the discriminator for penalties: uncompiled, in the penalty precision; it augments what it is given.
        plain_critic: the same without augmentation.
        generate: the generator on latents and labels; it leaves no trace in the generator's buffers.
        augment: what the discriminator's images go through; the identity when nothing is configured.
        random: a CPU generator seeded by (seed, update, regularizer).
    """

    player: Player
    network: nn.Module
    real: Tensor
    fake: Tensor
    real_labels: Tensor | None
    fake_labels: Tensor | None
    z: Tensor
    real_output: DiscriminatorOutput | None
    fake_output: DiscriminatorOutput
    critic: Discriminate
    plain_critic: Discriminate
    generate: Generate
    augment: Callable[[Tensor], Tensor]
    random: torch.Generator


class Regularizer:
    """Base class of regularizers: every method has a default that does nothing.

    Terms are *raw* named scalars; the step multiplies them by ``weight · every``.
    """

    def discriminator_terms(self, view: StepView) -> dict[str, Tensor]:
        """Terms added to the discriminator's objective."""
        return {}

    def generator_terms(self, view: StepView) -> dict[str, Tensor]:
        """Terms added to the generator's objective."""
        return {}

    def after_step(self, player: Player, network: nn.Module) -> None:
        """A projection after the player's optimizer step."""

    def state_dict(self) -> dict[str, Tensor]:
        """What changes during training, for checkpoints."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict`."""


class Augmentation:
    """Base class of differentiable augmentations: what images go through before the discriminator sees them.

    Random numbers are drawn apart from the images (:meth:`draw`), for the whole batch at once, so that a micro-batch
    gets the rows that are its own.
    """

    @abstractmethod
    def draw(self, n: int, *, random: torch.Generator) -> Tensor:
        """All random numbers for ``n`` images: float32 (n, P) on the CPU, one row an image, from ``random`` alone."""
        raise NotImplementedError

    @abstractmethod
    def __call__(self, images: Tensor, draws: Tensor) -> Tensor:
        """Images (N, C, H, W) transformed by their rows of ``draws``; differentiable in the images."""
        raise NotImplementedError

    def after_update(self, *, real: Tensor) -> None:
        """Called after each update of the discriminator with its detached logits on the whole real batch."""

    def observed(self) -> dict[str, Tensor]:
        """Scalars to be logged, such as the present probability."""
        return {}

    def state_dict(self) -> dict[str, Tensor]:
        """What changes during training, for checkpoints."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict`."""


@dataclass(frozen=True, kw_only=True)
class Features:
    """What a metric may ask for of real or of generated data; what it does not need is ``None``.

    Attributes:
        images: uint8 (N, C, H, W), or float32 (N, D) for vectors.
        labels: (N,) int64.
        features: (N, F), of a feature extractor.
        class_probs: (N, K), of a classifier.
        modes: (K, D) known modes of the data.
        mode_std: the standard deviation of the data around each mode.
    """

    images: Tensor | None = None
    labels: Tensor | None = None
    features: Tensor | None = None
    class_probs: Tensor | None = None
    modes: Tensor | None = None
    mode_std: float | None = None


class Metric(Protocol):
    """Compares generated with real data.

    Attributes:
        needs: which fields of :class:`Features` it looks at: images, labels, features, class_probs, modes.
        higher_is_better: of the first of its numbers.
    """

    needs: frozenset[str]
    higher_is_better: bool

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """Name → value."""
        ...


class Dataset(Protocol):
    """Random access to decoded data.

    Attributes:
        spec: shape, classes and their frequencies.
        fingerprint: a hash of the content as it is read; two equal fingerprints mean equal tensors.
        labels: (N,) int64, or ``None``.
        groups: e.g. the patient or writer of each item, or ``None``.
        modes: (K, D) known modes of synthetic data, or ``None``. Vector data with known modes also say how far they
            spread around each, as ``mode_std``.
    """

    spec: DataSpec
    fingerprint: str
    labels: Tensor | None
    groups: tuple[str, ...] | None
    modes: Tensor | None

    def __len__(self) -> int:
        """How many items there are."""
        ...

    def read(self, index: Tensor) -> Tensor:
        """Items at ``index``: uint8 (N, C, H, W), or float32 (N, D)."""
        ...


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the training loop yields after every generator step. Tensors stay on the device until somebody reads them.

    Attributes:
        step: generator steps done.
        d_step: discriminator steps done.
        images: real images seen.
        scalars: names of ``metrics.jsonl`` → scalar tensors; empty on steps that are not logged.
    """

    step: int
    d_step: int
    images: int
    scalars: Mapping[str, Tensor]


class Watcher(Protocol):
    """Reads reports: console, log, samples, checkpoints, trackers. Never changes what is trained."""

    def __call__(self, report: Report) -> None:
        """Called after every generator step."""
        ...

    def close(self) -> None:
        """Called once, when the loop has ended for whatever reason."""
        ...
