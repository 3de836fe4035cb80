"""The discriminators of patches: published sizes, geometry found by probing, norms, pyramids, what they refuse."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from ganzoo_discriminators.multiscale_patchgan import MultiscalePatchgan, halved
from ganzoo_discriminators.patch_geometry import largest_n_scales, map_side, pyramid_side
from ganzoo_discriminators.patchgan import Patchgan
from ganzoo_discriminators.patchgan_sn import PatchganSn
from ganzoo_discriminators.pixelgan import Pixelgan
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ganzoo.catalog.patch_map import patch_maps
from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec
from ganzoo.training import spectral


def spec_of(*shape):
    return DataSpec(shape=shape)


def images_of(*shape, seed=0):
    return (torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1).double()


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def convolutions(network):
    return [module for module in network.modules() if isinstance(module, nn.Conv2d)]


def on_meta(options, spec):
    with spectral.on_meta():
        return options.build(spec)


def built(options, *shape):
    torch.manual_seed(0)
    return options.build(spec_of(*shape)).double()


@pytest.mark.parametrize(
    ("options", "channels", "expected"),
    [
        (Patchgan(ndf=64, n_layers=3), 3, 2_765_633),
        (Patchgan(ndf=64, n_layers=3, norm="instance"), 3, 2_764_737),
        (Patchgan(ndf=64, n_layers=3, norm="none"), 3, 2_764_737),
        (PatchganSn(ndf=64, n_layers=3), 3, 2_764_737),
        (Patchgan(ndf=64, n_layers=3), 1, 2_763_585),
        (Patchgan(ndf=64, n_layers=3), 6, 2_768_705),
        (Patchgan(ndf=64, n_layers=1), 3, 136_513),
        (Patchgan(ndf=64, n_layers=2), 3, 663_361),
        (Patchgan(ndf=64, n_layers=4), 3, 6_960_961),
        (Patchgan(ndf=64, n_layers=5), 3, 11_156_289),
        (MultiscalePatchgan(ndf=64, n_layers=3, n_scales=3), 3, 3 * 2_764_737),
        (MultiscalePatchgan(ndf=64, n_layers=3, n_scales=2, norm="batch"), 3, 2 * 2_765_633),
        (Pixelgan(), 3, 8_833),
        (Pixelgan(norm="instance"), 3, 8_705),
    ],
)
def test_published_sizes(options, channels, expected):
    assert parameters(on_meta(options, spec_of(channels, 256, 256))) == expected


@pytest.mark.parametrize("build", [Patchgan, PatchganSn])
@pytest.mark.parametrize(
    ("n_layers", "field", "maps"),
    [
        (1, 16, {32: 14, 64: 30, 128: 62, 256: 126}),
        (2, 34, {32: 6, 64: 14, 128: 30, 256: 62}),
        (3, 70, {32: 2, 64: 6, 128: 14, 256: 30}),
        (4, 142, {32: None, 64: 2, 128: 6, 256: 14}),
        (5, 286, {32: None, 64: None, 128: 2, 256: 6}),
        (6, 574, {32: None, 64: None, 128: None, 256: 2}),
    ],
)
def test_field_and_map_of_the_table(build, n_layers, field, maps):
    for side, expected in maps.items():
        options = build(ndf=1, n_layers=n_layers)
        if expected is None:
            with pytest.raises(ConfigError):
                on_meta(options, spec_of(1, side, side))
            continue
        network = on_meta(options, spec_of(1, side, side))
        logits = network(torch.empty(2, 1, side, side, device="meta")).logits
        assert logits.shape == (2, 1, expected, expected)
        assert map_side(side, n_layers) == expected
        assert network.receptive_field() == field


@pytest.mark.parametrize(
    ("options", "maps"),
    [
        (Patchgan(n_layers=3), [(32, 70, 2), (64, 70, 6), (128, 70, 14), (256, 70, 30)]),
        (Patchgan(n_layers=4), [(32, None, None), (64, 142, 2), (128, 142, 6), (256, 142, 14)]),
        (Pixelgan(), [(32, 1, 32), (64, 1, 64), (128, 1, 128), (256, 1, 256)]),
        (MultiscalePatchgan(), [(32, 16, 14), (64, 34, 14), (128, 70, 14), (256, 70, 30)]),
    ],
)
def test_info_knows_field_and_map(options, maps):
    assert [(one.side, one.receptive_field, one.map_side) for one in patch_maps(options)] == maps


def seen_by(logit, images):
    (gradient,) = torch.autograd.grad(logit, images, retain_graph=True)
    return gradient[0].abs().sum(0) != 0


@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize(("n_layers", "side"), [(1, 33), (2, 64), (3, 128)])
def test_receptive_field_is_where_the_gradient_of_one_logit_lives(norm, n_layers, side):
    network = built(Patchgan(ndf=2, n_layers=n_layers, norm=norm), 1, side, side).eval()
    images = images_of(1, 1, side, side).requires_grad_(True)
    logits = network(images).logits
    middle = logits.shape[-1] // 2
    seen = seen_by(logits[0, 0, middle, middle], images)
    field = network.receptive_field()
    assert seen.sum() == field**2
    assert seen.any(0).sum() == seen.any(1).sum() == field


def test_receptive_fields_of_a_pyramid_are_those_documented():
    network = built(MultiscalePatchgan(ndf=2, n_layers=1, n_scales=3, norm="none"), 1, 128, 128).eval()
    images = images_of(1, 1, 128, 128).requires_grad_(True)
    output = network(images)
    field = network.receptive_field()
    for logits in (output.logits, *output.extra_logits):
        middle = logits.shape[-1] // 2
        seen = seen_by(logits[0, 0, middle, middle], images)
        assert seen.any(0).sum() == seen.any(1).sum() == field
        field = 2 * field + 1


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_a_pixel_sees_itself(norm):
    network = built(Pixelgan(ndf=4, norm=norm), 3, 9, 7).eval()
    images = images_of(1, 3, 9, 7).requires_grad_(True)
    seen = seen_by(network(images).logits[0, 0, 5, 2], images)
    assert seen.nonzero().tolist() == [[5, 2]]
    assert network.receptive_field() == 1


@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
@pytest.mark.parametrize("training", [True, False])
def test_pixelgan_does_not_care_where_a_pixel_stands(norm, training):
    network = built(Pixelgan(ndf=4, norm=norm), 3, 6, 5).train(training)
    images = images_of(2, 3, 6, 5)
    order = torch.randperm(30, generator=torch.Generator().manual_seed(1))
    shuffled = images.flatten(2)[..., order].reshape(images.shape)
    one, other = network(images), network(shuffled)
    assert torch.allclose(one.logits.flatten(2)[..., order], other.logits.flatten(2), atol=1e-10)
    assert not torch.allclose(one.logits, other.logits)


def test_pixelgan_computes_its_formula():
    network = built(Pixelgan(ndf=3), 2, 4, 4)
    images = images_of(3, 2, 4, 4)
    first, second, last = convolutions(network)
    for layer in (first, last):
        nn.init.normal_(layer.bias)
    (norm,) = (module for module in network.modules() if isinstance(module, nn.BatchNorm2d))
    hidden = F.leaky_relu(F.linear(images.movedim(1, -1), first.weight[..., 0, 0], first.bias), 0.2)
    hidden = F.linear(hidden, second.weight[..., 0, 0])
    mean, variance = hidden.mean((0, 1, 2)), hidden.var((0, 1, 2), correction=0)
    hidden = F.leaky_relu((hidden - mean) / (variance + 1e-5).sqrt() * norm.weight + norm.bias, 0.2)
    logits = F.linear(hidden, last.weight[..., 0, 0], last.bias).movedim(-1, 1)
    assert torch.allclose(network(images).logits, logits, atol=1e-10)


@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
def test_patchgan_computes_its_formula(norm):
    network = built(Patchgan(ndf=2, n_layers=2, norm=norm), 3, 24, 16)
    images = images_of(4, 3, 24, 16)
    layers = convolutions(network)
    for layer in layers:
        if layer.bias is not None:
            nn.init.normal_(layer.bias)
    affine = iter([module for module in network.modules() if isinstance(module, nn.BatchNorm2d)])
    hidden = images
    for number, (layer, stride) in enumerate(zip(layers, [2, 2, 1, 1], strict=True)):
        hidden = F.conv2d(hidden, layer.weight, layer.bias, stride=stride, padding=1)
        if number in (1, 2) and norm != "none":
            axes = (0, 2, 3) if norm == "batch" else (2, 3)
            mean, variance = hidden.mean(axes, keepdim=True), hidden.var(axes, correction=0, keepdim=True)
            hidden = (hidden - mean) / (variance + 1e-5).sqrt()
            if norm == "batch":
                one = next(affine)
                hidden = hidden * one.weight[:, None, None] + one.bias[:, None, None]
        if number < 3:
            hidden = F.leaky_relu(hidden, 0.2)
    assert torch.allclose(network(images).logits, hidden, atol=1e-8)


@pytest.mark.parametrize(
    ("options", "biases", "norms"),
    [
        (Patchgan(ndf=2, n_layers=3), [True, False, False, False, True], [4, 8, 16]),
        (Patchgan(ndf=2, n_layers=3, norm="instance"), [True] * 5, [4, 8, 16]),
        (Patchgan(ndf=2, n_layers=3, norm="none"), [True] * 5, []),
        (PatchganSn(ndf=2, n_layers=3), [True] * 5, []),
        (Pixelgan(ndf=2), [True, False, True], [4]),
        (Pixelgan(ndf=2, norm="instance"), [True, True, True], [4]),
    ],
)
def test_biases_and_norms_are_where_they_are_said_to_be(options, biases, norms):
    network = built(options, 1, 32, 32)
    found = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d | nn.InstanceNorm2d)]
    assert [layer.bias is not None for layer in convolutions(network)] == biases
    assert [layer.num_features for layer in found] == norms
    assert all(layer.affine == (options.norm == "batch") for layer in found)
    spectral = isinstance(options, PatchganSn)
    assert [hasattr(layer, "parametrizations") for layer in convolutions(network)] == [spectral] * len(biases)


@pytest.mark.parametrize("options", [Patchgan(ndf=64), Pixelgan(), MultiscalePatchgan(ndf=64)])
def test_weights_start_as_published(options):
    torch.manual_seed(0)
    network = options.build(spec_of(3, 64, 64))
    for layer in convolutions(network):
        weight = layer.weight.detach()
        # Four standard errors of a sample mean and of a sample deviation.
        assert abs(weight.mean()) < 4 * 0.02 / weight.numel() ** 0.5
        assert weight.std().item() == pytest.approx(0.02, rel=4 / (2 * weight.numel()) ** 0.5)
        assert layer.bias is None or not layer.bias.any()


@pytest.mark.parametrize("options", [Patchgan(ndf=2, n_layers=2), Patchgan(ndf=2, norm="instance"), Pixelgan(ndf=2)])
def test_features_are_the_untouched_activations_in_order(options):
    network = built(options, 1, 32, 32).eval()
    images = images_of(3, 1, 32, 32)
    features = network(images).features
    assert len(features) == len(network.blocks)
    expected = images.clone()
    for one, feature in zip(network.blocks, features, strict=True):
        expected = one(expected.clone())
        assert torch.equal(feature, expected)
        assert feature.min() < 0 < feature.max()


@pytest.mark.parametrize("norm", ["batch", "instance", "spectral", "none"])
@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 37, 50)])
def test_each_scale_is_a_patchgan_on_the_halved_image(norm, shape):
    network = built(MultiscalePatchgan(ndf=2, n_layers=1, n_scales=3, norm=norm), *shape).eval()
    images = images_of(2, *shape)
    output = network(images)
    kind = PatchganSn(ndf=2, n_layers=1) if norm == "spectral" else Patchgan(ndf=2, n_layers=1, norm=norm)
    features = iter(output.features)
    for scale, logits in zip(network.scales, (output.logits, *output.extra_logits), strict=True):
        alone = kind.build(spec_of(*images.shape[1:])).double().eval()
        alone.load_state_dict(scale.state_dict())
        expected = alone(images)
        assert torch.equal(logits, expected.logits)
        assert all(torch.equal(next(features), feature) for feature in expected.features)
        images = halved(images)
    assert next(features, None) is None
    assert len({scale.to_logits.weight.sum().item() for scale in network.scales}) == 3, "scales share no weights"


@settings(max_examples=20, deadline=None)
@given(height=st.integers(2, 9), width=st.integers(2, 9))
def test_halving_averages_the_pixels_that_exist(height, width):
    images = images_of(1, 1, height, width)
    pooled = halved(images)
    assert pooled.shape[2:] == (pyramid_side(height, 1), pyramid_side(width, 1)) == (-(-height // 2), -(-width // 2))
    for row in range(pooled.shape[2]):
        for column in range(pooled.shape[3]):
            rows, columns = (range(max(2 * at - 1, 0), 2 * at + 2) for at in (row, column))
            around = [images[0, 0, y, x] for y in rows for x in columns if y < height and x < width]
            assert pooled[0, 0, row, column].item() == pytest.approx((sum(around) / len(around)).item(), abs=1e-12)


def test_a_constant_image_stays_constant_on_every_scale():
    """Counting the padding, as torch does by default, darkens the border."""
    images = torch.ones(1, 1, 17, 12)
    assert torch.equal(halved(images), torch.ones(1, 1, 9, 6))


@pytest.mark.parametrize(
    ("side", "n_layers", "n_scales"),
    [(8, 1, 1), (11, 1, 2), (20, 1, 2), (21, 1, 3), (32, 1, 3), (44, 1, 3), (45, 2, 3), (92, 2, 3), (93, 3, 3)],
)
def test_defaults_of_the_pyramid_leave_room_for_all_scales(side, n_layers, n_scales):
    options = MultiscalePatchgan().resolve(spec_of(1, side, 300))
    assert (options.n_layers, options.n_scales) == (n_layers, n_scales)
    on_meta(options, spec_of(1, side, 300))
    assert ("multiple_outputs" in options.tags()) == (n_scales > 1)


def test_a_given_depth_or_number_of_scales_decides_the_other():
    spec = spec_of(1, 64, 64)
    assert MultiscalePatchgan(n_layers=3).resolve(spec).n_scales == 2
    assert MultiscalePatchgan(n_layers=1).resolve(spec).n_scales == 3
    assert MultiscalePatchgan(n_scales=1).resolve(spec).n_layers == 3
    assert MultiscalePatchgan(n_scales=4).resolve(spec).n_layers == 1


@settings(max_examples=40, deadline=None)
@given(side=st.integers(1, 300), n_layers=st.integers(1, 5))
def test_largest_number_of_scales_is_the_last_that_builds(side, n_layers):
    most = largest_n_scales(side, n_layers)
    if most:
        on_meta(MultiscalePatchgan(ndf=1, n_layers=n_layers, n_scales=most), spec_of(1, side, side))
    with pytest.raises(ConfigError):
        on_meta(MultiscalePatchgan(ndf=1, n_layers=n_layers, n_scales=most + 1), spec_of(1, side, side))


@pytest.mark.parametrize(
    ("options", "shape", "message", "hint"),
    [
        (Patchgan(n_layers=4), (1, 32, 200), "n_layers up to 3", "discriminator.n_layers=3"),
        (Patchgan(), (1, 5, 64), "at least 6 px", "--image-size 32"),
        (Patchgan(), (2,), "discriminator patchgan works on signals, images and volumes", "list"),
        (Pixelgan(), (2,), "discriminator pixelgan works on images", "list"),
        (Pixelgan(norm="instance"), (3, 1, 1), "there is only one", "discriminator.norm=none"),
        (MultiscalePatchgan(), (2,), "discriminator multiscale-patchgan works on signals", "list"),
        (MultiscalePatchgan(), (1, 5, 5), "discriminator multiscale-patchgan leaves no logit", "--image-size 32"),
        (MultiscalePatchgan(n_layers=3, n_scales=3), (1, 64, 64), r"scale 3 .* 16 px", "discriminator.n_scales=2"),
        (MultiscalePatchgan(n_layers=5), (1, 64, 64), "n_layers up to 4", "discriminator.n_layers=4"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason(options, shape, message, hint):
    with pytest.raises(ConfigError, match=message) as caught:
        options.build(spec_of(*shape))
    assert hint in caught.value.hint


@settings(max_examples=20, deadline=None)
@given(height=st.integers(6, 60), width=st.integers(6, 60), channels=st.sampled_from([1, 3]))
@pytest.mark.parametrize("build", [Patchgan, MultiscalePatchgan])
def test_any_images_of_six_pixels_and_more(build, height, width, channels):
    output = built(build(ndf=2), channels, height, width)(images_of(2, channels, height, width))
    maps = (output.logits, *output.extra_logits)
    assert all(logits.shape[:2] == (2, 1) and min(logits.shape[2:]) >= 1 for logits in maps)
    assert all(one.shape[2] >= other.shape[2] for one, other in pairwise(maps))
