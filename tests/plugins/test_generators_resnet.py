"""The residual generator: published sizes and layouts, its formula, class-conditional BatchNorm, attention."""

from __future__ import annotations

from math import sqrt

import pytest
import torch
import torch.nn.functional as F
from ganzoo_blocks.attention import SelfAttention
from ganzoo_generators.conditional_batch_norm import ConditionalBatchNorm
from ganzoo_generators.resnet import DoublingBlock, Resnet
from torch import nn
from torch.nn.utils.parametrizations import _SpectralNorm

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec


def spec_of(*shape, classes=0):
    names = tuple(f"class {number}" for number in range(classes))
    return DataSpec(
        shape=shape, classes=names, marginal=(1 / classes,) * classes if classes else (), conditional=bool(classes)
    )


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def on_meta(options, spec):
    with torch.device("meta"):
        return options.build(spec)


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(("classes", "published"), [(0, 4_276_739), (10, 4_304_387)])
def test_resnet_has_its_published_size(classes, published):
    assert parameters(on_meta(Resnet(), spec_of(3, 32, 32, classes=classes))) == published


@pytest.mark.parametrize(
    ("side", "first", "widths"),
    [
        (8, 4, [256, 256]),
        (28, 7, [256, 256, 256]),
        (32, 4, [256, 256, 256, 256]),
        (48, 6, [512, 256, 128, 64]),
        (64, 4, [1024, 512, 256, 128, 64]),
        (128, 4, [1024, 1024, 512, 256, 128, 64]),
    ],
)
def test_widths_are_those_of_the_authors(side, first, widths):
    network = on_meta(Resnet(), spec_of(3, side, side))
    assert network.from_latent.weight.shape == (widths[0] * first**2, 128)
    assert [widths[0], *(block.first.out_channels for block in network.blocks)] == widths
    assert [block.shortcut.kernel_size for block in network.blocks] == [(1, 1)] * (len(widths) - 1)


@pytest.mark.parametrize(("side", "ngf"), [(20, 256), (32, 256), (40, 64), (128, 64)])
def test_width_goes_by_size(side, ngf):
    assert Resnet().resolve(spec_of(3, side, side)) == Resnet(ngf=ngf)
    assert Resnet(ngf=7).resolve(spec_of(3, side, side)).ngf == 7


@pytest.mark.parametrize("side", [8, 10, 14, 24, 28, 32, 40, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_have_the_shape_of_the_data_and_its_range(side, channels):
    network = Resnet(ngf=2, latent=3).build(spec_of(channels, side, side, classes=3))
    images = network(network.latent(2, generator=seeded()) * 100, torch.tensor([0, 2]))
    assert images.shape == (2, channels, side, side)
    assert images.abs().max() <= 1


def normalized(maps):
    mean = maps.mean(dim=(0, 2, 3), keepdim=True)
    variance = (maps - mean).square().mean(dim=(0, 2, 3), keepdim=True)
    return (maps - mean) / torch.sqrt(variance + 1e-5)


def test_class_conditional_batch_norm_is_its_formula():
    """Statistics over all classes together, gain and shift of each sample's own class."""
    torch.manual_seed(0)
    norm = ConditionalBatchNorm(3, 4).double()
    assert torch.equal(norm.gains.weight, torch.ones(4, 3, dtype=torch.float64))
    assert torch.equal(norm.shifts.weight, torch.zeros(4, 3, dtype=torch.float64))
    nn.init.normal_(norm.gains.weight)
    nn.init.normal_(norm.shifts.weight)
    maps, labels = torch.randn(5, 3, 2, 4, dtype=torch.float64), torch.tensor([3, 0, 0, 2, 3])
    expected = torch.empty_like(maps)
    for n, label in enumerate(labels):
        for c in range(3):
            expected[n, c] = normalized(maps)[n, c] * norm.gains.weight[label, c] + norm.shifts.weight[label, c]
    torch.testing.assert_close(norm(maps, labels), expected)
    norm.eval()
    mean, variance = norm.norm.running_mean, norm.norm.running_var
    one = norm(maps[:1], labels[:1])[0, 1]
    plain = (maps[0, 1] - mean[1]) / torch.sqrt(variance[1] + 1e-5)
    torch.testing.assert_close(one, plain * norm.gains.weight[3, 1] + norm.shifts.weight[3, 1])


def test_batch_norm_without_classes_is_torchs_own():
    norm = ConditionalBatchNorm(3, 0)
    assert {name: tuple(p.shape) for name, p in norm.named_parameters()} == {"norm.weight": (3,), "norm.bias": (3,)}
    maps = torch.randn(4, 3, 2, 2)
    torch.testing.assert_close(norm(maps, None), nn.BatchNorm2d(3)(maps))


def doubled(maps):
    return maps.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def block_by_hand(block, maps, labels):
    """In the authors' order: the shortcut is doubled before its convolution."""

    def norm(layer, values):
        gains, shifts = layer.gains.weight[labels], layer.shifts.weight[labels]
        return normalized(values) * gains[:, :, None, None] + shifts[:, :, None, None]

    hidden = doubled(norm(block.first_norm, maps).clamp(min=0))
    hidden = F.conv2d(hidden, block.first.weight, block.first.bias, padding=1)
    hidden = norm(block.second_norm, hidden).clamp(min=0)
    hidden = F.conv2d(hidden, block.second.weight, block.second.bias, padding=1)
    return hidden + F.conv2d(doubled(maps), block.shortcut.weight, block.shortcut.bias)


def scrambled(module):
    """No parameter at a value that would hide it, such as a gain of 1."""
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    return module.double()


def test_a_block_computes_its_formula():
    block = scrambled(DoublingBlock(3, 5, classes=2, spectral=False))
    maps, labels = torch.randn(4, 3, 4, 4, dtype=torch.float64), torch.tensor([0, 1, 1, 0])
    torch.testing.assert_close(block(maps, labels), block_by_hand(block, maps, labels))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("classes", [0, 2])
def test_activations_in_place_do_not_touch_the_shortcut(classes, training):
    block = scrambled(DoublingBlock(3, 3, classes=classes, spectral=False)).train(training)
    maps = torch.randn(4, 3, 4, 4, dtype=torch.float64)
    kept = maps.clone()
    block(maps, torch.tensor([0, 1, 1, 0]))
    assert torch.equal(maps, kept)
    # Negative numbers reach the sum: with the branch silenced, the block is its shortcut.
    nn.init.zeros_(block.second.weight)
    nn.init.zeros_(block.second.bias)
    expected = F.conv2d(doubled(kept), block.shortcut.weight, block.shortcut.bias)
    torch.testing.assert_close(block(maps, torch.tensor([0, 1, 1, 0])), expected)


def test_gradients_through_a_block_are_right():
    block = scrambled(DoublingBlock(2, 2, classes=2, spectral=False))
    maps = torch.randn(2, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda maps: block(maps, torch.tensor([0, 1])), maps)


def test_resnet_computes_its_formula():
    network = scrambled(Resnet(ngf=2, latent=3).build(spec_of(3, 16, 16, classes=2)))
    z, labels = network.latent(4, generator=seeded()).double(), torch.tensor([0, 1, 1, 0])
    maps = F.linear(z, network.from_latent.weight, network.from_latent.bias).reshape(4, 2, 4, 4)
    for block in network.blocks:
        maps = block_by_hand(block, maps, labels)
    norm, last = network.last_norm, network.to_image
    hidden = normalized(maps) * norm.weight[:, None, None] + norm.bias[:, None, None]
    images = torch.tanh(F.conv2d(hidden.clamp(min=0), last.weight, last.bias, padding=1))
    torch.testing.assert_close(network(z, labels), images)


def test_weights_start_as_published():
    torch.manual_seed(0)
    network = Resnet(ngf=16).build(spec_of(3, 32, 32))
    for name, layer in network.named_modules():
        if not isinstance(layer, nn.Conv2d | nn.Linear):
            continue
        kernel = layer.weight[0, 0].numel() if isinstance(layer, nn.Conv2d) else 1
        gain = sqrt(2) if name.endswith((".first", ".second")) else 1
        bound = gain * sqrt(6 / (kernel * (layer.weight.shape[0] + layer.weight.shape[1])))
        assert layer.weight.abs().max() <= bound
        assert layer.weight.abs().mean().item() == pytest.approx(bound / 2, rel=0.15)
        assert not layer.bias.any()


def test_attention_stands_where_it_is_asked_for_and_starts_as_nothing():
    torch.manual_seed(0)
    network = Resnet(ngf=2, latent=3, attention=16).build(spec_of(1, 64, 64)).eval()
    seen = []
    network.attention.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape))
    z = network.latent(2, generator=seeded())
    images = network(z)
    assert seen == [(2, 8, 16, 16)]
    without = Resnet(ngf=2, latent=3).build(spec_of(1, 64, 64)).eval()
    assert not any(isinstance(module, SelfAttention) for module in without.modules())
    left = without.load_state_dict(network.state_dict(), strict=False)
    assert left.missing_keys == []
    assert torch.equal(images, without(z))
    nn.init.ones_(network.attention.gamma)
    assert not torch.allclose(images, network(z))


@pytest.mark.parametrize(("side", "attention", "nearest"), [(32, 4, 8), (32, 12, 8), (32, 64, 32), (24, 16, 12)])
def test_attention_elsewhere_is_refused_with_the_sides_there_are(side, attention, nearest):
    with pytest.raises(ConfigError, match=f"{attention} px per side") as caught:
        Resnet(attention=attention).build(spec_of(3, side, side))
    assert caught.value.allowed == ("12, 24" if side == 24 else "8, 16, 32")
    assert caught.value.hint == f"--set generator.attention={nearest}"


@pytest.mark.parametrize("spectral", [True, False])
def test_spectral_norm_is_on_every_layer_or_on_none(spectral):
    options = Resnet(ngf=2, latent=3, attention=8, spectral_norm=spectral)
    network = options.build(spec_of(1, 8, 8, classes=2))
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    normalized_layers = [module for module in network.modules() if isinstance(module, _SpectralNorm)]
    assert len(layers) == 3 + 1 + 1 + 4
    assert len(normalized_layers) == (len(layers) if spectral else 0)
    assert ("spectral_norm" in options.tags()) == spectral
    images = network(network.latent(2, generator=seeded()), torch.tensor([0, 1]))
    images.square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_labels_decide_what_a_conditional_generator_makes():
    network = scrambled(Resnet(ngf=2, latent=3).build(spec_of(1, 16, 16, classes=2))).eval()
    z = network.latent(1, generator=seeded()).double().expand(3, -1)
    images = network(z, torch.tensor([0, 1, 0]))
    assert torch.equal(images, network(z, torch.tensor([0, 1, 0])))
    assert torch.equal(images[0], images[2])
    assert not torch.allclose(images[0], images[1])
    with pytest.raises(ConfigError, match="generator resnet was built conditional, but got no labels"):
        network(z)


def test_labels_do_not_touch_an_unconditional_generator():
    network = Resnet(ngf=2, latent=3).build(spec_of(1, 16, 16)).eval()
    z = network.latent(2, generator=seeded())
    assert torch.equal(network(z), network(z, torch.tensor([0, 1])))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (spec_of(2), r"generator resnet works on images[\s\S]*shape \(2,\)"),
        (spec_of(3, 32, 64), "generator resnet doubles[\\s\\S]*32×64"),
        (spec_of(3, 36, 36), "--image-size 32"),
        (DataSpec(shape=(3, 32, 32), conditional=True), "generator resnet is asked to be conditional"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason(spec, message):
    with pytest.raises(ConfigError, match=message):
        Resnet().build(spec)
