"""Seconds of a short run beside busy programs, for three ways in which torch's threads wait for each other.

    python examples/benchmarks/busy.py --rounds 5 --busy 0 3

*as shipped* is torch's own behavior (threads spin), *passive* never spins, and *ganzoo* is what the command chooses
from what it sees. In a round all three are run one after another, beside as many busy processes; ratios compare runs of
one round. Quiet figures mean something on a quiet machine only. For Linux, where torch brings GNU's OpenMP.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ganzoo.cores import VARIABLES, cores

WAYS = {
    # Whoever sets a variable has chosen, so naming torch's own number of threads keeps ganzoo from choosing.
    "as shipped": {"OMP_NUM_THREADS": str(cores())},
    "passive": {"OMP_WAIT_POLICY": "PASSIVE"},
    "ganzoo": {},
}


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that never pause."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def seconds_of(way: dict[str, str], *, steps: int) -> float:
    """Wall seconds of a run, as a user waits for it."""
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "ganzoo", "run", "--steps", str(steps), "--runs", folder, "--quiet"]
        start = time.perf_counter()
        subprocess.run(command, env=kept | way, stderr=subprocess.DEVNULL, check=True)
        return time.perf_counter() - start


def measure(*, rounds: int, steps: int) -> dict[str, list[float]]:
    """Way → seconds of every round."""
    taken: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, environment in WAYS.items():
            taken[way].append(seconds_of(environment, steps=steps))
    return taken


def summary(taken: dict[str, list[float]]) -> dict[str, Any]:
    """Median seconds of each way, and the median ratio of ganzoo's to the others, round by round."""
    ratios = {
        way: statistics.median(mine / other for mine, other in zip(taken["ganzoo"], taken[way], strict=True))
        for way in WAYS
        if way != "ganzoo"
    }
    return {"seconds": {way: statistics.median(all_) for way, all_ in taken.items()}, "ratios": ratios}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument(
        "--busy", type=int, nargs="+", default=[0, 3], help="how many busy processes, one after another"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    results = {}
    for count in arguments.busy:
        with busy(count):
            results[count] = summary(measure(rounds=arguments.rounds, steps=arguments.steps))
        if not arguments.json:
            print(f"beside {count} busy processes, {cores()} cores, seconds of {arguments.steps} steps:")
            for way, seconds in results[count]["seconds"].items():
                ratio = results[count]["ratios"].get(way)
                print(f"  {way:<12} {seconds:6.1f}" + (f"   ganzoo takes {ratio:.2f} of it" if ratio else ""))
    if arguments.json:
        print(json.dumps({"rounds": arguments.rounds, "steps": arguments.steps, "cores": cores(), "beside": results}))


if __name__ == "__main__":
    main()
