"""What a person sees of a running training: a bar on a terminal, a plain line now and then elsewhere. On stderr."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ganzoo.protocols import Report, Watcher
from ganzoo.screen import Screen

SECONDS_BETWEEN_LINES = 5.0


Latest = Callable[[], Mapping[str, float]]


def progress(
    console: Screen,
    *,
    start: int,
    steps: int | None,
    latest: Latest,
    left: Callable[[], float] | None = None,
    health: Callable[[], str] = lambda: "",
) -> Watcher:
    """The watcher that suits the console.

    Args:
        console: where it is shown.
        start: the step that the run begins or goes on with.
        steps: how many there are to be; ``None`` if time alone ends the run.
        latest: gives the numbers of the last metric row.
        left: gives the seconds of training that are left, where time ends the run.
        health: gives a phrase about what goes wrong, or nothing.
    """
    kind = Bar if console.is_terminal else Lines
    return kind(console, start=start, steps=steps, latest=latest, left=left, health=health)


def losses(latest: Mapping[str, float]) -> str:
    """``D 1.203  G 0.412  64 img/s`` from a metric row."""
    shown = [f"{letter.upper()} {latest[f'{letter}/total']:.3f}" for letter in "dg" if f"{letter}/total" in latest]
    return "  ".join(shown)


class Bar:
    """A progress bar with rate, losses and ETA."""

    def __init__(
        self,
        console: Screen,
        *,
        start: int,
        steps: int | None,
        latest: Latest,
        left: Callable[[], float] | None,
        health: Callable[[], str],
    ) -> None:
        self._latest, self._left, self._health = latest, left, health
        self._started, self._first = time.perf_counter(), start
        self._progress = Progress(
            TextColumn("training", style="bold", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}  {task.fields[losses]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[health]}", style="yellow", markup=False),
            console=console,
        )
        self._task = self._progress.add_task("training", total=steps, completed=start, rate="", losses="", health="")
        self._progress.start()

    def __call__(self, report: Report) -> None:
        """Move the bar."""
        rate = (report.step - self._first) / max(time.perf_counter() - self._started, 1e-9)
        pace = f"{rate:.1f} steps/s" + ("" if self._left is None else f"  at most {self._left():.0f} s left")
        self._progress.update(
            self._task,
            completed=report.step,
            rate=pace,
            losses=losses(self._latest()),
            health=self._health(),
        )

    def close(self) -> None:
        """Leave the bar as it is."""
        self._progress.stop()


class Lines:
    """One plain line every few seconds, for logs and pipes."""

    def __init__(
        self,
        console: Screen,
        *,
        start: int,
        steps: int | None,
        latest: Latest,
        left: Callable[[], float] | None,
        health: Callable[[], str],
    ) -> None:
        self._console, self._latest, self._first, self._health = console, latest, start, health
        self._steps, self._left = steps, left or (lambda: math.inf)
        self._started = self._last = time.perf_counter()

    def __call__(self, report: Report) -> None:
        """Print a line when the last one is old enough, and at the end."""
        now = time.perf_counter()
        if now - self._last < SECONDS_BETWEEN_LINES and not (report.last or report.step == self._steps):
            return
        self._last = now
        rate = (report.step - self._first) / max(now - self._started, 1e-9)
        by_steps = math.inf if self._steps is None else (self._steps - report.step) / max(rate, 1e-9)
        left, goal = min(by_steps, self._left()), "" if self._steps is None else f"/{self._steps}"
        said = [
            f"step {report.step}{goal}",
            losses(self._latest()),
            f"{rate:.1f} steps/s",
            f"{left:.0f} s left",
        ]
        self._console.print(
            "  ".join(said + list(filter(None, [self._health()]))),
            soft_wrap=True,
        )

    def close(self) -> None:
        """Nothing is held open."""
