"""The mathematics of one step of each player: no file, no hardware, no optimizer.

Each function returns :class:`Terms`, named scalars whose sum is the objective: what is logged is what is optimized.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganzoo.errors import PluginError
from ganzoo.protocols import (
    AnyLoss,
    Augmentation,
    Discriminate,
    DiscriminatorOutput,
    Generate,
    Player,
    Regularizer,
    StepView,
)


@dataclass(frozen=True, kw_only=True)
class WeightedRegularizer:
    """A regularizer with its weight and interval; its terms count ``weight · every`` at every ``every``-th update."""

    name: str
    regularizer: Regularizer
    weight: float
    every: int = 1


@dataclass(frozen=True, kw_only=True)
class Game:
    """Two networks, the callables through which they are run, and the objective.

    Attributes:
        discriminate: the discriminator as trained (mixed precision, perhaps compiled).
        critic: the discriminator for penalties: uncompiled, in the penalty precision.
        generate: the generator as trained.
        augment: what images go through before the discriminator sees them.
        look_ahead: for the generator's step, the game with a discriminator that has already answered these fakes;
            see :mod:`ganzoo.training.unroll`.
        passes: whether real and fake go through the discriminator concatenated or one after the other.
        generator_needs_real: whether the loss compares fakes with real logits in the generator's step.
        needs_real_output: whether a regularizer looks at real data in the generator's step.
        generator_adversarial: whether the loss is part of the generator's objective; else regularizers are all of it.
    """

    loss: AnyLoss
    discriminator: nn.Module
    generator: nn.Module
    discriminate: Discriminate
    critic: Discriminate
    generate: Generate
    regularizers: tuple[WeightedRegularizer, ...] = ()
    augment: Augmentation | None = None
    look_ahead: Callable[[Game, Inputs, Tensor], Ahead] | None = None
    passes: Literal["one", "two"] = "two"
    generator_needs_real: bool = False
    needs_real_output: bool = False
    generator_adversarial: bool = True


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
    """All draws of one update, made beforehand, so that a slice of them is a micro-batch.

    Attributes:
        real_draws, fake_draws: the random numbers of the augmentation, a row an image.
        update: how many updates the player has made before this one.
        random: regularizer name → a CPU generator seeded by (seed, update, regularizer).
    """

    real: Tensor
    real_labels: Tensor | None
    z: Tensor
    fake_labels: Tensor | None
    update: int
    random: Callable[[str], torch.Generator]
    real_draws: Tensor | None = None
    fake_draws: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Named scalars whose sum is the objective.

    Attributes:
        observed: what was observed of the logits, on logged steps only.
        logits: of real and fake, detached, for parts that adapt to them; none of the generator's step.
    """

    scalars: dict[str, Tensor]
    observed: dict[str, Tensor] = field(default_factory=dict)
    logits: tuple[Tensor, Tensor] | None = None

    def total(self) -> Tensor:
        """The objective."""
        return torch.stack(list(self.scalars.values())).sum()


def discriminator_terms(game: Game, inputs: Inputs, *, observe: bool = False) -> Terms:
    """The discriminator's objective on one batch; fakes carry no graph and leave no trace in the generator."""
    with torch.no_grad(), _buffers_kept(game.generator):
        fake = game.generate(inputs.z, inputs.fake_labels)
    real_output, fake_output = _judge_both(game, inputs, fake)
    adversarial = _over_outputs(game.loss.discriminator_loss, real=real_output, fake=fake_output)
    view = _view("discriminator", game, inputs, fake, real_output, fake_output)
    return Terms(
        scalars=_with_regularizers(game, inputs, {"adversarial": adversarial}, view),
        observed=_observe(game.loss, real_output, fake_output) if observe else {},
        logits=(real_output.logits.detach(), fake_output.logits.detach()),
    )


def discriminator_objective(game: Game, inputs: Inputs, fake: Tensor) -> Tensor:
    """The discriminator's adversarial objective on given fakes, whose graph is kept."""
    real_output, fake_output = _judge_both(game, inputs, fake)
    return _over_outputs(game.loss.discriminator_loss, real=real_output, fake=fake_output)


def generator_terms(game: Game, inputs: Inputs) -> Terms:
    """The generator's objective on one batch, against a frozen discriminator."""
    with _frozen(game.discriminator):
        fake = game.generate(inputs.z, inputs.fake_labels)
        ahead = (
            Ahead(discriminate=game.discriminate) if game.look_ahead is None else game.look_ahead(game, inputs, fake)
        )
        fake_output = ahead.discriminate(_augmented(game, fake, inputs.fake_draws), inputs.fake_labels)
        real_output = None
        if game.needs_real_output or (game.generator_needs_real and ahead.objective is None):
            # Looking ahead, the verdict on real data depends on the fakes that the discriminator has answered.
            with torch.set_grad_enabled(game.look_ahead is not None):
                real = _augmented(game, inputs.real, inputs.real_draws)
                real_output = ahead.discriminate(real, inputs.real_labels)
        adversarial = ahead.objective
        if adversarial is None:
            compared = {"real": real_output} if game.generator_needs_real else {}
            adversarial = _over_outputs(game.loss.generator_loss, **compared, fake=fake_output)
        view = _view("generator", game, inputs, fake, real_output, fake_output)
        terms = {"adversarial": adversarial} if game.generator_adversarial else {}
        return Terms(scalars=_with_regularizers(game, inputs, terms, view))


def _augmented(game: Game, images: Tensor, draws: Tensor | None) -> Tensor:
    return images if game.augment is None or draws is None else game.augment(images, draws)


def _judge_both(game: Game, inputs: Inputs, fake: Tensor) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
    real = _augmented(game, inputs.real, inputs.real_draws)
    fake = _augmented(game, fake, inputs.fake_draws)
    if game.passes == "two":
        return game.discriminate(real, inputs.real_labels), game.discriminate(fake, inputs.fake_labels)
    labels = None
    if inputs.real_labels is not None and inputs.fake_labels is not None:
        labels = torch.cat([inputs.real_labels, inputs.fake_labels])
    both = game.discriminate(torch.cat([real, fake]), labels)
    return _part(both, slice(None, len(real))), _part(both, slice(len(real), None))


def _part(output: DiscriminatorOutput, rows: slice) -> DiscriminatorOutput:
    return DiscriminatorOutput(
        logits=output.logits[rows],
        class_logits=None if output.class_logits is None else output.class_logits[rows],
        features=tuple(feature[rows] for feature in output.features),
        extra_logits=tuple(logits[rows] for logits in output.extra_logits),
    )


def _over_outputs(objective: Callable[..., Tensor], **outputs: DiscriminatorOutput | None) -> Tensor:
    """The objective of each logit map, summed."""
    present = {side: output for side, output in outputs.items() if output is not None}
    maps = {side: output.maps() for side, output in present.items()}
    losses = [objective(**dict(zip(maps, logits, strict=True))) for logits in zip(*maps.values(), strict=True)]
    return torch.stack(losses).sum()


def _view(
    player: Player,
    game: Game,
    inputs: Inputs,
    fake: Tensor,
    real_output: DiscriminatorOutput | None,
    fake_output: DiscriminatorOutput,
) -> Callable[[str], StepView]:
    def augment(images: Tensor) -> Tensor:
        if game.augment is None:
            return images
        draws = game.augment.draw(len(images), random=inputs.random("augment/view"))
        return game.augment(images, draws.to(images.device, non_blocking=True))

    def critic(images: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
        return game.critic(augment(images), labels)

    def generate(z: Tensor, labels: Tensor | None) -> Tensor:
        with _buffers_replaced(game.generator):
            return game.generate(z, labels)

    def view(name: str) -> StepView:
        return StepView(
            player=player,
            network=game.discriminator if player == "discriminator" else game.generator,
            real=inputs.real,
            fake=fake,
            real_labels=inputs.real_labels,
            fake_labels=inputs.fake_labels,
            z=inputs.z,
            real_output=real_output,
            fake_output=fake_output,
            critic=critic,
            plain_critic=game.critic,
            generate=generate,
            augment=augment,
            random=inputs.random(name),
        )

    return view


def _with_regularizers(
    game: Game, inputs: Inputs, terms: dict[str, Tensor], view: Callable[[str], StepView]
) -> dict[str, Tensor]:
    for part in game.regularizers:
        # The k-th, 2k-th, … update, so that the terms of common intervals fall on logged steps.
        if (inputs.update + 1) % part.every:
            continue
        seen = view(part.name)
        of_player = (
            part.regularizer.discriminator_terms if seen.player == "discriminator" else part.regularizer.generator_terms
        )
        for name, raw in of_player(seen).items():
            if name in terms:
                raise PluginError(
                    f"regularizer {part.name} returns a term {name!r}, which another part of this run has already",
                    given=name,
                    allowed=f"names other than {', '.join(terms)}",
                    hint="leave one of the two out, or report it to the authors of the regularizer",
                )
            terms[name] = part.weight * part.every * raw
    return terms


def _observe(loss: Any, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> dict[str, Tensor]:
    real_logits, fake_logits = real.logits.detach(), fake.logits.detach()
    observed = {
        "logits/real": real_logits.mean(),
        "logits/fake": fake_logits.mean(),
        "accuracy/real": (real_logits > 0).to(real_logits.dtype).mean(),
        "accuracy/fake": (fake_logits < 0).to(fake_logits.dtype).mean(),
    }
    if hasattr(loss, "diagnostics"):
        observed |= loss.diagnostics(real=real_logits, fake=fake_logits)
    return observed


@contextmanager
def _buffers_kept(module: nn.Module) -> Iterator[None]:
    """Undo what a forward does to buffers (BatchNorm statistics), whatever layer keeps them."""
    buffers = list(module.buffers())
    kept = [buffer.clone() for buffer in buffers]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in zip(buffers, kept, strict=True):
                buffer.copy_(value)


@contextmanager
def _buffers_replaced(module: nn.Module) -> Iterator[None]:
    """Let a forward move copies of the buffers: where its graph is kept, the originals must not be written back to."""
    held = [
        (owner, name, buffer)
        for owner in module.modules()
        for name, buffer in owner._buffers.items()
        if buffer is not None
    ]
    try:
        for owner, name, buffer in held:
            owner._buffers[name] = buffer.clone()
        yield
    finally:
        for owner, name, buffer in held:
            owner._buffers[name] = buffer


@contextmanager
def _frozen(module: nn.Module) -> Iterator[None]:
    """No gradient for the parameters, so none is computed; gradients pass through to the inputs."""
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
