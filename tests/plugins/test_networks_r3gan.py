"""R3GAN's networks: the published sizes, the initialization, the block, classes."""

from __future__ import annotations

import math

import pytest
import torch
from ganzoo_blocks.clipped import clipped
from ganzoo_blocks.fixup_residual import FixupResidual, stage_widths
from ganzoo_discriminators.r3gan import R3gan as Critic
from ganzoo_generators.r3gan import R3gan
from torch.nn import functional as F

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec

TEN = {"classes": tuple("abcdefghij"), "marginal": (0.1,) * 10}


def images(side, **details):
    return DataSpec(shape=(3, side, side), **details)


def size(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("side", "generator", "critic"), [(32, "20.73", "20.68"), (64, "22.43", "22.38"), (256, "23.06", "23.01")]
)
def test_sizes_without_classes_are_those_of_table_9(side, generator, critic):
    with torch.device("meta"):
        found = [size(options(width=768).build(images(side))) for options in (R3gan, Critic)]
    assert [f"{number / 1e6:.2f}" for number in found] == [generator, critic]


def test_sizes_with_classes_are_those_of_table_9():
    spec = images(32, conditional=True, **TEN)
    with torch.device("meta"):
        found = [size(R3gan(width=768).build(spec)), size(Critic(width=768, conditional=True).build(spec))]
    assert [f"{number / 1e6:.2f}" for number in found] == ["20.78", "21.28"]


def test_widths_are_those_of_table_9():
    """FFHQ-256: 96-192-384-768-768-768-768 channels; FFHQ-64: 384-768-768-768-768."""
    assert stage_widths(768, 4, 6) == [768, 768, 768, 768, 384, 192, 96]
    assert stage_widths(768, 4, 4) == [768, 768, 768, 768, 384]


def test_a_block_begins_as_the_identity_and_its_variance_is_fixups():
    torch.manual_seed(0)
    block = FixupResidual(64, among=16)
    maps = torch.randn(2, 64, 8, 8)
    assert torch.equal(block(maps), maps)
    for layer, fan_in in ((block.widen, 64), (block.mix, 16 * 9)):
        expected = math.sqrt(2 / (1.04 * fan_in)) * 16**-0.25
        assert layer.weight.std().item() == pytest.approx(expected, rel=0.03)
        assert not layer.bias.any()
    assert block.narrow.bias is None
    assert block.mix.groups == 8  # of 16 channels each, on twice the width


def test_a_block_is_its_formula():
    torch.manual_seed(0)
    block = FixupResidual(8, among=4).double()
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter)
    maps = torch.randn(2, 8, 5, 5, dtype=torch.float64)
    hidden = torch.einsum("oi,nihw->nohw", block.widen.weight[:, :, 0, 0], maps) + block.widen.bias[:, None, None]
    hidden = torch.where(hidden > 0, hidden, 0.2 * hidden)
    hidden = F.conv2d(hidden, block.mix.weight, block.mix.bias, padding=1)  # 16 channels are one group
    hidden = torch.where(hidden > 0, hidden, 0.2 * hidden)
    expected = maps + torch.einsum("oi,nihw->nohw", block.narrow.weight[:, :, 0, 0], hidden)
    assert torch.allclose(block(maps), expected, rtol=1e-12)


def test_a_value_beyond_the_bound_can_come_back_but_is_not_driven_farther():
    values = torch.tensor([-3.0, -3.0, -1.0, 0.5, 3.0, 3.0], requires_grad=True)
    weights = torch.tensor([2.0, -2.0, 2.0, 2.0, 2.0, -2.0], requires_grad=True)
    shown = clipped(values)
    assert shown.tolist() == [-1, -1, -1, 0.5, 1, 1]
    (found,) = torch.autograd.grad((weights * shown).sum(), values, create_graph=True)
    # Descent moves against the gradient: only the second and the fifth value would come nearer.
    assert found.tolist() == [0, -2, 2, 2, 2, 0]
    (again,) = torch.autograd.grad(found.sum(), weights)
    assert again.tolist() == [0, 1, 1, 1, 1, 0]


def test_a_generator_is_clipped():
    network = R3gan(width=8, latent=4).build(images(8))
    with torch.no_grad():
        network.to_image.weight.fill_(100.0)
    assert network(torch.randn(4, 4)).abs().max() == 1


def test_the_class_decides_by_a_projection():
    torch.manual_seed(0)
    spec = images(8, conditional=True, **TEN)
    critic = Critic(width=8, conditional=True).build(spec)
    pictures = torch.rand(3, 3, 8, 8)
    one, other = (critic(pictures, torch.full((3,), label)).logits for label in (1, 2))
    answer = critic.to_logit(critic.pooled(critic(pictures, torch.zeros(3).long()).features[-1]).flatten(1))
    vectors = critic.embedding.weight
    assert torch.allclose(one - other, answer @ (vectors[1] - vectors[2]), atol=1e-6)
    with pytest.raises(ConfigError, match="got no labels"):
        critic(pictures)
    with pytest.raises(ConfigError, match="the data have no classes"):
        Critic(conditional=True).build(images(8))
