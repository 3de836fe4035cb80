"""SNGAN's networks, projection, attention and losses beside Mimicry's (``pip install --no-deps torch-mimicry``)."""

from __future__ import annotations

import pytest
import torch
from ganzoo_blocks.attention import SelfAttention
from ganzoo_discriminators.projection import Projection
from ganzoo_discriminators.resnet_sn import ResnetSn
from ganzoo_generators.conditional_batch_norm import ConditionalBatchNorm
from ganzoo_generators.resnet import Resnet
from ganzoo_losses.bce import Bce
from ganzoo_losses.hinge import Hinge
from ganzoo_losses.wgan import Wgan
from peer_package import modules_of
from torch import nn
from torch.nn import functional as F

from ganzoo.protocols import DataSpec

sngan, projected, layers, losses = modules_of(
    "torch_mimicry",
    "nets.sngan.sngan_32",
    "nets.cgan_pd.cgan_pd_32",
    "modules.layers",
    "modules.losses",
    shells=("nets", "nets.sngan", "nets.cgan_pd", "nets.gan", "nets.basemodel"),
)

CIFAR = DataSpec(shape=(3, 32, 32), classes=tuple("abcdefghij"), marginal=(0.1,) * 10)
CONDITIONAL = DataSpec(shape=(3, 32, 32), classes=tuple("abcdefghij"), marginal=(0.1,) * 10, conditional=True)


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_sizes_agree():
    assert parameters(ResnetSn().build(CIFAR)) == parameters(sngan.SNGANDiscriminator32())
    assert parameters(Resnet().build(CIFAR)) == parameters(sngan.SNGANGenerator32())
    assert parameters(Projection().build(CIFAR)) == parameters(projected.CGANPDDiscriminator32(num_classes=10))
    assert parameters(Resnet().build(CONDITIONAL)) == parameters(projected.CGANPDGenerator32(num_classes=10))


def copied(target, source):
    """Weight and bias; of a normalized target the stored weight is source's weight in use, of spectral norm 1."""
    with torch.no_grad():
        weight = source.sn_weights() if hasattr(source, "sn_weights") else source.weight
        stored = getattr(target, "parametrizations", None)
        (stored.weight.original if stored else target.weight).copy_(weight)
        if source.bias is not None:
            target.bias.copy_(source.bias)


def discriminators():
    torch.manual_seed(0)
    theirs = sngan.SNGANDiscriminator32(ndf=8).double().train()
    ours = ResnetSn(ndf=8).build(CIFAR).double()
    images = torch.rand(3, 3, 32, 32, dtype=torch.float64) * 2 - 1
    for _ in range(400):
        theirs(images[:1])
    theirs.eval()
    blocks = (theirs.block1, theirs.block2, theirs.block3, theirs.block4)
    for our, their in zip(ours.trunk.blocks, blocks, strict=True):
        copied(our.into, their.c1)
        copied(our.out, their.c2)
        if hasattr(their, "c_sc"):
            copied(our.shortcut, their.c_sc)
    copied(ours.to_logit, theirs.l5)
    ours.train()
    with torch.no_grad():
        for _ in range(400):
            ours(images[:1])
    return ours.eval(), theirs, images, blocks


def test_the_discriminator_agrees_once_no_relu_works_on_a_shortcut():
    """Mimicry's ReLU works in place, so that its shortcuts pass on what the ReLU has left: a known mistake."""
    ours, theirs, images, blocks = discriminators()
    with torch.no_grad():
        expected = ours(images).logits
        mistaken = theirs(images.clone()).squeeze(1)
        for block in blocks:
            block.activation = nn.ReLU(inplace=False)
        torch.testing.assert_close(theirs(images.clone()).squeeze(1), expected, rtol=1e-6, atol=1e-6)
    assert (mistaken - expected).abs().max() > 1e-3


def test_the_generator_agrees_once_it_doubles_by_repeating(monkeypatch):
    """Mimicry doubles its maps bilinearly, the authors, and ganzoo, by repeating each pixel."""
    torch.manual_seed(0)
    theirs = sngan.SNGANGenerator32(nz=5, ngf=8).double()
    ours = Resnet(latent=5, ngf=8).build(CIFAR).double()
    copied(ours.from_latent, theirs.l1)
    for our, their in zip(ours.blocks, (theirs.block2, theirs.block3, theirs.block4), strict=True):
        for mine, other in ((our.first, their.c1), (our.second, their.c2), (our.shortcut, their.c_sc)):
            copied(mine, other)
    copied(ours.to_image, theirs.c5)
    z = torch.randn(4, 5, dtype=torch.float64)
    assert (ours(z) - theirs(z)).abs().max() > 0.01
    interpolate = F.interpolate

    def repeated(maps, *, scale_factor, mode, align_corners):
        return interpolate(maps, scale_factor=scale_factor, mode="nearest")

    with monkeypatch.context() as patched:
        patched.setattr(F, "interpolate", repeated)
        expected = theirs(z)
    torch.testing.assert_close(ours(z), expected, rtol=1e-10, atol=1e-10)


def test_class_conditional_batch_norm_agrees():
    theirs = layers.ConditionalBatchNorm2d(4, 3).double()
    ours = ConditionalBatchNorm(4, 3).double()
    with torch.no_grad():
        theirs.embed.weight.normal_()
        ours.gains.weight.copy_(theirs.embed.weight[:, :4])
        ours.shifts.weight.copy_(theirs.embed.weight[:, 4:])
    maps, labels = torch.randn(5, 4, 3, 3, dtype=torch.float64), torch.tensor([0, 2, 1, 1, 0])
    torch.testing.assert_close(ours(maps, labels), theirs(maps, labels), rtol=1e-12, atol=1e-12)


def test_attention_agrees():
    theirs, ours = layers.SelfAttention(16, spectral_norm=False).double(), SelfAttention(16, spectral=False).double()
    pairs = ((ours.to_query, theirs.theta), (ours.to_key, theirs.phi), (ours.to_value, theirs.g))
    for our, their in (*pairs, (ours.to_output, theirs.o)):
        copied(our, their)
    with torch.no_grad():
        ours.gamma.fill_(0.7)
        theirs.gamma.fill_(0.7)
    maps = torch.randn(2, 16, 6, 4, dtype=torch.float64)
    torch.testing.assert_close(ours(maps), theirs(maps), rtol=1e-12, atol=1e-12)


def test_losses_agree():
    real, fake = torch.randn(2, 7, 1)
    for ours, d, g in (
        (Hinge(), losses.hinge_loss_dis, losses.hinge_loss_gen),
        (Wgan(), losses.wasserstein_loss_dis, losses.wasserstein_loss_gen),
        (Bce(), losses.minimax_loss_dis, losses.minimax_loss_gen),
    ):
        torch.testing.assert_close(ours.discriminator_loss(real=real, fake=fake), d(output_fake=fake, output_real=real))
        torch.testing.assert_close(ours.generator_loss(fake=fake), g(fake))


@pytest.mark.parametrize(("logit", "slope"), [(-3.0, 0.9526), (-30.0, 1.0)])
def test_its_non_saturating_loss_saturates_after_all(logit, slope):
    """A sigmoid of its own and 1e-8 within the logarithm take the gradient away from hopeless fakes."""
    fake = torch.full((4, 1), logit, requires_grad=True)
    (ours,) = torch.autograd.grad(Bce().generator_loss(fake=fake), fake)
    (theirs,) = torch.autograd.grad(losses.ns_loss_gen(fake), fake)
    assert -4 * ours[0].item() == pytest.approx(slope, abs=1e-4)
    assert (-4 * theirs[0].item() == pytest.approx(slope, abs=1e-4)) == (logit > -10)
