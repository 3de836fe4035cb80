"""Checks of what a network is made of: its mode, its state, copies of it, and the seed it comes from."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import Tensor, nn

from ganzoo.protocols import Network
from ganzoo.testing.check import check, demand
from ganzoo.testing.networks.trial import difference, first_taken, same, shake, trial
from ganzoo.testing.random_numbers import random_numbers_untouched
from ganzoo.testing.subject import Subject
from ganzoo.training import spectral


@check(
    "deterministic",
    Network,
    "In evaluation the same input gives the same output, no random number is drawn, and nothing in ``state_dict()`` "
    "changes.",
    every_choice=True,
)
def is_deterministic(subject: Subject) -> None:
    """In evaluation."""
    one = trial(subject)
    shake(one.network)
    one.set_mode(training=False)
    before = {name: value.clone() for name, value in one.network.state_dict().items() if isinstance(value, Tensor)}
    with torch.no_grad(), random_numbers_untouched("in evaluation it"):
        first = one.answers()
        second = one.answers()
    same(first, second, "called twice in evaluation", tolerance=1e-6)
    changed = difference(before, one.network.state_dict())
    demand(not changed, f"in evaluation it changes {', '.join(changed)}")


@check("mode", Network, "Only ``train()`` and ``eval()``, called from outside, change the mode.", every_choice=True)
def keeps_its_mode(subject: Subject) -> None:
    """In both modes, with gradients and without."""
    one = trial(subject)
    for training in (True, False):
        one.set_mode(training=training)
        before = _modes(one.network)
        for recorded in (True, False):
            with torch.set_grad_enabled(recorded):
                one.answers()
            demand(_modes(one.network) == before, f"in {phase(training)} forward() changes the mode")


def _modes(network: nn.Module) -> list[bool]:
    return [module.training for module in network.modules()]


def phase(training: bool) -> str:
    """The mode in words."""
    return "training" if training else "evaluation"


@check(
    "state",
    Network,
    "All that it learns, and all else that changes in training, is in ``state_dict()``, as tensors: a network from "
    "another seed that loads it is then the same.",
    every_choice=True,
)
def state_is_all(subject: Subject) -> None:
    """A network that has been trained, and another that loads its state."""
    one = trial(subject)
    other = trial(subject, seed=1)
    shake(one.network)
    one.network.train()
    with torch.no_grad():
        for scale in (1.0, 0.5, -1.0):
            one.answers(one.given * scale)
    state = one.network.state_dict()
    strange = [name for name, value in state.items() if not isinstance(value, Tensor)]
    demand(not strange, f"state_dict() holds what is no tensor: {', '.join(strange)}")
    other.network.load_state_dict({name: value.clone() for name, value in state.items()})
    for training in (False, True):
        answers = []
        for network in (one.network, other.network):
            network.train(training)
            torch.manual_seed(0)
            with torch.no_grad():
                answers.append(replace(one, network=network).answers())
        same(answers[0], answers[1], f"with the state of a trained network loaded, in {phase(training)}")


@check("copy", Network, "It can be copied by ``copy.deepcopy``.")
def can_be_copied(subject: Subject) -> None:
    """As the average of a generator's weights is kept in a copy."""
    one = trial(subject)
    again = replace(one, network=copy.deepcopy(one.network))
    for each in (one, again):
        each.set_mode(training=False)
    with torch.no_grad():
        before = one.answers()
        same(before, again.answers(), "copied", tolerance=1e-6)
        shake(again.network, scale=1.0)
        same(before, one.answers(), "after its copy's parameters have moved", tolerance=1e-6)


@check("seed", Network, "The same seed gives the same weights, and another seed gives others.", every_choice=True)
def depends_on_the_seed(subject: Subject) -> None:
    """And on nothing else."""
    spec = first_taken(subject)
    one, two, other = (subject.build(spec, seed=seed).state_dict() for seed in (0, 0, 1))
    differing = difference(one, two)
    demand(not differing, f"built twice from one seed it differs in {', '.join(differing)}")
    demand(not one or difference(one, other), "built from two seeds it is the same: its weights ignore the seed")


@check("meta-device", Network, "Built on the meta device it has the same shapes.")
def builds_on_meta(subject: Subject) -> None:
    """Its size can be told without memory for it."""
    spec = first_taken(subject)
    real = subject.build(spec).state_dict()
    with spectral.on_meta():
        counted = subject.build(spec).state_dict()
    shapes = ({name: tuple(value.shape) for name, value in state.items()} for state in (real, counted))
    demand(len({str(sorted(one.items())) for one in shapes}) == 1, "on the meta device it has other shapes")
