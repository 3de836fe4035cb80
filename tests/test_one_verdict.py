"""``train.updates=simultaneous``: both players learn from one verdict of the discriminator before its update."""

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
from test_shared_fakes import LAZY_R1, LOSSES, everything
from torch.nn.functional import logsigmoid
from toys import make_inputs, make_setup

from ganzoo.data import Batches
from ganzoo.errors import ConfigError, DivergedError, PluginError
from ganzoo.planning.loss_slopes import slopes_of
from ganzoo.protocols import DiscriminatorOutput, Regularizer
from ganzoo.registry import Registry
from ganzoo.runs.assembly import assemble
from ganzoo.seeds import generator_for
from ganzoo.training import adversary, draws, spectral
from ganzoo.training.after_update import after_update
from ganzoo.training.game import WeightedRegularizer
from ganzoo.training.loop import train
from ganzoo.training.step import discriminator_terms, generator_terms

SIMULTANEOUS = {"updates": "simultaneous", "fakes": "shared"}
SIDES = {
    **LOSSES,
    "minimax": (
        lambda real, fake: -logsigmoid(real).mean() - logsigmoid(-fake).mean(),
        lambda fake: logsigmoid(-fake).mean(),
    ),
    "wgan": (lambda real, fake: fake.mean() - real.mean(), lambda fake: -fake.mean()),
}
RESNET = {"discriminator.name": "resnet-sn", "discriminator.n_layers": None, "n_critic": 1}
DCGAN = {"discriminator.name": "dcgan", "discriminator.norm": "instance", "discriminator.n_layers": None}
CONFIGURATIONS = {
    "bce": {"loss.name": "bce", **DCGAN},
    "bce, spectral norm": {"loss.name": "bce", **RESNET},
    "bce, one pass": {"loss.name": "bce", **DCGAN, "passes": "one"},
    "bce, two passes": {"loss.name": "bce", **DCGAN, "passes": "two"},
    "bce, lazy r1": {"loss.name": "bce", **DCGAN, **LAZY_R1},
    "lsgan": {"loss.name": "lsgan", **DCGAN},
    "minimax": {"loss.name": "minimax", **DCGAN},
    "minimax of patches": {"loss.name": "minimax"},
    "wgan of patches, clipped": {"loss.name": "wgan", "optimizer": "adam", "n_critic": 1},
}


def run_by_hand(plan):
    """Both gradients at the same point, each by a backward pass of its own; then both players move."""
    settings = plan.config.train
    of_discriminator, of_generator = SIDES[plan.config.loss.name]
    generator, discriminator = copy.deepcopy(plan.generator).train(), copy.deepcopy(plan.discriminator).train()
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=settings.g_lr, betas=settings.g_betas)
    d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=settings.d_lr, betas=settings.d_betas)
    batches = Batches(plan.dataset, batch_size=BATCH_SIZE, seed=SEED)
    losses = []
    for step in range(STEPS):
        fake = generator(generator.latent(BATCH_SIZE, generator=generator_for(SEED, step, "z/discriminator")))
        real = batches.batch(step).data.requires_grad_()
        discriminator.train()  # torch's spectral norm iterates at a forward pass in this mode alone
        on_real = discriminator(real).logits
        discriminator.eval()
        d_loss = of_discriminator(on_real, discriminator(fake.detach()).logits)
        if "r1" in plan.config.regularizers and (step + 1) % 2 == 0:
            slopes = torch.autograd.grad(discriminator(real).logits.sum(), real, create_graph=True)
            d_loss = d_loss + 3.0 * 2 * slopes[0].square().sum((1, 2, 3)).mean() / 2
        g_loss = of_generator(discriminator(fake).logits)
        of_d = torch.autograd.grad(d_loss, list(discriminator.parameters()))
        of_g = torch.autograd.grad(g_loss, list(generator.parameters()))
        for optimizer, network, gradients in ((d_optimizer, discriminator, of_d), (g_optimizer, generator, of_g)):
            for parameter, gradient in zip(network.parameters(), gradients, strict=True):
                parameter.grad = gradient
            optimizer.step()
        if "weight-clip" in plan.config.regularizers:
            for parameter in discriminator.parameters():
                parameter.data.clamp_(-0.01, 0.01)
        losses.append([d_loss.item(), g_loss.item()])
    return generator, discriminator, losses


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_one_backward_pass_gives_both_gradients(name):
    plan = plan_of(**CONFIGURATIONS[name], **SIMULTANEOUS)
    setup, losses = run_ganzoo(plan)
    generator, discriminator, expected = run_by_hand(plan)
    torch.testing.assert_close(torch.tensor(losses), torch.tensor(expected), atol=TOLERANCE, rtol=0)
    assert_equal_networks(setup.state.discriminator, discriminator)
    assert_equal_networks(setup.state.generator, generator)  # with the statistics of BatchNorm
    assert min(moved(plan.discriminator, discriminator), moved(plan.generator, generator)) > 1e-4
    assert (setup.state.step, setup.state.d_step, setup.state.images) == (STEPS, STEPS, STEPS * BATCH_SIZE)


MORE = {
    "classes": {"loss.name": "bce", "discriminator.name": "projection", "discriminator.n_layers": None, "n_critic": 1},
    "an augmentation": {"loss.name": "bce", **DCGAN, "augment.diffaugment.policy": ["translation"]},
    "an adapting augmentation": {"loss.name": "bce", **DCGAN, "augment.ada.groups": ["blit"]},
    "a penalty at fakes": {"loss.name": "lsgan", **DCGAN, "regularizers.r2.weight": 3, "clip_grad_norm": 0.1},
    "a penalty between both": {"loss.name": "wgan-gp", **DCGAN, "n_critic": 1},
    "an energy": {"loss.name": "bce", "discriminator.name": "autoencoder", "discriminator.n_layers": None},
}


def run_in_two_passes(plan):
    """The terms of both players as they are in turns, differentiated one after the other at the same point."""
    plan = replace(plan, discriminator=copy.deepcopy(plan.discriminator), generator=copy.deepcopy(plan.generator))
    setup = assemble(plan)
    game, state, limit = setup.game, setup.state, setup.schedule.clip_grad_norm
    spectral.hold(state.discriminator)
    for _ in range(STEPS):
        inputs = draws.for_discriminator(setup)
        spectral.iterate(state.discriminator)
        terms = discriminator_terms(game, inputs)
        state.d_optimizer.zero_grad()
        terms.total().backward()
        state.g_optimizer.zero_grad()
        only_the_loss = replace(game, regularizers=())
        generator_terms(only_the_loss, inputs).total().backward()
        for player, optimizer in (("discriminator", state.d_optimizer), ("generator", state.g_optimizer)):
            if limit is not None:
                torch.nn.utils.clip_grad_norm_(getattr(state, player).parameters(), limit)
            optimizer.step()
            after_update(game, player, [terms])
        state.step += 1
        state.d_step += 1
    return state


@pytest.mark.parametrize("name", MORE)
def test_it_is_what_two_passes_find(name):
    plan = plan_of(**MORE[name], **SIMULTANEOUS)
    setup, _ = run_ganzoo(plan)
    expected = run_in_two_passes(plan)
    assert_equal_networks(setup.state.discriminator, expected.discriminator)
    assert_equal_networks(setup.state.generator, expected.generator)
    assert (
        min(moved(plan.discriminator, setup.state.discriminator), moved(plan.generator, setup.state.generator)) > 1e-4
    )


def test_updates_one_after_the_other_are_the_default_and_another_training():
    given = {"loss.name": "bce", **DCGAN, "fakes": "shared"}
    (one, _), (default, _), (both, _) = (
        run_ganzoo(plan_of(**given, **more)) for more in ({"updates": "alternating"}, {}, {"updates": "simultaneous"})
    )
    assert_equal_networks(one.state.generator, default.state.generator)
    assert moved(one.state.generator, both.state.generator) > 1e-4


def test_each_network_is_called_once_per_step():
    plan = plan_of(**{"loss.name": "bce"}, **DCGAN, **SIMULTANEOUS)
    calls = {"discriminator": 0, "generator": 0}
    setup = assemble(plan)

    def count(name):
        calls[name] += 1

    for name in calls:
        getattr(setup.state, name).register_forward_hook(lambda *_, name=name: count(name))
    next(train(setup))
    assert calls == {"discriminator": 1, "generator": 1}


class Softplus:
    """A logistic loss."""

    def discriminator_loss(self, *, real, fake):
        return -logsigmoid(real).mean() - logsigmoid(-fake).mean()

    def generator_loss(self, *, fake):
        return -logsigmoid(fake).mean()


def simultaneous(**changes):
    return make_setup(**{"loss": Softplus(), "updates": "simultaneous", "fakes": "shared", **changes})


def of_one_logit(**changes):
    setup = simultaneous(**changes)
    forward = type(setup.state.discriminator).forward
    setup.state.discriminator.forward = lambda images, labels=None: DiscriminatorOutput(
        forward(setup.state.discriminator, images, labels).logits.mean((1, 2, 3))
    )
    return setup


@pytest.mark.parametrize("during", ["d", "g"])
def test_a_step_that_breaks_off_goes_on_to_the_same_numbers(during):
    whole, parts = of_one_logit(), of_one_logit()
    list(train(whole))
    diverges = parts.state.generator if during == "g" else parts.state.discriminator
    reports = train(parts)
    next(reports)
    before = {name: one.clone() for name, one in everything(parts).items()}
    handle = next(diverges.parameters()).register_hook(lambda gradient: gradient * float("nan"))
    with pytest.raises(DivergedError):
        next(reports)
    handle.remove()
    after = everything(parts)
    assert all(torch.equal(after[name], one) for name, one in before.items())
    list(train(parts))
    expected = everything(whole)
    assert all(torch.equal(one, expected[name]) for name, one in everything(parts).items())


def test_maps_whose_logits_differ_in_their_ratio_are_refused_at_the_first_update():
    with pytest.raises(PluginError, match="several logits of a sample"):
        list(train(simultaneous()))


@pytest.mark.parametrize(
    ("values", "said", "hint"),
    [
        ({"fakes": "fresh"}, "train.fakes=fresh", "--set train.fakes=shared, or --set train.updates=alternating"),
        ({"n_critic": 2}, "train.n_critic=2", "--set train.n_critic=1, or --set train.updates=alternating"),
        ({"unroll_steps": 1}, "train.unroll_steps=1", "--set train.unroll_steps=0, or --set train.updates=alternating"),
        ({"loss.name": "hinge"}, "slope", "--loss bce, or --set train.updates=alternating"),
        ({"loss.name": "relativistic"}, "loss relativistic", "--loss bce, or --set train.updates=alternating"),
        ({"discriminator.norm": "batch"}, "discriminator dcgan", None),
        ({"regularizers.lecam.weight": 0.3}, "lecam", "--reg none, or --set train.updates=alternating"),
        (
            {"discriminator.name": "patchgan", "discriminator.norm": "none"},
            "one logit",
            "--disc dcgan --set discriminator.norm=instance, or --set train.updates=alternating",
        ),
    ],
)
def test_what_one_verdict_does_not_tell_is_refused(values, said, hint):
    with pytest.raises(ConfigError) as caught:
        plan_of(**{"loss.name": "bce", **DCGAN, **SIMULTANEOUS, **values})
    assert said in str(caught.value)
    assert "train.updates=simultaneous" in str(caught.value)
    assert hint is None or hint in str(caught.value)


SLOPES = {
    "bce": "steep",
    "lsgan": "steep",
    "minimax": "opposite",
    "wgan": "opposite",
    "wgan-gp": "opposite",
    "hinge": "flat",
    "margin-hinge": "flat",
    "ebgan": "flat",
    "began": "flat",
}


@pytest.mark.parametrize("name", SLOPES)
def test_slopes_of_a_loss_are_found_by_trying(name):
    [entry] = [one for one in Registry.load(plugins=False).entries("loss") if one.name == name]
    assert slopes_of(entry.options()().build(plan_of().spec)) == SLOPES[name]


class JudgesFakes(Regularizer):
    """A penalty that judges the fakes once more."""

    def discriminator_terms(self, view):
        return {"judged": view.critic(view.fake, view.fake_labels).logits.square().mean()}


def test_of_regularizers_nothing_is_left_at_the_fakes():
    gradients = []
    for regularizers in ((), (WeightedRegularizer(name="judged", regularizer=JudgesFakes(), weight=5.0),)):
        game = simultaneous(regularizers=regularizers).game
        leaf = torch.linspace(-1, 1, 6 * 64, dtype=torch.float32).view(6, 1, 8, 8).requires_grad_()
        adversary.discriminator_terms(game, make_inputs(), leaf).total().backward()
        gradients.append(leaf.grad)
    assert torch.equal(*gradients)
