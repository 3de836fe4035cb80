"""Checks survive what components do, and leave the process as it was."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import warnings
from enum import Enum
from typing import Annotated, Literal

import numpy as np
import pytest
import torch
from kit.faulty_losses import FAULTS, Sound
from pydantic import Field

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.testing import check_loss
from ganzoo.testing.check import Check, demand
from ganzoo.testing.losses.checks import LOSSES
from ganzoo.testing.running import failure, outcome, report_on, why_skipped
from ganzoo.testing.subject import subject_of


class Leaves(Options):
    """Ends the process."""

    def build(self, spec):
        sys.exit(3)


class Talks(Sound):
    """Prints what it does."""

    def generator_loss(self, *, fake):
        print("G was asked")
        return super().generator_loss(fake=fake)


class Warns(Sound):
    """Warns at every call."""

    def generator_loss(self, *, fake):
        warnings.warn("this loss is old", stacklevel=1)
        return super().generator_loss(fake=fake)


class Meddles(Sound):
    """Sets everything that it should leave alone."""

    def build(self, spec):
        torch.manual_seed(1)
        random.seed(1)
        np.random.seed(1)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("medium")
        torch.set_num_threads(torch.get_num_threads() + 1)
        torch.autograd.set_detect_anomaly(True)
        warnings.simplefilter("ignore")
        sys.stdout = sys.__stderr__
        return self


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("not even this")


def check(run, **details):
    return Check(name="one", run=run, cites="module:Name", sentence="A sentence.", **details)


def raising(error):
    def run(subject):
        raise error

    return check(run)


def state_of_the_process():
    return (
        torch.get_rng_state().tolist(),
        random.getstate(),
        repr(np.random.get_state()[1:]),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.deterministic,
        torch.backends.cudnn.benchmark,
        torch.get_float32_matmul_precision(),
        torch.get_num_threads(),
        torch.is_anomaly_enabled(),
        list(warnings.filters),
        warnings.showwarning,
        sys.stdout,
        dict(os.environ),
    )


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (GeneratorExit(), "GeneratorExit"),
        (ZeroDivisionError("division\nby zero"), "ZeroDivisionError: division by zero"),
        (Unprintable(), "Unprintable"),
    ],
)
def test_whatever_is_raised_is_a_finding(error, shown):
    found = outcome(raising(error), subject_of("loss", Sound))
    assert found.status == "failed"
    assert found.detail.startswith(shown)
    assert "(test_running.py, line " in found.detail


def test_interrupt_ends_it():
    with pytest.raises(KeyboardInterrupt):
        outcome(raising(KeyboardInterrupt()), subject_of("loss", Sound))


def test_component_that_ends_the_process_is_survived():
    report = check_loss(Leaves)
    assert not report.ok
    by_name = {one.check: one for one in report.outcomes}
    assert by_name["finite"].detail.startswith("SystemExit: 3")
    # What cannot be asked whether a check applies to it is not let off.
    assert by_name["equilibrium"].status == by_name["state"].status == "failed"


def test_reason_to_skip_is_asked_before_anything_runs():
    ran = []
    skipped = check(ran.append, skip=lambda subject: "it does not apply")
    assert outcome(skipped, subject_of("loss", Sound)).status == "skipped"
    assert ran == []


def test_check_is_run_for_each_choice_that_it_applies_to():
    from ganzoo_losses.f_gan import FGan

    def refuse(subject):
        demand(subject.chosen.divergence != "pearson", "no")

    assert str(failure(check(refuse, every_choice=True), subject_of("loss", FGan))) == "with divergence='pearson': no"
    assert failure(check(refuse), subject_of("loss", FGan)) is None

    def not_for_pearson(subject):
        return "it is Pearson's" if subject.chosen.divergence == "pearson" else None

    assert failure(check(refuse, every_choice=True, skip=not_for_pearson), subject_of("loss", FGan)) is None


class Shade(Enum):
    LIGHT = "light"
    DARK = "dark"


class Choices(Options):
    """An option of each type that leaves a choice among few, and some that do not."""

    shade: Shade = Field(default=Shade.LIGHT, description="")
    reduction: Literal["mean", "sum"] | None = Field(default="mean", description="")
    switch: bool | None = Field(default=None, description="")
    noted: Annotated[Literal[1, 2], "a note"] = Field(default=1, description="")
    width: Literal["auto"] | int = Field(default=3, description="")
    factor: float | None = Field(default=1.0, description="")


def test_every_choice_among_few_is_made():
    subject = subject_of("loss", Choices)
    first, *others = subject.choices()
    assert first is subject
    assert [subject.difference(other) for other in others] == [
        f"shade={Shade.DARK!r}",
        "reduction='sum'",
        "reduction=None",
        "switch=False",
        "switch=True",
        "noted=2",
        "width='auto'",
    ]


class Factor(Sound):
    """A loss with an option that must be given."""

    factor: float = Field(description="a factor")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("hinge", ["what is checked of a loss is its options", "given:   'hinge'", "next:    ganzoo check hinge"]),
        (torch.nn.Linear(1, 1), ["given:   Linear(", "an instance of one"]),
        (Sound.generator_loss, ["given:   <function Sound.generator_loss", "a class of ganzoo.component.Options"]),
        (torch.nn.Linear, ["given:   <class 'torch.nn.modules.linear.Linear'>"]),
        (Factor, ["Factor.factor", "check an instance with these options given: Factor(…)"]),
    ],
    ids=["name", "module", "method", "class of another kind", "class with a required option"],
)
def test_what_is_no_options_is_refused_in_words(options, told):
    with pytest.raises(ConfigError) as raised:
        check_loss(options)
    assert [text for text in told if text not in str(raised.value)] == [], str(raised.value)


def test_prints_do_not_reach_stdout(capsys):
    report = check_loss(Talks)
    assert {one.check for one in report.outcomes if not one.ok} <= {"compile"}
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "G was asked" in shown.err


def test_warnings_decide_nothing():
    """Though warnings are errors here."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("error")
        report = check_loss(Warns)
    assert {one.check for one in report.outcomes if not one.ok} <= {"compile"}
    assert {str(one.message) for one in seen} == {"this loss is old"}


@pytest.mark.parametrize("options", [Sound, Meddles, Leaves])
def test_process_is_as_it_was(options):
    torch.manual_seed(5)
    before = state_of_the_process()
    check_loss(options)
    assert state_of_the_process() == before


def test_settings_of_the_process_do_not_change_the_verdict():
    with torch.inference_mode(), contextlib.ExitStack() as stack:
        stack.callback(torch.set_default_dtype, torch.get_default_dtype())
        torch.set_default_dtype(torch.float64)
        report = check_loss(Sound)
        assert torch.get_default_dtype() == torch.float64
        assert torch.is_inference_mode_enabled()
    assert report.ok, str(report)


def test_meddling_of_one_check_does_not_reach_the_next():
    seen = []
    meddling = check(lambda subject: subject.build(None))
    looking = check(lambda subject: seen.append((torch.get_default_dtype(), torch.is_grad_enabled(), torch.rand(1))))
    subject = subject_of("loss", Meddles)
    report_on(subject, [looking, meddling, looking], at_least=0)
    assert seen[0] == seen[1] == (torch.float32, True, seen[0][2])


@pytest.mark.parametrize("name", ["Sound", "ScaledByItem", "RandomSmoothing"])
def test_order_of_checks_does_not_matter(name):
    options = Sound if name == "Sound" else FAULTS[name][0]
    checks = [one for one in LOSSES.checks if one.name != "options-round-trip"]
    forward = report_on(subject_of("loss", options), checks, at_least=0).outcomes
    backward = report_on(subject_of("loss", options), checks[::-1], at_least=0).outcomes
    assert forward == backward[::-1]


def test_why_skipped_is_none_where_it_cannot_be_told():
    def skip(subject):
        raise SystemExit

    assert why_skipped(check(lambda subject: None, skip=skip), subject_of("loss", Sound)) is None
