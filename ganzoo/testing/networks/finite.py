"""The check that a network gives finite numbers; without them nothing else can be asked of it."""

from __future__ import annotations

import torch

from ganzoo.protocols import Network
from ganzoo.testing.check import Failed, check
from ganzoo.testing.networks.state import phase
from ganzoo.testing.networks.trial import trial
from ganzoo.testing.subject import Subject
from ganzoo.training.non_finite import is_finite, watched


@check(
    "finite",
    Network,
    "As it is built, all that it gives is finite, in training and in evaluation.",
    every_choice=True,
)
def gives_finite_numbers(subject: Subject) -> None:
    """From finite data."""
    if found := _not_finite(subject):
        raise Failed(found)


def gives_nothing_finite(subject: Subject) -> str | None:
    """Why nothing else can be checked of a network: one check says so, and the others are skipped."""
    try:
        return "it gives numbers that are not finite" if _not_finite(subject) else None
    except Exception:
        return None  # the checks that are made for it say what is wrong


def _not_finite(subject: Subject) -> str | None:
    one = trial(subject)
    for training in (True, False):
        one.set_mode(training=training)
        with torch.no_grad():
            answers = one.answers()
            bad = ", ".join(name for name, value in answers.items() if not is_finite(value))
            if not bad:
                continue
            with watched({subject.kind: one.network}) as places:
                one.answers()
        first = f": {places[0]}" if places else ""
        return f"in {phase(training)}, as it is built, {bad} is not finite{first}"
    return None
