"""The energy losses: EBGAN's margin, and BEGAN's balance as a sequence computed by hand."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from ganzoo_losses.began import Began
from ganzoo_losses.ebgan import Ebgan
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ganzoo.protocols import DataSpec, Loss, StatefulLoss

SPEC = DataSpec(shape=(1, 8, 8))
energies = st.lists(st.floats(0, 1e4), min_size=1, max_size=9).map(
    lambda values: torch.tensor(values, dtype=torch.float64)
)


def built(**options):
    return Began(**options).build(SPEC)


def at(k):
    loss = built()
    loss.load_state_dict({"k": torch.tensor(k)})
    return loss


def values_of(loss, real, fake):
    return loss.discriminator_loss(real=real, fake=fake).item(), loss.generator_loss(fake=fake).item()


def logits(*energies, dtype=torch.float64):
    return -torch.tensor(energies, dtype=dtype)


@given(real=energies, fake=energies, margin=st.floats(0.01, 100))
def test_ebgan_is_the_hinge_embedding_of_its_energies(real, fake, margin):
    """torch's criterion is x where the target is 1, and relu(margin − x) where it is −1."""
    low = F.hinge_embedding_loss(real, torch.ones_like(real)).item()
    high = F.hinge_embedding_loss(fake, -torch.ones_like(fake), margin=margin).item()
    d, g = values_of(Ebgan(margin=margin), -real, -fake)
    assert d == pytest.approx(low + high, rel=1e-12, abs=1e-12)
    assert g == pytest.approx(fake.mean().item(), rel=1e-12)


def test_ebgan_by_hand_and_at_zero():
    assert values_of(Ebgan(margin=2), logits(0.5, 1.5), logits(1.0, 5.0)) == pytest.approx((1.5, 3.0), rel=1e-15)
    real, fake = torch.zeros(3, 1, 2, 2, dtype=torch.float64), torch.zeros(5, dtype=torch.float64)
    assert values_of(Ebgan(margin=7), real, fake) == (7.0, 0.0)


def test_ebgan_stops_lifting_fakes_at_the_margin():
    real, fake = logits(0.2, 4.0).requires_grad_(), logits(0.5, 1.9, 2.1, 9.0).requires_grad_()
    loss = Ebgan(margin=2)
    loss.discriminator_loss(real=real, fake=fake).backward()
    assert real.grad.tolist() == [-0.5, -0.5]
    assert fake.grad.tolist() == [0.25, 0.25, 0, 0]
    assert loss.diagnostics(real=real, fake=fake)["violations/fake"].item() == 0.5


def test_ebgan_equilibrium_is_the_margin_at_any_energy_below_it():
    loss = Ebgan(margin=3)
    for energy in (0.0, 1.0, 3.0):
        assert loss.discriminator_loss(real=logits(energy), fake=logits(energy)).item() == loss.equilibrium()["d"]
    assert loss.discriminator_loss(real=logits(3.5), fake=logits(3.5)).item() > loss.equilibrium()["d"]


@given(real=energies, fake=energies, k=st.floats(0, 1, width=32))
def test_began_weighs_the_errors_by_k(real, fake, k):
    d, g = values_of(at(k), -real, -fake)
    l_real, l_fake = F.l1_loss(real, torch.zeros_like(real)).item(), F.l1_loss(fake, torch.zeros_like(fake)).item()
    assert d == pytest.approx(l_real - k * l_fake, rel=1e-12, abs=1e-9)
    assert g == pytest.approx(l_fake, rel=1e-12)


def test_began_starts_without_a_thought_of_fakes():
    real, fake = logits(1.0, 3.0).requires_grad_(), logits(4.0).requires_grad_()
    loss = built()
    d = loss.discriminator_loss(real=real, fake=fake)
    d.backward()
    assert d.item() == 2.0
    assert real.grad.tolist() == [-0.5, -0.5]
    assert fake.grad.tolist() == [0.0]


def test_k_follows_a_sequence_computed_by_hand():
    """γ = ½, λ = 0.1: k + 0.1(L(x)/2 − L(G)), within [0, 1]."""
    loss = built(gamma=0.5, lambda_k=0.1)
    sequence = [
        ((2.0, 4.0), (0.5, 0.5), 0.1),  # 0 + 0.1(1.5 − 0.5)
        ((4.0,), (1.0, 2.0), 0.15),  # + 0.1(2 − 1.5)
        ((1.0,), (1.0,), 0.1),  # + 0.1(0.5 − 1)
        ((0.0,), (5.0,), 0.0),  # − 0.5, clipped below
        ((2.0,), (0.0,), 0.1),  # from 0, not from −0.4
        ((30.0,), (1.0,), 1.0),  # + 1.4, clipped above
        ((0.0,), (2.0,), 0.8),  # from 1, not from 1.5
    ]
    for real, fake, expected in sequence:
        loss.after_update(real=logits(*real), fake=logits(*fake))
        assert loss.k.item() == pytest.approx(expected, abs=1e-6)
        assert loss.discriminator_loss(real=logits(1.0), fake=logits(1.0)).item() == pytest.approx(
            1 - expected, abs=1e-6
        )


def test_k_moves_by_the_published_step_by_default():
    loss = built()
    loss.after_update(real=logits(1.0).view(1, 1, 1, 1), fake=logits(0.25, 0.25))
    assert loss.k.item() == pytest.approx(1e-3 * (0.75 - 0.25), rel=1e-6)


def test_k_rises_while_fakes_are_too_easy_to_reconstruct():
    """k rewards D for errors on fakes; it must rise when L(G) is below γ·L(x), and fall above."""
    for fake, rises in ((0.1, True), (0.9, False)):
        loss = at(0.5)
        loss.after_update(real=logits(1.0), fake=logits(fake))
        assert (loss.k.item() > 0.5) == rises


def test_state_survives_a_round_trip_and_is_not_shared():
    options = Began(lambda_k=0.1)
    loss, restored, other = (options.build(SPEC) for _ in range(3))
    loss.after_update(real=logits(1.0), fake=logits(0.25))
    state = loss.state_dict()
    restored.load_state_dict(state)
    for one in (loss, restored):
        one.after_update(real=logits(2.0), fake=logits(0.5))
    assert torch.equal(restored.k, loss.k)
    assert state["k"].item() == pytest.approx(0.05, rel=1e-6)
    assert state.keys() == {"k"}
    assert state["k"].shape == ()
    assert state["k"].dtype == torch.float32
    assert other.k.item() == 0
    assert options.build(SPEC).k.item() == 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_k_stays_single_precision_and_the_loss_keeps_that_of_the_logits(dtype):
    loss = built()
    real, fake = logits(1.0, 2.0, dtype=dtype), logits(0.5, dtype=dtype)
    loss.after_update(real=real, fake=fake)
    assert loss.k.dtype == torch.float32
    assert loss.discriminator_loss(real=real, fake=fake).dtype == dtype
    assert loss.generator_loss(fake=fake).dtype == dtype


def test_k_follows_the_logits_to_their_device_and_is_never_read():
    """On the meta device there is nothing to read: a transfer to the host would raise."""
    loss = built()
    real, fake = torch.empty(3, 1, 2, 2, device="meta"), torch.empty(4, device="meta")
    assert loss.discriminator_loss(real=real, fake=fake).device.type == "meta"
    loss.after_update(real=real, fake=fake)
    loss.diagnostics(real=real, fake=fake)
    assert loss.k.device.type == "meta"


def test_k_carries_no_graph_and_leaves_earlier_graphs_alone():
    loss = at(0.5)
    real, fake = logits(1.0).requires_grad_(), logits(0.25).requires_grad_()
    d = loss.discriminator_loss(real=real, fake=fake)
    loss.after_update(real=real, fake=fake)
    d.backward()
    assert fake.grad.item() == 0.5
    assert not loss.k.requires_grad


def test_diagnostics_are_k_and_the_measure_of_convergence():
    loss = at(0.5)
    for fake, convergence in ((0.5, 1.25), (1.0, 1.25), (0.75, 1.0)):
        seen = loss.diagnostics(real=logits(1.0), fake=logits(fake))
        assert {name: value.item() for name, value in seen.items()} == pytest.approx(
            {"began/k": 0.5, "began/convergence": convergence}
        )


def test_only_what_is_built_is_a_loss():
    """Options are frozen and shared; as a loss they would keep k at 0 without a word."""
    assert isinstance(built(), Loss)
    assert isinstance(built(), StatefulLoss)
    assert not isinstance(Began(), Loss)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (lambda: Ebgan(margin=0), "margin"),
        (lambda: Ebgan(margin=math.inf), "margin"),
        (lambda: Began(gamma=0), "gamma"),
        (lambda: Began(gamma=1.1), "gamma"),
        (lambda: Began(lambda_k=0), "lambda_k"),
    ],
)
def test_senseless_options_are_refused_by_name(options, field):
    with pytest.raises(ValidationError, match=field):
        options()
