"""Penalties on gradients against closed forms, and the mistakes seen elsewhere. See test_regularizers for the first."""

from __future__ import annotations

import math

import pytest
import torch
from ganzoo_regularizers.critic_gradient import mean_logits
from ganzoo_regularizers.dragan import Dragan
from ganzoo_regularizers.gradient_penalty import GradientPenalty
from ganzoo_regularizers.path_length import PathLength
from ganzoo_regularizers.r1 import R1
from ganzoo_regularizers.r2 import R2
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec, DiscriminatorOutput, StepView

SPEC = DataSpec(shape=(1, 4, 4))
PENALTIES = [GradientPenalty, Dragan, R1, R2]
SLOPE_PENALTIES = [GradientPenalty, Dragan]
SQUARES = [R1, R2]


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def view_of(critic, real, fake, *, labels=(None, None), seed=0, player="discriminator"):
    return StepView(
        player=player,
        network=nn.Identity(),
        real=real,
        fake=fake,
        real_labels=labels[0],
        fake_labels=labels[1],
        z=draw(len(fake), 2),
        real_output=None,
        fake_output=DiscriminatorOutput(logits=draw(len(fake))),
        critic=critic,
        plain_critic=critic,
        judge_alike=lambda images, others, labels: (critic(images, labels), critic(others, labels)),
        generate=lambda z, labels: z,
        augment=lambda images: images,
        random=torch.Generator().manual_seed(seed),
    )


def raw(options, view):
    """The one raw term of a penalty."""
    (term,) = options.build(SPEC).discriminator_terms(view).values()
    return term


def linear(slope, shape, patches=()):
    weight = draw(*shape, seed=9)
    weight = slope * weight / weight.norm()

    def critic(images, labels):
        logits = (images * weight).flatten(1).sum(1)
        return DiscriminatorOutput(logits=logits.view(-1, 1, 1, 1).expand(-1, 1, *patches) if patches else logits)

    return critic


def scales(images):
    return torch.linspace(0.5, 2, images[0].numel(), dtype=images.dtype).view_as(images[0])


def quadratic(images, labels):
    """∇D(x) = scales ∘ x: another slope for every sample."""
    return DiscriminatorOutput(logits=(images.square() * scales(images) / 2).flatten(1).sum(1))


def watched(critic):
    """The critic, and the list of images it will have been shown."""
    seen = []

    def call(images, labels):
        seen.append(images.detach().clone())
        return critic(images, labels)

    return call, seen


@pytest.mark.parametrize("kind", PENALTIES)
def test_defaults_are_the_published_ones(kind):
    assert (kind().weight, kind().every) == (10, 1)
    assert "needs_per_sample_independence" in kind().tags()
    assert "limits_slope" in kind().tags()


@pytest.mark.parametrize("batch", [1, 2, 17])
@pytest.mark.parametrize("slope", [0.1, 0.7, 3.0, 12.0])
@pytest.mark.parametrize("options", [Dragan(), Dragan(noise="gaussian", target=2.5), GradientPenalty(target=0.25)])
def test_linear_critic_pays_for_its_slope_and_target(batch, slope, options):
    view = view_of(linear(slope, (2, 3, 4)), draw(batch, 2, 3, 4), draw(batch, 2, 3, 4, seed=1))
    assert 10 * raw(options, view).item() == pytest.approx(10 * (slope - options.target) ** 2, rel=1e-9)


@pytest.mark.parametrize("kind", SQUARES)
@given(slope=st.floats(0.01, 50), batch=st.integers(1, 6), weight=st.floats(0, 100))
def test_linear_critic_pays_half_its_squared_slope(kind, slope, batch, weight):
    view = view_of(linear(slope, (1, 3, 3)), draw(batch, 1, 3, 3), draw(batch, 1, 3, 3, seed=1))
    options = kind(weight=weight)
    assert weight * raw(options, view).item() == pytest.approx(weight / 2 * slope**2, rel=1e-12)


@pytest.mark.parametrize(("kind", "side"), [(R1, 0), (R2, 1)])
@pytest.mark.parametrize("sigma", [1e-3, 0.1, 3.0])
def test_the_difference_of_a_linear_critic_is_its_slope_along_each_draw(kind, side, sigma):
    """((⟨w, x + σn⟩ − ⟨w, x⟩)/σ)² = ⟨w, n⟩² at any σ; the draws are those of the view's generator, sample by sample."""
    images = (draw(5, 1, 3, 3), 3 * draw(4, 1, 3, 3, seed=1))
    term = raw(kind(estimate="difference", sigma=sigma), view_of(linear(2.0, (1, 3, 3)), *images, seed=7))
    weight = draw(1, 3, 3, seed=9)
    weight = (2 * weight / weight.norm()).flatten().tolist()
    random, squares = torch.Generator().manual_seed(7), []
    for _ in images[side]:
        noise = torch.randn(1, 3, 3, generator=random).flatten().tolist()
        squares.append(sum(w * n for w, n in zip(weight, noise, strict=True)) ** 2)
    assert term.item() == pytest.approx(sum(squares) / len(squares) / 2, rel=1e-9)


def test_the_expected_difference_is_the_squared_slope():
    """E⟨w, n⟩² = ‖w‖², with variance 2‖w‖⁴: within four standard errors of 20,000 draws."""
    n = 20_000
    images = torch.zeros(n, 1, 2, 2, dtype=torch.float64)
    term = raw(R1(estimate="difference"), view_of(linear(3.0, (1, 2, 2)), images, images)).item()
    assert term == pytest.approx(4.5, abs=4 * 4.5 * math.sqrt(2 / n))


@pytest.mark.parametrize(("share", "looked_at"), [(0.25, 2), (0.26, 3), (1.0, 8), (0.01, 1)])
def test_a_difference_looks_at_the_first_samples(share, looked_at):
    critic, seen = watched(quadratic)
    real = draw(8, 1, 2, 2)
    raw(R1(estimate="difference", share=share), view_of(critic, real, real))
    assert torch.equal(seen[0], real[:looked_at])
    assert ("batch_nonlinear" in R1(estimate="difference", share=share).tags()) == (share < 1)


def test_a_difference_teaches_the_critic_what_the_exact_term_does():
    """For a small σ, averaged over draws, the gradients at the critic's weights agree."""
    weight = draw(4, seed=3).requires_grad_()

    def critic(images, labels):
        return DiscriminatorOutput(logits=torch.tanh(images.flatten(1) @ weight))

    real = 0.3 * draw(3, 1, 2, 2)
    exact = torch.autograd.grad(raw(R1(), view_of(critic, real, real)), weight)[0]
    many = real.repeat_interleave(20_000, 0)
    estimate = raw(R1(estimate="difference", sigma=1e-4), view_of(critic, many, many))
    torch.testing.assert_close(torch.autograd.grad(estimate, weight)[0], exact, rtol=0.05, atol=0.02)


def test_sigma_and_share_are_refused_where_they_would_do_nothing():
    with pytest.raises(ValidationError, match="belong to estimate: difference"):
        R1(sigma=0.1)


def test_a_loop_that_cannot_augment_alike_is_told_so():
    view = StepView(**{**vars(view_of(quadratic, draw(2, 1, 2, 2), draw(2, 1, 2, 2))), "judge_alike": None})
    with pytest.raises(ConfigError, match="augment both alike"):
        raw(R1(estimate="difference"), view)


@pytest.mark.parametrize(("kind", "side"), [(R1, 0), (R2, 1)])
def test_quadratic_critic_is_judged_at_real_or_at_fakes(kind, side):
    images = (draw(5, 2, 3, 3), 3 * draw(4, 2, 3, 3, seed=1))
    by_hand = [
        sum((s * x) ** 2 for s, x in zip(scales(images[0]).flatten().tolist(), sample, strict=True)) / 2
        for sample in images[side].flatten(1).tolist()
    ]
    assert raw(kind(), view_of(quadratic, *images)).item() == pytest.approx(sum(by_hand) / len(by_hand), rel=1e-12)


@pytest.mark.parametrize("kind", SLOPE_PENALTIES)
def test_norms_are_each_samples_own(kind):
    critic, seen = watched(quadratic)
    term = raw(kind(), view_of(critic, draw(6, 2, 3, 3), draw(6, 2, 3, 3, seed=1))).item()
    gradients = (seen[0] * scales(seen[0])).flatten(2)
    lengths = [math.sqrt(sum(g * g for g in sample)) for sample in gradients.flatten(1).tolist()]
    assert term == pytest.approx(sum((length - 1) ** 2 for length in lengths) / 6, rel=1e-9)
    whole_batch = (gradients.norm() - 1).square().item()
    per_pixel = (gradients.norm(dim=1) - 1).square().mean().item()
    assert term != pytest.approx(whole_batch, rel=0.05)
    assert term != pytest.approx(per_pixel, rel=0.05)


@pytest.mark.parametrize("kind", PENALTIES)
@pytest.mark.parametrize("patches", [(1, 1), (2, 2), (14, 14), (3, 5)])
def test_patch_count_does_not_matter(kind, patches):
    real, fake = draw(3, 1, 4, 4), draw(3, 1, 4, 4, seed=1)
    maps = raw(kind(), view_of(linear(3.0, (1, 4, 4), patches), real, fake)).item()
    assert maps == pytest.approx(raw(kind(), view_of(linear(3.0, (1, 4, 4)), real, fake)).item(), rel=1e-12)
    assert maps == pytest.approx(4.5 if kind in SQUARES else 4.0, rel=1e-9)


@pytest.mark.parametrize("kind", PENALTIES)
def test_scales_are_averaged_and_class_heads_do_not_enter(kind):
    critic = linear(1.0, (1, 3, 3))

    def headed(images, labels):
        logits = critic(images, labels).logits
        maps = logits.view(-1, 1, 1, 1)
        return DiscriminatorOutput(
            logits=2 * logits,
            class_logits=torch.stack([1e3 * logits, logits.square()], 1),
            features=(1e3 * images,),
            extra_logits=(4 * maps.expand(-1, 1, 3, 3), 6 * maps),
        )

    view = view_of(headed, draw(4, 1, 3, 3), draw(4, 1, 3, 3, seed=1))
    assert raw(kind(), view).item() == pytest.approx(8.0 if kind in SQUARES else 9.0, rel=1e-9)
    assert mean_logits(headed(view.real, None)).shape == (4,)


@pytest.mark.parametrize(
    ("options", "label"),
    [
        (GradientPenalty(), 3.0),
        (GradientPenalty(labels="fake"), 5.0),
        (Dragan(), 3.0),
        (Dragan(noise="gaussian"), 3.0),
        (R1(), 3.0),
        (R2(), 5.0),
    ],
)
def test_labels_reach_a_conditional_critic(options, label):
    slope = linear(1.0, (1, 3, 3))

    def conditional(images, labels):
        return DiscriminatorOutput(logits=slope(images, None).logits * labels)

    real, fake = draw(4, 1, 3, 3), draw(4, 1, 3, 3, seed=1)
    view = view_of(conditional, real, fake, labels=(torch.full((4,), 3), torch.full((4,), 5)))
    expected = label**2 / 2 if type(options) in SQUARES else (label - 1) ** 2
    assert raw(options, view).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("kind", SQUARES)
def test_each_image_keeps_its_own_label(kind):
    def conditional(images, labels):
        return DiscriminatorOutput(logits=images.flatten(1).sum(1) * labels)

    labels = (torch.tensor([1.0, 2.0, 3.0]).double(), torch.tensor([4.0, 5.0, 6.0]).double())
    term = raw(kind(), view_of(conditional, draw(3, 1, 2, 2), draw(3, 1, 2, 2), labels=labels)).item()
    assert term == pytest.approx((1 + 4 + 9 if kind is R1 else 16 + 25 + 36) / 3 * 4 / 2, rel=1e-12)


@pytest.mark.parametrize("kind", SQUARES)
def test_doubling_the_batch_changes_nothing(kind):
    real, fake = draw(4, 1, 3, 3), draw(4, 1, 3, 3, seed=1)
    once = raw(kind(), view_of(quadratic, real, fake)).item()
    assert raw(kind(), view_of(quadratic, real.repeat(2, 1, 1, 1), fake.repeat(2, 1, 1, 1))).item() == pytest.approx(
        once
    )


def test_doubling_the_batch_changes_nothing_in_a_constant_batch_either():
    """With s = 0 the points of dragan are the data."""
    real = torch.full((3, 1, 2, 2), 0.7, dtype=torch.float64)
    once, twice = (raw(Dragan(), view_of(quadratic, x, x)).item() for x in (real, real.repeat(2, 1, 1, 1)))
    expected = (math.sqrt(0.49 * sum(s * s for s in (0.5, 1.0, 1.5, 2.0))) - 1) ** 2
    assert once == pytest.approx(twice, rel=1e-12)
    assert once == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("kind", PENALTIES)
def test_second_order_gradients_reach_the_critics_parameters_and_nothing_else(kind):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Conv2d(3, 1, 2)).double()
    real, fake = draw(3, 1, 4, 4), draw(3, 1, 4, 4, seed=1).requires_grad_(True)
    view = view_of(lambda images, labels: DiscriminatorOutput(logits=network(images)), real, fake)
    term = raw(kind(), view)
    assert all(tensor.grad is None for tensor in (real, fake, *network.parameters()))
    assert not real.requires_grad
    parameters = [network[0].weight, network[0].bias, network[2].weight]
    gradients = torch.autograd.grad(term, [*parameters, fake], allow_unused=True)
    assert gradients[-1] is None, "fakes carry no gradient in the discriminator's step"
    for parameter, gradient in zip(parameters, gradients[:-1], strict=True):
        index = (0,) * parameter.dim()
        value = []
        for step in (1e-6, -1e-6):
            with torch.no_grad():
                parameter[index] += step
            value.append(raw(kind(), view_of(view.critic, real, fake)).item())
            with torch.no_grad():
                parameter[index] -= step
        assert gradient[index].item() == pytest.approx((value[0] - value[1]) / 2e-6, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("kind", PENALTIES)
def test_penalties_are_the_discriminators_alone_and_leave_the_global_generator(kind):
    view = view_of(quadratic, draw(2, 1, 2, 2), draw(2, 1, 2, 2, seed=1))
    before = torch.get_rng_state()
    term = raw(kind(), view)
    assert torch.equal(torch.get_rng_state(), before)
    again = raw(kind(), view_of(quadratic, view.real, view.fake))
    assert torch.equal(term, again)
    assert kind().build(SPEC).generator_terms(view) == {}


@pytest.mark.parametrize("kind", SQUARES)
def test_vectors_are_as_good_as_images(kind):
    real, fake = draw(3, 2), draw(3, 2, seed=1)
    critic = linear(2.0, (2,))
    assert raw(kind(), view_of(critic, real, fake)).item() == pytest.approx(2.0, rel=1e-12)


@pytest.mark.parametrize("kind", SLOPE_PENALTIES)
def test_a_flat_critic_has_finite_gradients(kind):
    slope = torch.zeros((), dtype=torch.float64, requires_grad=True)

    def critic(images, labels):
        return DiscriminatorOutput(logits=(images * slope).flatten(1).sum(1))

    term = raw(kind(), view_of(critic, draw(2, 1, 2, 2), draw(2, 1, 2, 2, seed=1)))
    (gradient,) = torch.autograd.grad(term, [slope])
    assert term.item() == pytest.approx(1.0, rel=1e-5)
    assert gradient.isfinite()


def test_one_sided_leaves_what_is_below_the_target():
    view = view_of(linear(2.0, (1, 3, 3)), draw(2, 1, 3, 3), draw(2, 1, 3, 3, seed=1))
    values = [raw(GradientPenalty(one_sided=True, target=target), view).item() for target in (0.5, 2.5)]
    assert values == [pytest.approx(2.25, rel=1e-9), 0.0]


def test_dragan_goes_up_from_real_data_by_a_share_of_the_populations_spread():
    critic, seen = watched(quadratic)
    real = draw(500, 1, 2, 3)
    raw(Dragan(spread=0.5), view_of(critic, real, real))
    deviation = math.sqrt(sum((x - real.mean().item()) ** 2 for x in real.flatten().tolist()) / real.numel())
    steps = ((seen[0] - real) / (0.5 * deviation)).flatten(1)
    assert steps.min() >= 0
    assert 0.95 < steps.max() < 1
    assert steps.mean().item() == pytest.approx(1 / 4, abs=0.03)
    # α belongs to the sample, u to the element: elements share the first and differ by the second.
    assert torch.corrcoef(steps[:, :2].T)[0, 1].item() == pytest.approx((1 / 48) / (1 / 9 - 1 / 16), abs=0.12)


def test_dragans_gaussian_noise_is_the_papers():
    critic, seen = watched(quadratic)
    real = draw(300, 1, 3, 3)
    raw(Dragan(noise="gaussian", variance=4), view_of(critic, real, real))
    delta = seen[0] - real
    assert delta.mean().item() == pytest.approx(0, abs=0.15)
    assert delta.std().item() == pytest.approx(2, rel=0.05)
    assert "batch_nonlinear" not in Dragan(noise="gaussian").tags()
    assert "batch_nonlinear" in Dragan().tags()


def test_dragan_draws_go_on_from_micro_batch_to_micro_batch():
    points = []
    for parts in ([slice(0, 5)], [slice(0, 2), slice(2, 5)]):
        random = torch.Generator().manual_seed(3)
        seen_all = []
        for rows in parts:
            # Each part has the same spread: ±1 in equal shares.
            critic, seen = watched(quadratic)
            real = torch.tensor([-1.0, 1.0]).double().repeat(5).view(5, 1, 1, 2)[rows]
            raw(Dragan(), StepView(**{**vars(view_of(critic, real, real)), "random": random}))
            seen_all += seen
        points.append(torch.cat(seen_all))
    assert torch.allclose(points[0], points[1], rtol=1e-12)


@pytest.mark.parametrize("kind", SQUARES)
def test_lazy_form_corrects_adam_if_asked(kind):
    assert kind().optimizer_correction() == {}
    assert kind(every=16).optimizer_correction() == {}
    assert kind(lazy_adam=True).optimizer_correction() == {}
    assert kind(every=16, lazy_adam=True).optimizer_correction() == {"discriminator": pytest.approx(16 / 17)}


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (Dragan, {"noise": "laplace"}),
        (Dragan, {"target": -1}),
        (R1, {"weight": math.nan}),
        (R2, {"every": 0}),
        (PathLength, {"decay": 0}),
        (PathLength, {"shrink": 0}),
    ],
)
def test_options_out_of_range_are_refused(kind, wrong):
    with pytest.raises(ValidationError):
        kind(**wrong)


class Linear(nn.Module):
    """g(w) = A·w with w = B·z (+ a label's shift): J is A at every point."""

    def __init__(self, shape=(2, 3, 4), width=5, layers=0):
        super().__init__()
        self.shape = shape
        self.layers = layers
        self.b = nn.Parameter(draw(width, 2, seed=1))
        self.a = nn.Parameter(draw(math.prod(shape), width, seed=2))
        self.seen = []

    def mapping(self, z, labels):
        self.seen.append((z, labels))
        w = z @ self.b.T
        return w[:, None, :].repeat(1, self.layers, 1) if self.layers else w

    def synthesis(self, w):
        each = torch.arange(1, self.layers + 1, dtype=w.dtype).view(1, -1, 1)
        return ((w * each).sum(1) if self.layers else w).matmul(self.a.T).view(-1, *self.shape)


def style_view(network, z, *, labels=None, seed=0):
    view = view_of(quadratic, draw(len(z), 1), draw(len(z), 1), labels=(None, labels), seed=seed, player="generator")
    return StepView(**{**vars(view), "network": network, "z": z})


def lengths_of(network, n, *, seed=0):
    """ℓ of a linear synthesis, from the same noise: |Aᵀy|/√(HW)."""
    y = torch.randn(n, *network.shape, generator=torch.Generator().manual_seed(seed)).double()
    pixels = network.shape[1] * network.shape[2]
    return [(network.a.detach().T @ sample.flatten()).norm().item() / math.sqrt(pixels) for sample in y]


def test_path_length_of_a_linear_synthesis_is_exact():
    network, part = Linear(), PathLength(shrink=1).build(SPEC)
    mean = 0.0
    for step in range(4):
        lengths = lengths_of(network, 6, seed=step)
        mean += 0.01 * (sum(lengths) / 6 - mean)
        (term,) = part.generator_terms(style_view(network, draw(6, 2), seed=step)).values()
        part.after_step("discriminator", network)
        part.after_step("generator", network)
        assert term.item() == pytest.approx(sum((length - mean) ** 2 for length in lengths) / 6, rel=1e-9)
        assert part.state_dict()["mean"].item() == pytest.approx(mean, rel=1e-9)
    part.after_step("generator", network)
    assert part.state_dict()["mean"].item() == pytest.approx(mean, rel=1e-9), "updates without the term move nothing"


def test_the_mean_square_of_the_lengths_is_the_squared_norm_of_the_jacobian():
    network = Linear()
    part = PathLength(shrink=1, decay=1).build(SPEC)
    (term,) = part.generator_terms(style_view(network, draw(4000, 2))).values()
    part.after_step("generator", network)
    mean_square = term + part.state_dict()["mean"].square()
    assert mean_square.item() == pytest.approx(network.a.square().sum().item() / 12, rel=0.03)


def test_styles_per_layer_are_averaged_over_layers():
    """With w_l entering l times as strongly, ‖J_l‖ = l·‖J‖."""
    term, expected = (
        PathLength(shrink=1, decay=1).build(SPEC).generator_terms(style_view(Linear(layers=layers), draw(5, 2)))
        for layers in (3, 0)
    )
    factor = (1 + 4 + 9) / 3
    assert term["path_length"].item() == pytest.approx(factor * expected["path_length"].item(), rel=1e-9)


def test_path_length_gradient_takes_the_mean_as_a_constant():
    network, part = Linear(), PathLength(shrink=1, decay=0.5).build(SPEC)
    (term,) = part.generator_terms(style_view(network, draw(3, 2))).values()
    assert all(parameter.grad is None for parameter in network.parameters())
    (gradient,) = torch.autograd.grad(term, [network.a])
    y = torch.randn(3, *network.shape, generator=torch.Generator().manual_seed(0)).double().flatten(1)
    a, lengths = network.a.detach(), lengths_of(network, 3)
    mean = 0.5 * sum(lengths) / 3
    expected = sum(
        2 / 3 * (length - mean) / length * torch.outer(sample, a.T @ sample) / 12
        for sample, length in zip(y, lengths, strict=True)
    )
    assert torch.allclose(gradient, expected, rtol=1e-9)


def test_path_length_reaches_the_mapping():
    class Quadratic(Linear):
        def synthesis(self, w):
            return super().synthesis(w.square())

    network = Quadratic()
    (term,) = PathLength(shrink=1).build(SPEC).generator_terms(style_view(network, draw(3, 2))).values()
    gradients = torch.autograd.grad(term, list(network.parameters()))
    assert all(gradient.any() for gradient in gradients)


def test_path_length_uses_a_share_of_the_batch_with_its_labels():
    network = Linear()
    z, labels = draw(5, 2), torch.arange(5)
    PathLength().build(SPEC).generator_terms(style_view(network, z, labels=labels))
    PathLength(shrink=9).build(SPEC).generator_terms(style_view(network, z, labels=labels))
    assert [len(seen) for seen, _ in network.seen] == [2, 1]
    assert torch.equal(network.seen[0][0], z[:2])
    assert network.seen[0][1].tolist() == [0, 1]


def test_a_synthesis_without_effect_has_finite_gradients():
    network = Linear()
    with torch.no_grad():
        network.a.zero_()
    (term,) = PathLength().build(SPEC).generator_terms(style_view(network, draw(2, 2))).values()
    (gradient,) = torch.autograd.grad(term, [network.a])
    assert gradient.isfinite().all()


def test_micro_batches_move_the_mean_once_and_a_round_trip_keeps_it():
    network, part = Linear(), PathLength(shrink=1, decay=0.1).build(SPEC)
    for seed in (0, 1):
        part.generator_terms(style_view(network, draw(3, 2), seed=seed))
    part.after_step("generator", network)
    lengths = lengths_of(network, 3) + lengths_of(network, 3, seed=1)
    assert part.state_dict()["mean"].item() == pytest.approx(0.1 * sum(lengths) / 6, rel=1e-9)

    restored = PathLength(shrink=1, decay=0.1).build(SPEC)
    restored.load_state_dict(part.state_dict())
    terms = [p.generator_terms(style_view(network, draw(4, 2), seed=7))["path_length"] for p in (part, restored)]
    assert torch.equal(*terms)


def test_path_length_is_the_generators_and_lazy_as_published():
    options = PathLength()
    assert (options.weight, options.every, options.decay, options.shrink) == (2, 4, 0.01, 2)
    assert options.optimizer_correction() == {"generator": pytest.approx(4 / 5)}
    assert PathLength(every=1).optimizer_correction() == {}
    assert PathLength(lazy_adam=False).optimizer_correction() == {}
    assert options.tags() == {"batch_nonlinear", "needs_generator", "needs_images", "needs_style"}
    assert options.build(SPEC).discriminator_terms(view_of(quadratic, draw(2, 1), draw(2, 1))) == {}


def test_a_generator_without_style_is_told():
    with pytest.raises(ConfigError, match="--gen stylegan"):
        PathLength().build(SPEC).generator_terms(style_view(nn.Linear(2, 3), draw(2, 2)))
