"""What regularizers see of a step, and what they add to its terms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import count

import torch
from torch import Tensor, nn

from ganzoo.errors import PluginError
from ganzoo.protocols import DiscriminatorOutput, Player, StepView
from ganzoo.seeds import seeded
from ganzoo.training.alike import judge_alike
from ganzoo.training.game import Inputs, Objective, WeightedRegularizer
from ganzoo.training.guards import demand_scalar, left_unchanged, of_output
from ganzoo.training.second_derivative import demand_second_derivative
from ganzoo.training.shared_batch_norm import apart
from ganzoo.training.team import ALONE, Team
from ganzoo.training.without_trace import buffers_replaced


def with_regularizers(objective: Objective, inputs: Inputs, terms: dict[str, Tensor], view: View) -> dict[str, Tensor]:
    """The terms with those of the regularizers that act in this update.

    Raises:
        PluginError: a regularizer's term has the name of another one or is not a scalar, a regularizer changes in
            place what it was given, or it needs a second derivative that a network does not have.
    """
    for part in objective.regularizers:
        # The k-th, 2k-th, … update, so that the terms of common intervals fall on logged steps.
        if (inputs.update + 1) % part.every:
            continue
        seen, chance = _spread(objective, part, view)
        of_player = (
            part.regularizer.discriminator_terms if seen.player == "discriminator" else part.regularizer.generator_terms
        )
        named = part.in_words()
        with left_unchanged(named, _tensors(seen), during=f"{seen.player}_terms"), chance:
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


def _spread(
    objective: Objective, part: WeightedRegularizer, view: View
) -> tuple[StepView, AbstractContextManager[None]]:
    """What a regularizer sees, and what is to be around its call where several processes have the batch.

    One that looks at a micro-batch as a whole gets the rows of all, in all processes alike: what it keeps of them must
    be the same everywhere. Any other gets those that are there, and draws what it would draw for them if it had all.
    """
    draws, player = objective.sample_draws, view.player
    if objective.team.alone or draws is None:
        return view(part.name), nullcontext()
    networks = [network for network in (objective.discriminator, objective.generator) if network is not None]

    def trial() -> list[StepView]:
        return [view(part.name, trial=True) for _ in range(2)]

    if not part.of_whole_batch and draws.by_sample(player, part.name, part.regularizer, trial, networks):
        seen = view(part.name)
        return seen, draws.in_place(player, part.name, part.in_words(), seen.random)
    seen = view(part.name, whole=True)
    return seen, _alike(networks, view.inputs.random(f"{part.name}/whole"), seen.fake.device)


@contextmanager
def _alike(networks: Sequence[nn.Module], random: torch.Generator, device: torch.device) -> Iterator[None]:
    """Let all processes compute the same inside the block: also what is dropped out, and the noise of a generator.

    Outside of it each draws these for its own samples.
    """
    seed = int(torch.randint(2**62, (), generator=random))
    with apart(*networks), seeded(seed, devices=(device,)):
        yield


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


@dataclass(frozen=True, kw_only=True)
class View:
    """Regularizer name → what it may see of a step."""

    player: Player
    objective: Objective
    inputs: Inputs
    fake: Tensor
    real_output: DiscriminatorOutput | None
    fake_output: DiscriminatorOutput

    def __call__(self, name: str, *, whole: bool = False, trial: bool = False) -> StepView:
        """What it sees.

        Args:
            name: of the regularizer.
            whole: the rows of all processes, not only those of this one.
            trial: with random numbers that count for nothing.
        """
        objective, inputs = self.objective, self.inputs
        if trial:
            inputs = replace(inputs, random=lambda _: torch.Generator())
        gathered = objective.team.gathered if whole else _as_it_is
        augment = _Augmenting(objective, inputs, name, ALONE if whole else objective.team)

        def critic(images: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
            return objective.critic(augment(images), labels)

        return StepView(
            player=self.player,
            network=objective.discriminator if self.player == "discriminator" else objective.generator,
            real=gathered(inputs.real),
            fake=gathered(self.fake),
            real_labels=None if inputs.real_labels is None else gathered(inputs.real_labels),
            fake_labels=None if inputs.fake_labels is None else gathered(inputs.fake_labels),
            z=None if inputs.z is None else gathered(inputs.z),
            real_output=None if self.real_output is None else self.real_output.each(gathered),
            fake_output=self.fake_output.each(gathered),
            critic=critic,
            plain_critic=objective.critic,
            generate=None if objective.generate is None else self._generate,
            judge_alike=judge_alike(objective.discriminator, augment),
            augment=augment,
            random=inputs.random(name),
        )

    def _generate(self, z: Tensor, labels: Tensor | None) -> Tensor:
        assert self.objective.generator is not None
        assert self.objective.generate is not None
        with buffers_replaced(self.objective.generator):
            return self.objective.generate(z, labels)


def _as_it_is(rows: Tensor) -> Tensor:
    return rows


class _Augmenting:
    """The augmentation as one regularizer calls it, once or more in an update.

    Every call of every regularizer has a stream of its own: micro-batches go on drawing in it where the one before
    stopped, so that together they see the draws of the whole batch.
    """

    def __init__(self, objective: Objective, inputs: Inputs, name: str, team: Team) -> None:
        self._augment, self._random, self._name, self._team = objective.augment, inputs.random, name, team
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
        drawn = self._team.part_of(self._augment.draw(len(versions[0]) * self._team.size, random=random))
        draws = drawn.to(versions[0].device, non_blocking=True)
        return tuple(self._augment(images, draws) for images in versions)
