"""Seconds of a step that several processes take together, and of the exchanges by themselves, on one machine.

    OMP_NUM_THREADS=1 python examples/benchmarks/processes.py --rounds 5 --json > processes.json

``torchrun`` starts 1, 2 and 3 processes in turns, once per round. They meet as those of ``ganzoo run`` do, by gloo, and
train hinge with patchgan-sn and dcgan, each on as many pictures as one alone has: what grows with the processes is what
they tell each other, and what they take of the cores from each other. Then they add up tensors of 1 kB to 64 MB, with
nothing else to do. Where there are fewer cores than processes, the figures say more of that than of the exchange.

Seconds are those of the clock on the wall, since who waits for others does not compute; beside them stands the time of
the processor. ``predictions.py`` fits a model of the cost to what this prints.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from scaling import Point, plan_for
from torch import Tensor, distributed

from ganzoo.allocator import keep_freed_memory
from ganzoo.benchmarking.figures import spread
from ganzoo.benchmarking.machine import machine
from ganzoo.registry import Registry
from ganzoo.runs.assembly import assemble
from ganzoo.training.loop import train
from ganzoo.training.team import Team, join

PROCESSES = (1, 2, 3)
SIZES = (32,)
EACH = (8, 16)
"""Pictures per process."""
KILOBYTES = (1, 4, 16, 64, 256, 1_000, 4_000, 16_000, 64_000)
FEWEST, MOST = 5, 100
"""How often a tensor is added up in a turn."""
WARMUP = 2
QUARTILES = ("lower_quartile", "median", "upper_quartile")


class Told:
    """Stands in for ``torch.distributed.all_reduce``, and keeps bytes and seconds of each exchange."""

    def __init__(self) -> None:
        self.add_up = distributed.all_reduce
        self.bytes: list[int] = []
        self.seconds: list[float] = []

    def __call__(self, tensor: Tensor, *given: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        result = self.add_up(tensor, *given, **named)
        self.seconds.append(time.perf_counter() - begun)
        self.bytes.append(tensor.numel() * tensor.element_size())
        return result

    def forget(self) -> None:
        """Begin anew."""
        self.bytes, self.seconds = [], []


@contextmanager
def listening() -> Iterator[Told]:
    """All exchanges of the block."""
    told = Told()
    distributed.all_reduce = told
    try:
        yield told
    finally:
        distributed.all_reduce = told.add_up


def steps_of(team: Team, point: Point, *, steps: int) -> list[dict[str, Any]]:
    """Some steps of a run of all, as this process sees them; those before them make what the optimizers keep."""
    whole = Point(point.size, point.batch * team.size)
    setup = assemble(plan_for(Registry.load(plugins=False), whole), team)
    team.share(setup.state.generator, setup.state.discriminator)
    reports, taken = train(setup), []
    with setup.runtime.active(), listening() as told:
        for _ in range(WARMUP + steps):
            told.forget()
            wall, cpu = time.perf_counter(), time.process_time()
            next(reports)
            taken.append(
                {
                    "wall": time.perf_counter() - wall,
                    "cpu": time.process_time() - cpu,
                    "exchanging": sum(told.seconds),
                    "exchanges": told.bytes,
                }
            )
    return taken[WARMUP:]


def exchanges_of(kilobytes: Sequence[int]) -> dict[int, list[float]]:
    """Bytes → seconds of each time that a tensor of so many is added up; all processes begin together."""
    found: dict[int, list[float]] = {}
    for size in kilobytes:
        tensor = torch.zeros(size * 250)  # numbers of four bytes
        times = WARMUP + max(FEWEST, min(MOST, 50_000 // size))
        taken = found[size * 1000] = []
        for _ in range(times):
            distributed.barrier()
            begun = time.perf_counter()
            distributed.all_reduce(tensor)
            taken.append(time.perf_counter() - begun)
        del taken[:WARMUP]
    return found


def work(given: argparse.Namespace) -> None:
    """Of one process among those that ``torchrun`` started: what it sees goes into a file."""
    torch.set_num_threads(1)
    keep_freed_memory()  # as a run does
    team = join("cpu")
    points = [Point(size, each) for size in given.sizes for each in given.each]
    steps = {f"{one.size} {one.batch}": steps_of(team, one, steps=given.steps) for one in points}
    alone = {} if team.alone else exchanges_of(given.kilobytes)
    (given.worker / f"{team.number}.json").write_text(json.dumps({"steps": steps, "exchanges": alone}))
    if not team.alone:
        distributed.barrier()
        distributed.destroy_process_group()


def launched(processes: int, given: argparse.Namespace) -> list[dict[str, Any]]:
    """What each of so many processes saw."""
    with tempfile.TemporaryDirectory() as folder:
        start = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", processes, __file__]
        lists = {"--sizes": given.sizes, "--each": given.each, "--kilobytes": given.kilobytes}
        settings = [word for name, values in lists.items() for word in (name, *values)]
        own = ["--worker", folder, "--steps", given.steps, *settings]
        subprocess.run([sys.executable, *map(str, [*start, *own])], check=True)
        return [json.loads((Path(folder) / f"{number}.json").read_text()) for number in range(processes)]


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Rounds in which all numbers of processes have their turn."""
    turns: dict[int, list[list[dict[str, Any]]]] = {processes: [] for processes in given.processes}
    for _ in range(given.rounds):
        for processes, seen in turns.items():
            seen.append(launched(processes, given))
    return {
        "steps": [row for processes, seen in turns.items() for row in step_rows(processes, seen)],
        "exchanges": [row for processes, seen in turns.items() for row in exchange_rows(processes, seen)],
    }


def step_rows(processes: int, turns: Sequence[Sequence[Mapping[str, Any]]]) -> Iterator[dict[str, Any]]:
    """A row per point. The first process is timed, as all of them wait for each other; processor time is of any."""
    for name in turns[0][0]["steps"]:
        size, each = map(int, name.split())
        first = [step for turn in turns for step in turn[0]["steps"][name]]
        every = [step for turn in turns for process in turn for step in process["steps"][name]]
        yield {
            "processes": processes,
            "size": size,
            "batch_per_process": each,
            "seconds_per_step": spread([step["wall"] for step in first]),
            "cpu_seconds_per_step": spread([step["cpu"] for step in every]),
            "seconds_exchanging": spread([step["exchanging"] for step in first]),
            # Where a row is logged some more are exchanged; this is a step without.
            "exchanged_bytes": min((step["exchanges"] for step in first), key=len),
        }


def exchange_rows(processes: int, turns: Sequence[Sequence[Mapping[str, Any]]]) -> Iterator[dict[str, Any]]:
    """A row per size of a tensor, of the first process."""
    for size in turns[0][0]["exchanges"]:
        taken = [seconds for turn in turns for seconds in turn[0]["exchanges"][size]]
        yield {"processes": processes, "bytes": int(size), "seconds": spread(taken)}


def milliseconds(found: Mapping[str, float], digits: int) -> str:
    """The median with its quartiles."""
    low, mid, high = (f"{1e3 * found[name]:.{digits}f}" for name in QUARTILES)
    return f"{mid} ({low}–{high})"


def table(result: Mapping[str, Any]) -> str:
    """Two tables for people."""
    lines = [
        "| pictures | of each process | processes | ms per step | images/s of all | processor ms of each "
        "| ms in exchanges | exchanges | MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in result["steps"]:
        size, each, processes = one["size"], one["batch_per_process"], one["processes"]
        lines.append(
            f"| {size}×{size} | {each} | {processes} | {milliseconds(one['seconds_per_step'], 0)} "
            f"| {each * processes / one['seconds_per_step']['median']:.0f} "
            f"| {milliseconds(one['cpu_seconds_per_step'], 0)} | {milliseconds(one['seconds_exchanging'], 1)} "
            f"| {len(one['exchanged_bytes'])} | {sum(one['exchanged_bytes']) / 1e6:.2f} |"
        )
    lines += ["", "| kB added up | processes | ms | MB/s |", "|---|---|---|---|"]
    for one in result["exchanges"]:
        rate = one["bytes"] / 1e6 / one["seconds"]["median"]
        lines.append(
            f"| {one['bytes'] // 1000:,} | {one['processes']} | {milliseconds(one['seconds'], 2)} | {rate:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print; or be one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, nargs="+", default=PROCESSES)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="sides of the pictures")
    parser.add_argument("--each", type=int, nargs="+", default=EACH, help="pictures of each process")
    parser.add_argument("--kilobytes", type=int, nargs="+", default=KILOBYTES, help="of tensors that are added up")
    parser.add_argument("--rounds", type=int, default=5, help="how often each number of processes is started")
    parser.add_argument("--steps", type=int, default=8, help="of each point in a turn, at least 2")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    if given.worker is not None:
        work(given)
        return
    if given.steps < 2:
        parser.error("--steps must be at least 2, since quartiles need two values")
    settings = {"rounds": given.rounds, "steps": given.steps, "clock": "wall"}
    result = {"machine": machine(), "settings": settings, **measure(given)}
    print(json.dumps(result, indent=2) if given.json else table(result))


if __name__ == "__main__":
    main()
