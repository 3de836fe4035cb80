"""Checks of a network in a run: on another device, in other precision, on tensors without content."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode

from ganzoo.protocols import Network
from ganzoo.testing.check import Failed, check, demand
from ganzoo.testing.networks.gradients import slopes_of
from ganzoo.testing.networks.state import phase
from ganzoo.testing.networks.trial import in_short, trial
from ganzoo.testing.subject import Subject


@check(
    "device",
    Network,
    "Moved to another device it works there: whatever it makes is on the device of its input.",
    every_choice=True,
)
def moves_to_a_device(subject: Subject) -> None:
    """To torch's device without memory, which mixes with the CPU as little as a GPU does, after use on the CPU."""
    for training in (True, False):
        one = trial(subject)
        one.set_mode(training=training)
        with torch.no_grad():
            one.answers()
            network, given, labels = (part.to("meta") for part in (one.network, one.given, one.labels))
            try:
                answers = replace(one, network=network, given=given, labels=labels).answers()
            except Exception as error:
                raise Failed(f"moved to another device, in {phase(training)}, it raises {in_short(error)}") from error
        left = [name for name, value in answers.items() if not value.is_meta]
        demand(not left, f"moved to another device, in {phase(training)}, it leaves {', '.join(left)} on the CPU")


@check("inputs-unmodified", Network, "Its input is never changed in place.", every_choice=True)
def leaves_its_inputs(subject: Subject) -> None:
    """In both modes."""
    for training in (True, False):
        one = trial(subject)
        one.set_mode(training=training)
        kept = one.given.clone(), one.labels.clone()
        one.answers()
        what = "latents" if subject.kind == "generator" else "images"
        demand(torch.equal(one.given, kept[0]), f"it changes the {what} that it is given")
        demand(torch.equal(one.labels, kept[1]), "it changes the labels that it is given")
        demand(not one.given.requires_grad, f"it records gradients of the {what} that it is given")


@check("double", Network, "``double()`` makes all of it float64.", every_choice=True)
def works_in_double(subject: Subject) -> None:
    """All of it."""
    one = trial(subject).double()
    for training in (True, False):
        one.set_mode(training=training)
        with torch.no_grad():
            rounded = {name: value.dtype for name, value in one.answers().items() if value.dtype != torch.float64}
        demand(not rounded, f"in float64 {', '.join(rounded)} is {next(iter(rounded.values()), None)}")


@check("autocast", Network, "Under autocast to bfloat16 outputs and gradients stay finite.", every_choice=True)
def survives_autocast(subject: Subject) -> None:
    """Forward and backward."""
    one = trial(subject)
    for training in (True, False):
        one.set_mode(training=training)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            answers = one.answers()
        infinite = [name for name, value in answers.items() if not value.isfinite().all()]
        demand(not infinite, f"under autocast {', '.join(infinite)} is not finite")
        slopes = slopes_of(torch.stack([value.float().mean() for value in answers.values()]).sum(), one)
        finite = all(slope is None or slope.isfinite().all() for slope in slopes.values())
        demand(finite, "under autocast a gradient is not finite")


@check("no-host-sync", Network, "No value of a tensor is read, which would stall a GPU.", every_choice=True)
def reads_no_value(subject: Subject) -> None:
    """Tensors without content: whatever asks for a number raises."""
    one = trial(subject)
    for training in (True, False):
        one.set_mode(training=training)
        with _silence(), FakeTensorMode(allow_non_fake_inputs=True) as mode:
            hollow = replace(one, given=mode.from_tensor(one.given), labels=mode.from_tensor(one.labels))
            try:
                hollow.answers()
            except (DataDependentOutputException, DynamicOutputShapeException) as error:
                raise Failed(f"forward() reads a value or a shape that depends on one ({error})") from error


@contextmanager
def _silence() -> Iterator[None]:
    """Without torch's own log of what fails; it is a finding, and told as one."""
    log = logging.getLogger("torch._subclasses.fake_tensor")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)
