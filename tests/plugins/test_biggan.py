"""BigGAN's networks: the sizes that BigGAN-PyTorch prints, formulas by hand, the hierarchy of z, what is refused."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from ganzoo_discriminators.biggan import Biggan as Critic
from ganzoo_generators.biggan import Biggan, factors
from torch.nn.utils.parametrize import is_parametrized

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec


def spec_of(*shape, classes=3, conditional=True):
    names = tuple(f"class {number}" for number in range(classes))
    return DataSpec(shape=shape, classes=names, marginal=(1 / classes,) * classes, conditional=conditional)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def built(options, spec):
    torch.manual_seed(0)
    network = options.build(spec).double().eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "bias" in name:
                parameter.normal_()
        for name, buffer in network.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_()
    return network


@pytest.fixture
def without_values(monkeypatch):
    """Leave out what fills weights and finds their norms: it is most of the time, and a size does not depend on it."""
    monkeypatch.setattr(torch.nn.init, "orthogonal_", lambda weight: weight)
    monkeypatch.setattr(torch.nn.utils.parametrizations._SpectralNorm, "_power_method", lambda *_: None)


def parameters(options, spec):
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in options.build(spec).parameters())


@pytest.mark.usefixtures("without_values")
@pytest.mark.parametrize(
    ("options", "printed"), [(Biggan(attention=64), 70_433_988), (Critic(attention=64), 87_982_370)]
)
def test_sizes_at_128_px_are_those_that_biggan_pytorch_prints(options, printed):
    assert parameters(options, spec_of(3, 128, 128, classes=1000)) == printed


@pytest.mark.usefixtures("without_values")
def test_sizes_at_32_px_are_those_of_its_layers():
    def convolution(before, after, kernel):
        return before * after * kernel**2 + after

    block = 2 * convolution(256, 256, 3) + convolution(256, 256, 1)
    generator = 20 * 4096 + 4096 + 10 * 128 + 3 * (block + 4 * 148 * 256) + 512 + convolution(256, 3, 3)
    assert parameters(Biggan(), spec_of(3, 32, 32, classes=10)) == generator
    first = convolution(3, 256, 3) + convolution(256, 256, 3) + convolution(3, 256, 1)
    plain = 2 * convolution(256, 256, 3)
    critic = first + block + 2 * plain + 257 + 10 * 256
    assert parameters(Critic(), spec_of(3, 32, 32, classes=10)) == critic


@pytest.mark.usefixtures("without_values")
@pytest.mark.parametrize(
    ("side", "widths", "critics"),
    [
        (32, (4, 4, 4, 4), (4, 4, 4, 4)),
        (64, (16, 16, 8, 4, 2), (1, 2, 4, 8, 16)),
        (128, (16, 16, 8, 4, 2, 1), (1, 2, 4, 8, 16, 16)),
        (256, (16, 16, 8, 8, 4, 2, 1), (1, 2, 4, 8, 8, 16, 16)),
    ],
)
def test_widths_are_those_of_the_papers_tables(side, widths, critics):
    assert factors(len(widths) - 1) == widths
    spec = spec_of(3, side, side)
    labels = torch.zeros(1, dtype=torch.long)
    with torch.no_grad():
        images = Biggan(ngf=1, latent=2, embedding=2).build(spec).eval()(torch.zeros(1, 2 * len(widths)), labels)
        output = Critic(ndf=1).build(spec).eval()(images, labels)
    assert images.shape == (1, 3, side, side)
    assert output.logits.shape == (1,)
    assert tuple(feature.shape[1] for feature in output.features) == critics
    assert output.features[-1].shape[-1] == (8 if side == 32 else 4)


def norm_by_hand(layer, maps, condition):
    maps = (maps - layer.norm.running_mean[:, None, None]) / (layer.norm.running_var[:, None, None] + 1e-5).sqrt()
    gain, shift = condition @ layer.gain.weight.T, condition @ layer.shift.weight.T
    return maps * (1 + gain)[:, :, None, None] + shift[:, :, None, None]


def convolved(layer, maps):
    return F.conv2d(maps, layer.weight, layer.bias, padding=layer.weight.shape[-1] // 2)


def doubled(maps):
    return maps.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def test_the_generator_computes_its_formula():
    network = built(Biggan(ngf=1, latent=3, embedding=2), spec_of(3, 16, 16))
    z, labels = network.latent(4, generator=seeded()).double(), torch.tensor([2, 0, 1, 2])
    assert z.shape == (4, 9)
    shared = network.embedding.weight[labels]
    maps = (z[:, :3] @ network.from_latent.weight.T + network.from_latent.bias).view(4, 4, 4, 4)
    for number, block in enumerate(network.blocks):
        condition = torch.cat([shared, z[:, 3 + 3 * number : 6 + 3 * number]], dim=1)
        hidden = convolved(block.first, doubled(norm_by_hand(block.first_norm, maps, condition).clamp(min=0)))
        hidden = convolved(block.second, norm_by_hand(block.second_norm, hidden, condition).clamp(min=0))
        maps = hidden + convolved(block.shortcut, doubled(maps))
    last = network.last_norm
    maps = (maps - last.running_mean[:, None, None]) / (last.running_var[:, None, None] + 1e-5).sqrt()
    maps = maps * last.weight[:, None, None] + last.bias[:, None, None]
    expected = torch.tanh(convolved(network.to_image, maps.clamp(min=0)))
    torch.testing.assert_close(network(z, labels), expected, rtol=1e-9, atol=1e-12)


def test_the_critic_adds_the_projection_onto_the_class():
    network = built(Critic(ndf=1), spec_of(1, 8, 8))
    images, labels = torch.randn(3, 1, 8, 8, dtype=torch.float64, generator=seeded()), torch.tensor([2, 0, 1])
    output = network(images, labels)
    maps = images
    for number, block in enumerate(network.trunk.blocks):
        residual = convolved(block.out, convolved(block.into, maps.clamp(min=0) if number else maps).clamp(min=0))
        shortcut = maps if number > 1 else convolved(block.shortcut, maps)
        maps = residual + shortcut
        maps = F.avg_pool2d(maps, 2) if number < 2 else maps
    pooled = maps.clamp(min=0).sum(dim=(2, 3))
    expected = pooled @ network.to_logit.weight[0] + network.to_logit.bias
    expected = expected + (pooled * network.class_vectors.weight[labels]).sum(dim=1)
    torch.testing.assert_close(output.logits, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("options", [Biggan(ngf=2, latent=3, embedding=4), Critic(ndf=2)])
def test_weights_start_orthogonal_and_have_spectral_norm_but_for_the_embedding(options):
    torch.manual_seed(0)
    network = options.build(spec_of(3, 16, 16))
    layers = [module for module in network.modules() if torch.is_tensor(getattr(module, "weight", None))]
    plain = {type(layer).__name__ for layer in layers if not is_parametrized(layer)}
    assert plain == ({"Embedding", "BatchNorm2d"} if isinstance(options, Biggan) else set())
    for name, weight in network.named_parameters():
        if weight.dim() > 1:
            values = torch.linalg.svdvals(weight.detach().flatten(1))
            torch.testing.assert_close(values, torch.ones_like(values), rtol=1e-4, atol=1e-4, msg=name)


def test_each_part_of_z_enters_at_its_own_block():
    network = built(Biggan(ngf=2, latent=3, embedding=2), spec_of(3, 32, 32))
    seen = []
    for block in network.blocks:
        block.register_forward_hook(lambda module, given, made: seen.append(made))
    z, labels = network.latent(1, generator=seeded()).double(), torch.tensor([1])
    network(z, labels)
    for part in range(4):
        other = z.clone()
        other[:, 3 * part : 3 * part + 3] += 1
        network(other, labels)
        changed = [not torch.equal(*pair) for pair in zip(seen[:3], seen[-3:], strict=True)]
        assert changed == [number >= part - 1 for number in range(3)]


def test_an_unconditional_generator_has_no_embedding_and_does_not_look_at_labels():
    network = built(Biggan(ngf=1, latent=3), spec_of(1, 8, 8, conditional=False))
    assert network.embedding is None
    z = network.latent(2, generator=seeded()).double()
    assert torch.equal(network(z), network(z, torch.tensor([0, 1])))


@pytest.mark.parametrize(
    ("options", "spec", "said"),
    [
        (Biggan(), spec_of(3, 36, 36), r"generator biggan doubles[\s\S]*--image-size 32"),
        (Biggan(attention=64), spec_of(3, 32, 32), r"generator biggan has no block[\s\S]*8, 16, 32"),
        (Biggan(), DataSpec(shape=(3, 32, 32), conditional=True), "generator biggan is asked to be conditional"),
        (Critic(), DataSpec(shape=(3, 32, 32)), "discriminator biggan judges images by their class"),
        (Critic(attention=32), spec_of(3, 32, 32), r"discriminator biggan has no feature map[\s\S]*16, 8"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason(options, spec, said):
    with pytest.raises(ConfigError, match=said):
        options.build(spec)


def test_labels_are_asked_for():
    spec = spec_of(1, 8, 8)
    with pytest.raises(ConfigError, match="generator biggan was built conditional, but got no labels"):
        Biggan(ngf=1, latent=2).build(spec)(torch.zeros(1, 4))
    with pytest.raises(ConfigError, match="discriminator biggan judges images by their class, but got no labels"):
        Critic(ndf=1).build(spec)(torch.zeros(1, 1, 8, 8))
