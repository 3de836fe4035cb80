"""``train.fakes=shared``: the generator learns from the fakes that the discriminator judged last in the same step."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from test_equality import (  # noqa: F401
    BATCH_SIZE,
    SEED,
    STEPS,
    TOLERANCE,
    _float64,
    assert_equal_networks,
    moved,
    plan_of,
    run_ganzoo,
)
from torch import nn
from torch.nn.functional import logsigmoid
from toys import make_setup

from ganzoo.config.schema import resumable
from ganzoo.data import Batches
from ganzoo.errors import DivergedError
from ganzoo.runs.assembly import assemble
from ganzoo.runs.manifest import config_hash, written
from ganzoo.seeds import generator_for
from ganzoo.training import draws
from ganzoo.training.loop import train
from ganzoo.training.without_trace import buffers_replaced

LOSSES = {
    "hinge": (
        lambda real, fake: torch.relu(1 - real).mean() + torch.relu(1 + fake).mean(),
        lambda fake: -fake.mean(),
    ),
    "bce": (
        lambda real, fake: -logsigmoid(real).mean() - logsigmoid(-fake).mean(),
        lambda fake: -logsigmoid(fake).mean(),
    ),
    "lsgan": (
        lambda real, fake: ((real - 1).square().mean() + fake.square().mean()) / 2,
        lambda fake: (fake - 1).square().mean() / 2,
    ),
}
"""Name → the objectives of both players, written anew."""
LAZY_R1 = {"regularizers.r1.weight": 3.0, "regularizers.r1.every": 2}


def run_by_hand(plan, *, lazy_r1=False):
    """A loop that shares its fakes, written out."""
    settings = plan.config.train
    of_discriminator, of_generator = LOSSES[plan.config.loss.name]
    generator, discriminator = copy.deepcopy(plan.generator).train(), copy.deepcopy(plan.discriminator).train()
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=settings.g_lr, betas=settings.g_betas)
    d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=settings.d_lr, betas=settings.d_betas)
    batches = Batches(plan.dataset, batch_size=BATCH_SIZE, seed=SEED)
    losses, d_step = [], 0
    for _ in range(STEPS):
        for turn in range(settings.n_critic):
            z = generator.latent(BATCH_SIZE, generator=generator_for(SEED, d_step, "z/discriminator"))
            # The statistics of the generator move for fakes that it learns from, and for no others.
            player = generator if turn == settings.n_critic - 1 else copy.deepcopy(generator)
            fake = player(z)
            real = batches.batch(d_step).data.requires_grad_(lazy_r1)
            discriminator.train()  # torch's spectral norm iterates at a forward pass in this mode alone
            on_real = discriminator(real).logits
            discriminator.eval()
            d_loss = of_discriminator(on_real, discriminator(fake.detach()).logits)
            if lazy_r1 and (d_step + 1) % 2 == 0:
                slopes = torch.autograd.grad(discriminator(real).logits.mean((1, 2, 3)).sum(), real, create_graph=True)
                d_loss = d_loss + 3.0 * 2 * slopes[0].square().sum((1, 2, 3)).mean() / 2
            d_optimizer.zero_grad()
            d_loss.backward()
            d_optimizer.step()
            d_step += 1
        g_loss = of_generator(discriminator(fake).logits)
        g_optimizer.zero_grad()
        g_loss.backward()
        g_optimizer.step()
        losses.append([d_loss.item(), g_loss.item()])
    return generator, discriminator, losses


@pytest.mark.parametrize("n_critic", [1, 2])
@pytest.mark.parametrize(("loss", "penalty"), [("hinge", {}), ("bce", {}), ("lsgan", {}), ("hinge", LAZY_R1)])
def test_both_players_learn_from_the_fakes_that_were_made_once(loss, penalty, n_critic):
    plan = plan_of(**{"loss.name": loss}, **penalty, n_critic=n_critic, fakes="shared")
    assert any(isinstance(module, nn.BatchNorm2d) for module in plan.generator.modules())
    setup, losses = run_ganzoo(plan)
    generator, discriminator, expected = run_by_hand(plan, lazy_r1=bool(penalty))
    torch.testing.assert_close(torch.tensor(losses), torch.tensor(expected), atol=TOLERANCE, rtol=0)
    assert_equal_networks(setup.state.discriminator, discriminator)
    assert_equal_networks(setup.state.generator, generator)  # with the statistics of BatchNorm
    assert min(moved(plan.discriminator, discriminator), moved(plan.generator, generator)) > 1e-3


CONFIGURATIONS = {
    "relativistic": {"loss.name": "relativistic", "regularizers.r2.weight": 3},
    "classes": {"discriminator.name": "projection", "discriminator.n_layers": None, "n_critic": 2},
    "an augmentation": {"augment.diffaugment.policy": ["translation"]},
    "an adapting augmentation": {"augment.ada.groups": ["blit"], "regularizers.lecam.weight": 0.3},
    "two passes": {"discriminator.name": "patchgan", "discriminator.norm": "batch"},
    "wgan-gp": {"loss.name": "wgan-gp", "n_critic": 2, "clip_grad_norm": 0.1},
    "features of the discriminator": {"regularizers.feature-matching.weight": 1.0},
    "spectral norm in the generator": {"generator.name": "resnet", "generator.spectral_norm": True},
    "looking ahead": {"loss.name": "bce", "unroll_steps": 2},
    "looking ahead, on its own loss": {"loss.name": "bce", "unroll_steps": 2, "unroll_objective": "loss"},
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_what_is_shared_equals_what_would_be_made_again_of_the_same_latents(monkeypatch, name):
    """The generator stands still during the discriminator's update, so a second pass would make the same fakes."""
    shared, losses = run_ganzoo(plan_of(**CONFIGURATIONS[name], fakes="shared"))
    fresh = draws.for_generator
    monkeypatch.setattr(draws, "for_generator", lambda setup, latest: _same_fakes(fresh(setup, latest), latest))
    again, expected = run_ganzoo(plan_of(**CONFIGURATIONS[name]))
    torch.testing.assert_close(torch.tensor(losses), torch.tensor(expected), atol=TOLERANCE, rtol=0)
    assert_equal_networks(shared.state.discriminator, again.state.discriminator)
    assert_equal_networks(shared.state.generator, again.state.generator)
    assert_equal_networks(shared.state.ema, again.state.ema)


def _same_fakes(inputs, latest):
    return replace(inputs, z=latest.z, fake_labels=latest.fake_labels)


def test_fresh_fakes_are_the_default_and_another_training():
    (fresh, losses), (_, default), (shared, _) = (
        run_ganzoo(plan_of(**given)) for given in ({"fakes": "fresh"}, {}, {"fakes": "shared"})
    )
    assert losses == default
    assert moved(fresh.state.generator, shared.state.generator) > 1e-4


def test_no_run_goes_over_to_other_fakes():
    fresh, shared = (config_hash(written(plan_of(fakes=fakes))) for fakes in ("fresh", "shared"))
    assert fresh != shared
    assert not resumable("train.fakes")


def test_a_step_has_one_forward_pass_of_the_generator_less():
    calls = []
    setup = make_setup(steps=2, n_critic=2, fakes="shared")
    setup.state.generator.register_forward_hook(lambda *_: calls.append(torch.is_grad_enabled()))
    list(train(setup))
    assert calls == [False, True] * 2


def test_each_player_draws_its_own_augmentation_of_the_same_fakes():
    plan = plan_of(**{"augment.diffaugment.policy": ["translation"]}, fakes="shared")
    setup, seen = assemble(plan), []
    augment = setup.game.augment
    setup = replace(setup, game=replace(setup.game, augment=Watched(augment, seen)))
    next(train(setup))
    (_, _), (fake, draws_of_d), (again, draws_of_g) = seen
    assert torch.equal(fake, again)
    assert not torch.equal(draws_of_d, draws_of_g)


class Watched:
    """An augmentation that remembers what it was given."""

    def __init__(self, inner, seen):
        self.inner, self.seen = inner, seen

    def __call__(self, images, drawn):
        self.seen.append((images.detach().clone(), drawn.clone()))
        return self.inner(images, drawn)

    def __getattr__(self, name):
        return getattr(self.inner, name)


class DropsOut(nn.Module):
    """A generator's body with units that are dropped out."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.seen = inner, []

    def forward(self, z):
        made = nn.functional.dropout(self.inner(z), 0.5, self.training)
        self.seen.append(made.detach().clone())
        return made


def dropping_out(**changes):
    setup = make_setup(fakes="shared", n_critic=2, dropout=0.5, **changes)
    setup.state.generator.body = DropsOut(setup.state.generator.body)
    setup.state.ema.body = DropsOut(setup.state.ema.body)
    return setup


def everything(setup):
    return {f"{file}/{name}": one for file, held in setup.state.tensors().items() for name, one in held.items()}


def stopped(setup, *, during, step):
    """Train until a player's optimizer is interrupted in a step; what the buffers of the generator were by then."""
    optimizer = getattr(setup.state, f"{during}_optimizer")
    whole, reports = optimizer.step, train(setup)
    for _ in range(step):
        next(reports)
    before = {name: one.clone() for name, one in setup.state.generator.named_buffers()}

    def interrupted(*_):
        raise KeyboardInterrupt

    optimizer.step = interrupted
    with pytest.raises(KeyboardInterrupt):
        next(reports)
    optimizer.step = whole
    return before


@pytest.mark.parametrize("during", ["d", "g"])
def test_an_update_that_breaks_off_leaves_no_trace_in_the_generator(during):
    setup = make_setup(fakes="shared")
    held = dict(setup.state.generator.named_buffers())
    before = stopped(setup, during=during, step=1)
    after = dict(setup.state.generator.named_buffers())
    assert before.keys() == after.keys()
    for name, one in after.items():
        assert one is held[name], "another object hangs there now"
        assert torch.equal(one, before[name]), name


@pytest.mark.parametrize("during", ["d", "g"])
@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "from a checkpoint"])
def test_a_run_that_breaks_off_within_a_step_goes_on_to_the_same_numbers(during, elsewhere):
    whole, parts = dropping_out(), dropping_out()
    list(train(whole))
    stopped(parts, during=during, step=2)
    if elsewhere:
        begun, parts = parts, dropping_out()
        parts.state.restore(begun.state.tensors(), begun.state.numbers())
    list(train(parts))
    expected = everything(whole)
    assert all(torch.equal(one, expected[name]) for name, one in everything(parts).items())
    # Broken off before the generator's update, the last fakes of the step are made again, and are what they were.
    made, expected = (one.state.generator.body.seen[-3:] for one in (parts, whole))
    assert all(torch.equal(one, other) for one, other in zip(made, expected, strict=True))


def test_a_generator_at_fault_is_named_by_the_first_update():
    setup = make_setup(fakes="shared")
    with torch.no_grad():
        setup.state.generator.body[0].weight.fill_(torch.nan)
    with pytest.raises(DivergedError, match="generator ToyGenerator gives numbers that are not finite"):
        list(train(setup))


def test_copies_of_buffers_can_be_followed_later():
    layer = nn.BatchNorm1d(2)
    with buffers_replaced(layer) as follow:
        layer(torch.randn(5, 2))
    assert layer.num_batches_tracked == 0
    follow()
    assert layer.num_batches_tracked == 1
    assert layer.running_mean.abs().sum() > 0
