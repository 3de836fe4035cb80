"""What training loops by hand have in common, for any loss and any networks.

They call the same losses, networks, regularizers and augmentations as ganzoo's step, and nothing of the step itself. So
what differs in time is how the step is arranged.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from ganzoo.benchmarking.contestant import Contestant
from ganzoo.data import as_floats
from ganzoo.planning.plan import Plan
from ganzoo.protocols import DiscriminatorOutput, Player
from ganzoo.runs.assembly import assemble
from ganzoo.training.after_update import after_update
from ganzoo.training.draws import micro_batches
from ganzoo.training.game import Inputs, Terms, sum_of
from ganzoo.training.regularizing import View
from ganzoo.training.runtime import as_dtype

Draw = Callable[[int, str], torch.Generator]
"""(update, what for) → where its random numbers come from."""
OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}


def one_stream(seed: int) -> Draw:
    """All from one generator, in the order in which they are needed, as loops by hand do."""
    random = torch.Generator().manual_seed(seed)
    return lambda update, role: random


class ByHand(Contestant):
    """A loop by hand: the data, what each player optimizes, and the order of the updates.

    Args:
        plan: its networks are trained. Not for one that looks ahead or whose numbers follow schedules.
        draw: where random numbers come from.
        reuse_fakes: whether the generator learns from the fakes of the discriminator's last update, also where the plan
            does not say so.
    """

    fused = False
    """Whether optimizers are fused, where the device has such kernels."""

    def __init__(self, plan: Plan, *, draw: Draw | None = None, reuse_fakes: bool = False) -> None:
        setup = assemble(plan)
        self.game, self.state, self.runtime = setup.game, setup.state, setup.runtime
        self.batches, self.sampler, self.schedule = setup.batches, setup.sampler, setup.schedule
        self.reuse_fakes = reuse_fakes or self.schedule.fakes == "shared"
        self.made: tuple[Inputs, Tensor] | None = None
        self.draw = draw or one_stream(plan.config.seed)
        self.generator: Any = self.state.generator
        self.discriminator: Any = self.state.discriminator
        kind = plan.config.train.optimizer
        self.g_optimizer = self._optimizer(kind, self.state.g_optimizer)
        self.d_optimizer = self._optimizer(kind, self.state.d_optimizer)
        self.generator.train()
        self.discriminator.train()

    def _optimizer(self, kind: str, like: torch.optim.Optimizer) -> torch.optim.Optimizer:
        [group] = like.param_groups
        options: dict[str, Any] = {key: group[key] for key in ("lr", "betas", "momentum") if key in group}
        if self.fused and kind in ("adam", "adamw"):
            options["fused"] = self.runtime.device.type in ("cpu", "cuda")
        return OPTIMIZERS[kind](group["params"], **options)

    def active(self) -> AbstractContextManager[None]:
        """The threads that the plan asks for; all else is as torch has it."""
        return replace(self.runtime, deterministic=False).active()

    def step(self) -> None:
        """Every update of the discriminator, then one of the generator."""
        for _ in range(self.schedule.n_critic):
            inputs = self._inputs("discriminator", self.state.d_step)
            self.update_discriminator(inputs)
            self.state.d_step += 1
        again = inputs.real, inputs.real_labels
        self.update_generator(self._inputs("generator", self.state.step, again))
        self.state.step += 1

    @abstractmethod
    def update_discriminator(self, inputs: Inputs) -> None:
        """One optimizer step of the discriminator."""

    @abstractmethod
    def update_generator(self, inputs: Inputs) -> None:
        """One optimizer step of the generator."""

    def put(self, data: Tensor) -> Tensor:
        """Data where they are computed with."""
        return as_floats(data).to(self.runtime.device)

    def generate(self, inputs: Inputs) -> Tensor:
        """Fakes of the latents of an update."""
        assert inputs.z is not None
        with self._autocast():
            images: Tensor = self.generator(inputs.z, inputs.fake_labels)
        return images.to(inputs.z.dtype)

    @property
    def keeps_fakes(self) -> bool:
        """Whether the generator is going to learn from the fakes of this update of the discriminator."""
        return self.reuse_fakes and (self.state.d_step + 1) % self.schedule.n_critic == 0

    def fakes_of_generator(self, inputs: Inputs) -> tuple[Inputs, Tensor]:
        """What the generator learns from, with the latents and classes that it was made of."""
        if self.made is None:
            return inputs, self.generate(inputs)
        before, fake = self.made
        return replace(inputs, z=before.z, fake_labels=before.fake_labels), fake

    def judge(self, images: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
        """The discriminator's verdict, in the precision of the images."""
        with self._autocast():
            output: DiscriminatorOutput = self.discriminator(images, labels)
        return output if self.runtime.precision == "fp32" else as_dtype(output, images.dtype)

    def judge_real(self, inputs: Inputs) -> DiscriminatorOutput:
        """The verdict on real data alone."""
        return self.judge(self._augmented(inputs.real, inputs.real_draws), inputs.real_labels)

    def judge_fake(self, inputs: Inputs, fake: Tensor) -> DiscriminatorOutput:
        """The verdict on fakes alone."""
        return self.judge(self._augmented(fake, inputs.fake_draws), inputs.fake_labels)

    def discriminator_objective(
        self, inputs: Inputs, fake: Tensor, real_output: DiscriminatorOutput, fake_output: DiscriminatorOutput
    ) -> Tensor:
        """The loss and the penalties."""
        terms = []
        if self.game.discriminator_adversarial:
            terms.append(self._loss("discriminator_loss", real=real_output, fake=fake_output))
        return sum_of(terms + self._penalties("discriminator", inputs, fake, real_output, fake_output))

    def generator_objective(
        self, inputs: Inputs, fake: Tensor, real_output: DiscriminatorOutput | None, fake_output: DiscriminatorOutput
    ) -> Tensor:
        """Likewise."""
        terms = []
        if self.game.generator_adversarial:
            compared = {"real": real_output} if self.game.generator_needs_real else {}
            terms.append(self._loss("generator_loss", **compared, fake=fake_output))
        return sum_of(terms + self._penalties("generator", inputs, fake, real_output, fake_output))

    @property
    def compares(self) -> bool:
        """Whether the generator's step looks at real data as well."""
        return self.game.generator_needs_real or self.game.needs_real_output

    def clip(self, network: torch.nn.Module) -> None:
        """Rescale the gradient, where the plan says so."""
        if self.schedule.clip_grad_norm is not None:
            torch.nn.utils.clip_grad_norm_(network.parameters(), self.schedule.clip_grad_norm)

    def parts(self, inputs: Inputs) -> Iterator[tuple[float, Inputs]]:
        """The batch, or the parts of it whose gradients are added up."""
        return (
            micro_batches(inputs, self.schedule.accumulate) if self.schedule.accumulate > 1 else iter([(1.0, inputs)])
        )

    def adapt(self, player: Player, logits: list[tuple[Tensor, Tensor]]) -> None:
        """What follows an update: weights are clipped, and parts adapt to the logits of the batch."""
        after_update(self.game, player, [Terms(scalars={}, logits=pair) for pair in logits])

    def _loss(
        self, method: Literal["discriminator_loss", "generator_loss"], **outputs: DiscriminatorOutput | None
    ) -> Tensor:
        """The loss of each logit map, by its weight."""
        sides = {side: output for side, output in outputs.items() if output is not None}
        of = getattr(self.game.loss, method)
        maps = zip(*(output.maps() for output in sides.values()), strict=True)
        losses = [of(**dict(zip(sides, logits, strict=True))) for logits in maps]
        weights = next(output.map_weights for output in sides.values())
        return sum_of([weight * one for weight, one in zip(weights, losses, strict=True)] if weights else losses)

    def _penalties(
        self,
        player: Player,
        inputs: Inputs,
        fake: Tensor,
        real_output: DiscriminatorOutput | None,
        fake_output: DiscriminatorOutput,
    ) -> list[Tensor]:
        view = View(
            player=player,
            objective=self.game,
            inputs=inputs,
            fake=fake,
            real_output=real_output,
            fake_output=fake_output,
        )
        terms = []
        for part in self.game.regularizers:
            if (inputs.update + 1) % part.every == 0:
                of_player = getattr(part.regularizer, f"{player}_terms")
                terms += [part.weight * part.every * term for term in of_player(view(part.name)).values()]
        return terms

    def _inputs(self, player: Player, update: int, again: tuple[Tensor, Tensor | None] | None = None) -> Inputs:
        if again is None:
            batch = self.batches.stored(update)
            labelled = batch.labels is not None and self.sampler.frequencies
            again = self.put(batch.data), self.put(batch.labels) if labelled and batch.labels is not None else None
        real, real_labels = again
        n = len(real)
        fake_labels = real_labels
        if not self.game.generator_needs_real:
            fake_labels = self.sampler.labels(n, random=self.draw(update, f"labels/{player}"))
        return Inputs(
            real=real,
            real_labels=real_labels,
            fake_labels=fake_labels,
            z=self.sampler.latents(n, random=self.draw(update, f"z/{player}")),
            update=update,
            random=lambda name: self.draw(update, f"{player}/{name}"),
            real_draws=self._augment_draws(player, update, "real", n),
            fake_draws=self._augment_draws(player, update, "fake", n),
        )

    def _augment_draws(self, player: Player, update: int, side: str, n: int) -> Tensor | None:
        if self.game.augment is None:
            return None
        drawn = self.game.augment.draw(n, random=self.draw(update, f"augment/{player}/{side}"))
        return drawn.to(self.runtime.device)

    def _augmented(self, images: Tensor, draws: Tensor | None) -> Tensor:
        return images if self.game.augment is None or draws is None else self.game.augment(images, draws)

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.runtime.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.runtime.device.type, dtype=torch.bfloat16)
