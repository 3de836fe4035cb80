"""PatchGAN and its adversarial losses beside MONAI's."""

from __future__ import annotations

import warnings

import pytest
import torch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    nets = pytest.importorskip("monai.networks.nets")
    peer_losses = pytest.importorskip("monai.losses")

from ganzoo_discriminators.patchgan import Patchgan
from ganzoo_losses.bce import Bce
from ganzoo_losses.hinge import Hinge
from ganzoo_losses.lsgan import Lsgan
from torch import nn

from ganzoo.protocols import DataSpec


def pair(n_layers, norm="batch", ndf=64):
    ours = Patchgan(ndf=ndf, n_layers=n_layers, norm=norm).build(DataSpec(shape=(3, 64, 64)))
    theirs = nets.PatchDiscriminator(
        spatial_dims=2,
        channels=ndf,
        in_channels=3,
        num_layers_d=n_layers,
        norm=norm.upper(),
        bias=norm == "instance",
    )
    return ours, theirs


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(("n_layers", "capped"), [(1, False), (2, False), (3, False), (4, True)])
def test_sizes_agree_up_to_the_cap_of_the_widths(n_layers, capped):
    """MONAI doubles the width for ever; the authors, and ganzoo, stop at 8·ndf."""
    ours, theirs = pair(n_layers, ndf=8)
    assert (parameters(ours) < parameters(theirs)) == capped
    assert capped or parameters(ours) == parameters(theirs)


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_logits_agree(norm):
    torch.manual_seed(0)
    ours, theirs = (network.double() for network in pair(3, norm, ndf=4))
    convolutions = ([layer for layer in one.modules() if isinstance(layer, nn.Conv2d)] for one in (ours, theirs))
    norms = ([layer for layer in one.modules() if isinstance(layer, nn.BatchNorm2d)] for one in (ours, theirs))
    for both in (convolutions, norms):
        for our, their in zip(*both, strict=True):
            our.load_state_dict(their.state_dict())
    images = torch.rand(2, 3, 64, 64, dtype=torch.float64)
    torch.testing.assert_close(ours(images).logits, theirs(images)[-1], rtol=1e-10, atol=1e-10)


def test_losses_agree_where_the_logits_go_through_nothing():
    """MONAI squashes logits (sigmoid, tanh) and takes its hinge of tanh, which never reaches the margin."""
    real, fake = 2 * torch.randn(2, 5, 1, 3, 3, dtype=torch.float64)

    def theirs(**options):
        loss = peer_losses.PatchAdversarialLoss(**options)
        d = loss(real, target_is_real=True, for_discriminator=True) + loss(
            fake, target_is_real=False, for_discriminator=True
        )
        return d, loss(fake, target_is_real=True, for_discriminator=False)

    def ours(loss):
        return loss.discriminator_loss(real=real, fake=fake), loss.generator_loss(fake=fake)

    squares = theirs(criterion="least_squares", no_activation_leastsq=True)
    torch.testing.assert_close(squares, ours(Lsgan(scale=1)), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(theirs(criterion="bce"), ours(Bce()), rtol=1e-9, atol=1e-9)
    d, g = theirs(criterion="hinge")
    squashed = Hinge().discriminator_loss(real=real.tanh(), fake=fake.tanh())
    torch.testing.assert_close(d, squashed, rtol=1e-12, atol=1e-12)
    assert not torch.isclose(d, ours(Hinge())[0])
    # G has a hinge too, on which 1 − tanh f is never negative: −E tanh f but for a constant.
    torch.testing.assert_close(g, 1 - fake.tanh().mean(), rtol=1e-12, atol=1e-12)
