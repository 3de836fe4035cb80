"""The cadence of spectral normalization."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm
from toys import ToyDiscriminator, make_setup

from ganzoo.training import spectral
from ganzoo.training.loop import train


def vectors(module):
    return [buffer.clone() for name, buffer in module.named_buffers() if name.endswith(("._u", "._v"))]


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_held_layers_do_not_move_and_iterate_moves_them_once():
    torch.manual_seed(0)
    module, reference = ToyDiscriminator(), ToyDiscriminator()
    reference.load_state_dict(module.state_dict())
    spectral.hold(module)
    start = vectors(module)
    module(torch.rand(2, 1, 8, 8))
    assert same(vectors(module), start)
    spectral.iterate(module)
    reference(torch.rand(2, 1, 8, 8))
    assert same(vectors(module), vectors(reference)), "one iteration is what torch does in one training-mode forward"
    assert not same(vectors(module), start)
    module(torch.rand(2, 1, 8, 8))
    assert same(vectors(module), vectors(reference))


def test_a_run_iterates_once_per_discriminator_update():
    """Weights that do not move (learning rate 0) make the vectors of a run those of as many plain forwards."""
    setup = make_setup(n_critic=2, steps=3, lr=0.0)
    reference = ToyDiscriminator()
    reference.load_state_dict(setup.state.discriminator.state_dict())
    for _ in train(setup):
        pass
    for _ in range(setup.state.d_step):
        reference(torch.rand(2, 1, 8, 8))
    assert setup.state.d_step == 6
    assert same(vectors(setup.state.discriminator), vectors(reference))


LAYERS = {
    "linear": lambda: nn.Linear(6, 4),
    "convolution": lambda: nn.Conv2d(3, 5, (4, 2)),
    "of 1 x 1": lambda: nn.Conv2d(3, 5, 1),
    "transposed": lambda: nn.ConvTranspose2d(3, 5, 4),
    "along time": lambda: nn.Conv1d(3, 5, 4),
    "of a volume": lambda: nn.Conv3d(2, 3, (2, 3, 4)),
}
LAYOUTS = {4: torch.channels_last, 5: torch.channels_last_3d}


@pytest.mark.parametrize("iterations", [1, 3])
@pytest.mark.parametrize("as_stored", ["in order", "channels-last"])
@pytest.mark.parametrize("kind", LAYERS)
def test_held_layers_compute_what_those_of_torch_do(kind, as_stored, iterations):
    """Weight, vectors, gradient and second derivative, beside a copy that torch computes."""
    torch.manual_seed(0)
    held = spectral_norm(LAYERS[kind]().double(), n_power_iterations=iterations)
    if as_stored == "channels-last":
        weight = held.parametrizations.weight.original
        held.to(memory_format=LAYOUTS.get(weight.ndim, torch.preserve_format))
    torchs = copy.deepcopy(held)
    spectral.iterate(held)
    torchs.weight  # noqa: B018 - looked at in training mode, it iterates
    torchs.eval()
    close = partial(torch.testing.assert_close, rtol=1e-12, atol=1e-13)
    for ours, theirs in zip(vectors(held), vectors(torchs), strict=True):
        close(ours, theirs)
    direction = torch.randn_like(held.weight)
    found = []
    for layer in (held, torchs):
        weight, original = layer.weight, layer.parametrizations.weight.original
        (gradient,) = torch.autograd.grad((weight**3 * direction).sum(), original, create_graph=True)
        (second,) = torch.autograd.grad((gradient * direction).sum(), original)
        found.append((weight, gradient, second))
    for ours, theirs in zip(*found, strict=True):
        close(ours, theirs)


@pytest.mark.parametrize("first", [weight_norm, spectral_norm])
def test_a_layer_behind_another_iterates_on_what_that_makes_of_the_weight(first):
    torch.manual_seed(0)
    held = spectral_norm(first(nn.Linear(6, 4)))
    with torch.no_grad():
        for parameter in held.parameters():
            parameter.copy_(torch.randn_like(parameter) * 5)
    torchs = copy.deepcopy(held)
    spectral.iterate(held)
    torchs.weight  # noqa: B018 - looked at in training mode, it iterates
    for ours, theirs in zip(vectors(held), vectors(torchs), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_small_weights_of_half_precision_stay_finite():
    layer = spectral_norm(nn.Linear(4, 4)).half()
    with torch.no_grad():
        layer.parametrizations.weight.original.copy_(torch.eye(4) * 1e-5)
    spectral.hold(layer)
    assert layer.weight.isfinite().all()


def test_held_layers_read_weights_where_they_lie(monkeypatch):
    """As torch's flatten would copy them at every forward."""
    layer = spectral_norm(nn.Conv2d(8, 6, 4)).to(memory_format=torch.channels_last)
    spectral.hold(layer)
    read = []
    monkeypatch.setattr(torch, "mv", lambda matrix, vector: read.append(matrix) or matrix @ vector)
    layer(torch.rand(1, 8, 4, 4))
    spectral.iterate(layer)
    lies = layer.parametrizations.weight.original.untyped_storage().data_ptr()
    assert len(read) == 3
    assert {matrix.untyped_storage().data_ptr() for matrix in read} == {lies}


def test_held_layers_are_torchs_again_after_train():
    torch.manual_seed(0)
    module, reference = ToyDiscriminator(), ToyDiscriminator()
    reference.load_state_dict(module.state_dict())
    spectral.hold(module)
    module.train()
    for network in (module, reference):
        network(torch.ones(2, 1, 8, 8))
    assert same(vectors(module), vectors(reference))
    assert copy.deepcopy(module).state_dict().keys() == reference.state_dict().keys()


def test_the_norm_of_a_normalized_weight_converges_to_one():
    torch.manual_seed(0)
    module = nn.Sequential(spectral_norm(nn.Conv2d(3, 8, 4)), nn.Flatten(), spectral_norm(nn.Linear(8, 5)))
    spectral.hold(module)
    for _ in range(100):
        spectral.iterate(module)
    for norm in spectral.norms(module).values():
        assert norm.item() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("cadence", ["per-update", "per-forward"])
def test_looking_at_norms_does_not_change_the_cadence(cadence):
    looked_at, left_alone = (make_setup(steps=3, spectral_norm=cadence) for _ in range(2))
    for _ in train(looked_at):
        spectral.norms(looked_at.state.discriminator)
    for _ in train(left_alone):
        pass
    assert same(vectors(looked_at.state.discriminator), vectors(left_alone.state.discriminator))


def test_norms_are_over_the_dimension_that_torch_normalizes_over():
    """Of a transposed convolution it is the second one."""
    torch.manual_seed(0)
    module = nn.Sequential(spectral_norm(nn.ConvTranspose2d(3, 8, 4)))
    spectral.hold(module)
    for _ in range(200):
        spectral.iterate(module)
    assert spectral.norms(module)["0.weight"].item() == pytest.approx(1.0, abs=1e-3)


def test_norms_are_those_of_the_reshaped_weight_and_named_by_layer():
    module = nn.Sequential(spectral_norm(nn.Conv2d(3, 8, 4)))
    spectral.hold(module)
    norms = spectral.norms(module)
    assert list(norms) == ["0.weight"]
    expected = torch.linalg.svdvals(module[0].weight.detach().reshape(8, -1))[0]
    torch.testing.assert_close(norms["0.weight"], expected)


def test_modules_without_spectral_norm_are_left_alone():
    module = nn.Linear(2, 2)
    spectral.hold(module)
    spectral.iterate(module)
    assert spectral.norms(module) == {}


def test_on_meta_shapes_are_the_same_and_what_has_content_iterates_as_ever():
    """A network that is built without content within it, and one with content; afterwards both are built as before."""
    torch.manual_seed(0)
    usual = ToyDiscriminator()
    with spectral.on_meta():
        hollow = ToyDiscriminator()
        assert hollow(torch.empty(2, 1, 8, 8)).logits.shape == usual(torch.rand(2, 1, 8, 8, device="cpu")).logits.shape
        with torch.device("cpu"):
            torch.manual_seed(0)
            within = ToyDiscriminator()
    torch.manual_seed(0)
    afterwards = ToyDiscriminator()
    assert all(tensor.is_meta for tensor in hollow.state_dict().values())
    shapes = [{name: tensor.shape for name, tensor in each.state_dict().items()} for each in (hollow, usual)]
    assert shapes[0] == shapes[1]
    assert same(vectors(within), vectors(afterwards))
