"""DiffAugment against a reference that goes through images pixel by pixel, and what it does in the mean."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from ganzoo_augmentations.diffaugment import DRAWS, Diffaugment
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ganzoo.errors import ConfigError
from ganzoo.protocols import Augmentation, DataSpec

LARGEST_DRAW = 1 - 2.0**-24
"""The largest float32 below 1 that torch draws."""


def images_of(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 - 1


def built(*policy):
    return Diffaugment(**({"policy": policy} if policy else {})).build(DataSpec(shape=(3, 8, 8)))


def draws_of(n=1, **values):
    return torch.stack([torch.full((n,), values.get(name, 0.5)) for name in DRAWS], dim=1)


def random_draws(n, seed=0):
    return built().draw(n, random=torch.Generator().manual_seed(seed))


def color(image, drawn):
    channels, height, width = image.shape
    image = image + (drawn["brightness"] - 0.5)
    result = image.copy()
    for y in range(height):
        for x in range(width):
            gray = sum(image[:, y, x]) / channels
            for c in range(channels):
                result[c, y, x] = gray + (image[c, y, x] - gray) * 2 * drawn["saturation"]
    mean = math.fsum(result.ravel()) / result.size
    return mean + (result - mean) * (drawn["contrast"] + 0.5)


def translation(image, drawn):
    _, height, width = image.shape
    most_y, most_x = math.floor(height / 8 + 0.5), math.floor(width / 8 + 0.5)
    down = math.floor(drawn["shift_y"] * (2 * most_y + 1)) - most_y
    across = math.floor(drawn["shift_x"] * (2 * most_x + 1)) - most_x
    result = np.zeros_like(image)
    for y in range(height):
        for x in range(width):
            if 0 <= y + down < height and 0 <= x + across < width:
                result[:, y + down, x + across] = image[:, y, x]
    return result


def cutout(image, drawn):
    _, height, width = image.shape
    size_y, size_x = math.floor(height / 2 + 0.5), math.floor(width / 2 + 0.5)
    center_y = math.floor(drawn["cutout_y"] * (height + (size_y % 2 == 0)))
    center_x = math.floor(drawn["cutout_x"] * (width + (size_x % 2 == 0)))
    result = image.copy()
    for y in range(center_y - size_y // 2, center_y - size_y // 2 + size_y):
        for x in range(center_x - size_x // 2, center_x - size_x // 2 + size_x):
            if 0 <= y < height and 0 <= x < width:
                result[:, y, x] = 0
    return result


REFERENCE = {"color": color, "translation": translation, "cutout": cutout}


def by_hand(images, draws, policy):
    results = []
    for image, row in zip(images.numpy(), draws.double().tolist(), strict=True):
        for name in policy:
            image = REFERENCE[name](image, dict(zip(DRAWS, row, strict=True)))
        results.append(torch.from_numpy(np.array(image)))
    return torch.stack(results)


@pytest.mark.parametrize("policy", [("color",), ("translation",), ("cutout",), tuple(REFERENCE)])
@given(
    channels=st.sampled_from([1, 2, 3]), height=st.integers(1, 13), width=st.integers(1, 13), seed=st.integers(0, 999)
)
def test_it_is_the_reference_for_any_size(policy, channels, height, width, seed):
    images, draws = images_of(3, channels, height, width, seed=seed), random_draws(3, seed)
    assert torch.allclose(built(*policy)(images, draws), by_hand(images, draws, policy), rtol=1e-12, atol=1e-13)


def test_the_order_does_not_depend_on_how_it_is_said():
    images, draws = images_of(4, 3, 8, 8), random_draws(4)
    said = built("cutout", "translation", "color")(images, draws)
    assert torch.equal(said, built()(images, draws))
    assert not torch.allclose(said, by_hand(images, draws, ("cutout", "translation", "color")))


@pytest.mark.parametrize(("side", "most"), [(8, 1), (11, 1), (12, 2), (28, 4), (32, 4), (64, 8)])
def test_a_delta_moves_by_whole_pixels_up_to_an_eighth(side, most):
    n = 2000
    images = torch.zeros(n, 1, side, side)
    images[:, 0, side // 2, side // 2] = 1
    moved = built("translation")(images, random_draws(n))
    assert torch.equal(moved.sum((1, 2, 3)), torch.ones(n))
    places = moved.flatten(1).argmax(1)
    for shifts in (places // side - side // 2, places % side - side // 2):
        values, counts = shifts.unique(return_counts=True)
        assert values.tolist() == list(range(-most, most + 1))
        expected = n / (2 * most + 1)
        # Six standard deviations of a count.
        assert (counts - expected).abs().max() < 6 * math.sqrt(expected)


def test_what_a_shift_uncovers_is_zero():
    moved = built("translation")(torch.ones(1, 2, 8, 16), draws_of(shift_y=LARGEST_DRAW, shift_x=0.0))
    expected = torch.zeros(1, 2, 8, 16)
    expected[:, :, 1:, :-2] = 1
    assert torch.equal(moved, expected)


@pytest.mark.parametrize(
    ("side", "draw", "cut"),
    [
        (8, 0.0, (0, 2)),
        (8, 0.5, (2, 6)),
        (8, LARGEST_DRAW, (6, 8)),
        (10, 0.0, (0, 3)),
        (10, LARGEST_DRAW, (7, 10)),
        (9, 0.0, (0, 3)),
        (1, 0.5, (0, 1)),
    ],
)
def test_the_cut_is_half_the_side_and_clipped_at_the_borders(side, draw, cut):
    images = torch.ones(1, 1, side, side)
    kept = built("cutout")(images, draws_of(cutout_y=draw, cutout_x=0.5))
    rows = (kept[0, 0] == 0).any(1).nonzero().flatten()
    assert (rows.min().item(), rows.max().item() + 1) == cut
    assert (kept[0, 0] == 0).sum() == (cut[1] - cut[0]) * math.floor(side / 2 + 0.5)


def test_colors_have_the_published_ranges():
    n = 4000
    images = torch.tensor([0.25, -0.5, 0.75]).view(1, 3, 1, 1).expand(n, 3, 2, 2).double().clone()
    images[:, :, 0] += 0.125
    mean, draws = images[0].mean(), random_draws(n)
    b, s, c = (draws[:, DRAWS.index(name)] for name in ("brightness", "saturation", "contrast"))
    result = built("color")(images, draws)
    shift = result.mean((1, 2, 3)) - mean
    assert torch.allclose(shift, b.double() - 0.5)
    assert -0.5 <= shift.min() < -0.49
    assert 0.49 < shift.max() < 0.5
    chroma = (result[:, 0] - result[:, 1])[:, 0, 0] / 0.75
    assert torch.allclose(chroma, 2 * s.double() * (c.double() + 0.5))
    rows = (result.mean(1)[:, 0] - result.mean(1)[:, 1])[:, 0] / 0.125
    assert 0.5 <= rows.min() < 0.51
    assert 1.49 < rows.max() < 1.5


def test_saturation_leaves_gray_images_as_they_are():
    images = images_of(2, 1, 4, 4)
    dull, vivid = (built("color")(images, draws_of(2, saturation=value)) for value in (0.0, 0.99))
    assert torch.equal(dull, vivid)
    assert torch.allclose(dull, images)


def test_each_image_depends_on_itself_and_its_own_row_alone():
    images, draws = images_of(5, 3, 8, 9), random_draws(5)
    together = built()(images, draws)
    for i in range(5):
        assert torch.allclose(together[i : i + 1], built()(images[i : i + 1], draws[i : i + 1]), rtol=1e-12)
    assert len({tuple(row.tolist()) for row in draws}) == 5


def test_draws_come_from_the_given_generator_alone_and_images_stay():
    before = torch.get_rng_state()
    draws = random_draws(4)
    assert draws.shape == (4, len(DRAWS))
    assert draws.dtype == torch.float32
    assert torch.equal(draws, random_draws(4))
    assert not torch.equal(draws, random_draws(4, seed=1))
    images = images_of(4, 3, 8, 8)
    kept = images.clone()
    assert torch.equal(built()(images, draws), built()(images, draws))
    assert torch.equal(images, kept)
    assert torch.equal(torch.get_rng_state(), before)


def test_gradients_flow_once_and_twice():
    images, draws = images_of(2, 3, 4, 5).requires_grad_(True), random_draws(2)
    assert torch.autograd.gradcheck(lambda x: built()(x, draws), images)
    assert torch.autograd.gradgradcheck(lambda x: built()(x, draws).square(), images)
    (gradient,) = torch.autograd.grad(built("translation", "cutout")(images, draws).sum(), images)
    assert torch.equal(gradient, (gradient != 0).double())


def test_float32_stays_float32():
    result = built()(images_of(2, 1, 8, 8).float(), random_draws(2))
    assert result.dtype == torch.float32


def test_it_keeps_no_state():
    augmentation = built()
    assert isinstance(augmentation, Augmentation)
    assert augmentation.state_dict() == {}
    assert augmentation.observed() == {}


def test_vectors_and_double_names_are_refused():
    with pytest.raises(ConfigError, match=r"shape \(2,\)"):
        Diffaugment().build(DataSpec(shape=(2,)))
    for policy in ((), ("color", "color"), ("blur",)):
        with pytest.raises(ValidationError):
            Diffaugment(policy=policy)
