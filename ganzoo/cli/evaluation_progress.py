"""What a person sees of a running evaluation: a bar on a terminal, a plain line for each stage elsewhere. On stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn

from ganzoo.cli.durations import duration
from ganzoo.evaluation.pace import BALANCED, GENERATING, Pace
from ganzoo.screen import Screen

BAR = 10
"""Columns of the bar: with the longest name of a metric and an extractor a line has 80."""


@contextmanager
def pace_shown(screen: Screen) -> Iterator[Pace]:
    """What an evaluation tells its progress, shown in the way that suits the screen; nothing on a quiet one."""
    if not screen.is_terminal:
        yield Pace(_Lines(screen))
        return
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=BAR),
        TextColumn("{task.fields[left]}", markup=False),
        console=screen,
        transient=True,
    ) as progress:
        yield Pace(_Bar(progress))


def left(pace: Pace, *, short: bool = False) -> str:
    """``about 40 s left and 2 metrics to compute``; nothing while nobody can tell.

    ``short`` is ``about 40 s + 2 metrics``, for a line that has to hold a bar as well.
    """
    seconds, unforeseen = pace.seconds_left, pace.unforeseen
    if seconds is None:
        return ""
    metrics = f"{unforeseen} {'metric' if unforeseen == 1 else 'metrics'}"
    told, more = f"about {duration(seconds)}", f" + {metrics}"
    if not short:
        told, more = f"{told} left", f" and {metrics} to compute"
    return f"{told}{more}" if unforeseen else told


def words(pace: Pace) -> str:
    """``1 of 5: 5,000 samples``, ``2 of 5: frechet-distance[random-conv]``."""
    stage = pace.stage
    if stage is None:
        return ""
    count = f"{stage.looks.get(GENERATING, 0):,} " if stage.name in (GENERATING, BALANCED) else ""
    return f"{pace.number} of {pace.count}: {count}{stage.name}"


class _Bar:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("opening data and extractors", total=None, left="")

    def __call__(self, pace: Pace) -> None:
        done = pace.number - 1 + pace.share
        self._progress.update(
            self._task, total=pace.count, completed=done, description=words(pace), left=left(pace, short=True)
        )


class _Lines:
    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._told = 0

    def __call__(self, pace: Pace) -> None:
        if pace.number == self._told:
            return
        self._told = pace.number
        self._screen.print("; ".join(filter(None, [words(pace), left(pace)])), soft_wrap=True)
