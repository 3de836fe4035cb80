"""The loop that most people write."""

from __future__ import annotations

import torch

from ganzoo.benchmarking.by_hand import ByHand, Draw
from ganzoo.planning.plan import Plan
from ganzoo.training.game import Inputs


class PlainLoop(ByHand):
    """The loop that a competent user writes first.

    The discriminator judges real images, then detached fakes whose graph was built for nothing. It is not frozen in the
    generator's update, so its gradients are computed and thrown away. torch's spectral norm iterates at every forward.
    Both objectives are read at every step. Adam, the memory layout, convolutions and everything else are torch's;
    nothing is compiled, and no average of the generator is kept. Gradients are clipped where the plan says so.

    With ``reuse_fakes``, or where the plan shares fakes, the generator learns from those of the discriminator's last
    update, as some tutorials do: one forward pass less, and another algorithm than drawing new latents.
    """

    def __init__(self, plan: Plan, *, draw: Draw | None = None, reuse_fakes: bool = False) -> None:
        super().__init__(plan, draw=draw, reuse_fakes=reuse_fakes)
        self.read = {"discriminator": 0.0, "generator": 0.0}
        self.state.ema = None
        for network in (self.generator, self.discriminator):
            network.to(memory_format=torch.contiguous_format)

    def update_discriminator(self, inputs: Inputs) -> None:
        """Two passes; the fakes come with a graph."""
        logits = []
        objective = 0.0
        self.d_optimizer.zero_grad()
        for share, part in self.parts(inputs):
            made = self.generate(part)
            self.made, fake = (part, made) if self.keeps_fakes else None, made.detach()
            real_output, fake_output = self.judge_real(part), self.judge_fake(part, fake)
            loss = share * self.discriminator_objective(part, fake, real_output, fake_output)
            loss.backward()  # type: ignore[no-untyped-call]
            logits.append((real_output.logits.detach(), fake_output.logits.detach()))
            objective += loss.item()
        self.clip(self.discriminator)
        self.d_optimizer.step()
        self.adapt("discriminator", logits)
        self.read["discriminator"] = objective

    def update_generator(self, inputs: Inputs) -> None:
        """Against a discriminator that collects gradients."""
        objective = 0.0
        self.g_optimizer.zero_grad()
        for share, drawn in self.parts(inputs):
            part, fake = self.fakes_of_generator(drawn)
            fake_output = self.judge_fake(part, fake)
            real_output = self.judge_real(part) if self.compares else None
            loss = share * self.generator_objective(part, fake, real_output, fake_output)
            loss.backward()  # type: ignore[no-untyped-call]
            objective += loss.item()
        self.clip(self.generator)
        self.g_optimizer.step()
        self.adapt("generator", [])
        self.read["generator"] = objective
