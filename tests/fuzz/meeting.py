"""One input meets its parser: what came of it, how long it took, and what it touched."""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import parsers
from parsers import Parser

PATIENCE = 10.0
"""Seconds of processor time that an input of a few kilobytes may take."""
CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.link", "os.truncate", "os.chmod"}


class TooLongError(BaseException):
    """An input took all its time; no handler of exceptions keeps that from being told."""


@dataclass
class Meetings:
    """What came of the inputs of one parser.

    Attributes:
        accepted, refused: how many ended so.
        bugs: what must not be → the number of the first input that did it, and how many did.
        slowest: seconds of processor time, and the input.
        grown: MB by which the largest memory of the process grew.
    """

    accepted: int = 0
    refused: int = 0
    bugs: dict[str, list[int]] = field(default_factory=dict)
    slowest: tuple[float, int] = (0.0, -1)
    grown: float = 0.0

    def note(self, bug: str, number: int) -> None:
        """Count a bug."""
        self.bugs.setdefault(bug, [number, 0])[1] += 1


class Table:
    """A parser with its valid files in a folder, ready to meet inputs.

    Beside that folder lies ``outside.png``, which no input may lead to.
    """

    def __init__(self, parser: Parser, place: Path) -> None:
        self._parser, self._place = parser, place
        self._inside = place / "inside"
        self._inside.mkdir(parents=True)
        parser.files(self._inside)
        self._valid = [(self._inside / name).read_bytes() for name in parser.changed]
        parsers.pictures(place / "canary", 1)
        (place / "canary" / "a" / "0.png").rename(place / "outside.png")
        self.met = Meetings()
        self._touched: list[str] = []
        self._watching = False
        sys.addaudithook(self._audit)
        parser.read(self._inside)  # what is valid is accepted; imports and caches are warm from here on
        self._before = self._outside()

    def input(self, seed: int, number: int) -> tuple[int, bytes]:
        """Which file is changed, and to what: a function of the two numbers."""
        draw = random.Random(f"{self._parser.name} {seed} {number}")
        which = draw.randrange(len(self._valid))
        return which, self._parser.change(draw, self._valid[which], draw.choice(self._valid))

    def meet(self, number: int, which: int, content: bytes) -> None:
        """Let the parser read it, and note what came of it."""
        path = self._inside / self._parser.changed[which]
        path.write_bytes(content)
        self._touched.clear()
        began = time.process_time()
        try:
            with self._watched(), bounded():
                self._parser.read(self._inside)
            self.met.accepted += 1
        except self._parser.refusals:
            self.met.refused += 1
        except (Exception, TooLongError) as error:
            self.met.note(_told(error), number)
        took = time.process_time() - began
        self.met.slowest = max(self.met.slowest, (took, number))
        for touched in self._touched:
            self.met.note(touched, number)
        path.write_bytes(self._valid[which])
        if number % 100 == 0 and self._outside() != self._before:
            self.met.note("something new lies beside the folder", number)
            self._before = self._outside()

    def _outside(self) -> list[str]:
        return sorted(path.name for path in self._place.iterdir())

    @contextmanager
    def _watched(self) -> Iterator[None]:
        self._watching = True
        before = peak()
        try:
            yield
        finally:
            self._watching = False
            self.met.grown = max(self.met.grown, peak() - before)

    def _audit(self, event: str, given: tuple[Any, ...]) -> None:
        if not self._watching or (event != "open" and event not in CHANGES) or not isinstance(given[0], str | bytes):
            return
        if event != "open" and not os.path.isabs(given[0]) and given[-1] not in (-1, None):
            return  # below a folder that was opened before, as shutil.rmtree has it
        path = os.path.realpath(os.fsdecode(given[0]))
        ours = (str(self._inside), str(self._place / "cache"))
        inside = any(path == one or path.startswith(one + os.sep) for one in ours)
        writes = event != "open" or (isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        bytecode = "__pycache__" in path or path == os.devnull
        read = path.startswith(str(self._place)) and not self._parser.names_others
        if not inside and not bytecode and (writes or read):
            self._touched.append(f"{event} outside the folder: {Path(path).name}")


def peak() -> float:
    """The largest memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


@contextmanager
def bounded() -> Iterator[None]:
    """End the block after :data:`PATIENCE` of processor time, as soon as Python comes to it."""

    def over(number: int, frame: FrameType | None) -> None:
        raise TooLongError(f"more than {PATIENCE:g} s of processor time")

    before = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _told(error: BaseException) -> str:
    """The exception and the innermost place in this project that it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if "ganzoo" in Path(one.filename).parts[-4:-1] or "ganzoo_" in one.filename]
    last = (ours or frames)[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {str(error)[:100]}"


def met_by(
    table: Table, parser: Parser, inputs: int, seed: int, *, begun: Callable[[int], None], first: int = 0
) -> None:
    """Let it meet its inputs from the ``first`` on: all that are mutated, or half of them where hypothesis writes."""
    mutated = inputs if parser.text is None else inputs - inputs // 2
    for number in range(first, mutated):
        begun(number)
        table.meet(number, *table.input(seed, number))
    if parser.text is not None:
        _by_hypothesis(table, parser, inputs - mutated, seed, mutated, begun)


def _by_hypothesis(
    table: Table, parser: Parser, inputs: int, seed: int, first: int, begun: Callable[[int], None]
) -> None:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    numbers = iter(range(first, 10**9))

    @seeded(seed)
    @settings(
        max_examples=inputs,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(parser.text)
    def one(content: bytes) -> None:
        number = next(numbers)
        begun(number)
        table.meet(number, 0, content)

    if inputs:
        one()
