"""The losses against values computed by hand, torch's own criteria, and what must hold for any logits."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from ganzoo_losses.bce import Bce
from ganzoo_losses.f_gan import FGan
from ganzoo_losses.hinge import Hinge
from ganzoo_losses.lsgan import Lsgan
from ganzoo_losses.margin_hinge import MarginHinge
from ganzoo_losses.minimax import Minimax
from ganzoo_losses.wgan import Wgan
from ganzoo_losses.wgan_gp import WganGp
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

REAL = torch.tensor([2.0, -1.0], dtype=torch.float64)
FAKE = torch.tensor([0.5, -3.0], dtype=torch.float64)

BY_HAND = {
    "bce": (Bce(), 1.231427017157522, 1.761332167876924),
    "bce, smoothing 0.1": (Bce(label_smoothing=0.1), 1.281427017157522, 1.761332167876924),
    "minimax": (Minimax(), 1.231427017157522, -0.511332167876924),
    "wgan": (Wgan(), -1.75, 1.25),
    "wgan-gp": (WganGp(), -1.75, 1.25),
    "lsgan": (Lsgan(), 3.5625, 4.0625),
    "lsgan, Pearson, scale 1": (Lsgan(a=-1, b=1, c=0, scale=1), 5.625, 4.625),
    "hinge": (Hinge(), 1.75, 1.25),
    "margin-hinge": (MarginHinge(margin_real=0.5, margin_fake=3.5), 3.0, 1.25),
}

AT_ZERO = {
    "bce": (Bce(), 2 * math.log(2), math.log(2)),
    "bce, smoothing 0.3": (Bce(label_smoothing=0.3), 2 * math.log(2), math.log(2)),
    "minimax": (Minimax(), 2 * math.log(2), -math.log(2)),
    "wgan": (Wgan(), 0.0, 0.0),
    "wgan-gp": (WganGp(), 0.0, 0.0),
    "lsgan": (Lsgan(), 0.5, 0.5),
    "hinge": (Hinge(), 2.0, 0.0),
    "margin-hinge": (MarginHinge(margin_real=0.5, margin_fake=3.0), 3.5, 0.0),
}

finite = st.floats(-1e4, 1e4)
logits = st.lists(finite, min_size=1, max_size=9).map(lambda values: torch.tensor(values, dtype=torch.float64))


def values_of(loss, real, fake):
    return loss.discriminator_loss(real=real, fake=fake).item(), loss.generator_loss(fake=fake).item()


@pytest.mark.parametrize(("loss", "d", "g"), BY_HAND.values(), ids=BY_HAND.keys())
def test_value_by_hand(loss, d, g):
    assert values_of(loss, REAL, FAKE) == pytest.approx((d, g), rel=1e-14)


@pytest.mark.parametrize(("loss", "d", "g"), AT_ZERO.values(), ids=AT_ZERO.keys())
def test_value_at_zero_logits(loss, d, g):
    real, fake = torch.zeros(3, 1, 2, 2, dtype=torch.float64), torch.zeros(5, dtype=torch.float64)
    assert values_of(loss, real, fake) == pytest.approx((d, g), rel=1e-15)


@given(real=logits, fake=logits, smoothing=st.floats(0, 0.9))
def test_bce_is_binary_cross_entropy(real, fake, smoothing):
    criterion = torch.nn.BCEWithLogitsLoss()
    on_real = criterion(real, torch.full_like(real, 1 - smoothing))
    on_fake = criterion(fake, torch.zeros_like(fake))
    d, g = values_of(Bce(label_smoothing=smoothing), real, fake)
    assert d == pytest.approx((on_real + on_fake).item(), rel=1e-12, abs=1e-300)
    assert g == pytest.approx(criterion(fake, torch.ones_like(fake)).item(), rel=1e-12, abs=1e-300)


@given(real=logits, fake=logits)
def test_minimax_generator_gains_what_its_half_of_the_cross_entropy_costs(real, fake):
    criterion = torch.nn.BCEWithLogitsLoss()
    on_fake = criterion(fake, torch.zeros_like(fake)).item()
    d, g = values_of(Minimax(), real, fake)
    assert d == pytest.approx(values_of(Bce(), real, fake)[0], rel=1e-15)
    assert g == pytest.approx(-on_fake, rel=1e-12, abs=1e-300)


@given(real=logits, fake=logits)
def test_wgan_and_wgan_gp_are_one_objective(real, fake):
    assert values_of(Wgan(), real, fake) == values_of(WganGp(), real, fake)


@pytest.mark.parametrize(("loss", "dies"), [(Minimax(), True), (Bce(), False)])
def test_only_the_saturating_generator_stops_learning_from_hopeless_fakes(loss, dies):
    fake = torch.tensor([-200.0, -50.0, -10.0], dtype=torch.float64, requires_grad=True)
    loss.generator_loss(fake=fake).backward()
    pull = -3 * fake.grad
    assert (pull > 0).all()
    assert (pull < 1e-4).all() == dies
    assert (pull > 0.9999).all() == (not dies)


@given(real=logits, fake=logits, a=st.floats(-3, 0), b=st.floats(0.1, 3), c=st.floats(-3, 3), scale=st.floats(0.1, 3))
def test_lsgan_is_mean_squared_error(real, fake, a, b, c, scale):
    def to(logits, target):
        return F.mse_loss(logits, torch.full_like(logits, target))

    d, g = values_of(Lsgan(a=a, b=b, c=c, scale=scale), real, fake)
    assert d == pytest.approx(scale * (to(real, b) + to(fake, a)).item(), rel=1e-12)
    assert g == pytest.approx(scale * to(fake, c).item(), rel=1e-12)


@given(real=logits, fake=logits, margin_real=st.floats(0, 5), margin_fake=st.floats(0, 5))
def test_margin_hinge_is_hinge_embedding_of_each_side(real, fake, margin_real, margin_fake):
    """torch's own embedding criterion is relu(margin − x) where the target is −1."""

    def inside(logits, margin):
        return F.hinge_embedding_loss(logits, -torch.ones_like(logits), margin=margin)

    loss = MarginHinge(margin_real=margin_real, margin_fake=margin_fake)
    expected = inside(real, margin_real) + inside(-fake, margin_fake)
    assert loss.discriminator_loss(real=real, fake=fake).item() == pytest.approx(expected.item(), rel=1e-12)


@given(real=logits, fake=logits)
def test_hinge_is_margin_hinge_at_one(real, fake):
    assert values_of(Hinge(), real, fake) == values_of(MarginHinge(margin_real=1, margin_fake=1), real, fake)
    ours, theirs = (loss.diagnostics(real=real, fake=fake) for loss in (Hinge(), MarginHinge()))
    assert ours == theirs


@given(real=logits, fake=logits)
def test_the_scale_is_of_the_discriminator_alone(real, fake):
    """VQGAN's half, and the generator of Vocos."""
    d, g = values_of(Hinge(), real, fake)
    assert values_of(Hinge(scale=0.5), real, fake) == pytest.approx((d / 2, g), rel=1e-14)
    of_generator = sum(max(0.0, 1 - value) for value in fake.tolist()) / len(fake)
    assert values_of(Hinge(generator="relu"), real, fake) == pytest.approx((d, of_generator), rel=1e-12)
    d, g = values_of(Bce(), real, fake)
    assert values_of(Bce(scale=0.5), real, fake) == pytest.approx((d / 2, g), rel=1e-14)


def test_bce_of_samples_takes_the_mean_of_their_logits_first():
    """A sample whose patches are 3 and −3 is undecided to it, and half wrong to the loss of patches."""
    undecided = torch.tensor([3.0, -3.0], dtype=torch.float64).reshape(1, 1, 1, 2)
    assert Bce(reduce="sample").generator_loss(fake=undecided).item() == pytest.approx(math.log(2), rel=1e-14)
    assert Bce().generator_loss(fake=undecided).item() == pytest.approx(
        (math.log1p(math.exp(-3)) + math.log1p(math.exp(3))) / 2, rel=1e-14
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_bce_stays_exact_far_out(dtype):
    right, wrong = torch.tensor([1e4], dtype=dtype), torch.tensor([-1e4], dtype=dtype)
    assert values_of(Bce(), right, wrong) == (0.0, 1e4)
    assert values_of(Bce(), wrong, right) == (2e4, 0.0)


def test_bce_keeps_the_tail_a_thresholded_softplus_drops():
    assert Bce().generator_loss(fake=torch.tensor([30.0], dtype=torch.float64)).item() == pytest.approx(
        math.exp(-30), rel=1e-12
    )
    assert Bce().generator_loss(fake=torch.tensor([-25.0], dtype=torch.float64)).item() - 25 == pytest.approx(
        math.exp(-25), abs=4e-15
    )


@pytest.mark.parametrize(
    ("loss", "best"),
    [
        (Bce(label_smoothing=0.4), math.log(0.3 / 0.7)),
        (Minimax(), 0.0),
        (Lsgan(a=-1, b=3, c=0, scale=2), 1.0),
        (MarginHinge(margin_real=0.5, margin_fake=2), -1.0),
        (Bce(label_smoothing=0.4, scale=0.5), math.log(0.3 / 0.7)),
        (Hinge(scale=0.5), 0.0),
    ],
)
def test_equilibrium_is_where_real_and_fake_cannot_be_told_apart(loss, best):
    """At p_g = p_data both logits are one constant; the best of them is known."""

    def d(answer):
        return loss.discriminator_loss(real=answer, fake=answer)

    answer = torch.tensor([best], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(d(answer), answer)
    stated = loss.equilibrium()
    assert slope.item() == pytest.approx(0, abs=1e-15)
    assert stated["d"] == pytest.approx(d(answer).item(), rel=1e-14)
    assert "g" not in stated or stated["g"] == pytest.approx(loss.generator_loss(fake=answer).item(), rel=1e-14)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_smoothing_moves_the_real_target_only(smoothing):
    real = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    fake = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    Bce(label_smoothing=smoothing).discriminator_loss(real=real, fake=fake).backward()
    assert real.grad.item() == pytest.approx(0.5 - (1 - smoothing))
    assert fake.grad.item() == pytest.approx(0.5)


def test_gradient_of_hinge_stops_at_the_margin():
    real = torch.tensor([-3.0, 0.9, 1.1, 4.0], requires_grad=True)
    fake = torch.tensor([3.0, -0.9, -1.1, -4.0], requires_grad=True)
    Hinge().discriminator_loss(real=real, fake=fake).backward()
    assert real.grad.tolist() == [-0.25, -0.25, 0, 0]
    assert fake.grad.tolist() == [0.25, 0.25, 0, 0]


def test_each_margin_holds_on_its_own_side():
    real, fake = torch.tensor([2.0, 0.5, 0.4]), torch.tensor([0.0, -2.0, -2.1, -1.9])
    seen = MarginHinge(margin_real=0.5, margin_fake=2).diagnostics(real=real, fake=fake)
    assert {name: value.item() for name, value in seen.items()} == pytest.approx(
        {"violations/real": 1 / 3, "violations/fake": 0.5}
    )


def test_lsgan_counts_accuracy_at_the_midpoint():
    real, fake = torch.tensor([0.4, 0.6, 2.0, 0.1]), torch.tensor([0.4, 0.6, -1.0, 0.45])
    seen = Lsgan().diagnostics(real=real, fake=fake)
    assert {name: value.item() for name, value in seen.items()} == {"accuracy/real": 0.5, "accuracy/fake": 0.75}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (lambda: Bce(label_smoothing=1.0), "label_smoothing"),
        (lambda: Bce(label_smoothing=-0.1), "label_smoothing"),
        (lambda: MarginHinge(margin_real=-0.1), "margin_real"),
        (lambda: MarginHinge(margin_fake=math.inf), "margin_fake"),
        (lambda: Lsgan(scale=0), "scale"),
        (lambda: Lsgan(a=1, b=1), "b, the target for real"),
        (lambda: Lsgan(a=math.nan), "a"),
    ],
)
def test_senseless_options_are_refused_by_name(options, field):
    with pytest.raises(ValidationError, match=field):
        options()


def sp(x):
    return math.log1p(math.exp(x))


@pytest.mark.parametrize(
    ("loss", "d", "g"),
    [
        # r̄ = (−1, 2.5), f̄ = (1, −3): the patches of the first real sample are −3 and 1.
        (Hinge(reduce="sample"), (2 + 0) / 2 + (2 + 0) / 2, 1.0),
        (Hinge(reduce="sample", generator="relu"), (2 + 0) / 2 + (2 + 0) / 2, (0 + 4) / 2),
        (Lsgan(reduce="sample"), ((4 + 2.25) / 2 + (1 + 9) / 2) / 2, (0 + 16) / 2 / 2),
        (MarginHinge(reduce="sample", margin_real=2.0, margin_fake=0.0), (3 + 0) / 2 + (1 + 0) / 2, 1.0),
        (Minimax(reduce="sample"), (sp(1) + sp(-2.5) + sp(1) + sp(-3)) / 2, -(sp(1) + sp(-3)) / 2),
        (FGan(reduce="sample", divergence="pearson"), (1.25 - 0.75) / 2 - 1.5 / 2, 1.0),
        (Hinge(), (4 + 0 + 0 + 0) / 4 + (0 + 4 + 0 + 0) / 4, 1.0),
    ],
)
def test_the_mean_logit_of_a_sample_by_hand(loss, d, g):
    real = torch.tensor([[[[-3.0, 1.0]]], [[[2.0, 3.0]]]], dtype=torch.float64)
    fake = torch.tensor([[[[-1.0, 3.0]]], [[[-4.0, -2.0]]]], dtype=torch.float64)
    assert loss.discriminator_loss(real=real, fake=fake).item() == pytest.approx(d, rel=1e-12)
    assert loss.generator_loss(fake=fake).item() == pytest.approx(g, rel=1e-12)
    flat = real.flatten(), fake.flatten()
    plain = type(loss)(**{**dict(loss), "reduce": "patch"})
    assert loss.discriminator_loss(real=flat[0], fake=flat[1]) == plain.discriminator_loss(real=flat[0], fake=flat[1])
