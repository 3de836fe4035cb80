from __future__ import annotations

import pytest
import torch
from ganzoo_metrics.sliced_wasserstein import SlicedWasserstein, _apart, _patches, _pyramid
from measured_features import with_threads

from ganzoo.errors import ConfigError
from ganzoo.protocols import Features


def waves(n, side=32, *, seed=0, frequency=3.0, channels=3):
    """uint8 pictures of waves of random phase."""
    phase = torch.rand(n, channels, 1, 1, generator=torch.Generator().manual_seed(seed))
    place = torch.arange(side) / side
    wave = torch.sin(2 * torch.pi * (frequency * (place[:, None] + place[None]) + phase))
    return (127 + 100 * wave).to(torch.uint8)


def noisy(images, strength):
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(9))
    return (images + strength * noise).clamp(0, 255).to(torch.uint8)


def answer(real, fake, *, seed=0, **options):
    sides = {"real": Features(images=real), "fake": Features(images=fake)}
    metric = SlicedWasserstein(**{"patches": 32, "directions": 64, **options})
    return metric(**sides, random=torch.Generator().manual_seed(seed))["swd"]


@pytest.mark.parametrize("side", [7, 16, 28, 32, 64])
def test_equal_sets_have_0_in_any_order(side):
    images = waves(20, side)
    assert answer(images, images) == 0
    assert answer(images, images.flip(0)) == pytest.approx(0, abs=1e-2)


def test_it_grows_with_noise_from_what_unseen_data_have():
    real, unseen = waves(60), waves(60, seed=1)
    found = [answer(real, noisy(unseen, strength)) for strength in (0, 10, 40, 120)]
    assert found == sorted(found)
    assert found[-1] > 1.5 * found[0]


def test_another_frequency_is_another_texture():
    real = waves(60)
    assert answer(real, waves(60, seed=1, frequency=9.0)) > 2 * answer(real, waves(60, seed=1))


def test_it_is_a_mean_of_distances_between_sorted_projections():
    """One scale, one place, one pixel-wide choice left: by a loop over directions."""
    real, fake = waves(9, 7, channels=1), noisy(waves(9, 7, seed=1, channels=1), 60)

    def normalized(images):
        flat = images.double().flatten(1)
        return (flat - flat.mean()) / flat.std(correction=0)

    directions = torch.randn(49, 5, generator=torch.Generator().manual_seed(0)).double()
    total = 0.0
    for line in directions.T / directions.norm(dim=0)[:, None]:
        one, other = (sorted(float(row @ line) for row in normalized(side)) for side in (real, fake))
        total += sum(abs(a - b) for a, b in zip(one, other, strict=True)) / 9 / 5
    assert answer(real, fake, patches=1, directions=5) == pytest.approx(1e3 * total, rel=1e-4)


def test_the_pyramid_adds_up_to_the_picture():
    images = waves(2, 64).float()
    levels = _pyramid(images)
    assert [level.shape[-1] for level in levels] == [64, 32, 16]
    found = levels[-1]
    for level in levels[-2::-1]:
        size = level.shape[2:]
        found = level + torch.nn.functional.interpolate(found, size=size, mode="bilinear", align_corners=False)
    torch.testing.assert_close(found, images, rtol=0, atol=1e-3)


def test_patches_are_normalized_channel_by_channel():
    """A channel in another unit changes nothing."""
    level = waves(12, 16).float()
    one, other = (
        _patches(images, 10, torch.Generator().manual_seed(1))
        for images in (level, level * torch.tensor([1.0, 5.0, 0.1]).view(3, 1, 1) + 7)
    )
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


def test_directions_are_taken_in_groups_as_all_at_once():
    random = torch.Generator().manual_seed(0)
    one, other, directions = (torch.randn(shape, generator=random) for shape in ((50, 147), (50, 147), (147, 37)))
    lines = [(side @ directions).sort(dim=0).values for side in (one, other)]
    torch.testing.assert_close(_apart(one, other, directions), (lines[0] - lines[1]).abs().mean())


def test_samples_that_are_all_alike_are_far_from_the_data():
    real, flat = waves(40), torch.full((40, 3, 32, 32), 128, dtype=torch.uint8)
    assert answer(real, flat) > 3 * answer(real, waves(40, seed=1))
    assert answer(flat, flat) == 0


def test_as_many_are_compared_as_there_are_of_both():
    assert answer(waves(20), waves(50)[:20]) == answer(waves(20), waves(50)) == answer(waves(20), waves(20))


def test_neither_order_nor_threads_matter():
    real, fake = waves(30), noisy(waves(30, seed=1), 30)
    one, two = (with_threads(count, lambda: answer(real, fake)) for count in (1, 2))
    assert one == pytest.approx(two, rel=1e-4)
    assert answer(real.flip(0), fake.roll(7, 0)) == pytest.approx(one, rel=1e-4)


@pytest.mark.parametrize(
    ("real", "fake", "words"),
    [
        (None, torch.zeros(5, 3, 16, 16), "at least 1 picture"),
        (torch.zeros(5, 2), torch.zeros(5, 2), "at least 1 picture"),
        (torch.zeros(5, 3, 16, 16), torch.zeros(0, 3, 16, 16), "at least 1 picture"),
        (torch.zeros(5, 3, 6, 16), torch.zeros(5, 3, 6, 16), "at least 7 pixels"),
        (torch.zeros(5, 3, 16, 16), torch.zeros(5, 3, 32, 32), "same size"),
        (torch.zeros(5, 3, 16, 16), torch.zeros(5, 1, 16, 16), "same size"),
    ],
)
def test_refusals(real, fake, words):
    with pytest.raises(ConfigError, match=words):
        answer(real, fake)
