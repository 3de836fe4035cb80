"""What a person sees of a running training."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from ganzoo.protocols import Report
from ganzoo.runs import progress as module
from ganzoo.runs.progress import Bar, Lines, losses, progress

LATEST = {"d/total": 1.25, "g/total": -0.5, "logits/real": 3.0}


@pytest.fixture
def clock(monkeypatch):
    """Seconds, moved by hand."""
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: now.seconds))
    return now


def report(step):
    return Report(step=step, d_step=step, images=step, scalars={})


def watching(*, start=0, steps=100, terminal=False):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    return progress(console, start=start, steps=steps, latest=lambda: LATEST), console


def test_losses_are_told_by_player():
    assert losses(LATEST) == "D 1.250  G -0.500"
    assert losses({}) == ""


def test_a_line_every_few_seconds_and_at_the_end(clock):
    watcher, console = watching(steps=30)
    assert isinstance(watcher, Lines)
    for step in range(1, 31):
        clock.seconds += 0.5
        watcher(report(step))
    assert [line.split()[1] for line in console.file.getvalue().splitlines()] == ["10/30", "20/30", "30/30"]


def test_rate_and_time_left_are_of_the_steps_done_now(clock):
    """Resumed at 40, after 10 seconds at 60: 2 steps per second, and 40 steps left."""
    watcher, console = watching(start=40)
    clock.seconds += 10
    watcher(report(60))
    assert console.file.getvalue() == "step 60/100  D 1.250  G -0.500  2.0 steps/s  20 s left\n"


def test_the_bar_starts_where_the_run_does(clock):
    watcher, _ = watching(start=40, terminal=True)
    assert isinstance(watcher, Bar)
    try:
        (task,) = watcher._progress.tasks
        assert (task.completed, task.total) == (40, 100)
        clock.seconds += 10
        watcher(report(60))
        assert (task.completed, task.fields["rate"]) == (60, "2.0 steps/s")
        assert task.fields["losses"] == "D 1.250  G -0.500"
    finally:
        watcher.close()
