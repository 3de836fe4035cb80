"""multi-hinge against sums by hand, and as the whole objective of both players."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from ganzoo_regularizers.multi_hinge import MultiHinge

import ganzoo
from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec, DiscriminatorOutput


def output(class_logits, logits, *more):
    made = [torch.tensor(one, dtype=torch.float64) for one in (class_logits, logits, *more)]
    return DiscriminatorOutput(made[1], class_logits=made[0], extra_logits=tuple(made[2:]))


def test_the_terms_by_hand():
    """Scores (2, 0, 1 | −0.5) and (−1, 3, 0 | 1) of real data, (0, 0.2, −4 | 0.5) and (1, 1, 1 | 1) of fakes."""
    real = output([[2, 0, 1], [-1, 3, 0]], [0.5, -1])
    fake = output([[0, 0.2, -4], [1, 1, 1]], [-0.5, -1])
    view = SimpleNamespace(
        real_output=real, fake_output=fake, real_labels=torch.tensor([0, 0]), fake_labels=torch.tensor([2, 1])
    )
    terms = MultiHinge().discriminator_terms(view)
    assert terms["multi_hinge_real"].item() == pytest.approx((0 + (1 + 1 + 3)) / 2)
    assert terms["multi_hinge_fake"].item() == pytest.approx(((1 - 0.5 + 0.2) + 1) / 2)
    of_generator = ((1 + 4 + 0.5) + 1) / 2
    assert MultiHinge().generator_terms(view)["multi_hinge_class"].item() == pytest.approx(of_generator)
    assert MultiHinge(generator=0.05).generator_terms(view)["multi_hinge_class"].item() == pytest.approx(
        0.05 * of_generator
    )


def test_of_patches_and_maps_the_mean_counts():
    fake = output([[0, 0, 0]], [[[[1.0, 3.0]]]], [[[[-6.0]]]])
    view = SimpleNamespace(
        real_output=fake, fake_output=fake, real_labels=torch.tensor([0]), fake_labels=torch.tensor([0])
    )
    assert MultiHinge().discriminator_terms(view)["multi_hinge_fake"].item() == pytest.approx(0, abs=1e-12)
    assert MultiHinge().generator_terms(view)["multi_hinge_class"].item() == pytest.approx(1 + 2)


def test_it_is_all_that_players_optimize():
    spec = DataSpec(shape=(1, 8, 8), classes=("a", "b"), marginal=(0.5, 0.5), conditional=True)
    torch.manual_seed(0)
    critic = ganzoo.build("discriminator", "acgan", spec=spec, ndf=4)
    labels = torch.arange(4) % 2
    step = ganzoo.adversarial_step("hinge", critic, spec=spec, regularizers={"multi-hinge": {"weight": 2.0}})
    real, fake = torch.rand(2, 4, 1, 8, 8)
    given = {"real": real, "fake": fake, "real_labels": labels, "fake_labels": labels, "update": 0}
    assert set(step.discriminator_terms(**given).scalars) == {"multi_hinge_real", "multi_hinge_fake"}
    assert set(step.generator_terms(**given).scalars) == {"multi_hinge_class"}
    with pytest.raises(ConfigError, match="replaces the"):
        ganzoo.adversarial_step("hinge", critic, spec=spec, regularizers={"multi-hinge": {"every": 2}})


def test_the_critic_learns_classes_and_fakes():
    """Two gray levels and noise: 40 updates, then all are where they belong."""
    spec = DataSpec(shape=(1, 8, 8), classes=("a", "b"), marginal=(0.5, 0.5), conditional=True)
    torch.manual_seed(0)
    critic = ganzoo.build("discriminator", "acgan", spec=spec, ndf=4, norm="spectral")
    adversary = ganzoo.Adversary(critic, "hinge", regularizers={"multi-hinge": {}}, optimizer=fast, shape=(1, 8, 8))
    labels = torch.arange(16) % 2
    real = (labels - 0.5).reshape(-1, 1, 1, 1).expand(-1, 1, 8, 8) + 0.1 * torch.randn(16, 1, 8, 8)
    for _ in range(40):
        adversary.update(fake=torch.randn(16, 1, 8, 8), real=real, real_labels=labels, fake_labels=labels)
    critic.eval()
    found, of_fakes = critic(real), critic(torch.randn(16, 1, 8, 8))
    assert torch.equal(found.class_logits.argmax(1), labels)
    assert (found.class_logits.amax(1) > -found.logits).float().mean() >= 0.95
    assert (of_fakes.class_logits.amax(1) < -of_fakes.logits).float().mean() >= 0.95


def fast(parameters):
    return torch.optim.Adam(parameters, 1e-2, (0.5, 0.9))


def test_what_is_missing_is_told():
    lacking = DiscriminatorOutput(torch.zeros(2))
    view = SimpleNamespace(fake_output=lacking, fake_labels=torch.zeros(2, dtype=torch.int64))
    with pytest.raises(ConfigError, match="needs class logits"):
        MultiHinge().generator_terms(view)
