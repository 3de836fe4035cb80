"""What popular code computes: each property holds of ganzoo, and fails on the mistake that it is named after.

The mistakes are written out here from what ``docs/adversary.md`` says of them; no code is copied.
"""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import ganzoo
from ganzoo.protocols import DataSpec


def fails_on(holds, *mistaken):
    """The property is one that the mistake does not have."""
    with pytest.raises(AssertionError):
        holds(*mistaken)


def test_fakes_push_the_critic_up_to_the_wrong_side_of_zero():
    """LlamaGen's non-saturating loss: logits and targets of the cross entropy stand in each other's place."""

    def holds(loss):
        real, fake = torch.zeros(4, requires_grad=True), torch.full((4,), 2.0, requires_grad=True)
        of_real, of_fake = torch.autograd.grad(loss(real=real, fake=fake), (real, fake))
        assert (of_fake > 0).all()
        elsewhere = torch.full((4,), 5.0, requires_grad=True)
        [far] = torch.autograd.grad(loss(real=elsewhere, fake=fake), elsewhere)
        assert (far.abs() < of_real.abs()).all(), "a real sample that is judged rightly pushes less"

    def swapped(*, real, fake):
        bce = F.binary_cross_entropy_with_logits
        return bce(torch.ones_like(real), real) + bce(torch.zeros_like(fake), fake)

    holds(ganzoo.build("loss", "bce").discriminator_loss)
    fails_on(holds, swapped)


def test_hinge_has_a_margin_and_its_generator_a_constant_slope():
    """MONAI's hinge: tanh comes first."""

    def holds(d_loss, g_loss):
        assert d_loss(real=torch.full((4,), 1.0), fake=torch.full((4,), -1.0)).item() == 0
        fake = torch.tensor([-4.0], requires_grad=True)
        [slope] = torch.autograd.grad(g_loss(fake=fake), fake)
        assert slope.item() == -1

    def d_loss(*, real, fake):
        return F.relu(1 - real.tanh()).mean() + F.relu(1 + fake.tanh()).mean()

    def g_loss(*, fake):
        return F.relu(1 - fake.tanh()).mean()

    hinge = ganzoo.build("loss", "hinge")
    holds(hinge.discriminator_loss, hinge.generator_loss)
    fails_on(holds, d_loss, g_loss)


class Slope(nn.Module):
    """A critic whose gradient at every sample is one vector of norm 1."""

    def __init__(self):
        super().__init__()
        weight = torch.ones(3 * 4 * 4)
        self.weight = nn.Parameter(weight / weight.norm())

    def forward(self, images):
        return images.flatten(1) @ self.weight


def penalty(weight):
    adversary = ganzoo.Adversary(Slope(), regularizers={"gradient-penalty": {"weight": weight}})
    real, fake = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    return adversary.update(fake=fake, real=real)["critic/gradient_penalty"].item()


def gradient():
    data = torch.randn(2, 3, 4, 4, requires_grad=True)
    return torch.autograd.grad(Slope()(data).sum(), data)[0]


def test_a_gradient_penalty_is_0_where_the_slope_of_each_sample_is_1():
    """BasicSR's penalty: a norm over the channels of each pixel."""

    def holds(value):
        assert value == pytest.approx(0, abs=1e-6)

    holds(penalty(10.0))
    fails_on(holds, 10 * ((gradient().norm(dim=1) - 1) ** 2).mean().item())


def test_a_penalty_is_proportional_to_its_weight():
    """gigagan-pytorch's penalty: the weight is in the norm as well."""

    def holds(of_weight):
        assert of_weight(20.0) == pytest.approx(2 * of_weight(10.0))

    def mistaken(weight):
        return weight * ((weight * gradient()).flatten(1).norm(dim=1) ** 2).mean().item()

    def r1(weight):
        adversary = ganzoo.Adversary(Slope(), regularizers={"r1": {"weight": weight}})
        return adversary.update(fake=torch.randn(2, 3, 4, 4), real=torch.randn(2, 3, 4, 4))["critic/r1"].item()

    holds(r1)
    fails_on(holds, mistaken)


def test_every_scale_sees_another_picture():
    """audiocraft's multi-scale critic: what the downsampling returns is dropped."""

    def holds(maps):
        assert len({logits.shape for logits in maps}) == len(maps)

    spec = DataSpec(shape=(3, 64, 64))
    critic = ganzoo.build("discriminator", "multiscale-patchgan", spec=spec, ndf=2, n_layers=2, n_scales=2)
    pictures = torch.randn(1, 3, 64, 64)
    holds(critic(pictures).maps())
    fails_on(holds, [scale(pictures).logits for scale in critic.scales])


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 1, 3)

    def forward(self, images):
        return torch.tanh(self.layer(images))


def test_the_generator_hears_nothing_of_the_critics_own_loss():
    """diffusers' autoencoder example: the critic's loss on fakes that are not detached, and gradients left lying."""
    torch.manual_seed(0)
    decoder, critic, x = nn.Conv2d(3, 3, 1), Tiny(), torch.randn(2, 3, 8, 8)

    def holds(update, generator_loss):
        mine = copy.deepcopy(decoder)
        fake = mine(x)
        update(fake)
        generator_loss(fake).backward()
        expected = copy.deepcopy(decoder)
        (-critic(expected(x)).mean()).backward()
        torch.testing.assert_close(mine.weight.grad, expected.weight.grad)

    still = ganzoo.Adversary(copy.deepcopy(critic), optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.0))
    holds(lambda fake: still.update(fake=fake, real=x), lambda fake: still.generator_loss(fake).total)

    def leaking(fake):
        (F.relu(1 - critic(x)).mean() + F.relu(1 + critic(fake)).mean()).backward(retain_graph=True)

    fails_on(holds, leaking, lambda fake: -critic(fake).mean())


def test_the_first_real_step_of_adam_is_the_learning_rate():
    """taming-transformers and its children: Adam is stepped on gradients of zero until the critic starts."""
    betas, rate = (0.5, 0.999), 1e-3

    def holds(moved):
        assert moved == pytest.approx(rate, rel=1e-3)

    def adam(parameters):
        return torch.optim.Adam(parameters, lr=rate, betas=betas, eps=1e-20)

    adversary = ganzoo.Adversary(Tiny(), optimizer=adam, start=500)
    for _ in range(500):
        adversary.update(fake=torch.zeros(1, 3, 8, 8), real=torch.zeros(1, 3, 8, 8))
    before = [parameter.detach().clone() for parameter in adversary.parameters()]
    adversary.update(fake=torch.randn(1, 3, 8, 8), real=torch.randn(1, 3, 8, 8))
    holds(max((old - new).abs().max().item() for old, new in zip(before, adversary.parameters(), strict=True)))

    weight = nn.Parameter(torch.zeros(()))
    optimizer = adam([weight])
    for factor in (*[0.0] * 500, 1.0):
        optimizer.zero_grad()
        (factor * weight).backward()
        optimizer.step()
    fails_on(holds, weight.abs().item())


def test_the_critic_is_not_told_that_fakes_are_real():
    """An early VQGAN in PyTorch (issue 3, mended): targets of 1 for fakes as well."""

    def holds(loss):
        fake = torch.full((4,), 0.5, requires_grad=True)
        [slope] = torch.autograd.grad(loss(real=torch.zeros(4), fake=fake), fake)
        assert (slope > 0).all()

    for name in ("bce", "hinge", "lsgan", "wgan"):
        holds(ganzoo.build("loss", name).discriminator_loss)
    fails_on(holds, lambda *, real, fake: F.softplus(-real).mean() + F.softplus(-fake).mean())
