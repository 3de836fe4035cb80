"""The step for a loop of one's own: real and fake data go in, the terms of either player come out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, TypedDict, get_args

from torch import Tensor

from ganzoo.errors import CheckpointError, ConfigError
from ganzoo.protocols import DataSpec, Player
from ganzoo.training import adversary, draws
from ganzoo.training.after_update import after_update, together
from ganzoo.training.all_or_nothing import MISFITS, put_back_if_it_raises
from ganzoo.training.equilibrium import LossScale
from ganzoo.training.game import Inputs, Objective, Terms
from ganzoo.training.own_parts import OwnParts
from ganzoo.training.python_hints import hints_in_python
from ganzoo.training.standing import Standing, standing
from ganzoo.training.state import plain, restore_states, states
from ganzoo.training.two_losses import TwoLosses

UNCORRECTED: Mapping[Player, float] = {"discriminator": 1.0, "generator": 1.0}

_logger = logging.getLogger("ganzoo")


class AdamOptions(TypedDict):
    """What ``torch.optim.Adam`` and ``AdamW`` take by keyword."""

    lr: float
    betas: tuple[float, float]


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

    An update in micro-batches calls ``discriminator_terms`` for each, in order, with ``part=(0, 2)``, then
    ``part=(1, 2)``, and hands all terms to one ``after_update``. Each total is to be multiplied by the micro-batch's
    share of the samples. All random numbers are then those of the whole batch.

    Attributes:
        objective: loss, regularizers, augmentation, and the discriminator.
        spec: what the data look like; ``None`` leaves it unchecked.
        corrections: player → c, if its Adam is to be slowed for lazy regularizers; see :meth:`adam_options`.
        seed: of all draws. Processes that share an update need one each, or they all draw the same.
        energy: whether the loss reads logits as −energy, so that none is above 0.
        paired: whether the loss compares each real sample with the fake in its place.
    """

    objective: Objective
    spec: DataSpec | None = None
    corrections: Mapping[Player, float] = field(default_factory=lambda: UNCORRECTED)
    seed: int = 0
    energy: bool = False
    paired: bool = False
    _parts: OwnParts = field(default_factory=OwnParts, init=False, repr=False, compare=False)
    _asked: set[Player] = field(default_factory=set, init=False, repr=False, compare=False)
    """The players that Adam's options were asked for, or that a warning has told of them."""

    @hints_in_python()
    def discriminator_terms(
        self,
        *,
        real: Tensor,
        fake: Tensor,
        update: int,
        real_labels: Tensor | None = None,
        fake_labels: Tensor | None = None,
        z: Tensor | None = None,
        part: tuple[int, int] = (0, 1),
        observe: bool = True,
    ) -> Terms:
        """The discriminator's terms. ``fake`` is detached: no gradient reaches whatever made it.

        Args:
            real: (N, C, H, W) in [-1, 1], or vectors (N, D). Of images, height and width may differ from the spec.
            fake: likewise, each sample of the shape of a real one; of another number only where no part compares pairs.
            update: how many updates the discriminator has made before this one.
            real_labels: (N,) int64, for a discriminator that takes labels.
            fake_labels: likewise.
            z: the latents behind ``fake``, where a regularizer needs them in this player's step.
            part: (index, of), which micro-batch of the update it is; the whole batch by default.
            observe: mean logits and accuracies as well.

        Raises:
            ConfigError: samples of unlike shapes, labels that the discriminator does not take or lacks, latents that a
                regularizer needs and lacks, or a part that does not follow the one before.
        """
        inputs = self._inputs("discriminator", real, fake, real_labels, fake_labels, z, update, part)
        return adversary.discriminator_terms(self.objective, inputs, fake.detach().to(real.dtype), observe=observe)

    @hints_in_python()
    def generator_terms(
        self,
        *,
        real: Tensor,
        fake: Tensor,
        update: int,
        real_labels: Tensor | None = None,
        fake_labels: Tensor | None = None,
        z: Tensor | None = None,
        part: tuple[int, int] = (0, 1),
    ) -> Terms:
        """The generator's terms, with a gradient to ``fake`` and none to the discriminator's parameters.

        ``update`` counts the generator's updates; otherwise as :meth:`discriminator_terms`. What the discriminator says
        of ``fake`` can be differentiated once: backward with ``create_graph`` is a ConfigError.
        """
        inputs = self._inputs("generator", real, fake, real_labels, fake_labels, z, update, part)
        return adversary.generator_terms(self.objective, inputs, fake.to(real.dtype))

    def after_update(self, player: Player, *terms: Terms) -> dict[str, Tensor]:
        """Tell the parts that an optimizer has stepped: weight clipping projects, BEGAN and ADA adapt.

        Args:
            player: whose.
            terms: those of the step; several where gradients were accumulated.

        Returns:
            What an augmentation has to log.
        """
        _demand_player(player)
        if player == "discriminator" and not any(part.logits for part in terms):
            raise ConfigError(
                "after_update needs the terms of the discriminator's step",
                hint="pass what discriminator_terms returned",
            )
        return after_update(self.objective, player, terms)

    def standing(self, *logits: tuple[Tensor, Tensor] | None) -> Standing:
        """How the game stands in words, by what the loss lets the discriminator gain; it reads the logits.

        Args:
            logits: ``terms.logits`` of the discriminator's step; several where gradients were accumulated.
        """
        real, fake = (together(side) for side in zip(*(part for part in logits if part is not None), strict=True))
        return standing(real, fake, self._scale)

    @cached_property
    def _scale(self) -> LossScale:
        # Asked for once: a few hundred values of the loss. A generator's side that adapts tells nothing of D's scale.
        loss = self.objective.loss
        loss = loss.discriminator if isinstance(loss, TwoLosses) else loss
        return LossScale.of(loss, energy=self.energy, compares=self.objective.generator_needs_real)

    def adam_options(self, player: Player, *, lr: float, betas: tuple[float, float]) -> AdamOptions:
        """Options of a player's Adam, corrected as ``ganzoo run`` does it: ``Adam(parameters, **options)``.

        A lazy regularizer with ``lazy_adam`` acts in one update of k, and asks for lr·c and β^c with c = k/(k+1). Of
        several the smallest c counts. Where no part asks for it, what comes back is what was given. A step whose parts
        ask for it warns unless this method was called.
        """
        _demand_player(player)
        self._asked.add(player)
        c = self.corrections[player]
        return {"lr": lr * c, "betas": (betas[0] ** c, betas[1] ** c)}

    def state_dict(self) -> dict[str, Tensor]:
        """What changes in loss, regularizers and augmentation while they train: BEGAN's k, ADA's p, running averages.

        Plain tensors on the CPU, for ``torch.save`` or safetensors, between two updates. Networks and optimizers have
        their own; draws follow from ``seed`` and ``update``.
        """
        return {name: plain(value) for name, value in states(self._adaptive()).items()}

    def changing(self) -> dict[str, Tensor]:
        """A copy of what :meth:`state_dict` gives which stays on the device, so that nothing waits for it."""
        return {name: value.detach().clone() for name, value in states(self._adaptive()).items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict`, in a step made of the same parts; all of it or nothing.

        It is the state between two updates: one that was begun in micro-batches is dropped.

        Raises:
            CheckpointError: it is the state of other parts; these are as they were.
        """
        parts = self._adaptive()
        states_before = self.state_dict()
        strange = [name for name in state if not name.startswith(tuple(f"{part}/" for part in parts))]
        try:
            if strange:
                raise KeyError(", ".join(strange))
            with put_back_if_it_raises(states_before, partial(restore_states, parts)):
                restore_states(parts, state)
        except MISFITS as error:
            raise CheckpointError(
                "the state does not match the parts of this step",
                given=str(error).splitlines()[0],
                allowed="the state of a step with the same loss, regularizers and augmentations",
                hint="make the step with the loss=, regularizers= and augment= that it was saved with",
            ) from error
        self.begin_anew()

    def begin_anew(self) -> None:
        """Drop updates that were begun in micro-batches: the next is the first part of one."""
        self._parts.last.clear()

    def _adaptive(self) -> dict[str, Any]:
        found: dict[str, Any] = {f"regularizers/{part.name}": part.regularizer for part in self.objective.regularizers}
        if self.objective.stateful_loss is not None:
            found["loss"] = self.objective.stateful_loss
        if self.objective.augment is not None:
            found["augment"] = self.objective.augment
        return found

    def _inputs(
        self,
        player: Player,
        real: Tensor,
        fake: Tensor,
        real_labels: Tensor | None,
        fake_labels: Tensor | None,
        z: Tensor | None,
        update: int,
        part: tuple[int, int],
    ) -> Inputs:
        _demand_samples(real, fake, self.spec)
        if (real_labels is None) != (fake_labels is None):
            raise ConfigError(
                "labels of real and of fake data come together: with those of one side alone the discriminator could "
                "tell the sides apart by them",
                given=f"labels of {'real' if fake_labels is None else 'fake'} data alone",
                allowed="both, or neither",
                hint=f"pass real_labels= and fake_labels= to {player}_terms",
            )
        drawing = self._parts.drawing(player, seed=self.seed, update=update, part=part)
        self._warn_of_adam(player)
        return draws.given(
            drawing,
            alike=self.objective.pairs_samples and player == "generator" and len(real) == len(fake),
            real=real.detach(),
            real_labels=real_labels,
            fake_labels=fake_labels,
            z=z,
            fakes=len(fake),
            augment=self.objective.augment,
        )

    def _warn_of_adam(self, player: Player) -> None:
        if self.corrections[player] == 1.0 or player in self._asked:
            return
        self._asked.add(player)
        _logger.warning(
            "lazy_adam of a regularizer asks for another Adam of the %s, lr·c and β^c with c = %.6g: make it with "
            "torch.optim.Adam(parameters, **step.adam_options(%r, lr=…, betas=…)), or set lazy_adam to false",
            player,
            self.corrections[player],
            player,
        )


def _demand_player(player: str) -> None:
    if player not in get_args(Player):
        raise ConfigError(f"there is no player {player!r}", given=player, allowed=", ".join(get_args(Player)))


def _demand_samples(real: Any, fake: Any, spec: DataSpec | None) -> None:
    """Real and fake samples of one shape, which is that of the spec but for the sides of an image."""
    for side, data in (("real", real), ("fake", fake)):
        if not (isinstance(data, Tensor) and data.is_floating_point()):
            raise ConfigError(
                f"{side}= is not a tensor of floating-point numbers",
                given=data.dtype if isinstance(data, Tensor) else type(data).__name__,
                allowed="images (N, C, H, W) in [-1, 1], or vectors (N, D)",
                hint=f"{side}={side} / 127.5 - 1 for a tensor of bytes",
            )
    if real.shape[1:] != fake.shape[1:]:
        raise ConfigError(
            "real and fake samples differ in shape",
            given=f"real {tuple(real.shape)}, fake {tuple(fake.shape)}",
            allowed="any number of samples of either, all of one shape",
            hint="crop or resize one of them before the step",
        )
    shape = tuple(real.shape[1:])
    if spec is not None and (len(shape), shape[:1]) != (len(spec.shape), spec.shape[:1]):
        raise ConfigError(
            "the samples are not of the shape that the step was made for",
            given=f"real {tuple(real.shape)}, spec.shape {spec.shape}",
            allowed="as many axes as the spec has, and as many channels; height and width are free",
            hint=f"spec=ganzoo.protocols.DataSpec(shape={shape}) when the step is made",
        )
