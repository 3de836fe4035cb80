"""One run of a comparison in a process of its own: ``python -m ganzoo.studies.worker COMPARISON CELL SEED THREADS``.

It ends when its standard input does: the process that started it holds the other end, so that nobody trains on for
somebody who is gone. Where several train the run together, each of them is such a process, and the environment says
which (:mod:`ganzoo.studies.seats`).
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path

from ganzoo import launch
from ganzoo.allocator import keep_freed_memory
from ganzoo.screen import Screen, VisibleFormatter
from ganzoo.torch_import import load_torch

SAVED = 90.0
"""Seconds after which a process that waits for another one, and hears no signal, ends all the same."""


def main(arguments: list[str]) -> int:
    """Do the work; the exit code is that of the error."""
    threading.Thread(target=_end_with_parent, daemon=True).start()  # before torch is imported, which takes a while
    keep_freed_memory()
    load_torch()
    from ganzoo.errors import DivergedError, GanzooError, Interrupted, ProcessLostError, ResourceError
    from ganzoo.studies.comparison import Comparison
    from ganzoo.studies.outcome import write_failure
    from ganzoo.studies.working import work

    handler = logging.NullHandler() if launch.silent() else logging.StreamHandler(sys.stderr)
    handler.setFormatter(VisibleFormatter("%(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler])
    folder, cell, seed, threads = arguments
    comparison = Comparison.read(Path(folder))
    place = comparison.place(comparison.cell(cell), int(seed))
    code = 0
    try:
        work(comparison, comparison.cell(cell), int(seed), threads=int(threads))
    except GanzooError as error:
        code = error.exit_code
        if launch.tells_of_error():
            _say(str(error))
            # The manifest says so, or whoever started this sees what was lost, and lets the run go on.
            if not isinstance(error, (DivergedError, Interrupted, ProcessLostError)):
                with suppress(
                    ResourceError
                ):  # on a full disk; whoever started this tries again, and says so in the end
                    write_failure(place, error.message, code)
        launch.leave()
    except Exception as error:
        code = 1
        if launch.tells_of_error():
            _say(traceback.format_exc())
            write_failure(place, f"{type(error).__name__}: {error}")
        launch.leave()
    return code


def _say(words: str) -> None:
    Screen(stderr=True, soft_wrap=True, anyhow=True).print(words)


def _end_with_parent() -> None:
    """Wait for the end of standard input, then stop as if asked to: a run in training saves a checkpoint first."""
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    if launch.launched()[1] > 1:
        time.sleep(SAVED)
        os._exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
