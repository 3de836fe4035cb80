"""Equalized layers: a scale at each use, equal steps for all of them, and the filter that halves."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from ganzoo_blocks.equalized import ScaledConvolution, ScaledLinear, activated
from ganzoo_blocks.smoothing import Smoothing


def test_a_convolution_keeps_the_variance_of_independent_inputs_times_the_square_of_its_gain():
    torch.manual_seed(0)
    for gain in (1.0, 2**0.5):
        layer = ScaledConvolution(16, 32, kernel=3, gain=gain)
        inner = layer(torch.randn(16, 16, 34, 34))[:, :, 1:-1, 1:-1]
        assert inner.var().item() == pytest.approx(gain**2, rel=0.05)


@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_is_the_plain_one_with_scaled_weights(bias):
    torch.manual_seed(0)
    layer = ScaledConvolution(3, 5, kernel=3, stride=2, padding=0, bias=bias, gain=0.7).double()
    if bias:
        torch.nn.init.normal_(layer.bias)
    maps = torch.randn(2, 3, 9, 7, dtype=torch.float64)
    expected = F.conv2d(maps, layer.weight * 0.7 / 27**0.5, layer.bias, stride=2)
    torch.testing.assert_close(layer(maps), expected, rtol=1e-9, atol=1e-12)
    assert sum(parameter.numel() for parameter in layer.parameters()) == 5 * 27 + 5 * bias


@pytest.mark.parametrize("before", [2, 32])
def test_one_step_of_adam_moves_what_is_used_alike_whatever_the_width(before):
    """By lr/√fan_in, in proportion to the size that the weights have: so narrow and wide layers learn equally fast."""
    torch.manual_seed(0)
    layer = ScaledConvolution(before, 4, kernel=3).double()
    used = (layer.weight * layer.scale).detach()
    layer(torch.randn(4, before, 5, 5, dtype=torch.float64)).sum().backward()
    torch.optim.Adam(layer.parameters(), lr=1e-3, eps=0).step()
    moved = ((layer.weight * layer.scale).detach() - used).abs()
    torch.testing.assert_close(moved, torch.full_like(moved, 1e-3 / (9 * before) ** 0.5), rtol=1e-6, atol=1e-12)


def test_gain_scales_the_weights_of_a_linear_layer_and_not_its_bias():
    torch.manual_seed(0)
    layer = ScaledLinear(4, 3, bias=0.5, gain=3.0)
    values = torch.randn(2, 4)
    torch.testing.assert_close(layer(values), 3 * (values @ layer.weight.T) / 2 + 0.5)


def test_the_activation_keeps_the_second_moment():
    """E[(√2·lrelu(x))²] = 2·½·(1 + 0.04) of x ~ N(0, 1)."""
    torch.manual_seed(0)
    assert activated(torch.randn(200_000)).square().mean().item() == pytest.approx(1.04, rel=0.02)


def test_the_filter_halves_even_sides_and_keeps_a_constant_inside():
    halved = Smoothing(stride=2)(torch.ones(1, 2, 8, 12))
    assert halved.shape == (1, 2, 4, 6)
    torch.testing.assert_close(halved[:, :, 1:-1, 1:-1], torch.ones(1, 2, 2, 4))
    torch.testing.assert_close(halved[0, 0, 0, 1:-1], torch.full((4,), 7 / 8))
    assert Smoothing(padding=2)(torch.ones(1, 1, 8, 8)).shape == (1, 1, 9, 9)
