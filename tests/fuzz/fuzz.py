# ruff: noqa: E501  # rows of a table are one line
"""A hundred thousand inputs, mutated and generated, for everything that is read of strangers.

    python tests/fuzz/fuzz.py --inputs 100000 --seed 0

Prints a row for each parser, then what must not be, with the number of the first input that did it. Each parser has a
process of its own, so that one that dies or never comes back, in a decoder of somebody else's, is told and costs one
input. ``--only NAME`` takes one parser; ``--number N`` runs one input, with the traceback. The exit code is 1 if there
was a bug.
"""

from __future__ import annotations

import argparse
import json
import logging
import mmap
import os
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))

import meeting
from parsers import PARSERS, Parser, a_run

FAULTY = 99
"""The exit code of a process whose own harness raised."""
STUCK = 60.0
"""Seconds of processor time after which a process that does not come back is ended."""


def main() -> int:
    """Meet all inputs; 1 if there was a bug."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="name of a parser")
    parser.add_argument("--number", type=int, help="meet this input alone")
    parser.add_argument("--light", action="store_true", help="leave out what needs a trained run")
    asked = parser.parse_args()
    logging.disable()
    warnings.simplefilter("ignore")
    chosen = [one for one in PARSERS if asked.only in (None, one.name)]
    chosen = [one for one in chosen if not (asked.light and one.files is a_run)]
    whole = sum(one.share for one in chosen)
    bugs: list[str] = []
    print(
        "| parser | inputs | accepted | refused | bugs | died | slowest, s | memory, MB |\n|---|---|---|---|---|---|---|---|"
    )
    total = 0
    with tempfile.TemporaryDirectory(dir=_fast()) as folder:
        os.environ["GANZOO_CACHE"] = folder
        for one in chosen:
            inputs = max(1, round(asked.inputs * one.share / whole))
            if asked.number is not None:
                return _alone(one, Path(folder), asked.seed, asked.number)
            met = _all(one, Path(folder) / one.name.replace(" ", "-").replace(":", ""), inputs, asked.seed)
            total += inputs
            count = sum(times for _, times in met["bugs"].values())
            print(
                f"| {one.name} | {inputs:,} | {met['accepted']:,} | {met['refused']:,} | {count:,} | {len(met['died'])} "
                f"| {met['slowest'][0]:.2f} | {met['grown']:.0f} |",
                flush=True,
            )
            bugs += [f"{one.name}, input {first}, {times}×: {bug}" for bug, (first, times) in met["bugs"].items()]
            bugs += [f"{one.name}, input {number}: {why}" for number, why in met["died"].items()]
            print("\n".join(bugs[-30:]) if count or met["died"] else "", file=sys.stderr, flush=True)
    print(f"\n{total:,} inputs, {len(bugs)} kinds of bugs")
    print("\n".join(bugs))
    return int(bool(bugs))


def _fast() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _all(parser: Parser, place: Path, inputs: int, seed: int) -> dict[str, Any]:
    """What came of all inputs, in as many processes as it takes."""
    met: dict[str, Any] = {"accepted": 0, "refused": 0, "bugs": {}, "died": {}, "slowest": (0.0, -1), "grown": 0.0}
    first = 0
    while first < inputs:
        found, reached, why = _in_a_process(parser, place / str(first), inputs, seed, first)
        met["accepted"] += found["accepted"]
        met["refused"] += found["refused"]
        met["slowest"] = max(met["slowest"], tuple(found["slowest"]))
        met["grown"] = max(met["grown"], found["grown"])
        for bug, (number, times) in found["bugs"].items():
            met["bugs"][bug] = (met["bugs"].get(bug, (number, 0))[0], met["bugs"].get(bug, (0, 0))[1] + times)
        if why is None:
            return met
        met["died"][reached] = why
        first = reached + 1
    return met


def _in_a_process(
    parser: Parser, place: Path, inputs: int, seed: int, first: int
) -> tuple[dict[str, Any], int, str | None]:
    """What was met, the last input that was begun, and why the process ended before its time, if it did."""
    shared = mmap.mmap(-1, 2**20)
    child = os.fork()
    if not child:
        code = FAULTY
        try:
            table = meeting.Table(parser, place)

            def begun(number: int) -> None:
                content = json.dumps(asdict(table.met)).encode()[: 2**20 - 16]
                shared[:16] = struct.pack("<qq", number, len(content))
                shared[16 : 16 + len(content)] = content

            meeting.met_by(table, parser, inputs, seed, begun=begun, first=first)
            begun(inputs)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    why = _ended(child, shared)
    number, length = struct.unpack("<qq", shared[:16])
    nothing = asdict(meeting.Meetings())
    found: dict[str, Any] = json.loads(shared[16 : 16 + length]) if length else nothing
    return found, number, why


def _ended(child: int, shared: mmap.mmap) -> str | None:
    """Wait for a process; why it ended, if not by itself."""
    last, since = -1, 0.0
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            if code == FAULTY:
                raise RuntimeError("what meets the inputs is at fault itself: the traceback stands above")
            return None if code == 0 else f"the process ended with {code}"
        (number,) = struct.unpack("<q", shared[:8])
        used = _processor_time(child)
        if number != last:
            last, since = number, used
        elif used - since > STUCK:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return f"it did not come back within {STUCK:g} s of processor time"
        time.sleep(0.1)


def _processor_time(process: int) -> float:
    try:
        about = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(about[11]) + int(about[12])) / os.sysconf("SC_CLK_TCK")


def _alone(parser: Parser, folder: Path, seed: int, number: int) -> int:
    """One mutated input, with its traceback."""
    table = meeting.Table(parser, folder / "alone")
    which, content = table.input(seed, number)
    print(parser.changed[which], content[:2000])
    (folder / "alone" / "inside" / parser.changed[which]).write_bytes(content)
    try:
        parser.read(folder / "alone" / "inside")
    except Exception:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
