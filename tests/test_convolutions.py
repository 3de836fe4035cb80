"""Convolutions that are computed otherwise on a CPU give torch's numbers, and keep all that torch's layers can."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call, grad, jvp, vmap
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.training import convolutions
from ganzoo.training.runtime import Runtime

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # which torch.func.jvp uses

KINDS = ("of one pixel", "to few", "from few", "woven")
CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def is_quick(layer):
    return "forward" in vars(layer)


@st.composite
def layers(draw):
    """A layer that is computed otherwise, and the shape of what it takes."""

    def pair(least, most):
        return draw(st.tuples(st.integers(least, most), st.integers(least, most)))

    kind, bias, few, n = (
        draw(st.sampled_from(KINDS)),
        draw(st.booleans()),
        draw(st.integers(1, 4)),
        draw(st.integers(1, 3)),
    )
    if kind == "of one pixel":
        layer = nn.ConvTranspose2d(draw(st.integers(1, 9)), few + 4, pair(1, 5), bias=bias)
        return layer, (n, layer.in_channels, 1, 1)
    if kind == "to few":
        length, width = pair(1, 5)
        kernel = length, width + (length == width == 1)
        padding = tuple(draw(st.integers(0, side - 1)) for side in kernel)
        layer = nn.Conv2d(convolutions.MANY, few, kernel, padding=padding, bias=bias)
        return layer, (n, layer.in_channels, *(side + more for side, more in zip(kernel, pair(0, 3), strict=True)))
    stride = pair(2, 3)
    kernel = tuple(step * draw(st.integers(1, 3)) for step in stride)
    padding = tuple(draw(st.integers(0, side // 2)) for side in kernel)
    if kind == "from few":
        layer = nn.Conv2d(few, 5, kernel, stride, padding, bias=bias)
        return layer, (n, few, *(side + more for side, more in zip(kernel, pair(0, 4), strict=True)))
    more = tuple(draw(st.integers(0, step - 1)) for step in stride)
    layer = nn.ConvTranspose2d(5, few, kernel, stride, padding, more, bias=bias)
    return layer, (n, 5, *pair(2, 4))


def answers(layer, x):
    """What it makes; first and second derivatives; along a direction; of each sample by itself."""
    x = x.clone().requires_grad_()
    weights = dict(layer.named_parameters())
    made = layer(x)
    first = torch.autograd.grad(made.sin().sum(), [x, *weights.values()], create_graph=True)
    second = torch.autograd.grad(sum(one.cos().sum() for one in first), [x, *weights.values()])
    given = x.detach()
    ahead = {name: torch.full_like(value.detach(), 0.3) for name, value in weights.items()}
    return (
        made,
        *first,
        *second,
        jvp(layer, (given,), (given.cos(),))[1],
        jvp(lambda values: functional_call(layer, values, (given,)), (weights,), (ahead,))[1],
        vmap(grad(lambda one: layer(one[None]).sin().sum()))(given),
    )


@settings(max_examples=40, deadline=None)
@given(layers(), st.booleans())
def test_all_is_as_torch_has_it(pair, channels_last):
    layer, shape = pair
    layer = layer.double()
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    if channels_last:
        layer, x = layer.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    quick = copy.deepcopy(layer)
    convolutions.quicken(quick)
    assert is_quick(quick)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolutions, "WOVEN", 1)
        found = answers(quick, x)
    for ours, theirs in zip(found, answers(layer, x), strict=True):
        assert ours.shape == theirs.shape
        torch.testing.assert_close(ours, theirs, **CLOSE)


@pytest.mark.parametrize("bias", [True, False])
def test_the_gradient_of_a_weight_by_a_convolution_over_samples(bias, monkeypatch):
    monkeypatch.setattr(convolutions, "_type", lambda x: torch.bfloat16)  # exact numbers, by the way of that type
    layer = nn.Conv2d(16, 17, (4, 3), padding=(1, 0), bias=bias).double()
    quick = copy.deepcopy(layer)
    convolutions.quicken(quick)
    x = torch.randn(18, 16, 6, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert "_ToFewPixels" in type(quick(x).grad_fn).__name__
    for ours, theirs in zip(answers(quick, x), answers(layer, x), strict=True):
        torch.testing.assert_close(ours, theirs, **CLOSE)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(256, 1, 4, padding=1), (16, 256, 7, 7)),
        (nn.Conv2d(64, 3, 3, padding=1), (16, 64, 8, 8)),
        (nn.ConvTranspose2d(100, 64, 4), (16, 100, 1, 1)),
        (nn.Conv2d(64, 128, 4, padding=1), (32, 64, 8, 8)),
    ],
    ids=["logits", "pictures", "latents", "few-pixels"],
)
def test_in_bf16_rounding_is_no_worse_than_torchs(layer, shape):
    quick = copy.deepcopy(layer)
    convolutions.quicken(quick)
    random = torch.Generator().manual_seed(1)
    x = torch.randn(shape, generator=random).requires_grad_()

    def in_bf16(network):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            made = network(x)
        assert made.dtype == torch.bfloat16
        return made, *torch.autograd.grad(made.float().sin().sum(), [x, *network.parameters()])

    exact = in_full(layer, x)
    for name, ours, theirs, true in zip(
        ("made", "x", "weight", "bias"), in_bf16(quick), in_bf16(layer), exact, strict=True
    ):
        assert ours.dtype == theirs.dtype
        # Each tap is rounded once before the sum; torch rounds the sum alone.
        assert (ours - true).norm() <= 1.6 * (theirs - true).norm(), name


def in_full(layer, x):
    x, layer = x.detach().double().requires_grad_(), copy.deepcopy(layer).double()
    made = layer(x)
    return made, *torch.autograd.grad(made.sin().sum(), [x, *layer.parameters()])


class Louder(nn.Conv2d):
    """A layer that computes something of its own."""

    def forward(self, x):
        return 2 * super().forward(x)


@pytest.mark.parametrize(
    "layer",
    [
        Louder(16, 1, 3),
        nn.Conv2d(16, 1, 3, stride=2),
        nn.Conv2d(16, 2, 3, groups=2),
        nn.Conv2d(16, 1, 3, dilation=2),
        nn.Conv2d(16, 1, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(16, 1, 3, padding="same"),
        nn.Conv2d(16, 1, 1),
        nn.Conv2d(16, 1, 2, padding=2),
        nn.Conv2d(16, 8, 3),
        nn.Conv2d(3, 16, 3),
        nn.Conv2d(3, 16, 3, stride=2),
        nn.Conv2d(3, 16, 4, stride=(2, 1)),
        nn.ConvTranspose2d(16, 16, 4, padding=1),
        nn.ConvTranspose2d(16, 16, 4, stride=2, output_padding=1),
        nn.ConvTranspose2d(16, 3, 3, stride=2, padding=1),
        nn.Linear(3, 3),
        nn.Conv1d(16, 1, 3),
        nn.Conv3d(16, 1, 3),
    ],
    ids=str,
)
def test_what_is_left_alone(layer):
    convolutions.quicken(layer)
    assert not is_quick(layer)


def test_a_forward_of_ones_own_stays():
    layer = nn.Conv2d(16, 1, 3)
    layer.forward = own = torch.sin
    convolutions.quicken(layer)
    convolutions.as_torch(layer)
    assert layer.forward is own


@pytest.mark.parametrize("shape", [(16, 5, 5), (2, 100, 3, 2)])
def test_shapes_that_a_layer_takes_besides(shape):
    layer = nn.ConvTranspose2d(100, 4, 3) if shape[-1] == 2 else nn.Conv2d(16, 1, 3)
    x = torch.randn(shape)
    wanted = layer(x)
    convolutions.quicken(layer)
    assert torch.equal(layer(x), wanted)


def test_an_output_size_goes_on_being_heeded():
    layer, x = nn.ConvTranspose2d(100, 4, 3, stride=2), torch.randn(2, 100, 1, 1)
    wanted = layer(x, output_size=(4, 4))
    convolutions.quicken(layer)
    assert torch.equal(layer(x, output_size=(4, 4)), wanted)


def test_layers_with_spectral_norm_keep_class_names_and_weights():
    layer = spectral_norm(nn.Conv2d(16, 1, 4))
    kind, names = type(layer), list(layer.state_dict())
    convolutions.quicken(layer)
    assert is_quick(layer)
    assert type(layer) is kind
    assert list(layer.state_dict()) == names


def test_copies_and_pickles_compute_with_weights_of_their_own():
    network = nn.Sequential(nn.Conv2d(16, 1, 4, padding=1))
    convolutions.quicken(network)
    x = torch.randn(2, 16, 5, 5)
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(other(x), network(x))
        with torch.no_grad():
            other[0].weight.zero_()
            other[0].bias.fill_(7)
        assert (other(x) == 7).all()
        assert not (network(x) == 7).any()


def test_twice_is_as_once_and_it_can_be_undone():
    network = nn.Sequential(nn.ConvTranspose2d(8, 4, 4), nn.Conv2d(16, 1, 3))
    convolutions.quicken(network)
    before = [layer.forward for layer in network]
    convolutions.quicken(network)
    assert [layer.forward for layer in network] == before
    convolutions.as_torch(network)
    assert not any(map(is_quick, network))


def test_a_run_on_a_cpu_computes_so():
    network = Runtime(device=torch.device("cpu")).place(nn.Sequential(nn.Conv2d(16, 1, 3)))
    assert is_quick(network[0])


def test_elsewhere_torchs_own_goes_on():
    layer = nn.Conv2d(16, 1, 3, device="meta")
    convolutions.quicken(layer)
    assert layer(torch.empty(2, 16, 5, 5, device="meta")).shape == (2, 1, 3, 3)


def test_it_can_be_compiled():
    network = nn.Sequential(nn.ConvTranspose2d(8, 16, 4), nn.Conv2d(16, 1, 3))
    x = torch.randn(2, 8, 1, 1)
    wanted = network(x)
    convolutions.quicken(network)
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x), wanted)
