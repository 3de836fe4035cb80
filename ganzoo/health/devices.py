"""What torch makes of this machine. It is asked in a process of its own, and may end that one as it likes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from ganzoo.health.check import Check
from ganzoo.health.device_probe import CACHE, Probe

PATIENCE = 180
"""Seconds that torch may take to answer."""

_EXIT_CODE = "ended with exit code"
# -P: a file torch.py in the current folder must not stand in for torch, as little as it does for the command.
_COMMAND = (sys.executable, "-P", "-m", "ganzoo.health.device_probe")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of asking torch.

    Attributes:
        probes: what it said of itself and of devices before it ended.
        cache: the folder of decoded pictures, if it came so far.
        chatter: what was printed on standard error.
        ending: how the process ended; empty if well.
    """

    probes: tuple[Probe, ...]
    cache: str | None
    chatter: str
    ending: str


def ask_torch() -> Answer:
    """Start :mod:`ganzoo.health.device_probe` and wait for it, at most :data:`PATIENCE` seconds."""
    try:
        ended = subprocess.run(_COMMAND, capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        return _answer(error.stdout, error.stderr, f"no answer within {PATIENCE} seconds")
    except OSError as error:
        return _answer(None, None, f"{sys.executable} cannot be started: {error}")
    return _answer(ended.stdout, ended.stderr, _ending(ended.returncode))


def device_checks(answer: Answer) -> Iterator[Check]:
    """What torch said, and a fault if it did not come to its end."""
    for probe in answer.probes:
        yield Check(section="devices", name=probe.name, status="note" if probe.note else "ok", text=probe.text)
    if answer.ending:
        yield _breakdown(answer)
    elif answer.chatter.strip():
        yield Check(section="devices", name="torch", status="note", text="printed", traceback=answer.chatter)


def _answer(out: bytes | None, chatter: bytes | None, ending: str) -> Answer:
    text = (out or b"").decode("utf-8", errors="replace")
    said = (chatter or b"").decode("utf-8", errors="replace")
    probes = list(_read(text))
    return Answer(
        probes=tuple(probe for probe in probes if probe.name != CACHE),
        cache=next((probe.text for probe in probes if probe.name == CACHE), None),
        chatter=said,
        ending=ending,
    )


def _ending(code: int) -> str:
    if code < 0:
        return f"ended by signal {-code} ({signal.strsignal(-code)})"
    return f"{_EXIT_CODE} {code}" if code else ""


def _read(out: str) -> Iterator[Probe]:
    """The probes among what was printed; a library may have printed lines between them."""
    for line in out.splitlines():
        with suppress(ValueError, TypeError):
            yield Probe(**json.loads(line))


def _breakdown(answer: Answer) -> Check:
    """The last line on standard error says more than an exit code."""
    lines = answer.chatter.strip().splitlines()
    reason = lines[-1] if lines and answer.ending.startswith(_EXIT_CODE) else answer.ending
    imported = any(probe.name == "torch" for probe in answer.probes)
    reinstall = "python -m pip install --force-reinstall torch"
    return Check(
        section="devices",
        name="torch",
        status="fault",
        text=f"{'cannot be used' if imported else 'cannot be imported'}: {reason}",
        fixes=("ganzoo run --device cpu", reinstall) if imported else (reinstall,),
        traceback=answer.chatter,
    )
