"""Devices, precision, and the one place where an optimizer moves."""

from __future__ import annotations

import contextlib
from functools import partial

import pytest
import torch
from toys import ToyDiscriminator, ToyGenerator

from ganzoo.errors import DivergedError, ResourceError
from ganzoo.protocols import DiscriminatorOutput
from ganzoo.training.runtime import Runtime, differentiate, pick_device


def parameter_and_optimizer(value=1.0, lr=0.1):
    parameter = torch.nn.Parameter(torch.tensor([value]))
    return parameter, torch.optim.SGD([parameter], lr=lr)


def descend(player, step, optimizer, parts, **options):
    """One step, as the loop makes it."""
    found = differentiate(player, step, optimizer, parts, **options)
    optimizer.step()
    return found


def test_a_step_is_along_the_sum_of_the_terms():
    parameter, optimizer = parameter_and_optimizer()
    terms, norm = descend("generator", 1, optimizer, [(1.0, {"a": 2 * parameter.sum(), "b": 3 * parameter.sum()})])
    assert parameter.item() == pytest.approx(1 - 0.1 * 5)
    assert {name: value.item() for name, value in terms.items()} == {"a": 2.0, "b": 3.0}
    assert norm.item() == 5.0


def test_micro_batches_are_weighted_by_their_share():
    parameter, optimizer = parameter_and_optimizer()
    parts = [(0.25, {"a": 4 * parameter.sum()}), (0.75, {"a": 8 * parameter.sum()})]
    terms, _ = descend("generator", 1, optimizer, parts)
    assert terms["a"].item() == 7.0
    assert parameter.item() == pytest.approx(1 - 0.1 * 7)


def test_old_gradients_do_not_count():
    parameter, optimizer = parameter_and_optimizer()
    parameter.grad = torch.tensor([100.0])
    descend("generator", 1, optimizer, [(1.0, {"a": parameter.sum()})])
    assert parameter.item() == pytest.approx(0.9)


def test_clipping_rescales_the_whole_gradient():
    parameter, optimizer = parameter_and_optimizer()
    _, norm = descend("generator", 1, optimizer, [(1.0, {"a": 50 * parameter.sum()})], clip_grad_norm=1.0)
    assert norm.item() == 50.0, "the norm reported is the one before clipping"
    assert parameter.item() == pytest.approx(1 - 0.1, abs=1e-5)


def test_clipping_keeps_the_direction_of_all_parameters_together():
    """3-4-5: clipped one by one, both would move by the same length."""
    one, other = (torch.nn.Parameter(torch.zeros(1)) for _ in range(2))
    terms = {"a": 30 * one.sum() + 40 * other.sum()}
    _, norm = descend("generator", 1, torch.optim.SGD([one, other], lr=1.0), [(1.0, terms)], clip_grad_norm=5.0)
    assert norm.item() == 50.0
    assert (one.item(), other.item()) == pytest.approx((-3, -4), rel=1e-5)


def test_a_gradient_within_the_limit_is_not_clipped():
    parameter, optimizer = parameter_and_optimizer()
    descend("generator", 1, optimizer, [(1.0, {"a": 2 * parameter.sum()})], clip_grad_norm=3.0)
    assert parameter.item() == pytest.approx(1 - 0.1 * 2)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_non_finite_term_stops_before_the_optimizer_moves_and_is_named(bad):
    parameter, optimizer = parameter_and_optimizer()
    terms = {"adversarial": parameter.sum(), "gradient_penalty": parameter.sum() * bad}
    with pytest.raises(DivergedError, match=r"gradient_penalty of the discriminator is not finite at step 7"):
        descend("discriminator", 7, optimizer, [(1.0, terms)])
    assert parameter.item() == 1.0
    assert optimizer.state[parameter] == {}


def test_a_non_finite_gradient_of_a_finite_term_stops_too():
    parameter, optimizer = parameter_and_optimizer(0.0)
    with pytest.raises(DivergedError, match="the gradient of the generator") as error:
        descend("generator", 3, optimizer, [(1.0, {"a": parameter.sqrt().sum()})])
    assert error.value.hint.endswith("or use --precision fp32 instead of bf16")
    assert parameter.item() == 0.0


def test_a_non_finite_term_with_a_finite_gradient_stops_too():
    parameter, optimizer = parameter_and_optimizer()
    terms = {"a": parameter.sum(), "far": parameter.sum() + float("inf")}
    with pytest.raises(DivergedError, match="term far of the generator"):
        descend("generator", 3, optimizer, [(1.0, terms)])
    assert parameter.item() == 1.0


def test_terms_that_cancel_to_a_finite_sum_are_still_seen():
    parameter, optimizer = parameter_and_optimizer()
    infinite = parameter.sum() / 0
    with pytest.raises(DivergedError):
        descend("generator", 3, optimizer, [(1.0, {"a": infinite, "b": -infinite})])


def test_unknown_and_missing_devices_are_errors_with_a_way_out():
    for name in ("gpu", "cuda:99"):
        with pytest.raises(ResourceError, match=name):
            pick_device(name)
    with pytest.raises(ResourceError) as error:
        pick_device("cuda:99")
    there = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    allowed = error.value.allowed.split(", ")
    assert allowed[:2] == ["auto", "cpu"]
    assert [name for name in allowed if name.startswith("cuda")] == (["cuda", *there] if there else [])
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type in ("cpu", "cuda", "mps")


def settings():
    return (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
    )


@pytest.mark.parametrize("before", [(False, False, True), (True, True, True), (True, False, False)])
@pytest.mark.parametrize("fails", [False, True])
def test_torchs_settings_come_back(before, fails):
    deterministic, warn_only, fill = before
    untouched = settings()
    try:
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.utils.deterministic.fill_uninitialized_memory = fill
        found = settings()
        with contextlib.suppress(MemoryError), Runtime(device=torch.device("cpu"), threads=2).active():
            assert settings() == (2, True, True, False)
            if fails:
                raise MemoryError
        assert settings() == found
    finally:
        torch.use_deterministic_algorithms(untouched[1], warn_only=untouched[2])
        torch.utils.deterministic.fill_uninitialized_memory = untouched[3]


def test_bf16_computes_in_bf16_and_hands_out_fp32():
    runtime = Runtime(device=torch.device("cpu"), precision="bf16")
    discriminator, generator = ToyDiscriminator().eval(), ToyGenerator()
    images = runtime.generate(generator)(torch.randn(4, 5), None)
    output = runtime.discriminate(discriminator)(images, None)
    assert images.dtype == output.logits.dtype == torch.float32
    assert output.features[0].dtype == torch.bfloat16, "nothing was computed in bf16"
    assert runtime.critic(discriminator)(images, None).features[0].dtype == torch.float32, "penalties stay in fp32"


def test_bf16_fakes_are_those_of_the_network_in_bf16():
    generator, z = ToyGenerator(batch_norm=False), torch.randn(4, 5)
    cpu = torch.device("cpu")
    fp32, bf16 = (Runtime(device=cpu, precision=name).generate(generator)(z, None) for name in ("fp32", "bf16"))
    assert torch.equal(fp32, generator(z))
    assert torch.equal(bf16, bf16.bfloat16().float())
    torch.testing.assert_close(bf16, fp32, atol=0.05, rtol=0)
    assert not torch.equal(bf16, fp32)


def test_compile_is_of_both_networks_as_trained_and_not_of_penalties(monkeypatch):
    """Told by a compiler that notes the graphs it is given and runs them as they are."""
    graphs = []

    def noting(graph, inputs):
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=noting))
    generator, discriminator = ToyGenerator(batch_norm=False), ToyDiscriminator(spectral=False)
    z, images = torch.randn(2, 5), torch.randn(2, 1, 8, 8)
    for compiles in (True, False):
        runtime = Runtime(device=torch.device("cpu"), compile=compiles)
        for call, data, expected in (
            (runtime.generate(generator), z, compiles),
            (runtime.discriminate(discriminator), images, compiles),
            (runtime.critic(discriminator), images, False),
        ):
            graphs.clear()
            call(data, None)
            assert bool(graphs) == expected


def test_all_logits_are_handed_out_in_fp32():
    """Losses and accuracies are computed of them, of classes and of further maps too."""

    class Everything(torch.nn.Linear):
        def forward(self, images, labels):
            logits = super().forward(images)
            return DiscriminatorOutput(logits, class_logits=2 * logits, extra_logits=(3 * logits, 4 * logits))

    output = Runtime(device=torch.device("cpu"), precision="bf16").discriminate(Everything(3, 1))(
        torch.rand(2, 3), None
    )
    for factor, logits in zip((1, 2, 3, 4), (output.logits, output.class_logits, *output.extra_logits), strict=True):
        assert logits.dtype == torch.float32
        torch.testing.assert_close(logits, factor * output.logits, rtol=0.02, atol=0)


def test_images_and_networks_are_channels_last():
    runtime = Runtime(device=torch.device("cpu"))
    assert runtime.put(torch.rand(2, 3, 4, 4)).is_contiguous(memory_format=torch.channels_last)
    assert runtime.put(torch.rand(2, 5)).shape == (2, 5)
    weight = runtime.place(torch.nn.Conv2d(3, 4, 3)).weight
    assert weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_become_floats_where_they_are_put(channels):
    pixels = torch.randint(0, 256, (5, channels, 4, 6), dtype=torch.uint8)
    images = Runtime(device=torch.device("cpu")).put(pixels)
    assert torch.equal(images, pixels.to(torch.float32).div(127.5).sub(1))
    assert images.is_contiguous(memory_format=torch.channels_last)


class Traveler:
    """Stands in for a tensor on its way to a GPU: tells what is done to it, and how many bytes it has then."""

    def __init__(self, tensor, told):
        self.tensor, self.told = tensor, told

    def pin_memory(self):
        self.told.append(("pinned", self.tensor.nbytes))
        return self

    def to(self, device, *, non_blocking):
        self.told.append((device.type, non_blocking, self.tensor.nbytes))
        return self.tensor


def test_pixels_travel_to_a_gpu_as_bytes_from_pinned_memory():
    told, pixels = [], torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    images = Runtime(device=torch.device("cuda")).put(Traveler(pixels, told))
    assert told == [("pinned", 96), ("cuda", True, 96)]
    assert images.dtype == torch.float32
