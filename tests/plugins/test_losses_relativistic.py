"""The relativistic losses against torch's criteria on differences, and the pairs they must not make."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from ganzoo_losses.relativistic import Relativistic
from ganzoo_losses.relativistic_average import RelativisticAverage
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ganzoo.errors import ConfigError

BASES = ("bce", "hinge", "lsgan")
ZERO = {"bce": 2 * math.log(2), "hinge": 2.0, "lsgan": 1.0}
finite = st.floats(-1e4, 1e4)
logits = st.lists(finite, min_size=1, max_size=9).map(lambda values: torch.tensor(values, dtype=torch.float64))
pairs = st.lists(st.tuples(finite, finite), min_size=1, max_size=9).map(
    lambda rows: torch.tensor(rows, dtype=torch.float64).unbind(1)
)


def values_of(loss, real, fake):
    d, g = loss.discriminator_loss(real=real, fake=fake), loss.generator_loss(real=real, fake=fake)
    return d.item(), g.item()


def sigmoid_entropy(difference, *, wanted):
    return F.binary_cross_entropy_with_logits(difference, torch.full_like(difference, wanted))


def outside_margin(difference, *, wanted):
    """torch's embedding criterion is relu(1 − x) where the target is −1."""
    return F.hinge_embedding_loss(difference if wanted else -difference, -torch.ones_like(difference), margin=1.0)


def half_square(difference, *, wanted):
    return F.mse_loss(difference, torch.full_like(difference, 1.0 if wanted else -1.0)) / 2


CRITERIA = {"bce": sigmoid_entropy, "hinge": outside_margin, "lsgan": half_square}


def test_pairs_by_hand():
    real = torch.tensor([2.0, -1.0], dtype=torch.float64)
    fake = torch.tensor([0.5, -3.0], dtype=torch.float64)
    d = (math.log1p(math.exp(-1.5)) + math.log1p(math.exp(-2.0))) / 2
    g = (math.log1p(math.exp(1.5)) + math.log1p(math.exp(2.0))) / 2
    assert values_of(Relativistic(), real, fake) == pytest.approx((d, g), rel=1e-14)


@given(both=pairs)
def test_pairs_are_the_soft_margin_of_the_difference(both):
    real, fake = both
    d, g = values_of(Relativistic(), real, fake)
    expected_d = sigmoid_entropy(real - fake, wanted=1.0).item()
    assert d == pytest.approx(expected_d, rel=1e-12, abs=1e-300)
    assert g == pytest.approx(sigmoid_entropy(fake - real, wanted=1.0).item(), rel=1e-12, abs=1e-300)
    if (real - fake).abs().max() < 700:  # beyond that torch's own soft margin overflows
        assert d == pytest.approx(F.soft_margin_loss(real - fake, torch.ones_like(real)).item(), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("base", BASES)
@given(real=logits, fake=logits)
def test_averages_are_the_criterion_of_base_on_both_sides(base, real, fake):
    criterion = CRITERIA[base]
    u, v = real - sum(fake.tolist()) / len(fake), fake - sum(real.tolist()) / len(real)
    d, g = values_of(RelativisticAverage(base=base), real, fake)
    assert d == pytest.approx((criterion(u, wanted=1.0) + criterion(v, wanted=0.0)).item(), rel=1e-10, abs=1e-10)
    assert g == pytest.approx((criterion(v, wanted=1.0) + criterion(u, wanted=0.0)).item(), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("base", BASES)
def test_averages_at_zero_logits_and_unequal_batches(base):
    real, fake = torch.zeros(3, 1, 2, 2, dtype=torch.float64), torch.zeros(5, dtype=torch.float64)
    loss = RelativisticAverage(base=base)
    assert values_of(loss, real, fake) == pytest.approx((ZERO[base], ZERO[base]), rel=1e-15)
    assert loss.equilibrium() == pytest.approx({"d": ZERO[base], "g": ZERO[base]}, rel=1e-15)


def test_pairs_at_zero_logits():
    zeros = torch.zeros(3, 1, 2, 2, dtype=torch.float64)
    assert values_of(Relativistic(), zeros, zeros) == pytest.approx((math.log(2), math.log(2)), rel=1e-15)
    assert Relativistic().equilibrium() == pytest.approx({"d": math.log(2), "g": math.log(2)}, rel=1e-15)


@pytest.mark.parametrize(
    ("of_real", "of_fake"),
    [((4, 1), (4,)), ((4,), (4, 1)), ((4, 1, 2, 2), (4,)), ((4, 1, 2, 2), (4, 1, 1, 1)), ((4,), (1,)), ((4,), (3,))],
)
def test_pairs_are_never_broadcast(of_real, of_fake):
    real, fake = torch.randn(of_real), torch.randn(of_fake)
    for objective in (
        Relativistic().discriminator_loss,
        Relativistic().generator_loss,
        Relativistic().diagnostics,
    ):
        with pytest.raises(ConfigError, match="differ in shape") as raised:
            objective(real=real, fake=fake)
        assert str(of_real) in raised.value.given
        assert str(of_fake) in raised.value.given
        assert "relativistic-average" in raised.value.hint


def test_pairs_stay_at_their_place():
    """All N×N pairs of these would have a mean of their own; so would pairs in another order."""
    real, fake = torch.tensor([0.0, 10.0]), torch.tensor([-10.0, 0.0])
    d, _ = values_of(Relativistic(), real, fake)
    assert d == pytest.approx(math.log1p(math.exp(-10)), rel=1e-6)
    assert values_of(Relativistic(), real, fake.flip(0))[0] == pytest.approx(
        (math.log(2) + math.exp(-20)) / 2, rel=1e-6
    )
    patches = torch.arange(8.0).view(2, 1, 2, 2)
    assert values_of(Relativistic(), patches + 3, patches) == pytest.approx(
        (math.log1p(math.exp(-3)), math.log1p(math.exp(3)))
    )


@pytest.mark.parametrize("loss", [Relativistic(), *(RelativisticAverage(base=base) for base in BASES)])
def test_gradient_goes_through_every_logit_and_mean(loss):
    """Numerical differences see the means move; a detached mean does not pass."""
    torch.manual_seed(0)
    size = (4, 1, 2, 1)
    real, fake = (torch.randn(size, dtype=torch.float64, requires_grad=True) for _ in range(2))
    for objective in (loss.discriminator_loss, loss.generator_loss):
        assert torch.autograd.gradcheck(lambda r, f, of=objective: of(real=r, fake=f), (real, fake))


def test_gradient_through_the_mean_by_hand():
    """lsgan: ∂/∂f of ½E(v−1)² + ½E(u+1)² is (v−1)/N − E(u+1)/N; with a detached mean the second part is missing."""
    real = torch.tensor([1.0, 2.0], dtype=torch.float64)
    fake = torch.tensor([0.5, -1.5], dtype=torch.float64, requires_grad=True)
    RelativisticAverage(base="lsgan").generator_loss(real=real, fake=fake).backward()
    v, mean_u = [0.5 - 1.5, -1.5 - 1.5], 1.5 - (-0.5)
    assert fake.grad.tolist() == pytest.approx([(x - 1) / 2 - (mean_u + 1) / 2 for x in v], rel=1e-14)


def test_average_of_parts_is_not_the_average_of_the_whole():
    """Why the loss says that it is not linear in the batch."""
    real, fake = torch.tensor([3.0, -3.0]), torch.tensor([2.0, -5.0])
    loss = RelativisticAverage()
    parts = [values_of(loss, real[i : i + 1], fake[i : i + 1])[0] for i in range(2)]
    assert values_of(loss, real, fake)[0] != pytest.approx(sum(parts) / 2, rel=1e-2)
    assert "batch_nonlinear" in loss.tags()


@given(both=pairs, shift=st.floats(-50, 50))
def test_only_differences_count(both, shift):
    real, fake = (side.clamp(-50, 50) for side in both)
    for loss in (Relativistic(), *(RelativisticAverage(base=base) for base in BASES)):
        moved = values_of(loss, real + shift, fake + shift)
        assert moved == pytest.approx(values_of(loss, real, fake), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_far_out(dtype):
    right, wrong = torch.tensor([1e4], dtype=dtype), torch.tensor([-1e4], dtype=dtype)
    assert values_of(Relativistic(), right, wrong) == (0.0, 2e4)
    assert values_of(RelativisticAverage(), right, wrong) == (0.0, 4e4)
    assert values_of(RelativisticAverage(base="hinge"), wrong, right) == (40002.0, 0.0)


def test_accuracy_is_taken_of_differences():
    real, fake = torch.tensor([5.0, 6.0, 7.0, 8.0]), torch.tensor([4.0, 7.0, 6.0, 9.0])
    seen = Relativistic().diagnostics(real=real, fake=fake)
    assert {name: value.item() for name, value in seen.items()} == {"accuracy/real": 0.5, "accuracy/fake": 0.5}
    averaged = RelativisticAverage().diagnostics(real=real, fake=torch.tensor([3.0, 3.0, 7.0, 11.0]))
    assert {name: value.item() for name, value in averaged.items()} == {"accuracy/real": 0.5, "accuracy/fake": 0.5}


def test_unknown_base_is_refused():
    with pytest.raises(ValidationError, match="base"):
        RelativisticAverage(base="wgan")


@pytest.mark.parametrize("loss", [Relativistic, RelativisticAverage])
def test_samples_are_compared_by_the_mean_of_their_patches(loss):
    """By hand: means (−1, 2.5) and (1, −3). Maps may be of unlike sizes then."""
    real = torch.tensor([[[-3.0, 1.0]], [[2.0, 3.0]]], dtype=torch.float64)
    fake = torch.tensor([[[-1.0, 3.0, 1.0]], [[-4.0, -2.0, -3.0]]], dtype=torch.float64)
    of_means = values_of(loss(), real.mean((1, 2)), fake.mean((1, 2)))
    assert values_of(loss(reduce="sample"), real, fake) == pytest.approx(of_means, rel=1e-14)
    if loss is Relativistic:
        d = (math.log1p(math.exp(2)) + math.log1p(math.exp(-5.5))) / 2
        assert of_means[0] == pytest.approx(d, rel=1e-14)
        with pytest.raises(ConfigError, match="differ in shape"):
            loss().discriminator_loss(real=real, fake=fake)
