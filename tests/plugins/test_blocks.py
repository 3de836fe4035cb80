"""Self-attention against a loop over positions and torch's own attention; what it starts as; its derivatives."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from ganzoo_blocks.attention import SelfAttention
from torch import nn

from ganzoo.training import spectral


def block(channels=16, *, spectral=False, gamma=0.7):
    torch.manual_seed(0)
    built = SelfAttention(channels, spectral=spectral).double().eval()
    nn.init.constant_(built.gamma, gamma)
    return built


def maps_of(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def by_loops(built, maps):
    """The definition, position by position; nothing of torch.nn."""
    weights = [layer.weight.detach()[:, :, 0, 0] for layer in (built.to_query, built.to_key, built.to_value)]
    back = built.to_output.weight.detach()[:, :, 0, 0]
    count, _, height, width = maps.shape
    result = maps.clone()
    for n in range(count):
        query, key, value = (torch.einsum("oc,chw->ohw", weight, maps[n]) for weight in weights)
        keys, values = [], []
        for top in range(0, height - 1, 2):
            for left in range(0, width - 1, 2):
                keys.append(torch.stack([row[top : top + 2, left : left + 2].max() for row in key]))
                values.append(torch.stack([row[top : top + 2, left : left + 2].max() for row in value]))
        for y in range(height):
            for x in range(width):
                agreement = [math.exp(float(query[:, y, x] @ key)) for key in keys]
                mixed = sum(a / sum(agreement) * value for a, value in zip(agreement, values, strict=True))
                result[n, :, y, x] += float(built.gamma.detach()) * (back @ mixed)
    return result


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("side", [(4, 4), (5, 6), (2, 3)])
def test_attention_is_its_definition(normalized, side):
    built, maps = block(spectral=normalized), maps_of(2, 16, *side)
    torch.testing.assert_close(built(maps), by_loops(built, maps), rtol=1e-12, atol=1e-12)


def test_attention_is_that_of_torch_without_its_scale():
    built, maps = block(24), maps_of(3, 24, 6, 6)

    def rows(tensor):
        return tensor.flatten(2).transpose(1, 2)

    key, value = (F.max_pool2d(layer(maps), 2) for layer in (built.to_key, built.to_value))
    mixed = F.scaled_dot_product_attention(rows(built.to_query(maps)), rows(key), rows(value), scale=1.0)
    expected = maps + built.gamma * built.to_output(mixed.transpose(1, 2).unflatten(2, (6, 6)))
    torch.testing.assert_close(built(maps), expected, rtol=1e-10, atol=1e-10)


def test_attention_starts_as_the_identity():
    built, maps = SelfAttention(16, spectral=True).eval(), maps_of(2, 16, 4, 4).float()
    assert built.gamma.shape == ()
    assert torch.equal(built(maps), maps)


def test_widths_are_those_of_the_code_of_sagan_and_no_convolution_has_a_bias():
    shapes = {name: tuple(parameter.shape) for name, parameter in SelfAttention(64, spectral=False).named_parameters()}
    assert shapes == {
        "gamma": (),
        "to_query.weight": (8, 64, 1, 1),
        "to_key.weight": (8, 64, 1, 1),
        "to_value.weight": (32, 64, 1, 1),
        "to_output.weight": (64, 32, 1, 1),
    }


def test_narrow_maps_keep_one_channel():
    built = SelfAttention(3, spectral=False)
    assert built.to_query.weight.shape[0] == built.to_value.weight.shape[0] == 1
    assert SelfAttention(1, spectral=True)(torch.ones(1, 1, 2, 2)).shape == (1, 1, 2, 2)


def test_spectral_norm_is_on_all_four_convolutions_or_on_none():
    built = block(spectral=True)
    for _ in range(100):
        spectral.iterate(built)
    norms = spectral.norms(built)
    assert len(norms) == 4
    assert all(norm == pytest.approx(1.0, rel=0.02) for norm in norms.values())
    assert spectral.norms(block(spectral=False)) == {}


@pytest.mark.parametrize("normalized", [False, True])
def test_first_and_second_derivative_are_right(normalized):
    built, maps = block(4, spectral=normalized), maps_of(1, 4, 4, 2).requires_grad_(True)
    assert torch.autograd.gradcheck(built, maps)
    assert torch.autograd.gradgradcheck(built, maps)


def test_every_weight_learns_once_gamma_has_left_zero():
    built = block(gamma=0.1)
    built(maps_of(2, 16, 4, 4)).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in built.parameters())
