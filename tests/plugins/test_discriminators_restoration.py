"""Critics of super-resolution and tokenizers: published sizes, formulas by hand, what a logit sees, what is refused."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from ganzoo_discriminators.patchgan_blur import PatchganBlur
from ganzoo_discriminators.unet_sn import UnetSn
from ganzoo_discriminators.vgg_style import VggStyle

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec
from ganzoo.training import spectral


def spec_of(*shape):
    return DataSpec(shape=shape)


def images_of(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1


def built(options, *shape):
    torch.manual_seed(0)
    network = options.build(spec_of(*shape)).double()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.normal_()
    return network


def parameters(options, *shape):
    with spectral.on_meta():
        return sum(parameter.numel() for parameter in options.build(spec_of(*shape)).parameters())


@pytest.mark.parametrize(
    ("options", "shape", "published"),
    [
        # The first two are the numbers that BasicSR logs.
        (UnetSn(), (3, 128, 128), 4_376_897),
        (VggStyle(), (3, 128, 128), 14_499_401),
        # One octave of width 512 more: 512²·(9 + 16) weights and two BatchNorms.
        (VggStyle(), (3, 256, 256), 14_499_401 + 512**2 * 25 + 4 * 512),
        (
            UnetSn(ndf=32),
            (1, 64, 64),
            9 * 32 + 32 + 32**2 * (2 + 8 + 32) * 16 + 32**2 * (32 + 8 + 2 + 2) * 9 + 9 * 32 + 1,
        ),
    ],
)
def test_sizes_are_the_published_ones(options, shape, published):
    assert parameters(options, *shape) == published


@pytest.mark.parametrize(
    ("options", "side"), [(UnetSn(), 128), (VggStyle(), 128), (VggStyle(), 256), (PatchganBlur(n_layers=3), 128)]
)
def test_the_sizes_that_a_page_names_are_those_of_the_network(options, side):
    assert f"{parameters(options, 3, side, side):,}" in type(options).__doc__


@pytest.mark.parametrize(("ndf", "n_layers"), [(128, 3), (64, 3), (128, 4)])
def test_patchgan_blur_has_the_size_of_its_convolutions_and_norms(ndf, n_layers):
    widths = [ndf, *(ndf * 2**number for number in range(n_layers))]
    stages = sum(9 * before * after + 3 * after for before, after in pairwise(widths))
    expected = 75 * ndf + ndf + stages + widths[-1] ** 2 + widths[-1] + 25 * widths[-1] + 1
    assert parameters(PatchganBlur(ndf=ndf, n_layers=n_layers), 3, 128, 128) == expected
    assert expected == 1_909_889 or (ndf, n_layers) != (128, 3)


@pytest.mark.parametrize(
    ("options", "height", "width", "logits"),
    [
        (UnetSn(ndf=2), 8, 8, (2, 1, 8, 8)),
        (UnetSn(ndf=2), 64, 32, (2, 1, 64, 32)),
        (UnetSn(ndf=2), 128, 128, (2, 1, 128, 128)),
        (VggStyle(ndf=2), 32, 32, (2,)),
        (VggStyle(ndf=2), 128, 128, (2,)),
        (VggStyle(ndf=2), 28, 28, (2,)),
        (PatchganBlur(ndf=2), 256, 256, (2, 1, 32, 32)),
        (PatchganBlur(ndf=2, n_layers=4), 128, 64, (2, 1, 8, 4)),
        (PatchganBlur(ndf=2), 28, 28, (2, 1, 7, 7)),
    ],
)
def test_shapes_of_logits(options, height, width, logits):
    with spectral.on_meta():
        network = options.build(spec_of(3, height, width))
        assert network(torch.empty(2, 3, height, width)).logits.shape == logits


def lrelu(values, slope):
    return torch.where(values > 0, values, slope * values)


def convolved(layer, maps, *, stride=1):
    return F.conv2d(maps, layer.weight, layer.bias, stride, padding=layer.weight.shape[-1] // 2 - (stride > 1))


def test_unet_sn_computes_its_formula():
    network = built(UnetSn(ndf=3), 3, 16, 24).eval()
    images = images_of(2, 3, 16, 24)

    def doubled(maps):
        """Bilinear: along each axis a quarter of the neighbor, the border continued outward."""
        for axis in (2, 3):
            count = maps.shape[axis]
            before = maps.index_select(axis, torch.arange(-1, count - 1).clamp(min=0))
            after = maps.index_select(axis, torch.arange(1, count + 1).clamp(max=count - 1))
            pairs = torch.stack([0.75 * maps + 0.25 * before, 0.75 * maps + 0.25 * after], dim=axis + 1)
            maps = pairs.flatten(axis, axis + 1)
        return maps

    e = [lrelu(convolved(network.from_image, images), 0.2)]
    for layer in network.down:
        e.append(lrelu(F.conv2d(e[-1], layer.weight, None, 2, 1), 0.2))
    maps = e[3]
    for layer, beside in zip(network.up, (e[2], e[1], e[0]), strict=True):
        maps = lrelu(convolved(layer, doubled(maps)), 0.2) + beside
    for layer in network.last:
        maps = lrelu(convolved(layer, maps), 0.2)
    output = network(images)
    torch.testing.assert_close(output.logits, convolved(network.to_logits, maps), rtol=1e-9, atol=1e-12)
    assert [feature.shape[1] for feature in output.features] == [3, 6, 12, 24, 12, 6, 3, 3, 3]


def test_unet_sn_has_spectral_norm_and_no_bias_except_at_both_ends():
    network = UnetSn(ndf=2).build(spec_of(3, 16, 16))
    plain = {"from_image.weight", "from_image.bias", "to_logits.weight", "to_logits.bias"}
    names = {name for name, _ in network.named_parameters()}
    assert len(names - plain) == 8
    assert all(name.endswith("parametrizations.weight.original") for name in names - plain)
    assert plain <= names


def test_vgg_style_computes_its_formula():
    network = built(VggStyle(ndf=3), 3, 16, 16).train()
    maps = images = images_of(3, 3, 16, 16)
    convolutions = [layer[0] for layer in network.layers]
    for number, layer in enumerate(convolutions):
        assert (layer.bias is None) == (number > 0)
        maps = F.conv2d(maps, layer.weight, layer.bias, 1 + number % 2, 1)
        if number:
            variance, mean = torch.var_mean(maps, dim=(0, 2, 3), correction=0, keepdim=True)
            norm = network.layers[number][1]
            maps = (maps - mean) / (variance + 1e-5).sqrt() * norm.weight[:, None, None] + norm.bias[:, None, None]
        maps = lrelu(maps, 0.2)
    hidden, last = network.to_logit[1], network.to_logit[3]
    expected = lrelu(maps.flatten(1) @ hidden.weight.T + hidden.bias, 0.2) @ last.weight[0] + last.bias
    torch.testing.assert_close(network(images).logits, expected, rtol=1e-9, atol=1e-12)
    assert [layer.kernel_size[0] for layer in convolutions] == [3, 4, 3, 4]


def test_vgg_style_at_128_px_has_the_ten_convolutions_of_the_authors():
    with spectral.on_meta():
        network = VggStyle().build(spec_of(3, 128, 128))
    shapes = [tuple(layer[0].weight.shape[:2]) for layer in network.layers]
    widths = [(64, 3), (64, 64), (128, 64), (128, 128), (256, 128), (256, 256), (512, 256), *[(512, 512)] * 3]
    assert shapes == widths
    assert network.to_logit[1].in_features == 512 * 4 * 4


def test_vgg_style_without_norm_judges_samples_independently():
    assert not VggStyle(norm="none").tags() & {"batch_coupled_train", "batch_nonlinear"}
    network = built(VggStyle(ndf=2, norm="none"), 1, 8, 8).train()
    images = images_of(3, 1, 8, 8)
    torch.testing.assert_close(network(images).logits[1:2], network(images[1:2]).logits)


@pytest.mark.parametrize("halving", ["blur", "average"])
def test_patchgan_blur_computes_its_formula(halving):
    network = built(PatchganBlur(ndf=4, n_layers=2, halving=halving), 3, 16, 8).train()
    images = images_of(2, 3, 16, 8)
    taps = torch.tensor([1, 3, 3, 1]).double() / 8

    def halved(maps):
        if halving == "average":
            return maps.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).mean(dim=(3, 5))
        padded = F.pad(maps, (1, 1, 1, 1))
        rows = sum(tap * padded[:, :, i : i + maps.shape[2] : 2] for i, tap in enumerate(taps))
        return sum(tap * rows[:, :, :, j : j + maps.shape[3] : 2] for j, tap in enumerate(taps))

    maps = lrelu(convolved(network.from_image[0], images), 0.1)
    for stage, groups in zip(network.stages, (2, 4), strict=True):
        maps = halved(convolved(stage[0], maps))
        grouped = maps.unflatten(1, (groups, -1)).flatten(2)
        variance, mean = torch.var_mean(grouped, dim=2, correction=0, keepdim=True)
        maps = ((grouped - mean) / (variance + 1e-5).sqrt()).view_as(maps)
        maps = lrelu(maps * stage[2].weight[:, None, None] + stage[2].bias[:, None, None], 0.1)
    maps = convolved(network.to_logits[2], lrelu(convolved(network.to_logits[0], maps), 0.1))
    torch.testing.assert_close(network(images).logits, maps, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("halving", "fields"), [("blur", [18, 36, 72, 144, 288]), ("average", [16, 30, 58, 114, 226])])
def test_patchgan_blur_sees_what_its_page_says(halving, fields):
    """That the number is right is measured by the kit, for both ways of halving."""
    networks = (PatchganBlur(ndf=2, n_layers=depth, halving=halving).build(spec_of(3, 64, 64)) for depth in range(1, 6))
    assert [network.receptive_field() for network in networks] == fields


def test_patchgan_blur_does_not_see_other_samples_in_training():
    network = built(PatchganBlur(ndf=4), 3, 16, 16).train()
    images = images_of(3, 3, 16, 16)
    torch.testing.assert_close(network(images).logits[2:], network(images[2:]).logits)


def test_patchgan_blur_has_the_published_groups():
    network = PatchganBlur(n_layers=1).build(spec_of(3, 32, 32))
    assert network.stages[0][2].num_groups == 32
    assert PatchganBlur(ndf=64, n_layers=1).build(spec_of(3, 32, 32)).stages[0][2].num_groups == 32


@pytest.mark.parametrize(
    ("options", "shape", "said"),
    [
        (UnetSn(), (3, 28, 32), r"28×32[\s\S]*multiples of 8[\s\S]*--image-size 24"),
        (UnetSn(), (2,), "unet-sn works on images"),
        (VggStyle(), (3, 36, 36), r"vgg-style halves[\s\S]*--image-size 32"),
        (VggStyle(), (3, 32, 64), "32×64"),
        (PatchganBlur(n_layers=4), (3, 16, 16), r"n_layers up to 3[\s\S]*discriminator.n_layers=3"),
        (PatchganBlur(), (3, 15, 16), r"15×16, n_layers 1[\s\S]*even[\s\S]*--image-size 32"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason(options, shape, said):
    with pytest.raises(ConfigError, match=said):
        options.build(spec_of(*shape))
