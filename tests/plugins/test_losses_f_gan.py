"""f-GAN's bounds against the divergences themselves, computed from exact densities by their definitions."""

from __future__ import annotations

import math

import pytest
import torch
from ganzoo_losses.bce import Bce
from ganzoo_losses.f_gan import FGan
from ganzoo_losses.minimax import Minimax
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

NAMES = ("kl", "reverse-kl", "pearson", "squared-hellinger", "jensen-shannon", "gan")
finite = st.floats(-50, 50)
logits = st.lists(finite, min_size=1, max_size=9).map(lambda values: torch.tensor(values, dtype=torch.float64))
atoms = st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), min_size=2, max_size=6)


def kullback_leibler(p, q):
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def jensen_shannon(p, q):
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    return (kullback_leibler(p, middle) + kullback_leibler(q, middle)) / 2


DIVERGENCE = {
    "kl": kullback_leibler,
    "reverse-kl": lambda p, q: kullback_leibler(q, p),
    "pearson": lambda p, q: sum((a - b) ** 2 / b for a, b in zip(p, q, strict=True)),
    "squared-hellinger": lambda p, q: sum((math.sqrt(a) - math.sqrt(b)) ** 2 for a, b in zip(p, q, strict=True)),
    "jensen-shannon": lambda p, q: 2 * jensen_shannon(p, q),
    "gan": lambda p, q: 2 * jensen_shannon(p, q) - 2 * math.log(2),
}
BEST_LOGIT = {
    "kl": lambda u: 1 + math.log(u),
    "reverse-kl": lambda u: math.log(u),
    "pearson": lambda u: 2 * (u - 1),
    "squared-hellinger": lambda u: math.log(u) / 2,
    "jensen-shannon": lambda u: math.log(u),
    "gan": lambda u: math.log(u),
}
CONJUGATE = {
    "kl": lambda t: math.exp(t - 1),
    "reverse-kl": lambda t: -1 - math.log(-t),
    "pearson": lambda t: t * t / 4 + t,
    "squared-hellinger": lambda t: t / (1 - t),
    "jensen-shannon": lambda t: -math.log(2 - math.exp(t)),
    "gan": lambda t: -math.log(1 - math.exp(t)),
}
AT_ZERO = {
    "kl": (math.exp(-1), 0, -math.exp(-1)),
    "reverse-kl": (0, 1, 1),
    "pearson": (0, 0, 0),
    "squared-hellinger": (0, 0, 0),
    "jensen-shannon": (0, 0, 0),
    "gan": (2 * math.log(2), math.log(2), -math.log(2)),
}


def every_divergence(function):
    return pytest.mark.parametrize("name", NAMES)(function)


def data_of(counts, of_atoms):
    """A batch whose empirical distribution is exact: the logit of each atom, as often as it is drawn."""
    return of_atoms.repeat_interleave(torch.tensor(counts))


def density(counts):
    return [count / sum(counts) for count in counts]


@every_divergence
def test_minimized_over_all_discriminators_it_is_the_divergence(name):
    """D is free at every atom; the optimizer knows nothing of the best logit."""
    of_real, of_fake = [8, 5, 2, 1], [2, 3, 4, 7]
    loss = FGan(divergence=name)
    answers = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([answers], max_iter=500, tolerance_change=0, line_search_fn="strong_wolfe")

    def objective():
        optimizer.zero_grad()
        d = loss.discriminator_loss(real=data_of(of_real, answers), fake=data_of(of_fake, answers))
        d.backward()
        return d

    optimizer.step(objective)
    expected = DIVERGENCE[name](density(of_real), density(of_fake))
    assert -objective().item() == pytest.approx(expected, rel=1e-9)
    best = [BEST_LOGIT[name](a / b) for a, b in zip(density(of_real), density(of_fake), strict=True)]
    assert answers.tolist() == pytest.approx(best, abs=1e-5)


@every_divergence
@given(drawn=atoms, moves=st.lists(st.floats(-2, 2), min_size=6, max_size=6))
def test_the_best_logits_reach_the_divergence_and_no_others_pass_it(name, drawn, moves):
    of_real, of_fake = (list(side) for side in zip(*drawn, strict=True))
    p, q = density(of_real), density(of_fake)
    best = torch.tensor([BEST_LOGIT[name](a / b) for a, b in zip(p, q, strict=True)], dtype=torch.float64)

    def d(answers):
        real, fake = data_of(of_real, answers), data_of(of_fake, answers)
        return FGan(divergence=name).discriminator_loss(real=real, fake=fake).item()

    assert -d(best) == pytest.approx(DIVERGENCE[name](p, q), rel=1e-10, abs=1e-12)
    moved = best + torch.tensor(moves[: len(best)], dtype=torch.float64)
    assert d(moved) >= d(best) - 1e-12


@every_divergence
@given(v=st.floats(-12, 12))
def test_h_is_the_conjugate_of_the_activation(name, v):
    """The two steps of the paper's table where they do not cancel, from the signs and values of the objectives."""
    at, zero = torch.tensor([v], dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    loss = FGan(divergence=name)
    activation = -loss.generator_loss(fake=at).item()
    h = -FGan(divergence=name, saturating=True).generator_loss(fake=at).item()
    assert h == pytest.approx(CONJUGATE[name](activation), rel=1e-8, abs=1e-8)
    g_zero = -loss.generator_loss(fake=zero).item()
    assert loss.discriminator_loss(real=zero, fake=at).item() == pytest.approx(h - g_zero, rel=1e-12, abs=1e-12)


@every_divergence
def test_value_at_zero_logits(name):
    real, fake = torch.zeros(3, 1, 2, 2, dtype=torch.float64), torch.zeros(5, dtype=torch.float64)
    loss, saturating = FGan(divergence=name), FGan(divergence=name, saturating=True)
    values = [loss.discriminator_loss(real=real, fake=fake), loss.generator_loss(fake=fake)]
    values.append(saturating.generator_loss(fake=fake))
    assert [value.item() for value in values] == pytest.approx(AT_ZERO[name], abs=1e-15)
    assert torch.equal(saturating.discriminator_loss(real=real, fake=fake), values[0])


@every_divergence
@pytest.mark.parametrize("saturating", [False, True])
def test_equilibrium_is_at_the_logit_of_equal_densities(name, saturating):
    loss = FGan(divergence=name, saturating=saturating)
    stated = loss.equilibrium()
    best = torch.tensor([BEST_LOGIT[name](1)], dtype=torch.float64, requires_grad=True)
    d = loss.discriminator_loss(real=best, fake=best)
    (slope,) = torch.autograd.grad(d, best)
    assert slope.item() == pytest.approx(0, abs=1e-15)
    assert stated["d"] == pytest.approx(-2 * math.log(0.5) if name == "gan" else 0, abs=1e-15)
    assert stated == pytest.approx({"d": d.item(), "g": loss.generator_loss(fake=best).item()}, abs=1e-15)


@given(real=logits, fake=logits)
def test_gan_is_binary_cross_entropy_and_jensen_shannon_is_it_less_constants(real, fake):
    for saturating, original in ((False, Bce()), (True, Minimax())):
        d = original.discriminator_loss(real=real, fake=fake).item()
        g = original.generator_loss(fake=fake).item()
        gan = FGan(divergence="gan", saturating=saturating)
        assert gan.discriminator_loss(real=real, fake=fake).item() == pytest.approx(d, rel=1e-14)
        assert gan.generator_loss(fake=fake).item() == pytest.approx(g, rel=1e-14)
        shannon = FGan(divergence="jensen-shannon", saturating=saturating)
        sign = 1 if saturating else -1
        assert shannon.discriminator_loss(real=real, fake=fake).item() == pytest.approx(d - 2 * math.log(2), abs=1e-12)
        assert shannon.generator_loss(fake=fake).item() == pytest.approx(g + sign * math.log(2), abs=1e-12)


def reached(name, dtype, at, *, saturating=False):
    """All values and gradients of both objectives with the logits at a point."""
    loss = FGan(divergence=name, saturating=saturating)
    real, fake = (torch.full((3,), point, dtype=dtype, requires_grad=True) for point in at)
    d, g = loss.discriminator_loss(real=real, fake=fake), loss.generator_loss(fake=fake)
    return torch.cat([d[None], g[None], *torch.autograd.grad(d + g, [real, fake])])


@every_divergence
@pytest.mark.parametrize("saturating", [False, True])
def test_tag_says_whether_anything_can_overflow(name, saturating):
    points = [(1e4, -1e4), (-1e4, 1e4), (1e4, 1e4), (-1e4, -1e4)]
    finite = all(reached(name, torch.float32, at, saturating=saturating).isfinite().all() for at in points)
    assert finite == ("exponential" not in FGan(divergence=name, saturating=saturating).tags())


@every_divergence
@pytest.mark.parametrize("at", [(85.0, -85.0), (-85.0, 85.0), (85.0, 85.0), (-85.0, -85.0)])
def test_float32_is_finite_and_agrees_with_float64_where_exponentials_fit(name, at):
    single, double = reached(name, torch.float32, at), reached(name, torch.float64, at)
    assert single.isfinite().all()
    assert torch.allclose(single.double(), double, rtol=1e-5, atol=1e-30)


def test_default_cannot_overflow():
    assert FGan().tags() == frozenset()


@every_divergence
@pytest.mark.parametrize("saturating", [False, True])
def test_tag_says_whether_the_generator_can_lose_its_gradient(name, saturating):
    fake = torch.linspace(-60, 0, 61, dtype=torch.float64, requires_grad=True)
    loss = FGan(divergence=name, saturating=saturating)
    (slopes,) = torch.autograd.grad(loss.generator_loss(fake=fake), fake)
    assert bool((-slopes * 61 < 1e-9).any()) == ("saturating" in loss.tags())


@every_divergence
def test_every_activation_increases(name):
    fake = torch.linspace(-30, 30, 61, dtype=torch.float64, requires_grad=True)
    (slopes,) = torch.autograd.grad(FGan(divergence=name).generator_loss(fake=fake), fake)
    assert (slopes < 0).all()


@pytest.mark.parametrize(("name", "real_share", "fake_share"), [("kl", 0.5, 0.75), ("pearson", 0.75, 0.5)])
def test_accuracy_is_counted_at_the_logit_of_equal_densities(name, real_share, fake_share):
    real, fake = torch.tensor([-1.0, 0.5, 1.5, 2.0]), torch.tensor([-2.0, -1.0, 0.5, 3.0])
    seen = FGan(divergence=name).diagnostics(real=real, fake=fake)
    assert {key: value.item() for key, value in seen.items()} == {
        "accuracy/real": real_share,
        "accuracy/fake": fake_share,
    }


def test_unknown_divergence_is_refused():
    with pytest.raises(ValidationError, match="divergence"):
        FGan(divergence="total-variation")
