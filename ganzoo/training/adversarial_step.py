"""The step for a loop of one's own: real and fake data go in, the terms of either player come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminate, DiscriminatorOutput, Player
from ganzoo.training import adversary, draws
from ganzoo.training.after_update import after_update
from ganzoo.training.game import Inputs, Objective, Terms


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
        return adversary.discriminator_terms(self.objective, inputs, fake.detach(), observe=observe)

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
        return adversary.generator_terms(self.objective, inputs, fake)

    def after_update(self, player: Player, *terms: Terms) -> dict[str, Tensor]:
        """Tell the parts that an optimizer has stepped: weight clipping projects, BEGAN and ADA adapt.

        Args:
            player: whose.
            terms: those of the step; several where gradients were accumulated.

        Returns:
            What an augmentation has to log.
        """
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
        return draws.given(
            player,
            real=real,
            real_labels=real_labels,
            fake_labels=fake_labels,
            z=z,
            fakes=n,
            seed=self.seed,
            update=update,
            augment=self.objective.augment,
        )


def judged_by(discriminator: nn.Module) -> Discriminate:
    """A module as the step calls it: with labels only where there are some; a tensor alone is taken for the logits."""

    def call(images: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
        output: Any = discriminator(images) if labels is None else discriminator(images, labels)
        return DiscriminatorOutput(output) if isinstance(output, Tensor) else output

    return call


def critic_of(discriminator: nn.Module) -> Discriminate:
    """The same for penalties: uncompiled, and in full precision within autocast as well."""
    judge = judged_by(getattr(discriminator, "_orig_mod", discriminator))

    def call(images: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
        with torch.autocast(images.device.type, enabled=False):
            return judge(images, labels)

    return call
