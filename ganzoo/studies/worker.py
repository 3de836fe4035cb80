"""One run of a comparison in a process of its own: ``python -m ganzoo.studies.worker COMPARISON CELL SEED THREADS``.

It ends when its standard input does: the process that started it holds the other end, so that nobody trains on for
somebody who is gone.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path

from ganzoo.allocator import keep_freed_memory
from ganzoo.screen import VisibleFormatter, say


def main(arguments: list[str]) -> int:
    """Do the work; the exit code is that of the error."""
    threading.Thread(target=_end_with_parent, daemon=True).start()  # before torch is imported, which takes a while
    keep_freed_memory()
    from ganzoo.errors import DivergedError, GanzooError, Interrupted, ResourceError
    from ganzoo.studies.comparison import Comparison
    from ganzoo.studies.outcome import write_failure
    from ganzoo.studies.working import work

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(VisibleFormatter("%(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler])
    folder, cell, seed, threads = arguments
    comparison = Comparison.read(Path(folder))
    place = comparison.place(comparison.cell(cell), int(seed))
    try:
        work(comparison, comparison.cell(cell), int(seed), threads=int(threads))
    except (DivergedError, Interrupted) as error:  # the manifest of the run says so
        say(error, err=True)
        return error.exit_code
    except GanzooError as error:
        say(error, err=True)
        with suppress(ResourceError):  # on a full disk; whoever started this tries again, and says so in the end
            write_failure(place, error.message, error.exit_code)
        return error.exit_code
    except Exception as error:
        say(traceback.format_exc(), err=True)
        write_failure(place, f"{type(error).__name__}: {error}")
        return 1
    return 0


def _end_with_parent() -> None:
    """Wait for the end of standard input, then stop as if asked to: a run in training saves a checkpoint first."""
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
