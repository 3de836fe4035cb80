"""Convolutions that are computed otherwise on a CPU give torch's numbers, and torch has all that is not for them."""

from __future__ import annotations

import copy
import pickle
from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call, grad, jvp, vmap
from torch.nn.utils.parametrizations import spectral_norm, weight_norm
from torch.utils._python_dispatch import TorchDispatchMode

from ganzoo.config.layers import ConfigLayer
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.registry import Registry
from ganzoo.runs.assembly import assemble
from ganzoo.training import convolutions, winograd
from ganzoo.training.loop import train
from ganzoo.training.runtime import Runtime

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.*. is deprecated")  # torch.func.jvp uses it, too

KINDS = {
    "to few": "_to_few",
    "of one pixel": "_of_one_pixel",
    "woven": "_woven",
    "from few": "_from_few",
    "fewer products": "_by_fewer_products",
}
LAST = torch.channels_last


@pytest.fixture(autouse=True)
def one_thread():
    """How many there are decides what pays."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def taken(monkeypatch):
    """The ways that were taken, in order."""
    names = list[str]()

    def noting(name, way):
        def noted(*given):
            made = way(*given)
            names.extend([name] if made is not None else [])
            return made

        return noted

    for name in CASES:
        monkeypatch.setattr(convolutions, name, noting(name, getattr(convolutions, name)))
    return names


def numbers(*shape, dtype=torch.float64):
    x = torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(0))
    return x.contiguous(memory_format=LAST) if len(shape) == 4 else x


@st.composite
def layers(draw):
    """A layer that is computed otherwise, what it takes, and how."""

    def pair(least, most):
        return draw(st.tuples(st.integers(least, most), st.integers(least, most)))

    kind, bias = draw(st.sampled_from(list(KINDS))), draw(st.booleans())
    few, n = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    if kind == "of one pixel":
        layer = nn.ConvTranspose2d(draw(st.integers(1, 9)), draw(st.integers(1, 9)), pair(1, 5), bias=bias)
        return layer, (n, layer.in_channels, 1, 1), kind
    if kind == "to few":
        length, width = pair(1, 4)
        kernel = length, width + (length == width == 1)
        padding = tuple(draw(st.integers(0, side - 1)) for side in kernel)
        layer = nn.Conv2d(convolutions.PER_TAP * few * kernel[0] * kernel[1], few, kernel, padding=padding, bias=bias)
        return (
            layer,
            (n, layer.in_channels, *(side + more for side, more in zip(kernel, pair(1, 3), strict=True))),
            kind,
        )
    if kind == "fewer products":
        taps, padding = draw(st.integers(2, winograd.MOST_TAPS)), pair(0, 5)
        sides = tuple(max(1, taps - 2 * side) + draw(st.integers(0, 9)) for side in padding)
        made = draw(st.integers(convolutions.FEW + 1, convolutions.FEW + 3))  # fewer would go another way
        return nn.Conv2d(few, made, taps, padding=padding, bias=bias), (n, few, *sides), kind
    if kind == "from few":
        stride = pair(2, 3)
        kernel = tuple(step * draw(st.integers(1, 3)) for step in stride)
        padding, sides = pair(0, 4), tuple(side + draw(st.integers(0, 9)) for side in kernel)
        made = convolutions.PER_OUTPUT * few
        layer = nn.Conv2d(few, made, kernel, stride, padding, bias=bias).requires_grad_(False)
        return layer, (n, few, *sides), kind
    stride = pair(2, 3)
    kernel = tuple(step * draw(st.integers(1, 3)) for step in stride)
    padding = tuple(draw(st.integers(0, side // 2)) for side in kernel)
    more = tuple(draw(st.integers(0, step - 1)) for step in stride)
    layer = nn.ConvTranspose2d(convolutions.PER_OUTPUT * few, few, kernel, stride, padding, more, bias=bias)
    return layer, (n, layer.in_channels, *pair(3, 5)), kind


def answers(layer, x):
    """What it makes, and first and second derivatives by all that there is."""
    x = x.clone(memory_format=torch.preserve_format).requires_grad_()
    by = [x, *(one for one in layer.parameters() if one.requires_grad)]
    made = layer(x)
    first = torch.autograd.grad(made.sin().sum(), by, create_graph=True)
    return made, *first, *torch.autograd.grad(sum(one.cos().sum() for one in first), by)


def equal(ours, theirs, close=1e-10):
    for one, other in zip(ours, theirs, strict=True):
        assert one.shape == other.shape
        torch.testing.assert_close(one, other, rtol=close, atol=close)


@settings(max_examples=80, deadline=None)
@given(layers(), st.sampled_from([1, winograd.VALUES]))
def test_numbers_and_derivatives_are_those_of_torch(case, values):
    layer, shape, kind = case
    layer, x = layer.double().to(memory_format=LAST), numbers(*shape)
    with pytest.MonkeyPatch.context() as patch, convolutions.quick():
        patch.setattr(convolutions, "WOVEN", 1)
        patch.setattr(convolutions, "WOVEN_BACK", 0)
        patch.setattr(convolutions, "SHRINKING", 100)
        patch.setattr(winograd, "WORTH", -(10**9))
        patch.setattr(winograd, "VALUES", values)
        patch.setattr(winograd, "PER_SAMPLE", 10**9)
        made = getattr(convolutions, KINDS[kind])(layer, x.clone().requires_grad_(), layer.weight)
        if made is None:  # nothing would be left of the picture
            assert kind == "woven"
            return
        ours = answers(layer, x)
    equal([made, *ours], [layer(x), *answers(layer, x)])
    assert made.is_contiguous(memory_format=LAST)
    assert all(one.is_contiguous(memory_format=LAST) for one in ours if one.ndim == 4)


@pytest.mark.parametrize("bias", [True, False])
def test_the_gradient_of_a_weight_by_a_convolution_over_samples(bias):
    layer = nn.Conv2d(16, 17, (4, 3), padding=(1, 0), bias=bias).double().to(memory_format=LAST)
    x = numbers(18, 16, 6, 7)
    way = convolutions._ToFewPixels.apply

    class Otherwise(nn.Module):
        def forward(self, x):
            return way(x, layer.weight, layer.bias, (1, 0))

        def parameters(self):
            return layer.parameters()

    equal(answers(Otherwise(), x), answers(layer, x))


CASES = {
    "_to_few": (lambda: nn.Conv2d(64, 1, 4, padding=1), (4, 64, 7, 7)),
    "_of_one_pixel": (lambda: nn.ConvTranspose2d(20, 8, 4), (4, 20, 1, 1)),
    "_woven": (lambda: nn.ConvTranspose2d(32, 3, 4, 2, 1), (16, 32, 32, 32)),
    "_to_few_pixels": (lambda: nn.Conv2d(64, 64, 4, padding=1), (16, 64, 8, 8)),
    "_from_few": (lambda: nn.Conv2d(3, 32, 4, 2, 1).requires_grad_(False), (32, 3, 32, 32)),
    "_by_fewer_products": (lambda: nn.Conv2d(64, 64, 4, padding=1), (32, 64, 9, 9)),
}


def case_of(way, **changes):
    build, shape = CASES[way]
    layer = build().to(memory_format=LAST)
    for name, value in changes.items():
        setattr(layer, name, value)
    return layer, numbers(*shape, dtype=torch.float32).requires_grad_(way == "_from_few")


def in_bf16(way):
    return torch.autocast("cpu", dtype=torch.bfloat16) if way == "_to_few_pixels" else nullcontext()


@pytest.mark.parametrize("way", CASES)
def test_each_way_is_taken_where_it_is_meant(way, taken):
    layer, x = case_of(way)
    with in_bf16(way):
        wanted = layer(x)
        with convolutions.quick():
            found, named = layer(x), layer(input=x)
        assert taken == [way, way]
        assert not taken.append("end")
        layer(x)
    assert taken[-1] == "end"
    assert torch.equal(found, named)
    assert found.dtype == wanted.dtype
    assert found.is_contiguous(memory_format=LAST)
    assert wanted.is_contiguous(memory_format=LAST)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_fewer_products_must_save_more_with_each_thread(taken):
    layer, x = case_of("_by_fewer_products")
    for threads in (1, 2):
        torch.set_num_threads(threads)
        with convolutions.quick():
            layer(x)
    assert taken == ["_by_fewer_products"]


def test_in_bf16_gradients_are_as_exact_as_those_of_torch():
    layer, x = case_of("_to_few_pixels")
    x.requires_grad_()
    exact = copy.deepcopy(layer).double()
    given = x.detach().double().requires_grad_()
    true = torch.autograd.grad(exact(given).sin().sum(), [given, *exact.parameters()])

    def found():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            made = layer(x)
        return torch.autograd.grad(made.float().sin().sum(), [x, *layer.parameters()])

    with convolutions.quick():
        ours = found()
    for one, other, right in zip(ours, found(), true, strict=True):
        assert one.dtype == other.dtype
        assert (one - right).norm() <= 1.1 * (other - right).norm()


@pytest.mark.parametrize("taps", [2, 3, 4])
@pytest.mark.parametrize("channels", [16, 256])
@pytest.mark.parametrize("gradient", ["constant", "normal"])
def test_fewer_products_round_little(taps, channels, gradient):
    x = numbers(8, channels, 12, 12, dtype=torch.float32)
    weight = numbers(64, channels, taps, taps, dtype=torch.float32)

    def found(way, dtype):
        given = [one.detach().to(dtype).requires_grad_() for one in (x, weight)]
        made = way(*given)
        back = torch.ones_like(made) if gradient == "constant" else numbers(*made.shape, dtype=torch.float32).to(dtype)
        return made, *torch.autograd.grad(made, given, back)

    true = found(F.conv2d, torch.float64)
    ours = found(lambda *given: winograd.convolution(*given, (0, 0)), torch.float32)
    for one, right in zip(ours, true, strict=True):
        assert (one - right).norm() <= 5e-6 * right.norm()


def test_what_fewer_products_hold_at_a_time_is_bounded(monkeypatch):
    """Values of input and output at all points, whatever the batch; one sample at least."""
    x, layer = numbers(64, 64, 9, 9, dtype=torch.float32).requires_grad_(), case_of("_by_fewer_products")[0]
    monkeypatch.setattr(winograd, "VALUES", values := 100_000)
    monkeypatch.setattr(
        convolutions, "_by_fewer_products", lambda layer, x, weight: winograd.convolution(x, weight, (1, 1))
    )
    held = []

    class Noting(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, given=(), more=None):
            if "bmm" in str(function):
                held.append(sum(one.numel() for one in given[-2:]))
            return function(*given, **(more or {}))

    with convolutions.quick(), Noting():
        layer(x).sum().backward()
    taps = 49 * 64 * 64
    assert len(held) >= 3 * 8
    assert max(held) <= taps + 1.5 * values


def test_samples_that_hold_too_much_are_left_to_torch(taken, monkeypatch):
    layer, x = case_of("_by_fewer_products")
    monkeypatch.setattr(winograd, "VALUES", 1000)
    with convolutions.quick():
        layer(x)
    assert taken == []


class Louder(nn.Conv2d):
    def _conv_forward(self, *given):
        return 2 * super()._conv_forward(*given)


class Longer(nn.ConvTranspose2d):
    def _output_padding(self, *given, **more):
        super()._output_padding(*given, **more)
        return [1, 1]


class Own(nn.Conv2d):
    def forward(self, x):
        return 2 * super().forward(x)


class Otherwise(nn.Conv2d):
    """Whose weight does not follow the layer to another order in memory."""

    def _apply(self, *given, **more):
        made = super()._apply(*given, **more)
        self.weight.data = self.weight.data.contiguous()
        return made


LEFT = {
    "its own convolution": (lambda: Louder(64, 1, 4, padding=1), (4, 64, 7, 7)),
    "its own size": (lambda: Longer(32, 3, 4, 2, 1), (16, 32, 32, 32)),
    "a stride": (lambda: nn.Conv2d(64, 1, 4, 2), (4, 64, 7, 7)),
    "groups": (lambda: nn.Conv2d(64, 2, 4, groups=2), (4, 64, 7, 7)),
    "dilation": (lambda: nn.Conv2d(64, 1, 3, dilation=2), (4, 64, 7, 7)),
    "reflection": (lambda: nn.Conv2d(64, 1, 4, padding=1, padding_mode="reflect"), (4, 64, 7, 7)),
    "a padding in words": (lambda: nn.Conv2d(64, 1, 3, padding="same"), (4, 64, 7, 7)),
    "a padding beyond the kernel": (lambda: nn.Conv2d(64, 1, 2, padding=2), (4, 64, 7, 7)),
    "a kernel of one": (lambda: nn.Conv2d(64, 1, 1), (4, 64, 7, 7)),
    "few channels for many taps": (lambda: nn.Conv2d(32, 3, 3, padding=1), (4, 32, 7, 7)),
    "an output of one of many pixels": (lambda: nn.Conv2d(1024, 1, 5), (4, 1024, 5, 5)),
    "another order in memory": (lambda: nn.Conv2d(64, 1, 4), (64, 7, 7)),
    "few pixels of pictures": (lambda: nn.ConvTranspose2d(32, 3, 4, 2, 1), (4, 32, 8, 8)),
    "few channels of pictures": (lambda: nn.ConvTranspose2d(16, 3, 4, 2, 1), (16, 16, 32, 32)),
    "no phases": (lambda: nn.ConvTranspose2d(32, 3, 3, 2, 1), (16, 32, 32, 32)),
    "latents with a padding": (lambda: nn.ConvTranspose2d(20, 8, 4, padding=1), (4, 20, 1, 1)),
    "pictures that need no gradient": (lambda: nn.Conv2d(3, 32, 4, 2, 1).requires_grad_(False), (32, 3, 32, 32)),
    "a weight in another order": (lambda: Otherwise(64, 64, 4, padding=1), (32, 64, 9, 9)),
    "two kernel sides": (lambda: nn.Conv2d(128, 128, (4, 3)), (64, 128, 11, 10)),
    "five taps": (lambda: nn.Conv2d(128, 128, 5), (64, 128, 12, 12)),
    "few samples": (lambda: nn.Conv2d(128, 128, 4, padding=1), (2, 128, 9, 9)),
    "few channels": (lambda: nn.Conv2d(32, 32, 4, padding=1), (64, 32, 9, 9)),
    "a small map in fp32": (lambda: nn.Conv2d(64, 64, 4, padding=1), (16, 64, 8, 8)),
}


@pytest.mark.parametrize("why", LEFT)
def test_what_is_left_to_torch(why, taken):
    build, shape = LEFT[why]
    layer, x = build().to(memory_format=LAST), numbers(*shape, dtype=torch.float32)
    with convolutions.quick():
        found = layer(x)
    assert torch.equal(found, layer(x))
    assert taken == []


def test_few_pictures_have_torchs_gradient(taken):
    layer, x = case_of("_from_few")
    with convolutions.quick():
        layer(x[:31])
    assert taken == []


@pytest.mark.parametrize("trained", ["weight", "bias"])
def test_pictures_before_a_layer_that_learns_have_torchs_gradient(trained, taken):
    layer, x = case_of("_from_few")
    getattr(layer, trained).requires_grad_()
    with convolutions.quick():
        layer(x)
    assert taken == []


def test_a_layer_with_a_forward_of_its_own_may_ask_torchs_class(taken):
    layer, x = Own(64, 1, 4).to(memory_format=LAST), numbers(4, 64, 7, 7, dtype=torch.float32)
    with convolutions.quick():
        found = layer(x)
    torch.testing.assert_close(found, layer(x))
    assert taken == ["_to_few"]


def test_a_forward_that_others_put_into_torchs_class_goes_on(taken, monkeypatch):
    layer, x = case_of("_to_few")
    monkeypatch.setattr(nn.Conv2d, "forward", lambda self, given: self._conv_forward(given, self.weight, self.bias) + 1)
    with convolutions.quick():
        found = layer(x)
    assert torch.equal(found, layer(x))
    assert taken == []


@pytest.mark.parametrize("way", CASES)
def test_what_is_changed_afterwards_counts(way):
    layer, x = case_of(way)
    with convolutions.quick(), in_bf16(way):
        layer(x)
        layer.dilation = (2, 2)
        found = layer(x)
    with in_bf16(way):
        assert torch.equal(found, layer(x))


@pytest.mark.parametrize("way", ["_to_few", "_woven", "_from_few", "_by_fewer_products"])
def test_in_bf16_taps_are_not_rounded_before_they_are_added(way, taken):
    layer, x = case_of(way)
    with convolutions.quick(), torch.autocast("cpu", dtype=torch.bfloat16):
        layer(x)
    assert taken == []


@pytest.mark.parametrize("way", CASES)
def test_negative_paddings_are_told_by_torch(way):
    layer, x = case_of(way, padding=(-1, -1))
    with convolutions.quick(), pytest.raises(RuntimeError, match="negative padding"):
        layer(x)


@pytest.mark.parametrize("way", CASES)
def test_wrong_numbers_of_channels_are_told_by_torch(way):
    layer, x = case_of(way)
    with convolutions.quick(), pytest.raises(RuntimeError, match="channels"):
        layer(torch.cat([x, x], 1))


@pytest.mark.parametrize("way", CASES)
def test_functions_of_functions_are_left_to_torch(way, taken):
    layer, x = case_of(way)
    layer, x = layer.double(), x[:2].double()
    weights = {name: value.detach() for name, value in layer.named_parameters()}

    def by_weights(given):
        return functional_call(layer, given, (x,)).sin().sum()

    def found():
        return (
            jvp(lambda y: jvp(layer, (y,), (y.cos(),))[1], (x,), (x.sin(),))[1],
            vmap(grad(lambda one: layer(one[None]).sin().sum()))(x),
            *vmap(grad(by_weights))(
                {name: torch.stack([value, 2 * value]) for name, value in weights.items()}
            ).values(),
        )

    with convolutions.quick():
        ours = found()
    equal(ours, found())
    assert taken == []


@pytest.mark.parametrize("way", CASES)
def test_a_network_is_traced_and_compiled_as_torchs(way):
    layer, x = case_of(way)
    with convolutions.quick():
        traced = torch.jit.trace(layer, x, check_trace=False)  # beside what is computed otherwise, up to rounding
        compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")(x)
    assert torch.equal(traced(x[:2].contiguous(memory_format=LAST)), layer(x[:2].contiguous(memory_format=LAST)))
    assert torch.equal(compiled, layer(x))


@pytest.mark.parametrize("normalized", [spectral_norm, weight_norm])
def test_layers_with_parametrized_weights_too(normalized, taken):
    layer = normalized(nn.Conv2d(64, 1, 4)).to(memory_format=LAST).eval()
    x = numbers(4, 64, 7, 7, dtype=torch.float32)
    with convolutions.quick():
        found = layer(x)
    assert taken == ["_to_few"]
    torch.testing.assert_close(found, layer(x))


@pytest.mark.parametrize("way", CASES)
def test_what_is_made_may_be_changed_in_place(way):
    layer, x = case_of(way)
    layer.bias = None
    x.requires_grad_()
    with in_bf16(way):
        wanted = torch.autograd.grad(F.leaky_relu(layer(x), 0.2, inplace=True).sum(), x)[0]
        with convolutions.quick():
            found = torch.autograd.grad(F.leaky_relu(layer(x), 0.2, inplace=True).sum(), x)[0]
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3)


def test_gradients_of_gradients_may_be_changed_in_place():
    layer, x = case_of("_by_fewer_products")
    x.requires_grad_()
    with convolutions.quick():
        for gradient in torch.autograd.grad(layer(x).sin().sum(), [x, layer.weight], create_graph=True):
            gradient.mul_(2)


def test_gradients_under_autocast_are_computed_in_fp32_as_the_output_was():
    layer, x = case_of("_by_fewer_products")
    by = [x.requires_grad_(), layer.weight]
    with convolutions.quick():
        wanted, made = torch.autograd.grad(layer(x).sin().sum(), by), layer(x).sin().sum()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = torch.autograd.grad(made, by)
    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))


@pytest.mark.parametrize("way", CASES)
def test_many_gradients_at_once(way):
    layer, x = case_of(way)
    made, many = layer(x.requires_grad_()), torch.eye(3)
    wanted = torch.autograd.grad(made.mean((1, 2, 3))[:3], x, many, is_grads_batched=True)[0]
    with convolutions.quick():
        found = torch.autograd.grad(layer(x).mean((1, 2, 3))[:3], x, many, is_grads_batched=True)[0]
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-6)


def test_a_default_device_of_others_leaves_nothing_behind():
    layer, x = case_of("_by_fewer_products")
    with convolutions.quick():
        with torch.device("meta"):
            found = layer(x)
        assert torch.equal(layer(x), found)


class Counted(nn.Module):
    """A weight that moves whenever it is read, as spectral normalization lets it in training."""

    def __init__(self):
        super().__init__()
        self.reads = 0

    def forward(self, weight):
        self.reads += 1
        return weight * self.reads


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("case", [*CASES, *LEFT])
def test_a_weight_is_read_once(case, bf16):
    build, shape = (CASES | LEFT)[case]
    layer, x = build().to(memory_format=LAST), numbers(*shape, dtype=torch.float32)
    layer = torch.nn.utils.parametrize.register_parametrization(layer, "weight", counted := Counted())
    for order in (torch.contiguous_format, LAST):
        layer.to(memory_format=order)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            counted.reads = 0
            with convolutions.quick():
                found = layer(x)
            assert counted.reads == 1
            counted.reads = 0
            torch.testing.assert_close(found, layer(x), rtol=2e-2 if bf16 else 1e-4, atol=2e-2 if bf16 else 1e-4)


def test_copies_and_pickles_compute_with_weights_of_their_own():
    network = nn.Sequential(nn.Conv2d(64, 1, 4).to(memory_format=LAST))
    x = numbers(4, 64, 7, 7, dtype=torch.float32)
    with convolutions.quick():
        for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
            assert torch.equal(other(x), network(x))
            with torch.no_grad():
                other[0].weight.zero_()
                other[0].bias.fill_(7)
            assert (other(x) == 7).all()


def test_blocks_may_lie_in_each_other_and_end_in_any_order(taken):
    layer, x = case_of("_to_few")
    before = nn.Conv2d.forward
    first, second = convolutions.quick(), convolutions.quick()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    layer(x)
    second.__exit__(None, None, None)
    layer(x)
    assert taken == ["_to_few"]
    assert nn.Conv2d.forward is before


@pytest.mark.parametrize(("compiled", "ways"), [(False, ["_to_few"]), (True, [])])
def test_a_step_on_a_cpu_computes_so_unless_it_is_compiled(compiled, ways, taken):
    layer, x = case_of("_to_few")
    with Runtime(device=torch.device("cpu"), compile=compiled).quick():
        layer(x)
    layer(x)
    assert taken == ways


def test_a_run_computes_so_in_its_steps_alone(monkeypatch):
    counted = []
    monkeypatch.setattr(convolutions, "_count", counted.append)
    values = {"loss.name": "bce", "discriminator.name": "mlp", "data.name": "ring", "runtime.device": "cpu"}
    setup = assemble(make_plan(choose(Registry.load(plugins=False), [ConfigLayer("test", values)])))
    reports = train(setup)
    next(reports)
    assert counted == [1, -1]
    next(reports)
    assert counted == [1, -1, 1, -1]
