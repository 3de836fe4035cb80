"""Each critic of pictures, trained against a toy generator, tells held-out real pictures from its fakes."""

from __future__ import annotations

import pytest
import torch
from ganzoo_discriminators.biggan import Biggan
from ganzoo_discriminators.patchgan_blur import PatchganBlur
from ganzoo_discriminators.progressive import Progressive
from ganzoo_discriminators.r3gan import R3gan
from ganzoo_discriminators.stylegan2 import Stylegan2
from ganzoo_discriminators.unet_sn import UnetSn
from ganzoo_discriminators.vgg_style import VggStyle
from torch import nn
from toy_game import LATENT, accuracy

from ganzoo.protocols import DataSpec

SIDE = 16
SPEC = DataSpec(shape=(1, SIDE, SIDE), classes=("across", "along"), marginal=(0.5, 0.5), conditional=True)


def real(n, random):
    """Stripes with sharp edges, across or along, which is their class; shifted at random."""
    labels = torch.randint(2, (n,), generator=random)
    phase = torch.randint(8, (n, 1), generator=random)
    line = ((torch.arange(SIDE) + phase) // 4 % 2 * 2 - 1).float()
    across = line[:, None, :, None].expand(n, 1, SIDE, SIDE)
    return torch.where(labels.view(-1, 1, 1, 1) == 0, across, across.transpose(2, 3)), labels


@pytest.mark.parametrize(
    ("options", "rate", "steps"),
    [
        (UnetSn(ndf=8), 2e-3, 30),
        (VggStyle(ndf=8), 2e-3, 30),
        (PatchganBlur(ndf=16), 2e-3, 40),
        (Stylegan2(ndf=8), 1e-2, 30),
        (R3gan(width=32, blocks=1), 2e-3, 30),
        (Biggan(ndf=4), 2e-3, 30),
        (Progressive(width=16), 1e-2, 30),
        (Progressive(width=16, lod=0.5), 1e-2, 30),
    ],
    ids=["unet-sn", "vgg-style", "patchgan-blur", "stylegan2", "r3gan", "biggan", "progressive", "progressive, fading"],
)
def test_it_tells_real_from_fake(options, rate, steps):
    torch.manual_seed(0)
    small = nn.Sequential(nn.Linear(LATENT, 128), nn.ReLU(), nn.Unflatten(1, (8, 4, 4)))
    generator = nn.Sequential(small, nn.Upsample(scale_factor=4), nn.Conv2d(8, 1, 3, padding=1), nn.Tanh())
    assert accuracy(options.build(SPEC), generator, real, steps=steps, rate=rate) >= 0.95
