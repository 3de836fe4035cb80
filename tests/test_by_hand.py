"""The loops that ``ganzoo bench`` compares with compute what ganzoo's step computes: same draws, float64, 1e-10."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from test_equality import SEED, STEPS, TOLERANCE, _float64, assert_equal_networks, moved, plan_of, run_ganzoo  # noqa: F401

from ganzoo.benchmarking.hand import HandLoop
from ganzoo.benchmarking.plain import PlainLoop
from ganzoo.seeds import generator_for
from ganzoo.training import winograd


class Keyed:
    """The draws of a run: a generator for each (update, role), which micro-batches share."""

    def __init__(self):
        self.begun = {}

    def __call__(self, update, role):
        if (update, role) not in self.begun:
            self.begun[update, role] = generator_for(SEED, update, role)
        return self.begun[update, role]


def run_by_hand(kind, plan, **options):
    plan = replace(plan, discriminator=copy.deepcopy(plan.discriminator), generator=copy.deepcopy(plan.generator))
    loop = kind(plan, draw=Keyed(), **options)
    read = []
    for _ in range(STEPS):
        loop.step()
        read.append([loop.read[player] for player in ("discriminator", "generator")] if kind is PlainLoop else None)
    return loop.state, read


CONFIGURATIONS = {
    "default": {},
    "micro-batches": {"accumulate": 2, "toy_generator": True},
    "penalty": {"loss.name": "wgan-gp", "n_critic": 2},
    "lazy penalties and real data in G's step": {
        "loss.name": "relativistic",
        "regularizers.r1.every": 2,
        "regularizers.r2.weight": 3,
    },
    "BatchNorm": {"discriminator.name": "patchgan", "discriminator.norm": "batch"},
    "classes": {"discriminator.name": "projection", "discriminator.n_layers": None},
    "an augmentation": {"augment.diffaugment.policy": ["translation"]},
    "an adapting augmentation": {"augment.ada.groups": ["blit"], "regularizers.lecam.weight": 0.3},
    "clipping": {"clip_grad_norm": 0.1, "optimizer": "adamw"},
    "another optimizer": {"optimizer": "rmsprop", "loss.name": "wgan"},
    "momentum": {"optimizer": "sgd"},
    "a half-life": {"ema_half_life": 30},
    "shared fakes": {"fakes": "shared", "n_critic": 2},
    "shared fakes of classes": {"fakes": "shared", "discriminator.name": "projection", "discriminator.n_layers": None},
}


def configured(name, **more):
    return plan_of(**CONFIGURATIONS[name], **more)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_careful_loop_trains_the_same_weights(name):
    plan = configured(name)
    setup, _ = run_ganzoo(plan)
    state, _ = run_by_hand(HandLoop, plan)
    assert_equal_networks(state.discriminator, setup.state.discriminator)
    # Its fakes for the discriminator move BatchNorm's running statistics; training does not read them.
    assert_equal_networks(state.generator, setup.state.generator, buffers=False)
    assert_equal_networks(state.ema, setup.state.ema, buffers=False)
    assert (state.step, state.d_step) == (setup.state.step, setup.state.d_step)
    assert min(moved(plan.discriminator, state.discriminator), moved(plan.generator, state.generator)) > 1e-4


@pytest.mark.parametrize("name", [name for name in CONFIGURATIONS if name != "micro-batches"])
def test_the_plain_loop_trains_the_same_weights_where_spectral_norm_moves_as_in_torch(name):
    plan = configured(name, spectral_norm="per-forward")
    setup, losses = run_ganzoo(plan)
    state, read = run_by_hand(PlainLoop, plan)
    torch.testing.assert_close(torch.tensor(read), torch.tensor(losses), atol=TOLERANCE, rtol=0)
    assert_equal_networks(state.discriminator, setup.state.discriminator, buffers=False)
    assert_equal_networks(state.generator, setup.state.generator, buffers=False)
    assert state.ema is None


@pytest.mark.parametrize("name", ["default", "lazy penalties and real data in G's step", "shared fakes"])
def test_fewer_products_train_the_same_weights(name, monkeypatch):
    """As torch's convolutions in the plain loop, with penalties whose gradients are differentiated once more."""
    made = []

    def noted(*given):
        made.append(len(given[0]))
        return convolution(*given)

    convolution = winograd.convolution
    monkeypatch.setattr(winograd, "convolution", noted)
    monkeypatch.setattr(winograd, "WORTH", -(10**9))
    plan = configured(name, spectral_norm="per-forward")
    setup, losses = run_ganzoo(plan)
    count = len(made)
    state, read = run_by_hand(PlainLoop, plan)
    assert 0 < count == len(made)
    torch.testing.assert_close(torch.tensor(read), torch.tensor(losses), atol=TOLERANCE, rtol=0)
    assert_equal_networks(state.discriminator, setup.state.discriminator, buffers=False)
    assert_equal_networks(state.generator, setup.state.generator, buffers=False)


def test_at_each_of_its_forwards_the_plain_loop_sees_other_spectral_norms():
    plan = configured("default")
    setup, _ = run_ganzoo(plan)
    state, _ = run_by_hand(PlainLoop, plan)
    assert moved(setup.state.discriminator, state.discriminator) > 1e-6


def test_fakes_that_serve_both_players_are_another_algorithm():
    plan = configured("default", spectral_norm="per-forward")
    state, _ = run_by_hand(PlainLoop, plan, reuse_fakes=True)
    other, _ = run_by_hand(PlainLoop, plan)
    assert moved(other.generator, state.generator) > 1e-6


def test_the_plain_loop_of_a_run_that_shares_its_fakes_is_the_one_that_reuses_them():
    plan = configured("shared fakes", spectral_norm="per-forward")
    (shared, _), (reused, _) = run_by_hand(PlainLoop, plan), run_by_hand(PlainLoop, plan, reuse_fakes=True)
    assert_equal_networks(shared.generator, reused.generator)
    assert_equal_networks(shared.discriminator, reused.discriminator)


def test_fakes_that_serve_both_players_are_judged_under_the_classes_they_were_made_for():
    plan = configured("classes")
    made, judged = [], []
    plan.generator.register_forward_pre_hook(lambda _, given: made.append(given[1]))
    plan.discriminator.register_forward_pre_hook(lambda _, given: judged.append(given[1]))
    PlainLoop(plan, reuse_fakes=True).step()
    assert torch.equal(judged[-1], made[-1])  # the last judged are those of the generator's update


def forwards(plan, kind, **options):
    """Whether gradients were enabled in each forward pass of one step."""
    calls = {"discriminator": [], "generator": []}
    for name, seen in calls.items():
        getattr(plan, name).register_forward_hook(lambda *_, seen=seen: seen.append(torch.is_grad_enabled()))
    loop = kind(plan, **options)
    loop.step()
    return loop, calls


def test_the_careful_loop_builds_the_graph_of_fakes_once_where_they_are_shared():
    _, calls = forwards(configured("shared fakes"), HandLoop)
    assert calls == {"discriminator": [True] * 3, "generator": [False, True]}


@pytest.mark.parametrize("reuse_fakes", [False, True])
def test_the_plain_loop_does_for_nothing_what_it_says(reuse_fakes):
    loop, calls = forwards(configured("default"), PlainLoop, reuse_fakes=reuse_fakes)
    assert calls == {"discriminator": [True] * 3, "generator": [True] * (1 if reuse_fakes else 2)}
    # Not frozen in the generator's step: its gradients are there, for nothing.
    assert all(parameter.grad is not None for parameter in loop.discriminator.parameters())
    assert not loop.d_optimizer.defaults["fused"]
    assert all(one.is_contiguous() for one in loop.discriminator.parameters())


def test_the_careful_loop_does_nothing_for_nothing():
    loop, calls = forwards(configured("default"), HandLoop)
    assert calls == {"discriminator": [True] * 2, "generator": [False, True]}
    assert loop.d_optimizer.defaults["fused"]
    assert all(parameter.requires_grad for parameter in loop.discriminator.parameters())
