"""What a process that decodes does: it is told of pictures by its input, and answers by its output, until that ends.

It imports what decoding needs and nothing else: no torch, and nothing of the program that started it.
"""

from __future__ import annotations

import io
import os
import select
import signal
import sys
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

from ganzoo_datasets.files.chunk import decode_chunk, without_warnings
from ganzoo_datasets.files.parcels import hear, hear_task, taken, tell_chunk
from ganzoo_datasets.files.pixels.raster import UnreadablePicture
from ganzoo_datasets.files.sources.files import FileSource, LooseFiles

READY = b"ganzoo decodes\n"
"""What it says first; whatever was printed before it, as by a ``sitecustomize``, is not its own."""


def main() -> None:
    """Decode what is asked for until nobody can ask any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that asks
    threading.Thread(target=_end_with_input, daemon=True).start()
    # A reader may print, and what it prints must not stand among the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    answers.write(READY)
    with without_warnings():
        _answer(sys.stdin.buffer, answers)


def _answer(requests: IO[bytes], answers: IO[bytes]) -> None:
    folder, rule = hear_task(requests)
    sent = SentFiles(requests)
    source = FileSource(sent if folder is None else LooseFiles(folder))
    while True:
        answers.flush()
        try:
            names = hear(requests)["names"]
        except EOFError:
            return
        tell_chunk(answers, decode_chunk(source, Arriving(names, sent) if folder is None else names, rule))


class SentFiles:
    """Files that come one after another by a stream: the content of each, or why it cannot be had."""

    place: Path = Path()
    names: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._content = b""
        self._fault: str | None = None

    def next(self) -> None:
        """Take the next one."""
        self._content = b""  # before there is another
        words = hear(self._stream)
        self._fault, self._content = words["fault"], taken(self._stream, words["size"])

    def state(self, name: str) -> str:
        """Nobody asks: whoever sends them knows."""
        return ""

    def open(self, name: str) -> IO[bytes]:
        """The one that came last."""
        if self._fault is not None:
            raise UnreadablePicture(self._fault)
        return io.BytesIO(self._content)


class Arriving(Collection[str]):
    """Names whose files are taken as they are walked through, so that one is in memory at a time."""

    def __init__(self, names: Collection[str], sent: SentFiles) -> None:
        self._names, self._sent = names, sent

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        for name in self._names:
            self._sent.next()
            yield name


def _end_with_input() -> None:
    """End in the middle of a picture once the one that asks is gone, even if it was killed."""
    if hasattr(select, "poll"):
        ends = select.poll()
        ends.register(sys.stdin.fileno(), 0)  # of its end alone, which is told whether one asks or not
        ends.poll()
        os._exit(0)
