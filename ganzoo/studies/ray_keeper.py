"""What stays on a Ray cluster when the command that started a comparison is gone."""

from __future__ import annotations

import shutil
import signal
import tempfile
import threading
import traceback
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ganzoo.errors import Interrupted
from ganzoo.runs.interruption import Stop
from ganzoo.studies.comparison import FILE, Comparison
from ganzoo.studies.driving import Job, drive
from ganzoo.studies.mirroring import Copy, Held, Parcel, pack
from ganzoo.studies.ray_cluster import Share
from ganzoo.studies.ray_engine import RayRuns


@dataclass(frozen=True, kw_only=True)
class Message:
    """What was told of a run: its cell and seed, what it does, how many are done, and how many there are."""

    cell: str
    seed: int
    status: str
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class News:
    """What a follower has not heard.

    Attributes:
        messages: what was told.
        parcel: what changed in the folder of cells.
        end: ``None`` while runs go on; then ``done``, ``stopped``, or the error.
        killed: the runs that had not saved a checkpoint in time when all were stopped.
    """

    messages: tuple[Message, ...]
    parcel: Parcel | None
    end: str | None
    killed: tuple[str, ...] = ()


class Keeper:
    """Takes over a comparison and does what is left to do of it, whether or not somebody follows.

    Args:
        definition: the text of ``comparison.yaml``.
        share: what each run reserves.
    """

    def __init__(self, definition: str, share: Share) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="ganzoo-keeper-"))
        (self._folder / FILE).write_text(definition, encoding="utf-8")
        self._comparison = Comparison.read(self._folder)
        self._cells = self._folder / "cells"
        self._copy = Copy(self._cells)
        self._share, self._stop = share, Stop()
        self._messages: list[Message] = []
        self._killed: tuple[str, ...] = ()
        self._end: str | None = None
        self._begun = False

    def take(self, parcel: Parcel) -> Held:
        """Take over a part of what is there of the cells; returns what is here now."""
        self._copy.take_over(parcel)
        return self._copy.holds()

    def start(self) -> None:
        """Begin, once all of it is here."""
        self._begun = True
        threading.Thread(target=self._drive, daemon=True).start()

    def has_begun(self) -> bool:
        """Whether it does: a command that was killed while it sent the cells leaves a keeper that never will."""
        return self._begun

    def news(self, heard: int, held: Held) -> News:
        """What is new to somebody who has heard so many messages and has these files."""
        end, messages = self._end, tuple(self._messages[heard:])  # before the files, which show at least that much
        parcel = pack(self._cells, held, everything=end is not None)
        return News(messages=messages, parcel=parcel, end=end, killed=self._killed)

    def stop(self) -> None:
        """Let every run save a checkpoint and end."""
        self._stop.signal_number = signal.SIGINT

    def remove(self) -> None:
        """Remove the folder here."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _drive(self) -> None:
        engine = RayRuns(self._comparison, import_module("ray"), self._share)
        try:
            drive(self._comparison, engine=engine, tell=self._tell, after=lambda: None, stop=self._stop)
            self._end = "done"
        except Interrupted:
            self._killed, self._end = tuple(map(str, engine.killed)), "stopped"
        except BaseException:  # nobody else would ever hear of it
            self._end = traceback.format_exc()

    def _tell(self, job: Job, status: str, done: int, total: int) -> None:
        message = Message(cell=job.cell.folder, seed=job.seed, status=status, done=done, total=total)
        self._messages.append(message)
