"""Minibatch layers against plain loops, and the discriminators that carry them; the label as a plane."""

from __future__ import annotations

import math

import pytest
import torch
from ganzoo_discriminators.acgan import Acgan
from ganzoo_discriminators.cgan import Cgan
from ganzoo_discriminators.dcgan import Dcgan
from ganzoo_discriminators.minibatch import MinibatchDiscrimination, MinibatchStddev
from ganzoo_discriminators.mlp import Mlp
from ganzoo_discriminators.progressive import Progressive
from ganzoo_discriminators.stylegan2 import Stylegan2
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec

CLASSES = ("a", "b", "c")


def spec_of(*shape, classes=CLASSES, conditional=True):
    return DataSpec(shape=shape, classes=classes, marginal=(1 / 3,) * len(classes), conditional=conditional)


def values_of(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def built(options, *shape):
    torch.manual_seed(0)
    return options.build(spec_of(*shape)).double()


def labels_of(n):
    return torch.arange(n) % len(CLASSES)


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@settings(max_examples=30, deadline=None)
@given(
    n=st.sampled_from([1, 2, 3, 4, 8, 12]), channels=st.integers(1, 3), side=st.integers(1, 3), seed=st.integers(0, 9)
)
def test_stddev_is_its_formula(n, channels, side, seed):
    values = values_of(n, channels, side, side, seed=seed)
    result = MinibatchStddev()(values)
    assert torch.equal(result[:, :-1], values)
    size = min(4, n)
    for sample in range(n):
        group = [other for other in range(n) if other % (n // size) == sample % (n // size)]
        assert len(group) == size
        spreads = []
        for channel in range(channels):
            for row in range(side):
                for column in range(side):
                    found = [values[other, channel, row, column].item() for other in group]
                    mean = sum(found) / size
                    spreads.append(math.sqrt(sum((one - mean) ** 2 for one in found) / size + 1e-8))
        expected = torch.full((side, side), sum(spreads) / len(spreads), dtype=torch.float64)
        assert torch.allclose(result[sample, -1], expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize(("n", "fitting"), [(5, "4, 8"), (50, "48, 52"), (63, "60, 64")])
def test_a_batch_without_whole_groups_is_refused_with_those_that_fit(n, fitting):
    with pytest.raises(ConfigError, match=f"{n} samples") as caught:
        MinibatchStddev()(values_of(n, 1, 2, 2))
    assert f"multiple of 4: {fitting}, …" in caught.value.allowed
    assert f"train.batch_size={n - n % 4 + 4}" in caught.value.hint


@pytest.mark.parametrize("options", [Dcgan(ndf=2, minibatch="stddev"), Stylegan2(ndf=2), Progressive(width=4)])
def test_what_is_tried_next_are_options_that_the_discriminator_has(options):
    with pytest.raises(ConfigError) as caught:
        built(options, 1, 8, 8)(values_of(6, 1, 8, 8))
    flags = [word for word in caught.value.hint.split() if word.startswith("discriminator.")]
    for name, value in (flag.removeprefix("discriminator.").split("=") for flag in flags):
        type(options).model_validate({name: value.rstrip(",")})
    assert "train.batch_size=8" in caught.value.hint
    assert "own loop" in caught.value.hint


def test_equal_samples_have_a_finite_gradient():
    """Without ε inside the root the gradient of a collapsed batch is not a number."""
    values = torch.ones(4, 1, 2, 2, dtype=torch.float64, requires_grad=True)
    for layer, given_values in ((MinibatchStddev(), values), (MinibatchDiscrimination(4).double(), values.flatten(1))):
        (gradient,) = torch.autograd.grad(layer(given_values).sum(), values)
        assert gradient.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_equal_samples_have_a_finite_gradient_in_half_precision(dtype):
    """In float16 1e-8 is 0."""
    values = torch.ones(4, 1, 2, 2, dtype=dtype, requires_grad=True)
    result = MinibatchStddev()(values)
    (gradient,) = torch.autograd.grad(result.sum(), values)
    assert result.dtype == dtype
    assert gradient.isfinite().all()


@settings(max_examples=15, deadline=None)
@given(n=st.integers(1, 5), features=st.integers(1, 4), seed=st.integers(0, 9))
def test_discrimination_is_its_formula(n, features, seed):
    torch.manual_seed(seed)
    layer = MinibatchDiscrimination(features).double()
    nn.init.normal_(layer.offset)
    values = values_of(n, features, seed=seed)
    result = layer(values)
    assert torch.equal(result[:, :features], values)
    # Row b·5 + c of the weight makes dimension c of kernel b.
    kernels = layer.to_kernels.weight.detach().reshape(100, 5, features)
    for b in (0, 1, 57, 99):
        rows = [
            [sum(values[i, a] * kernels[b, c, a] for a in range(features)).item() for c in range(5)] for i in range(n)
        ]
        for i in range(n):
            expected = layer.offset[b].item()
            for j in range(n):
                if j != i:
                    expected += math.exp(-sum(abs(rows[i][c] - rows[j][c]) for c in range(5)))
            assert result[i, features + b].item() == pytest.approx(expected, rel=1e-10)


def test_tiny_closeness_is_not_lost_beside_the_sample_itself():
    """Adding and subtracting the one of j = i would round exp(−40) to zero."""
    layer = MinibatchDiscrimination(1)
    nn.init.constant_(layer.to_kernels.weight, 1.0)
    nn.init.zeros_(layer.offset)
    closeness = layer(torch.tensor([[0.0], [8.0]]))[:, 1:]
    assert torch.allclose(closeness, torch.full((2, 100), math.exp(-40)), rtol=1e-4, atol=0)


def test_kernels_start_as_documented():
    torch.manual_seed(0)
    layer = MinibatchDiscrimination(300)
    assert layer.to_kernels.weight.norm(dim=1).mean().item() == pytest.approx(1, rel=0.02)
    assert layer.offset.tolist() == [-1.0] * 100


@pytest.mark.parametrize("minibatch", ["stddev", "discrimination"])
@pytest.mark.parametrize("kind", [Dcgan, Acgan, Cgan])
@pytest.mark.parametrize("training", [True, False])
def test_samples_are_coupled_in_training_and_evaluation(kind, minibatch, training):
    options = kind(ndf=2, norm="none", minibatch=minibatch)
    assert {"batch_coupled_always", "batch_nonlinear"} <= options.tags()
    network = built(options, 1, 16, 16).train(training)
    images = values_of(4, 1, 16, 16)
    changed = torch.cat([images[:1], -images[1:]])
    one, other = network(images, labels_of(4)), network(changed, labels_of(4))
    assert not torch.allclose(one.logits[0], other.logits[0], rtol=1e-6)
    assert torch.equal(one.features[-1][0], other.features[-1][0])
    if one.class_logits is not None:
        assert torch.allclose(one.class_logits[0], other.class_logits[0], rtol=1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_mlp_couples_samples_through_its_minibatch_layer_alone(training):
    for minibatch, coupled in (("none", False), ("discrimination", True)):
        options = Mlp(width=8, minibatch=minibatch)
        assert ("batch_coupled_always" in options.tags()) == coupled
        network = built(options, 2).train(training)
        vectors = values_of(3, 2)
        changed = torch.cat([vectors[:1], -vectors[1:]])
        logits = [network(batch, labels_of(3)).logits[0] for batch in (vectors, changed)]
        assert torch.allclose(*logits, rtol=1e-12) != coupled


@pytest.mark.parametrize(
    ("minibatch", "more"), [("none", 0), ("stddev", 4 * 4), ("discrimination", 512 * 16 * 500 + 100 + 100)]
)
def test_minibatch_layers_add_their_parameters(minibatch, more):
    with torch.device("meta"):
        network = Dcgan(minibatch=minibatch).build(spec_of(3, 64, 64))
    assert parameters(network) == 2_765_568 + more


@pytest.mark.parametrize("minibatch", ["stddev", "discrimination"])
def test_dcgan_judges_the_last_activations_and_what_the_layer_adds(minibatch):
    network = built(Dcgan(ndf=2, norm="none", minibatch=minibatch), 1, 16, 16)
    output = network(values_of(4, 1, 16, 16))
    last = output.features[-1]
    layer, head = (
        next(module for module in network.to_logit if isinstance(module, kind))
        for kind in ((MinibatchStddev, MinibatchDiscrimination), nn.Conv2d)
    )
    entering = layer(last).flatten(1) if minibatch == "stddev" else layer(last.flatten(1))
    assert torch.allclose(output.logits, entering @ head.weight.flatten() + head.bias, atol=1e-12)


@pytest.mark.parametrize("minibatch", ["stddev", "discrimination"])
def test_spectral_norm_is_on_every_weight_of_a_minibatch_head_too(minibatch):
    network = built(Dcgan(ndf=2, norm="spectral", minibatch=minibatch), 1, 16, 16)
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert all(hasattr(layer, "parametrizations") for layer in layers)
    assert len(layers) == (3 if minibatch == "stddev" else 4)


@pytest.mark.parametrize("minibatch", ["stddev", "discrimination"])
def test_gradients_have_gradients(minibatch):
    network = built(Dcgan(ndf=2, norm="none", minibatch=minibatch), 1, 8, 8)

    def slope(images):
        images = images if images.requires_grad else images.requires_grad_(True)
        (gradient,) = torch.autograd.grad(network(images).logits.sum(), images, create_graph=True)
        return gradient

    assert torch.autograd.gradcheck(slope, values_of(2, 1, 8, 8).requires_grad_(True), eps=1e-6, atol=1e-6)


def test_cgan_looks_at_the_label_of_each_sample():
    network = built(Cgan(ndf=4, norm="none"), 1, 16, 16).eval()
    images = values_of(3, 1, 16, 16)
    one, other = network(images, torch.tensor([0, 1, 2])).logits, network(images, torch.tensor([0, 2, 2])).logits
    assert torch.allclose(one[[0, 2]], other[[0, 2]], rtol=1e-12)
    assert not torch.allclose(one[1], other[1], rtol=1e-3)


@pytest.mark.parametrize("planes", [1, 2])
def test_cgan_is_dcgan_on_image_and_plane(planes):
    network = built(Cgan(ndf=2, label_planes=planes), 3, 16, 16)
    images, labels = values_of(4, 3, 16, 16), torch.tensor([2, 0, 1, 2])
    table = network.label_embedding.weight
    assert table.shape == (3, planes * 16 * 16)
    stacked = torch.cat([images, torch.stack([table[label].reshape(planes, 16, 16) for label in labels])], dim=1)
    plain = Dcgan(ndf=2).build(spec_of(3 + planes, 16, 16)).double()
    plain.load_state_dict({name: v for name, v in network.state_dict().items() if "label_embedding" not in name})
    assert torch.allclose(network(images, labels).logits, plain(stacked).logits, rtol=1e-12)


def test_cgan_without_labels_is_an_error():
    with pytest.raises(ConfigError, match="got no labels"):
        built(Cgan(ndf=2), 1, 16, 16)(values_of(2, 1, 16, 16))
    with pytest.raises(ConfigError, match="by their class, but the data have none"):
        Cgan().build(spec_of(1, 16, 16, classes=()))
