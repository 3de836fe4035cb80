"""Each critic of pictures, trained against a toy generator, tells held-out real pictures from its fakes."""

from __future__ import annotations

import pytest
import torch
from ganzoo_discriminators.biggan import Biggan
from ganzoo_discriminators.patchgan_blur import PatchganBlur
from ganzoo_discriminators.stylegan2 import Stylegan2
from ganzoo_discriminators.unet_sn import UnetSn
from ganzoo_discriminators.vgg_style import VggStyle
from torch import nn
from torch.nn import functional as F

from ganzoo.protocols import DataSpec
from ganzoo.training import spectral

SIDE, BATCH, HELD_OUT = 16, 16, 64
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
        (Biggan(ndf=4), 2e-3, 30),
    ],
    ids=["unet-sn", "vgg-style", "patchgan-blur", "stylegan2", "biggan"],
)
def test_it_tells_real_from_fake(options, rate, steps):
    """Hinge, as many updates of both as stated. Afterwards both are in evaluation, and pictures are new."""
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(1)
    small = nn.Sequential(nn.Linear(8, 128), nn.ReLU(), nn.Unflatten(1, (8, 4, 4)))
    generator = nn.Sequential(small, nn.Upsample(scale_factor=4), nn.Conv2d(8, 1, 3, padding=1), nn.Tanh())
    critic = options.build(SPEC)
    of_d = torch.optim.Adam(critic.parameters(), rate, (0.0, 0.99))
    of_g = torch.optim.Adam(generator.parameters(), 1e-3, (0.0, 0.99))
    for _ in range(steps):
        images, labels = real(BATCH, random)
        fakes = generator(torch.randn(BATCH, 8, generator=random))
        spectral.iterate(critic)
        on_real, on_fake = critic(images, labels).logits, critic(fakes.detach(), labels).logits
        loss = F.relu(1 - on_real).mean() + F.relu(1 + on_fake).mean()
        of_d.zero_grad()
        loss.backward()
        of_d.step()
        of_g.zero_grad()
        (-critic(fakes, labels).logits.mean()).backward()
        of_g.step()
    critic.eval()
    with torch.no_grad():
        images, labels = real(HELD_OUT, random)
        on_real = critic(images, labels).logits.reshape(HELD_OUT, -1)
        fakes = generator(torch.randn(HELD_OUT, 8, generator=random))
        on_fake = critic(fakes, labels).logits.reshape(HELD_OUT, -1)
    right = (on_real.mean(1) > 0).sum() + (on_fake.mean(1) < 0).sum()
    assert right.item() / (2 * HELD_OUT) >= 0.95
