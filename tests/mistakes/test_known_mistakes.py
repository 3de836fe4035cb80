"""Known mistakes of other libraries: the mistaken value is computed beside the right one, and ours is the right one.

One test a mistake, through the step and with the components as they are registered. Closer tests of each component are
in ``tests/plugins``.
"""

from __future__ import annotations

import copy
import math

import pytest
import torch
from registered import ENTRIES, build, called, images_of
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm
from toys import Hinge

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec, Discriminator, DiscriminatorOutput, Generator
from ganzoo.training import spectral
from ganzoo.training.game import Game, Inputs, WeightedRegularizer
from ganzoo.training.state import averaged_copy, update_average
from ganzoo.training.step import discriminator_terms, generator_terms

CLASSES = ("a", "b", "c")
SPEC = DataSpec(shape=(3, 32, 32), classes=CLASSES, marginal=(0.2, 0.3, 0.5), conditional=True)
N = 5


def entry(kind, name):
    (found,) = (one for one in ENTRIES if (one.kind, one.name) == (kind, name))
    return found


def regularizer(name, **options):
    return entry("regularizer", name).options()(**options).build(SPEC)


class Critic(nn.Module):
    """A linear critic of one slope on ``shape``; under labels it is the label that decides the slope."""

    def __init__(self, shape, slopes):
        super().__init__()
        drawn = torch.Generator().manual_seed(5)
        direction = torch.randn(math.prod(shape), generator=drawn, dtype=torch.float64)
        self.direction = nn.Parameter(F.normalize(direction, dim=0))
        self.slopes = torch.tensor(slopes, dtype=torch.float64)

    def forward(self, images, labels=None):
        slopes = self.slopes[:1] if labels is None else self.slopes[labels]
        return DiscriminatorOutput(slopes * (images.flatten(1) @ self.direction))


class Images(nn.Module):
    """Hands over its latents as images."""

    def forward(self, z, labels=None):
        return z


def game_of(critic, *parts, loss=None):
    return Game(
        loss=loss or Hinge(),
        discriminator=critic,
        generator=Images(),
        discriminate=critic,
        critic=critic,
        generate=Images(),
        regularizers=tuple(WeightedRegularizer(name=name, regularizer=part, weight=1.0) for name, part in parts),
    )


def inputs_of(shape, *, n=N, real_labels=None, fake_labels=None, dtype=torch.float64):
    drawn = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(n, *shape, generator=drawn, dtype=torch.float64).to(dtype) for _ in range(2))
    return Inputs(
        real=real,
        real_labels=real_labels,
        z=fake,
        fake_labels=fake_labels,
        update=0,
        random=lambda name: torch.Generator().manual_seed(3),
    )


PENALTIES = ("gradient-penalty", "dragan", "r1", "r2")


@pytest.mark.parametrize("name", PENALTIES)
def test_one_norm_over_the_whole_batch(name):
    """torchgan's: a critic of slope s then pays for s·√N."""
    slope, shape = 0.7, (3, 4, 4)
    terms = discriminator_terms(game_of(Critic(shape, [slope]), (name, regularizer(name))), inputs_of(shape)).scalars
    (term,) = (value.item() for key, value in terms.items() if key != "adversarial")
    right, mistaken = slope, slope * math.sqrt(N)
    if name in ("r1", "r2"):
        right, mistaken = right**2 / 2, mistaken**2 / 2
    else:
        right, mistaken = (right - 1) ** 2, (mistaken - 1) ** 2
    assert term == pytest.approx(right, abs=1e-9)
    assert abs(mistaken - right) > 0.1


@pytest.mark.parametrize("name", PENALTIES)
def test_one_norm_a_pixel(name):
    """MMGeneration's: the norm over channels at each pixel, then the mean over pixels."""
    slope, shape = 1.0, (3, 4, 4)
    critic = Critic(shape, [slope])
    terms = discriminator_terms(game_of(critic, (name, regularizer(name))), inputs_of(shape)).scalars
    (term,) = (value.item() for key, value in terms.items() if key != "adversarial")
    a_pixel = critic.direction.detach().view(shape).square().sum(0)
    right, mistaken = (0.5, a_pixel.mean() / 2) if name in ("r1", "r2") else (0.0, (a_pixel.sqrt() - 1).square().mean())
    assert term == pytest.approx(right, abs=1e-9)
    assert abs(mistaken - right) > 0.3


def test_a_softmax_before_the_cross_entropy():
    """A sure and right classifier then still costs ln(1 + (K − 1)/e), and hardly learns."""
    class_logits = 50 * F.one_hot(torch.arange(N) % 3, 3).double()

    class Sure(nn.Module):
        def forward(self, images, labels=None):
            return DiscriminatorOutput(images.flatten(1).sum(1), class_logits=class_logits)

    labels = torch.arange(N) % 3
    game = game_of(Sure(), ("auxiliary-classifier", regularizer("auxiliary-classifier")))
    inputs = inputs_of((1, 2, 2), real_labels=labels, fake_labels=labels)
    mistaken = F.cross_entropy(class_logits.softmax(1), labels)
    assert mistaken.item() == pytest.approx(math.log(1 + 2 / math.e))
    for terms in (discriminator_terms(game, inputs), generator_terms(game, inputs)):
        costs = [value.item() for name, value in terms.scalars.items() if name.startswith("auxiliary")]
        assert costs == pytest.approx([0] * len(costs), abs=1e-9)
    network = build(entry("discriminator", "acgan"), SPEC)
    output = network(images_of(SPEC, 4))
    assert not torch.allclose(output.class_logits.sum(1), torch.ones(4)), "probabilities instead of class logits"


def test_relativistic_pairs_that_broadcast_to_n_times_n():
    loss = entry("loss", "relativistic").options()().build(SPEC)
    drawn = torch.Generator().manual_seed(0)
    real, fake = (3 * torch.randn(N, generator=drawn, dtype=torch.float64) for _ in range(2))
    right = sum(math.log1p(math.exp(-(r - f))) for r, f in zip(real.tolist(), fake.tolist(), strict=True)) / N
    mistaken = F.softplus(-(real[:, None] - fake[None])).mean().item()
    assert loss.discriminator_loss(real=real, fake=fake).item() == pytest.approx(right, rel=1e-12)
    assert abs(mistaken - right) > 0.05
    for one, other in ((real[:, None], fake), (real, fake[:, None]), (real[:1], fake), (real[:, None], fake[None])):
        for objective in (loss.discriminator_loss, loss.generator_loss):
            with pytest.raises(ConfigError, match="differ in shape"):
                objective(real=one, fake=other)


NETWORKS = [
    one
    for one in ENTRIES
    if one.kind in ("discriminator", "generator") and not {"signal", "volume"} & one.component.tags
]


@pytest.mark.parametrize("network", NETWORKS, ids=called)
@pytest.mark.parametrize("training", [True, False])
def test_a_relu_in_place_on_what_a_shortcut_passes_on(network, training):
    """No block with a shortcut changes what it is given, nor does a network change its images or features."""
    module = build(network, SPEC).train(training)
    kept = []

    def before(block, given):
        kept.append((block, given, [value.clone() for value in given if isinstance(value, torch.Tensor)]))

    def after(block, given, _):
        owner, same, values = kept.pop()
        assert owner is block
        assert same is given or all(one is other for one, other in zip(same, given, strict=True))
        tensors = [value for value in given if isinstance(value, torch.Tensor)]
        assert all(torch.equal(*pair) for pair in zip(tensors, values, strict=True)), f"{type(block).__name__} changed"

    for block in module.modules():
        if block is module or hasattr(block, "shortcut") or type(block).__name__ == "SelfAttention":
            block.register_forward_pre_hook(before)
            block.register_forward_hook(after)
    labels = torch.arange(4) % 3
    with torch.no_grad():
        if isinstance(module, Discriminator):
            module(images_of(SPEC, 4), labels)
        else:
            assert isinstance(module, Generator)
            module(module.latent(4, generator=torch.Generator().manual_seed(0)), labels)
    assert not kept


def test_averages_over_the_vectors_of_spectral_norm():
    """u and v are directions: their mean is none. They are copied; weights are averaged."""
    torch.manual_seed(0)
    generator = nn.Sequential(spectral_norm(nn.Linear(4, 6)), nn.ReLU(), spectral_norm(nn.Linear(6, 3)))
    average = averaged_copy(generator)
    mistaken = copy.deepcopy(average)
    for updates in range(1, 30):
        with torch.no_grad():
            for parameter in generator.parameters():
                parameter.add_(torch.randn_like(parameter))
        generator(torch.randn(2, 4))
        update_average(average, generator, decay=0.9, updates=updates)
        for kept, value in zip(mistaken.buffers(), generator.buffers(), strict=True):
            kept.lerp_(value, 0.1)
    assert min(buffer.norm() for buffer in mistaken.buffers()) < 0.9
    for kept, value in zip(average.buffers(), generator.buffers(), strict=True):
        assert torch.equal(kept, value)
        torch.testing.assert_close(kept.norm(), torch.ones(()))
    assert not any(torch.equal(*pair) for pair in zip(average.parameters(), generator.parameters(), strict=True))
    assert all(norm.isfinite() for norm in spectral.norms(average).values())


@pytest.mark.parametrize("name", ["dcgan", "patchgan", "patchgan-sn", "resnet-sn"])
def test_clipping_the_affine_parameters_of_batch_norm(name):
    """Scales of about 1 that are clipped to 0.01 shut the signal off, layer by layer."""
    network = build(entry("discriminator", name), SPEC)
    affine = {
        f"{path}.{kind}"
        for path, layer in network.named_modules()
        if isinstance(layer, nn.BatchNorm2d)
        for kind in ("weight", "bias")
    }
    before = copy.deepcopy(network.state_dict())
    part = regularizer("weight-clip", clip=0.001)
    part.after_step("discriminator", network)
    parameters = dict(network.named_parameters())
    assert bool(affine) == (name in ("dcgan", "patchgan"))
    for path, value in network.state_dict().items():
        if path in affine or path not in parameters:
            assert torch.equal(value, before[path]), path
        else:
            assert value.abs().max() <= 0.001, path
    assert network(images_of(SPEC, 4), torch.zeros(4, dtype=torch.long)).logits.isfinite().all()


@pytest.mark.parametrize(
    ("name", "options", "side"),
    [
        ("gradient-penalty", {}, "real"),
        ("gradient-penalty", {"labels": "fake"}, "fake"),
        ("dragan", {}, "real"),
        ("r1", {}, "real"),
        ("r2", {}, "fake"),
    ],
)
def test_labels_lost_in_a_conditional_penalty(name, options, side):
    """The slope of this critic is the label's, so a penalty under no, other or shuffled labels has another value."""
    slopes, shape = [0.2, 0.9, 2.5], (1, 4, 4)
    labels = {"real": torch.tensor([0, 1, 2, 2, 1]), "fake": torch.tensor([2, 2, 0, 0, 2])}
    game = game_of(Critic(shape, slopes), (name, regularizer(name, **options)))
    inputs = inputs_of(shape, real_labels=labels["real"], fake_labels=labels["fake"])
    terms = discriminator_terms(game, inputs).scalars
    (term,) = (value.item() for key, value in terms.items() if key != "adversarial")

    def value(slopes):
        costs = [slope**2 / 2 if name in ("r1", "r2") else (slope - 1) ** 2 for slope in slopes]
        return sum(costs) / len(costs)

    assert term == pytest.approx(value([slopes[label] for label in labels[side].tolist()]), rel=1e-9)
    other = "fake" if side == "real" else "real"
    assert abs(value(slopes[:1]) - term) > 0.05
    assert abs(value([slopes[label] for label in labels[other].tolist()]) - term) > 0.05


@pytest.mark.parametrize("disc", ["cgan", "projection", "mlp"])
@pytest.mark.parametrize("name", PENALTIES)
def test_labels_lost_with_the_registered_conditional_critics(name, disc):
    """Beside a plain loop over samples, each under its own label, with gradients of its own."""
    spec = DataSpec(shape=(3, 8, 8), classes=CLASSES, marginal=(0.2, 0.3, 0.5), conditional=True)
    torch.manual_seed(0)
    options = entry("discriminator", disc).options()
    narrow = {"ndf": 2, "width": 4, "norm": "none"}
    fields = {key: value for key, value in narrow.items() if key in options.model_fields}
    critic = options(**fields).build(spec).double().eval()
    real_labels, fake_labels = torch.tensor([0, 1, 2, 2]), torch.tensor([1, 2, 0, 1])
    inputs = inputs_of(spec.shape, n=4, real_labels=real_labels, fake_labels=fake_labels)
    asked = []

    def watched(images, labels):
        asked.append((images.detach().clone(), labels))
        return critic(images, labels)

    game = game_of(critic, (name, regularizer(name)))
    terms = discriminator_terms(
        Game(**{**{field: getattr(game, field) for field in game.__dataclass_fields__}, "critic": watched}), inputs
    ).scalars
    (term,) = (value.item() for key, value in terms.items() if key != "adversarial")
    ((points, given),) = asked
    labels = fake_labels if name == "r2" else real_labels
    assert torch.equal(given, labels)

    def cost(labels):
        costs = []
        for point, label in zip(points, labels, strict=True):
            point = point[None].clone().requires_grad_()
            (gradient,) = torch.autograd.grad(critic(point, label[None]).logits.sum(), point)
            norm = gradient.norm().item()
            costs.append(norm**2 / 2 if name in ("r1", "r2") else (norm - 1) ** 2)
        return sum(costs) / len(costs)

    assert term == pytest.approx(cost(labels), rel=1e-6, abs=1e-12)
    if disc != "mlp":
        assert cost(labels.flip(0)) != pytest.approx(term, rel=1e-6)
