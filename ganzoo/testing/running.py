"""Runs checks, one by one, whatever they raise."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Collection, Sequence
from pathlib import Path
from textwrap import shorten

from ganzoo.did_you_mean import did_you_mean
from ganzoo.registry import one_line
from ganzoo.testing.check import Check, Failed, NotHere
from ganzoo.testing.isolation import isolated
from ganzoo.testing.report import CheckReport, Outcome
from ganzoo.testing.subject import Subject

EXPECTED_FAILURES = Check(
    name="expected-failures",
    run=lambda subject: None,
    cites="ganzoo.component:Component",
    sentence="expected_failures: name of a check that the component is known to fail → why it may.",
)

LONGEST = 300
"""How many characters of an exception are shown; torch's compiler writes pages."""

_OTHERS = {"torch", "ganzoo", "pydantic", "hypothesis", *sys.stdlib_module_names} - {"__main__"}
"""Packages whose lines an author would not look at."""


def report_on(
    subject: Subject,
    checks: Sequence[Check],
    *,
    at_least: int,
    only: Collection[str] = (),
    fail_fast: bool = False,
    notes: tuple[str, ...] = (),
) -> CheckReport:
    """Run every check that applies.

    Args:
        subject: the component.
        checks: those of its kind.
        at_least: how many must apply; of a part of the checks nothing is asked.
        only: names of the checks to run; all of them if empty.
        fail_fast: stop after the first that fails.
        notes: what the report says beside the outcomes.
    """
    outcomes: list[Outcome] = []
    for check in (check for check in checks if not only or check.name in only):
        outcomes.append(outcome(check, subject))
        if fail_fast and not outcomes[-1].ok:
            break
    # What this machine lacks is no shortage of the component, and the report names it.
    elsewhere = sum(isinstance(one.detail, NotHere) for one in outcomes)
    stopped = fail_fast and not all(one.ok for one in outcomes)
    if not only and not stopped:
        outcomes += [Outcome.of(EXPECTED_FAILURES, "failed", fault) for fault in misplaced(subject, checks)]
    return CheckReport(
        component=subject.name,
        kind=subject.kind,
        outcomes=tuple(outcomes),
        at_least=0 if only or stopped else at_least - elsewhere,
        notes=notes,
    )


def misplaced(subject: Subject, checks: Sequence[Check]) -> list[str]:
    """The checks that are expected to fail and are none, or do not apply."""
    by_name, faults = {check.name: check for check in checks}, []
    for name in subject.expected_failures:
        if name not in by_name:
            faults.append(f"there is no check {name!r}{did_you_mean(name, by_name)}")
        elif (reason := why_skipped(by_name[name], subject)) and not isinstance(reason, NotHere):
            faults.append(f"{name} is expected to fail, and does not apply: {reason}")
    return faults


def outcome(check: Check, subject: Subject) -> Outcome:
    """What comes of one check."""
    return outcome_with_cause(check, subject)[0]


def outcome_with_cause(check: Check, subject: Subject) -> tuple[Outcome, BaseException | None]:
    """What comes of one check, and what was raised in it."""
    if reason := why_skipped(check, subject):
        return Outcome.of(check, "skipped", reason), None
    expected = subject.expected_failures.get(check.name)
    finding = failure(check, subject)
    if finding is None:
        if expected is None:
            return Outcome.of(check, "passed"), None
        return Outcome.of(check, "unexpected pass", f"it was expected to fail ({expected}), and does not"), None
    if expected is None:
        return Outcome.of(check, "failed", str(finding)), finding.__cause__
    return Outcome.of(check, "expected failure", f"{expected} ({finding})"), finding.__cause__


def why_skipped(check: Check, subject: Subject) -> str | None:
    """Why the check does not apply; ``None`` also where that cannot be told, for then it is to run and to fail."""
    try:
        with isolated():
            return check.skip(subject)
    except KeyboardInterrupt:
        raise
    except BaseException:  # sys.exit() in a component is no reason to skip
        return None


def failure(check: Check, subject: Subject) -> Failed | None:
    """What the check finds, at the first choice of the options that it applies to and does not hold for.

    Whatever was raised is the cause of what is returned.
    """
    choice = subject
    try:
        with isolated():
            choices = subject.choices() if check.every_choice else (subject,)
        for choice in choices:
            if choice is subject or why_skipped(check, choice) is None:
                with isolated():
                    check.run(choice)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() in a component is a finding too
        return _finding(error, where="" if choice is subject else subject.difference(choice))
    return None


def _finding(error: BaseException, *, where: str) -> Failed:
    if isinstance(error, Failed):
        what = f"{error}{_place(error.__cause__)}"
    else:
        what = f"{shorten(one_line(error), LONGEST, placeholder=' …')}{_place(error)}"
    finding = Failed(f"with {where}: {what}" if where else what)
    finding.__cause__ = error
    return finding


def _place(error: BaseException | None) -> str:
    """The last line of the author's own that led to it."""
    if error is None:
        return ""
    lines = [
        f" ({Path(frame.f_code.co_filename).name}, line {line})"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__")).partition(".")[0] not in _OTHERS
    ]
    return lines[-1] if lines else ""
