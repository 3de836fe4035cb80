"""The fast path is the plain loop: same draws, same cadence of spectral norm, float64, four steps, 1e-10.

The plain side knows nothing of ganzoo's step: its own hinge formula, torch's own Adam, separate passes, no frozen
network, no channels-last. Only the draws are ganzoo's, by the keys that a run uses.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from ganzoo.config.layers import ConfigLayer
from ganzoo.data import Batches
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.protocols import Generator
from ganzoo.registry import Registry
from ganzoo.runs.assembly import assemble
from ganzoo.seeds import generator_for
from ganzoo.training.loop import train

STEPS, BATCH_SIZE, SEED = 4, 6, 11
TOLERANCE = 1e-10
REGISTRY = Registry.load(plugins=False)


@pytest.fixture(autouse=True)
def _float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


class Float64Images:
    """A dataset whose images are not rounded to float32 on their way."""

    def __init__(self, dataset):
        self.dataset, self.spec, self.labels = dataset, dataset.spec, dataset.labels

    def __len__(self):
        return len(self.dataset)

    def read(self, index):
        return self.dataset.read(index).double() / 127.5 - 1


class PlainGenerator(Generator):
    """Without BatchNorm, so that micro-batches do not change what it makes."""

    def __init__(self, side):
        super().__init__()
        self.side = side
        self.layers = nn.Sequential(nn.Linear(7, 24), nn.LeakyReLU(0.2), nn.Linear(24, side * side), nn.Tanh())

    def latent(self, n, *, generator):
        return torch.randn(n, 7, generator=generator)

    def forward(self, z, labels=None):
        return self.layers(z).view(-1, 1, self.side, self.side)


def plan_of(*, toy_generator=False, **values):
    """A plan of tiny networks in float64; ``values`` are options of ``train``, or paths. ``None`` is left out."""
    settings = {
        "seed": SEED,
        "discriminator.ndf": 4,
        "discriminator.n_layers": 2,
        "generator.ngf": 2,
        "generator.latent": 5,
        "data.image_size": 16,
        "train.steps": STEPS,
        "train.batch_size": BATCH_SIZE,
        "train.log_every": 1,
        "runtime.device": "cpu",
        **{key if "." in key else f"train.{key}": value for key, value in values.items()},
    }
    given = {path: value for path, value in settings.items() if value is not None}
    plan = make_plan(choose(REGISTRY, [ConfigLayer("test", given)]))
    plan = replace(plan, dataset=Float64Images(plan.dataset))
    if toy_generator:
        torch.manual_seed(0)
        plan = replace(plan, generator=PlainGenerator(16))
    assert {parameter.dtype for parameter in plan.discriminator.parameters()} == {torch.float64}
    return plan


def run_ganzoo(plan):
    """Networks and losses of a run, on copies of the plan's networks."""
    plan = replace(plan, discriminator=copy.deepcopy(plan.discriminator), generator=copy.deepcopy(plan.generator))
    setup = assemble(plan)
    losses = [[float(report.scalars[f"{player}/total"]) for player in "dg"] for report in train(setup)]
    return setup, losses


def run_plain(plan, *, per_forward=False):
    """The same training, written out."""
    settings = plan.config.train
    generator, discriminator = copy.deepcopy(plan.generator).train(), copy.deepcopy(plan.discriminator).train()
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=settings.g_lr, betas=settings.g_betas)
    d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=settings.d_lr, betas=settings.d_betas)
    batches = Batches(plan.dataset, batch_size=BATCH_SIZE, seed=SEED)
    losses, d_step = [], 0
    for step in range(STEPS):
        for _ in range(settings.n_critic):
            fake = generator(generator.latent(BATCH_SIZE, generator=generator_for(SEED, d_step, "z/discriminator")))
            # torch iterates at every forward in training mode. Evaluation mode differs in nothing else here.
            discriminator.train()
            on_real = discriminator(batches.batch(d_step).data).logits
            discriminator.train(per_forward)
            on_fake = discriminator(fake.detach()).logits
            d_loss = torch.relu(1 - on_real).mean() + torch.relu(1 + on_fake).mean()
            d_optimizer.zero_grad()
            d_loss.backward()
            d_optimizer.step()
            d_step += 1
        fake = generator(generator.latent(BATCH_SIZE, generator=generator_for(SEED, step, "z/generator")))
        g_loss = -discriminator(fake).logits.mean()
        g_optimizer.zero_grad()
        g_loss.backward()
        g_optimizer.step()
        losses.append([d_loss.item(), g_loss.item()])
    return generator, discriminator, losses


def assert_equal_networks(found, expected, *, buffers=True):
    """Every parameter; and every buffer where the plain loop does to buffers what a run does."""
    wanted = {**dict(expected.named_parameters()), **(dict(expected.named_buffers()) if buffers else {})}
    have = {**dict(found.named_parameters()), **(dict(found.named_buffers()) if buffers else {})}
    assert have.keys() == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(have[name], value, atol=TOLERANCE, rtol=0, msg=lambda text, at=name: f"{at}: {text}")


@torch.no_grad()
def moved(before, after):
    """How far the parameter that moved most has moved."""
    pairs = zip(after.parameters(), before.parameters(), strict=True)
    return max(float((new - old).abs().max()) for new, old in pairs)


def assert_same_training(plan, *, per_forward=False):
    setup, losses = run_ganzoo(plan)
    generator, discriminator, expected = run_plain(plan, per_forward=per_forward)
    torch.testing.assert_close(torch.tensor(losses), torch.tensor(expected), atol=TOLERANCE, rtol=0)
    assert_equal_networks(setup.state.discriminator, discriminator)
    # The plain loop's fakes for the discriminator move BatchNorm's running statistics; training does not read them.
    assert_equal_networks(setup.state.generator, generator, buffers=False)
    assert min(moved(plan.discriminator, discriminator), moved(plan.generator, generator)) > 1e-3
    return setup


@pytest.mark.parametrize("passes", ["auto", "one", "two"])
def test_the_fast_path_is_the_plain_loop(passes):
    setup = assert_same_training(plan_of(passes=passes))
    assert setup.game.passes == ("one" if passes == "auto" else passes)


@pytest.mark.parametrize("passes", ["one", "two"])
def test_the_fast_path_in_two_micro_batches_is_the_plain_loop(passes):
    assert_same_training(plan_of(passes=passes, accumulate=2, toy_generator=True))


def test_torchs_own_cadence_is_the_plain_loop_that_never_leaves_training_mode():
    setup = assert_same_training(plan_of(spectral_norm="per-forward"), per_forward=True)
    assert setup.game.passes == "two"


def test_the_two_cadences_differ():
    _, per_update = run_ganzoo(plan_of())
    _, per_forward = run_ganzoo(plan_of(spectral_norm="per-forward"))
    assert abs(torch.tensor(per_update) - torch.tensor(per_forward)).max() > 1e-6


def test_several_discriminator_updates_per_generator_update():
    setup = assert_same_training(plan_of(n_critic=3))
    assert (setup.state.step, setup.state.d_step, setup.state.images) == (STEPS, 3 * STEPS, 3 * STEPS * BATCH_SIZE)


@pytest.mark.parametrize("accumulate", [2, 4, BATCH_SIZE])
@pytest.mark.parametrize(("loss", "regularizers"), [("hinge", []), ("wgan-gp", ["gradient-penalty"])])
def test_micro_batches_equal_one_batch(accumulate, loss, regularizers):
    options = {"loss.name": loss, "n_critic": 2, "toy_generator": True}
    whole, expected = run_ganzoo(plan_of(**options))
    assert [part.name for part in whole.game.regularizers] == regularizers
    setup, losses = run_ganzoo(plan_of(**options, accumulate=accumulate))
    torch.testing.assert_close(torch.tensor(losses), torch.tensor(expected), atol=TOLERANCE, rtol=0)
    assert_equal_networks(setup.state.discriminator, whole.state.discriminator)
    assert_equal_networks(setup.state.generator, whole.state.generator)
