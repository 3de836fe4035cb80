"""The fully connected generator: its formula, priors, initializations, range."""

from __future__ import annotations

from math import prod, sqrt

import pytest
import torch
from ganzoo_generators.mlp import Mlp
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec

VECTORS = DataSpec(shape=(2,))
ACTIVATIONS = {
    "tanh": torch.tanh,
    "relu": lambda values: values.clamp(min=0),
    "leaky-relu": lambda values: torch.where(values > 0, values, 0.2 * values),
}


def conditional(*shape):
    return DataSpec(shape=shape, classes=("a", "b", "c"), marginal=(1 / 3,) * 3, conditional=True)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def linear_layers(network):
    return [module for module in network.modules() if isinstance(module, nn.Linear)]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_mlp_computes_its_formula(activation):
    torch.manual_seed(0)
    network = Mlp(latent=3, width=4, depth=3, activation=activation).build(conditional(2)).double()
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    z, labels = network.latent(5, generator=seeded()).double(), torch.tensor([0, 1, 2, 2, 0])
    hidden = torch.cat([z, torch.eye(3, dtype=torch.float64)[labels]], dim=1)
    *layers, last = linear_layers(network)
    assert len(layers) == 3
    for layer in layers:
        hidden = ACTIVATIONS[activation](hidden @ layer.weight.T + layer.bias)
    torch.testing.assert_close(network(z, labels), hidden @ last.weight.T + last.bias)


def test_batch_norm_stands_between_a_layer_without_bias_and_its_activation():
    torch.manual_seed(0)
    options = Mlp(latent=3, width=4, depth=2, activation="relu", norm="batch")
    network = options.build(VECTORS).double()
    first, second, last = linear_layers(network)
    assert first.bias is None
    assert second.bias is None
    assert last.bias is not None
    hidden = z = network.latent(6, generator=seeded()).double()
    for layer in (first, second):
        hidden = hidden @ layer.weight.T
        hidden = (hidden - hidden.mean(0)) / torch.sqrt(hidden.var(0, correction=0) + 1e-5)
        hidden = hidden.clamp(min=0)
    torch.testing.assert_close(network(z), hidden @ last.weight.T + last.bias)
    assert options.tags() == Mlp().tags() | {"batch_coupled_train", "batch_nonlinear", "needs_two_samples"}


@settings(max_examples=25, deadline=None)
@given(
    shape=st.one_of(st.tuples(st.integers(1, 5)), st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))),
    batch=st.integers(1, 3),
    depth=st.integers(1, 3),
)
def test_output_has_the_shape_of_the_data(shape, batch, depth):
    network = Mlp(latent=3, width=4, depth=depth).build(DataSpec(shape=shape))
    data = network(network.latent(batch, generator=seeded()) * 100)
    assert data.shape == (batch, *shape)
    assert len(shape) == 1 or data.abs().max() <= 1


def test_images_are_the_vectors_row_by_row_through_tanh():
    torch.manual_seed(0)
    shape = (2, 3, 4)
    images = Mlp(latent=3, width=4).build(DataSpec(shape=shape))
    vectors = Mlp(latent=3, width=4).build(DataSpec(shape=(prod(shape),)))
    vectors.load_state_dict(images.state_dict())
    z = images.latent(2, generator=seeded())
    assert torch.equal(images(z)[1, 1, 2, 3], torch.tanh(vectors(z)[1, 23]))
    assert torch.equal(images(z).flatten(1), torch.tanh(vectors(z)))


def test_vectors_are_unbounded():
    """The grid's modes lie at ±4: a generator that ends in tanh could not reach them."""
    network = Mlp(latent=3, width=4).build(VECTORS)
    nn.init.constant_(network.to_data.bias, 1e4)
    assert (network(network.latent(3, generator=seeded())) > 9e3).all()


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8)])
def test_width_goes_by_the_kind_of_data(shape):
    width = 128 if len(shape) == 1 else 512
    assert Mlp().resolve(DataSpec(shape=shape)) == Mlp(width=width)
    assert Mlp(width=7).resolve(DataSpec(shape=shape)).width == 7
    assert [layer.out_features for layer in linear_layers(Mlp().build(DataSpec(shape=shape)))] == [
        width,
        width,
        prod(shape),
    ]


@pytest.mark.parametrize(("prior", "bound"), [("uniform", sqrt(3)), ("normal", None)])
def test_priors_have_their_range_and_variance_one(prior, bound):
    network = Mlp(latent=100, prior=prior).build(VECTORS)
    before = torch.get_rng_state()
    z = network.latent(400, generator=seeded(3))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(z, network.latent(400, generator=seeded(3)))
    # Four standard errors of 40,000 draws.
    assert abs(z.mean()) < 4 / 200
    assert z.square().mean().item() == pytest.approx(1, abs=4 * sqrt(2) / 200)
    if bound is None:
        assert z.abs().max() > 3
    else:
        assert 0.999 * bound < z.max() <= bound
        assert -bound <= z.min() < -0.999 * bound


def test_orthogonal_weights_are_those_of_the_notebook():
    torch.manual_seed(0)
    first, second, last = linear_layers(Mlp().build(VECTORS))
    assert first.weight.shape == (128, 256)
    for layer in (first, second, last):
        gram = layer.weight @ layer.weight.T
        torch.testing.assert_close(gram, 1.96 * torch.eye(len(gram)), atol=1e-5, rtol=1e-5)
        assert not layer.bias.any()


def test_normal_weights_have_deviation_a_fiftieth():
    torch.manual_seed(0)
    network = Mlp(latent=2, width=400, depth=4, activation="relu", norm="batch", initialization="normal").build(VECTORS)
    layers = linear_layers(network)
    assert [layer.weight.shape for layer in layers] == [(400, 2), *[(400, 400)] * 3, (2, 400)]
    for layer in layers:
        assert layer.weight.std().item() == pytest.approx(0.02, rel=4 / (2 * layer.weight.numel()) ** 0.5)


def test_pacgans_generator_has_the_size_of_its_code():
    """Five weight matrices, one bias at the end, gain and shift of four BatchNorms."""
    options = Mlp(latent=2, width=400, depth=4, activation="relu", norm="batch", initialization="normal")
    network = options.build(VECTORS)
    by_hand = 2 * 400 + 3 * 400 * 400 + 400 * 2 + 2 + 4 * 2 * 400
    assert sum(parameter.numel() for parameter in network.parameters()) == by_hand


def test_samples_are_independent_without_batch_norm_and_labels_count():
    torch.manual_seed(0)
    network = Mlp(latent=3, width=4).build(conditional(2)).double()
    z = network.latent(3, generator=seeded()).double()
    together = network(z, torch.tensor([0, 1, 2]))
    assert torch.allclose(together[1:2], network(z[1:2], torch.tensor([1])), rtol=1e-12)
    assert not torch.allclose(together[1:2], network(z[1:2], torch.tensor([0])))


def test_what_is_conditional_needs_classes_and_labels():
    with pytest.raises(ConfigError, match="generator mlp is asked to be conditional, but the data have no classes"):
        Mlp().build(DataSpec(shape=(2,), conditional=True))
    network = Mlp(latent=3, width=4).build(conditional(2))
    with pytest.raises(ConfigError, match="generator mlp was built conditional, but got no labels"):
        network(network.latent(2, generator=seeded()))


def test_an_unconditional_generator_does_not_look_at_labels():
    network = Mlp(latent=3, width=4).build(VECTORS)
    z = network.latent(2, generator=seeded())
    assert torch.equal(network(z), network(z, torch.tensor([0, 1])))
