"""The mathematics of one step of each player, on fakes that somebody hands over: no file, no hardware, no optimizer.

Each function returns :class:`Terms`, named scalars whose sum is the objective.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Literal

import torch
from torch import Tensor

from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminate, DiscriminatorOutput
from ganzoo.training.game import Ahead, Inputs, Objective, Terms, sum_of
from ganzoo.training.guards import demand_scalar, left_unchanged
from ganzoo.training.held import held
from ganzoo.training.observation import observed
from ganzoo.training.regularizing import View, with_regularizers
from ganzoo.training.second_derivative import demand_second_derivative
from ganzoo.training.without_trace import frozen, same_random_numbers


def discriminator_terms(objective: Objective, inputs: Inputs, fake: Tensor, *, observe: bool = False) -> Terms:
    """The discriminator's objective on one batch; ``fake`` must carry no graph, since none is cut here.

    It may be a leaf with a gradient of its own, which is then that of the loss; regularizers see it as numbers.
    """
    real_output, fake_output = _judge_both(objective, inputs, fake)
    terms = {}
    if objective.discriminator_adversarial:
        terms["adversarial"] = _over_maps(objective, "discriminator_loss", real=real_output, fake=fake_output)
    view = View(
        player="discriminator",
        objective=objective,
        inputs=inputs,
        fake=fake.detach(),
        real_output=real_output,
        fake_output=fake_output,
    )
    logits = real_output.logits.detach(), fake_output.logits.detach()
    if observe or objective.stateful_loss is not None or objective.augment is not None:
        logits = objective.team.gathered(logits[0]), objective.team.gathered(logits[1])
    return Terms(
        scalars=with_regularizers(objective, inputs, terms, view),
        observed=observed(objective, *logits) if observe else {},
        logits=logits,
    )


def adversarial_objective(objective: Objective, inputs: Inputs, fake: Tensor) -> Tensor:
    """The discriminator's objective without regularizers; the graph of the fakes is kept."""
    real_output, fake_output = _judge_both(objective, inputs, fake)
    return _over_maps(objective, "discriminator_loss", real=real_output, fake=fake_output)


def generator_terms(objective: Objective, inputs: Inputs, fake: Tensor) -> Terms:
    """The generator's objective on one batch of its fakes, against a frozen discriminator."""
    with nullcontext() if objective.frozen_throughout else frozen(objective.discriminator):
        ahead = Ahead(discriminate=_to_be_differentiated(objective))
        if objective.look_ahead is not None:
            ahead = objective.look_ahead(objective, inputs, fake)
        drawn_again = same_random_numbers(fake.device) if objective.pairs_samples else nullcontext()
        with drawn_again:  # by the verdict on real data, what is dropped out
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
                _over_maps(objective, "generator_loss", **compared, fake=fake_output)
                if ahead.objective is None
                else ahead.objective
            )
            if objective.look_ahead is not None and objective.generator is not None and inputs.update == 0:
                judged = objective.in_words("discriminator")
                demand_second_derivative(
                    terms["adversarial"], objective.generator, judged=judged, needed_by="train.unroll_steps"
                )
        view = View(
            player="generator",
            objective=objective,
            inputs=inputs,
            fake=fake,
            real_output=real_output,
            fake_output=fake_output,
        )
        return Terms(scalars=with_regularizers(objective, inputs, terms, view))


def _to_be_differentiated(objective: Objective) -> Discriminate:
    if objective.frozen_throughout:
        return objective.discriminate
    return held(objective.discriminate, objective.discriminator)


def _augmented(objective: Objective, images: Tensor, draws: Tensor | None) -> Tensor:
    return images if objective.augment is None or draws is None else objective.augment(images, draws)


def _judge_both(objective: Objective, inputs: Inputs, fake: Tensor) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
    real = _augmented(objective, inputs.real, inputs.real_draws)
    fake = _augmented(objective, fake, inputs.fake_draws)
    if objective.passes == "two":
        apart = objective.discriminate(real, inputs.real_labels), objective.discriminate(fake, inputs.fake_labels)
        for output, shown in zip(apart, (real, fake), strict=True):
            _demand_rows(objective, output, len(shown))
        return apart
    labels = None
    if inputs.real_labels is not None and inputs.fake_labels is not None:
        labels = torch.cat([inputs.real_labels, inputs.fake_labels])
    both = objective.discriminate(torch.cat([real, fake]), labels)
    _demand_rows(objective, both, len(real) + len(fake))
    return both.rows(slice(None, len(real))), both.rows(slice(len(real), None))


def _demand_rows(objective: Objective, output: DiscriminatorOutput, samples: int) -> None:
    """Refuse logits of which it is not clear whose they are; in a pass of one side a sample may have several rows."""
    one = objective.passes == "one"
    for logits in output.maps():
        rows = logits.shape[0] if logits.ndim else 0
        several = rows > samples > 0 and rows % samples == 0
        if rows == samples or (several and not one):
            continue
        raise ConfigError(
            f"{objective.in_words('discriminator').words} gives other rows of logits than it sees samples"
            + (", so those of real and of fake data cannot be told apart" if one else ""),
            given=f"logits {tuple(logits.shape)} of {samples} samples",
            allowed="a row for each sample, in their order" + ("" if one else "; or several for each"),
            hint='passes="two", if a sample has several, such as one for each frame'
            if several
            else "let its forward return a row for each sample, as logits.mean(dim=(1, 2, 3)) does of maps",
        )


def _over_maps(
    objective: Objective,
    method: Literal["discriminator_loss", "generator_loss"],
    **outputs: DiscriminatorOutput | None,
) -> Tensor:
    """The loss of each logit map, by its weight, summed or averaged."""
    loss: Callable[..., Tensor] = getattr(objective.loss, method)
    named = objective.in_words("loss")
    maps = {side: output.maps() for side, output in outputs.items() if output is not None}
    losses = []
    for logits in zip(*maps.values(), strict=True):
        given = dict(zip(maps, logits, strict=True))
        if objective.of_whole_batch:
            given = {side: objective.team.gathered(rows) for side, rows in given.items()}
        with left_unchanged(named, {f"{side}=": tensor for side, tensor in given.items()}, during=method):
            value = loss(**given)
        demand_scalar(value, named, method)
        losses.append(value)
    weights = next((output.map_weights for output in outputs.values() if output is not None), ())
    every = [weight * one for weight, one in zip(weights, losses, strict=True)] if weights else losses
    return sum_of(every) if objective.maps == "sum" else torch.stack(every).mean()
