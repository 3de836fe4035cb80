"""The residual discriminators: published sizes, an independent forward pass, shortcuts, projection, attention."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from ganzoo_blocks.attention import SelfAttention
from ganzoo_discriminators.projection import Projection
from ganzoo_discriminators.residual_block import ResidualBlock
from ganzoo_discriminators.resnet_sn import ResnetSn
from ganzoo_discriminators.resnet_trunk import sum_pooled
from ganzoo_discriminators.spectral_layers import glorot_convolution
from torch import nn
from torch.nn.utils.parametrizations import _SpectralNorm

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec
from ganzoo.training import spectral

BOTH = [ResnetSn, Projection]


def spec_of(*shape, classes=3):
    return DataSpec(shape=shape, classes=tuple(map(str, range(classes))), marginal=(1 / max(classes, 1),) * classes)


def images_of(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


def built(options, spec, *, seed=0):
    torch.manual_seed(seed)
    return options.build(spec)


def on_meta(options, spec):
    with spectral.on_meta():
        return options.build(spec)


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def labels_of(count):
    return torch.arange(count) % 3


def test_published_sizes():
    assert parameters(on_meta(ResnetSn(ndf=128), spec_of(3, 32, 32))) == 1_053_825
    assert parameters(on_meta(Projection(ndf=128), spec_of(3, 32, 32, classes=10))) == 1_055_105
    assert ResnetSn().resolve(spec_of(3, 32, 32)).ndf == Projection().resolve(spec_of(3, 32, 32)).ndf == 128


@pytest.mark.parametrize(
    ("side", "widths", "halving"),
    [
        (64, [64, 128, 256, 512, 1024], 5),
        (128, [64, 128, 256, 512, 1024, 1024], 5),
        (256, [64, 128, 256, 512, 512, 1024, 1024], 6),
    ],
)
def test_larger_images_have_the_layouts_of_the_authors(side, widths, halving):
    def convolution(before, after, kernel):
        return before * after * kernel**2 + after

    expected = convolution(3, 64, 3) + convolution(64, 64, 3) + convolution(3, 64, 1)
    for index in range(1, len(widths)):
        before, after = widths[index - 1], widths[index]
        expected += convolution(before, before, 3) + convolution(before, after, 3)
        expected += convolution(before, after, 1) if index < halving or before != after else 0
    network = on_meta(ResnetSn(), spec_of(3, side, side))
    assert parameters(network) == expected + 1024 + 1
    features = network(torch.empty(2, 3, side, side, device="meta")).features
    assert [feature.shape[1] for feature in features] == widths
    assert features[-1].shape[-1] == side >> halving


def reference(network, images, labels=None, *, pool="sum"):
    """The authors' order of operations, on the weights of ``network``; attention and modules left aside."""
    maps = images
    for index, block in enumerate(network.trunk.blocks):
        residual = maps.clone() if index == 0 else maps.clamp(min=0)
        for position, layer in enumerate((block.into, block.out)):
            residual = residual.clamp(min=0) if position else residual
            residual = F.conv2d(residual, layer.weight, layer.bias, padding=1)
        kept = maps
        if isinstance(block.shortcut, nn.Conv2d):
            kept = F.conv2d(maps, block.shortcut.weight, block.shortcut.bias)
        if block.halve:
            residual, kept = (
                (part[..., ::2, ::2] + part[..., 1::2, ::2] + part[..., ::2, 1::2] + part[..., 1::2, 1::2]) / 4
                for part in (residual, kept)
            )
        maps = residual + kept
    h = maps.clamp(min=0).sum(dim=(2, 3)) if pool == "sum" else maps.clamp(min=0).mean(dim=(2, 3))
    logits = h @ network.to_logit.weight[0] + network.to_logit.bias
    if labels is not None:
        logits = logits + torch.stack([network.class_vectors.weight[y] @ row for y, row in zip(labels, h, strict=True)])
    return logits


@pytest.mark.parametrize("side", [8, 32, 64])
@pytest.mark.parametrize("options", BOTH)
def test_logits_are_those_of_an_independent_forward_pass(options, side):
    network = built(options(ndf=2), spec_of(3, side, side)).double().eval()
    images = images_of(3, 3, side, side).double()
    labels = labels_of(3) if options is Projection else None
    logits = network(images, labels).logits
    torch.testing.assert_close(logits, reference(network, images, labels), rtol=1e-9, atol=1e-12)
    if side != 64:
        # At 64 px two pixels a side remain, and 2² times the mean is the sum.
        assert not torch.allclose(logits, reference(network, images, labels, pool="mean"), rtol=1e-3)


def test_pooling_sums_over_positions_after_the_relu():
    maps = torch.full((2, 3, 5, 7), 2.0)
    maps[:, 1] = -1.0
    assert torch.equal(sum_pooled(maps), torch.tensor([[70.0, 0.0, 70.0]] * 2))


@pytest.mark.parametrize(("first", "halve", "after"), [(False, False, 3), (False, True, 3), (True, True, 4)])
def test_a_shortcut_passes_on_what_came_in_not_its_relu(first, halve, after):
    """Fails if the ReLU before the first convolution works in place, as in several published ports."""
    torch.manual_seed(0)
    block = ResidualBlock(
        3, after, halve=halve, first=first, hidden=3, body=glorot_convolution, shortcut=glorot_convolution
    ).double()
    block.eval()
    maps = images_of(2, 3, 6, 6).double()
    kept = maps.clone()
    result = block(maps)
    assert torch.equal(maps, kept)
    if not halve:
        nn.init.zeros_(block.out.parametrizations.weight.original)
        nn.init.zeros_(block.out.bias)
        # The spectral norm of a weight that is zero divides by zero.
        torch.nn.utils.parametrize.remove_parametrizations(block.out, "weight", leave_parametrized=False)
        assert torch.equal(block(maps), kept)
    assert result.shape == (2, after, 3 if halve else 6, 3 if halve else 6)


@pytest.mark.parametrize("attention", [None, 8])
def test_features_are_the_activations_as_they_left_each_block(attention):
    network = built(ResnetSn(ndf=8, attention=attention), spec_of(1, 32, 32)).eval()
    seen = []
    for block in network.trunk.blocks:
        block.register_forward_hook(lambda module, before, after: seen.append(after.clone()))
    features = network(images_of(2, 1, 32, 32)).features
    assert len(features) == 4
    assert all(torch.equal(feature, activation) for feature, activation in zip(features, seen, strict=True))
    assert any((feature < 0).any() for feature in features)


def test_labels_enter_as_a_projection_and_nowhere_else():
    network = built(Projection(ndf=4), spec_of(1, 16, 16)).double().eval()
    images = images_of(4, 1, 16, 16).double()
    one, other = (network(images, torch.full((4,), label)) for label in (0, 2))
    h = one.features[-1].clamp(min=0).sum(dim=(2, 3))
    vectors = network.class_vectors.weight
    torch.testing.assert_close(one.logits - other.logits, h @ (vectors[0] - vectors[2]), rtol=1e-9, atol=1e-12)
    assert not torch.allclose(one.logits, other.logits)
    mixed = network(images, torch.tensor([0, 2, 0, 2])).logits
    chosen = torch.stack([one.logits, other.logits])[torch.tensor([0, 1, 0, 1]), torch.arange(4)]
    torch.testing.assert_close(mixed, chosen)


def test_labels_are_ignored_by_resnet_sn():
    network = built(ResnetSn(ndf=2), spec_of(1, 16, 16)).eval()
    images = images_of(2, 1, 16, 16)
    assert torch.equal(network(images).logits, network(images, torch.tensor([0, 1])).logits)


def test_projection_without_labels_or_classes_is_refused():
    with pytest.raises(ConfigError, match="no") as refusal:
        Projection().build(spec_of(1, 16, 16, classes=0))
    assert "resnet-sn" in str(refusal.value)
    with pytest.raises(ConfigError, match="labels"):
        built(Projection(ndf=2), spec_of(1, 16, 16))(images_of(2, 1, 16, 16))


@pytest.mark.parametrize("options", BOTH)
def test_spectral_norm_is_on_every_weight(options):
    network = built(options(ndf=8, attention=16), spec_of(3, 32, 32))
    matrices = [name for name, parameter in network.named_parameters() if parameter.dim() >= 2]
    assert matrices
    assert all(name.endswith("parametrizations.weight.original") for name in matrices)
    assert len(matrices) == sum(isinstance(module, _SpectralNorm) for module in network.modules())
    for _ in range(150):
        spectral.iterate(network)
    assert all(0.98 <= norm <= 1.02 for norm in spectral.norms(network).values())


def test_initialization_is_that_of_the_authors():
    network = built(Projection(ndf=64), spec_of(3, 32, 32))
    block = network.trunk.blocks[2]
    bound = math.sqrt(6 / (64 * 9 + 64 * 9)) * math.sqrt(2)
    original = block.into.parametrizations.weight.original
    assert bound * 0.99 < original.abs().max() <= bound
    halving = network.trunk.blocks[1].shortcut.parametrizations.weight.original
    bound = math.sqrt(6 / 128)
    assert bound * 0.99 < halving.abs().max() <= bound
    assert not any(parameter.any() for name, parameter in network.named_parameters() if name.endswith("bias"))


@pytest.mark.parametrize(("side", "sides"), [(32, (16, 8)), (64, (32, 16, 8, 4, 2)), (28, (14, 7))])
def test_attention_sits_on_the_first_map_of_its_side(side, sides):
    for attention in sides:
        network = on_meta(ResnetSn(ndf=2, attention=attention), spec_of(1, side, side))
        places = [index for index, block in enumerate(network.trunk.blocks) if isinstance(block, nn.Sequential)]
        assert places == [sides.index(attention)]
        assert isinstance(network.trunk.blocks[places[0]][1], SelfAttention)
        features = network(torch.empty(2, 1, side, side, device="meta")).features
        assert features[places[0]].shape[-1] == attention


def test_attention_changes_nothing_until_its_gain_moves():
    plain, attentive = (built(ResnetSn(ndf=8, attention=attention), spec_of(1, 16, 16)) for attention in (None, 8))
    block = attentive.eval().trunk.blocks[0]
    images = images_of(2, 1, 16, 16)
    before = block(images)
    assert torch.equal(before, block[0](images))
    nn.init.ones_(block[1].gamma)
    assert not torch.allclose(block(images), before)
    assert parameters(attentive) - parameters(plain) == 8 * 1 + 8 * 1 + 8 * 4 + 4 * 8 + 1


@pytest.mark.parametrize("options", BOTH)
def test_attention_where_there_is_no_such_map_names_those_there_are(options):
    with pytest.raises(ConfigError) as refusal:
        options(attention=32).build(spec_of(1, 32, 32))
    assert "16, 8" in refusal.value.allowed
    assert refusal.value.hint.startswith("--set discriminator.attention=")
    assert ("resnet-sn" if options is ResnetSn else "projection") in refusal.value.message


@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 33, 48), (1, 28, 28), (3, 64, 80), (3, 128, 128)])
def test_any_image_of_at_least_four_pixels_is_taken(shape):
    network = on_meta(ResnetSn(ndf=2), spec_of(*shape))
    output = network(torch.empty(2, *shape, device="meta"))
    assert output.logits.shape == (2,)
    assert network.receptive_field() is None


@pytest.mark.parametrize("options", BOTH)
@pytest.mark.parametrize("shape", [(1, 3, 32), (1, 32, 2), (2,)])
def test_too_small_images_and_vectors_are_refused(options, shape):
    with pytest.raises(ConfigError):
        options().resolve(spec_of(*shape))
    with pytest.raises(ConfigError):
        options(ndf=2).build(spec_of(*shape))


@pytest.mark.parametrize("options", BOTH)
def test_every_parameter_learns_also_twice_differentiated(options):
    network = built(options(ndf=8, attention=8), spec_of(3, 16, 16)).double()
    nn.init.constant_(next(m for m in network.modules() if isinstance(m, SelfAttention)).gamma, 0.5)
    images = images_of(3, 3, 16, 16).double().requires_grad_(True)
    logits = network(images, labels_of(3)).logits
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    logits.square().mean().backward(retain_graph=True)
    assert all(parameter.grad.any() for parameter in network.parameters())
    network.zero_grad()
    gradient.square().sum().backward()
    # The penalty knows neither the last bias nor where values are added only; every weight is in it.
    assert all(parameter.grad.any() for parameter in network.parameters() if parameter.dim() >= 2)
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters() if parameter.grad is not None)


@pytest.mark.parametrize("options", BOTH)
def test_evaluation_is_repeatable_and_sample_by_sample(options):
    network = built(options(ndf=4), spec_of(1, 16, 16)).double().eval()
    images, labels = images_of(3, 1, 16, 16).double(), labels_of(3)
    logits = network(images, labels).logits
    assert torch.equal(logits, network(images, labels).logits)
    alone = torch.cat([network(images[i : i + 1], labels[i : i + 1]).logits for i in range(3)])
    torch.testing.assert_close(alone, logits)
