"""top-k against its base on the fakes that are chosen by hand, and its schedule."""

from __future__ import annotations

import pytest
import torch
from ganzoo_losses.bce import Bce
from ganzoo_losses.hinge import Hinge
from ganzoo_losses.lsgan import Lsgan
from ganzoo_losses.top_k import TopK
from ganzoo_losses.wgan import Wgan

from ganzoo.protocols import DataSpec, StatefulLoss

SPEC = DataSpec(shape=(1, 8, 8))
REAL, FAKE = torch.tensor([0.5, -1.0]).double(), torch.tensor([0.3, -2.0, 1.5, 0.1, -0.4]).double()
BASES = {"bce": Bce(), "hinge": Hinge(), "lsgan": Lsgan(), "wgan": Wgan()}


def after(updates, **options):
    loss = TopK(**options).build(SPEC)
    for _ in range(updates):
        loss.after_update(real=REAL, fake=FAKE)
    return loss


@pytest.mark.parametrize("base", BASES)
def test_the_generator_learns_from_the_best_and_the_discriminator_from_all(base):
    loss, plain = after(3, base=base, least=0.5, decay=0.1, every=2), BASES[base]
    fake = FAKE.clone().requires_grad_()
    value = loss.generator_loss(fake=fake)
    chosen = torch.tensor([0.3, 1.5]).double()  # ⌊½ · 5⌋
    torch.testing.assert_close(value, plain.generator_loss(fake=chosen))
    value.backward()
    assert fake.grad.ne(0).tolist() == [True, False, True, False, False]
    torch.testing.assert_close(
        loss.discriminator_loss(real=REAL, fake=FAKE), plain.discriminator_loss(real=REAL, fake=FAKE)
    )
    torch.testing.assert_close(after(0, base=base).generator_loss(fake=FAKE), plain.generator_loss(fake=FAKE))


def test_patches_of_a_sample_are_kept_together():
    """The highest single patch is in a sample whose mean is low."""
    fake = torch.tensor([[9.0, -10.0], [1.0, 1.0], [2.0, -1.0], [0.0, 0.2]]).reshape(4, 1, 1, 2)
    assert after(1, base="wgan", decay=0.5, every=1).generator_loss(fake=fake).item() == pytest.approx(-3 / 4)


def test_the_share_shrinks_by_steps_down_to_the_least():
    shares = [after(updates, decay=0.8, every=2, least=0.6).share for updates in range(8)]
    assert shares == pytest.approx([1, 1, 0.8, 0.8, 0.64, 0.64, 0.6, 0.6])
    loss = after(7, decay=0.8, every=2, least=0.6)
    assert isinstance(loss, StatefulLoss)
    other = after(0, decay=0.8, every=2, least=0.6)
    other.load_state_dict(loss.state_dict())
    assert other.share == loss.share
    assert loss.diagnostics(real=REAL, fake=FAKE)["top_k/share"].item() == pytest.approx(0.6)


@pytest.mark.parametrize(("least", "n", "kept"), [(0.29, 100, 29), (0.58, 50, 29), (0.57, 100, 57), (0.7, 128, 89)])
def test_a_share_that_is_a_whole_number_of_fakes_loses_none_to_rounding(least, n, kept):
    """In binary 0.29 · 100 is a little less than 29."""
    fake = torch.randn(n, generator=torch.Generator().manual_seed(0)).requires_grad_()
    after(1, base="wgan", least=least, decay=0.01, every=1).generator_loss(fake=fake).backward()
    assert int(fake.grad.ne(0).sum()) == kept


def test_one_fake_is_always_kept():
    assert after(1, base="wgan", decay=0.1, least=0.01, every=1).generator_loss(fake=FAKE[:3]).item() == -1.5
