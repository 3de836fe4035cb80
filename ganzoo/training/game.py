"""What a step works on: the objective, the players, the draws of an update, and the terms that come out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from ganzoo.protocols import AnyLoss, Augmentation, Discriminate, Generate, Regularizer, StatefulLoss
from ganzoo.training.team import ALONE, Team

if TYPE_CHECKING:
    from ganzoo.training.sample_draws import SampleDraws


def sum_of(values: Iterable[Tensor]) -> Tensor:
    """The sum of scalars; a single one is taken as it is, since two operations cost as much as a small layer."""
    first, *others = values
    return torch.stack([first, *others]).sum() if others else first


def times(factor: float, value: Tensor) -> Tensor:
    """The product; a value that is taken once is left as it is, for the same reason."""
    return value if factor == 1.0 else factor * value


@dataclass(frozen=True, kw_only=True)
class Named:
    """What a component is called in errors.

    Attributes:
        words: kind, name and provider.
        command: checks it; ``None`` for an object that no plugin provides.
    """

    words: str
    command: str | None = None


@dataclass(kw_only=True)
class WeightedRegularizer:
    """A regularizer with its weight and interval; its terms count ``weight · every`` at every ``every``-th update.

    ``named`` is what errors call it. The weight may follow a schedule. Where several processes train together, one
    that is ``of_whole_batch`` sees the rows of all of them.
    """

    name: str
    regularizer: Regularizer
    weight: float
    every: int = 1
    named: Named | None = None
    of_whole_batch: bool = False

    def in_words(self) -> Named:
        """What errors call it."""
        return self.named or Named(words=f"regularizer {self.name}")


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A discriminator, how it is run, and what the two players optimize, on fakes from anywhere.

    Attributes:
        discriminate: the discriminator as trained (mixed precision, perhaps compiled).
        critic: the discriminator for penalties: uncompiled, in the penalty precision.
        augment: applied to real and fake images before the discriminator sees them.
        look_ahead: for the generator's step, a discriminator that has already answered these fakes; see
            :mod:`ganzoo.training.unroll`.
        maps: whether the losses of several logit maps are added or averaged.
        passes: whether real and fake go through the discriminator concatenated or one after the other.
        frozen_throughout: whether whoever asks for the generator's terms keeps the discriminator frozen until they are
            differentiated; else that is seen to, at the cost of a second graph.
        generator_needs_real: whether the loss compares fakes with real logits in the generator's step.
        needs_real_output: whether a regularizer looks at real data in the generator's step.
        pairs_samples: whether a regularizer compares each fake with the real sample in its place there: both see
            the same draws then. Never where fakes come from latents, since no real sample belongs to them.
        generator_adversarial: whether the loss is part of the generator's objective; else regularizers are all of it.
        discriminator_adversarial: likewise of the discriminator's.
        generator, generate: the module and how it is run, for regularizers that look at them; ``None`` where only its
            fakes are known.
        names: ``loss``, ``discriminator`` or ``generator`` → what errors call it, where that is known.
        team: the processes that train together; each judges its rows of a batch.
        of_whole_batch: whether the loss over a batch is not the mean of the losses over its parts.
        sample_draws: what regularizers draw, where a batch is spread over processes.
    """

    loss: AnyLoss
    discriminator: nn.Module
    discriminate: Discriminate
    critic: Discriminate
    regularizers: tuple[WeightedRegularizer, ...] = ()
    augment: Augmentation | None = None
    look_ahead: Callable[[Objective, Inputs, Tensor], Ahead] | None = None
    maps: Literal["sum", "mean"] = "sum"
    passes: Literal["one", "two"] = "two"
    frozen_throughout: bool = False
    generator_needs_real: bool = False
    needs_real_output: bool = False
    pairs_samples: bool = False
    generator_adversarial: bool = True
    discriminator_adversarial: bool = True
    generator: nn.Module | None = None
    generate: Generate | None = None
    names: Mapping[str, Named] = field(default_factory=dict)
    team: Team = ALONE
    of_whole_batch: bool = False
    sample_draws: SampleDraws | None = None

    @cached_property
    def stateful_loss(self) -> StatefulLoss | None:
        """The loss, if it adapts; every update asks, and a protocol is slow to look at."""
        return self.loss if isinstance(self.loss, StatefulLoss) else None

    def in_words(self, role: Literal["loss", "discriminator", "generator"]) -> Named:
        """What errors call a part; the name of its class where nothing better is known."""
        return self.names.get(role) or Named(words=f"{role} {type(getattr(self, role)).__name__}")


@dataclass(frozen=True, kw_only=True)
class Game(Objective):
    """An objective whose fakes come from a generator that is at hand."""

    generator: nn.Module
    generate: Generate


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """What the generator plays against if it looks ahead.

    Attributes:
        discriminate: the discriminator as it will be, a function of the fakes through the steps it has taken.
        objective: the generator's adversarial objective against it, where it is not the loss's own.
    """

    discriminate: Discriminate
    objective: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The data and all draws of one update, made beforehand, so that a slice of them is a micro-batch.

    Attributes:
        z: the latents behind the fakes; ``None`` where only the fakes are known.
        real_draws, fake_draws: the random numbers of the augmentation, one row per image.
        update: how many updates the player has made before this one.
        random: regularizer name → a CPU generator seeded by (seed, update, regularizer).
    """

    real: Tensor
    real_labels: Tensor | None
    fake_labels: Tensor | None
    update: int
    random: Callable[[str], torch.Generator]
    z: Tensor | None = None
    real_draws: Tensor | None = None
    fake_draws: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Named scalars whose sum is the objective: what is logged is what is optimized.

    Attributes:
        observed: statistics of the logits, on logged steps only.
        logits: of real and fake, detached, for parts that adapt to them; ``None`` in the generator's step.
    """

    scalars: dict[str, Tensor]
    observed: dict[str, Tensor] = field(default_factory=dict)
    logits: tuple[Tensor, Tensor] | None = None

    def total(self) -> Tensor:
        """The objective."""
        return sum_of(self.scalars.values())
