"""The step for a loop of one's own: real and fake data go in, the terms of either player come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import DiscriminatorOutput, Player
from ganzoo.training import adversary, draws
from ganzoo.training.after_update import after_update
from ganzoo.training.game import Inputs, Objective, Terms
from ganzoo.training.runtime import as_dtype


@dataclass(frozen=True, kw_only=True)
class AdversarialStep:
    """What each player optimizes, on fakes that come from anywhere: a generator, an autoencoder, a codec.

    The loop keeps the networks, their optimizers and the order of the steps; :func:`ganzoo.adversarial_step` makes one.
    In each update::

        terms = step.discriminator_terms(real=real, fake=fake, update=update)
        d_optimizer.zero_grad()
        terms.total().backward()
        d_optimizer.step()
        step.after_update("discriminator", terms)

    and likewise for the generator, with its own ``fake`` whose graph is kept. ``update`` counts the updates that the
    player has made before; random draws and the intervals of lazy regularizers follow from it.

    Attributes:
        objective: loss, regularizers, augmentation, and the discriminator.
        needs_generator: the regularizers that cannot do without the latents behind the fakes.
        seed: of all draws.
    """

    objective: Objective
    needs_generator: tuple[str, ...] = ()
    seed: int = 0

    def discriminator_terms(
        self,
        *,
        real: Tensor,
        fake: Tensor,
        update: int,
        real_labels: Tensor | None = None,
        fake_labels: Tensor | None = None,
        z: Tensor | None = None,
        observe: bool = True,
    ) -> Terms:
        """The discriminator's terms. ``fake`` is detached: no gradient reaches whatever made it.

        Args:
            real: (N, C, H, W) in [-1, 1], or vectors (N, D).
            fake: likewise; of another number only where no part compares pairs.
            update: how many updates the discriminator has made before this one.
            real_labels: (N,) int64, for a discriminator that takes labels.
            fake_labels: likewise.
            z: the latents behind ``fake``, where a regularizer needs them.
            observe: mean logits and accuracies as well.

        Raises:
            ConfigError: a regularizer needs latents, and there are none.
        """
        inputs = self._inputs("discriminator", real, real_labels, fake_labels, z, update, len(fake))
        return adversary.discriminator_terms(self.objective, inputs, fake.detach().to(real.dtype), observe=observe)

    def generator_terms(
        self,
        *,
        real: Tensor,
        fake: Tensor,
        update: int,
        real_labels: Tensor | None = None,
        fake_labels: Tensor | None = None,
        z: Tensor | None = None,
    ) -> Terms:
        """The generator's terms, with a gradient to ``fake`` and none to the discriminator's parameters.

        ``update`` counts the generator's updates; otherwise as :meth:`discriminator_terms`.
        """
        inputs = self._inputs("generator", real, real_labels, fake_labels, z, update, len(fake))
        return adversary.generator_terms(self.objective, inputs, fake.to(real.dtype))

    def after_update(self, player: Player, *terms: Terms) -> dict[str, Tensor]:
        """Tell the parts that an optimizer has stepped: weight clipping projects, BEGAN and ADA adapt.

        Args:
            player: whose.
            terms: those of the step; several where gradients were accumulated.

        Returns:
            What an augmentation has to log.
        """
        if player not in get_args(Player):
            raise ConfigError(f"there is no player {player!r}", given=player, allowed=", ".join(get_args(Player)))
        if player == "discriminator" and not any(part.logits for part in terms):
            raise ConfigError(
                "after_update needs the terms of the discriminator's step",
                hint="pass what discriminator_terms returned",
            )
        return after_update(self.objective, player, terms)

    def _inputs(
        self,
        player: Player,
        real: Tensor,
        real_labels: Tensor | None,
        fake_labels: Tensor | None,
        z: Tensor | None,
        update: int,
        n: int,
    ) -> Inputs:
        if self.needs_generator and z is None:
            raise ConfigError(
                f"regularizer {', '.join(self.needs_generator)} requires the latents of the fakes",
                given="z=None",
                allowed="the latents that were passed to the generator",
                hint=f"pass z= to {player}_terms",
            )
        if (real_labels is None) != (fake_labels is None):
            raise ConfigError(
                "labels of real and of fake data come together: with those of one side alone the discriminator could "
                "tell the sides apart by them",
                given=f"labels of {'real' if fake_labels is None else 'fake'} data alone",
                allowed="both, or neither",
                hint=f"pass real_labels= and fake_labels= to {player}_terms",
            )
        return draws.given(
            player,
            real=real.detach(),
            real_labels=real_labels,
            fake_labels=fake_labels,
            z=z,
            fakes=n,
            seed=self.seed,
            update=update,
            augment=self.objective.augment,
        )


@dataclass(frozen=True)
class Judged:
    """A module as the step calls it: with labels only where there are some; a tensor alone is taken for the logits.

    An object, not a closure, so that a copy or a pickle of whatever holds the step goes on with the copied network.

    Attributes:
        for_penalties: call it uncompiled (where ``torch.compile`` wraps it), and in full precision within autocast.
    """

    discriminator: nn.Module
    for_penalties: bool = False

    def __call__(self, images: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
        """Its verdict; logits in the precision of the images, so that losses are computed in it."""
        if not self.for_penalties:
            return _judged(self.discriminator, images, labels)
        with torch.autocast(images.device.type, enabled=False):
            return _judged(getattr(self.discriminator, "_orig_mod", self.discriminator), images, labels)


@dataclass(frozen=True)
class Generated:
    """A generator as the step calls it, with labels only where there are some; images in the precision of ``z``."""

    generator: nn.Module

    def __call__(self, z: Tensor, labels: Tensor | None) -> Tensor:
        """Its images."""
        images: Tensor = self.generator(z) if labels is None else self.generator(z, labels)
        return images.to(z.dtype)


def _judged(discriminator: nn.Module, images: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
    output: Any = discriminator(images) if labels is None else discriminator(images, labels)
    if isinstance(output, Tensor):
        output = DiscriminatorOutput(output)
    if not isinstance(output, DiscriminatorOutput):
        raise ConfigError(
            f"the discriminator {type(discriminator).__name__} returns something else than logits",
            given=type(output).__name__,
            allowed="a tensor of logits, or a ganzoo.protocols.DiscriminatorOutput",
        )
    return as_dtype(output, images.dtype)
