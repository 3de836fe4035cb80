"""Penalties and projections on weights against closed forms, singular values and plain loops."""

from __future__ import annotations

import copy

import pytest
import torch
from ganzoo_regularizers.orthogonal import Orthogonal
from ganzoo_regularizers.spectral_regularization import SpectralRegularization
from ganzoo_regularizers.weight_clip import WeightClip
from ganzoo_regularizers.weight_matrices import weight_matrices
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.protocols import DataSpec, DiscriminatorOutput, StepView
from ganzoo.training import spectral

SPEC = DataSpec(shape=(1, 4, 4))


def view_of(network, *, player="discriminator", seed=0):
    nothing = torch.zeros(1)
    return StepView(
        player=player,
        network=network,
        real=nothing,
        fake=nothing,
        real_labels=None,
        fake_labels=None,
        z=nothing,
        real_output=None,
        fake_output=DiscriminatorOutput(logits=nothing),
        critic=lambda images, labels: DiscriminatorOutput(logits=images),
        plain_critic=lambda images, labels: DiscriminatorOutput(logits=images),
        generate=lambda z, labels: z,
        augment=lambda images: images,
        random=torch.Generator().manual_seed(seed),
    )


class Network(nn.Module):
    """One layer of every kind that a penalty on weights may meet."""

    def __init__(self, *, normalized=False):
        super().__init__()
        wrap = spectral_norm if normalized else (lambda layer: layer)
        self.convolution = wrap(nn.Conv2d(2, 5, 3))
        self.up = wrap(nn.ConvTranspose2d(5, 3, 2))
        self.linear = wrap(nn.Linear(4, 6))
        self.table = nn.Embedding(3, 4)
        self.batch = nn.BatchNorm2d(5)
        self.instance = nn.InstanceNorm2d(5, affine=True)
        self.group = nn.GroupNorm(1, 5)
        self.layer = nn.LayerNorm((2, 3))
        self.scale = nn.Parameter(torch.ones(()))


def network(*, normalized=False):
    torch.manual_seed(0)
    return Network(normalized=normalized).double()


NAMES = ["convolution.weight", "up.weight", "linear.weight", "table.weight"]


def filters(weight, *, transposed):
    """The rows of (out, rest), filter by filter."""
    return [(weight[:, out] if transposed else weight[out]).flatten() for out in range(weight.shape[int(transposed)])]


def test_every_weight_once_with_its_filters_as_rows():
    net = network()
    found = dict(weight_matrices(net, embeddings=True))
    assert net.layer.weight.dim() == 2
    assert list(found) == NAMES
    assert "table.weight" not in dict(weight_matrices(net, embeddings=False))
    for name in NAMES:
        expected = torch.stack(filters(net.get_parameter(name), transposed=name == "up.weight"))
        assert torch.equal(found[name], expected)


def test_of_a_parametrized_weight_the_stored_parameter_counts():
    net = network(normalized=True)
    found = dict(weight_matrices(net, embeddings=True))
    assert "up.parametrizations.weight.original" in found
    for name, layer in [("convolution", net.convolution), ("up", net.up), ("linear", net.linear)]:
        original = layer.parametrizations.weight.original
        expected = torch.stack(filters(original, transposed=name == "up"))
        assert torch.equal(found[f"{name}.parametrizations.weight.original"], expected)


def test_a_network_that_is_one_layer_has_its_weight_too():
    assert [name for name, _ in weight_matrices(nn.Linear(2, 3), embeddings=False)] == ["weight"]
    of_one = [name for name, _ in weight_matrices(spectral_norm(nn.Linear(2, 3)), embeddings=False)]
    assert of_one == ["parametrizations.weight.original"]


def overlaps(weight, *, transposed=False):
    rows = filters(weight, transposed=transposed)
    return sum((a @ b).item() ** 2 for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j) / 2


def test_orthogonal_is_half_the_sum_of_squared_overlaps():
    net = network()
    (term,) = Orthogonal().build(SPEC).generator_terms(view_of(net, player="generator")).values()
    expected = overlaps(net.convolution.weight) + overlaps(net.linear.weight) + overlaps(net.up.weight, transposed=True)
    assert term.item() == pytest.approx(expected, rel=1e-12)


@given(rows=st.integers(1, 5), columns=st.integers(1, 6), seed=st.integers(0, 2**31))
def test_orthogonal_gradient_is_that_of_the_authors(rows, columns, seed):
    net = nn.Linear(columns, rows, bias=True).double()
    with torch.no_grad():
        net.weight.copy_(torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)))
    term = Orthogonal().generator_terms(view_of(net))["orthogonal"]
    gradient, of_bias = torch.autograd.grad(term, [net.weight, net.bias], allow_unused=True)
    w = net.weight.detach()
    expected = 2 * ((w @ w.T) * (1 - torch.eye(rows, dtype=w.dtype))) @ w
    assert torch.allclose(gradient, expected, rtol=1e-10, atol=1e-12)
    assert of_bias is None
    assert net.weight.grad is None


def test_orthogonal_leaves_lengths_free_and_the_discriminator_alone():
    net = nn.Linear(4, 3).double()
    with torch.no_grad():
        net.weight.copy_(torch.diag_embed(torch.tensor([2.0, 3.0, 0.1])).new_zeros(3, 4))
        for i, length in enumerate((2.0, 3.0, 0.1)):
            net.weight[i, i] = length
    assert Orthogonal().generator_terms(view_of(net))["orthogonal"].item() == 0
    assert Orthogonal().discriminator_terms(view_of(net)) == {}
    assert Orthogonal().weight == 1e-4
    assert Orthogonal().generator_terms(view_of(nn.Embedding(3, 2))) == {}


def settle(part, net, *, steps=150):
    term = part.discriminator_terms(view_of(net))["spectral_regularization"]
    for _ in range(steps):
        part.after_step("discriminator", net)
        term = part.discriminator_terms(view_of(net))["spectral_regularization"]
    return term


def first_singular_value(weight, *, transposed=False):
    return torch.linalg.svdvals(torch.stack(filters(weight, transposed=transposed)))[0]


@pytest.mark.parametrize("normalized", [False, True])
def test_spectral_regularization_comes_to_half_the_sum_of_squared_singular_values(normalized):
    net = network(normalized=normalized)
    spectral.hold(net)

    def stored(layer):
        return layer.parametrizations.weight.original if normalized else layer.weight

    term = settle(SpectralRegularization().build(SPEC), net)
    weights = [(stored(net.convolution), False), (stored(net.up), True), (stored(net.linear), False)]
    weights.append((net.table.weight, False))
    expected = sum(first_singular_value(weight, transposed=t).square() for weight, t in weights) / 2
    assert term.item() == pytest.approx(expected.item(), rel=1e-9)


def test_spectral_gradient_is_s_u_v_with_the_vectors_held():
    net = nn.Linear(5, 3).double()
    part = SpectralRegularization().build(SPEC)
    term = part.discriminator_terms(view_of(net))["spectral_regularization"]
    (early,) = torch.autograd.grad(term, [net.weight])
    u, v = (part.state_dict()[f"weight.{side}"] for side in "uv")
    w = net.weight.detach()
    assert torch.allclose(early, (u @ w @ v) * torch.outer(u, v), rtol=1e-12)

    term = settle(part, net)
    (gradient,) = torch.autograd.grad(term, [net.weight])
    left, values, right = torch.linalg.svd(w)
    assert torch.allclose(gradient, values[0] * torch.outer(left[:, 0], right[0]), rtol=1e-6, atol=1e-9)
    assert net.weight.grad is None


def test_one_power_iteration_an_update_whatever_the_micro_batches():
    net = nn.Linear(5, 4).double()
    part = SpectralRegularization().build(SPEC)
    w = net.weight.detach()
    start = torch.randn(4, generator=torch.Generator().manual_seed(0)).double()
    v = w.T @ start / (w.T @ start).norm()
    u = w @ v / (w @ v).norm()
    for _ in range(3):
        terms = [part.discriminator_terms(view_of(net, seed=seed))["spectral_regularization"] for seed in (0, 1)]
        assert torch.equal(*terms)
        assert terms[0].item() == pytest.approx(((u @ w @ v) ** 2 / 2).item(), rel=1e-12)
        part.after_step("generator", net)
        part.after_step("discriminator", net)
        v = w.T @ u / (w.T @ u).norm()
        u = w @ v / (w @ v).norm()


def trained(part, net, steps):
    seen = []
    for step in steps:
        term = part.discriminator_terms(view_of(net, seed=step))["spectral_regularization"]
        weights = [layer.weight for layer in net]
        with torch.no_grad():
            for weight, gradient in zip(weights, torch.autograd.grad(term, weights), strict=True):
                weight -= 0.1 * gradient
        part.after_step("discriminator", net)
        seen.append(term.item())
    return seen


def test_spectral_regularization_goes_on_bit_for_bit_after_a_resume():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 4))
    part = SpectralRegularization().build(SPEC)
    assert part.state_dict() == {}
    trained(part, net, range(3))
    state, kept = {name: value.clone() for name, value in part.state_dict().items()}, copy.deepcopy(net)
    assert set(state) == {"0.weight.u", "0.weight.v", "1.weight.u", "1.weight.v"}

    through = trained(part, net, range(3, 6))
    resumed = SpectralRegularization().build(SPEC)
    resumed.load_state_dict(state)
    again = trained(resumed, kept, range(3, 6))
    assert again == through
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), kept.parameters(), strict=True))
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in part.state_dict().items())


def test_vectors_start_from_the_views_random_numbers_alone():
    net = nn.Linear(5, 4)
    before = torch.get_rng_state()
    values = [SpectralRegularization().build(SPEC).discriminator_terms(view_of(net, seed=seed)) for seed in (0, 0, 1)]
    same, again, other = (value["spectral_regularization"].item() for value in values)
    assert torch.equal(torch.get_rng_state(), before)
    assert same == again != other


def test_spectral_regularization_leaves_generator_and_buffers_alone():
    net = network(normalized=True)
    buffers = [buffer.clone() for buffer in net.buffers()]
    part = SpectralRegularization().build(SPEC)
    assert part.generator_terms(view_of(net)) == {}
    settle(part, net, steps=2)
    assert all(torch.equal(a, b) for a, b in zip(buffers, net.buffers(), strict=True))
    assert SpectralRegularization().weight == 0.01
    assert SpectralRegularization().build(SPEC).discriminator_terms(view_of(nn.Identity())) == {}


def affine(net):
    return {name for name, _ in net.named_parameters() if name.split(".")[0] in ("batch", "instance", "group", "layer")}


def test_clipping_leaves_affine_parameters_of_normalizations():
    net = network()
    before = {name: parameter.detach().clone() for name, parameter in net.named_parameters()}
    buffers = [buffer.clone() for buffer in net.buffers()]
    WeightClip().after_step("discriminator", net)
    for name, parameter in net.named_parameters():
        expected = before[name] if name in affine(net) else before[name].clamp(-0.01, 0.01)
        assert torch.equal(parameter, expected), name
        assert parameter.requires_grad
    assert net.batch.weight.tolist() == [1.0] * 5
    assert net.scale.item() == 0.01
    assert all(torch.equal(a, b) for a, b in zip(buffers, net.buffers(), strict=True))


def test_clipping_leaves_what_is_frozen():
    """A backbone that only provides features is not the critic's to train, so nor to clip."""
    net = network()
    frozen, *_, trained = (parameter for name, parameter in net.named_parameters() if name not in affine(net))
    frozen.requires_grad_(False)
    before = frozen.clone()
    WeightClip().after_step("discriminator", net)
    assert torch.equal(frozen, before)
    assert trained.abs().max() <= 0.01 < before.abs().max()


def test_clipping_can_include_them_as_the_authors_did():
    net = network()
    WeightClip(include_affine=True, clip=0.2).after_step("discriminator", net)
    assert all(parameter.abs().max() <= 0.2 for parameter in net.parameters())
    assert net.batch.weight.tolist() == [0.2] * 5
    assert net.batch.running_var.tolist() == [1.0] * 5


def test_clipping_reaches_what_spectral_norm_divides_and_not_its_vectors():
    net = network(normalized=True)
    with torch.no_grad():
        net.linear.parametrizations.weight.original[0, 0] = 5.0
    buffers = {name: buffer.clone() for name, buffer in net.named_buffers()}
    WeightClip().after_step("discriminator", net)
    assert net.linear.parametrizations.weight.original.abs().max() == 0.01
    assert {name for name in buffers if name.endswith(("._u", "._v"))}
    assert all(torch.equal(buffers[name], buffer) for name, buffer in net.named_buffers())
    for _ in range(200):
        spectral.iterate(net)
    assert all(norm.item() == pytest.approx(1, abs=1e-3) for norm in spectral.norms(net).values())


@given(clip=st.floats(1e-4, 10), seed=st.integers(0, 2**31))
def test_clipping_is_a_projection(clip, seed):
    net = nn.Linear(3, 2).double()
    with torch.no_grad():
        net.weight.copy_(torch.randn(2, 3, generator=torch.Generator().manual_seed(seed)))
    before = net.weight.tolist()
    for _ in range(2):
        WeightClip(clip=clip).after_step("discriminator", net)
        expected = [[max(-clip, min(clip, value)) for value in row] for row in before]
        assert net.weight.tolist() == expected


def test_clipping_is_the_discriminators_and_adds_no_term():
    net = network()
    before = [parameter.detach().clone() for parameter in net.parameters()]
    WeightClip().after_step("generator", net)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    assert WeightClip().discriminator_terms(view_of(net)) == WeightClip().generator_terms(view_of(net)) == {}
    assert WeightClip().tags() == {"limits_slope"}
    assert WeightClip().clip == 0.01
    with pytest.raises(ValidationError):
        WeightClip(clip=0)
