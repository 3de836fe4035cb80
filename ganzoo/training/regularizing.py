"""What regularizers see of a step, and what they add to its terms."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from torch import Tensor

from ganzoo.errors import PluginError
from ganzoo.protocols import DiscriminatorOutput, Player, StepView
from ganzoo.training.alike import judge_alike
from ganzoo.training.game import Inputs, Objective
from ganzoo.training.guards import demand_scalar, left_unchanged, of_output
from ganzoo.training.second_derivative import demand_second_derivative
from ganzoo.training.without_trace import buffers_replaced


def with_regularizers(
    objective: Objective, inputs: Inputs, terms: dict[str, Tensor], view: Callable[[str], StepView]
) -> dict[str, Tensor]:
    """The terms with those of the regularizers that act in this update.

    Raises:
        PluginError: a regularizer's term has the name of another one or is not a scalar, a regularizer changes in
            place what it was given, or it needs a second derivative that a network does not have.
    """
    for part in objective.regularizers:
        # The k-th, 2k-th, … update, so that the terms of common intervals fall on logged steps.
        if (inputs.update + 1) % part.every:
            continue
        seen = view(part.name)
        of_player = (
            part.regularizer.discriminator_terms if seen.player == "discriminator" else part.regularizer.generator_terms
        )
        named = part.in_words()
        with left_unchanged(named, _tensors(seen), during=f"{seen.player}_terms"):
            found = of_player(seen)
        for name, raw in found.items():
            demand_scalar(raw, named, f"the {seen.player}'s term {name!r}")
            if inputs.update < part.every and seen.network is not None:
                judged = objective.in_words(seen.player)
                demand_second_derivative(raw, seen.network, judged=judged, needed_by=named.words)
            if name in terms:
                raise PluginError(
                    f"regularizer {part.name} returns a term {name!r}, but another part of this run already returns it",
                    given=name,
                    allowed=f"names other than {', '.join(terms)}",
                    hint="leave one of the two out, or report this to the authors of the regularizer",
                )
            terms[name] = part.weight * part.every * raw
    return terms


def _tensors(view: StepView) -> dict[str, Tensor | None]:
    """What a regularizer must not change, by what an error calls it."""
    return {
        "view.real": view.real,
        "view.fake": view.fake,
        "view.real_labels": view.real_labels,
        "view.fake_labels": view.fake_labels,
        "view.z": view.z,
        **of_output("view.real_output", view.real_output),
        **of_output("view.fake_output", view.fake_output),
    }


def view_of(
    player: Player,
    objective: Objective,
    inputs: Inputs,
    fake: Tensor,
    real_output: DiscriminatorOutput | None,
    fake_output: DiscriminatorOutput,
) -> Callable[[str], StepView]:
    """Regularizer name → what it may see of the step."""

    def generate(z: Tensor, labels: Tensor | None) -> Tensor:
        assert objective.generator is not None
        assert objective.generate is not None
        with buffers_replaced(objective.generator):
            return objective.generate(z, labels)

    def view(name: str) -> StepView:
        augment = _Augmenting(objective, inputs, name)

        def critic(images: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
            return objective.critic(augment(images), labels)

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
            judge_alike=judge_alike(objective.discriminator, augment),
            augment=augment,
            random=inputs.random(name),
        )

    return view


class _Augmenting:
    """The augmentation as one regularizer calls it, once or more in an update.

    Every call of every regularizer has a stream of its own: micro-batches go on drawing in it where the one before
    stopped, so that together they see the draws of the whole batch.
    """

    def __init__(self, objective: Objective, inputs: Inputs, name: str) -> None:
        self._augment, self._random, self._name = objective.augment, inputs.random, name
        self._calls = count()

    def __call__(self, images: Tensor) -> Tensor:
        (augmented,) = self._all(images)
        return augmented

    def alike(self, images: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
        """Two versions of the same images with the same draws."""
        one, other = self._all(images, others)
        return one, other

    def _all(self, *versions: Tensor) -> tuple[Tensor, ...]:
        if self._augment is None:
            return versions
        random = self._random(f"augment/view/{self._name}/{next(self._calls)}")
        draws = self._augment.draw(len(versions[0]), random=random).to(versions[0].device, non_blocking=True)
        return tuple(self._augment(images, draws) for images in versions)
