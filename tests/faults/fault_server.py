"""Work that meets faults: every case in a process of its own, forked from one that has imported torch.

``python fault_server.py JOB.json`` under ``LD_PRELOAD=shim.so``. The job names the folder, the work (a module of
:mod:`works`, and settings), and which cases are met. A line of JSON comes back for each case:

- ``code``: the exit code that the error stands for; ``None`` if the process was killed;
- ``trouble``: what must never happen: an exception that is no error of ganzoo's own, a stuck process, half a file that
  stays, work that does not go on, or that comes to something else.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from works.work import Found, Work

from ganzoo.errors import GanzooError

MODES = {"count": 0, "fail": 1, "full": 2, "tear": 3, "kill": 4}
MET = {"kill": "owrmudftc", "fail": "owrmudftc", "tear": "w", "full": "owrm"}
"""Kinds of operations that a mode acts on: half of a flush is none, and only what takes space meets a full disk."""
PATIENCE = 600.0
"""Seconds after which a process counts as stuck; on a busy machine, a comparison takes some of them."""
LONGEST = 1000
"""Letters of what is said of a difference."""
ALLOWED = {0, 6, 7}
"""What a fault may end with: not at all, no space or no permission, no intact checkpoint."""


class Server:
    """One kind of work, its undisturbed outcome, and cases of it."""

    def __init__(self, folder: Path, work: Work) -> None:
        self._folder, self._work = folder, work
        self._shim = ctypes.CDLL(None)
        self._shim.fault_kinds.restype = ctypes.c_char_p
        work.warm(folder / "warm")
        work.prepare(folder / "before")
        gc.collect()
        gc.freeze()  # what is collected in a forked process would be copied first
        self.operations: dict[str, str] = {}
        self._expected, *others = [self._undisturbed(phase) for phase in work.phases]
        for other in others:
            assert other == self._expected, _difference(other, self._expected)

    def _undisturbed(self, phase: str) -> Found:
        """What every case must come to; counts the operations, and goes on where nothing is left to do."""
        folder = self._begun(phase, f"{phase}-whole")
        counted = in_a_process(lambda: self._met(folder, phase, 0, "count"))
        assert counted["code"] == 0, counted
        self.operations[phase] = str(counted["kinds"])
        found = in_a_process(lambda: self._gone_on(folder))
        assert "trouble" not in found, found["trouble"]
        shutil.rmtree(folder)
        return found

    def _begun(self, phase: str, name: str) -> Path:
        folder = self._folder / name
        begins_with = self._folder / "before" / phase
        if begins_with.exists():
            shutil.copytree(begins_with, folder, symlinks=True)
        else:
            folder.mkdir(parents=True)
        return folder

    def _met(self, folder: Path, phase: str, number: int, mode: str) -> Found:
        self._shim.fault_arm(os.fsencode(folder), ctypes.c_long(number), MODES[mode])
        found = _code_of(lambda: self._work.meet(folder, phase))
        found["kinds"] = self._shim.fault_kinds().decode() if mode == "count" else ""
        return found

    def _gone_on(self, folder: Path) -> Found:
        self._work.go_on(folder)
        return self._work.outcome(folder)

    def numbers(self, phase: str, mode: str) -> list[int]:
        """The operations that a mode acts on, from 1."""
        return [number for number, kind in enumerate(self.operations[phase], 1) if kind in MET[mode]]

    def case(self, phase: str, mode: str, number: int) -> Found:
        """Meet one fault, then go on as a user would."""
        folder = self._begun(phase, f"{phase}-{mode}-{number}")
        met = in_a_process(lambda: self._met(folder, phase, number, mode))
        trouble = met.get("trouble")
        if not trouble and met.get("code") not in {*ALLOWED, None}:
            trouble = f"exit code {met['code']}: {met.get('said')}"
        if not trouble:
            found = in_a_process(lambda: self._gone_on(folder))
            trouble = found.get("trouble") or _difference(found, self._expected)
        shutil.rmtree(folder, ignore_errors=True)
        kind = self.operations[phase][number - 1]
        return {"phase": phase, "mode": mode, "number": number, "kind": kind, "code": met.get("code")} | {
            "trouble": trouble
        }


def _difference(found: Found, expected: Found) -> str | None:
    different = [key for key, value in expected.items() if found.get(key) != value]
    said = f"differs in {', '.join(different)}: {[found.get(key) for key in different]}"
    return said[:LONGEST] if different else None


def _code_of(work: Callable[[], object]) -> Found:
    try:
        work()
    except GanzooError as error:
        return {"code": error.exit_code, "said": str(error)}
    return {"code": 0}


def in_a_process(work: Callable[[], Found]) -> Found:
    """What ``work`` returns, from a process of its own; nothing if it was killed."""
    receive, send = os.pipe()
    child = os.fork()
    if not child:
        os.close(receive)
        try:
            found = work()
        except BaseException:
            found = {"code": 1, "trouble": traceback.format_exc()}
        ctypes.CDLL(None).fault_release()
        os.write(send, json.dumps(found).encode())
        os._exit(0)
    os.close(send)
    deadline = time.monotonic() + PATIENCE
    with open(receive, "rb") as file:
        while not os.waitpid(child, os.WNOHANG)[0]:
            if time.monotonic() > deadline:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return {"code": None, "trouble": f"stuck for {PATIENCE:.0f} s"}
            time.sleep(0.002)
        content = file.read()
    return json.loads(content) if content else {"code": None}


def _asked(server: Server, job: dict[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Phase, mode and number of each case; every how many-th of those that a mode acts on, without what is done."""
    done = {tuple(case) for case in job.get("done", ())}
    for mode, first, apart in job["cases"]:
        for phase in server.operations:
            for number in server.numbers(phase, mode)[first::apart]:
                if (phase, mode, number) not in done:
                    yield phase, mode, number


def main(job: dict[str, Any]) -> None:
    """Print the kinds of operations, then a line for each case."""
    server = Server(Path(job["folder"]), import_module(f"works.{job['work']}").Met(**job["settings"]))
    print(json.dumps({"operations": server.operations}), flush=True)
    for phase, mode, number in _asked(server, job):
        print(json.dumps(server.case(phase, mode, number)), flush=True)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
