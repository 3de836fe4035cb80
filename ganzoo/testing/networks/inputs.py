"""Checks of a network that is given something unusual: no labels, one sample, another order in memory."""

from __future__ import annotations

from dataclasses import replace

import torch

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec, Network
from ganzoo.testing.check import check, demand
from ganzoo.testing.networks.trial import first_taken, same, trial
from ganzoo.testing.subject import Subject


@check(
    "labels-missing",
    Network,
    "A network that carries ``accepts_labels`` and is conditional raises a ConfigError when it gets no labels.",
    every_choice=True,
)
def labels_are_asked_for(subject: Subject) -> None:
    """Missing ones are an error where they are used, and make no difference elsewhere."""
    one = trial(subject)
    one.set_mode(training=False)
    with torch.no_grad():
        if "accepts_labels" not in subject.tags:
            same(one.answers(), one.answers(labels=False), "without labels")
            return
        try:
            one.answers(labels=False)
        except ConfigError:
            return
    demand(False, "it is conditional, carries accepts_labels, and is silent when it gets no labels")


@check("batch-of-one", Network, "In evaluation a batch may be a single sample.", every_choice=True)
def one_sample_is_enough(subject: Subject) -> None:
    """The first alone is judged as in its batch, or at least judged."""
    one = trial(subject).double()
    one.set_mode(training=False)
    with torch.no_grad():
        alone = one.rows(slice(0, 1)).answers()
        first = {name: value[:1] for name, value in one.answers().items()}
    for name, value in first.items():
        shapes = tuple(alone[name].shape), tuple(value.shape)
        demand(shapes[0] == shapes[1], f"of a single sample {name} has the shape {shapes[0]} and not {shapes[1]}")
    if "batch_coupled_always" not in subject.tags:
        same(first, alone, "of a single sample", tolerance=1e-7)


def no_images(subject: Subject) -> str | None:
    """Vectors have no channels."""
    return None if trial(subject).is_of_images else "it takes vectors only"


@check(
    "channels-last", Network, "The memory format channels_last changes no number.", skip=no_images, every_choice=True
)
def channels_may_come_last(subject: Subject) -> None:
    """How numbers lie in memory is the runtime's choice."""
    one, other = trial(subject).double(), trial(subject).double()
    other.network.to(memory_format=torch.channels_last)
    if other.given.dim() == 4:
        other = replace(other, given=other.given.contiguous(memory_format=torch.channels_last))
    for each in (one, other):
        each.set_mode(training=False)
    with torch.no_grad():
        same(one.answers(), other.answers(), "with channels last")
        # In training it need only run: which values a dropout drops may follow their order in memory.
        other.set_mode(training=True)
        other.answers()


def wants_labels(subject: Subject) -> str | None:
    """It is never built without."""
    return "it carries the tag needs_labels" if "needs_labels" in subject.tags else None


@check("unconditional", Network, "Any other network makes no use of labels, and works without.", skip=wants_labels)
def works_without_classes(subject: Subject) -> None:
    """Where the plan does not make the networks conditional, with classes in the data and without."""
    spec = replace(first_taken(subject), conditional=False)
    for other in (spec, DataSpec(shape=spec.shape)):
        one = trial(subject, other)
        one.set_mode(training=False)
        with torch.no_grad():
            same(one.answers(labels=False), one.answers(), "unconditional, but with labels")
