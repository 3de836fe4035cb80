"""What every registered component must keep to. To register a component is to be tested here."""

from __future__ import annotations

import json
import subprocess
import sys
from inspect import getdoc, signature

import pytest
import torch
from pydantic import ValidationError
from registered import CLASSES, ENTRIES, IMAGE_SPECS, REGISTRY, SCIENTIFIC, build, entries_of, images_of, narrow
from torch import nn

from ganzoo.component import Options, RegularizerOptions
from ganzoo.config import Layer, merge, validate
from ganzoo.errors import ConfigError
from ganzoo.protocols import (
    Discriminator,
    DiscriminatorOutput,
    Generator,
    Loss,
    Regularizer,
    RelativisticLoss,
    StepView,
)

OFF_BY_DEFAULT = {"attention"}
"""Options of networks whose ``None`` is an answer, and not a gap that the data fill."""


def test_every_plugin_loads():
    assert [str(problem) for problem in REGISTRY.problems if problem.distribution == "ganzoo"] == []


def test_announcing_components_takes_no_torch():
    modules = sorted({entry.component.target.split(":")[0].split(".")[0] for entry in ENTRIES})
    code = f"""
import importlib, sys
for module in {modules!r}:
    assert list(importlib.import_module(module).ganzoo_components()), module
print("torch" in sys.modules)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (answer.stdout.strip(), answer.stderr) == ("False", "")


@entries_of(*{entry.kind for entry in ENTRIES})
def test_one_name_everywhere(entry):
    module, _, name = entry.component.target.partition(":")
    assert module.rpartition(".")[2] == entry.name.replace("-", "_")
    assert name == "".join(word.capitalize() for word in entry.name.split("-"))


@entries_of(*{entry.kind for entry in ENTRIES})
def test_record_says_what_the_default_options_say(entry):
    options = entry.options()
    assert issubclass(options, Options)
    try:
        defaults = options()
    except ValidationError:
        # Options that must be given, such as the path of a folder.
        assert any(field.is_required() for field in options.model_fields.values())
        return
    assert entry.component.tags == defaults.tags()


@entries_of(*{entry.kind for entry in ENTRIES})
def test_options_are_frozen_closed_and_described(entry):
    options = entry.options()
    assert options.model_config["frozen"]
    assert options.model_config["extra"] == "forbid"
    undescribed = [name for name, field in options.model_fields.items() if not field.description]
    assert undescribed == []
    json.dumps(options.model_json_schema())


@entries_of(*SCIENTIFIC)
def test_documentation_has_formula_and_source(entry):
    text = getdoc(entry.options())
    first, _, rest = text.partition("\n")
    assert first.endswith(".")
    assert "\nFormula:\n    " in rest
    assert "arXiv:" in rest.rpartition("Source: ")[2]
    assert "arXiv:" in entry.component.paper


@entries_of(*SCIENTIFIC)
def test_suggestions_are_valid_configuration(entry):
    suggests = dict(entry.component.suggests)
    config = validate(merge([Layer(origin=entry.name, values=suggests)]))
    assert set(config.regularizers) == {path.split(".")[1] for path in suggests if path.startswith("regularizers.")}
    for name, options in config.regularizers.items():
        REGISTRY.options("regularizer", name)(**options)


def loss_of(entry):
    """The loss as a run gets it."""
    return entry.options()().build(IMAGE_SPECS[0])


def objectives(loss, real, fake):
    """Both objectives, whichever protocol the loss follows."""
    of_real = {"real": real} if "real" in signature(loss.generator_loss).parameters else {}
    return loss.discriminator_loss(real=real, fake=fake), loss.generator_loss(**of_real, fake=fake)


@entries_of("loss")
def test_loss_is_a_pure_mean_over_any_logits(entry):
    loss = loss_of(entry)
    assert isinstance(loss, RelativisticLoss if "generator_needs_real" in entry.options()().tags() else Loss)
    generator = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(4, 1, 3, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    kept = real.clone(), fake.clone()
    values = objectives(loss, real, fake)
    assert all(value.shape == () and value.dtype == torch.float64 for value in values)
    assert torch.equal(torch.stack(values), torch.stack(objectives(loss, real, fake)))
    assert torch.equal(real, kept[0])
    assert torch.equal(fake, kept[1])
    for other in ((real.flatten(), fake.flatten()), (torch.cat([real, real]), torch.cat([fake, fake]))):
        assert torch.allclose(torch.stack(values), torch.stack(objectives(loss, *other)), rtol=1e-12)


@entries_of("loss")
def test_loss_pulls_both_players_the_right_way_at_zero_logits(entry):
    real, fake = (torch.zeros(3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    d, g = objectives(loss_of(entry), real, fake)
    of_real, of_fake = torch.autograd.grad(d, [real, fake])
    (of_g,) = torch.autograd.grad(g, [fake])
    assert (of_real < 0).all()
    assert (of_fake >= 0).all()
    assert (of_g < 0).all()


@entries_of("loss")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("real_at", "fake_at"), [(1e4, -1e4), (-1e4, 1e4), (1e4, 1e4), (0.0, 0.0)])
def test_loss_and_gradient_stay_finite(entry, dtype, real_at, fake_at):
    real = torch.full((3,), real_at, dtype=dtype, requires_grad=True)
    fake = torch.full((3,), fake_at, dtype=dtype, requires_grad=True)
    d, g = objectives(loss_of(entry), real, fake)
    gradients = torch.autograd.grad(d + g, [real, fake])
    assert torch.stack([d, g, *(gradient.sum() for gradient in gradients)]).isfinite().all()


@entries_of("loss")
def test_equilibrium_is_the_best_constant_answer(entry):
    loss = loss_of(entry)
    if not hasattr(loss, "equilibrium"):
        pytest.skip("states none")
    stated = loss.equilibrium()
    answers = torch.linspace(-3, 3, 6001, dtype=torch.float64)
    values = torch.stack([torch.stack(objectives(loss, answer[None], answer[None])) for answer in answers])
    best = values[:, 0].argmin()
    assert set(stated) <= {"d", "g"}
    assert stated["d"] == pytest.approx(values[best, 0].item(), abs=1e-6)
    if "g" in stated:
        assert stated["g"] == pytest.approx(values[best, 1].item(), abs=1e-3)


@entries_of("loss")
def test_diagnostics_are_shares_or_its_own_without_a_graph(entry):
    loss = loss_of(entry)
    if not hasattr(loss, "diagnostics"):
        pytest.skip("has none")
    logits = torch.linspace(-2, 2, 12, requires_grad=True).view(3, 1, 2, 2)
    for name, value in loss.diagnostics(real=logits, fake=-logits).items():
        assert not value.requires_grad
        kind, _, side = name.partition("/")
        if kind in ("accuracy", "violations"):
            assert side in ("real", "fake")
            assert 0 <= value <= 1
        else:
            assert kind == entry.name


@entries_of("discriminator")
@pytest.mark.parametrize("spec", IMAGE_SPECS, ids=lambda spec: str(spec.shape))
def test_discriminator_answers_for_every_sample(entry, spec):
    network = build(entry, spec)
    images = images_of(spec, 3)
    kept = images.clone()
    output = network(images, torch.tensor([0, 1, 2]))
    assert isinstance(network, Discriminator)
    assert isinstance(output, DiscriminatorOutput)
    assert torch.equal(images, kept)
    for logits in (output.logits, *output.extra_logits):
        assert logits.shape == (3,) or logits.shape[:2] == (3, 1)
    assert output.class_logits is None or output.class_logits.shape == (3, len(CLASSES))
    assert all(len(feature) == 3 for feature in output.features)


@entries_of("discriminator")
def test_every_parameter_of_a_discriminator_learns_also_through_a_penalty(entry):
    network = build(entry, IMAGE_SPECS[1])
    images = images_of(IMAGE_SPECS[1], 3).requires_grad_(True)
    output = network(images, torch.tensor([0, 1, 2]))
    maps = (output.logits, *output.extra_logits)
    of_class = 0 if output.class_logits is None else output.class_logits.square().mean()
    (gradient,) = torch.autograd.grad(sum(logits.mean() for logits in maps), images, create_graph=True)
    (sum(logits.square().mean() for logits in maps) + of_class).backward(retain_graph=True)
    missing = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert missing == []
    network.zero_grad()
    gradient.square().sum().backward()
    learned = [p.grad for name, p in network.named_parameters() if p.grad is not None and p.grad.any()]
    assert learned
    assert all(grad.isfinite().all() for grad in learned)


@entries_of("generator")
@pytest.mark.parametrize("spec", IMAGE_SPECS, ids=lambda spec: str(spec.shape))
def test_generator_makes_images_from_latents(entry, spec):
    network = build(entry, spec)
    assert isinstance(network, Generator)
    generator = torch.Generator().manual_seed(0)
    before = torch.get_rng_state()
    z, more = network.latent(5, generator=generator), network.latent(5, generator=generator)
    assert torch.equal(torch.get_rng_state(), before)
    assert z.device.type == "cpu"
    assert len(z) == 5
    assert not torch.equal(z, more)
    images = network(z, torch.tensor([0, 1, 2, 0, 1]))
    assert images.shape == (5, *spec.shape)
    assert images.abs().max() <= 1
    images.square().mean().backward()
    missing = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert missing == []


@entries_of("generator")
def test_generator_takes_labels_exactly_if_its_tags_say_so(entry):
    network = build(entry, IMAGE_SPECS[0]).eval()
    z = network.latent(2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        # Class-conditional BatchNorm starts out alike for every class.
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    same = torch.allclose(network(z, torch.tensor([0, 0])), network(z, torch.tensor([1, 2])))
    assert same != ("accepts_labels" in narrow(entry).tags())
    if not same:
        with pytest.raises(ConfigError):
            network(z)


@entries_of("discriminator", "generator")
def test_network_is_the_same_from_the_same_seed_and_builds_on_meta(entry):
    one, two, other = (build(entry, IMAGE_SPECS[0], seed=seed) for seed in (0, 0, 1))
    states = [network.state_dict() for network in (one, two, other)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not all(torch.equal(states[0][name], states[2][name]) for name in states[0])
    with torch.device("meta"):
        counted = narrow(entry).build(IMAGE_SPECS[0])
    assert [p.shape for p in counted.parameters()] == [p.shape for p in one.parameters()]


@entries_of("discriminator", "generator")
def test_resolving_fills_every_gap_and_changes_nothing_else(entry):
    options = entry.options()()
    resolved = options.resolve(IMAGE_SPECS[1])
    assert OFF_BY_DEFAULT | {name for name, value in resolved if value is None} == OFF_BY_DEFAULT
    given = {name: value for name, value in options.model_dump().items() if value is not None}
    assert given.items() <= resolved.model_dump().items()
    assert resolved.resolve(IMAGE_SPECS[1]) == resolved


class Styled(nn.Module):
    """A generator with a style code."""

    def __init__(self):
        super().__init__()
        self.map = nn.Linear(3, 4)
        self.paint = nn.Linear(4, 64)

    def mapping(self, z, labels=None):
        return torch.tanh(self.map(z))

    def synthesis(self, w):
        return torch.tanh(self.paint(w)).view(-1, 1, 8, 8)

    def forward(self, z, labels=None):
        return self.synthesis(self.mapping(z, labels))


class Critic(nn.Module):
    """A smooth critic that has everything a regularizer may ask for."""

    def __init__(self):
        super().__init__()
        self.body = nn.Linear(64, 6)
        self.heads = nn.Linear(6, 4)

    def forward(self, images, labels=None):
        features = torch.tanh(self.body(images.flatten(1)))
        heads = self.heads(features)
        return DiscriminatorOutput(logits=heads[:, 0], class_logits=heads[:, 1:], features=(features,))


def view_of(player, n=3):
    torch.manual_seed(0)
    spec, critic, generate = IMAGE_SPECS[0], Critic(), Styled()
    z, labels = torch.randn(n, 3), torch.arange(n) % 3
    real, fake = images_of(spec, n), generate(z)
    fake = fake.detach() if player == "discriminator" else fake
    judged = critic(real)
    return StepView(
        player=player,
        network=critic if player == "discriminator" else generate,
        real=real,
        fake=fake,
        real_labels=labels,
        fake_labels=labels,
        z=z,
        # Above those of fakes, as a critic that has learned something has them; LeCam pulls at nothing else.
        real_output=judged._replace(logits=judged.logits + 1),
        fake_output=critic(fake),
        critic=critic,
        plain_critic=critic,
        generate=lambda z, labels: generate(z),
        augment=lambda images: images,
        random=torch.Generator().manual_seed(0),
    )


PROJECTIONS = {"weight-clip"}
"""Regularizers that move weights after the step and add no term."""


@entries_of("regularizer")
def test_regularizer_adds_raw_scalars_its_player_can_learn_from(entry):
    options = entry.options()()
    assert isinstance(options, RegularizerOptions)
    part = options.build(IMAGE_SPECS[0])
    assert isinstance(part, Regularizer)
    seen = {}
    if type(part).after_step is not Regularizer.after_step and entry.name in PROJECTIONS:
        return
    for player in ("discriminator", "generator"):
        of_player = part.discriminator_terms if player == "discriminator" else part.generator_terms
        view = view_of(player)
        terms = seen[player] = of_player(view)
        for name, term in terms.items():
            assert name.startswith(entry.name.replace("-", "_"))
            assert term.shape == ()
            assert term.isfinite()
            gradients = torch.autograd.grad(term, list(view.network.parameters()), retain_graph=True, allow_unused=True)
            assert any(gradient is not None and gradient.any() for gradient in gradients)
    assert any(seen.values())


@entries_of("regularizer")
def test_regularizer_terms_do_not_contain_the_weight(entry):
    def terms(weight):
        part = entry.options()(weight=weight, every=3).build(IMAGE_SPECS[0])
        return part.discriminator_terms(view_of("discriminator")) | part.generator_terms(view_of("generator"))

    one, five = terms(1.0), terms(5.0)
    assert one.keys() == five.keys()
    assert all(torch.equal(one[name], five[name]) for name in one)


@entries_of("regularizer")
def test_regularizer_state_survives_a_round_trip(entry):
    part, restored = (entry.options()().build(IMAGE_SPECS[0]) for _ in range(2))
    fresh = {name: value.clone() for name, value in part.state_dict().items()}
    for player in ("discriminator", "generator"):
        view = view_of(player)
        part.discriminator_terms(view) if player == "discriminator" else part.generator_terms(view)
        part.after_step(player, view.network)
    moved = part.state_dict()
    assert moved.keys() >= fresh.keys()
    assert not moved or any(name not in fresh or not torch.equal(value, fresh[name]) for name, value in moved.items())
    restored.load_state_dict(part.state_dict())
    assert restored.state_dict().keys() == part.state_dict().keys()
    assert all(torch.equal(restored.state_dict()[name], value) for name, value in part.state_dict().items())
