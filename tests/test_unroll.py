"""Looking through the discriminator's next updates: against closed forms, real optimizers and finite differences."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ganzoo.protocols import DiscriminatorOutput
from ganzoo.training.game import Game, Inputs
from ganzoo.training.step import discriminator_terms, generator_terms
from ganzoo.training.unroll import Unroll, functional

OPTIMIZERS = {
    "adam": lambda p: torch.optim.Adam(p, lr=1e-2, betas=(0.5, 0.9), fused=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1e-2, fused=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=1e-2),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.5),
}


class Bce:
    def discriminator_loss(self, *, real, fake):
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def generator_loss(self, *, fake):
        return F.softplus(-fake).mean()


class Wasserstein:
    def discriminator_loss(self, *, real, fake):
        return fake.mean() - real.mean()

    def generator_loss(self, *, fake):
        return -fake.mean()


class Critic(nn.Module):
    def __init__(self, *, batch_norm=False, dead=False):
        super().__init__()
        norm = nn.BatchNorm1d(6) if batch_norm else nn.Identity()
        self.body = nn.Sequential(nn.Linear(2, 6), norm, nn.ReLU() if dead else nn.Tanh(), nn.Linear(6, 1))
        if dead:
            nn.init.constant_(self.body[0].bias, -100.0)

    def forward(self, images, labels=None):
        return DiscriminatorOutput(self.body(images).squeeze(1))


class Slope(nn.Module):
    """D(x) = w·x for one number."""

    def __init__(self, w):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w, dtype=torch.float64))

    def forward(self, images, labels=None):
        return DiscriminatorOutput(self.w * images.squeeze(1))


class Point(nn.Module):
    """G(z) = θ for every z."""

    def __init__(self, theta):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(theta, dtype=torch.float64))

    def forward(self, z, labels=None):
        return self.theta.expand(len(z), 1)


def make(critic, generator, optimizer, *, steps, loss=None, objective="minimax", dimensions=2):
    ahead = Unroll(steps=steps, optimizer=optimizer, judge=functional, objective=objective)
    drawn = torch.Generator().manual_seed(1)
    game = Game(
        loss=loss or Bce(),
        discriminator=critic,
        generator=generator,
        discriminate=critic,
        critic=critic,
        generate=generator,
        look_ahead=ahead,
    )
    inputs = Inputs(
        real=torch.randn(8, dimensions, generator=drawn, dtype=torch.float64) + 1,
        real_labels=None,
        z=torch.randn(8, 3, generator=drawn, dtype=torch.float64),
        fake_labels=None,
        update=0,
        random=lambda name: torch.Generator(),
    )
    return game, inputs


def networks(**options):
    torch.manual_seed(0)
    return Critic(**options).double(), nn_generator()


def nn_generator():
    class Linear(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, z, labels=None):
            return self.layer(z)

    return Linear().double()


def gradient(game, inputs):
    game.generator.zero_grad()
    generator_terms(game, inputs).total().backward()
    return torch.cat([parameter.grad.flatten() for parameter in game.generator.parameters()])


def test_one_step_of_a_game_that_can_be_solved_by_hand():
    """L_D = w(θ − r̄), so w¹ = w − lr(θ − r̄), and −L_D(w¹) has the slope −w + 2·lr·(θ − r̄) in θ."""
    w, theta, lr = 0.7, 0.3, 0.25
    critic, generator = Slope(w), Point(theta)
    optimizer = torch.optim.SGD(critic.parameters(), lr=lr)
    game, inputs = make(critic, generator, optimizer, steps=1, loss=Wasserstein(), dimensions=1)
    distance = theta - inputs.real.mean().item()
    (slope,) = gradient(game, inputs)
    assert slope.item() == pytest.approx(-w + 2 * lr * distance, rel=1e-12)
    value = generator_terms(game, inputs).scalars["adversarial"].item()
    assert value == pytest.approx(-(w - lr * distance) * distance, rel=1e-12)


def test_its_own_side_of_the_loss_has_no_real_term():
    """G minimizes −w¹·θ: of the slope −w + lr(2θ − r̄), nothing comes from the real data but through w¹."""
    w, theta, lr = 0.7, 0.3, 0.25
    critic, generator = Slope(w), Point(theta)
    optimizer = torch.optim.SGD(critic.parameters(), lr=lr)
    game, inputs = make(critic, generator, optimizer, steps=1, loss=Wasserstein(), objective="loss", dimensions=1)
    (slope,) = gradient(game, inputs)
    assert slope.item() == pytest.approx(-w + lr * (2 * theta - inputs.real.mean().item()), rel=1e-12)


def test_no_step_is_minimax():
    critic, generator = networks()
    game, inputs = make(critic, generator, torch.optim.SGD(critic.parameters(), lr=1.0), steps=0)
    ahead = gradient(game, inputs)
    generator.zero_grad()
    (-F.softplus(critic(generator(inputs.z)).logits).mean()).backward()
    saturating = torch.cat([parameter.grad.flatten() for parameter in generator.parameters()])
    torch.testing.assert_close(ahead, saturating, rtol=1e-12, atol=0)


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("updates_before", [0, 3])
def test_the_steps_are_those_the_optimizer_would_take(kind, updates_before):
    critic, generator = networks()
    optimizer = OPTIMIZERS[kind](critic.parameters())
    game, inputs = make(critic, generator, optimizer, steps=4)

    def update(critic, optimizer):
        optimizer.zero_grad()
        discriminator_terms(replace(game, discriminator=critic, discriminate=critic), inputs).total().backward()
        optimizer.step()

    for _ in range(updates_before):
        update(critic, optimizer)
    value = generator_terms(game, inputs).scalars["adversarial"].item()
    twin = copy.deepcopy(critic)
    twins = OPTIMIZERS[kind](twin.parameters())
    twins.load_state_dict(optimizer.state_dict())
    for _ in range(4):
        update(twin, twins)
    expected = -discriminator_terms(replace(game, discriminate=twin), inputs).total().item()
    # The differentiable form of torch's Adam takes its bias corrections from a float32 step counter.
    assert value == pytest.approx(expected, rel=1e-6 if kind.startswith("adam") else 1e-10)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_the_gradient_passes_through_every_step(kind):
    critic, generator = networks()
    optimizer = OPTIMIZERS[kind](critic.parameters())
    game, inputs = make(critic, generator, optimizer, steps=3)
    found = gradient(game, inputs)
    step, estimated = 1e-6, []
    for parameter in generator.parameters():
        for position in range(parameter.numel()):
            values = []
            for sign in (1, -1):
                with torch.no_grad():
                    parameter.view(-1)[position] += sign * step
                values.append(generator_terms(game, inputs).total().item())
                with torch.no_grad():
                    parameter.view(-1)[position] -= sign * step
            estimated.append((values[0] - values[1]) / (2 * step))
    torch.testing.assert_close(found, torch.tensor(estimated, dtype=torch.float64), rtol=1e-4, atol=1e-7)


def test_looking_ahead_moves_nothing():
    critic, generator = networks(batch_norm=True)
    optimizer = OPTIMIZERS["adam"](critic.parameters())
    game, inputs = make(critic, generator, optimizer, steps=3)
    discriminator_terms(game, inputs).total().backward()
    optimizer.step()
    optimizer.zero_grad()
    weights = [parameter.clone() for parameter in critic.parameters()]
    kept = copy.deepcopy(optimizer.state_dict()["state"])
    seen = int(critic.body[1].num_batches_tracked)
    gradient(game, inputs)
    assert all(torch.equal(*pair) for pair in zip(weights, critic.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in critic.parameters())
    after = optimizer.state_dict()["state"]
    assert all(torch.equal(kept[number][key], after[number][key]) for number in kept for key in kept[number])
    assert int(critic.body[1].num_batches_tracked) == seen


@pytest.mark.parametrize("kind", ["adam", "rmsprop"])
def test_units_that_never_fire_give_no_nan(kind):
    """Their second moment is exactly 0, where a root has no derivative."""
    critic, generator = networks(dead=True)
    game, inputs = make(critic, generator, OPTIMIZERS[kind](critic.parameters()), steps=3)
    assert gradient(game, inputs).isfinite().all()
