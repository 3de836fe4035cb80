"""Checks of a loss in a run: in other precision, compiled, on another device, in another process."""

from __future__ import annotations

import pickle
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode

from ganzoo.protocols import Loss, StatefulLoss
from ganzoo.testing.check import Failed, check, demand
from ganzoo.testing.losses.objectives import SPEC, both, logits, loss_of, objectives, of_generator, same, shown
from ganzoo.testing.losses.state import teach
from ganzoo.testing.random_numbers import random_numbers_untouched
from ganzoo.testing.subject import Subject


@check("autocast", Loss, "Inside autocast, float32 logits give the value that they give outside.", every_choice=True)
def survives_autocast(subject: Subject) -> None:
    """Only the networks are to be rounded to bfloat16."""
    loss = loss_of(subject)
    real, fake = logits(64, dtype=torch.float32)
    expected = both(loss, real, fake)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        values = objectives(loss, real, fake)
    for player, value in zip("DG", values, strict=True):
        demand(value.dtype == torch.float32, f"under autocast {player}'s value is {value.dtype}")
    same(expected, torch.stack(values), "under autocast", tolerance=1e-5)


@check("compile", Loss, "``torch.compile`` makes one graph of it.")
def compiles_in_one_graph(subject: Subject) -> None:
    """A break in the graph costs what compiling gains."""
    loss = loss_of(subject)
    torch.compiler.reset()
    compiled = torch.compile(lambda real, fake: both(loss, real, fake), fullgraph=True, backend="eager")
    real, fake = logits(6)
    same(both(loss, real, fake), compiled(real, fake), "compiled")


@check("no-host-sync", Loss, "No value of a tensor is read, which would stall a GPU.", every_choice=True)
def reads_no_value(subject: Subject) -> None:
    """Tensors without content: whatever asks for a number raises."""
    loss = loss_of(subject)
    try:
        with FakeTensorMode(allow_non_fake_inputs=True):
            _use(loss, *(torch.zeros(6, requires_grad=True) for _ in range(2)))
    except (DataDependentOutputException, DynamicOutputShapeException) as error:
        raise Failed("it asks a tensor for its value, as item(), float(), if and masks do") from error


@check("device", Loss, "Whatever it makes is on the device of the logits.", every_choice=True)
def stays_on_the_device(subject: Subject) -> None:
    """On torch's device without memory, which mixes with the CPU as little as a GPU does."""
    loss = loss_of(subject)
    d, g = _use(loss, *(torch.zeros(6, device="meta", requires_grad=True) for _ in range(2)))
    demand(d.is_meta and g.is_meta, f"for logits on another device D's value is on {d.device}, G's on {g.device}")


def _use(loss: Any, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """All that a step of the training does with it."""
    d, g = objectives(loss, real, fake)
    torch.autograd.grad(d + g, [real, fake], allow_unused=True)
    if isinstance(loss, StatefulLoss):
        loss.after_update(real=real.detach(), fake=fake.detach())
    return d, g


@check("deterministic", Loss, "The same logits give the same value, and no random number is drawn.", every_choice=True)
def is_deterministic(subject: Subject) -> None:
    """The same again, from the same loss and from another one, whatever was asked in between, and nothing drawn."""
    real, fake = logits(6)
    loss, other = loss_of(subject), subject.build(SPEC, seed=1)
    with random_numbers_untouched():
        first, again = both(loss, real, fake), both(loss, real, fake)
    demand(torch.equal(first, again), f"called twice it gives {shown(first)} and then {shown(again)}")
    objectives(other, *logits(6, seed=1))
    g = of_generator(other, real, fake)
    demand(torch.equal(first[1], g), f"G is {shown(g)} instead of {shown(first[1])} after D was asked of other logits")
    again = both(other, real, fake)
    demand(torch.equal(first, again), f"built with another seed it gives {shown(again)} instead of {shown(first)}")


@check("pickle", Loss, "It can be pickled.", every_choice=True)
def can_be_pickled(subject: Subject) -> None:
    """With what it has learned so far."""
    loss = loss_of(subject)
    if isinstance(loss, StatefulLoss):
        teach(loss)
    real, fake = logits(6)
    again = pickle.loads(pickle.dumps(loss))  # noqa: S301  # what was pickled here a moment ago
    same(both(loss, real, fake), both(again, real, fake), "after pickling")
