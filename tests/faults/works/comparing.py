"""Comparisons of two runs, and their measuring. The phase says who meets the fault: their driver, or the first worker.

The workers are forked, not started anew: all that is left out is to import torch again.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import IO, Any

from ganzoo.registry import Registry
from ganzoo.runs.directory import RunDirectory
from ganzoo.studies import local_processes, worker
from ganzoo.studies.comparing import compare
from ganzoo.studies.comparison import FILE
from works.work import Found, a_day_later, digest, leftovers

SETTINGS = {
    "data.n": 64,
    "discriminator.width": 4,
    "generator.width": 4,
    "generator.latent": 2,
    "train.batch_size": 4,
    "train.checkpoint_every": 1,
    "train.keep": "last 1",
    "train.log_every": 1,
    "train.sample_every": 2,
    "runtime.device": "cpu",
}
ALL_FILES = 256
armed = "nobody"
"""Who counts operations: the ``driver``, or the first ``worker``."""
place = Path()
"""Where a link says that a worker lives, or has lived."""
PATIENCE = 60.0
"""Seconds in which a worker that lost its driver has ended."""


class Met:
    """Two cells of one seed each."""

    phases = ("driver", "worker")

    def __init__(self) -> None:
        self._registry = Registry.load(plugins=False)
        local_processes.subprocess.Popen = Forked  # type: ignore[misc, assignment]

    def warm(self, folder: Path) -> None:
        self._compare(folder)

    def prepare(self, folder: Path) -> None:
        """All phases begin with nothing."""

    def _compare(self, folder: Path) -> None:
        global place
        place, os.environ["GANZOO_CACHE"] = folder, str(folder / "cache")
        compare(
            loss=["hinge", "bce"],
            discriminator="mlp",
            data="ring",
            settings=SETTINGS,
            seeds=1,
            steps=2,
            n=50,
            out=folder / "comparisons",
            registry=self._registry,
        )

    def meet(self, folder: Path, phase: str) -> None:
        global armed
        armed = phase
        if phase == "worker":
            ctypes.CDLL(None).fault_release()
        self._compare(folder)

    def go_on(self, folder: Path) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and any(map(_lives, folder.glob("worker-*"))):
            time.sleep(0.01)
        a_day_later(folder)
        self._compare(folder)

    def outcome(self, folder: Path) -> Found:
        [path] = [file.parent for file in (folder / "comparisons").glob(f"0*/{FILE}")]
        board = json.loads((path / "leaderboard.json").read_text(encoding="utf-8"))
        runs = [RunDirectory(found.parent) for found in sorted(path.rglob("config.yaml"))]
        return {
            "verdict": board["verdict"],
            "board": _timeless(board),
            "runs": [(run.path.name, run.read_manifest()["status"]) for run in runs],
            "weights": [digest(file) for run in runs for file in sorted(run.checkpoints.rglob("*.safetensors"))],
            "left over": [*leftovers(path), *leftovers(folder / "cache")],
        }


def _lives(link: Path) -> bool:
    return Path(f"/proc/{link.name.removeprefix('worker-')}").exists()


def _timeless(content: Any) -> Any:
    """A leaderboard without times and places: a folder that was cut short before it held a comparison has a number."""
    if isinstance(content, dict):
        kept = {key: value for key, value in content.items() if key not in ("seconds", "path", "run")}
        kept = {key: value for key, value in kept.items() if not (key == "name" and "cells" in content)}
        return {key: _timeless(value) for key, value in kept.items()}
    return [_timeless(one) for one in content] if isinstance(content, list) else content


class Forked:
    """What :class:`subprocess.Popen` does for a worker, without starting Python anew."""

    def __init__(self, command: list[str], *, stdout: IO[bytes], **others: Any) -> None:
        global armed
        receive, send = os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if not self.pid:
            _work(command, receive, stdout.fileno())
        os.close(receive)
        self.stdin = os.fdopen(send, "wb")
        if armed == "worker":
            armed = "nobody"  # the next one is whole

    def poll(self) -> int | None:
        if self.returncode is None and (found := os.waitpid(self.pid, os.WNOHANG))[0]:
            self.returncode = os.waitstatus_to_exitcode(found[1])
        return self.returncode

    def wait(self) -> int:
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode


def _work(command: list[str], receive: int, log: int) -> None:
    """Be the worker that ``command`` names."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        (place / f"worker-{os.getpid()}").symlink_to("here")
        (ctypes.CDLL(None).fault_resume if armed == "worker" else ctypes.CDLL(None).fault_release)()
        for number, file in enumerate((receive, log, log)):
            os.dup2(file, number)
        os.closerange(3, ALL_FILES)
        code = worker.main(command[3:])
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(code)
