"""DiffAugment beside lightweight-gan's port of the authors' code (``pip install --no-deps lightweight-gan``)."""

from __future__ import annotations

import pytest
import torch
from ganzoo_augmentations.diffaugment import DRAWS, Diffaugment
from peer_package import modules_of

(peer,) = modules_of("lightweight_gan", "diff_augment")

SIDES = [(8, 8), (16, 12), (9, 13)]


def images_of(height, width):
    return torch.rand(5, 3, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 2 - 1


def draws_of(**columns):
    draws = torch.zeros(5, len(DRAWS), dtype=torch.float64)
    for name, values in columns.items():
        draws[:, DRAWS.index(name)] = values.double().flatten()
    return draws


@pytest.mark.parametrize(("height", "width"), SIDES)
def test_color_agrees(height, width):
    images = images_of(height, width)
    torch.manual_seed(3)
    expected = images
    for change in (peer.rand_brightness, peer.rand_saturation, peer.rand_contrast):
        expected = change(expected)
    torch.manual_seed(3)
    brightness, saturation, contrast = (torch.rand(5, 1, 1, 1, dtype=torch.float64) for _ in range(3))
    draws = draws_of(brightness=brightness, saturation=saturation, contrast=contrast)
    found = Diffaugment(policy=("color",))(images, draws)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("height", "width"), SIDES)
def test_translation_agrees(height, width, seed):
    """Their shift moves where a pixel is read; ours where it goes to: the same draws mirrored."""
    images = images_of(height, width)
    torch.manual_seed(seed)
    expected = peer.rand_translation(images)
    torch.manual_seed(seed)
    places = []
    for side in (height, width):
        most = int(side / 8 + 0.5)
        read = torch.randint(-most, most + 1, size=[5, 1, 1])
        places.append((-read + most + 0.5) / (2 * most + 1))
    found = Diffaugment(policy=("translation",))(images, draws_of(shift_y=places[0], shift_x=places[1]))
    assert torch.equal(found, expected)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("height", "width"), SIDES)
def test_cutout_agrees(height, width, seed):
    images = images_of(height, width)
    torch.manual_seed(seed)
    expected = peer.rand_cutout(images)
    torch.manual_seed(seed)
    places = []
    for side in (height, width):
        centers = side + 1 - int(side / 2 + 0.5) % 2
        places.append((torch.randint(0, centers, size=[5, 1, 1]) + 0.5) / centers)
    found = Diffaugment(policy=("cutout",))(images, draws_of(cutout_y=places[0], cutout_x=places[1]))
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
