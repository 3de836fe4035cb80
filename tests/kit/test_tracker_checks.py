"""Each fault of a tracker is caught by the check meant for it, and sound trackers pass all checks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from pydantic import Field

from ganzoo.component import TrackerOptions
from ganzoo.protocols import Tracker
from ganzoo.testing import check_tracker
from ganzoo.testing.by_kind import CHECKED


class Lines(TrackerOptions):
    """Writes what it is told as lines of JSON; sound."""

    folder: Path | None = Field(default=None, description="where the lines are written; none = in the run")

    def start(self, run):
        folder = run.path if self.folder is None else self.folder
        folder.mkdir(parents=True, exist_ok=True)
        return self.writer(folder / "lines.jsonl")

    def writer(self, path):
        return Writer(path)


class Writer(Tracker):
    """The file behind :class:`Lines`."""

    def __init__(self, path):
        self.path = path

    def write(self, text):
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")

    def log(self, row):
        self.write(json.dumps(row))

    def picture(self, step, path):
        self.write(f"{step} {path.stat().st_size}")

    def close(self, status):
        self.write(status)


class Silent(TrackerOptions):
    """A tracker that does nothing; sound."""

    def start(self, run):
        return Tracker()


class NoTracker(Lines):
    """Starts the path in place of a tracker."""

    def writer(self, path):
        return path


class StrictNumbers(Lines):
    """Refuses NaN, which JSON does not know."""

    def writer(self, path):
        class Strict(Writer):
            def log(self, row):
                self.write(json.dumps(row, allow_nan=False))

        return Strict(path)


class FirstKeys(Lines):
    """A table whose columns are those of the first row."""

    def writer(self, path):
        class Table(Writer):
            columns = ()

            def log(self, row):
                self.columns = self.columns or tuple(row)
                for name in row:
                    self.write(f"{self.columns.index(name)} {row[name]}")

        return Table(path)


class PicturesOfRows(Lines):
    """Files each picture under the latest row, which is not there at first."""

    def writer(self, path):
        class Album(Writer):
            def log(self, row):
                self.latest = row

            def picture(self, step, path):
                self.write(f"{step} of {self.latest['step']}")

        return Album(path)


class TwoEnds(Lines):
    """Knows two ways to end."""

    def writer(self, path):
        class Ends(Writer):
            def close(self, status):
                self.write({"finished": "ok", "failed": "bad"}[status])

        return Ends(path)


class SumsUp(Lines):
    """Says at the end what came last, as if there always were something."""

    def writer(self, path):
        class Summary(Writer):
            rows = ()

            def log(self, row):
                self.rows = (*self.rows, row)

            def close(self, status):
                self.write(str(self.rows[-1]))

        return Summary(path)


class OnlyOnce(Lines):
    """Refuses a folder in which it has been before."""

    def start(self, run):
        (run.path / "lines.jsonl").touch(exist_ok=False)
        return super().start(run)


class OnlyForward(Lines):
    """Refuses a step that it was told of before."""

    def start(self, run):
        kept = run.path / "lines.jsonl"
        seen = kept.read_text(encoding="utf-8") if kept.exists() else ""

        class Forward(Writer):
            def log(self, row):
                if f'"step": {row["step"]},' in seen:
                    raise ValueError("steps must grow")
                super().log(row)

        return Forward(kept)


class TakesTheStep(Lines):
    """Takes the step out of the row."""

    def writer(self, path):
        class Taker(Writer):
            def log(self, row):
                self.write(f"{row.pop('step')} {row}")

        return Taker(path)


class MovesThePicture(Lines):
    """Moves the grid to where it wants it."""

    def writer(self, path):
        class Mover(Writer):
            def picture(self, step, path):
                path.rename(path.parent / f"tracked-{step}.png")

        return Mover(path)


class ChangesTheConfiguration(Lines):
    """Writes its own key into the configuration."""

    def start(self, run):
        run.config["tracker"] = "lines"
        return super().start(run)


class NamedByChance(Lines):
    """Draws the name of its file from torch's random numbers."""

    def start(self, run):
        return Writer(run.path / f"{torch.randint(1000, (1,)).item()}.jsonl")


class WhereItStands(Lines):
    """Writes into the working folder."""

    def start(self, run):
        return Writer(Path("lines.jsonl"))


class AtHome(Lines):
    """Keeps a list of runs at the user's home."""

    def start(self, run):
        Path("~/.lines").expanduser().write_text(run.name, encoding="utf-8")
        return super().start(run)


FAULTS = [
    (NoTracker, "protocol"),
    (StrictNumbers, "rows"),
    (FirstKeys, "rows"),
    (PicturesOfRows, "pictures"),
    (TwoEnds, "ends"),
    (SumsUp, "ends"),
    (OnlyOnce, "resumed"),
    (OnlyForward, "resumed"),
    (TakesTheStep, "inputs-unmodified"),
    (MovesThePicture, "inputs-unmodified"),
    (ChangesTheConfiguration, "inputs-unmodified"),
    (NamedByChance, "random-numbers"),
    (WhereItStands, "writes"),
    (AtHome, "writes"),
]


@pytest.mark.parametrize(("model", "check"), FAULTS, ids=lambda value: getattr(value, "__name__", ""))
def test_fault_is_caught(model, check):
    report = check_tracker(model)
    assert check in {outcome.check for outcome in report.outcomes if outcome.status == "failed"}
    assert not report.ok


@pytest.mark.parametrize("options", [Lines, Silent, Lines(folder=Path("elsewhere"))], ids=repr)
def test_sound_tracker_passes(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_tracker(options).raise_if_failed()


def test_every_check_of_trackers_has_its_fault():
    of_options = {"record-", "options-", "tags-"}
    own = {one.name for one in CHECKED["tracker"].checks if not any(map(one.name.startswith, of_options))}
    assert own == {check for _, check in FAULTS}
