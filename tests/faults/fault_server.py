"""Runs that meet faults: every case in a process of its own, forked from one that has imported torch.

``python fault_server.py JOB.json`` under ``LD_PRELOAD=shim.so``. The job says the folder, the configuration, the steps
of the run, and the cases: phase (``new`` or ``resume``), mode and number. A line of JSON comes back for each case:

- ``code``: the exit code that the error stands for; ``None`` if the process was killed;
- ``trouble``: what must never happen: an exception that is no error of ganzoo's own, a stuck process, half a file that
  stays, a run that does not go on, or one that comes to other numbers.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from ganzoo.config.layers import ConfigLayer, flatten
from ganzoo.errors import GanzooError
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import Plan, make_plan
from ganzoo.registry import Registry
from ganzoo.runs import session
from ganzoo.runs.directory import RunDirectory
from ganzoo.screen import Screen

MODES = {"count": 0, "fail": 1, "full": 2, "tear": 3, "kill": 4}
PATIENCE = 60.0
"""Seconds after which a process counts as stuck."""
ALLOWED = {0, 6, 7}
"""What a fault may end with: not at all, no space or no permission, no intact checkpoint."""
QUIET = Screen(quiet=True)
Found = dict[str, object]


class Server:
    """One configuration, its undisturbed outcome, and cases of it."""

    def __init__(self, folder: Path, config: dict[str, object], steps: int) -> None:
        self._folder, self._config, self._steps = folder, config, steps
        self._registry = Registry.load(plugins=False)
        self._shim = ctypes.CDLL(None)
        self._shim.fault_count.restype = ctypes.c_long
        self._plan = self._planned(steps)
        _warm(self._planned(1), folder / "warm")
        self.operations: dict[str, int] = {}
        self._half = folder / "half"
        self._expected = self._undisturbed()

    def _planned(self, steps: int) -> Plan:
        layers = [ConfigLayer("job", flatten(self._config)), ConfigLayer("--steps", {"train.steps": steps})]
        return make_plan(choose(self._registry, layers))

    def _undisturbed(self) -> Found:
        whole = self._folder / "whole"
        self.operations["new"] = self._counted(whole, lambda: self._start(whole))
        half = self._planned(self._steps // 2)
        _in_a_process(lambda: _code_of(lambda: session.start(half, out=self._half, console=QUIET)))
        again = self._folder / "again"
        shutil.copytree(self._half, again)
        self.operations["resume"] = self._counted(again, lambda: self._resume(_only_run(again)))
        expected = _outcome(_only_run(whole))
        assert _outcome(_only_run(again)) == expected, "a resumed run differs without any fault"
        return expected

    def _counted(self, folder: Path, work: Callable[[], object]) -> int:
        def count() -> Found:
            self._arm(folder, 0, "count")
            work()
            return {"count": self._shim.fault_count()}

        return int(str(_in_a_process(count)["count"]))

    def _arm(self, folder: Path, number: int, mode: str) -> None:
        self._shim.fault_arm(os.fsencode(folder), ctypes.c_long(number), MODES[mode])

    def _start(self, folder: Path) -> None:
        session.start(self._plan, out=folder, console=QUIET)

    def _resume(self, run: RunDirectory) -> None:
        changes = [ConfigLayer("--steps", {"train.steps": self._steps})]
        session.resume(self._registry, run, changes=changes, console=QUIET)

    def case(self, phase: str, mode: str, number: int) -> Found:
        """Meet one fault, then go on as a user would."""
        folder = self._folder / f"{phase}-{mode}-{number}"
        if phase == "resume":
            shutil.copytree(self._half, folder)

        def meet() -> Found:
            self._arm(folder, number, mode)
            work = (lambda: self._start(folder)) if phase == "new" else (lambda: self._resume(_only_run(folder)))
            return _code_of(work)

        met = _in_a_process(meet)
        trouble = met.get("trouble")
        if not trouble and met.get("code") not in {*ALLOWED, None}:
            trouble = f"exit code {met['code']}: {met.get('said')}"
        if not trouble:
            trouble = _in_a_process(lambda: {"trouble": self._trouble_after(folder)}).get("trouble")
        shutil.rmtree(folder, ignore_errors=True)
        return {"phase": phase, "mode": mode, "number": number, "code": met.get("code"), "trouble": trouble}

    def _trouble_after(self, folder: Path) -> str | None:
        """What is wrong once the run has gone on; a run that never counted is started again."""
        runs = [RunDirectory(path) for path in sorted(folder.glob("0*")) if (path / "config.yaml").exists()]
        if runs:
            self._resume(runs[0])
        else:
            self._start(folder)
            runs = [RunDirectory(sorted(folder.glob("0*"))[-1])]
        found = _outcome(runs[0])
        different = [key for key, value in self._expected.items() if found[key] != value]
        return f"differs in {', '.join(different)}: {[found[key] for key in different]}" if different else None


def _warm(plan: Plan, folder: Path) -> None:
    """Import here what every run imports, so that the processes of the cases need not."""
    session.start(plan, out=folder, console=QUIET)


def _only_run(folder: Path) -> RunDirectory:
    [path] = folder.glob("0*")
    return RunDirectory(path)


def _outcome(run: RunDirectory) -> Found:
    rows = [json.loads(line) for line in run.metrics.read_text(encoding="utf-8").splitlines()]
    newest = run.checkpoint_folders()[0]
    return {
        "status": run.read_manifest()["status"],
        "rows": [{key: value for key, value in row.items() if "time" not in key} for row in rows],
        "weights": [_digest(path) for path in sorted(newest.glob("*.safetensors"))],
        "grids": [_digest(path) for path in run.grids()],
        "film": (run.path / "samples.gif").exists(),
        "left over": sorted(path.name for path in run.path.rglob("*.partial")),
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _code_of(work: Callable[[], object]) -> Found:
    try:
        work()
    except GanzooError as error:
        return {"code": error.exit_code, "said": str(error)}
    return {"code": 0}


def _in_a_process(work: Callable[[], Found]) -> Found:
    """What ``work`` returns, from a process of its own; nothing if it was killed."""
    receive, send = os.pipe()
    child = os.fork()
    if not child:
        os.close(receive)
        try:
            found = work()
        except BaseException:
            found = {"code": 1, "trouble": traceback.format_exc()}
        ctypes.CDLL(None).fault_arm(b"", ctypes.c_long(0), 0)
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


def main(job: dict[str, object]) -> None:
    """Print the numbers of operations, then a line for each case; cases of ``every`` are all of some modes."""
    server = Server(Path(str(job["folder"])), dict(job["config"]), int(str(job["steps"])))  # type: ignore[call-overload]
    print(json.dumps({"operations": server.operations}), flush=True)
    for phase, count in server.operations.items():
        for mode, first, apart in job["cases"]:  # type: ignore[attr-defined]
            for number in range(1 + first, count + 1, apart):
                print(json.dumps(server.case(phase, mode, number)), flush=True)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
