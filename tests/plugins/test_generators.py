"""The generators: published size, sizes of images, range, initialization, labels."""

from __future__ import annotations

import contextlib

import pytest
import torch
import torch.nn.functional as F
from ganzoo_generators.dcgan import Dcgan
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec

CLASSES = ("a", "b", "c")
FITTING = [8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256]


def spec_of(*shape, conditional=False, classes=CLASSES):
    return DataSpec(shape=shape, classes=classes, marginal=(1 / 3,) * len(classes), conditional=conditional)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def transposed(network):
    return [module for module in network.modules() if isinstance(module, nn.ConvTranspose2d)]


def test_dcgan_has_its_published_size():
    with torch.device("meta"):
        network = Dcgan().build(spec_of(3, 64, 64))
    assert sum(parameter.numel() for parameter in network.parameters()) == 3_576_704


@settings(max_examples=25, deadline=None)
@given(
    side=st.sampled_from([side for side in FITTING if side <= 64]),
    channels=st.integers(1, 4),
    batch=st.integers(1, 3),
    latent=st.integers(1, 5),
    conditional=st.booleans(),
)
def test_images_have_the_shape_of_the_data_and_its_range(side, channels, batch, latent, conditional):
    network = Dcgan(latent=latent, ngf=2).build(spec_of(channels, side, side, conditional=conditional)).eval()
    z = network.latent(batch, generator=seeded())
    labels = torch.arange(batch) % 3 if conditional else None
    images = network(z * 100, labels)
    assert z.shape == (batch, latent)
    assert images.shape == (batch, channels, side, side)
    assert images.abs().max() <= 1


def test_dcgan_reaches_exactly_the_sides_its_discriminator_takes():
    reached = []
    for side in range(1, 257):
        with contextlib.suppress(ConfigError), torch.device("meta"):
            Dcgan(ngf=1).build(spec_of(1, side, side))
            reached.append(side)
    assert reached == FITTING


def test_widths_mirror_the_discriminator():
    with torch.device("meta"):
        wide, narrow = Dcgan(ngf=3).build(spec_of(1, 256, 256)), Dcgan(ngf=3).build(spec_of(1, 24, 24))
    assert [layer.out_channels for layer in transposed(wide)] == [24, 24, 24, 12, 6, 3, 1]
    assert [layer.out_channels for layer in transposed(narrow)] == [6, 3, 1]
    assert transposed(narrow)[0].kernel_size == (6, 6)


@pytest.mark.parametrize(("side", "ngf"), [(8, 32), (56, 32), (64, 64), (256, 64)])
def test_width_goes_by_size(side, ngf):
    assert Dcgan().resolve(spec_of(3, side, side)) == Dcgan(ngf=ngf)
    assert Dcgan(ngf=7).resolve(spec_of(3, side, side)).ngf == 7


def test_weights_start_as_published():
    torch.manual_seed(0)
    network = Dcgan().build(spec_of(3, 64, 64))
    for layer in transposed(network):
        assert layer.bias is None
        # Four standard errors of a sample mean and of a sample deviation.
        assert abs(layer.weight.mean()) < 4 * 0.02 / layer.weight.numel() ** 0.5
        assert layer.weight.std().item() == pytest.approx(0.02, rel=4 / (2 * layer.weight.numel()) ** 0.5)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 4
    for layer in norms:
        assert abs(layer.weight.mean() - 1) < 4 * 0.02 / layer.num_features**0.5
        assert layer.weight.std().item() == pytest.approx(0.02, rel=4 / (2 * layer.num_features) ** 0.5)
        assert not layer.bias.any()


def test_dcgan_computes_its_formula():
    torch.manual_seed(0)
    network = Dcgan(latent=3, ngf=2).build(spec_of(3, 16, 16, conditional=True))
    z, labels = network.latent(4, generator=seeded()), torch.tensor([0, 1, 2, 1])
    first, second, last = (layer.weight for layer in transposed(network))
    one, two = (module for module in network.modules() if isinstance(module, nn.BatchNorm2d))
    entering = torch.cat([z, network.label_embedding.weight[labels]], dim=1)
    hidden = F.conv_transpose2d(entering.view(4, 6, 1, 1), first)
    hidden = F.relu(F.batch_norm(hidden, None, None, one.weight, one.bias, training=True))
    hidden = F.conv_transpose2d(hidden, second, stride=2, padding=1)
    hidden = F.relu(F.batch_norm(hidden, None, None, two.weight, two.bias, training=True))
    images = torch.tanh(F.conv_transpose2d(hidden, last, stride=2, padding=1))
    assert torch.allclose(network(z, labels), images, atol=1e-6)


def test_the_class_enters_as_strongly_as_the_noise():
    torch.manual_seed(0)
    many = tuple(f"class {i}" for i in range(50))
    network = Dcgan(ngf=2).build(DataSpec(shape=(1, 8, 8), classes=many, marginal=(1 / 50,) * 50, conditional=True))
    assert network.label_embedding.weight.shape == (50, 100)
    assert network.label_embedding.weight.std().item() == pytest.approx(1, rel=4 / (2 * 5000) ** 0.5)


def test_labels_decide_what_a_conditional_generator_makes():
    torch.manual_seed(0)
    network = Dcgan(ngf=2).build(spec_of(1, 16, 16, conditional=True)).eval()
    z = network.latent(1, generator=seeded()).expand(3, -1)
    images = network(z, torch.tensor([0, 1, 0]))
    assert torch.equal(images[0], images[2])
    assert not torch.allclose(images[0], images[1])


def test_labels_do_not_touch_an_unconditional_generator():
    network = Dcgan(ngf=2).build(spec_of(1, 16, 16)).eval()
    z = network.latent(2, generator=seeded())
    assert torch.equal(network(z), network(z, torch.tensor([0, 1])))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (spec_of(2), r"shape \(2,\)"),
        (spec_of(3, 32, 64), "32×64"),
        (spec_of(3, 36, 36), "--image-size 32"),
        (spec_of(3, 32, 32, conditional=True, classes=()), "no classes"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason(spec, message):
    with pytest.raises(ConfigError, match=message):
        Dcgan().build(spec)


def test_a_conditional_generator_asks_for_labels():
    network = Dcgan(ngf=2).build(spec_of(1, 16, 16, conditional=True))
    with pytest.raises(ConfigError, match="got no labels"):
        network(network.latent(2, generator=seeded()))


def test_latents_are_standard_normal_and_come_from_the_given_generator_alone():
    network = Dcgan(ngf=1).build(spec_of(1, 8, 8))
    before = torch.get_rng_state()
    z = network.latent(200, generator=seeded(3))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(z, network.latent(200, generator=seeded(3)))
    assert z.device.type == "cpu"
    assert abs(z.mean()) < 4 / 20_000**0.5
    assert z.std().item() == pytest.approx(1, rel=4 / 40_000**0.5)
