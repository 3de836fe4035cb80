"""What a step refuses of losses, regularizers and networks that nobody has checked, with the culprit by name."""

from __future__ import annotations

import json

import pytest
import torch
from broken_plugins.install import PluginFolder
from torch import nn
from torch.nn import functional
from toys import Hinge, ToyDiscriminator, ToyGenerator, make_game, make_inputs
from typer.testing import CliRunner

import ganzoo
from ganzoo.cli import app
from ganzoo.errors import PluginError
from ganzoo.protocols import DataSpec, DiscriminatorOutput, Regularizer
from ganzoo.training.game import Named, WeightedRegularizer
from ganzoo.training.step import discriminator_terms, generator_terms

RUN = (
    "run",
    "--batch-size",
    "4",
    "--set",
    "generator.ngf=8",
    "--set",
    "runtime.threads=1",
    "--steps",
    "3",
    "--gen",
    "dcgan",
)
SPEC = DataSpec(shape=(1, 8, 8))
STEPS = {"discriminator_loss": discriminator_terms, "generator_loss": generator_terms}


def changed(method, change):
    """Hinge whose value, or logits, go through ``change`` in one method."""

    class Changed(Hinge):
        pass

    def replaced(self, **logits):
        return change(getattr(Hinge, method)(self, **logits), logits)

    setattr(Changed, method, replaced)
    return Changed()


def in_place(value, logits):
    logits["fake"].detach().mul_(2)
    return value


@pytest.fixture
def players():
    torch.manual_seed(0)
    return ToyDiscriminator(), ToyGenerator()


@pytest.mark.parametrize("method", STEPS)
@pytest.mark.parametrize(
    ("change", "given"),
    [
        (lambda value, logits: value.expand(33), "a tensor of shape (33,)"),
        (lambda value, logits: value[None], "a tensor of shape (1,)"),
        (lambda value, logits: value.item(), "float"),
    ],
)
def test_a_loss_that_is_no_scalar_is_refused_by_name(players, method, change, given):
    names = {"loss": Named(words="loss mine of ganzoo-mine 1.0", command="ganzoo check ganzoo-mine/mine")}
    with pytest.raises(
        PluginError, match=f"loss mine of ganzoo-mine 1.0 does not return a scalar for {method}"
    ) as found:
        STEPS[method](make_game(*players, loss=changed(method, change), names=names), make_inputs())
    assert found.value.given == given
    assert "ganzoo check ganzoo-mine/mine" in found.value.hint


@pytest.mark.parametrize("passes", ["one", "two"])
@pytest.mark.parametrize("method", STEPS)
def test_a_loss_that_changes_logits_is_refused(players, method, passes):
    game = make_game(*players, loss=changed(method, in_place), passes=passes)
    with pytest.raises(PluginError, match=rf"loss Changed changes .*fake= in place in {method}"):
        STEPS[method](game, make_inputs())


def test_so_is_one_whose_diagnostics_change_them(players):
    class Diagnosing(Hinge):
        def diagnostics(self, *, real, fake):
            return {"real": real.clamp_(0, 1).mean()}

    game = make_game(*players, loss=Diagnosing())
    discriminator_terms(game, make_inputs())
    with pytest.raises(PluginError, match="in place in diagnostics"):
        discriminator_terms(game, make_inputs(), observe=True)


def test_every_map_counts(players):
    class TwoMaps(ToyDiscriminator):
        def forward(self, images, labels=None):
            logits = super().forward(images, labels).logits
            return DiscriminatorOutput(logits, extra_logits=(logits.mean((1, 2, 3)),))

    def of_vectors(value, logits):
        return value if logits["fake"].ndim > 1 else logits["fake"]

    game = make_game(TwoMaps(), players[1], loss=changed("generator_loss", of_vectors))
    with pytest.raises(PluginError, match="does not return a scalar for generator_loss"):
        generator_terms(game, make_inputs())


class Acting(Regularizer):
    def __init__(self, act):
        self.act = act

    def discriminator_terms(self, view):
        return {"term": self.act(view)}

    generator_terms = discriminator_terms


@pytest.mark.parametrize("terms_of", STEPS.values())
@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda view: view.fake_output.logits, "does not return a scalar for the {player}'s term 'term'"),
        (lambda view: view.real.mul_(0.5).mean(), "changes view.real in place in {player}_terms"),
        (lambda view: view.fake_labels.fill_(0).sum(), "changes view.fake_labels in place in {player}_terms"),
    ],
)
def test_regularizers_are_held_to_the_same(players, terms_of, act, message):
    part = WeightedRegularizer(name="acting", regularizer=Acting(act), weight=1.0)
    player = terms_of.__name__.partition("_")[0]
    with pytest.raises(PluginError) as found:
        terms_of(make_game(*players, regularizers=(part,)), make_inputs(labels=True))
    assert found.value.message == f"regularizer acting {message.format(player=player)}"


ONCE = {
    "hardsigmoid": functional.hardsigmoid,
    "cdist": lambda x: torch.cdist(x, x.detach().flip(0) + 1),
    "pdist": functional.pdist,
    "attention": lambda x: functional.scaled_dot_product_attention(*[x.view(-1, 1, 2, 8)] * 3),
    "encoder": nn.TransformerEncoderLayer(16, 2, 8, batch_first=True).eval().requires_grad_(False),
}
TWICE = {
    "relu6": lambda x: functional.relu6(x + 3) / 6,
    "distances": lambda x: (x[:, None] - x.detach().flip(0)[None]).square().sum(-1),
    "silu": functional.silu,
}


class Through(nn.Module):
    def __init__(self, operation):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.operation = nn.Linear(64, 16), operation

    def forward(self, images):
        hidden = self.first(images.flatten(1))
        done = self.operation(hidden[None] if isinstance(self.operation, nn.Module) else hidden)
        return done.square().sum() / len(images) + hidden.mean(1)


def terms(operation, **options):
    step = ganzoo.adversarial_step("hinge", Through(operation), spec=SPEC, **options)
    drawn = torch.randn(2, 6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return step.discriminator_terms(real=drawn[0], fake=drawn[1], update=0)


@pytest.mark.parametrize("operation", ONCE)
def test_a_critic_without_a_second_derivative_is_named_with_the_operation(operation):
    terms(ONCE[operation], regularizers=()).total().backward()
    with pytest.raises(
        PluginError, match="discriminator Through has no second derivative, which regularizer r1 of"
    ) as found:
        terms(ONCE[operation], regularizers="r1")
    assert "is not implemented" in found.value.given
    assert "scaled_dot_product_attention" in found.value.allowed


@pytest.mark.parametrize("operation", TWICE)
def test_what_is_advised_has_one(operation):
    terms(TWICE[operation], regularizers="r1").total().backward()


def test_attention_in_its_plain_form_has_one():
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        terms(ONCE["attention"], regularizers="r1").total().backward()


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    plugins = PluginFolder(tmp_path / "site-packages")
    plugins.install("wrong_parts")
    monkeypatch.syspath_prepend(str(plugins.path))
    monkeypatch.chdir(tmp_path)

    def call(*arguments, code):
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert done.exit_code == code, done.output
        return done.output

    return call


@pytest.mark.parametrize(
    ("fault", "message"),
    [("vector", "does not return a scalar for discriminator_loss"), ("in-place", "changes real= or fake= in place in")],
)
def test_a_run_stops_at_the_first_update(invoke, fault, message):
    said = invoke(*RUN, "--loss", "wrong-loss", "--set", f"loss.fault={fault}", code=4)
    assert f"loss wrong-loss of wrong-parts 1.0 {message}" in said
    assert "ganzoo check wrong-parts/wrong-loss" in said


def test_a_part_that_goes_wrong_later_leaves_the_last_whole_update(invoke, tmp_path):
    said = invoke(*RUN, "--loss", "wrong-loss", "--set", "loss.fault=vector", "--set", "loss.begins=2", code=4)
    (path,) = (tmp_path / "runs").glob("0001-*")
    assert f"ganzoo resume runs/{path.name}" in said
    assert [folder.name for folder in (path / "checkpoints").iterdir()] == ["step-0000002"]
    assert "does not return a scalar" in json.loads((path / "manifest.json").read_text())["fault"]
    invoke("resume", path, code=0)


@pytest.mark.parametrize("fault", ["hardsigmoid", "attention"])
def test_a_run_names_critic_and_regularizer(invoke, fault):
    said = invoke(*RUN, "--disc", "wrong-critic", "--set", f"discriminator.fault={fault}", "--reg", "r1", code=4)
    assert "discriminator wrong-critic of wrong-parts 1.0 has no second derivative, which regularizer r1 of" in said
    assert "ganzoo check wrong-parts/wrong-critic" in said


@pytest.mark.parametrize(
    ("fault", "given"),
    [
        ("log", "the output of module body.1 (Log) is the first that is not finite"),
        ("weights", "parameter weight of module body.2 (Conv2d) is the first that is not finite"),
        ("slope", "the gradient is not finite at body.0.weight, body.0.bias"),
    ],
)
def test_nan_at_the_first_update_is_traced_to_its_module(invoke, fault, given):
    said = invoke(*RUN, "--disc", "wrong-critic", "--set", f"discriminator.fault={fault}", code=5)
    assert given in said
    assert "ganzoo check wrong-parts/wrong-critic" in said
    assert "lower train" not in said
