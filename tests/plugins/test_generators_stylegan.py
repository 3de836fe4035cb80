"""The StyleGAN2-style generator against loops over samples, published sizes, and closed forms."""

from __future__ import annotations

from math import sqrt

import pytest
import torch
import torch.nn.functional as F
from ganzoo_blocks.equalized import ScaledLinear
from ganzoo_blocks.smoothing import SmoothDoubling, Smoothing
from ganzoo_generators.modulation import ModulatedConvolution, StyledConvolution
from ganzoo_generators.stylegan import Stylegan
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec


def spec_of(*shape, classes=0):
    names = tuple(f"class {number}" for number in range(classes))
    return DataSpec(
        shape=shape, classes=names, marginal=(1 / classes,) * classes if classes else (), conditional=bool(classes)
    )


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def small(*, side=16, channels=1, classes=0, **options):
    torch.manual_seed(0)
    return Stylegan(ngf=2, latent=3, **options).build(spec_of(channels, side, side, classes=classes))


def scrambled(module):
    """No parameter at a value that would hide it, such as a noise of strength 0."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.5 * torch.randn_like(parameter))
    return module.double()


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_each_layer_has_the_size_the_authors_print():
    """The table that NVlabs/stylegan2-ada-pytorch prints at 512 px (its issues 182 and, below 512 px, 394 show it)."""
    with torch.device("meta"):
        network = Stylegan(latent=512, ngf=64, mapping_layers=8).build(spec_of(3, 512, 512))
    assert [parameters(layer) for layer in network.mapping_layers] == [262_656] * 8
    assert network.constant.numel() == 8_192
    assert (parameters(network.first), parameters(network.first_to_image)) == (2_622_465, 264_195)
    *blocks, _ = network.blocks
    sizes = [tuple(parameters(part) for part in (block.first, block.second, block.to_image)) for block in blocks]
    assert sizes[:4] == [(2_622_465, 2_622_465, 264_195)] * 4
    assert sizes[4:] == [(1_442_561, 721_409, 132_099), (426_369, 213_249, 66_051)]
    assert parameters(network.blocks[-1].first) == 139_457
    noises = [module.noise.numel() for module in network.modules() if isinstance(module, StyledConvolution)]
    assert noises == [16] + [side**2 for side in (8, 16, 32, 64, 128, 256, 512) for _ in range(2)]


def test_the_small_default_has_its_stated_size():
    with torch.device("meta"):
        assert parameters(Stylegan().build(spec_of(3, 32, 32))) == 1_391_347


@pytest.mark.parametrize(("side", "ngf"), [(8, 32), (56, 32), (64, 64), (256, 64)])
def test_width_goes_by_size(side, ngf):
    assert Stylegan().resolve(spec_of(3, side, side)) == Stylegan(ngf=ngf)
    assert Stylegan(ngf=7).resolve(spec_of(3, side, side)).ngf == 7


@settings(max_examples=15, deadline=None)
@given(
    side=st.sampled_from([8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64]),
    channels=st.integers(1, 4),
    batch=st.integers(1, 3),
    classes=st.sampled_from([0, 3]),
)
def test_images_have_the_shape_of_the_data_and_its_range(side, channels, batch, classes):
    network = small(side=side, channels=channels, classes=classes)
    z = network.latent(batch, generator=seeded())
    images = network(z, torch.arange(batch) % 3 if classes else None)
    assert z.shape == (batch, 3)
    assert images.shape == (batch, channels, side, side)
    assert images.abs().max() <= 1
    assert images.std() > 0


def doubled_by_hand(maps, weight):
    """Zeros between the pixels, the kernel, then the filter, tap by tap."""
    n, c, h, w = maps.shape
    spread = maps.new_zeros(n, c, 2 * h - 1, 2 * w - 1)
    spread[:, :, ::2, ::2] = maps
    kernel = weight.shape[-1]
    wide = F.conv2d(F.pad(spread, [kernel - 1] * 4), weight.flip(2, 3))
    return filtered_by_hand(F.pad(wide, [1] * 4)) * 4


def filtered_by_hand(maps):
    taps = [1 / 8, 3 / 8, 3 / 8, 1 / 8]
    rows = sum(tap * maps[:, :, i : maps.shape[2] - 3 + i] for i, tap in enumerate(taps))
    return sum(tap * rows[:, :, :, j : maps.shape[3] - 3 + j] for j, tap in enumerate(taps))


def convolved_by_hand(layer, maps, w, *, demodulate=True, double=False):
    """One sample at a time, with the weights of that sample written out as in the paper."""
    outputs = []
    for sample, style in zip(maps, w, strict=True):
        scales = layer.affine.weight @ style / sqrt(len(style)) + layer.affine.bias
        weight = layer.weight / sqrt(layer.weight[0].numel()) * scales[None, :, None, None]
        if demodulate:
            weight = torch.stack([filtering / (filtering.pow(2).sum() + 1e-8).sqrt() for filtering in weight])
        if double:
            outputs.append(doubled_by_hand(sample[None], weight))
        else:
            outputs.append(F.conv2d(sample[None], weight, padding=weight.shape[-1] // 2))
    return torch.cat(outputs)


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("demodulate", [True, False])
def test_modulated_convolution_is_one_convolution_a_sample(kernel, demodulate):
    layer = scrambled(ModulatedConvolution(3, 5, kernel=kernel, style=4, demodulate=demodulate))
    maps, w = torch.randn(4, 3, 6, 5, dtype=torch.float64), torch.randn(4, 4, dtype=torch.float64)
    torch.testing.assert_close(layer(maps, w), convolved_by_hand(layer, maps, w, demodulate=demodulate))


def test_modulated_convolution_that_doubles_is_one_convolution_a_sample():
    layer = scrambled(ModulatedConvolution(3, 5, kernel=3, style=4, double=True))
    maps, w = torch.randn(2, 3, 4, 5, dtype=torch.float64), torch.randn(2, 4, dtype=torch.float64)
    output = layer(maps, w)
    assert output.shape == (2, 5, 8, 10)
    torch.testing.assert_close(output, convolved_by_hand(layer, maps, w, double=True))


def test_demodulated_filters_have_length_one_whatever_the_style():
    """What a pixel sees of the 3×3 patch around it are the weights themselves."""
    layer = scrambled(ModulatedConvolution(6, 4, kernel=3, style=4))
    w = 30 * torch.randn(1, 4, dtype=torch.float64)
    patch = torch.zeros(1, 6, 3, 3, dtype=torch.float64)
    filters = torch.autograd.functional.jacobian(lambda maps: layer(maps, w)[0, :, 1, 1], patch)
    torch.testing.assert_close(filters.flatten(1).norm(dim=1), torch.ones(4, dtype=torch.float64), rtol=1e-6, atol=0)
    layer.demodulate = False
    filters = torch.autograd.functional.jacobian(lambda maps: layer(maps, w)[0, :, 1, 1], patch)
    assert not torch.allclose(filters.flatten(1).norm(dim=1), torch.ones(4, dtype=torch.float64), rtol=0.1)


def test_demodulation_keeps_the_variance_of_independent_inputs():
    torch.manual_seed(0)
    layer = ModulatedConvolution(16, 8, kernel=3, style=4)
    output = layer(torch.randn(16, 16, 34, 34), 5 * torch.randn(16, 4))[:, :, 1:-1, 1:-1]
    assert output.var().item() == pytest.approx(1, abs=0.05)


def test_a_style_of_zero_changes_nothing_at_first():
    torch.manual_seed(0)
    layer = ModulatedConvolution(3, 5, kernel=3, style=4, demodulate=False)
    maps = torch.randn(2, 3, 4, 4)
    plain = F.conv2d(maps, layer.weight / sqrt(27), padding=1)
    torch.testing.assert_close(layer(maps, torch.zeros(2, 4)), plain)


@pytest.mark.parametrize("rate", [1.0, 0.01])
def test_scaled_linear_learns_at_its_rate_whatever_its_width(rate):
    """Adam's first step moves every stored number by the learning rate, so what is used moves by rate/√fan_in of it."""
    torch.manual_seed(0)
    layer = ScaledLinear(25, 1000, bias=0.5, rate=rate).double()

    def used():
        with torch.no_grad():
            bias = layer(torch.zeros(1, 25, dtype=torch.float64))[0]
            return (layer(torch.eye(25, dtype=torch.float64)) - bias).T, bias

    weight, bias = used()
    assert weight.std().item() == pytest.approx(1 / 5, rel=0.02)
    torch.testing.assert_close(bias, torch.full_like(bias, 0.5))
    layer(torch.randn(4, 25, dtype=torch.float64)).sum().backward()
    torch.optim.Adam(layer.parameters(), lr=1e-3, eps=0).step()
    moved_weight, moved_bias = used()
    torch.testing.assert_close(
        (moved_weight - weight).abs(), torch.full_like(weight, 1e-3 * rate / 5), rtol=1e-6, atol=1e-12
    )
    torch.testing.assert_close((moved_bias - bias).abs(), torch.full_like(bias, 1e-3 * rate), rtol=1e-6, atol=1e-12)


def test_doubling_of_images_is_bilinear_inside():
    images = torch.randn(2, 3, 5, 6, dtype=torch.float64)
    doubled = SmoothDoubling().double()(images)
    bilinear = F.interpolate(images, scale_factor=2, mode="bilinear", align_corners=False)
    assert doubled.shape == bilinear.shape
    torch.testing.assert_close(doubled[:, :, 1:-1, 1:-1], bilinear[:, :, 1:-1, 1:-1])
    spread = images.new_zeros(2, 3, 10, 12)
    spread[:, :, ::2, ::2] = images
    torch.testing.assert_close(doubled, 4 * filtered_by_hand(F.pad(spread, [2, 1, 2, 1])))


def test_smoothing_is_the_filter_and_keeps_a_constant():
    maps = torch.randn(2, 3, 5, 6, dtype=torch.float64)
    smoothed = Smoothing().double()(maps)
    assert smoothed.shape == (2, 3, 4, 5)
    torch.testing.assert_close(smoothed, filtered_by_hand(F.pad(maps, [1] * 4)))
    inside = Smoothing(gain=4)(torch.ones(1, 2, 6, 6))[:, :, 1:-1, 1:-1]
    torch.testing.assert_close(inside, torch.full_like(inside, 4))


def activated_by_hand(values):
    return sqrt(2) * torch.where(values > 0, values, 0.2 * values)


def normalized_by_hand(values):
    return values / (values.pow(2).mean(dim=1, keepdim=True) + 1e-8).sqrt()


def styled_by_hand(layer, maps, w, *, double=False):
    maps = convolved_by_hand(layer.convolution, maps, w, double=double) + layer.strength * layer.noise
    return activated_by_hand(maps + layer.bias[:, None, None])


def image_by_hand(layer, maps, w):
    return convolved_by_hand(layer.convolution, maps, w, demodulate=False) + layer.bias[:, None, None]


def test_stylegan_computes_its_formula():
    network = scrambled(small(side=16, channels=3, classes=2, mapping_layers=3)).eval()
    z, labels = network.latent(3, generator=seeded()).double(), torch.tensor([1, 0, 1])
    w = torch.cat([normalized_by_hand(z), normalized_by_hand(network.label_embedding.weight[labels])], dim=1)
    for layer in network.mapping_layers:
        fan_in = layer.weight.shape[1]
        w = activated_by_hand(0.01 * (w @ layer.weight.T / sqrt(fan_in) + layer.bias))
    torch.testing.assert_close(network.mapping(z, labels), w)
    maps = styled_by_hand(network.first, network.constant.repeat(3, 1, 1, 1), w)
    image = image_by_hand(network.first_to_image, maps, w)
    for block in network.blocks:
        maps = styled_by_hand(block.second, styled_by_hand(block.first, maps, w, double=True), w)
        image = block.doubling(image) + image_by_hand(block.to_image, maps, w)
    torch.testing.assert_close(network.synthesis(w), torch.tanh(image))
    torch.testing.assert_close(network(z, labels), torch.tanh(image))


def test_the_length_of_z_does_not_count():
    network = small().double()
    z = network.latent(4, generator=seeded()).double()
    torch.testing.assert_close(network.mapping(5 * z), network.mapping(z))


def test_in_evaluation_images_are_a_function_of_z_alone():
    network = scrambled(small()).eval()
    z = network.latent(3, generator=seeded()).double()
    before = torch.get_rng_state()
    images = network(z)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(images, network(z))
    torch.testing.assert_close(images[:1], network(z[:1]))


def test_noise_of_evaluation_is_kept_in_checkpoints():
    network, other = scrambled(small()).eval(), small().double().eval()
    other.load_state_dict(network.state_dict())
    z = network.latent(2, generator=seeded()).double()
    assert torch.equal(network(z), other(z))


def test_in_training_noise_is_drawn_anew_for_every_image_from_the_global_generator():
    network = scrambled(small())
    z = network.latent(1, generator=seeded()).double().expand(2, -1)
    torch.manual_seed(3)
    images = network(z)
    assert not torch.allclose(images[0], images[1])
    assert not torch.allclose(images, network(z))
    torch.manual_seed(3)
    assert torch.equal(images, network(z))


def test_noise_is_one_value_a_position_for_all_channels_and_starts_without_effect():
    torch.manual_seed(0)
    layer = StyledConvolution(2, 5, side=4, style=3).double()
    maps, w = torch.randn(2, 2, 4, 4, dtype=torch.float64), torch.randn(2, 3, dtype=torch.float64)
    assert torch.equal(layer(maps, w), layer(maps, w))
    nn.init.constant_(layer.strength, 0.3)
    nn.init.constant_(layer.bias, 100.0)  # all positive: the activation only scales
    noise = layer(maps, w) / sqrt(2) - 100 - layer.convolution(maps, w)
    torch.testing.assert_close(noise, noise[:, :1].expand_as(noise), atol=1e-9, rtol=0)
    assert not torch.allclose(noise[0], noise[1])


def test_samples_do_not_see_each_other():
    network = scrambled(small())
    for module in network.modules():
        if isinstance(module, StyledConvolution):
            nn.init.zeros_(module.strength)
    z = network.latent(4, generator=seeded()).double()
    torch.testing.assert_close(network(z)[2:3], network(z[2:3]))


def test_second_derivatives_of_the_layers_are_right():
    for double in (False, True):
        layer = scrambled(ModulatedConvolution(2, 2, kernel=3, style=2, double=double))
        maps = torch.randn(2, 2, 2, 2, dtype=torch.float64, requires_grad=True)
        w = torch.randn(2, 2, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradgradcheck(layer, (maps, w))


def test_a_penalty_on_path_lengths_reaches_every_weight_of_the_synthesis():
    network = scrambled(small(side=16, channels=3))
    z = network.latent(4, generator=seeded()).double()
    w = network.mapping(z)
    images = network.synthesis(w)
    direction = torch.randn(images.shape, dtype=torch.float64) / 16
    (gradient,) = torch.autograd.grad((images * direction).sum(), w, create_graph=True)
    assert gradient.shape == (4, 3)
    (gradient.square().sum(dim=1).sqrt() - 1).square().mean().backward()
    without = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


def test_labels_decide_what_a_conditional_generator_makes():
    network = small(classes=3).eval()
    z = network.latent(1, generator=seeded()).expand(3, -1)
    images = network(z, torch.tensor([0, 1, 0]))
    torch.testing.assert_close(images[0], images[2])
    assert not torch.allclose(images[0], images[1])
    for call in (network, network.mapping):
        with pytest.raises(ConfigError, match="generator stylegan was built conditional, but got no labels"):
            call(z)


def test_an_unconditional_generator_does_not_look_at_labels():
    network = small().eval()
    z = network.latent(2, generator=seeded())
    assert torch.equal(network(z), network(z, torch.tensor([0, 1])))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (spec_of(2), r"generator stylegan works on images[\s\S]*shape \(2,\)"),
        (spec_of(3, 32, 64), "generator stylegan doubles[\\s\\S]*32×64"),
        (spec_of(3, 36, 36), "--image-size 32"),
        (DataSpec(shape=(3, 32, 32), conditional=True), "generator stylegan is asked to be conditional"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason(spec, message):
    with pytest.raises(ConfigError, match=message):
        Stylegan().build(spec)
