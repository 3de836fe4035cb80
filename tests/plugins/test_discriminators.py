"""The dcgan family and patchgan-sn: published sizes, geometry by probing, initialization, norms, what they refuse."""

from __future__ import annotations

import contextlib

import pytest
import torch
import torch.nn.functional as F
from ganzoo_discriminators.acgan import Acgan
from ganzoo_discriminators.dcgan import Dcgan
from ganzoo_discriminators.patchgan_sn import PatchganSn
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec
from ganzoo.training import spectral

CLASSES = ("a", "b", "c")
FITTING = [8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256]


def spec_of(*shape, classes=CLASSES):
    return DataSpec(shape=shape, classes=classes, marginal=(1 / 3,) * len(classes))


def images_of(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def convolutions(network):
    return [module for module in network.modules() if isinstance(module, nn.Conv2d)]


def on_meta(options, spec):
    with spectral.on_meta():
        return options.build(spec)


def test_dcgan_has_its_published_size():
    assert parameters(on_meta(Dcgan(), spec_of(3, 64, 64))) == 2_765_568


@pytest.mark.parametrize(("channels", "expected"), [(3, 2_764_737), (1, 2_764_737 - 2048), (6, 2_764_737 + 3072)])
def test_patchgan_has_its_published_size(channels, expected):
    """64 more or fewer 4×4 kernels an input channel, as between the published counts for 1, 3 and 6 channels."""
    assert parameters(on_meta(PatchganSn(ndf=64, n_layers=3), spec_of(channels, 128, 128))) == expected


def test_acgan_adds_one_head():
    spec = spec_of(3, 64, 64)
    head = len(CLASSES) * (512 * 4 * 4 + 1)
    assert parameters(on_meta(Acgan(), spec)) == parameters(on_meta(Dcgan(), spec)) + head


@pytest.mark.parametrize(("n_layers", "side"), [(1, 33), (2, 64), (3, 128)])
def test_receptive_field_is_where_the_gradient_of_one_logit_lives(n_layers, side):
    torch.manual_seed(0)
    network = PatchganSn(ndf=2, n_layers=n_layers).build(spec_of(1, side, side)).double().eval()
    images = images_of(1, 1, side, side).double().requires_grad_(True)
    logits = network(images).logits
    middle = logits.shape[-1] // 2
    (gradient,) = torch.autograd.grad(logits[0, 0, middle, middle], images)
    seen = gradient[0, 0] != 0
    field = network.receptive_field()
    assert seen.sum() == field**2
    assert seen.any(0).sum() == seen.any(1).sum() == field


@pytest.mark.parametrize("options", [Dcgan(ndf=2), Acgan(ndf=2)])
def test_one_logit_of_the_dcgan_family_sees_every_pixel(options):
    torch.manual_seed(0)
    network = options.build(spec_of(1, 16, 16)).double().eval()
    images = images_of(1, 1, 16, 16).double().requires_grad_(True)
    (gradient,) = torch.autograd.grad(network(images).logits.sum(), images)
    assert (gradient != 0).all()
    assert network.receptive_field() is None


@settings(max_examples=25, deadline=None)
@given(
    side=st.sampled_from([side for side in FITTING if side <= 64]),
    channels=st.sampled_from([1, 3]),
    batch=st.integers(2, 4),
    norm=st.sampled_from(["batch", "instance", "spectral", "none"]),
)
def test_dcgan_family_gives_one_logit_an_image(side, channels, batch, norm):
    images = images_of(batch, channels, side, side)
    plain = Dcgan(ndf=2, norm=norm).build(spec_of(channels, side, side))(images)
    classifying = Acgan(ndf=2, norm=norm).build(spec_of(channels, side, side))(images)
    assert plain.logits.shape == classifying.logits.shape == (batch,)
    assert plain.class_logits is None
    assert classifying.class_logits.shape == (batch, len(CLASSES))


@settings(max_examples=25, deadline=None)
@given(height=st.integers(6, 70), width=st.integers(6, 70), channels=st.sampled_from([1, 3]), batch=st.integers(1, 3))
def test_patchgan_takes_any_images_of_six_pixels_and_more(height, width, channels, batch):
    network = PatchganSn(ndf=2).build(spec_of(channels, height, width))
    logits = network(images_of(batch, channels, height, width)).logits
    assert logits.shape[:2] == (batch, 1)
    assert min(logits.shape[2:]) >= 1


def test_dcgan_takes_exactly_the_sides_that_halve_down_to_four_to_seven():
    built = {}
    for side in range(1, 257):
        with contextlib.suppress(ConfigError):
            built[side] = on_meta(Dcgan(ndf=1), spec_of(1, side, side)).trunk
    assert list(built) == FITTING
    assert all(side == trunk.side * 2 ** len(trunk.blocks) for side, trunk in built.items())


@pytest.mark.parametrize(("side", "nearest"), [(4, 8), (36, 32), (37, 40), (30, 28), (63, 64), (250, 256)])
def test_refusal_names_the_nearest_side(side, nearest):
    with pytest.raises(ConfigError) as caught:
        Dcgan().build(spec_of(3, side, side))
    assert caught.value.hint == f"--image-size {nearest}"


@pytest.mark.parametrize(
    ("options", "spec", "message"),
    [
        (Dcgan(), spec_of(3, 32, 64), "32×64"),
        (Acgan(), spec_of(3, 36, 36), "discriminator acgan"),
        (Dcgan(), spec_of(2), r"shape \(2,\)"),
        (PatchganSn(), spec_of(2), r"shape \(2,\)"),
        (PatchganSn(n_layers=4), spec_of(1, 32, 200), "n_layers up to 3"),
        (PatchganSn(n_layers=5), spec_of(1, 64, 64), "n_layers up to 4"),
        (PatchganSn(n_layers=2), spec_of(1, 8, 8), "n_layers up to 1"),
        (PatchganSn(), spec_of(1, 5, 64), "at least 6 px"),
        (Acgan(), spec_of(3, 32, 32, classes=()), "sub-folder per class"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason(options, spec, message):
    with pytest.raises(ConfigError, match=message):
        options.build(spec)


@pytest.mark.parametrize(
    ("side", "ndf", "n_layers"),
    [(8, 32, 1), (11, 32, 1), (12, 32, 2), (23, 32, 2), (24, 32, 3), (63, 32, 3), (64, 64, 3), (256, 64, 3)],
)
def test_defaults_go_by_size_and_always_fit(side, ndf, n_layers):
    resolved = PatchganSn().resolve(spec_of(1, side, 256))
    assert (resolved.ndf, resolved.n_layers) == (ndf, n_layers)
    assert PatchganSn(ndf=5, n_layers=1).resolve(spec_of(1, side, 256)) == PatchganSn(ndf=5, n_layers=1)
    resolved.build(spec_of(1, side, side))
    assert Dcgan().resolve(spec_of(1, side, side)).ndf == ndf


def test_widths_double_up_to_eight_times():
    dcgan = on_meta(Dcgan(ndf=3), spec_of(1, 256, 256))
    patchgan = on_meta(PatchganSn(ndf=3, n_layers=5), spec_of(1, 256, 256))
    assert [layer.out_channels for layer in convolutions(dcgan)] == [3, 6, 12, 24, 24, 24, 1]
    assert [layer.out_channels for layer in convolutions(patchgan)] == [3, 6, 12, 24, 24, 24, 1]


@pytest.mark.parametrize(
    "options", [Dcgan(), Dcgan(norm="none"), Dcgan(norm="spectral"), Acgan(norm="instance"), PatchganSn(ndf=64)]
)
def test_weights_start_as_published(options):
    torch.manual_seed(0)
    network = options.build(spec_of(3, 64, 64))
    for layer in convolutions(network):
        spectral = getattr(layer, "parametrizations", None)
        weight = (spectral.weight.original if spectral else layer.weight).detach()
        # Four standard errors of a sample mean and of a sample deviation.
        assert abs(weight.mean()) < 4 * 0.02 / weight.numel() ** 0.5
        assert weight.std().item() == pytest.approx(0.02, rel=4 / (2 * weight.numel()) ** 0.5)
        assert layer.bias is None or not layer.bias.any()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert abs(layer.weight.mean() - 1) < 4 * 0.02 / layer.num_features**0.5
            assert layer.weight.std().item() == pytest.approx(0.02, rel=4 / (2 * layer.num_features) ** 0.5)
            assert not layer.bias.any()


@pytest.mark.parametrize("norm", ["batch", "instance", "spectral", "none"])
def test_norm_is_where_it_is_said_to_be(norm):
    network = Acgan(ndf=2, norm=norm).build(spec_of(1, 32, 32))
    layers = convolutions(network)
    batch = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    instance = [m for m in network.modules() if isinstance(m, nn.InstanceNorm2d)]
    assert [m.num_features for m in batch] == ([4, 8] if norm == "batch" else [])
    assert [m.num_features for m in instance] == ([4, 8] if norm == "instance" else [])
    assert all(m.weight is None and m.running_mean is None for m in instance)
    assert [hasattr(m, "parametrizations") for m in layers] == [norm == "spectral"] * 5
    own_offset = norm in ("spectral", "none")
    assert [m.bias is not None for m in layers] == [own_offset, own_offset, own_offset, own_offset, True]


@pytest.mark.parametrize("options", [PatchganSn(ndf=4, n_layers=2), Acgan(ndf=4, norm="spectral")])
def test_spectral_norm_settles_at_one_in_every_layer(options):
    torch.manual_seed(0)
    network = options.build(spec_of(1, 32, 32))
    images = images_of(1, 1, 32, 32)
    with torch.no_grad():
        for _ in range(100):
            network(images)
        network.eval()
        norms = [torch.linalg.svdvals(layer.weight.flatten(1)).max().item() for layer in convolutions(network)]
    assert len(norms) == len(convolutions(network))
    assert max(norms) <= 1.02
    assert min(norms) >= 1 - 1e-5


def test_dcgan_computes_its_formula():
    torch.manual_seed(0)
    network = Dcgan(ndf=2).build(spec_of(3, 16, 16))
    images = images_of(4, 3, 16, 16)
    first, second, last = (layer.weight for layer in convolutions(network))
    (norm,) = (module for module in network.modules() if isinstance(module, nn.BatchNorm2d))
    hidden = F.leaky_relu(F.conv2d(images, first, stride=2, padding=1), 0.2)
    hidden = F.conv2d(hidden, second, stride=2, padding=1)
    hidden = F.batch_norm(hidden, None, None, norm.weight, norm.bias, training=True)
    logits = F.conv2d(F.leaky_relu(hidden, 0.2), last).flatten()
    assert torch.allclose(network(images).logits, logits, rtol=1e-5)


def test_patchgan_computes_its_formula():
    torch.manual_seed(0)
    network = PatchganSn(ndf=2, n_layers=1).build(spec_of(3, 16, 16)).eval()
    images = images_of(4, 3, 16, 16)
    first, second, last = ((layer.weight, torch.randn(layer.bias.shape)) for layer in convolutions(network))
    for layer, (_, bias) in zip(convolutions(network), (first, second, last), strict=True):
        layer.bias.data.copy_(bias)
    hidden = F.leaky_relu(F.conv2d(images, *first, stride=2, padding=1), 0.2)
    hidden = F.leaky_relu(F.conv2d(hidden, *second, stride=1, padding=1), 0.2)
    logits = F.conv2d(hidden, *last, stride=1, padding=1)
    assert torch.allclose(network(images).logits, logits, rtol=1e-5)


@pytest.mark.parametrize("options", [Dcgan(ndf=2), PatchganSn(ndf=2, n_layers=2), Acgan(ndf=2, norm="instance")])
def test_features_are_the_untouched_activations_of_each_block(options):
    torch.manual_seed(0)
    network = options.build(spec_of(1, 32, 32)).eval()
    images = images_of(3, 1, 32, 32)
    blocks = network.blocks if isinstance(options, PatchganSn) else network.trunk.blocks
    features = network(images).features
    assert len(features) == len(blocks)
    expected = images.clone()
    for block, feature in zip(blocks, features, strict=True):
        expected = block(expected.clone())
        assert torch.equal(feature, expected)
        assert feature.min() < 0 < feature.max()


def test_dropout_drops_whole_channels_in_training_only():
    torch.manual_seed(0)
    network = PatchganSn(ndf=8, n_layers=2, dropout=0.5).build(spec_of(1, 32, 32))
    images = images_of(8, 1, 32, 32)
    for feature in network(images).features:
        dropped = (feature == 0).flatten(2)
        assert torch.equal(dropped.any(2), dropped.all(2))
        assert 0.2 < dropped.all(2).double().mean() < 0.8
    network.eval()
    assert all((feature != 0).all() for feature in network(images).features)


def test_no_dropout_draws_no_random_number():
    network = PatchganSn(ndf=2).build(spec_of(1, 32, 32))
    before = torch.get_rng_state()
    network(images_of(2, 1, 32, 32))
    assert torch.equal(torch.get_rng_state(), before)


def test_heads_of_acgan_read_the_same_activations():
    torch.manual_seed(0)
    network = Acgan(ndf=2).build(spec_of(1, 16, 16)).eval()
    output = network(images_of(4, 1, 16, 16), torch.tensor([0, 1, 2, 0]))
    last = output.features[-1].flatten(1)
    logits = last @ network.to_logit.weight.flatten(1).T
    class_logits = last @ network.to_class_logits.weight.flatten(1).T + network.to_class_logits.bias
    assert torch.allclose(output.logits, logits[:, 0], atol=1e-6)
    assert torch.allclose(output.class_logits, class_logits, atol=1e-6)


def test_images_of_another_size_are_no_silent_extra_logits():
    network = Dcgan(ndf=2).build(spec_of(1, 16, 16)).eval()
    with pytest.raises(RuntimeError, match="shape"):
        network(images_of(2, 1, 32, 32))
