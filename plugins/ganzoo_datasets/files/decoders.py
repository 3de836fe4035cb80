"""Processes that decode pictures, for what Python's lock lets no thread do beside another.

They are programs of their own (:mod:`ganzoo_datasets.files.decoder_program`), not those of :mod:`multiprocessing`: that
would run a user's script again if it has no main guard, or copy the threads of torch, half of them locked.

A process that is lost, be it to a system that lacks memory, is no error: its pictures are decoded here, with the same
result, and what decoding here raises is what would have been raised without it.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from types import TracebackType
from typing import IO

from ganzoo_datasets.files.chunk import Chunk, decode_chunk
from ganzoo_datasets.files.decoder_program import READY
from ganzoo_datasets.files.parcels import hear_chunk, tell, tell_task
from ganzoo_datasets.files.pixels import pillow
from ganzoo_datasets.files.pixels.picture import Rule
from ganzoo_datasets.files.pixels.raster import UnreadablePicture
from ganzoo_datasets.files.sources.files import FileSource, is_loose
from ganzoo_datasets.files.sources.source import PictureSource

logger = logging.getLogger("ganzoo")

PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from ganzoo_datasets.files.decoder_program import main; main()"
"""The packages that are found here are found there, wherever this program got its path from."""


class ProcessGone(Exception):
    """A process that decodes has ended before it answered."""


def handed_over(source: PictureSource) -> FileSource | None:
    """The source, if other processes decode its pictures as this one does: files, in a folder or in an archive."""
    has_python = bool(sys.executable) and not getattr(sys, "frozen", False)
    return source if isinstance(source, FileSource) and has_python and pillow.reads_alone() else None


class Decoder:
    """One process.

    Raises:
        OSError: the system starts no more.
    """

    def __init__(self, source: FileSource, rule: Rule) -> None:
        self._source, self._loose = source, is_loose(source.files)
        self._rule: Rule | None = rule
        """To be told before the first pictures."""
        places = [place for place in sys.path if isinstance(place, str)]  # Python passes over anything else
        self._process = subprocess.Popen(  # noqa: S603  # this program, with arguments of its own
            [sys.executable, "-P", "-X", f"utf8={sys.flags.utf8_mode}", "-c", PROGRAM, *places],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # nothing is multiplied there
            start_new_session=True,  # Ctrl-C is for this process, which ends the others
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout

    def decode(self, names: Sequence[str]) -> Chunk:
        """The pictures, decoded there.

        Raises:
            ProcessGone: it has ended.
        """
        first, self._rule = self._rule, None
        try:
            if first is not None:
                tell_task(self._requests, self._source.files.place if self._loose else None, first)
            tell(self._requests, {"names": names})
            for name in () if self._loose else names:
                _send(self._requests, self._source, name)
            self._requests.flush()
            if first is not None:
                _wait_until_ready(self._answers)
            return hear_chunk(self._answers)
        except (OSError, EOFError, ValueError) as error:
            raise ProcessGone from error

    def kill(self) -> None:
        """End it; it holds nothing that would have to be put away."""
        self._process.kill()

    def close(self) -> str:
        """Leave nothing of a process behind that was killed and whose answer nobody waits for; how it ended."""
        for stream in (self._requests, self._answers):
            with suppress(OSError):  # of what was not sent any more
                stream.close()
        code = self._process.wait()
        return f"exit code {code}" if code >= 0 else signal.strsignal(-code) or f"signal {-code}"


class Decoders:
    """Several processes, each driven by a thread.

    Args:
        source: where the pictures are.
        rule: how they become squares.
        number: how many processes there are at most; fewer where the system starts no more.
    """

    def __init__(self, source: FileSource, rule: Rule, number: int) -> None:
        self._source, self._rule = source, rule
        self._stopped = False
        self._decoders: list[Decoder] = []
        with suppress(OSError):
            for _ in range(number):
                self._decoders.append(Decoder(source, rule))
        self._idle: SimpleQueue[Decoder | None] = SimpleQueue()
        for decoder in (*self._decoders, *[None] * (number - len(self._decoders))):
            self._idle.put(decoder)
        self._pool = ThreadPoolExecutor(number)

    def submit(self, names: Sequence[str]) -> Future[Chunk]:
        """Ask for pictures."""
        return self._pool.submit(self._decode, names)

    def _decode(self, names: Sequence[str]) -> Chunk:
        decoder = self._idle.get()
        try:
            chunk = None if decoder is None else self._answer(decoder, names)
            decoder = None if chunk is None else decoder
        finally:
            self._idle.put(decoder)
        return decode_chunk(self._source, names, self._rule) if chunk is None else chunk

    def _answer(self, decoder: Decoder, names: Sequence[str]) -> Chunk | None:
        """What a process makes of the pictures; ``None`` if it is lost."""
        try:
            return decoder.decode(names)
        except ProcessGone:
            if self._stopped:
                raise
            decoder.kill()
            logger.warning("a process that decodes pictures ended (%s); this one decodes them now", decoder.close())
            return None

    def __enter__(self) -> Decoders:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them at once, whatever they do."""
        self._stopped = True
        for decoder in self._decoders:
            decoder.kill()
        self._pool.shutdown(cancel_futures=True)
        for decoder in self._decoders:
            decoder.close()


def _send(stream: IO[bytes], source: FileSource, name: str) -> None:
    try:
        content, fault = source.content(name), None
    except UnreadablePicture as error:
        content, fault = b"", str(error)
    tell(stream, {"size": len(content), "fault": fault})
    stream.write(content)


def _wait_until_ready(answers: IO[bytes]) -> None:
    while (line := answers.readline()) != READY:
        if not line:
            raise EOFError
