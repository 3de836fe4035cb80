"""Checks of trackers."""

from __future__ import annotations

import contextlib
import copy
import inspect
import json
import math
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from ganzoo.config.schema import RunConfig
from ganzoo.evaluation import pictures
from ganzoo.protocols import TrackedRun, Tracker
from ganzoo.runs.directory import RunDirectory
from ganzoo.testing.check import Check, demand
from ganzoo.testing.options import OPTIONS_CHECKS
from ganzoo.testing.random_numbers import random_numbers_untouched
from ganzoo.testing.subject import Subject
from ganzoo.testing.written_files import files_below, nothing_written

START = "ganzoo.component:TrackerOptions.start"
TRACKER = "ganzoo.protocols:Tracker"

STATUSES = ("finished", "interrupted", "diverged", "failed")
EVERY = 5
"""Steps between rows."""

ODD_NUMBERS: tuple[Mapping[str, float], ...] = (
    {},
    {"loss/g": math.nan},
    {"loss/g": math.inf, "sigma/0": -math.inf},
    {"new": 2},
)
"""What else rows may hold, one after another."""


class Followed:
    """A run that a tracker follows: its folder is real, and its numbers are made up.

    Args:
        folder: where its folder of runs is made.
    """

    def __init__(self, folder: Path) -> None:
        self.directory = RunDirectory.create(folder / "runs", "hinge-patchgan-sn-digits")
        self.config = RunConfig().model_dump(mode="json")
        self.directory.config.write_text("version: 1\n", encoding="utf-8")
        self.directory.metrics.touch()

    def start(self, subject: Subject, *, step: int = 0) -> Any:
        """What the tracker's options start, for a run that goes on after ``step``."""
        options: Any = subject.chosen
        path = self.directory.path
        return options.start(TrackedRun(path=path, name=path.name, config=self.config, step=step))

    def tell(self, tracker: Any, *, first: int, last: int) -> None:
        """Rows from ``first`` to ``last``, and a picture of the last, as a run writes and tells them."""
        for step in range(first, last + 1, EVERY):
            row = self.row(step)
            with self.directory.metrics.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            tracker.log(row)
        tracker.picture(last, self.picture(last))

    def row(self, step: int) -> dict[str, float]:
        """A row of ``metrics.jsonl``."""
        return {"step": step, "d_step": step, "images": 64 * step, "loss/d": 1.5, "metric/mode-coverage/modes": 8.0}

    def picture(self, step: int) -> Path:
        """A grid of samples that was just written."""
        path = self.directory.samples / f"step-{step:07d}.png"
        noise = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(step))
        pictures.save(pictures.grid((255 * noise).to(torch.uint8), 4), path)
        return path


@contextlib.contextmanager
def new_run() -> Iterator[Followed]:
    """A run of which nothing is written yet."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        yield Followed(Path(scratch))


def starts(subject: Subject) -> None:
    """What is started is a tracker; and it can be ended at once."""
    with new_run() as run:
        tracker = run.start(subject)
        demand(
            isinstance(tracker, Tracker), f"start() returns {type(tracker).__name__} and no ganzoo.protocols.Tracker"
        )
        tracker.close("finished")


def takes_any_row(subject: Subject) -> None:
    """Numbers that are none, and keys that come later."""
    with new_run() as run:
        tracker = run.start(subject)
        for step, more in enumerate(ODD_NUMBERS, 1):
            tracker.log({**run.row(step), **more})
        tracker.close("diverged")


def takes_pictures(subject: Subject) -> None:
    """The first grid is of step 0."""
    with new_run() as run:
        tracker = run.start(subject)
        tracker.picture(0, run.picture(0))
        run.tell(tracker, first=EVERY, last=2 * EVERY)
        tracker.close("finished")


def takes_any_end(subject: Subject) -> None:
    """Each way to end, one run after another, with rows and without."""
    for status in STATUSES:
        for last in (0, 2 * EVERY):
            with new_run() as run:
                tracker = run.start(subject)
                if last:
                    run.tell(tracker, first=EVERY, last=last)
                tracker.close(status)


def goes_on(subject: Subject) -> None:
    """A run that goes on from its last checkpoint tells again what came after that."""
    with new_run() as run:
        tracker = run.start(subject)
        run.tell(tracker, first=EVERY, last=4 * EVERY)
        tracker.close("interrupted")
        again = run.start(subject, step=2 * EVERY)
        run.tell(again, first=3 * EVERY, last=6 * EVERY)
        again.close("finished")


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


def draws_nothing(subject: Subject) -> None:
    """What is trained must not depend on who looks."""
    with random_numbers_untouched(of=["torch"]), new_run() as run:
        _whole(subject, run)


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


SAYS: Mapping[str, tuple[Any, str, str]] = {
    "protocol": (starts, START, "Begin to follow ``run``, whose folder is there."),
    "rows": (
        takes_any_row,
        f"{TRACKER}.log",
        "Numbers may be NaN or infinite, and a row may have keys that the one before had not.",
    ),
    "pictures": (takes_pictures, f"{TRACKER}.picture", "One may come before the first row."),
    "ends": (
        takes_any_end,
        f"{TRACKER}.close",
        "``status`` is ``finished``, ``interrupted``, ``diverged`` or ``failed``. That may be before the first row.",
    ),
    "resumed": (
        goes_on,
        "ganzoo.protocols:TrackedRun",
        "Rows and pictures of later steps will come again, even if a tracker was told of them before.",
    ),
    "inputs-unmodified": (
        leaves_what_it_is_told,
        TRACKER,
        "Nothing that it is told is changed, and no file of the run is.",
    ),
    "random-numbers": (draws_nothing, TRACKER, "It draws none of torch's global random numbers."),
    "writes": (
        writes_into_the_run,
        TRACKER,
        "It writes below the run's folder, or where an option of its own says, and nowhere else.",
    ),
}
"""Name → the check, the object that says so, and what it says."""

TRACKER_CHECKS = (
    *OPTIONS_CHECKS,
    *(Check(name=name, run=run, cites=cites, sentence=sentence) for name, (run, cites, sentence) in SAYS.items()),
)
AT_LEAST = 12
