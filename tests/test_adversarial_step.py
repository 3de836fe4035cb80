"""Both players' terms on given fakes: for loops of one's own, without a generator and without latents."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import pytest
import torch
from torch import nn
from toys import SPEC, Constant, ToyDiscriminator, ToyGenerator, make_game, make_inputs

import ganzoo
from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec, DiscriminatorOutput
from ganzoo.registry import Registry
from ganzoo.training import step as of_a_game
from ganzoo.training.adversarial_step import AdversarialStep
from ganzoo.training.game import WeightedRegularizer

IMAGES = replace(SPEC, classes=(), marginal=())
REGULARIZERS = [entry.name for entry in Registry.load(plugins=False).entries("regularizer")]


class Critic(nn.Module):
    """A smooth critic with features and a class head, as any of the regularizers may want it."""

    def __init__(self, classes: int = 0):
        super().__init__()
        self.body = nn.Conv2d(1, 4, 4, 2, 1)
        self.head = nn.Linear(4, 1)
        self.classes = nn.Linear(4, max(classes, 1))

    def forward(self, images, labels=None):
        hidden = torch.tanh(self.body(images))
        pooled = hidden.mean((2, 3))
        return DiscriminatorOutput(self.head(pooled)[:, 0], self.classes(pooled), (hidden,))


def batch(n=6, seed=0, dtype=torch.float32):
    random = torch.Generator().manual_seed(seed)
    return (torch.rand(n, 1, 8, 8, generator=random, dtype=torch.float64) * 2 - 1).to(dtype)


@pytest.fixture
def critic():
    torch.manual_seed(0)
    return Critic(classes=3)


@pytest.mark.parametrize("passes", ["one", "two"])
def test_it_gives_the_terms_of_ganzoos_own_step_on_the_same_fakes(passes):
    torch.manual_seed(0)
    discriminator, generator = ToyDiscriminator(spectral=False), ToyGenerator(batch_norm=False)
    part = WeightedRegularizer(name="c", regularizer=Constant(), weight=3.0)
    game, inputs = make_game(discriminator, generator, passes=passes, regularizers=(part,)), make_inputs()
    step = AdversarialStep(objective=game)
    fake = generator(inputs.z)
    d = step.discriminator_terms(real=inputs.real, fake=fake, update=0)
    g = step.generator_terms(real=inputs.real, fake=fake, update=0)
    whole_d, whole_g = (
        of_a_game.discriminator_terms(game, inputs, observe=True),
        of_a_game.generator_terms(game, inputs),
    )
    for mine, whole in ((d, whole_d), (g, whole_g)):
        for found, expected in ((mine.scalars, whole.scalars), (mine.observed, whole.observed)):
            assert {name: value.item() for name, value in found.items()} == {
                name: value.item() for name, value in expected.items()
            }


def test_gradients_stay_with_their_player(critic):
    step = ganzoo.adversarial_step("hinge", critic, spec=IMAGES, regularizers={"r1": {"weight": 1.0}})
    generator = nn.Conv2d(1, 1, 3, padding=1)
    fake = generator(batch(seed=1))
    step.discriminator_terms(real=batch(), fake=fake, update=0).total().backward()
    assert all(parameter.grad is None for parameter in generator.parameters())
    assert critic.body.weight.grad is not None
    critic.zero_grad()
    step.generator_terms(real=batch(), fake=fake, update=0).total().backward()
    assert all(parameter.grad is None for parameter in critic.parameters())
    assert all(parameter.requires_grad for parameter in critic.parameters())
    assert all(parameter.grad.abs().sum() > 0 for parameter in generator.parameters())


def test_lazy_regularizers_follow_the_update_that_is_told(critic):
    step = ganzoo.adversarial_step("hinge", critic, spec=IMAGES, regularizers={"r1": {"weight": 1.0, "every": 4}})
    names = [set(step.discriminator_terms(real=batch(), fake=batch(seed=1), update=n).scalars) for n in range(8)]
    assert [("r1" in found) for found in names] == [False, False, False, True] * 2


def test_the_value_of_a_penalty_is_that_of_the_formula():
    """R1 of a linear critic w·x is γ/2·‖w‖², here weighted by γ; StepView needs no latents for it."""
    linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 1)).double()
    step = ganzoo.adversarial_step("hinge", linear, spec=IMAGES, regularizers={"r1": {"weight": 3.0}})
    terms = step.discriminator_terms(real=batch(dtype=torch.float64), fake=batch(seed=1, dtype=torch.float64), update=0)
    expected = 3.0 / 2 * linear[1].weight.square().sum()
    assert terms.scalars["r1"].item() == pytest.approx(expected.item(), rel=1e-12)


@pytest.mark.parametrize("name", REGULARIZERS)
def test_every_regularizer_works_on_fakes_alone_or_says_why_not(name, critic):
    labelled = replace(SPEC, conditional=True)
    labels = torch.arange(6) % 3
    chosen = {"consistency": {"variant": "icr"}}.get(name, {})
    tags = Registry.load().options("regularizer", name).model_validate(chosen).tags()
    if "needs_embedding" in tags:
        critic = ganzoo.build("discriminator", "embedding", spec=labelled, ndf=2)
    if "needs_generator" in tags:
        reason = rf"regularizer {name} requires the generator and its latents"
        with pytest.raises(ConfigError, match=reason) as caught:
            ganzoo.adversarial_step("hinge", critic, spec=labelled, regularizers={name: chosen})
        assert "pass generator=" in caught.value.hint
        return
    step = ganzoo.adversarial_step("hinge", critic, spec=labelled, regularizers={name: {**chosen, "every": 1}})
    given = {"real": batch(), "real_labels": labels, "fake_labels": labels}
    d = step.discriminator_terms(fake=batch(seed=1), update=0, **given)
    step.after_update("discriminator", d)
    g = step.generator_terms(fake=batch(seed=1).requires_grad_(), update=0, **given)
    step.after_update("generator", g)
    assert d.total().isfinite()
    assert g.total().isfinite()


def test_with_the_generator_at_hand_its_regularizers_work_and_latents_are_demanded(critic):
    generator = ToyGenerator(batch_norm=False)
    step = ganzoo.adversarial_step(
        "hinge", critic, spec=IMAGES, regularizers={"consistency": {"variant": "zcr"}}, generator=generator
    )
    z = generator.latent(6, generator=torch.Generator().manual_seed(0))
    terms = step.generator_terms(real=batch(), fake=generator(z), z=z, update=0)
    assert terms.scalars["consistency_latent"].item() < 0
    with pytest.raises(ConfigError, match="regularizer consistency needs the generator and the latents") as caught:
        step.generator_terms(real=batch(), fake=generator(z), update=0)
    assert "z= to the step" in caught.value.hint


def test_a_loss_brings_the_regularizers_that_it_suggests(critic):
    def names(**chosen):
        step = ganzoo.adversarial_step("wgan-gp", critic, spec=IMAGES, **chosen)
        return set(step.discriminator_terms(real=batch(), fake=batch(seed=1), update=0).scalars)

    assert names() == {"adversarial", "gradient_penalty"}
    assert names(regularizers=()) == {"adversarial"}
    assert names(regularizers="r1") == {"adversarial", "r1"}


def test_options_of_a_loss_and_what_is_wrong_with_them(critic):
    step = ganzoo.adversarial_step({"name": "margin-hinge", "margin_real": 0.5}, critic, spec=IMAGES)
    assert step.objective.loss.margin_real == 0.5
    with pytest.raises(ConfigError, match=r"margin-hinge\.margin_reel"):
        ganzoo.adversarial_step({"name": "margin-hinge", "margin_reel": 0.5}, critic, spec=IMAGES)
    with pytest.raises(ConfigError, match="there is no regularizer called 'r11'"):
        ganzoo.adversarial_step("hinge", critic, spec=IMAGES, regularizers=["r11"])


def test_what_adapts_moves_after_the_update_and_not_before(critic):
    clipped = ganzoo.adversarial_step("wgan", critic, spec=IMAGES)
    terms = clipped.discriminator_terms(real=batch(), fake=batch(seed=1), update=0)
    assert critic.body.weight.abs().max() > 0.01
    clipped.after_update("discriminator", terms)
    assert critic.body.weight.abs().max() <= 0.01

    began = ganzoo.adversarial_step("began", critic, spec=IMAGES)
    before = began.objective.loss.state_dict()["k"].clone()
    terms = began.discriminator_terms(real=batch(), fake=batch(seed=1), update=0)
    assert torch.equal(began.objective.loss.state_dict()["k"], before)
    began.after_update("discriminator", terms)
    assert not torch.equal(began.objective.loss.state_dict()["k"], before)

    ada = ganzoo.adversarial_step("hinge", critic, spec=IMAGES, augment={"ada": {"interval": 1}})
    terms = ada.discriminator_terms(real=batch(), fake=batch(seed=1), update=0)
    assert "augment/p" in ada.after_update("discriminator", terms)
    assert ada.after_update("generator", terms) == {}


def test_what_adapts_is_shown_the_logits_of_all_micro_batches(critic):
    def adapted(*rows):
        step = ganzoo.adversarial_step("began", critic, spec=IMAGES)
        parts = [step.discriminator_terms(real=batch()[part], fake=batch(seed=1)[part] / 2, update=0) for part in rows]
        step.after_update("discriminator", *parts)
        return step.objective.loss.state_dict()["k"]

    whole, halves = adapted(slice(None)), adapted(slice(3), slice(3, None))
    torch.testing.assert_close(halves, whole)
    assert not torch.allclose(adapted(slice(3)), whole)


def test_draws_depend_on_seed_and_update_alone(critic):
    def terms(seed, update):
        step = ganzoo.adversarial_step("wgan-gp", critic, spec=IMAGES, augment="diffaugment", seed=seed)
        return step.discriminator_terms(real=batch(), fake=batch(seed=1), update=update).total().item()

    assert terms(0, 0) == terms(0, 0)
    assert len({terms(0, 0), terms(0, 1), terms(1, 0)}) == 3


def test_fakes_of_another_number_than_real_data(critic):
    step = ganzoo.adversarial_step("hinge", critic, spec=IMAGES, augment="diffaugment")
    terms = step.discriminator_terms(real=batch(6), fake=batch(4, seed=1), update=0)
    assert terms.total().isfinite()


def test_penalties_are_taken_in_full_precision_and_uncompiled():
    seen = []

    class Watched(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(64))

        def forward(self, images):
            seen.append((torch.is_autocast_enabled("cpu"), torch.compiler.is_compiling()))
            return images.flatten(1) @ self.weight

    module = Watched()
    compiled = torch.compile(module, backend="eager")
    step = ganzoo.adversarial_step("hinge", compiled, spec=IMAGES, regularizers={"r1": {}})
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = step.discriminator_terms(real=batch(), fake=batch(seed=1), update=0)
    assert terms.scalars["r1"].dtype == torch.float32
    assert seen[-1] == (False, False), "the penalty's pass"
    assert (True, True) in seen, "the judging passes"


def test_vectors_and_volumes_are_judged_alike():
    for shape in ((3,), (1, 4, 4, 4)):
        linear = nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(shape).numel(), 1))
        step = ganzoo.adversarial_step("bce", linear, spec=DataSpec(shape=shape))
        assert step.discriminator_terms(real=torch.randn(5, *shape), fake=torch.randn(5, *shape), update=0).total() > 0


class Trained(nn.Module):
    """A module that holds its critic and the step, as a LightningModule does."""

    def __init__(self):
        super().__init__()
        self.critic = Critic()
        self.step = ganzoo.adversarial_step("hinge", self.critic, spec=IMAGES, regularizers="r1")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_a_copy_of_what_holds_the_step_trains_its_own_critic(copied):
    module = Trained()
    other = copied(module)
    other.step.discriminator_terms(real=batch(), fake=batch(seed=1), update=0).total().backward()
    assert other.critic.body.weight.grad is not None
    assert module.critic.body.weight.grad is None


@pytest.mark.parametrize("name", ["r1", "r2", "gradient-penalty", "lecam", "consistency"])
def test_fakes_of_a_loop_under_autocast_give_losses_in_full_precision(name, critic):
    generator = nn.Conv2d(1, 1, 3, padding=1)
    step = ganzoo.adversarial_step("hinge", critic, spec=IMAGES, regularizers={name: {"every": 1}})
    with torch.autocast("cpu", dtype=torch.bfloat16):
        fake = generator(batch(seed=1))
        assert fake.dtype == torch.bfloat16
        d = step.discriminator_terms(real=batch(), fake=fake, update=0)
        g = step.generator_terms(real=batch(), fake=fake, update=0)
    assert {value.dtype for value in (*d.scalars.values(), *g.scalars.values())} == {torch.float32}
    g.total().backward()
    assert generator.weight.grad.abs().sum() > 0


def test_what_would_train_wrongly_without_a_word_is_refused(critic):
    step = ganzoo.adversarial_step("wgan", critic, spec=IMAGES)
    terms = step.discriminator_terms(real=batch(), fake=batch(seed=1), update=0)
    with pytest.raises(ConfigError, match="there is no player 'Discriminator'"):
        step.after_update("Discriminator", terms)
    with pytest.raises(ConfigError, match="needs the terms of the discriminator's step"):
        step.after_update("discriminator")
    with pytest.raises(ConfigError, match="labels of real and of fake data come together"):
        step.discriminator_terms(real=batch(), fake=batch(seed=1), real_labels=torch.zeros(6).long(), update=0)
    with pytest.raises(ConfigError, match="passes is not known"):
        ganzoo.adversarial_step("hinge", critic, spec=IMAGES, passes="both")
    several = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    several.forward = lambda images: {"logits": images}
    with pytest.raises(ConfigError, match="returns something else than logits"):
        ganzoo.adversarial_step("hinge", several, spec=IMAGES).discriminator_terms(
            real=batch(), fake=batch(seed=1), update=0
        )


def test_no_gradient_reaches_what_made_the_real_side(critic):
    encoder = nn.Conv2d(1, 1, 3, padding=1)
    step = ganzoo.adversarial_step("hinge", critic, spec=IMAGES)
    step.discriminator_terms(real=encoder(batch()), fake=batch(seed=1), update=0).total().backward()
    assert encoder.weight.grad is None


def test_a_generator_that_takes_no_labels(critic):
    generator = nn.Sequential(nn.Linear(4, 64), nn.Unflatten(1, (1, 8, 8)))
    step = ganzoo.adversarial_step(
        "hinge", critic, spec=IMAGES, regularizers={"consistency": {"variant": "zcr"}}, generator=generator
    )
    z = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    assert step.generator_terms(real=batch(), fake=generator(z), z=z, update=0).total().isfinite()
