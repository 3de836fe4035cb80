"""Patch discriminators of signals and volumes: shapes, parameters by hand, fields by gradient, strides per axis."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from ganzoo_discriminators.multiscale_patchgan import MultiscalePatchgan
from ganzoo_discriminators.patchgan import Patchgan
from ganzoo_discriminators.patchgan_sn import PatchganSn
from torch import nn

import ganzoo
from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec
from ganzoo.training import spectral

KINDS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


def built(options, *shape, dtype=torch.float64):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return options.build(DataSpec(shape=shape)).to(dtype)


def data(*shape, n=2, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.rand(n, *shape, generator=random, dtype=torch.float64) * 2 - 1


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def on_meta(options, *shape):
    with spectral.on_meta():
        return options.build(DataSpec(shape=shape))


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("norm", ["batch", "none"])
def test_parameters_by_hand(rank, norm):
    """Weights 1·64, 64·128, 128·256, 256·512, 512·1 of 4 to the rank; biases, or a norm's two numbers per channel."""
    weights = (64 + 64 * 128 + 128 * 256 + 256 * 512 + 512) * 4**rank
    after_first = 128 + 256 + 512
    expected = weights + 64 + 1 + after_first * (2 if norm == "batch" else 1)
    assert parameters(on_meta(Patchgan(ndf=64, n_layers=3, norm=norm), 1, *[64] * rank)) == expected


def test_the_docstrings_say_how_many():
    for options in (Patchgan(ndf=64, n_layers=3), PatchganSn(ndf=64, n_layers=3)):
        for rank in (1, 3):
            assert f"{parameters(on_meta(options, 1, *[64] * rank)):,}" in type(options).__doc__


@pytest.mark.parametrize("options", [Patchgan(ndf=2), PatchganSn(ndf=2, dropout=0.3), MultiscalePatchgan(ndf=2)])
@pytest.mark.parametrize("shape", [(1, 64), (2, 37), (1, 500), (1, 16, 16, 16), (3, 10, 24, 17)])
def test_a_map_has_the_axes_of_the_data(options, shape):
    network = built(options, *shape)
    for training in (True, False):
        output = network.train(training)(data(*shape))
        for logits in output.maps():
            assert logits.dim() == 1 + len(shape)
            assert logits.shape[:2] == (2, 1)
        assert all(feature.dim() == 1 + len(shape) for feature in output.features)
    convolutions = [module for module in network.modules() if isinstance(module, tuple(KINDS.values()))]
    assert all(isinstance(module, KINDS[len(shape) - 1]) for module in convolutions)


def test_layers_are_those_of_the_formula_in_three_dimensions():
    """Written once more with functions, from the weights."""
    network = built(Patchgan(ndf=2, n_layers=2), 1, 16, 12, 20)
    x = h = data(1, 16, 12, 20)
    for number, block in enumerate(network.blocks):
        h = F.conv3d(h, block[0].weight, block[0].bias, stride=2 if number < 2 else 1, padding=1)
        if number:
            assert isinstance(block[1], NORMS[3])
            h = F.batch_norm(h, None, None, block[1].weight, block[1].bias, training=True)
        h = F.leaky_relu(h, 0.2)
    by_hand = F.conv3d(h, network.to_logits.weight, network.to_logits.bias, padding=1)
    assert torch.allclose(network(x).logits, by_hand, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "stride", "n_layers", "field"),
    [
        ((1, 80), 2, 2, 34),
        ((1, 300), 4, 2, 112),
        ((1, 300), (3,), 2, 67),
        ((1, 40, 40), (1, 2), 1, (10, 16)),
        ((1, 24, 40, 36), (1, 2, 2), 1, (10, 16, 16)),
        ((1, 30, 36, 72), (1, 2, 4), 1, (10, 16, 28)),
    ],
)
def test_fields_are_those_of_the_gradient(shape, stride, n_layers, field):
    network = built(Patchgan(ndf=2, n_layers=n_layers, stride=stride, norm="none"), *shape)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_().add_(0.1)
    x = data(*shape, n=1).requires_grad_()
    logits = network(x).logits
    logits[(0, 0, *(side // 2 for side in logits.shape[2:]))].backward()
    places = x.grad[0, 0].nonzero()
    seen = tuple((places.amax(0) - places.amin(0) + 1).tolist())
    assert network.receptive_field() == field
    assert seen == (field if isinstance(field, tuple) else (field,) * len(seen))


def test_a_thin_axis_is_not_halved():
    """Eight slices: with stride 2 along them one layer fits, with stride 1 four do."""
    thin = (1, 8, 64, 64)
    assert Patchgan().resolve(DataSpec(shape=thin)).n_layers == 1
    spared = Patchgan(ndf=2, stride=(1, 2, 2))
    assert spared.resolve(DataSpec(shape=thin)).n_layers == 3
    assert built(spared, *thin)(data(*thin)).logits.shape == (2, 1, 3, 6, 6)
    with pytest.raises(ConfigError, match="leaves no logit for volumes 8 deep") as caught:
        built(Patchgan(ndf=2, n_layers=2), *thin)
    assert caught.value.hint == 'ganzoo.build("discriminator", "patchgan", spec=spec, n_layers=1)'


def test_the_pyramid_halves_the_axes_that_stride():
    network = built(MultiscalePatchgan(ndf=2, n_layers=1, n_scales=2, stride=(1, 2, 2)), 1, 6, 32, 24)
    x = data(1, 6, 32, 24)
    half = F.avg_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1), count_include_pad=False)
    fine, coarse = network(x).maps()
    assert torch.equal(coarse, network.scales[1](half).logits)
    assert (fine.shape[2:], coarse.shape[2:]) == ((3, 14, 10), (3, 6, 4))
    signal = data(2, 41)
    network = built(MultiscalePatchgan(ndf=2, n_layers=1, n_scales=2), 2, 41)
    half = F.avg_pool1d(signal, 3, 2, 1, count_include_pad=False)
    assert torch.equal(network(signal).extra_logits[0], network.scales[1](half).logits)


def test_a_pyramid_without_room_says_what_fits():
    with pytest.raises(ConfigError, match=r"scale 2 of the pyramid, which is 5 long") as caught:
        built(MultiscalePatchgan(ndf=2, n_layers=1, n_scales=3), 1, 10)
    assert caught.value.hint == 'ganzoo.build("discriminator", "multiscale-patchgan", spec=spec, n_scales=1)'
    flat = MultiscalePatchgan(ndf=2, n_layers=1, n_scales=2, stride=1)
    assert len(built(flat, 1, 30)(data(1, 30)).maps()) == 2


@pytest.mark.parametrize("options", [Patchgan(ndf=2, n_layers=1, norm="none"), PatchganSn(ndf=2, n_layers=1)])
@pytest.mark.parametrize("shape", [(1, 8), (1, 6, 6, 6)])
def test_a_gradient_can_be_differentiated_once_more(options, shape):
    network = built(options, *shape).eval()
    assert torch.autograd.gradgradcheck(lambda x: network(x).logits, data(*shape, n=1).requires_grad_(), atol=1e-6)


def test_strides_say_the_rank():
    volumes = Patchgan(stride=(1, 2, 2))
    assert volumes.tags() & {"signal", "image", "volume"} == {"volume"}
    assert Patchgan().tags() >= {"signal", "image", "volume"}
    with pytest.raises(ConfigError, match="one stride per axis"):
        volumes.build(DataSpec(shape=(3, 32, 32)))
    with pytest.raises(ConfigError, match="with these options works on volumes"):
        ganzoo.build("discriminator", "patchgan", spec=DataSpec(shape=(3, 32, 32)), stride=[1, 2, 2])
    with pytest.raises(ConfigError, match="stride"):
        ganzoo.build("discriminator", "patchgan", spec=DataSpec(shape=(1, 64)), stride=5)


@pytest.mark.parametrize(
    ("name", "shape", "says", "others"),
    [
        ("dcgan", (1, 16, 16, 16), r"works on images \(C, H, W\), but these data are volumes", "multiscale-patchgan"),
        ("unet", (1, 400), "these data are signals", "patchgan-sn"),
        ("patchgan", (8,), r"works on signals .* and images .* and volumes .*, but these data are vectors", "mlp"),
        ("patchgan", (1, 4, 4, 4, 4), "samples with 4 axes besides the channels", "mlp"),
    ],
)
def test_a_wrong_rank_is_refused_with_those_that_take_it(name, shape, says, others):
    with pytest.raises(ConfigError, match=says) as caught:
        ganzoo.build("discriminator", name, spec=DataSpec(shape=shape))
    assert others in caught.value.allowed
    made = caught.value.hint.split('"')[3]
    ganzoo.build("discriminator", made, spec=DataSpec(shape=shape))


def test_presets_judge_volumes_and_signals():
    for shape in ((1, 16, 20, 24), (1, 256)):
        adversary = ganzoo.adversary(
            "monai-autoencoder", shape=shape, discriminators={"patch": {"name": "patchgan-sn", "ndf": 2}}
        )
        fake = data(*shape).float().requires_grad_()
        adversary.generator_loss(fake).total.backward()
        assert fake.grad.abs().sum() > 0
        adversary.update(fake=fake, real=data(*shape, seed=1).float())
