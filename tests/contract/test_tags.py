"""Capability tags, both ways: what a tag says is so, and what is so is said, for every choice of the options."""

from __future__ import annotations

from dataclasses import replace
from inspect import signature

import pytest
import torch
from registered import IMAGE_SPECS, images_of, variants
from test_components import Critic, Styled, objectives, view_of
from torch.nn.utils.parametrizations import _SpectralNorm

from ganzoo import spectral
from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec, DiscriminatorOutput, Regularizer

SPEC = IMAGE_SPECS[1]
LABELS = torch.tensor([0, 1, 2])
VECTORS = DataSpec(shape=(2,), classes=("a", "b", "c"), marginal=(0.2, 0.3, 0.5))


def seeded(options, spec):
    torch.manual_seed(0)
    return options.build(spec)


def finite(loss, at):
    """Whether both objectives and their gradients are finite in float32 at logits as far out as ``at``."""
    for real_at, fake_at in ((at, -at), (-at, at), (at, at), (-at, -at)):
        real, fake = (torch.full((3,), value, requires_grad=True) for value in (real_at, fake_at))
        values = objectives(loss, real, fake)
        gradients = torch.autograd.grad(sum(values), [real, fake], allow_unused=True)
        parts = [*values, *(gradient.sum() for gradient in gradients if gradient is not None)]
        if not torch.stack(parts).isfinite().all():
            return False
    return True


@variants("loss")
class TestLosses:
    def test_generator_needs_real(self, entry, options):
        loss = options.build(SPEC)
        assert ("real" in signature(loss.generator_loss).parameters) == ("generator_needs_real" in options.tags())

    def test_paired(self, entry, options):
        loss = options.build(SPEC)
        if "paired" in options.tags():
            with pytest.raises(ConfigError):
                objectives(loss, torch.zeros(3), torch.zeros(4))
        else:
            assert torch.stack(objectives(loss, torch.zeros(3), torch.zeros(4))).isfinite().all()

    def test_saturating(self, entry, options):
        """Is the generator's gradient dead, or turned, where the discriminator has won by far?"""
        loss = options.build(SPEC)
        real, fake = torch.full((2,), 40.0, dtype=torch.float64), torch.full((2,), -40.0, dtype=torch.float64)
        fake.requires_grad_()
        (slope,) = torch.autograd.grad(objectives(loss, real, fake)[1], fake)
        assert bool((slope > -1e-9).all()) == ("saturating" in options.tags())

    def test_exponential(self, entry, options):
        assert finite(options.build(SPEC), 1e4) != ("exponential" in options.tags())

    def test_batch_nonlinear(self, entry, options):
        """Is the value of a batch the mean of the values of its halves?"""
        loss = options.build(SPEC)
        drawn = torch.Generator().manual_seed(0)
        real, fake = (torch.randn(8, generator=drawn, dtype=torch.float64) for _ in range(2))
        whole = torch.stack(objectives(loss, real, fake))
        halves = [torch.stack(objectives(loss, real[part], fake[part])) for part in (slice(4), slice(4, None))]
        assert torch.allclose(whole, sum(halves) / 2, rtol=1e-12) != ("batch_nonlinear" in options.tags())

    def test_needs_lipschitz(self, entry, options):
        """Is the objective blind to a shift of all logits, and doubled with them? Then nothing but a bound ends it."""
        loss = options.build(SPEC)
        drawn = torch.Generator().manual_seed(0)
        real, fake = (torch.rand(4, generator=drawn, dtype=torch.float64) * -1 for _ in range(2))
        d, shifted, doubled = (
            objectives(loss, *sides)[0] for sides in ((real, fake), (real - 1, fake - 1), (2 * real, 2 * fake))
        )
        endless = torch.allclose(d, shifted, rtol=1e-9) and torch.allclose(2 * d, doubled, rtol=1e-9)
        assert endless == ("needs_lipschitz" in options.tags())

    def test_needs_energy(self, entry, options):
        """Does D gain without end by logits of real data above 0, where an energy ends, bounded slopes or not?"""
        loss = options.build(SPEC)
        far = [objectives(loss, torch.tensor([at]), torch.zeros(1))[0].item() for at in (0.0, 1e3, 2e3)]
        endless = far[2] - far[1] == pytest.approx(far[1] - far[0], rel=1e-3) and far[1] < far[0]
        divergence = entry.name == "f-gan"  # some of them are linear in the logits of real data, as the paper has them
        slope = "needs_lipschitz" in options.tags()
        assert ("needs_energy" in options.tags()) == (endless and not slope and not divergence)


@variants("discriminator")
class TestDiscriminators:
    def test_groups_of_four(self, entry, options):
        network = seeded(options, SPEC)
        try:
            network(images_of(SPEC, 6), torch.arange(6) % 3)
        except ConfigError:
            refused = True
        else:
            refused = False
        assert refused == ("groups_of_four" in options.tags())

    def test_what_comes_out(self, entry, options):
        network, tags = seeded(options, SPEC), options.resolve(SPEC).tags()
        output = network(images_of(SPEC, 4), torch.tensor([0, 1, 2, 0]))
        assert (output.logits.dim() == 4) == ("patch" in tags)
        assert (network.receptive_field() is not None) == ("patch" in tags)
        assert (output.class_logits is not None) == ("provides_class_logits" in tags)
        assert bool(output.features) == ("provides_features" in tags)
        assert bool(output.extra_logits) == ("multiple_outputs" in tags)
        assert any(isinstance(module, _SpectralNorm) for module in network.modules()) == ("spectral_norm" in tags)

    def test_energy(self, entry, options):
        """Are logits never above 0, whatever the weights?"""
        network, largest = seeded(options, SPEC), []
        images, labels = images_of(SPEC, 8), torch.arange(8) % 3
        for _ in range(8):
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.normal_()
                largest.append(network(images, labels).logits.max().item())
        assert (max(largest) <= 0) == ("energy" in options.tags())

    def test_coupling(self, entry, options):
        network, tags = seeded(options, SPEC).double(), options.tags()
        images = images_of(SPEC, 4).double()
        changed = torch.cat([images[:1], -images[1:]])

        def first(batch):
            torch.manual_seed(1)
            return network(batch, torch.tensor([0, 1, 2, 0])).logits[0]

        network.train()
        spectral.hold(network)
        coupled_in_training = not torch.allclose(first(images), first(changed), rtol=1e-9)
        network.eval()
        coupled_always = not torch.allclose(first(images), first(changed), rtol=1e-9)
        assert coupled_in_training == bool(tags & {"batch_coupled_train", "batch_coupled_always"})
        assert coupled_always == ("batch_coupled_always" in tags)
        assert coupled_in_training == ("batch_nonlinear" in tags)

    def test_labels(self, entry, options):
        network, tags = seeded(options, SPEC).eval(), options.tags()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
        images = images_of(SPEC, 3)
        looks = not torch.allclose(network(images, LABELS).logits, network(images, LABELS.flip(0)).logits)
        assert looks == ("accepts_labels" in tags)
        if looks:
            with pytest.raises(ConfigError):
                network(images)

    def test_needs_labels(self, entry, options):
        """Can it be built for data without classes?"""
        assert fails(options, DataSpec(shape=SPEC.shape)) == ("needs_labels" in options.tags())

    def test_image(self, entry, options):
        assert fails(options, VECTORS) == ("image" in options.tags())


def fails(options, spec):
    try:
        options.resolve(spec).build(spec)
    except ConfigError:
        return True
    return False


@variants("generator")
class TestGenerators:
    def test_style(self, entry, options):
        network = seeded(options, SPEC)
        styled = hasattr(network, "mapping") and hasattr(network, "synthesis")
        assert styled == ("provides_style" in options.tags())
        if styled:
            network.eval()
            z = network.latent(2, generator=torch.Generator().manual_seed(0))
            made = network.synthesis(network.mapping(z, LABELS[:2]))
            torch.testing.assert_close(made, network(z, LABELS[:2]))

    def test_coupling(self, entry, options):
        network, tags = seeded(options, SPEC).double(), options.tags()
        z = network.latent(3, generator=torch.Generator().manual_seed(0)).double()

        def first(latents):
            torch.manual_seed(1)
            return network(latents, LABELS)[0]

        network.train()
        coupled = not torch.allclose(first(z), first(torch.cat([z[:1], -z[1:]])), rtol=1e-7)
        network.eval()
        assert torch.allclose(first(z), first(torch.cat([z[:1], -z[1:]])), rtol=1e-7)
        assert coupled == ("batch_coupled_train" in tags) == ("batch_nonlinear" in tags)

    def test_image(self, entry, options):
        assert fails(options, VECTORS) == ("image" in options.tags())

    def test_spectral_norm(self, entry, options):
        network = seeded(options, SPEC)
        assert any(isinstance(module, _SpectralNorm) for module in network.modules()) == (
            "spectral_norm" in options.tags()
        )


class Plain(Critic):
    """A critic that shows neither features nor class logits."""

    def forward(self, images, labels=None):
        return DiscriminatorOutput(logits=super().forward(images, labels).logits)


NEEDS = {
    "needs_features": {"critic": Plain()},
    "needs_class_logits": {"critic": Plain()},
    "needs_labels": {"real_labels": None, "fake_labels": None},
    "needs_real_output": {"real_output": None},
    "needs_style": {"network": torch.nn.Linear(3, 4)},
}
"""Tag → what a step's view lacks where it does not hold."""


def without(tag, player):
    view = view_of(player)
    lacking = dict(NEEDS[tag])
    if tag == "needs_real_output":
        return replace(view, real_output=None) if player == "generator" else view
    if tag == "needs_style":
        return replace(view, **lacking) if player == "generator" else view
    if "critic" in lacking:
        shown = {"class_logits": None} if tag == "needs_class_logits" else {"features": ()}
        lacking = {name: getattr(view, name)._replace(**shown) for name in ("real_output", "fake_output")}
    return replace(view, **lacking)


@variants("regularizer")
class TestRegularizers:
    @pytest.mark.parametrize("tag", NEEDS)
    def test_needs(self, entry, options, tag):
        """What it says it needs it cannot do without, and what it can do without it does not ask for."""
        part: Regularizer = options.build(IMAGE_SPECS[0])
        failed = False
        for player in ("discriminator", "generator"):
            of_player = part.discriminator_terms if player == "discriminator" else part.generator_terms
            try:
                of_player(without(tag, player))
            except ConfigError:
                failed = True
        assert failed == (tag in options.tags())

    def test_needs_images(self, entry, options):
        assert fails(options, VECTORS) == ("needs_images" in options.tags())

    def test_needs_per_sample_independence(self, entry, options):
        """Does it take the critic's gradient at each sample, which a critic that couples samples does not have?"""
        part: Regularizer = options.build(IMAGE_SPECS[0])
        asked = []
        for player in ("discriminator", "generator"):
            view = view_of(player)

            def watched(images, labels, critic=view.critic):
                asked.append(images.requires_grad and images.is_leaf)
                return critic(images, labels)

            terms_of(part, player, replace(view, critic=watched, plain_critic=watched))
        assert any(asked) == ("needs_per_sample_independence" in options.tags())

    def test_batch_nonlinear(self, entry, options):
        """Is the term of a batch the mean of the terms of its halves, which go on drawing where the first stopped?"""
        part: Regularizer = options.build(IMAGE_SPECS[0])
        linear = True
        for player in ("discriminator", "generator"):
            whole = view_of(player, n=4)
            whole = replace(whole, real=whole.real * torch.tensor([0.1, 0.2, 1.0, 0.9]).view(-1, 1, 1, 1))
            halves = [part_of(whole, rows) for rows in (slice(0, 2), slice(2, 4))]
            shared = torch.Generator().manual_seed(0)
            halves = [replace(half, random=shared) for half in halves]
            of_whole = terms_of(options.build(IMAGE_SPECS[0]), player, whole)
            of_halves = [terms_of(part, player, half) for half in halves]
            for name, value in of_whole.items():
                mean = sum(terms[name] for terms in of_halves) / 2
                linear = linear and torch.allclose(value, mean, rtol=1e-5, atol=1e-8)
        assert linear != ("batch_nonlinear" in options.tags())


def terms_of(part, player, view):
    return part.discriminator_terms(view) if player == "discriminator" else part.generator_terms(view)


def part_of(view, rows):
    """A micro-batch of a step."""

    def cut(output):
        return output._replace(
            logits=output.logits[rows], class_logits=output.class_logits[rows], features=(output.features[0][rows],)
        )

    sliced = {name: getattr(view, name)[rows] for name in ("real", "fake", "real_labels", "fake_labels", "z")}
    outputs = {name: cut(getattr(view, name)) for name in ("real_output", "fake_output")}
    return replace(view, **sliced, **outputs)


@variants("augmentation")
def test_augmentations_need_images(entry, options):
    assert fails(options, VECTORS) == ("needs_images" in options.tags())


def test_the_toys_have_what_is_asked_for():
    assert isinstance(view_of("generator").network, Styled)
