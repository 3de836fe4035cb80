"""Checks of how a tracker follows a run."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Mapping
from pathlib import Path

from ganzoo.component import TrackerOptions
from ganzoo.protocols import TrackedRun, Tracker
from ganzoo.testing.check import check, demand
from ganzoo.testing.random_numbers import random_numbers_untouched
from ganzoo.testing.subject import Subject
from ganzoo.testing.trackers.made_up_run import EVERY, Followed, new_run
from ganzoo.testing.written_files import files_below, nothing_written

STATUSES = ("finished", "interrupted", "diverged", "failed")
ODD_NUMBERS: tuple[Mapping[str, float], ...] = (
    {},
    {"loss/g": math.nan},
    {"loss/g": math.inf, "sigma/0": -math.inf},
    {"new": 2},
)
"""What else rows may hold, one after another."""


@check("protocol", TrackerOptions.start, "Begin to follow ``run``, whose folder is there.")
def starts(subject: Subject) -> None:
    """What is started is a tracker; and it can be ended at once."""
    with new_run() as run:
        tracker = run.start(subject)
        demand(
            isinstance(tracker, Tracker), f"start() returns {type(tracker).__name__} and no ganzoo.protocols.Tracker"
        )
        tracker.close("finished")


@check("rows", Tracker.log, "Numbers may be NaN or infinite, and a row may have keys that the one before had not.")
def takes_any_row(subject: Subject) -> None:
    """Numbers that are none, and keys that come later."""
    with new_run() as run:
        tracker = run.start(subject)
        for step, more in enumerate(ODD_NUMBERS, 1):
            tracker.log({**run.row(step), **more})
        tracker.close("diverged")


@check("pictures", Tracker.picture, "One may come before the first row.")
def takes_pictures(subject: Subject) -> None:
    """The first grid is of step 0."""
    with new_run() as run:
        tracker = run.start(subject)
        tracker.picture(0, run.picture(0))
        run.tell(tracker, first=EVERY, last=2 * EVERY)
        tracker.close("finished")


@check(
    "ends",
    Tracker.close,
    "``status`` is ``finished``, ``interrupted``, ``diverged`` or ``failed``. That may be before the first row.",
)
def takes_any_end(subject: Subject) -> None:
    """Each way to end, one run after another, with rows and without."""
    for status in STATUSES:
        for last in (0, 2 * EVERY):
            with new_run() as run:
                tracker = run.start(subject)
                if last:
                    run.tell(tracker, first=EVERY, last=last)
                tracker.close(status)


@check(
    "resumed",
    TrackedRun,
    "Rows and pictures of later steps will come again, even if a tracker was told of them before.",
)
def goes_on(subject: Subject) -> None:
    """A run that goes on from its last checkpoint tells again what came after that."""
    with new_run() as run:
        tracker = run.start(subject)
        run.tell(tracker, first=EVERY, last=4 * EVERY)
        tracker.close("interrupted")
        again = run.start(subject, step=2 * EVERY)
        run.tell(again, first=3 * EVERY, last=6 * EVERY)
        again.close("finished")


@check("inputs-unmodified", Tracker, "It changes neither its arguments nor any file of the run.")
def leaves_what_it_is_told(subject: Subject) -> None:
    """Row, configuration and files of the run."""
    with new_run() as run:
        row, config = run.row(EVERY), copy.deepcopy(run.config)
        path = run.picture(EVERY)
        files = files_below(run.directory.path)
        tracker = run.start(subject)
        tracker.log(row)
        tracker.picture(EVERY, path)
        tracker.close("finished")
        told = run.row(EVERY)
        other = sorted(name for name in row.keys() | told.keys() if row.get(name) != told.get(name))
        demand(not other, f"log() changed the row that it was given: {', '.join(other)}")
        demand(run.config == config, "it changed the configuration of the run")
        after = files_below(run.directory.path)
        touched = sorted(path.name for path, state in files.items() if after.get(path) != state)
        demand(not touched, f"it changed or removed files of the run: {', '.join(touched)}")


@check("random-numbers", Tracker, "It draws none of torch's global random numbers.")
def draws_nothing(subject: Subject) -> None:
    """What is trained must not depend on who looks."""
    with random_numbers_untouched(of=["torch"]), new_run() as run:
        _whole(subject, run)


@check("writes", Tracker, "It writes below the run's folder, or where an option of its own says, and nowhere else.")
def writes_into_the_run(subject: Subject) -> None:
    """Not where the program happens to stand, beside its code, or at home."""
    own = [Path(value) for _, value in subject.chosen if isinstance(value, str | Path) and value]
    code = Path(inspect.getfile(type(subject.chosen))).parent
    with new_run() as run, nothing_written(code=code, own=own):
        _whole(subject, run)


def _whole(subject: Subject, run: Followed) -> None:
    tracker = run.start(subject)
    run.tell(tracker, first=EVERY, last=2 * EVERY)
    tracker.close("finished")
