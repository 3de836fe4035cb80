"""Checks of an augmentation over several updates: what it shows, and what it keeps."""

from __future__ import annotations

import pickle

import torch
from torch import Tensor

from ganzoo.protocols import Augmentation, DataSpec
from ganzoo.testing.augmentations.situations import augmentation_of, batch, drawn, situations, teach, usable
from ganzoo.testing.check import check, demand
from ganzoo.testing.subject import Subject


@check("observed", Augmentation.observed, "Scalars to be logged, such as the present probability.", every_choice=True)
def shows_scalars(subject: Subject) -> None:
    """Plain numbers for the log."""
    for where, part, _ in situations(subject):
        for name, value in part.observed().items():
            demand(isinstance(value, Tensor), f"{where} observed() gives {name} as {type(value).__name__}, no tensor")
            demand(value.shape == (), f"{where} observed() gives {name} of shape {tuple(value.shape)}")
            demand(not value.requires_grad, f"{where} observed() gives {name} with a graph behind it")
            demand(value.isfinite(), f"{where} observed() gives {name} = {value.item():g}")


@check("state-at-rest", Augmentation, "State changes in :meth:`after_update` only.", every_choice=True)
def state_changes_in_updates_only(subject: Subject) -> None:
    """Not by drawing, applying or showing: micro-batches and penalties call these any number of times."""
    for where, part, spec in situations(subject):
        fresh, shown = _copied(part.state_dict()), _copied(part.observed())
        for seed in range(3):
            part(batch(spec), drawn(part, 6, seed=seed))
            part.observed()
        demand(_equal(fresh, part.state_dict()), f"{where} its state changes when it is used")
        demand(_equal(shown, part.observed()), f"{where} observed() changes when it is used")


@check(
    "state",
    Augmentation,
    "Everything that changes is in the state: a restored augmentation continues exactly as the saved one would.",
    every_choice=True,
)
def state_survives(subject: Subject) -> None:
    """Saved between two changes of what adapts, and followed for some updates."""
    for spec in usable(subject):
        part, restored = augmentation_of(subject, spec), augmentation_of(subject, spec, seed=1)
        teach(part, 1.0, updates=6)
        state = part.state_dict()
        for name, value in state.items():
            demand(isinstance(value, Tensor), f"state_dict() holds {name} as {type(value).__name__}, not as a tensor")
        restored.load_state_dict(_copied(state))
        demand(_equal(part.state_dict(), restored.state_dict()), "load_state_dict() does not restore state_dict()")
        _demand_alike(part, restored, spec, "restored from state_dict()")
        for one in (part, restored):
            teach(one, -1.0, updates=3)
        _demand_alike(part, restored, spec, "restored from state_dict(), three updates later,")


@check("pickle", Augmentation, "It can be pickled.", every_choice=True)
def can_be_pickled(subject: Subject) -> None:
    """With what it has learned so far."""
    for where, part, spec in situations(subject):
        _demand_alike(part, pickle.loads(pickle.dumps(part)), spec, f"{where} after pickling")  # noqa: S301  # what was pickled here a moment ago


def _demand_alike(one: Augmentation, other: Augmentation, spec: DataSpec, what: str) -> None:
    images, draws = batch(spec, 64), drawn(one, 64)
    demand(torch.equal(draws, drawn(other, 64)), f"{what} it draws other numbers")
    demand(torch.equal(one(images, draws), other(images, draws)), f"{what} the same draws give other images")
    demand(_equal(one.observed(), other.observed()), f"{what} observed() is not the same")


def _copied(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in state.items()}


def _equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@check("no-host-sync", Augmentation, "No value on the device is read, which would stall a GPU.", every_choice=True)
def reads_no_value(subject: Subject) -> None:
    """On tensors without content, draws included: whatever asks for a number raises."""
    for spec in usable(subject):
        part = augmentation_of(subject, spec)
        for _ in range(2):
            images, draws = batch(spec).to("meta"), drawn(part, 6).to("meta")
            try:
                part(images, draws)
                part.after_update(real=torch.zeros(6, 1, 2, 2, device="meta"))
                part.observed()
            except (RuntimeError, NotImplementedError, TypeError) as error:
                demand(False, f"on device 'meta', where nothing can be read or mixed: {error}")
