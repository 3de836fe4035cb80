"""The autoencoder: energies by hand, per sample; the code; what it refuses."""

from __future__ import annotations

import pytest
import torch
from ganzoo_discriminators.autoencoder import Autoencoder
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec


def spec_of(*shape):
    return DataSpec(shape=shape)


def images_of(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


def built(options, *shape):
    torch.manual_seed(0)
    return options.build(spec_of(*shape))


@pytest.mark.parametrize(("distance", "power"), [("l2", 2), ("l1", 1)])
def test_logits_are_minus_the_energy_of_each_image(distance, power):
    network = built(Autoencoder(ndf=2, distance=distance), 3, 8, 8).double().eval()
    images = images_of(4, 3, 8, 8).double()
    with torch.no_grad():
        logits, (reconstruction, _) = network(images).logits, network.reconstruct(images)
    assert reconstruction.shape == images.shape
    for i in range(4):
        errors = [
            abs(float(a - b)) ** power for a, b in zip(reconstruction[i].flatten(), images[i].flatten(), strict=True)
        ]
        assert float(logits[i]) == pytest.approx(-sum(errors) / (3 * 8 * 8), rel=1e-12)
    assert len(set(logits.tolist())) == 4


@pytest.mark.parametrize("side", [8, 16])
def test_energy_is_a_mean_over_pixels(side, monkeypatch):
    """An error of ½ everywhere costs ¼ or ½, whatever the size; a perfect reconstruction nothing."""
    images = images_of(2, 1, side, side)
    for distance, expected in (("l2", -0.25), ("l1", -0.5)):
        network = built(Autoencoder(ndf=1, distance=distance), 1, side, side)
        monkeypatch.setattr(network, "reconstruct", lambda x: (x + 0.5, ()))
        torch.testing.assert_close(network(images).logits, torch.full((2,), expected))
        monkeypatch.setattr(network, "reconstruct", lambda x: (x.clone(), ()))
        assert torch.equal(network(images).logits.abs(), torch.zeros(2))


@settings(max_examples=15, deadline=None)
@given(
    side=st.sampled_from([8, 10, 12, 14, 16, 20, 24, 28, 32]),
    channels=st.sampled_from([1, 3]),
    batch=st.integers(1, 3),
    distance=st.sampled_from(["l1", "l2"]),
    code=st.integers(1, 5),
)
def test_one_energy_an_image_and_the_code_last_among_the_features(side, channels, batch, distance, code):
    output = built(Autoencoder(ndf=2, code=code, distance=distance), channels, side, side)(
        images_of(batch, channels, side, side)
    )
    assert output.logits.shape == (batch,)
    assert (output.logits <= 0).all()
    assert output.features[-1].shape == (batch, code)
    assert output.extra_logits == ()


@pytest.mark.parametrize("side", [32, 64, 128])
@pytest.mark.parametrize("channels", [1, 3])
def test_usual_sizes(side, channels):
    with torch.device("meta"):
        network = Autoencoder().build(spec_of(channels, side, side))
        output = network(torch.empty(2, channels, side, side))
    assert output.logits.shape == (2,)
    assert [feature.shape[-1] for feature in output.features[:-1]] == [
        side >> n for n in range(1, len(output.features))
    ]
    assert output.features[-2].shape[-1] == 4
    assert network.receptive_field() is None


def test_the_image_passes_through_nothing_but_the_code():
    network = built(Autoencoder(ndf=2, code=1), 1, 16, 16).double().eval()
    image = images_of(1, 1, 16, 16).double()
    jacobian = torch.autograd.functional.jacobian(lambda x: network.reconstruct(x)[0].flatten(), image)
    assert torch.linalg.matrix_rank(jacobian.flatten(1), rtol=1e-9) == 1


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_tags_say_whether_energies_are_coupled(norm):
    options = Autoencoder(ndf=4, norm=norm)
    network = built(options, 1, 16, 16).double()
    images = images_of(3, 1, 16, 16).double()
    changed = torch.cat([images[:1], -images[1:]])
    assert {"energy", "image", "provides_features"} <= options.tags()
    for training in (True, False):
        network.train(training)
        coupled = not torch.allclose(network(images).logits[0], network(changed).logits[0], rtol=1e-9)
        assert coupled == (training and "batch_coupled_train" in options.tags())
    first = network.halving[0]
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in first)


@pytest.mark.parametrize("distance", ["l1", "l2"])
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_every_parameter_learns_also_twice_differentiated(distance, norm):
    network = built(Autoencoder(ndf=4, code=6, distance=distance, norm=norm), 3, 16, 16).double()
    images = images_of(4, 3, 16, 16).double().requires_grad_(True)
    logits = network(images).logits
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    logits.square().mean().backward(retain_graph=True)
    still = [name for name, parameter in network.named_parameters() if not parameter.grad.any()]
    assert still == []
    network.zero_grad()
    gradient.square().sum().backward()
    weights = [parameter for parameter in network.parameters() if parameter.dim() >= 2]
    assert all(weight.grad is not None and weight.grad.any() and weight.grad.isfinite().all() for weight in weights)


def test_gradient_reaches_the_image_directly_and_through_the_reconstruction():
    """The generator's fakes are both what is reconstructed and what it is compared with."""
    network = built(Autoencoder(ndf=2, code=3), 1, 8, 8).double().eval()
    assert torch.autograd.gradcheck(lambda x: network(x).logits, images_of(2, 1, 8, 8).double().requires_grad_(True))


def test_evaluation_is_repeatable_and_leaves_images_alone():
    network = built(Autoencoder(ndf=2), 1, 16, 16).eval()
    images = images_of(2, 1, 16, 16)
    kept = images.clone()
    assert torch.equal(network(images).logits, network(images, torch.tensor([0, 1])).logits)
    assert torch.equal(images, kept)


def test_at_the_start_activations_neither_vanish_nor_explode():
    network = built(Autoencoder(), 3, 32, 32)
    reconstruction, features = network.reconstruct(images_of(16, 3, 32, 32))
    for activations in (*features, reconstruction):
        assert 0.05 < activations.std() < 5


def test_a_perfect_code_can_be_learned():
    """Three images, a few steps: the reconstruction error falls to a fraction."""
    network = built(Autoencoder(ndf=8), 1, 8, 8)
    images = images_of(3, 1, 8, 8)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    before = -network(images).logits.mean().item()
    for _ in range(150):
        optimizer.zero_grad()
        (-network(images).logits.mean()).backward()
        optimizer.step()
    assert -network(images).logits.mean().item() < 0.05 * before


@pytest.mark.parametrize("shape", [(1, 16, 32), (1, 18, 18), (1, 4, 4), (2,)])
def test_images_that_do_not_fit_are_refused(shape):
    with pytest.raises(ConfigError, match="autoencoder"):
        Autoencoder(ndf=2).build(spec_of(*shape))
