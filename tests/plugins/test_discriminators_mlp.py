"""The fully connected discriminator: formula, initializations, labels, dropout, what it refuses."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from ganzoo_discriminators.mlp import Mlp
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec

CLASSES = ("a", "b", "c")


def spec_of(*shape, conditional=False, classes=CLASSES):
    return DataSpec(shape=shape, classes=classes, marginal=(1 / 3,) * len(classes), conditional=conditional)


def values_of(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def built(options, *shape, conditional=False):
    torch.manual_seed(0)
    return options.build(spec_of(*shape, conditional=conditional)).double()


def linears(network):
    return [module for module in network.modules() if isinstance(module, nn.Linear)]


ACTIVATIONS = {
    "leaky-relu": lambda values: torch.where(values > 0, values, 0.2 * values),
    "relu": lambda values: values.clamp(min=0),
    "tanh": torch.tanh,
    # Unit u of a layer is the largest of the outputs 3u, 3u+1 and 3u+2.
    "maxout": lambda values: torch.stack([values[:, piece::3] for piece in range(3)]).amax(0),
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(2,), (3, 4, 5)])
def test_mlp_computes_its_formula(activation, shape):
    network = built(Mlp(width=6, depth=3, activation=activation, pieces=3), *shape)
    data = values_of(4, *shape)
    *hidden, last = linears(network)
    values, activations = data.reshape(4, -1), []
    for layer in hidden:
        values = ACTIVATIONS[activation](values @ layer.weight.T + layer.bias)
        activations.append(values)
    output = network(data)
    assert output.logits.shape == (4,)
    assert torch.allclose(output.logits, (values @ last.weight.T + last.bias)[:, 0], atol=1e-12)
    assert len(output.features) == 3
    assert all(torch.allclose(*pair, atol=1e-12) for pair in zip(output.features, activations, strict=True))


@pytest.mark.parametrize(
    ("options", "size", "expected"),
    [
        # PacGAN's on ring and grid: three maxout layers of 200 units with 5 pieces.
        (Mlp(width=200, depth=3, activation="maxout", pieces=5), 2, 5 * 200 * (3 + 201 + 201) + 201),
        # The Unrolled GAN notebook's.
        (Mlp(width=128, depth=2, activation="tanh"), 2, 128 * 3 + 128 * 129 + 129),
    ],
)
def test_published_sizes(options, size, expected):
    with torch.device("meta"):
        network = options.build(spec_of(size))
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


def test_labels_are_a_one_hot_part_of_the_input():
    network = built(Mlp(width=6), 2, conditional=True)
    data, labels = values_of(3, 2), torch.tensor([2, 0, 2])
    plain = Mlp(width=6).build(spec_of(5)).double()
    plain.load_state_dict(network.state_dict())
    expected = plain(torch.cat([data, F.one_hot(labels, 3).double()], dim=1)).logits
    assert torch.allclose(network(data, labels).logits, expected, rtol=1e-12)
    with pytest.raises(ConfigError, match="built conditional, but got no labels"):
        network(data)


def test_an_unconditional_mlp_does_not_look_at_labels():
    network = built(Mlp(width=6), 2)
    data = values_of(3, 2)
    assert torch.equal(network(data).logits, network(data, torch.tensor([0, 1, 2])).logits)


def test_conditional_without_classes_is_refused():
    with pytest.raises(ConfigError, match="no classes"):
        Mlp().build(spec_of(2, conditional=True, classes=()))


def test_initializations_are_those_documented():
    uniform, normal, orthogonal = (
        linears(built(Mlp(width=256, initialization=name), 256)) for name in ("uniform", "normal", "orthogonal")
    )
    for layer in uniform:
        assert layer.weight.abs().max() <= 1 / 16 + 1e-6
        assert layer.weight.std().item() == pytest.approx(1 / 16 / 3**0.5, rel=0.2)
        assert layer.bias.any()
    for layer in normal:
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.2)
        assert not layer.bias.any()
    for layer in orthogonal:
        gram = layer.weight @ layer.weight.T
        assert torch.allclose(gram, 1.4**2 * torch.eye(len(gram), dtype=torch.float64), atol=1e-5)
        assert not layer.bias.any()


def test_orthogonal_initialization_builds_without_memory():
    with torch.device("meta"):
        assert Mlp(initialization="orthogonal", norm="spectral").build(spec_of(2)).to_logit.weight.is_meta


@pytest.mark.parametrize("activation", ["leaky-relu", "maxout"])
def test_spectral_norm_is_on_every_layer(activation):
    options = Mlp(width=8, activation=activation, norm="spectral", minibatch="discrimination")
    assert "spectral_norm" in options.tags()
    network = built(options, 2)
    data = values_of(4, 2)
    with torch.no_grad():
        for _ in range(200):
            network(data)
        network.eval()
        norms = [torch.linalg.matrix_norm(layer.weight, 2).item() for layer in linears(network)]
    assert len(norms) == 4
    assert norms == pytest.approx([1.0] * 4, rel=1e-3)


def test_dropout_drops_hidden_units_in_training_only():
    network = built(Mlp(width=64, activation="tanh", dropout=0.5), 2)
    data = values_of(32, 2)
    for feature in network(data).features:
        assert (feature == 0).double().mean().item() == pytest.approx(0.5, abs=0.1)
    network.eval()
    assert all((feature != 0).all() for feature in network(data).features)


def test_no_dropout_draws_no_random_number():
    network = built(Mlp(width=4), 2)
    before = torch.get_rng_state()
    network(values_of(2, 2))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("activation", ["leaky-relu", "tanh", "maxout"])
def test_gradients_have_gradients(activation):
    network = built(Mlp(width=5, activation=activation, minibatch="discrimination"), 2)

    def slope(data):
        (gradient,) = torch.autograd.grad(network(data).logits.sum(), data, create_graph=True)
        return gradient

    assert torch.autograd.gradcheck(slope, values_of(3, 2).requires_grad_(True), eps=1e-6, atol=1e-6)
