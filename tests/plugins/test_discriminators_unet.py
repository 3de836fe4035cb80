"""The U-Net: shapes, the authors' layout, an independent forward pass, which logit trains what."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from ganzoo_discriminators.unet import Unet
from torch.nn.utils.parametrizations import _SpectralNorm

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec
from ganzoo.training import spectral


def spec_of(*shape):
    return DataSpec(shape=shape)


def images_of(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


def built(options, *shape):
    torch.manual_seed(0)
    return options.build(spec_of(*shape))


@pytest.mark.parametrize("side", [8, 12, 28, 32, 64, 128])
@pytest.mark.parametrize("channels", [1, 3])
def test_one_logit_an_image_and_one_a_pixel(side, channels):
    with spectral.on_meta():
        network = Unet(ndf=4).build(spec_of(channels, side, side))
        output = network(torch.empty(2, channels, side, side))
    assert output.logits.shape == (2,)
    assert [tuple(extra.shape) for extra in output.extra_logits] == [(2, 1, side, side)]
    assert network.receptive_field() is None
    assert "patch" not in Unet().tags()
    assert output.class_logits is None


@pytest.mark.parametrize(
    ("side", "widths", "decoder"),
    [
        (128, [3, 1, 2, 4, 8, 16], [(16, 8), (16, 4), (8, 2), (4, 1), (2, 1)]),
        (256, [3, 1, 2, 4, 8, 8, 16], [(16, 8), (16, 8), (16, 4), (8, 2), (4, 1), (2, 1)]),
    ],
)
def test_layout_is_that_of_the_authors(side, widths, decoder):
    """Pairs of widths as in the authors' tables, in multiples of 64."""

    def convolution(before, after, kernel):
        return before * after * kernel**2 + after

    def block(before, after):
        return convolution(before, after, 3) + convolution(after, after, 3) + convolution(before, after, 1)

    encoder = [(before * 64 if index else 3, after * 64) for index, (before, after) in enumerate(pairwise(widths))]
    expected = sum(block(*pair) for pair in encoder) + sum(block(64 * before, 64 * after) for before, after in decoder)
    with spectral.on_meta():
        network = Unet().build(spec_of(3, side, side))
        features = network(torch.empty(1, 3, side, side)).features
    assert sum(parameter.numel() for parameter in network.parameters()) == expected + (1024 + 1) + (64 + 1)
    assert [feature.shape[1] for feature in features] == [after for _, after in encoder] + [64 * b for _, b in decoder]


def reference(network, images):
    """Both kinds of logits in the authors' order of operations, on the weights of ``network``."""

    def convolve(layer, maps):
        return F.conv2d(maps, layer.weight, layer.bias, padding=layer.weight.shape[-1] // 2)

    def averaged(maps):
        return maps.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).mean(dim=(3, 5))

    def repeated(maps):
        return maps.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    down, maps = [], images
    for index, block in enumerate(network.encoder):
        residual = maps.clamp(min=0) if index else maps
        residual = averaged(convolve(block.out, convolve(block.into, residual).clamp(min=0)))
        maps = residual + averaged(convolve(block.shortcut, maps))
        down.append(maps)
    logit = maps.clamp(min=0).sum(dim=(2, 3)) @ network.to_logit.weight[0] + network.to_logit.bias
    for index, block in enumerate(network.decoder):
        if index:
            maps = torch.cat([maps, down[-1 - index]], dim=1)
        residual = convolve(block.out, convolve(block.into, repeated(maps.clamp(min=0))).clamp(min=0))
        maps = residual + convolve(block.shortcut, repeated(maps))
    return logit, convolve(network.to_pixel_logits, maps)


@pytest.mark.parametrize("side", [8, 24, 32])
def test_logits_are_those_of_an_independent_forward_pass(side):
    network = built(Unet(ndf=3), 3, side, side).double().eval()
    images = images_of(2, 3, side, side).double()
    output = network(images)
    logit, pixels = reference(network, images)
    torch.testing.assert_close(output.logits, logit, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(output.extra_logits[0], pixels, rtol=1e-9, atol=1e-12)


def test_the_decoder_sees_the_maps_of_the_encoder():
    """Without the skip connections a pixel logit would depend on its pixel only through 4×4 maps."""
    network = built(Unet(ndf=4), 1, 32, 32).double().eval()
    images = images_of(1, 1, 32, 32).double().requires_grad_(True)
    pixels = network(images).extra_logits[0]
    (gradient,) = torch.autograd.grad(pixels[0, 0, 16, 16], images)
    near = gradient[0, 0, 14:19, 14:19].abs().mean()
    assert near > 3 * gradient.abs().mean()


def test_the_global_logit_trains_the_encoder_and_the_pixel_logits_everything_but_its_head():
    network = built(Unet(ndf=4), 3, 16, 16).double()
    images = images_of(3, 3, 16, 16).double()

    def learning(value):
        network.zero_grad()
        value.backward()
        return {name for name, p in network.named_parameters() if p.grad is not None and p.grad.any()}

    everything = {name for name, _ in network.named_parameters()}
    head = {name for name in everything if name.startswith("to_logit")}
    encoder = {name for name in everything if name.startswith("encoder")}
    assert learning(network(images).logits.square().sum()) == encoder | head
    assert learning(network(images).extra_logits[0].square().sum()) == everything - head


def test_every_weight_is_in_a_penalty_on_both_kinds_of_logits():
    network = built(Unet(ndf=4), 1, 16, 16).double()
    images = images_of(2, 1, 16, 16).double().requires_grad_(True)
    output = network(images)
    total = output.logits.sum() + output.extra_logits[0].mean(dim=(1, 2, 3)).sum()
    (gradient,) = torch.autograd.grad(total, images, create_graph=True)
    gradient.square().sum().backward()
    weights = [parameter for parameter in network.parameters() if parameter.dim() >= 2]
    assert all(weight.grad is not None and weight.grad.any() and weight.grad.isfinite().all() for weight in weights)


def test_spectral_norm_is_on_every_weight_which_starts_orthogonal():
    network = built(Unet(ndf=4), 3, 32, 32)
    matrices = {name: parameter for name, parameter in network.named_parameters() if parameter.dim() >= 2}
    assert all(name.endswith("parametrizations.weight.original") for name in matrices)
    assert len(matrices) == sum(isinstance(module, _SpectralNorm) for module in network.modules())
    for name, weight in matrices.items():
        if not name.startswith("to_logit"):
            values = torch.linalg.svdvals(weight.detach().flatten(1))
            torch.testing.assert_close(values, torch.ones_like(values), rtol=1e-4, atol=1e-4)
    for _ in range(30):
        spectral.iterate(network)
    assert all(0.98 <= norm <= 1.02 for norm in spectral.norms(network).values())
    assert not any(parameter.any() for name, parameter in network.named_parameters() if name.endswith("bias"))


def test_features_are_left_as_they_were():
    network = built(Unet(ndf=4), 1, 32, 32).eval()
    seen = []
    for block in (*network.encoder, *network.decoder):
        block.register_forward_hook(lambda module, before, after: seen.append(after.clone()))
    images = images_of(2, 1, 32, 32)
    kept = images.clone()
    output = network(images)
    assert torch.equal(images, kept)
    assert len(output.features) == 6
    assert all(torch.equal(feature, activation) for feature, activation in zip(output.features, seen, strict=True))
    assert torch.equal(network(images).extra_logits[0], output.extra_logits[0])


@pytest.mark.parametrize("shape", [(1, 16, 32), (1, 18, 18), (1, 4, 4), (2,)])
def test_images_that_do_not_fit_are_refused(shape):
    with pytest.raises(ConfigError, match="unet"):
        Unet().build(spec_of(*shape))


def test_width_goes_with_the_size():
    assert [Unet().resolve(spec_of(1, side, side)).ndf for side in (32, 64)] == [32, 64]
