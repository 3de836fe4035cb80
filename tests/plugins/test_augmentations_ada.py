"""ADA: exact transforms for known draws, an independent pixel loop, and p against hand computation."""

from __future__ import annotations

import math
import shlex

import numpy as np
import pytest
import torch
from ganzoo_augmentations.ada import FIRES, NORMAL, UNIFORM, Ada
from ganzoo_augmentations.resampling import reflected
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ganzoo.config.layers import parse_assignments
from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec

COLUMNS = (*UNIFORM, *NORMAL)
NEVER, ALWAYS = 1.0, 0.0


def images_of(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 - 1


def built(channels=3, **options):
    return Ada(**options).build(DataSpec(shape=(channels, 8, 8)))


def at(p):
    return built(fixed=p)


def draws_of(*firing, n=1, **values):
    """Draws with which only ``firing`` fire, at every p but 0."""
    drawn = dict.fromkeys(FIRES, NEVER) | {f"{name}_fires": ALWAYS for name in firing} | values
    columns = [torch.full((n,), drawn.get(name, 0.0), dtype=torch.float64) for name in COLUMNS]
    return torch.stack(columns, dim=1)


def random_draws(n, seed=0):
    return built().draw(n, random=torch.Generator().manual_seed(seed))


def transformed(images, *firing, p=0.5, **values):
    return at(p)(images, draws_of(*firing, n=len(images), **values))


@pytest.mark.parametrize("shape", [(64, 3, 8, 8), (64, 1, 7, 12), (64, 3, 1, 5), (64, 1, 32, 32)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_at_p_zero_images_stay_bit_by_bit(shape, dtype):
    images = images_of(*shape).to(dtype)
    for augmentation in (built(), at(0.0)):
        assert torch.equal(augmentation(images, random_draws(64)), images)


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (2, 1, 7, 12)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_flip_is_exact(shape, dtype):
    images = images_of(*shape).to(dtype)
    assert torch.equal(transformed(images, "flip", flip=0.5), images.flip(3))
    assert torch.equal(transformed(images, "flip", flip=0.49), images)
    assert torch.equal(transformed(images, flip=0.9), images)


@pytest.mark.parametrize("side", [8, 9])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_quarter_turns_are_exact(side, turns):
    images = images_of(2, 3, side, side).float()
    assert torch.equal(transformed(images, "turn", turn=turns / 4 + 0.1), torch.rot90(images, turns, (2, 3)))


@pytest.mark.parametrize(
    ("step_x", "step_y", "across", "down"), [(0.99, 0.0, 1, -2), (0.0, 0.99, -1, 2), (0.5, 0.5, 0, 0)]
)
def test_steps_are_whole_pixels_and_reflect(step_x, step_y, across, down):
    images = images_of(2, 1, 16, 8).float()
    result = transformed(images, "step", step_x=step_x, step_y=step_y)
    padded = torch.nn.functional.pad(images, (4, 4, 4, 4), mode="reflect")
    assert torch.equal(result, padded[:, :, 4 - down : 20 - down, 4 - across : 12 - across])


def test_scale_two_shows_the_middle_half():
    line = torch.arange(8.0).double().view(1, 1, 1, 8).expand(1, 1, 8, 8)
    result = transformed(line, "scale", scale=1 / 0.2)
    assert torch.allclose(result[0, 0, 3], 3.5 + (torch.arange(8.0).double() - 3.5) / 2)


def test_stretch_widens_one_axis_and_narrows_the_other():
    across, down = torch.meshgrid(torch.arange(9.0), torch.arange(9.0), indexing="xy")
    result = transformed(torch.stack([across, down, across])[None].double(), "stretch", stretch=0.5 / 0.2)
    ratio = math.sqrt(2)
    assert torch.allclose(result[0, 0, 4], 4 + (torch.arange(9.0).double() - 4) / ratio)
    assert torch.allclose(result[0, 1, 3:6, 4], 4 + (torch.arange(9.0).double() - 4)[3:6] * ratio)


@pytest.mark.parametrize("name", ["rotation_before", "rotation_after"])
def test_both_rotations_by_half_a_right_angle_keep_distances_from_the_center(name):
    y, x = torch.meshgrid(torch.arange(9.0) - 4, torch.arange(9.0) - 4, indexing="ij")
    bowl = (x**2 + y**2).double().view(1, 1, 9, 9)
    plane = x.double().view(1, 1, 9, 9)
    angle = math.pi / 4
    inner = slice(2, 7)
    turned = transformed(plane, name, **{name: 0.5 + 1 / 8})
    expected = math.cos(angle) * x + math.sin(angle) * y
    assert torch.allclose(turned[0, 0, inner, inner], expected[inner, inner].double(), atol=1e-6)
    # Bilinear reading of a paraboloid is at most ¼ off in each axis.
    turned = transformed(bowl, name, **{name: 0.5 + 1 / 8})
    assert (turned - bowl)[0, 0, inner, inner].abs().max() <= 0.5 + 1e-9


def test_a_fractional_shift_is_relative_to_the_side():
    line = torch.arange(16.0).double().view(1, 1, 1, 16).expand(1, 1, 8, 16)
    result = transformed(line, "shift", shift_x=0.75, shift_y=2.0)
    assert torch.allclose(result[0, 0, 0, 4:], torch.arange(4.0, 16.0).double() - 0.75 / 8 * 16)


def homogeneous(xx, xy, x0, yx, yy, y0):
    return np.array([[xx, xy, x0], [yx, yy, y0], [0, 0, 1]], dtype=float)


def turn(angle):
    return homogeneous(math.cos(angle), -math.sin(angle), 0, math.sin(angle), math.cos(angle), 0)


def by_hand(image, row, p):
    """One RGB image, its forward matrices multiplied in the published order, inverted, then read pixel by pixel."""
    drawn = dict(zip(COLUMNS, row, strict=True))
    _, height, width = image.shape
    forward = np.eye(3)

    def then(name, matrix, chance=p):
        nonlocal forward
        if drawn[f"{name}_fires"] < chance:
            forward = matrix @ forward

    then("flip", homogeneous(-1 if drawn["flip"] >= 0.5 else 1, 0, 0, 0, 1, 0))
    then("turn", turn(-math.pi / 2 * math.floor(4 * drawn["turn"])))
    steps = [round((2 * drawn[name] - 1) / 8 * side) for name, side in (("step_x", width), ("step_y", height))]
    then("step", homogeneous(1, 0, steps[0], 0, 1, steps[1]))
    scale, stretch = 2 ** (0.2 * drawn["scale"]), 2 ** (0.2 * drawn["stretch"])
    then("scale", homogeneous(scale, 0, 0, 0, scale, 0))
    one_of_two = 1 - math.sqrt(1 - p)
    then("rotation_before", turn(math.pi * (2 * drawn["rotation_before"] - 1)), one_of_two)
    then("stretch", homogeneous(stretch, 0, 0, 0, 1 / stretch, 0))
    then("rotation_after", turn(math.pi * (2 * drawn["rotation_after"] - 1)), one_of_two)
    then("shift", homogeneous(1, 0, drawn["shift_x"] * width / 8, 0, 1, drawn["shift_y"] * height / 8))
    back = np.linalg.inv(forward)

    def pixel(y, x):
        for _ in range(40):
            y, x = abs(y), abs(x)
            y, x = (2 * (height - 1) - y if y >= height else y), (2 * (width - 1) - x if x >= width else x)
        return image[:, y, x]

    moved = np.zeros_like(image)
    for y in range(height):
        for x in range(width):
            from_x, from_y, _ = back @ [x - (width - 1) / 2, y - (height - 1) / 2, 1]
            from_x, from_y = from_x + (width - 1) / 2, from_y + (height - 1) / 2
            left, top = math.floor(from_x), math.floor(from_y)
            a, b = from_x - left, from_y - top
            moved[:, y, x] = (1 - b) * ((1 - a) * pixel(top, left) + a * pixel(top, left + 1)) + b * (
                (1 - a) * pixel(top + 1, left) + a * pixel(top + 1, left + 1)
            )
    return np.apply_along_axis(lambda rgb: colored(rgb, drawn, p), 0, moved)


def colored(rgb, drawn, p):
    luma = np.ones(3) / math.sqrt(3)
    if drawn["brightness_fires"] < p:
        rgb = rgb + 0.2 * drawn["brightness"]
    if drawn["contrast_fires"] < p:
        rgb = rgb * 2 ** (0.5 * drawn["contrast"])
    if drawn["luma_flip_fires"] < p and drawn["luma_flip"] >= 0.5:
        rgb = rgb - 2 * luma * (luma @ rgb)
    if drawn["hue_fires"] < p:
        angle = math.pi * (2 * drawn["hue"] - 1)
        along = luma * (luma @ rgb)
        rgb = along + (rgb - along) * math.cos(angle) + np.cross(luma, rgb) * math.sin(angle)
    if drawn["saturation_fires"] < p:
        along = luma * (luma @ rgb)
        rgb = along + (rgb - along) * 2 ** drawn["saturation"]
    return rgb


@pytest.mark.parametrize("p", [0.3, 0.8, 1.0])
@pytest.mark.parametrize("shape", [(8, 8), (6, 9)])
def test_all_at_once_is_the_pixel_loop(p, shape):
    images, draws = images_of(6, 3, *shape), random_draws(6, seed=3).double()
    augmentation = at(p)
    augmentation.probability.value = torch.tensor(p, dtype=torch.float64)
    expected = [by_hand(image, row, p) for image, row in zip(images.numpy(), draws.tolist(), strict=True)]
    assert torch.allclose(augmentation(images, draws), torch.from_numpy(np.stack(expected)), rtol=1e-8, atol=1e-8)


def test_luma_flip_turns_black_into_white_and_keeps_the_color():
    images = images_of(2, 3, 4, 4)
    flipped = transformed(images, "luma_flip", luma_flip=0.5)
    assert torch.allclose(flipped.mean(1), -images.mean(1))
    assert torch.allclose(flipped[:, 0] - flipped[:, 1], images[:, 0] - images[:, 1])
    assert torch.equal(transformed(images, "luma_flip", luma_flip=0.4), images)


def test_hue_goes_round_by_channels():
    images = images_of(2, 3, 4, 4)
    # A third of a turn takes each color to the next.
    turned = transformed(images, "hue", hue=0.5 + 1 / 3)
    assert torch.allclose(turned, images.roll(1, 1))


def test_saturation_doubles_the_distance_from_gray():
    images = images_of(2, 3, 4, 4)
    gray = images.mean(1, keepdim=True)
    assert torch.allclose(transformed(images, "saturation", saturation=1.0), gray + 2 * (images - gray))


def test_gray_images_know_brightness_contrast_and_luma_flip():
    images = images_of(2, 1, 4, 4)
    bright = transformed(images, "brightness", "contrast", "luma_flip", brightness=1.5, contrast=2.0, luma_flip=0.9)
    assert torch.allclose(bright, -2 * (images + 0.3))
    assert torch.equal(transformed(images, "luma_flip", luma_flip=0.9), -images)
    assert torch.equal(transformed(images, "hue", "saturation", hue=0.9, saturation=2.0), images)


def test_gray_as_rgb_is_transformed_as_gray():
    images, draws = images_of(4, 1, 8, 8), random_draws(4).double()
    as_rgb = at(1.0)(images.expand(4, 3, 8, 8), draws)
    assert torch.allclose(as_rgb, at(1.0)(images, draws).expand(4, 3, 8, 8), atol=1e-7)


@pytest.mark.parametrize("p", [0.2, 0.7])
def test_transforms_fire_with_probability_p_each(p):
    n = 20000
    draws = random_draws(n)
    images = torch.zeros(n, 1, 1, 1)
    changed = built(channels=1, fixed=p, groups=("color",))(images + 0.5, draws).flatten()
    unchanged = (1 - p) ** 2 * (1 - p / 2)
    assert (changed == 0.5).double().mean() == pytest.approx(unchanged, abs=5 * math.sqrt(0.25 / n))
    one_of_two = 1 - math.sqrt(1 - p)
    before, after = (draws[:, COLUMNS.index(f"rotation_{name}_fires")] < one_of_two for name in ("before", "after"))
    assert (before | after).double().mean() == pytest.approx(p, abs=5 * math.sqrt(0.25 / n))


def test_groups_are_chosen_by_name():
    images, draws = images_of(4, 3, 8, 8), random_draws(4)
    moved = built(fixed=1.0, groups=("blit", "geometric"))(images, draws)
    recolored = built(fixed=1.0, groups=("color",))(images, draws)
    assert torch.allclose(built(fixed=1.0, groups=("color",))(moved, draws), at(1.0)(images, draws))
    assert not torch.allclose(recolored, images)
    blit = built(fixed=1.0, groups=("blit",))(images, draws)
    assert all(pixel in images for pixel in blit.flatten()[:20])


@given(index=st.integers(-1000, 1000), length=st.integers(1, 9))
def test_reflection_is_that_of_padding(index, length):
    cycle = [*range(length), *range(length - 2, 0, -1)] or [0]
    assert reflected(torch.tensor(index), length).item() == cycle[index % len(cycle)]


def test_each_image_depends_on_itself_and_its_own_row_alone():
    images, draws = images_of(5, 3, 8, 9), random_draws(5)
    together = at(0.8)(images, draws)
    for i in range(5):
        assert torch.allclose(together[i : i + 1], at(0.8)(images[i : i + 1], draws[i : i + 1]), rtol=1e-9)


def test_gradients_flow_once_and_twice():
    images, draws = images_of(2, 3, 4, 5).requires_grad_(True), random_draws(2).double()
    assert torch.autograd.gradcheck(lambda x: at(0.9)(x, draws), images)
    assert torch.autograd.gradgradcheck(lambda x: at(0.9)(x, draws).square(), images)


def test_draws_come_from_the_given_generator_alone():
    before = torch.get_rng_state()
    draws = random_draws(3)
    assert draws.shape == (3, len(COLUMNS))
    assert draws.dtype == torch.float32
    assert torch.equal(draws, random_draws(3))
    at(0.5)(images_of(3, 3, 8, 8), draws)
    assert torch.equal(torch.get_rng_state(), before)


def logits(*values):
    return torch.tensor(values)


def test_p_moves_every_fourth_update_by_the_sign_of_the_mean_sign():
    augmentation = built(speed=0.1)
    ps = []
    # Twelve updates of two images: 4·2/100 = 0.08 up, up, down.
    for real in [logits(3.0, 0.1)] * 8 + [logits(2.0, -0.5)] * 4:
        augmentation.after_update(real=real)
        ps.append(augmentation.observed()["augment/p"].item())
    assert ps == pytest.approx([0] * 3 + [0.08] * 4 + [0.16] * 4 + [0.08])


def test_the_mean_is_over_all_updates_since_p_moved_and_over_patches():
    # 15 of 18 signs are positive: mean ⅔ > 0.6, though the last update alone says 0.
    augmentation = built(interval=2, speed=0.01)
    augmentation.after_update(real=torch.ones(6, 1, 1, 2))
    augmentation.after_update(real=torch.tensor([1.0, 1, 1, -1, -1, -1]))
    assert augmentation.observed()["augment/p"].item() == pytest.approx(1)
    augmentation.after_update(real=torch.ones(6))
    augmentation.after_update(real=torch.tensor([1.0, 1, 1, -1, -1, -1]))
    # 9 of 12: mean ½ < 0.6.
    assert augmentation.observed()["augment/p"].item() == pytest.approx(0)


def test_the_published_speed_takes_500_000_images_from_0_to_1():
    augmentation = built()
    for _ in range(8):
        augmentation.after_update(real=torch.ones(64))
    assert augmentation.observed()["augment/p"].item() == pytest.approx(2 * 4 * 64 / 500_000)


def test_p_stays_between_0_and_1_and_rests_on_the_target():
    augmentation = built(interval=1, speed=0.004, target=0.0)
    ps = []
    for value in (-1.0, 1.0, 1.0, 1.0, 0.0, -1.0):
        augmentation.after_update(real=torch.full((3,), value))
        ps.append(augmentation.observed()["augment/p"].item())
    assert ps == pytest.approx([0, 0.75, 1, 1, 1, 0.25])


def test_a_fixed_p_does_not_move():
    augmentation = at(0.25)
    for _ in range(4):
        augmentation.after_update(real=torch.ones(64))
    assert augmentation.observed()["augment/p"].item() == 0.25
    assert augmentation.state_dict() == {}
    augmentation.load_state_dict({})


@pytest.mark.parametrize("stop", range(9))
def test_the_state_goes_on_where_it_was(stop):
    generator = torch.Generator().manual_seed(0)
    batches = [torch.randn(5, generator=generator) + 0.8 for _ in range(9)]
    whole, first, second = (built(speed=0.1) for _ in range(3))
    for real in batches:
        whole.after_update(real=real)
    for real in batches[:stop]:
        first.after_update(real=real)
    second.load_state_dict({name: value.clone() for name, value in first.state_dict().items()})
    for real in batches[stop:]:
        second.after_update(real=real)
    assert whole.state_dict().keys() == second.state_dict().keys()
    for name, value in whole.state_dict().items():
        assert torch.equal(second.state_dict()[name], value)


def test_p_takes_part_in_the_transform_at_once():
    augmentation, images, draws = built(interval=1, speed=0.001), images_of(1, 3, 8, 8), draws_of("flip", flip=0.7)
    assert torch.equal(augmentation(images, draws), images)
    augmentation.after_update(real=torch.ones(1))
    assert torch.equal(augmentation(images, draws), images.flip(3))


def test_what_it_cannot_transform_is_refused():
    with pytest.raises(ConfigError, match=r"shape \(2,\)"):
        Ada().build(DataSpec(shape=(2,)))
    with pytest.raises(ConfigError, match="4 channels") as caught:
        Ada().build(DataSpec(shape=(4, 8, 8)))
    flag, assignment = shlex.split(caught.value.hint)
    assert flag == "--set"
    Ada(groups=parse_assignments([assignment])["augment.ada.groups"]).build(DataSpec(shape=(4, 8, 8)))
    assert Ada(groups=("blit",)).build(DataSpec(shape=(4, 8, 8)))(torch.zeros(1, 4, 8, 8), draws_of()).shape[1] == 4
    for options in ({"groups": ()}, {"groups": ("blit", "blit")}, {"fixed": 1.5}, {"interval": 0}, {"speed": 0}):
        with pytest.raises(ValidationError):
            Ada(**options)
