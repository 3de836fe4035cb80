"""The regularizers against closed forms, sample-by-sample oracles, and the mistakes seen elsewhere."""

from __future__ import annotations

import math

import pytest
import torch
from ganzoo_regularizers.auxiliary_classifier import AuxiliaryClassifier
from ganzoo_regularizers.critic_gradient import mean_logits, squared_gradient_norms
from ganzoo_regularizers.gradient_penalty import GradientPenalty
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import DiscriminatorOutput, StepView


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def view_of(critic, real, fake, *, player="discriminator", labels=(None, None), seed=0, outputs=(None, None)):
    return StepView(
        player=player,
        network=nn.Identity(),
        real=real,
        fake=fake,
        real_labels=labels[0],
        fake_labels=labels[1],
        z=draw(len(fake), 2),
        real_output=outputs[0],
        fake_output=outputs[1] or DiscriminatorOutput(logits=draw(len(fake))),
        critic=critic,
        plain_critic=critic,
        generate=lambda z, labels: z,
        augment=lambda images: images,
        random=torch.Generator().manual_seed(seed),
    )


def linear_critic(slope, shape, patches=()):
    """D(x) = ⟨w, x⟩ with ‖w‖ = slope, the same in every patch."""
    weight = draw(*shape, seed=9)
    weight = slope * weight / weight.norm()

    def critic(images, labels):
        logits = (images * weight).flatten(1).sum(1)
        return DiscriminatorOutput(logits=logits.view(-1, 1, 1, 1).expand(-1, 1, *patches) if patches else logits)

    return critic


def penalty(critic, real, fake, *, labels=(None, None), seed=0, **options):
    terms = GradientPenalty(**options).discriminator_terms(view_of(critic, real, fake, labels=labels, seed=seed))
    assert list(terms) == ["gradient_penalty"]
    return terms["gradient_penalty"].item()


@pytest.mark.parametrize("batch", [1, 7, 64])
@pytest.mark.parametrize("slope", [0.1, 0.5, 2.0, 10.0])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 5, 4)])
def test_linear_critic_pays_exactly_for_its_slope(batch, slope, shape):
    real, fake = draw(batch, *shape), draw(batch, *shape, seed=1)
    options = GradientPenalty()
    raw = penalty(linear_critic(slope, shape), real, fake)
    assert options.weight * raw == pytest.approx(10 * (slope - 1) ** 2, rel=1e-9)


@given(slope=st.floats(0.1, 20), target=st.floats(0, 5), batch=st.integers(1, 5), seed=st.integers(0, 2**31))
def test_any_target_and_both_kinds_of_sides(slope, target, batch, seed):
    real, fake, critic = draw(batch, 1, 3, 3), draw(batch, 1, 3, 3, seed=1), linear_critic(slope, (1, 3, 3))
    excess = math.sqrt(slope**2 + 1e-12) - target
    two_sided = penalty(critic, real, fake, target=target, seed=seed)
    one_sided = penalty(critic, real, fake, target=target, seed=seed, one_sided=True)
    assert two_sided == pytest.approx(excess**2, rel=1e-9, abs=1e-15)
    assert one_sided == pytest.approx(max(excess, 0) ** 2, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("patches", [(1, 1), (2, 2), (14, 14), (3, 5)])
def test_patch_count_does_not_change_the_penalty(patches):
    real, fake = draw(3, 1, 4, 4), draw(3, 1, 4, 4, seed=1)
    assert penalty(linear_critic(3.0, (1, 4, 4), patches), real, fake) == pytest.approx(4.0, rel=1e-9)


def test_further_maps_count_as_one_map_each():
    output = DiscriminatorOutput(
        logits=torch.tensor([1.0, 2.0]),
        extra_logits=(torch.tensor([3.0, 5.0, 7.0, 9.0, 1.0, 1.0, 1.0, 1.0]).view(2, 1, 2, 2), torch.zeros(2, 1, 1, 1)),
        class_logits=torch.full((2, 3), 1e6),
    )
    assert mean_logits(output).tolist() == pytest.approx([7 / 3, 1.0])


def quadratic_critic(images, labels):
    """A slope of its own for every sample: ∇D = x ∘ scale."""
    scale = torch.linspace(0.5, 2, images[0].numel(), dtype=images.dtype).view_as(images[0])
    return DiscriminatorOutput(logits=(images.square() * scale / 2).flatten(1).sum(1))


def test_norms_are_those_of_each_sample_alone():
    images = draw(5, 2, 3, 3)
    together = squared_gradient_norms(quadratic_critic, images, None)
    alone = [squared_gradient_norms(quadratic_critic, images[i : i + 1], None).item() for i in range(5)]
    scale = torch.linspace(0.5, 2, 18, dtype=torch.float64)
    by_hand = (images.flatten(1) * scale).square().sum(1)
    assert together.tolist() == pytest.approx(alone, rel=1e-12)
    assert together.tolist() == pytest.approx(by_hand.tolist(), rel=1e-12)


def test_neither_one_norm_for_the_batch_nor_one_a_pixel():
    real, fake = draw(6, 2, 3, 3), draw(6, 2, 3, 3, seed=1)
    seen = {}

    def critic(images, labels):
        seen["gradients"] = (images * torch.linspace(0.5, 2, 18, dtype=images.dtype).view(2, 3, 3)).detach()
        return quadratic_critic(images, labels)

    raw = penalty(critic, real, fake)
    gradients = seen["gradients"]
    assert raw == pytest.approx((gradients.flatten(1).norm(dim=1) - 1).square().mean().item(), rel=1e-9)
    assert raw != pytest.approx((gradients.norm() - 1).square().item(), rel=1e-2)
    assert raw != pytest.approx((gradients.norm(dim=1) - 1).square().mean().item(), rel=1e-2)


def test_points_lie_between_real_and_fake_at_one_ratio_a_sample():
    real, fake = torch.zeros(200, 1, 2, 2, dtype=torch.float64), torch.ones(200, 1, 2, 2, dtype=torch.float64)
    real[:, :, 0, 0] = 3.0
    seen = []

    def critic(images, labels):
        seen.append(images.detach())
        return quadratic_critic(images, labels)

    penalty(critic, real, fake)
    ratio = (1 - seen[0][:, 0, 1, 1]).unsqueeze(1)
    assert torch.allclose(seen[0][:, 0, 0, :1], 3 * ratio + (1 - ratio))
    assert torch.equal(seen[0][:, 0, 0, 1:], seen[0][:, 0, 1, :1])
    assert 0 <= ratio.min() < 0.05
    assert 0.95 < ratio.max() < 1
    assert ratio.mean().item() == pytest.approx(0.5, abs=4 * math.sqrt(1 / 12 / 200))


def test_draws_come_from_the_view_alone_and_go_on_from_micro_batch_to_micro_batch():
    real, fake = draw(9, 1, 3, 3), draw(9, 1, 3, 3, seed=1)
    before = torch.get_rng_state()
    whole = penalty(quadratic_critic, real, fake, seed=4)
    assert torch.equal(torch.get_rng_state(), before)
    assert penalty(quadratic_critic, real, fake, seed=4) == whole
    assert penalty(quadratic_critic, real, fake, seed=5) != whole

    random = torch.Generator().manual_seed(4)
    parts = []
    for rows in (slice(0, 2), slice(2, 9)):
        view = view_of(quadratic_critic, real[rows], fake[rows])
        view = StepView(**{**vars(view), "random": random})
        parts.append(GradientPenalty().discriminator_terms(view)["gradient_penalty"].item())
    assert (2 * parts[0] + 7 * parts[1]) / 9 == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize(("side", "expected"), [("real", 16.0), ("fake", 81.0)])
def test_labels_reach_a_conditional_critic(side, expected):
    slopes = linear_critic(1.0, (1, 3, 3))

    def critic(images, labels):
        return DiscriminatorOutput(logits=slopes(images, None).logits * labels)

    labels = (torch.full((4,), 5), torch.full((4,), 10))
    real, fake = draw(4, 1, 3, 3), draw(4, 1, 3, 3, seed=1)
    raw = GradientPenalty(labels=side).discriminator_terms(view_of(critic, real, fake, labels=labels))
    assert raw["gradient_penalty"].item() == pytest.approx(expected, rel=1e-9)


def test_penalty_pushes_the_critics_weights_towards_the_target():
    slope = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    weight = draw(1, 3, 3, seed=2)
    weight = weight / weight.norm()

    def critic(images, labels):
        return DiscriminatorOutput(logits=(images * weight * slope).flatten(1).sum(1))

    view = view_of(critic, draw(4, 1, 3, 3), draw(4, 1, 3, 3, seed=1))
    GradientPenalty().discriminator_terms(view)["gradient_penalty"].backward()
    assert slope.grad.item() == pytest.approx(2 * (3 - 1), rel=1e-9)


def test_a_flat_critic_has_a_finite_gradient():
    slope = torch.zeros((), dtype=torch.float64, requires_grad=True)

    def critic(images, labels):
        return DiscriminatorOutput(logits=(images * slope).flatten(1).sum(1))

    term = GradientPenalty().discriminator_terms(view_of(critic, draw(2, 1, 2, 2), draw(2, 1, 2, 2, seed=1)))
    term["gradient_penalty"].backward()
    assert term["gradient_penalty"].item() == pytest.approx(1.0, rel=1e-5)
    assert math.isfinite(slope.grad.item())


def test_fakes_get_no_gradient_and_inputs_stay_as_they_were():
    real, fake = draw(3, 1, 2, 2), draw(3, 1, 2, 2, seed=1).requires_grad_(True)
    weight = torch.ones(1, 2, 2, dtype=torch.float64, requires_grad=True)

    def critic(images, labels):
        return DiscriminatorOutput(logits=(images.square() * weight).flatten(1).sum(1))

    GradientPenalty().discriminator_terms(view_of(critic, real, fake))["gradient_penalty"].backward()
    assert fake.grad is None
    assert not real.requires_grad
    assert weight.grad is not None


def test_penalty_is_the_discriminators_alone():
    view = view_of(linear_critic(2.0, (1, 2, 2)), draw(2, 1, 2, 2), draw(2, 1, 2, 2), player="generator")
    assert GradientPenalty().generator_terms(view) == {}


def test_batches_of_different_size_are_refused():
    with pytest.raises(ConfigError, match=r"real \(3, 1, 2, 2\), fake \(2, 1, 2, 2\)"):
        penalty(linear_critic(2.0, (1, 2, 2)), draw(3, 1, 2, 2), draw(2, 1, 2, 2))


CLASS_LOGITS = (torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).double(), torch.zeros(3, 3).double())
CLASS_LABELS = (torch.tensor([0, 2]), torch.tensor([0, 1, 2]))
ON_REAL = (math.log(math.e**2 + 2) - 2 + math.log(math.e + 2)) / 2
ON_FAKE = math.log(3)


def classified(**changes):
    outputs = tuple(
        DiscriminatorOutput(logits=torch.zeros(len(of_class)), class_logits=of_class) for of_class in CLASS_LOGITS
    )
    view = view_of(lambda images, labels: outputs[1], draw(2, 1), draw(3, 1), labels=CLASS_LABELS, outputs=outputs)
    return StepView(**{**vars(view), **changes})


def test_class_terms_are_cross_entropies_in_nats():
    d = AuxiliaryClassifier().discriminator_terms(classified())
    g = AuxiliaryClassifier().generator_terms(classified(player="generator", real_output=None))
    assert {name: term.item() for name, term in d.items()} == pytest.approx(
        {"auxiliary_classifier_real": ON_REAL, "auxiliary_classifier_fake": ON_FAKE}, rel=1e-12
    )
    assert {name: term.item() for name, term in g.items()} == pytest.approx(
        {"auxiliary_classifier_fake": ON_FAKE}, rel=1e-12
    )


def test_real_only_leaves_the_generators_term():
    options = AuxiliaryClassifier(classify_fake=False)
    assert list(options.discriminator_terms(classified())) == ["auxiliary_classifier_real"]
    assert list(options.generator_terms(classified())) == ["auxiliary_classifier_fake"]


def test_class_term_raises_the_right_class_logit():
    of_class = torch.zeros(1, 4, requires_grad=True)
    output = DiscriminatorOutput(logits=torch.zeros(1), class_logits=of_class)
    terms = AuxiliaryClassifier().generator_terms(classified(fake_output=output, fake_labels=torch.tensor([2])))
    terms["auxiliary_classifier_fake"].backward()
    assert of_class.grad.tolist() == [pytest.approx([0.25, 0.25, -0.75, 0.25])]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fake_output": DiscriminatorOutput(logits=torch.zeros(3))}, "--disc acgan"),
        ({"fake_labels": None}, "needs labels"),
    ],
)
def test_what_it_cannot_compute_it_says(changes, message):
    with pytest.raises(ConfigError) as caught:
        AuxiliaryClassifier().generator_terms(classified(**changes))
    assert message in str(caught.value)
