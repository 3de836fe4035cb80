"""The mathematics of one step of each player."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from toys import Constant, Hinge, ToyDiscriminator, ToyGenerator, make_game, make_inputs

from ganzoo.errors import PluginError
from ganzoo.protocols import Augmentation, DiscriminatorOutput, Regularizer
from ganzoo.training.game import WeightedRegularizer
from ganzoo.training.step import discriminator_terms, generator_terms


def snapshot(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def equal(before, module):
    return all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


@pytest.fixture
def players():
    torch.manual_seed(0)
    return ToyDiscriminator(), ToyGenerator()


def test_discriminators_step_leaves_the_generator_untouched(players):
    discriminator, generator = players
    before = snapshot(generator)
    discriminator_terms(make_game(*players), make_inputs()).total().backward()
    assert equal(before, generator), "BatchNorm statistics of the generator moved in the discriminator's step"
    assert all(parameter.grad is None for parameter in generator.parameters())
    assert all(parameter.grad is not None for parameter in discriminator.parameters())


def test_a_failing_step_leaves_the_generator_untouched_too(players):
    _, generator = players
    before = snapshot(generator)

    def fails(z, labels):
        generator(z, labels)
        raise MemoryError

    game = replace(make_game(*players), generate=fails)
    with pytest.raises(MemoryError):
        discriminator_terms(game, make_inputs())
    assert equal(before, generator)


def test_discriminators_step_uses_the_batch_statistics_of_the_generator(players):
    """Keeping the statistics must not mean running the generator in eval mode: D would train on other fakes."""
    _, generator = players
    seen = Constant()
    game = make_game(*players, regularizers=(WeightedRegularizer(name="c", regularizer=seen, weight=1.0),))
    inputs = make_inputs()
    discriminator_terms(game, inputs)
    with torch.no_grad():
        assert torch.equal(seen.views[0].fake, generator(inputs.z))


def test_generators_step_leaves_no_gradient_in_the_discriminator(players):
    discriminator, generator = players
    generator_terms(make_game(*players), make_inputs()).total().backward()
    assert all(parameter.grad is None for parameter in discriminator.parameters())
    assert all(parameter.requires_grad for parameter in discriminator.parameters()), "the freeze must be undone"
    assert all(parameter.grad.abs().sum() > 0 for parameter in generator.parameters())


def test_generators_step_moves_its_batch_norm_once(players):
    _, generator = players
    generator_terms(make_game(*players), make_inputs())
    assert generator.body[1].num_batches_tracked == 1


def test_a_failing_step_does_not_leave_the_discriminator_frozen(players):
    discriminator, _ = players

    def fails(images, labels):
        raise MemoryError

    with pytest.raises(MemoryError):
        generator_terms(replace(make_game(*players), discriminate=fails), make_inputs())
    assert all(parameter.requires_grad for parameter in discriminator.parameters())


def test_parameters_frozen_by_the_user_stay_frozen(players):
    discriminator, _ = players
    discriminator.head.bias.requires_grad_(False)
    generator_terms(make_game(*players), make_inputs())
    assert not discriminator.head.bias.requires_grad


def test_generators_gradient_is_that_of_an_unfrozen_discriminator(players):
    discriminator, generator = players
    discriminator.eval()
    inputs = make_inputs()
    generator_terms(make_game(*players), inputs).total().backward()
    frozen = [parameter.grad.clone() for parameter in generator.parameters()]
    generator.zero_grad()
    (-discriminator(generator(inputs.z)).logits.mean()).backward()
    for mine, plain in zip(frozen, generator.parameters(), strict=True):
        torch.testing.assert_close(mine, plain.grad)


def test_one_pass_equals_two_passes():
    torch.manual_seed(0)
    discriminator = ToyDiscriminator(classes=3).double().eval()
    generator = ToyGenerator().double()
    inputs = make_inputs(dtype=torch.float64, labels=True)
    results = {}
    for passes in ("one", "two"):
        discriminator.zero_grad()
        terms = discriminator_terms(make_game(discriminator, generator, passes=passes), inputs, observe=True)
        terms.total().backward()
        gradients = [parameter.grad for parameter in discriminator.parameters() if parameter.grad is not None]
        results[passes] = [terms.total(), *terms.observed.values(), *gradients]
    for one, two in zip(results["one"], results["two"], strict=True):
        torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-12)


def test_the_passes_are_as_many_as_they_say(players):
    discriminator, _ = players
    for passes, sizes in (("one", [12]), ("two", [6, 6])):
        discriminator.calls.clear()
        discriminator_terms(make_game(*players, passes=passes), make_inputs())
        assert [size for size, _ in discriminator.calls] == sizes


def test_what_is_logged_is_what_is_optimized(players):
    part = WeightedRegularizer(name="c", regularizer=Constant(2.0), weight=0.5, every=4)
    game = make_game(*players, regularizers=(part,))
    terms = discriminator_terms(game, make_inputs(update=7))
    assert terms.scalars["constant"].item() == 0.5 * 4 * 2.0
    assert terms.total().item() == pytest.approx(sum(value.item() for value in terms.scalars.values()))


def test_a_lazy_regularizer_acts_at_every_kth_update_only(players):
    part = WeightedRegularizer(name="c", regularizer=Constant(), weight=1.0, every=4)
    game = make_game(*players, regularizers=(part,))
    for terms_of in (discriminator_terms, generator_terms):
        acted = ["constant" in terms_of(game, make_inputs(update=update)).scalars for update in range(9)]
        assert acted == [(update + 1) % 4 == 0 for update in range(9)]


@pytest.mark.parametrize("names", [("a", "b"), ("a",)])
def test_two_terms_of_one_name_are_refused_not_merged(players, names):
    class Named(Constant):
        def _terms(self, view):
            return {"adversarial" if len(names) == 1 else "constant": next(view.network.parameters()).sum()}

    parts = tuple(WeightedRegularizer(name=name, regularizer=Named(), weight=1.0) for name in names)
    with pytest.raises(PluginError, match=f"regularizer {names[-1]} returns a term"):
        discriminator_terms(make_game(*players, regularizers=parts), make_inputs())


def test_the_view_of_each_player(players):
    discriminator, generator = players
    seen = Constant()
    game = make_game(*players, regularizers=(WeightedRegularizer(name="c", regularizer=seen, weight=1.0),))
    inputs = make_inputs(labels=True)
    discriminator_terms(game, inputs)
    generator_terms(game, inputs)
    of_discriminator, of_generator = seen.views
    assert of_discriminator.player == "discriminator"
    assert of_discriminator.network is discriminator
    assert not of_discriminator.fake.requires_grad
    assert of_discriminator.real_output is not None
    assert of_generator.player == "generator"
    assert of_generator.network is generator
    assert of_generator.fake.requires_grad
    assert of_generator.real_output is None, "nobody asked for the extra forward"
    assert torch.equal(of_generator.fake_labels, inputs.fake_labels)


class Relativistic:
    def discriminator_loss(self, *, real, fake):
        return torch.nn.functional.softplus(fake - real).mean()

    def generator_loss(self, *, real, fake):
        return torch.nn.functional.softplus(real - fake).mean()


def test_only_a_relativistic_loss_pays_for_real_logits_in_the_generators_step(players):
    discriminator, _ = players
    generator_terms(make_game(*players), make_inputs())
    assert discriminator.calls == [(6, True)]
    discriminator.calls.clear()
    terms = generator_terms(make_game(*players, loss=Relativistic(), generator_needs_real=True), make_inputs())
    assert discriminator.calls == [(6, True), (6, False)]
    assert torch.isfinite(terms.total())


@pytest.mark.parametrize("passes", ["one", "two"])
def test_images_are_made_and_judged_under_the_labels_of_their_own_side(players, passes):
    """Both sides are as long, so that nothing breaks where they change places."""
    inputs = make_inputs(labels=True)
    game = make_game(*players, loss=Relativistic(), generator_needs_real=True, passes=passes)
    asked, judged = [], []

    def generate(z, labels):
        asked.append(labels)
        return game.generate(z, labels)

    def discriminate(images, labels):
        judged.extend(zip(images, labels, strict=True))
        return game.discriminate(images, labels)

    watched = replace(game, generate=generate, discriminate=discriminate)
    for terms_of in (discriminator_terms, generator_terms):
        asked.clear()
        judged.clear()
        terms_of(watched, inputs)
        (labels,) = asked
        assert torch.equal(labels, inputs.fake_labels)
        is_real = [any(torch.equal(image, real) for real in inputs.real) for image, _ in judged]
        of_real = torch.stack([label for (_, label), real in zip(judged, is_real, strict=True) if real])
        of_fake = torch.stack([label for (_, label), real in zip(judged, is_real, strict=True) if not real])
        assert torch.equal(of_real, inputs.real_labels)
        assert torch.equal(of_fake, inputs.fake_labels)
        assert not torch.equal(of_real, of_fake)


class TwoScales(ToyDiscriminator):
    def forward(self, images, labels=None):
        output = super().forward(images, labels)
        return DiscriminatorOutput(output.logits, extra_logits=(2 * output.logits, output.logits.mean((1, 2, 3))))


def test_the_loss_is_taken_of_each_output_and_summed():
    torch.manual_seed(0)
    discriminator, generator = TwoScales().eval(), ToyGenerator()
    inputs = make_inputs()
    for passes in ("one", "two"):
        total = discriminator_terms(make_game(discriminator, generator, passes=passes), inputs).total()
        real, fake = discriminator(inputs.real), discriminator(generator(inputs.z))
        expected = sum(
            Hinge().discriminator_loss(real=r, fake=f)
            for r, f in zip((real.logits, *real.extra_logits), (fake.logits, *fake.extra_logits), strict=True)
        )
        torch.testing.assert_close(total, expected)


class Shade(Augmentation):
    """Multiplies each image by a number of its own."""

    def draw(self, n, *, random):
        return torch.rand(n, 1, generator=random)

    def __call__(self, images, draws):
        return images * draws.view(-1, 1, 1, 1)


def test_augmentation_is_what_the_discriminator_sees_of_both_sides(players):
    discriminator, generator = players
    discriminator.eval()
    generator.eval()
    shades = torch.linspace(0, 1, 6)[:, None]
    inputs = replace(make_inputs(), real_draws=shades, fake_draws=1 - shades)
    game = make_game(*players, augment=Shade())
    d = discriminator_terms(game, inputs).scalars["adversarial"]
    g = generator_terms(game, inputs).scalars["adversarial"]
    on_real = discriminator(inputs.real * shades.view(-1, 1, 1, 1)).logits
    on_fake = discriminator(generator(inputs.z) * (1 - shades).view(-1, 1, 1, 1)).logits
    torch.testing.assert_close(d, Hinge().discriminator_loss(real=on_real, fake=on_fake))
    torch.testing.assert_close(g, Hinge().generator_loss(fake=on_fake))


def test_real_data_in_the_generators_step_are_augmented_by_draws_of_their_own(players):
    discriminator, generator = players
    discriminator.eval()
    generator.eval()
    shades = torch.linspace(0, 1, 6)[:, None]
    inputs = replace(make_inputs(), real_draws=shades, fake_draws=1 - shades)
    game = make_game(*players, loss=Relativistic(), generator_needs_real=True, augment=Shade())
    real, fake = (
        discriminator(images * draws.view(-1, 1, 1, 1)).logits
        for images, draws in ((inputs.real, shades), (generator(inputs.z), 1 - shades))
    )
    expected = Relativistic().generator_loss(real=real, fake=fake)
    torch.testing.assert_close(generator_terms(game, inputs).scalars["adversarial"], expected)


def test_penalties_see_augmented_images_through_the_gradient_at_the_un_augmented_ones(players):
    seen = Constant()
    part = WeightedRegularizer(name="c", regularizer=seen, weight=1.0)
    inputs = make_inputs()
    discriminator_terms(make_game(*players, augment=Shade(), regularizers=(part,)), inputs)
    view = seen.views[0]
    assert torch.equal(view.real, inputs.real)
    draws = Shade().draw(6, random=inputs.random("augment/view/c/0")).view(-1, 1, 1, 1)
    images = inputs.real.clone().requires_grad_()
    (through,) = torch.autograd.grad(view.critic(images, None).logits.sum(), images)
    at = (images * draws).detach().requires_grad_()
    (plain,) = torch.autograd.grad(players[0](at).logits.sum(), at)
    torch.testing.assert_close(through, plain * draws)


@pytest.mark.parametrize("terms_of", [discriminator_terms, generator_terms])
def test_a_regularizer_may_generate_without_a_trace_in_batch_norm(players, terms_of):
    class Generates(Regularizer):
        def discriminator_terms(self, view):
            return {"more": view.generate(2 * view.z, None).square().mean()}

        generator_terms = discriminator_terms

    _, generator = players
    part = WeightedRegularizer(name="g", regularizer=Generates(), weight=1.0)
    plain, generating = (make_game(*players, regularizers=parts) for parts in ((), (part,)))
    before = snapshot(generator)
    terms_of(plain, make_inputs())
    moved_once = snapshot(generator)
    generator.load_state_dict(before)
    terms_of(generating, make_inputs()).total().backward()
    assert equal(moved_once, generator)


@pytest.mark.parametrize("terms_of", [discriminator_terms, generator_terms])
def test_a_regularizer_that_fails_while_it_generates_leaves_batch_norm_as_it_was(players, terms_of):
    class Fails(Regularizer):
        def discriminator_terms(self, view):
            return {"more": view.generate(torch.zeros(2, 99), None).mean()}

        generator_terms = discriminator_terms

    _, generator = players
    plain, failing = (
        make_game(*players, regularizers=parts)
        for parts in ((), (WeightedRegularizer(name="f", regularizer=Fails(), weight=1.0),))
    )
    held = list(generator.buffers())
    with pytest.raises(RuntimeError, match="99"):
        terms_of(failing, make_inputs())
    assert all(one is other for one, other in zip(generator.buffers(), held, strict=True)), "copies were left in it"
    generator_terms(plain, make_inputs())
    assert not held[0].eq(0).all(), "the statistics that are kept no longer move"


def test_a_regularizer_may_stand_in_place_of_the_loss_of_the_generator(players):
    part = WeightedRegularizer(name="c", regularizer=Constant(), weight=1.0)
    game = make_game(*players, generator_adversarial=False, regularizers=(part,))
    assert set(generator_terms(game, make_inputs()).scalars) == {"constant"}
    assert set(discriminator_terms(game, make_inputs()).scalars) == {"adversarial", "constant"}


@pytest.mark.parametrize("passes", ["one", "two"])
def test_what_is_observed_of_the_logits(players, passes):
    """A logit of 0 is right about neither side."""
    real, fake = torch.tensor([3.0, 1.0, 0.0, -2.0]), torch.tensor([-5.0, -4.0, -1.0, 0.0])
    inputs = replace(make_inputs(), real=real.view(-1, 1, 1, 1), z=fake.view(-1, 1, 1, 1))
    game = replace(
        make_game(*players, passes=passes),
        generate=lambda z, labels: z,
        discriminate=lambda images, labels: DiscriminatorOutput(images),
    )
    observed = discriminator_terms(game, inputs, observe=True).observed
    assert {name: value.item() for name, value in observed.items()} == {
        "logits/real": 0.5,
        "logits/fake": -2.5,
        "accuracy/real": 0.5,
        "accuracy/fake": 0.75,
    }


def test_diagnostics_extend_what_is_observed(players):
    class Diagnosed(Hinge):
        def diagnostics(self, *, real, fake):
            return {"violations/real": real.mean() + 5, "accuracy/real": fake.mean() + 7}

    observed = discriminator_terms(make_game(*players, loss=Diagnosed()), make_inputs(), observe=True).observed
    assert observed["violations/real"] == observed["logits/real"] + 5
    assert observed["accuracy/real"] == observed["logits/fake"] + 7
    assert set(observed) >= {"logits/real", "logits/fake", "accuracy/fake"}
    assert discriminator_terms(make_game(*players), make_inputs()).observed == {}
