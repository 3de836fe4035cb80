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
from ganzoo.studies.mirroring import Held, Parcel, pack, take_over
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
    """

    messages: tuple[Message, ...]
    parcel: Parcel | None
    end: str | None


class Keeper:
    """Does what is left to do of a comparison in a folder of its own, whether or not somebody follows.

    Args:
        definition: the text of ``comparison.yaml``.
        parcel: what is there of its cells.
        share: what each run reserves.
    """

    def __init__(self, definition: str, parcel: Parcel | None, share: Share) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="ganzoo-keeper-"))
        (self._folder / FILE).write_text(definition, encoding="utf-8")
        self._comparison = Comparison.read(self._folder)
        self._cells = self._folder / "cells"
        if parcel is not None:
            take_over(self._cells, parcel)
        self._share, self._stop = share, Stop()
        self._messages: list[Message] = []
        self._end: str | None = None
        threading.Thread(target=self._drive, daemon=True).start()

    def news(self, heard: int, held: Held) -> News:
        """What is new to somebody who has heard so many messages and has these files."""
        end, messages = self._end, tuple(self._messages[heard:])  # before the files, which show at least that much
        return News(messages=messages, parcel=pack(self._cells, held, everything=end is not None), end=end)

    def stop(self) -> None:
        """Let every run save a checkpoint and end."""
        self._stop.signal_number = signal.SIGINT

    def remove(self) -> None:
        """Remove the folder here."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _drive(self) -> None:
        try:
            engine = RayRuns(self._comparison, import_module("ray"), self._share)
            drive(self._comparison, engine=engine, tell=self._tell, after=lambda: None, stop=self._stop)
            self._end = "done"
        except Interrupted:
            self._end = "stopped"
        except BaseException:  # nobody else would ever hear of it
            self._end = traceback.format_exc()

    def _tell(self, job: Job, status: str, done: int, total: int) -> None:
        message = Message(cell=job.cell.folder, seed=job.seed, status=status, done=done, total=total)
        self._messages.append(message)
