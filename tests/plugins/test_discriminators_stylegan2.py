"""StyleGAN2's critic: the sizes that its authors print, and its formula with the filter tap by tap."""

from __future__ import annotations

from math import sqrt

import pytest
import torch
import torch.nn.functional as F
from ganzoo_discriminators.stylegan2 import Stylegan2

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec


def spec_of(*shape):
    return DataSpec(shape=shape)


def images_of(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1


def built(options, *shape):
    torch.manual_seed(0)
    network = options.build(spec_of(*shape)).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_()
    return network


@pytest.mark.parametrize(
    ("side", "ndf", "printed"),
    [
        (1024, 32, 29_012_513),  # configuration F
        (256, 64, 24_001_089),  # paper256 of stylegan2-ada-pytorch
        # 32 px, all of width 512: from RGB, three blocks, the last convolution, two linear layers.
        (32, 512, 2048 + 3 * (2 * 2_359_808 + 512**2) + 513 * 512 * 9 + 512 + 8192 * 512 + 512 + 513),
    ],
)
def test_sizes_are_those_that_the_authors_print(side, ndf, printed):
    with torch.device("meta"):
        network = Stylegan2(ndf=ndf).build(spec_of(3, side, side))
    assert sum(parameter.numel() for parameter in network.parameters()) == printed


@pytest.mark.parametrize(("side", "sides"), [(8, [8, 4]), (28, [28, 14, 7]), (64, [64, 32, 16, 8, 4])])
def test_shapes_of_maps_and_logits(side, sides):
    with torch.device("meta"):
        output = Stylegan2(ndf=2).build(spec_of(3, side, side))(torch.empty(4, 3, side, side))
    assert output.logits.shape == (4,)
    assert [feature.shape[-1] for feature in output.features] == sides


def filtered(maps, *, padding):
    taps = [1 / 8, 3 / 8, 3 / 8, 1 / 8]
    maps = F.pad(maps, [padding] * 4)
    rows = sum(tap * maps[:, :, i : maps.shape[2] - 3 + i] for i, tap in enumerate(taps))
    return sum(tap * rows[:, :, :, j : maps.shape[3] - 3 + j] for j, tap in enumerate(taps))


def activated(values):
    return sqrt(2) * torch.where(values > 0, values, 0.2 * values)


def scaled(layer):
    return layer.weight / sqrt(layer.weight[0].numel())


@pytest.mark.parametrize("minibatch", ["stddev", "none"])
def test_it_computes_its_formula(minibatch):
    network = built(Stylegan2(ndf=2, minibatch=minibatch), 3, 16, 16)
    images = images_of(8, 3, 16, 16)
    maps = activated(F.conv2d(images, scaled(network.from_image), network.from_image.bias))
    for block in network.blocks:
        out, shortcut = block.out[1], block.shortcut[1]
        hidden = activated(F.conv2d(maps, scaled(block.into), block.into.bias, padding=1))
        hidden = activated(F.conv2d(filtered(hidden, padding=2), scaled(out), out.bias, stride=2))
        maps = (F.conv2d(filtered(maps, padding=1)[:, :, ::2, ::2], scaled(shortcut)) + hidden) / sqrt(2)
    if minibatch == "stddev":
        groups = [[number, number + 2, number + 4, number + 6] for number in (0, 1)]
        spread = torch.empty(8, dtype=torch.float64)
        for group in groups:
            spread[group] = (maps[group].var(0, correction=0) + 1e-8).sqrt().mean()
        maps = torch.cat([maps, spread[:, None, None, None].expand(8, 1, 4, 4)], dim=1)
    maps = activated(F.conv2d(maps, scaled(network.last), network.last.bias, padding=1))
    hidden = activated(maps.flatten(1) @ scaled(network.hidden).T + network.hidden.bias)
    expected = hidden @ scaled(network.to_logit)[0] + network.to_logit.bias
    torch.testing.assert_close(network(images).logits, expected, rtol=1e-9, atol=1e-9)


def test_without_stddev_samples_are_judged_independently():
    assert not Stylegan2(minibatch="none").tags() & {"batch_coupled_always", "groups_of_four"}
    network = built(Stylegan2(ndf=2, minibatch="none"), 1, 8, 8)
    images = images_of(3, 1, 8, 8)
    torch.testing.assert_close(network(images).logits[1:2], network(images[1:2]).logits)


def test_what_cannot_be_built_is_refused_with_the_reason():
    with pytest.raises(ConfigError, match=r"stylegan2 halves[\s\S]*--image-size 32"):
        Stylegan2().build(spec_of(3, 36, 36))
    with pytest.raises(ConfigError, match="groups of 4"):
        Stylegan2(ndf=2).build(spec_of(1, 8, 8))(torch.zeros(6, 1, 8, 8))
