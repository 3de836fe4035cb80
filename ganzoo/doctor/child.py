"""Asks a module in a process of its own, which torch, a driver or a plugin may end as it likes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PATIENCE = 180
"""Seconds that the process may take to answer."""

_ROW = "ganzoo-doctor: "
_END = f"{_ROW}null"
_EXCEPTION = "ended with exit code 1"
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of asking.

    Attributes:
        rows: what was found before the process ended.
        chatter: what was printed on standard error.
        ending: how the process ended; empty if well.
    """

    rows: list[dict[str, Any]]
    chatter: str
    ending: str

    @property
    def reason(self) -> str:
        """Why it ended, in one line: where an exception ended it, that says more than an exit code."""
        lines = self.chatter.strip().splitlines()
        return lines[-1] if lines and self.ending == _EXCEPTION else self.ending


def ask(module: str, environ: Mapping[str, str] = _NOTHING) -> Answer:
    """Run a module that calls :func:`tell`, at most :data:`PATIENCE` seconds; ``environ`` is added to our own."""
    # -P: a file torch.py in the current folder must not stand in for torch, as little as it does for the command.
    command = (sys.executable, "-P", "-X", "faulthandler", "-m", module)
    try:
        ended = subprocess.run(  # noqa: S603  # this program, with arguments of its own
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            env={**os.environ, **environ},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return _answer(error.stdout, error.stderr, f"no answer within {PATIENCE} seconds")
    except OSError as error:
        return _answer(None, None, f"{sys.executable} cannot be started: {error}")
    return _answer(ended.stdout, ended.stderr, _ending(ended.returncode))


def tell(findings: Iterable[DataclassInstance]) -> None:
    """In the process that is asked: print each finding as soon as it is known, and that it came to its end."""
    for finding in findings:
        # A library may have left a line of its own unfinished.
        print(f"\n{_ROW}{json.dumps(asdict(finding))}", flush=True)
    print(f"\n{_END}", flush=True)


def _answer(out: bytes | None, chatter: bytes | None, ending: str) -> Answer:
    lines = (out or b"").decode("utf-8", errors="replace").splitlines()
    return Answer(
        rows=[json.loads(line.removeprefix(_ROW)) for line in lines if line.startswith(_ROW) and line != _END],
        chatter=(chatter or b"").decode("utf-8", errors="replace"),
        ending=ending or ("" if _END in lines else "ended with exit code 0 before it was done"),
    )


def _ending(code: int) -> str:
    if code < 0:
        return f"ended by signal {-code} ({signal.strsignal(-code)})"
    return f"ended with exit code {code}" if code else ""
