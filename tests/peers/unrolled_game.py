"""A small game and the gradient that the generator gets when it looks ahead: what oracles of unrolling are asked."""

from __future__ import annotations

import torch
from ganzoo_losses.bce import Bce
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.protocols import DiscriminatorOutput
from ganzoo.training.game import Game, Inputs
from ganzoo.training.step import generator_terms
from ganzoo.training.unroll import Unroll, functional

OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"lr": 0.1}),
    "momentum": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    "adam": (torch.optim.Adam, {"lr": 1e-2, "betas": (0.5, 0.9)}),
    "rmsprop": (torch.optim.RMSprop, {"lr": 1e-2}),
}


class Critic(nn.Module):
    """Logits of points in the plane, smooth in everything."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(2, 6), nn.Linear(6, 1)

    def forward(self, points: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        return DiscriminatorOutput(self.out(torch.tanh(self.into(points))).squeeze(1))


class Player(nn.Module):
    """Points in the plane from latents."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layer(z)


def players() -> tuple[Critic, Player, Tensor, Tensor]:
    torch.manual_seed(0)
    return Critic().double(), Player().double(), torch.randn(8, 2).double() + 1, torch.randn(8, 3).double()


def discriminator_loss(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Goodfellow's, by torch's own criterion."""
    of_real, of_fake = critic(real).logits, critic(fake).logits
    return F.binary_cross_entropy_with_logits(of_real, torch.ones_like(of_real)) + F.binary_cross_entropy_with_logits(
        of_fake, torch.zeros_like(of_fake)
    )


def gradients_by_ganzoo(kind: str, steps: int) -> list[Tensor]:
    critic, generator, real, z = players()
    optimizer_class, options = OPTIMIZERS[kind]
    game = Game(
        loss=Bce(),
        discriminator=critic,
        generator=generator,
        discriminate=critic,
        critic=critic,
        generate=generator,
        look_ahead=Unroll(steps=steps, optimizer=optimizer_class(critic.parameters(), **options), judge=functional),
    )
    inputs = Inputs(real=real, real_labels=None, z=z, fake_labels=None, update=0, random=lambda name: torch.Generator())
    return list(torch.autograd.grad(generator_terms(game, inputs).total(), list(generator.parameters())))
