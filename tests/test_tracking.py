"""Trackers are told of a run what its files hold, and whatever they do, the run is the same."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from comparing import assert_same_outcome
from rich.console import Console

import ganzoo
from ganzoo.component import Component, Options, TrackerOptions
from ganzoo.config.layers import ConfigLayer, flatten, parse_assignments
from ganzoo.errors import ConfigError, DivergedError, Interrupted, PluginError, ResourceError, UnknownNameError
from ganzoo.protocols import TrackedRun, Tracker
from ganzoo.registry import Entry, Registry
from ganzoo.report.run_page import run_page
from ganzoo.runs import session as runs
from ganzoo.runs import tracking
from ganzoo.runs.directory import RunDirectory

TOLD: list[tuple] = []
"""What the trackers of this file were told, in order."""

ERRORS = {
    "RuntimeError": RuntimeError("the server\nis gone"),
    "MemoryError": MemoryError(),
    "SystemExit": SystemExit(3),
    "ResourceError": ResourceError("the disk is full"),
    "KeyboardInterrupt": KeyboardInterrupt(),
}


class Recorder(TrackerOptions):
    """Writes down what it is told."""

    label: str = "recorder"

    def start(self, run: TrackedRun) -> Tracker:
        TOLD.append((self.label, "start", run))
        return Recording(self.label)


class Recording(Tracker):
    def __init__(self, label):
        self.label = label

    def log(self, row):
        TOLD.append((self.label, "log", row))

    def picture(self, step, path):
        TOLD.append((self.label, "picture", step, path, path.read_bytes()))

    def close(self, status):
        TOLD.append((self.label, "close", status))


class Reader(TrackerOptions):
    """Reads the run's file when it is told a row."""

    def start(self, run: TrackedRun) -> Tracker:
        return Reading(run.path / "metrics.jsonl")


class Reading(Tracker):
    def __init__(self, metrics):
        self.metrics = metrics

    def log(self, row):
        TOLD.append(("reader", "log", row, self.metrics.read_text().splitlines()))


class Failing(TrackerOptions):
    """Raises where it is told to."""

    at: Literal["start", "log", "picture", "close", "log and close"] = "log"
    error: str = "RuntimeError"

    def start(self, run: TrackedRun) -> Tracker:
        TOLD.append(("failing", "start"))
        tracker = FailingTracker(self.at, ERRORS[self.error])
        tracker.told("start")
        return tracker


class FailingTracker(Tracker):
    def __init__(self, at, error):
        self.at, self.error = at, error

    def told(self, what):
        TOLD.append(("failing", what))
        if what in self.at.split():
            raise self.error

    def log(self, row):
        self.told("log")

    def picture(self, step, path):
        self.told("picture")

    def close(self, status):
        self.told("close")


class Meddler(TrackerOptions):
    """Changes all that it is given, and all random numbers it can reach."""

    def start(self, run: TrackedRun) -> Tracker:
        run.config["train"]["steps"] = 10**6
        run.config.clear()
        return Meddling()


class Meddling(Tracker):
    def log(self, row):
        row.clear()
        self.shake()

    def picture(self, step, path):
        self.shake()

    def shake(self):
        torch.manual_seed(17)
        np.random.seed(17)
        random.seed(17)
        torch.rand(3)


class Talkative(TrackerOptions):
    """Prints, as trackers like to do."""

    def start(self, run: TrackedRun) -> Tracker:
        print("started")
        return Talking()


class Talking(Tracker):
    def log(self, row):
        print("a row")


class Busy(TrackerOptions):
    """Cannot be started, and had begun to write into the run's folder."""

    def start(self, run: TrackedRun) -> Tracker:
        (run.path / "busy").mkdir()
        raise RuntimeError("the server is gone")


class Terminated(TrackerOptions):
    """Waits for a login, is asked to end, and takes any error for a wrong password."""

    def start(self, run: TrackedRun) -> Tracker:
        with contextlib.suppress(Exception):
            signal.raise_signal(signal.SIGTERM)
        return Tracker()


class Silent(TrackerOptions):
    """Has no start of its own."""


class Confused(TrackerOptions):
    """What it starts is no tracker."""

    def start(self, run: TrackedRun) -> Tracker:
        return {}


class NoTracker(Options):
    """Derives from the wrong class."""


def entry(name, target, **more):
    component = Component(kind="tracker", name=name, target=f"{__name__}:{target}", summary="for tests", **more)
    return Entry(component=component, distribution="test-trackers", version="1.2", entry_point="trackers")


OWN = [
    entry("recorder", "Recorder", aliases=("recording",)),
    entry("second-recorder", "Recorder"),
    entry("reader", "Reader"),
    entry("failing", "Failing"),
    entry("busy", "Busy"),
    entry("terminated", "Terminated"),
    entry("meddler", "Meddler"),
    entry("talkative", "Talkative"),
    entry("silent", "Silent"),
    entry("confused", "Confused"),
    entry("no-tracker", "NoTracker"),
    entry("remote", "Recorder", requires=("no_such_package",), install="test-trackers[remote]"),
]
TINY = {
    "discriminator": {"name": "patchgan-sn", "ndf": 2},
    "generator": {"name": "dcgan", "latent": 3, "ngf": 2},
    "data": {"name": "synthetic", "image_size": 8, "n": 16},
    "train": {"steps": 4, "batch_size": 4, "log_every": 1, "sample_every": 2, "checkpoint_every": 2},
}


@pytest.fixture(autouse=True)
def _nothing_told():
    TOLD.clear()


@pytest.fixture(scope="module")
def registry():
    return Registry([*Registry.load(plugins=False).entries(), *OWN])


@pytest.fixture(scope="module")
def plain(tmp_path_factory, registry):
    """The run that nobody follows."""
    return ganzoo.run(TINY, out=tmp_path_factory.mktemp("plain"), registry=registry)


@pytest.fixture
def run(tmp_path, registry):
    """Train the tiny configuration, followed by trackers."""

    def call(trackers, config=TINY):
        return ganzoo.run(config, out=tmp_path / "runs", trackers=trackers, registry=registry)

    return call


def resume(registry, path, trackers, **changes):
    chosen = tracking.chosen(tracking.wanted(registry, trackers))
    layers = [ConfigLayer("flag", flatten(changes))]
    return runs.resume(registry, RunDirectory(path), changes=layers, console=Console(quiet=True), trackers=chosen)


def told(what, label="recorder"):
    return [message for message in TOLD if message[:2] == (label, what)]


def rows_told():
    return [row for _, _, row in told("log")]


class TestWhatTheyAreTold:
    def test_the_rows_of_the_file(self, run):
        assert run(["recorder"]).metrics() == rows_told()
        assert len(rows_told()) == 4
        assert {type(value) for row in rows_told() for value in row.values()} == {int, float}

    def test_a_row_when_it_is_on_disk(self, run):
        run(["reader"])
        lines = [lines for *_, lines in told("log", "reader")]
        assert [len(written) for written in lines] == [1, 2, 3, 4]
        assert [json.loads(written[-1]) for written in lines] == [row for _, _, row, _ in told("log", "reader")]

    def test_every_grid_when_it_is_on_disk(self, run):
        path = run(["recorder"]).path
        written = [(step, path / "samples" / f"step-{step:07d}.png") for step in (0, 2, 4)]
        assert [(step, grid) for _, _, step, grid, _ in told("picture")] == written
        assert [content for *_, content in told("picture")] == [grid.read_bytes() for _, grid in written]

    def test_the_run_before_it_starts(self, run):
        trained = run(["recorder"])
        [(_, _, tracked)] = told("start")
        assert (tracked.path, tracked.name, tracked.step) == (trained.path, trained.path.name, 0)
        assert tracked.config == trained.config.model_dump(mode="json")
        assert json.loads(json.dumps(tracked.config)) == tracked.config

    def test_in_this_order(self, run):
        run(["recorder"])
        expected = "start picture log log picture log log picture close"
        assert [message[1] for message in TOLD] == expected.split()
        assert TOLD[-1] == ("recorder", "close", "finished")

    def test_scatter_plots_of_vectors(self, run):
        run(["recorder"], {"loss": "bce", "data": {"name": "ring", "n": 64}, "train": {"steps": 1, "batch_size": 4}})
        assert [step for _, _, step, *_ in told("picture")] == [0, 1]

    def test_a_run_that_was_stopped(self, run, monkeypatch):
        class Press:
            def __init__(self, console, **_):
                pass

            def __call__(self, report):
                if report.step == 2:
                    signal.raise_signal(signal.SIGTERM)

            def close(self):
                pass

        monkeypatch.setattr(runs, "progress", Press)
        with pytest.raises(Interrupted):
            run(["recorder"])
        assert TOLD[-1] == ("recorder", "close", "interrupted")

    def test_a_run_that_diverged(self, run):
        train = {**TINY["train"], "steps": 60, "d_lr": 1e3, "optimizer": "sgd"}
        with pytest.raises(DivergedError):
            run(["recorder"], {**TINY, "loss": "lsgan", "discriminator": {"name": "dcgan", "ndf": 2}, "train": train})
        assert TOLD[-1] == ("recorder", "close", "diverged")

    def test_a_run_that_failed(self, run, monkeypatch):
        def broken(setup):
            raise ValueError("a bug")

        monkeypatch.setattr(runs, "train", broken)
        with pytest.raises(ValueError, match="a bug"):
            run(["recorder"])
        assert TOLD[-1] == ("recorder", "close", "failed")

    def test_resuming_tells_the_step_and_what_comes_after_it(self, registry, plain, tmp_path):
        shutil.copytree(plain.path, tmp_path / "run")
        resume(registry, tmp_path / "run", ["recorder"], train={"steps": 6})
        [(_, _, tracked)] = told("start")
        assert (tracked.step, tracked.config["train"]["steps"]) == (4, 6)
        assert [row["step"] for row in rows_told()] == [5, 6]
        assert [step for _, _, step, *_ in told("picture")] == [6]
        assert TOLD[-1] == ("recorder", "close", "finished")

    def test_steps_that_are_done_again_are_told_again(self, registry, run):
        killed = run(["recorder"])
        first = [{key: row[key] for key in row if not key.startswith("time/")} for row in rows_told()]
        shutil.rmtree(killed.directory.checkpoint_folders()[0])
        TOLD.clear()
        resume(registry, killed.path, ["recorder"])
        again = [{key: row[key] for key in row if not key.startswith("time/")} for row in rows_told()]
        assert told("start")[0][2].step == 2
        assert again == first[2:]

    def test_a_finished_run_starts_none(self, registry, plain):
        assert resume(registry, plain.path, ["recorder"]) is None
        assert TOLD == []


class TestTheRunIsTheSame:
    def test_bit_by_bit(self, run, plain):
        followed = run(["meddler", "recorder"])
        assert_same_outcome(plain.path, followed.path)
        assert (plain.path / "config.yaml").read_bytes() == (followed.path / "config.yaml").read_bytes()
        assert followed.metrics() == rows_told(), "each tracker has a row of its own"
        assert told("start")[0][2].config["train"]["steps"] == 4, "and a configuration"

    def test_trackers_are_no_part_of_its_configuration(self, run, plain):
        followed = run({"recorder": {"label": "other"}})
        manifests = [one.directory.read_manifest() for one in (plain, followed)]
        for manifest in manifests:
            del manifest["started"], manifest["ended"]
        assert manifests[0] == manifests[1]
        assert "recorder" not in (followed.path / "config.yaml").read_text()

    def test_resuming_does_not_remember_them(self, registry, run):
        followed = run(["recorder"])
        TOLD.clear()
        assert resume(registry, followed.path, [], train={"steps": 5}) is not None
        assert TOLD == []

    def test_what_they_print_is_no_data(self, run, capsys):
        run(["talkative"])
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.split("\n") == ["started", *["a row"] * 4, ""]


class TestOneThatFails:
    @pytest.mark.parametrize("error", ["RuntimeError", "MemoryError", "SystemExit", "ResourceError"])
    @pytest.mark.parametrize("at", ["log", "picture", "close", "log and close"])
    def test_is_warned_of_once_and_told_no_more_but_the_end(self, run, plain, caplog, at, error):
        followed = run({"failing": {"at": at, "error": error}, "recorder": {}})
        assert_same_outcome(plain.path, followed.path)
        [warning] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert warning.startswith("tracker 'failing' of test-trackers 1.2 failed and will not receive any more data: ")
        assert error in warning
        assert warning in (followed.path / "log.txt").read_text()
        messages = [message[1] for message in TOLD if message[0] == "failing"]
        before = {"picture": ["picture"], "close": ["picture", "log", "log", "picture", "log", "log", "picture"]}
        assert messages == ["start", "start", *before.get(at, ["picture", "log"]), "close"]
        assert followed.metrics() == rows_told(), "others go on"
        assert followed.directory.read_manifest()["status"] == "finished"

    def test_its_traceback_is_in_the_log(self, run, caplog):
        log = (run(["failing"]).path / "log.txt").read_text()
        assert "Traceback (most recent call last):" in log
        assert "in told\n    raise self.error\nRuntimeError: the server\nis gone\n" in log
        assert all(record.exc_info is None for record in caplog.records if record.levelname == "WARNING")

    def test_an_interrupt_is_no_failure_of_a_tracker(self, run, caplog, tmp_path):
        with pytest.raises(KeyboardInterrupt):
            run({"failing": {"error": "KeyboardInterrupt"}, "recorder": {}})
        assert [record for record in caplog.records if record.levelname != "INFO"] == []
        assert ("failing", "close") in TOLD
        assert TOLD[-1] == ("recorder", "close", "interrupted")
        [path] = (tmp_path / "runs").glob("0001-*")
        assert RunDirectory(path).read_manifest()["status"] == "interrupted"

    def test_an_interrupt_at_the_end_costs_no_other_its_end(self, run, tmp_path):
        with pytest.raises(KeyboardInterrupt):
            run({"failing": {"at": "close", "error": "KeyboardInterrupt"}, "recorder": {}})
        assert TOLD[-1] == ("recorder", "close", "finished")
        [path] = (tmp_path / "runs").glob("0001-*")
        assert RunDirectory(path).read_manifest()["status"] == "finished"


def test_what_a_tracker_is_given_and_the_environment_are_in_no_file(run, registry, monkeypatch):
    monkeypatch.setenv("TRACKER_API_KEY", "hunter2")
    trained = run({"recorder": {"label": "hunter2"}})
    assert TOLD[0][:2] == ("hunter2", "start")
    written = [*files(trained.path).values(), run_page(registry, trained).encode()]
    assert len(written) > 5
    assert not [content for content in written if b"hunter2" in content]


@pytest.fixture
def sigterm():
    """What SIGTERM does to who does not catch it, but for the end of this process."""

    def not_caught(number, frame):
        raise AssertionError("SIGTERM was not caught")

    before = signal.signal(signal.SIGTERM, not_caught)
    yield not_caught
    signal.signal(signal.SIGTERM, before)


def files(path: Path) -> dict[Path, bytes]:
    return {found: found.read_bytes() for found in path.rglob("*") if found.is_file() and found.name != ".lock"}


class TestOneThatCannotStart:
    @pytest.mark.parametrize(
        ("request_", "reason"),
        [
            (
                {"failing": {"at": "start"}},
                "tracker 'failing' of test-trackers 1.2 cannot be started: .*server is gone",
            ),
            ({"failing": {"at": "start", "error": "SystemExit"}}, "cannot be started: SystemExit: 3"),
            (["silent"], "cannot be started: NotImplementedError: Silent must implement start"),
            (["confused"], r"cannot be started: TypeError: start\(\) returned dict instead of a ganzoo.protocols.Tra"),
        ],
    )
    def test_ends_the_run_before_it_begins(self, run, registry, plain, tmp_path, request_, reason):
        with pytest.raises(PluginError, match=reason) as caught:
            run(request_)
        assert "leave out --tracker" in caught.value.hint
        assert files(tmp_path) == {}
        shutil.copytree(plain.path, tmp_path / "run")
        before = files(tmp_path)
        with pytest.raises(PluginError, match=reason):
            resume(registry, tmp_path / "run", request_, train={"steps": 6})
        assert files(tmp_path) == before

    def test_its_own_words_pass(self, run, tmp_path):
        with pytest.raises(ResourceError, match="the disk is full"):
            run({"failing": {"at": "start", "error": "ResourceError"}})
        with pytest.raises(KeyboardInterrupt):
            run({"failing": {"at": "start", "error": "KeyboardInterrupt"}})
        assert files(tmp_path) == {}

    def test_those_before_it_are_told(self, run):
        with pytest.raises(PluginError):
            run({"recorder": {}, "failing": {"at": "start"}})
        assert TOLD[1:] == [("failing", "start"), ("failing", "start"), ("recorder", "close", "failed")]

    @pytest.mark.parametrize(
        ("request_", "error", "status"),
        [
            ({"failing": {"at": "start", "error": "KeyboardInterrupt"}}, KeyboardInterrupt, "interrupted"),
            ({"failing": {"at": "start", "error": "SystemExit"}}, PluginError, "failed"),
            ({"terminated": {}}, Interrupted, "interrupted"),
        ],
    )
    def test_those_before_it_are_told_why(self, run, sigterm, request_, error, status):
        with pytest.raises(error):
            run({"recorder": {}, **request_})
        assert TOLD[-1] == ("recorder", "close", status)

    def test_sigterm_ends_the_wait(self, run, registry, plain, sigterm, tmp_path):
        with pytest.raises(Interrupted, match="before training began") as caught:
            run(["terminated"])
        assert caught.value.signal_number == signal.SIGTERM
        assert signal.getsignal(signal.SIGTERM) is sigterm, "the handler from before is back"
        assert files(tmp_path) == {}
        shutil.copytree(plain.path, tmp_path / "run")
        before = files(tmp_path)
        with pytest.raises(Interrupted):
            resume(registry, tmp_path / "run", ["terminated"], train={"steps": 6})
        assert files(tmp_path) == before

    def test_outside_the_main_thread_they_start_as_well(self, run):
        thread = threading.Thread(target=run, args=(["recorder"],))
        thread.start()
        thread.join()
        assert TOLD[-1] == ("recorder", "close", "finished")

    def test_a_folder_that_cannot_be_removed_does_not_hide_the_reason(self, run, caplog, tmp_path, monkeypatch):
        """A thread of the tracker goes on writing, and is always a moment faster than the removal."""
        remove = os.rmdir

        def late(path, **more):
            for folder in tmp_path.glob("runs/0001-*/busy"):
                (folder / "late").touch()
            remove(path, **more)

        monkeypatch.setattr(os, "rmdir", late)
        with pytest.raises(PluginError, match=r"'busy' of test-trackers 1\.2 cannot be started: RuntimeError"):
            run(["busy"])
        [path] = (tmp_path / "runs").glob("0001-*")
        [warning] = [record.getMessage() for record in caplog.records]
        assert warning.startswith(f"{path} does not contain a run, but could not be removed: ")

    def test_the_next_run_has_its_number(self, run):
        with pytest.raises(PluginError):
            run({"failing": {"at": "start"}})
        assert run([]).path.name.startswith("0001-")


class TestTheRequest:
    def test_a_name_names_or_names_with_options(self, registry):
        for request in ("recorder", ["recorder"], ("recording", "recorder"), {"recorder": None}, {"recorder": {}}):
            [one] = tracking.chosen(tracking.wanted(registry, request))
            assert (one.entry.name, one.options) == ("recorder", Recorder())
        [one] = tracking.chosen(tracking.wanted(registry, {"test-trackers/recorder": {"label": "x"}}))
        assert one.options == Recorder(label="x")
        assert tracking.wanted(registry, []) == []

    @pytest.mark.parametrize("empty", [None, {}])
    def test_a_second_name_without_options_takes_none_away(self, registry, empty):
        for request in (
            {"recorder": {"label": "x"}, "recording": empty},
            {"recording": empty, "recorder": {"label": "x"}},
        ):
            [one] = tracking.wanted(registry, request)
            assert one.given == {"label": "x"}

    def test_nothing_is_loaded_to_find_them(self, registry):
        [one] = tracking.wanted(registry, ["remote"])
        assert one.entry.name == "remote"

    @pytest.mark.parametrize(
        ("request_", "error", "reason"),
        [
            (["recordr"], UnknownNameError, "there is no tracker called 'recordr'; did you mean 'recorder'?"),
            (["hinge"], UnknownNameError, "'hinge' is a loss, not a tracker"),
            ({"recorder": 5}, ConfigError, "options of tracker recorder must be a mapping"),
            ({"recorder": {3: 4}}, ConfigError, "options of tracker recorder must be a mapping"),
            (None, ConfigError, "trackers must be a list of names, or a mapping of names to options"),
            (3, ConfigError, "trackers must be a list of names, or a mapping of names to options"),
            (["recorder", 3], ConfigError, "trackers must be a list of names, or a mapping of names to options"),
            ([{"recorder": {}}], ConfigError, "trackers must be a list of names, or a mapping of names to options"),
            ({3: {}}, ConfigError, "trackers must be a list of names, or a mapping of names to options"),
            (
                {"recorder": {"label": "x"}, "recording": {"label": "y"}},
                ConfigError,
                "tracker recorder got options under two names",
            ),
            ({"recorder": {"lable": "x"}}, ConfigError, "tracker.recorder.lable: unknown key; did you mean 'label'?"),
            (
                {"recorder": {"label": 1}, "failing": {"at": "never"}},
                ConfigError,
                "2 problems:\n  - tracker.recorder.label = 1: must be text",
            ),
            (["remote"], PluginError, "tracker 'remote' of test-trackers 1.2 needs no_such_package, which is not inst"),
            (["no-tracker"], PluginError, "is not a subclass of ganzoo.component.TrackerOptions"),
        ],
    )
    def test_what_is_wrong_is_said_before_anything_is_written(self, run, tmp_path, request_, error, reason):
        with pytest.raises(error) as caught:
            run(request_)
        assert reason in str(caught.value)
        assert list(tmp_path.iterdir()) == []

    def test_a_missing_package_comes_with_its_command(self, run):
        with pytest.raises(PluginError) as caught:
            run(["remote"])
        assert caught.value.hint == "python -m pip install 'test-trackers[remote]'"

    def test_a_section_in_a_configuration_is_refused(self, run):
        for section in ("tracker", "trackers"):
            for content in ("recorder", {"recorder": {}}, ["recorder"]):
                with pytest.raises(ConfigError, match="not part of the configuration: add one with --tracker NAME"):
                    run([], {**TINY, section: content})


def asked_for(registry, names, *assignments):
    wanted, others = tracking.asked_for(registry, names, parse_assignments(assignments))
    return {one.entry.name: one.given for one in wanted}, others


class TestFlagsAndAssignments:
    def test_options_are_taken_out(self, registry):
        asked, others = asked_for(
            registry, ["recorder"], "tracker.recorder.label=x", "train.steps=3", "loss=bce", "trackers.recorder.a-b=1"
        )
        assert asked == {"recorder": {"label": "x", "a_b": 1}}
        assert others == {"train.steps": 3, "loss.name": "bce"}

    def test_names_in_every_spelling(self, registry):
        for name in ("second-recorder", "second_recorder", "test-trackers/second-recorder"):
            for place in ("second-recorder", "second_recorder", "test_trackers/second_recorder"):
                asked, _ = asked_for(registry, [name], f"tracker.{place}.label=x")
                assert asked == {"second-recorder": {"label": "x"}}

    def test_in_the_order_of_the_flags(self, registry):
        asked, _ = asked_for(registry, ["talkative", "recorder", "talkative"], "tracker.recorder.label=x")
        assert list(asked) == ["talkative", "recorder"]

    def test_options_as_one_value(self, registry):
        assert asked_for(registry, ["recorder"], 'tracker.recorder={"label": "x"}')[0] == {"recorder": {"label": "x"}}

    def test_none(self, registry):
        assert asked_for(registry, [], "train.steps=3") == ({}, {"train.steps": 3})

    @pytest.mark.parametrize(
        ("assignment", "reason", "hint"),
        [
            ("tracker.recorder.label=x", "tracker.recorder is set, but tracker recorder is not", "add --tracker rec"),
            ("tracker=recorder", "trackers are added with their own flag", "--tracker NAME"),
            ("tracker.recordr.label=x", "there is no tracker called 'recordr'", "ganzoo list trackers"),
            ("tracker.talkative=5", "options of tracker talkative must be a mapping", None),
        ],
    )
    def test_what_is_wrong(self, registry, assignment, reason, hint):
        with pytest.raises(ConfigError, match=reason) as caught:
            asked_for(registry, ["talkative"], assignment)
        assert hint is None or caught.value.hint.startswith(hint)

    def test_options_under_two_names_are_not_lost(self, registry):
        with pytest.raises(ConfigError, match="tracker recorder got options under two names") as caught:
            asked_for(registry, ["recorder"], "tracker.recorder.label=x", "tracker.recording.volume=5")
        assert caught.value.given == "recorder, recording"


def test_the_base_class_does_nothing():
    tracker = Tracker()
    assert tracker.log({"step": 1}) is None
    assert tracker.picture(1, Path("nowhere.png")) is None
    assert tracker.close("finished") is None


def test_finding_trackers_takes_no_torch():
    code = "import sys, ganzoo.runs.tracking; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
