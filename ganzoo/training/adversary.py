"""The mathematics of one step of each player, on fakes that somebody hands over: no file, no hardware, no optimizer.

Each function returns :class:`Terms`, named scalars whose sum is the objective.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import PluginError
from ganzoo.protocols import DiscriminatorOutput, Player, StatefulLoss, StepView
from ganzoo.training.game import Ahead, Inputs, Objective, Terms
from ganzoo.training.without_trace import buffers_replaced, frozen


def discriminator_terms(objective: Objective, inputs: Inputs, fake: Tensor, *, observe: bool = False) -> Terms:
    """The discriminator's objective on one batch; ``fake`` must carry no graph, since none is cut here."""
    real_output, fake_output = _judge_both(objective, inputs, fake)
    adversarial = _over_maps(objective.loss.discriminator_loss, real=real_output, fake=fake_output)
    view = _view("discriminator", objective, inputs, fake, real_output, fake_output)
    return Terms(
        scalars=_with_regularizers(objective, inputs, {"adversarial": adversarial}, view),
        observed=_observe(objective.loss, real_output, fake_output) if observe else {},
        logits=(real_output.logits.detach(), fake_output.logits.detach()),
    )


def adversarial_objective(objective: Objective, inputs: Inputs, fake: Tensor) -> Tensor:
    """The discriminator's objective without regularizers; the graph of the fakes is kept."""
    real_output, fake_output = _judge_both(objective, inputs, fake)
    return _over_maps(objective.loss.discriminator_loss, real=real_output, fake=fake_output)


def generator_terms(objective: Objective, inputs: Inputs, fake: Tensor) -> Terms:
    """The generator's objective on one batch of its fakes, against a frozen discriminator."""
    with frozen(objective.discriminator):
        ahead = Ahead(discriminate=objective.discriminate)
        if objective.look_ahead is not None:
            ahead = objective.look_ahead(objective, inputs, fake)
        fake_output = ahead.discriminate(_augmented(objective, fake, inputs.fake_draws), inputs.fake_labels)
        real_output = None
        if objective.needs_real_output or (objective.generator_needs_real and ahead.objective is None):
            # Looking ahead, the verdict on real data depends on the fakes that the discriminator has answered.
            with torch.set_grad_enabled(objective.look_ahead is not None):
                real = _augmented(objective, inputs.real, inputs.real_draws)
                real_output = ahead.discriminate(real, inputs.real_labels)
        terms = {}
        if objective.generator_adversarial:
            compared = {"real": real_output} if objective.generator_needs_real else {}
            terms["adversarial"] = (
                _over_maps(objective.loss.generator_loss, **compared, fake=fake_output)
                if ahead.objective is None
                else ahead.objective
            )
        view = _view("generator", objective, inputs, fake, real_output, fake_output)
        return Terms(scalars=_with_regularizers(objective, inputs, terms, view))


def after_update(objective: Objective, player: Player, terms: Sequence[Terms]) -> dict[str, Tensor]:
    """What follows a player's optimizer step: projections, and parts that adapt to the logits of the whole batch.

    Args:
        objective: its regularizers, loss and augmentation are told.
        player: whose network has moved.
        terms: those of the step; several where the batch came in parts.

    Returns:
        What the augmentation has to log.
    """
    network = objective.discriminator if player == "discriminator" else objective.generator
    for part in objective.regularizers:
        if network is not None:
            part.regularizer.after_step(player, network)
    adapts = objective.augment is not None or isinstance(objective.loss, StatefulLoss)
    if not adapts or player == "generator":
        return {}
    real, fake = (torch.cat(side) for side in zip(*(part.logits for part in terms if part.logits), strict=True))
    if isinstance(objective.loss, StatefulLoss):
        objective.loss.after_update(real=real, fake=fake)
    if objective.augment is None:
        return {}
    objective.augment.after_update(real=real)
    return objective.augment.observed()


def _augmented(objective: Objective, images: Tensor, draws: Tensor | None) -> Tensor:
    return images if objective.augment is None or draws is None else objective.augment(images, draws)


def _judge_both(objective: Objective, inputs: Inputs, fake: Tensor) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
    real = _augmented(objective, inputs.real, inputs.real_draws)
    fake = _augmented(objective, fake, inputs.fake_draws)
    if objective.passes == "two":
        return objective.discriminate(real, inputs.real_labels), objective.discriminate(fake, inputs.fake_labels)
    labels = None
    if inputs.real_labels is not None and inputs.fake_labels is not None:
        labels = torch.cat([inputs.real_labels, inputs.fake_labels])
    both = objective.discriminate(torch.cat([real, fake]), labels)
    return both.rows(slice(None, len(real))), both.rows(slice(len(real), None))


def _over_maps(loss: Callable[..., Tensor], **outputs: DiscriminatorOutput | None) -> Tensor:
    """The loss of each logit map, summed."""
    maps = {side: output.maps() for side, output in outputs.items() if output is not None}
    losses = [loss(**dict(zip(maps, logits, strict=True))) for logits in zip(*maps.values(), strict=True)]
    return torch.stack(losses).sum()


def _view(
    player: Player,
    objective: Objective,
    inputs: Inputs,
    fake: Tensor,
    real_output: DiscriminatorOutput | None,
    fake_output: DiscriminatorOutput,
) -> Callable[[str], StepView]:
    """Regularizer name → what it may see of the step."""

    def augment(images: Tensor) -> Tensor:
        if objective.augment is None:
            return images
        draws = objective.augment.draw(len(images), random=inputs.random("augment/view"))
        return objective.augment(images, draws.to(images.device, non_blocking=True))

    def critic(images: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
        return objective.critic(augment(images), labels)

    def generate(z: Tensor, labels: Tensor | None) -> Tensor:
        assert objective.generator is not None
        assert objective.generate is not None
        with buffers_replaced(objective.generator):
            return objective.generate(z, labels)

    def view(name: str) -> StepView:
        return StepView(
            player=player,
            network=objective.discriminator if player == "discriminator" else objective.generator,
            real=inputs.real,
            fake=fake,
            real_labels=inputs.real_labels,
            fake_labels=inputs.fake_labels,
            z=inputs.z,
            real_output=real_output,
            fake_output=fake_output,
            critic=critic,
            plain_critic=objective.critic,
            generate=None if objective.generate is None else generate,
            augment=augment,
            random=inputs.random(name),
        )

    return view


def _with_regularizers(
    objective: Objective, inputs: Inputs, terms: dict[str, Tensor], view: Callable[[str], StepView]
) -> dict[str, Tensor]:
    for part in objective.regularizers:
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
                    f"regularizer {part.name} returns a term {name!r}, but another part of this run already returns it",
                    given=name,
                    allowed=f"names other than {', '.join(terms)}",
                    hint="leave one of the two out, or report this to the authors of the regularizer",
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
