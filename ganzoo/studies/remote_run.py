"""One process of a run of a comparison on a node of a cluster, in a folder of that node."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ganzoo.studies.comparison import FILE, LOG, Comparison
from ganzoo.studies.driving import Job
from ganzoo.studies.interfaces import interface_with
from ganzoo.studies.local_processes import LocalProcesses
from ganzoo.studies.mirroring import Copy, Held, Parcel, pack
from ganzoo.studies.outcome import outcome_of
from ganzoo.studies.seats import Seat, free_port

LOOK = 0.2
"""Seconds between two looks at the folder."""
WAIT = 1.0
"""Seconds after which a poll says that there is nothing new."""
MOST_SAID = 20_000
"""So many bytes of what it printed are kept of a process that wrote no run."""


@dataclass(frozen=True, kw_only=True)
class End:
    """What is left of a process that wrote no run.

    Attributes:
        how: it ended.
        said: what it printed.
        failure: reason and exit code, if it was this one that noted why all failed.
    """

    how: str
    said: str
    failure: tuple[str, int | None] | None


class RunOnNode:
    """Takes over the folder of a run, and then goes on with it; its process ends when this one does.

    Args:
        definition: the text of ``comparison.yaml``.
        cell: the folder of the cell.
        seed: of the run.
        threads: of its process.
        number: which of the processes of the run this one starts.
    """

    def __init__(self, definition: str, cell: str, seed: int, threads: int, number: int = 0) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="ganzoo-run-"))
        (self._folder / FILE).write_text(definition, encoding="utf-8")
        comparison = Comparison.read(self._folder)
        self._job = Job(cell=comparison.cell(cell), seed=seed)
        self._place = comparison.place(self._job.cell, seed)
        self._copy = Copy(self._place)
        self._engine = LocalProcesses(comparison, 1, threads=threads)
        self._number, self._size = number, comparison.processes
        self._said = 0  # bytes that attempts before this one have printed
        self._how: str | None = None

    def take(self, parcel: Parcel | None) -> Held:
        """Take over what is there of the run, or a part of it; returns what is here now."""
        if parcel is not None:
            self._copy.take_over(parcel)
        return self._copy.holds()

    def meeting(self) -> tuple[str, int]:
        """Address and port at which processes of other nodes meet the one of this."""
        address = _address()
        return address, free_port(address)

    def start(self, meeting: tuple[str, int] | None) -> None:
        """Go on with the run; if others train it as well, once all meet there."""
        seat = None
        if meeting is not None:
            address, port = meeting
            interface = interface_with(_address())
            seat = Seat(number=self._number, size=self._size, address=address, port=port, interface=interface)
        log = self._place / LOG
        self._said = log.stat().st_size if log.exists() else 0
        self._engine.start(self._job, seat)

    def poll(self, held: Held) -> tuple[Parcel | None, str | None]:
        """What is new to somebody who has ``held``, and how the run ended, if it has; waits a moment for either."""
        until = time.monotonic() + WAIT
        while True:
            self._look()
            parcel = pack(self._place, held, everything=self._how is not None)
            if parcel is not None or self._how is not None or time.monotonic() > until:
                return parcel, self._how
            time.sleep(LOOK)

    def end(self) -> End | None:
        """Of a process that does not write the run: what is left of it, if it has ended; waits a moment for that."""
        until = time.monotonic() + WAIT
        while not self._look():
            if time.monotonic() > until:
                return None
            time.sleep(LOOK)
        said = (self._place / LOG).read_bytes()[self._said :]
        found = outcome_of(self._place)
        failure = (str(found.reason), found.exit_code) if found.status == "failed" else None
        return End(how=str(self._how), said=said[-MOST_SAID:].decode(errors="replace"), failure=failure)

    def stop(self) -> None:
        """Let it save a checkpoint and end; :meth:`poll` says when it has."""
        self._engine.close()

    def remove(self) -> None:
        """Remove the folder on this node."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _look(self) -> bool:
        """Whether its process has ended."""
        self._how = self._how or self._engine.ended().get(self._job)
        return self._how is not None


def _address() -> str:
    """That of this node, by which others of the cluster reach it."""
    address: str = import_module("ray").util.get_node_ip_address()
    return address
