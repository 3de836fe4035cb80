"""The same optimizations as in ganzoo's step, written out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from ganzoo.benchmarking.by_hand import ByHand, Draw
from ganzoo.planning.plan import Plan
from ganzoo.protocols import DiscriminatorOutput
from ganzoo.training import spectral
from ganzoo.training.game import Inputs
from ganzoo.training.state import update_average


class HandLoop(ByHand):
    """What one writes who knows all that makes ganzoo's step fast, and leaves out what keeps it safe.

    Real and fake go through the discriminator in one pass where nothing couples samples. Fakes for the discriminator
    have no graph, unless the generator learns from them too. The discriminator is frozen in the generator's update.
    Spectral norm iterates once per update of the discriminator. Convolutions are channels-last and, on a CPU, computed
    as ganzoo has them computed. Adam is fused, and nothing is read. The generator's average is kept, and networks are
    compiled, where the plan says so.

    It computes the weights that ganzoo computes. Not in it: the check that all is finite, metric rows, draws that
    follow from the number of the update, statistics of the generator that the discriminator's update leaves alone.
    """

    fused = True

    def __init__(self, plan: Plan, *, draw: Draw | None = None) -> None:
        super().__init__(plan, draw=draw)
        self.decay = self.schedule.ema
        self.trained = [one for one in self.discriminator.parameters() if one.requires_grad]
        self.per_update = self.schedule.spectral_norm == "per-update"
        if self.per_update:
            spectral.hold(self.discriminator)
        if self.runtime.compile:
            self.discriminator, self.generator = torch.compile(self.discriminator), torch.compile(self.generator)

    @contextmanager
    def active(self) -> Iterator[None]:
        """With ganzoo's convolutions."""
        with super().active(), self.runtime.quick():
            yield

    def put(self, data: Tensor) -> Tensor:
        """Images channels-last."""
        return self.runtime.put(data)

    def update_discriminator(self, inputs: Inputs) -> None:
        """One pass where that is the same."""
        logits = []
        if self.per_update:
            spectral.iterate(self.state.discriminator)
        self.d_optimizer.zero_grad()
        for share, part in self.parts(inputs):
            with torch.set_grad_enabled(self.keeps_fakes):
                made = self.generate(part)
            self.made, fake = (part, made) if self.keeps_fakes else None, made.detach()
            real_output, fake_output = self._judge_both(part, fake)
            objective = self.discriminator_objective(part, fake, real_output, fake_output)
            (objective if share == 1 else share * objective).backward()  # type: ignore[no-untyped-call]
            logits.append((real_output.logits.detach(), fake_output.logits.detach()))
        self.clip(self.state.discriminator)
        self.d_optimizer.step()
        self.adapt("discriminator", logits)

    def update_generator(self, inputs: Inputs) -> None:
        """Against a frozen discriminator."""
        self.g_optimizer.zero_grad()
        with self._frozen():
            for share, drawn in self.parts(inputs):
                part, fake = self.fakes_of_generator(drawn)
                fake_output, real_output = self.judge_fake(part, fake), None
                if self.compares:
                    with torch.no_grad():
                        real_output = self.judge_real(part)
                objective = self.generator_objective(part, fake, real_output, fake_output)
                (objective if share == 1 else share * objective).backward()  # type: ignore[no-untyped-call]
        self.clip(self.state.generator)
        self.g_optimizer.step()
        self.adapt("generator", [])
        self._average()

    def _judge_both(self, inputs: Inputs, fake: Tensor) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
        if self.game.passes == "two":
            return self.judge_real(inputs), self.judge_fake(inputs, fake)
        real = self._augmented(inputs.real, inputs.real_draws)
        fake = self._augmented(fake, inputs.fake_draws)
        labels = None
        if inputs.real_labels is not None and inputs.fake_labels is not None:
            labels = torch.cat([inputs.real_labels, inputs.fake_labels])
        both = self.judge(torch.cat([real, fake]), labels)
        return both.rows(slice(None, len(real))), both.rows(slice(len(real), None))

    @contextmanager
    def _frozen(self) -> Iterator[None]:
        for parameter in self.trained:
            parameter.requires_grad_(False)
        yield
        for parameter in self.trained:
            parameter.requires_grad_(True)

    def _average(self) -> None:
        state = self.state
        if state.ema is None:
            return
        if state.decay is not None:
            update_average(state.ema, state.generator, decay=state.decay)
        elif self.decay is not None:
            update_average(state.ema, state.generator, decay=self.decay, updates=state.step + 1)
