"""A check of a loss that adapts."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ganzoo.protocols import StatefulLoss
from ganzoo.testing.check import check, demand
from ganzoo.testing.losses.objectives import both, logits, loss_of, objectives, same
from ganzoo.testing.subject import Subject


def without_state(subject: Subject) -> str | None:
    """Part of the protocol is all of it; but a module without buffers has a ``state_dict`` too, an empty one."""
    loss = loss_of(subject)
    adapts = hasattr(loss, "after_update") or (hasattr(loss, "state_dict") and loss.state_dict())
    return None if adapts else "it has no state"


@check(
    "state",
    StatefulLoss,
    "Its state changes in ``after_update`` only, and is part of every checkpoint.",
    skip=without_state,
)
def state_survives(subject: Subject) -> None:
    """What is learned is in ``state_dict``, and only updates teach."""
    loss, other = loss_of(subject), loss_of(subject)
    lacking = [name for name in ("after_update", "state_dict", "load_state_dict") if not hasattr(loss, name)]
    demand(not lacking, f"it has state and no {', '.join(lacking)}()")
    fresh = _copied(loss)
    objectives(loss, *logits(6))
    demand(_equal(fresh, _copied(loss)), "its state changes when it is asked for a value")
    teach(loss)
    learned = _copied(loss)
    demand(not _equal(fresh, learned), "after_update() leaves no trace in state_dict()")
    demand(_equal(fresh, _copied(other)), "after_update() of one changes the state of another")
    other.load_state_dict(loss.state_dict())
    demand(_equal(learned, _copied(other)), "load_state_dict() does not restore state_dict()")
    same(both(loss, *logits(6)), both(other, *logits(6)), "with the state loaded")
    teach(other)
    demand(_equal(learned, _copied(loss)), "a loss that a state was loaded into changes the one that it came from")
    teach(loss)
    demand(_equal(_copied(loss), _copied(other)), "after load_state_dict() it does not go on as the original does")


def teach(loss: StatefulLoss) -> None:
    """A few updates, as :func:`updates` has them."""
    for real, fake in updates():
        loss.after_update(real=real, fake=fake)


def updates() -> Iterator[tuple[Tensor, Tensor]]:
    """Both ways round: a balance that is held within bounds moves one way only."""
    low, high = (side.detach() * 0.1 - far for side, far in zip(logits(6), (4.0, 0.5), strict=True))
    yield from ((low, high), (high, low), (low, high))


def _copied(loss: StatefulLoss) -> dict[str, Tensor]:
    state = loss.state_dict()
    wrong = [name for name, value in state.items() if not isinstance(value, Tensor)]
    demand(not wrong, f"state_dict() holds no tensor as {', '.join(wrong)}")
    return {name: value.clone() for name, value in state.items()}


def _equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
