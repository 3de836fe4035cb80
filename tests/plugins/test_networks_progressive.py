"""Progressive GAN's networks: the published sizes, the blend at a given level of detail, growth that is resumed."""

from __future__ import annotations

import copy

import pytest
import torch
from comparing import assert_same_outcome
from ganzoo_blocks.growth import Growth, widths_of
from ganzoo_discriminators.progressive import Progressive as Critic
from ganzoo_generators.progressive import Progressive, pixel_norm
from rich.console import Console
from test_runs import stop_at, tiny
from torch.nn import functional as F

import ganzoo
from ganzoo.errors import ConfigError, Interrupted
from ganzoo.protocols import DataSpec
from ganzoo.registry import Registry
from ganzoo.runs import session
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.run import load_generator, read_config

SPEC = DataSpec(shape=(3, 16, 16))


def both(**options):
    torch.manual_seed(0)
    return Progressive(width=4, latent=5, **options).build(SPEC), Critic(width=4, **options).build(SPEC)


def at(lod, *networks):
    for network in networks:
        network.set_scheduled("lod", lod)


def test_sizes_at_1024_are_those_of_table_2():
    spec = DataSpec(shape=(3, 1024, 1024))
    built = (Progressive(width=512, latent=512, lod=8).build(spec), Critic(width=512, lod=8).build(spec))
    found = [sum(parameter.numel() for parameter in network.parameters()) for network in built]
    assert [f"{number / 1e6:.1f}" for number in found] == ["23.1", "23.1"]
    assert widths_of(512, 4, 8) == [512, 512, 512, 512, 256, 128, 64, 32, 16]


def test_widths_shrink_as_sides_grow_beyond_32():
    assert widths_of(64, 4, 4) == [64, 64, 64, 64, 32]
    assert widths_of(64, 5, 4) == [64, 64, 64, 32 * 64 // 40, 32 * 64 // 80]
    for page in (Progressive.__doc__, Critic.__doc__):
        assert "``width`` up to 32 px, then ``width``·32/side, rounded down" in page


@pytest.mark.parametrize(
    ("lod", "top", "alpha"), [(2, 0, 1.0), (1.75, 1, 0.25), (1, 1, 1.0), (0.1, 2, 0.9), (0, 2, 1.0)]
)
def test_alpha_and_depth_at_a_level_of_detail(lod, top, alpha):
    growth = Growth(2.0, doublings=2)
    growth.set(lod)
    assert (growth.top, growth.fading) == (top, alpha < 1)
    assert growth.alpha(torch.zeros(1)).item() == pytest.approx(alpha, abs=1e-6)


def test_a_number_that_float32_rounds_to_a_whole_one_is_whole():
    growth = Growth(2.0, doublings=2)
    growth.set(2 - 1e-12)
    assert (growth.left_out, growth.fading, growth.alpha(torch.zeros(1)).item()) == (2, False, 1.0)


def test_what_fades_in_is_a_blend_of_the_two_levels():
    generator, critic = both(lod=2)
    z = torch.randn(4, 5)
    pictures = {}
    for lod in (1, 0.7, 0):
        at(lod, generator)
        with torch.no_grad():
            pictures[lod] = generator(z)
    inside = pictures[1].abs().lt(1) & pictures[0].abs().lt(1) & pictures[0.7].abs().lt(1)
    expected = 0.7 * pictures[1] + 0.3 * pictures[0]
    assert inside.sum() > 500
    assert torch.allclose(pictures[0.7][inside], expected[inside], atol=1e-6)
    # Each square of 4 by 4 pixels is one pixel of the smallest image.
    at(2, generator, critic)
    small = generator(z)
    assert torch.equal(small, F.interpolate(F.max_pool2d(small, 4), scale_factor=4, mode="nearest"))
    # The critic sees no more of real images than what is there of it.
    real = torch.rand(4, 3, 16, 16)
    reduced = F.interpolate(F.avg_pool2d(real, 4), scale_factor=4, mode="nearest")
    assert torch.allclose(critic(real).logits, critic(reduced).logits, atol=1e-5)


def test_growing_is_continuous_where_phases_meet():
    generator, critic = both(lod=2)
    z, real = torch.randn(4, 5), torch.rand(4, 3, 16, 16)
    for lod in (2, 1):
        answers = []
        for value in (lod, lod - 1e-5):
            at(value, generator, critic)
            answers.append((generator(z), critic(real).logits))
        for one, other in zip(*answers, strict=True):
            assert torch.allclose(one, other, atol=1e-3)


def test_layers_are_equalized_and_pixels_normed():
    torch.manual_seed(0)
    generator, _ = both()
    (layer, _) = generator.first
    assert layer.weight.std().item() == pytest.approx(1, abs=0.15)
    assert layer.scale == pytest.approx((2 / (4 * 9)) ** 0.5)
    assert generator.to_images["2"].scale == pytest.approx((1 / 4) ** 0.5)
    assert torch.allclose(pixel_norm(torch.randn(3, 6, 2, 2)).square().mean(1), torch.ones(3, 2, 2), atol=1e-6)


def test_loaded_weights_are_as_deep_as_they_were():
    generator, critic = both(lod=2)
    at(0.5, generator, critic)
    z = torch.randn(4, 5)
    for network, given in ((generator, z), (critic, torch.rand(4, 3, 16, 16))):
        fresh = dict(zip((generator, critic), both(lod=2), strict=True))[network]
        fresh.load_state_dict(network.state_dict())
        for other in (fresh, copy.deepcopy(network)):
            assert (other.growth.left_out, other.growth.fading) == (0, True)
        one, other = network(given), fresh(given)
        assert torch.equal(*((one, other) if network is generator else (one.logits, other.logits)))


def test_levels_that_were_not_there_at_the_beginning_are_refused():
    generator, _ = both(lod=1)
    with pytest.raises(ConfigError, match="lod can only fall from where the network begins, which is 1"):
        generator.set_scheduled("lod", 1.5)
    with pytest.raises(ConfigError, match="has 2 doublings for images of this size") as caught:
        both(lod=3)
    assert "--image-size 32" in caught.value.hint
    assert Progressive(width=4, lod=3).build(DataSpec(shape=(3, 32, 32))).growth.doublings == 3


FADE = {"images": [8, 40], "values": [2, 0]}


def growing(**schedules):
    config = tiny(
        loss="wgan",
        generator={"name": "progressive", "latent": 4, "width": 4},
        discriminator={"name": "progressive", "width": 4},
        regularizers={"gradient-penalty": {"weight": 10}},
        train={"steps": 12, "n_critic": 1, "sample_every": 12, "checkpoint_every": 4},
        schedules={"generator.lod": FADE, "discriminator.lod": FADE} | schedules,
    )
    del config["discriminator"]["ndf"], config["generator"]["ngf"]
    return config


def test_a_run_that_is_cut_in_the_middle_of_a_fade_resumes_bit_by_bit(tmp_path, monkeypatch):
    registry = Registry.load(plugins=False)
    config = growing()
    whole = ganzoo.run(config, out=tmp_path / "whole", registry=registry)
    stop_at(monkeypatch, 5)
    with pytest.raises(Interrupted):
        ganzoo.run(config, out=tmp_path / "cut", registry=registry)
    monkeypatch.undo()
    (path,) = (tmp_path / "cut").glob("0001-*")
    directory = RunDirectory(path)
    generator, _ = load_generator(directory, read_config(directory), ema=True)
    assert generator.growth.fading
    session.resume(registry, directory, console=Console(quiet=True))
    assert_same_outcome(whole.path, path)
    # lod is 2 for 8 images, then falls by 1 in 16: at step s, 4·(s − 1) images were seen before.
    found = [row["schedule/generator.lod"] for row in whole.metrics()]
    assert found == [2, 2, 2, 1.75, 1.5, 1.25, 1, 0.75, 0.5, 0.25, 0, 0]


@pytest.mark.parametrize(
    ("schedules", "said"),
    [
        ({"discriminator.lod": {**FADE, "values": [2, 1]}}, "must follow the same schedule"),
        ({"generator.lod": {**FADE, "values": [3, 0]}, "discriminator.lod": {**FADE, "values": [3, 0]}}, "2 doublings"),
        ({name: {**FADE, "values": [1, 2]} for name in ("generator.lod", "discriminator.lod")}, "lod can only fall"),
    ],
)
def test_growth_that_does_not_fit_is_refused(tmp_path, schedules, said):
    with pytest.raises(ConfigError, match=said):
        ganzoo.run(growing(**schedules), out=tmp_path, registry=Registry.load(plugins=False))
