"""Checkpoints are written while the training goes on: of their own step, whole or absent, and never in silence."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time

import pytest
import torch
from comparing import assert_same_outcome

import ganzoo
from ganzoo import cores
from ganzoo.errors import Interrupted, ResourceError
from ganzoo.registry import Registry
from ganzoo.runs import checkpoint, priority, session
from ganzoo.runs.background import Background
from ganzoo.runs.directory import RunDirectory
from ganzoo.screen import Screen

PATIENCE = 60.0
"""Seconds after which something waits for ever; nothing here takes one."""
TINY = {
    "loss": "hinge",
    "discriminator": {"name": "mlp", "width": 8},
    "generator": {"name": "mlp", "width": 8, "latent": 2},
    "data": {"name": "ring", "n": 64},
    "train": {"steps": 6, "batch_size": 8, "checkpoint_every": 2, "sample_every": 6, "log_every": 1, "keep": "all"},
    "runtime": {"device": "cpu", "threads": 1},
}


def steps_of(run):
    return [checkpoint.step_of(folder) for folder in reversed(run.checkpoint_folders())]


@pytest.fixture
def held(monkeypatch):
    """Checkpoints but the first are written once the event is set."""
    released, write = threading.Event(), checkpoint.write_in_parts

    def wait_and_write(folder, tensors, state):
        first = not any(folder.parent.glob("step-*"))
        assert first or released.wait(PATIENCE), "the training waits for the checkpoint"
        yield from write(folder, tensors, state)

    monkeypatch.setattr(checkpoint, "write_in_parts", wait_and_write)
    return released


@pytest.fixture
def at_step(monkeypatch):
    """Call something after a step, before anybody else hears of the step."""
    train = session.train

    def with_calls(number, call):
        def trained(setup):
            for report in train(setup):
                if report.step == number:
                    call()
                yield report

        monkeypatch.setattr(session, "train", trained)

    return with_calls


def test_the_training_goes_on_meanwhile_and_what_is_saved_is_of_its_step(tmp_path, held, at_step, monkeypatch):
    at_step(5, held.set)  # step 4 is due for a checkpoint, and 5 comes before that is written
    beside = ganzoo.run(TINY, out=tmp_path / "beside")
    monkeypatch.undo()
    monkeypatch.setattr(Background, "begin", lambda self, work: list(work()))
    at_once = ganzoo.run(TINY, out=tmp_path / "at once")
    assert steps_of(beside.directory) == steps_of(at_once.directory) == [2, 4, 6]
    for step in (2, 4, 6):
        saved, state = beside.directory.load_checkpoint(step)
        expected, expected_state = at_once.directory.load_checkpoint(step)
        assert (
            (state["step"], state["images"]) == (step, 8 * step) == (expected_state["step"], expected_state["images"])
        )
        assert saved.keys() == expected.keys()
        for name, tensors in saved.items():
            assert all(torch.equal(tensor, expected[name][key]) for key, tensor in tensors.items()), name
    assert_same_outcome(beside.path, at_once.path)


def test_it_goes_on_from_what_was_saved_beside_it(tmp_path):
    """Row offsets and steps of a checkpoint belong together, however far the training has come since."""
    whole, cut = ganzoo.run(TINY, out=tmp_path / "whole"), ganzoo.run(TINY, out=tmp_path / "cut")
    for step in (4, 6):
        cut.directory.checkpoint_folder(step).rename(cut.path / str(step))
    cut.directory.write_manifest({**cut.directory.read_manifest(), "status": "running", "step": 0, "ended": None})
    session.resume(Registry.load(plugins=False), cut.directory, console=Screen(quiet=True))
    assert_same_outcome(whole.path, cut.path)


def test_rows_after_the_first_checkpoint_prove_that_there_was_one(tmp_path, monkeypatch):
    """Otherwise whoever resumes could not tell a run whose checkpoints are gone from one that never had any."""

    def refused(folder, tensors, state):
        raise ResourceError(f"cannot write {folder}: No space left on device")

    monkeypatch.setattr(checkpoint, "write_in_parts", refused)
    with pytest.raises(ResourceError):
        ganzoo.run(TINY, out=tmp_path)
    (run,) = map(RunDirectory, tmp_path.glob("0001-*"))
    assert len(run.metrics.read_text(encoding="utf-8").splitlines()) == TINY["train"]["checkpoint_every"]
    run.demand_checkpoint(every=TINY["train"]["checkpoint_every"])


def test_whoever_does_not_wait_for_the_first_checkpoint_begins_again(tmp_path, at_step, monkeypatch):
    """A second Ctrl-C cuts off what it meets: there are rows and no checkpoint, and none that is gone."""

    def pressed_again():
        raise KeyboardInterrupt

    at_step(2, pressed_again)  # a checkpoint is due after it
    with pytest.raises(KeyboardInterrupt):
        ganzoo.run(TINY, out=tmp_path)
    monkeypatch.undo()
    (run,) = map(RunDirectory, tmp_path.glob("0001-*"))
    assert run.metrics.read_text(encoding="utf-8")
    assert not run.checkpoint_folders()
    session.resume(Registry.load(plugins=False), run, console=Screen(quiet=True))
    assert steps_of(run) == [2, 4, 6]


@pytest.mark.parametrize("failing", [2, 6])
def test_what_cannot_be_written_ends_the_run_with_what_was_saved_before(tmp_path, failing, monkeypatch):
    write = checkpoint.write_in_parts

    def refused(folder, tensors, state):
        if state["step"] == failing:
            raise ResourceError(f"cannot write {folder}: No space left on device")
        yield from write(folder, tensors, state)

    monkeypatch.setattr(checkpoint, "write_in_parts", refused)
    with pytest.raises(ResourceError, match="No space left"):
        ganzoo.run(TINY, out=tmp_path)
    (run,) = map(RunDirectory, tmp_path.glob("0001-*"))
    assert steps_of(run) == list(range(2, failing, 2))
    assert run.read_manifest()["status"] == "failed"


def test_all_is_on_disk_when_a_stopped_run_says_so(tmp_path, held, at_step):
    def stop_and_release_later():
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Timer(0.3, held.set).start()

    at_step(3, stop_and_release_later)
    with pytest.raises(Interrupted, match="stopped at step 3 of 6; everything is saved") as caught:
        ganzoo.run(TINY, out=tmp_path)
    (run,) = map(RunDirectory, tmp_path.glob("0001-*"))
    assert caught.value.signal_number == signal.SIGTERM
    assert steps_of(run) == [2, 3]


def test_a_stopped_run_does_not_say_so_of_what_cannot_be_written(tmp_path, at_step, monkeypatch):
    def refused(folder, tensors, state):
        raise ResourceError(f"cannot write {folder}: No space left on device")

    monkeypatch.setattr(checkpoint, "write_in_parts", refused)
    at_step(1, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(ResourceError, match="No space left"):
        ganzoo.run(TINY, out=tmp_path)


def policy():
    """How this thread is scheduled, where threads are by themselves."""
    return os.sched_getscheduler(0) if sys.platform.startswith("linux") else None


def until_awaited(background):
    """Wait until somebody waits."""
    end = time.monotonic() + PATIENCE
    while not background._awaited:
        assert time.monotonic() < end
        time.sleep(0.001)


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads have no priorities of their own")


class TestBackground:
    @pytest.fixture
    def background(self):
        background = Background("test")
        yield background
        background.close()

    def test_what_it_raised_is_raised_once_at_the_next_look(self, background):
        began, go_on = threading.Event(), threading.Event()

        def fail():
            began.set()
            assert go_on.wait(PATIENCE)
            yield
            raise ValueError("found later")

        def look_until_it_is_over():
            while True:
                background.look()

        background.begin(fail)
        assert began.wait(PATIENCE)
        background.look()  # it is not over, and a look does not wait
        go_on.set()
        with pytest.raises(ValueError, match="found later"):
            look_until_it_is_over()
        background.look()
        background.wait()

    def test_one_thing_at_a_time(self, background):
        done = []
        for number in range(5):
            background.begin(lambda number=number: map(done.append, [number]))
            assert done[: number + 1] in (list(range(number)), list(range(number + 1)))
        background.wait()
        assert done == list(range(5))

    def test_what_failed_before_keeps_the_next_from_beginning(self, background):
        background.begin(lambda: (1 / number for number in [0]))
        with pytest.raises(ZeroDivisionError):
            background.begin(pytest.fail)
        background.wait()

    @linux
    def test_its_thread_takes_what_others_leave_and_the_training_stays_what_it_is(self, background, monkeypatch):
        monkeypatch.setattr(priority, "crowded", lambda: False)
        looked, found, mine = threading.Event(), [], policy()

        def work():
            found.append(policy())
            looked.set()
            yield

        for _ in range(2):
            looked.clear()
            background.begin(work)
            assert looked.wait(PATIENCE)
            background.wait()
        assert found == [os.SCHED_IDLE] * 2
        assert policy() == mine

    @linux
    def test_where_others_want_the_cores_it_stays_what_it_is(self, background, monkeypatch):
        monkeypatch.setattr(os, "getloadavg", lambda: (cores.cores() + 1.0, 0.0, 0.0))
        looked, found = threading.Event(), []

        def work():
            found.append(policy())
            looked.set()
            yield

        background.begin(work)
        assert looked.wait(PATIENCE)
        background.wait()
        assert found == [policy()]

    def test_where_others_come_to_want_them_another_thread_goes_on(self, background, monkeypatch):
        crowded, found, done = threading.Event(), [], threading.Event()
        monkeypatch.setattr(priority, "crowded", crowded.is_set)

        def work():
            found.append((policy(), threading.current_thread()))
            crowded.set()
            yield
            found.append((policy(), threading.current_thread()))
            done.set()

        background.begin(work)
        while not done.wait(0.001):
            background.look()
        background.wait()
        assert len({thread for _, thread in found} | {threading.current_thread()}) == 3
        if sys.platform.startswith("linux"):
            assert [how for how, _ in found] == [os.SCHED_IDLE, policy()]

    def test_whoever_waits_does_the_parts_that_are_left(self, background):
        found = []

        def work():
            until_awaited(background)
            found.append(threading.current_thread())
            yield
            found.append(threading.current_thread())
            yield
            found.append(threading.current_thread())

        background.begin(work)
        background.wait()
        assert found[0] != threading.current_thread()
        assert found[1:] == [threading.current_thread()] * 2

    def test_what_they_raise_is_raised_there_once(self, background):
        def work():
            until_awaited(background)
            yield
            raise ValueError("in the second part")

        background.begin(work)
        with pytest.raises(ValueError, match="in the second part"):
            background.wait()
        background.wait()

    def test_without_room_for_a_thread_it_is_done_where_it_is_waited_for(self, background, monkeypatch):
        done = []

        def no_room(thread):
            raise RuntimeError("can't start new thread")

        def work():
            done.append(threading.get_ident())
            yield
            done.append(threading.get_ident())

        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", no_room)
            background.begin(work)
            background.look()
            assert not done
            background.wait()
        assert done == [threading.get_ident()] * 2

    def test_no_thread_is_left(self):
        background = Background("left over")
        background.begin(lambda: iter([1, 2, 3]))
        background.close()
        assert not any("left over" in thread.name for thread in threading.enumerate())


def test_what_could_not_be_removed_is_tried_once_more_at_the_end(tmp_path, monkeypatch):
    drop, refused = RunDirectory._drop, []

    def refusing_once(self, folder):
        if refused or checkpoint.step_of(folder) != 4:
            return drop(self, folder)
        return refused.append(folder)

    monkeypatch.setattr(RunDirectory, "_drop", refusing_once)
    run = ganzoo.run(TINY | {"train": TINY["train"] | {"keep": "last 1"}}, out=tmp_path).directory
    assert refused
    assert steps_of(run) == [6]


def test_checkpoints_that_were_to_go_when_the_process_was_killed_go_when_the_run_is_met_again(tmp_path):
    """A comparison measures the checkpoints that are there."""
    config = TINY | {"train": TINY["train"] | {"keep": "last 1"}}
    run = ganzoo.run(config, out=tmp_path).directory
    shutil.copytree(run.checkpoint_folders()[0], run.checkpoints / "step-0000004")
    run.write_manifest({**run.read_manifest(), "status": "running", "ended": None})
    session.resume(Registry.load(plugins=False), run, console=Screen(quiet=True))
    assert steps_of(run) == [6]
    assert run.read_manifest()["status"] == "finished"
