"""What a checkpoint costs the training: written by the training itself, and beside it by a thread.

    python examples/benchmarks/checkpoint.py --rounds 10

One run of dcgan networks whose state (weights, average, Adam) takes some 100 MB trains on, and turns are taken: steps
without a checkpoint, as many with one that the training writes itself, and as many with one that a thread writes. The
turns are long enough for the thread to end within its own. What a checkpoint costs is how much longer a turn takes than
the one without of the same round; a turn with two checkpoints would cost twice as much. Memory is the highest resident
set of a turn (``VmHWM``, which begins anew with each turn), less that of the turn without. The copy that a thread
writes from is kept, so there it is less that of turns before the first checkpoint. For Linux.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from ganzoo.benchmarking.contestants import GanzooLoop, scratch
from ganzoo.benchmarking.machine import machine
from ganzoo.config.layers import ConfigLayer
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import Plan, make_plan
from ganzoo.registry import Registry
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.watch import Checkpoints

KEEP = "last 2"
WAYS = ("none", "at once", "beside")
Turn = Mapping[str, float]


def plan_for(width: int) -> Plan:
    """Networks of which nearly all of the state is weights; a step of them takes about 0.1 s."""
    values = {
        "loss.name": "hinge",
        "discriminator.name": "dcgan",
        "discriminator.ndf": width,
        "generator.name": "dcgan",
        "generator.ngf": width,
        "data.name": "synthetic",
        "data.image_size": 32,
        "data.channels": 3,
        "train.batch_size": 8,
        "runtime.device": "cpu",
    }
    return make_plan(choose(Registry.load(plugins=False), [ConfigLayer("benchmark", values)]))


def peak() -> float:
    """The highest resident set since the last :func:`begin_anew`, in MB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1.024e-3


def begin_anew() -> None:
    """Let the highest resident set be that of now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def turn(loop: GanzooLoop, save: Callable[[], object], steps: int) -> Turn:
    """Some steps, with a checkpoint after the first: seconds, those for which the training waited, memory."""
    begin_anew()
    begun = time.perf_counter()
    loop.step()
    asked = time.perf_counter()
    save()
    waited = time.perf_counter() - asked
    for _ in range(steps - 1):
        loop.step()
    return {"seconds": time.perf_counter() - begun, "waited": waited, "peak": peak()}


def measure(plan: Plan, *, rounds: int, steps: int) -> tuple[float, float, dict[str, list[Turn]]]:
    """MB of the state, peak without a copy of it, and the turns of each way; the first round is not counted."""
    turns: dict[str, list[Turn]] = {way: [] for way in WAYS}
    with scratch() as folder:
        loop, directory = GanzooLoop(plan, folder=folder), RunDirectory.create(folder, "run")
        state = loop.setup.state
        checkpoints = Checkpoints(directory, state, every=10**9, keep=KEEP, extra=dict)
        ways: dict[str, Callable[[], object]] = {
            "none": lambda: None,
            "at once": lambda: directory.save_checkpoint(state.step, state.tensors(), state.numbers(), keep=KEEP),
            "beside": checkpoints.save,
        }
        with closing(loop.rows), closing(checkpoints), loop.active():
            loop.step()
            size = sum(one.nbytes for part in state.tensors().values() for one in part.values()) / 1e6
            empty = statistics.median(turn(loop, ways["none"], steps)["peak"] for _ in range(3))
            for number in range(-1, rounds):
                for way in WAYS:
                    taken = turn(loop, ways[way], steps)
                    checkpoints.wait()  # nothing of it reaches into the next turn; this is not counted
                    if number >= 0:
                        turns[way].append(taken)
    return size, empty, turns


def summary(size: float, empty: float, turns: Mapping[str, Sequence[Turn]]) -> dict[str, Any]:
    """Medians over rounds: seconds a checkpoint costs, how long the training waits, memory as a share of the state."""
    found: dict[str, Any] = {
        "MB": size,
        "seconds of a turn": statistics.median(one["seconds"] for one in turns["none"]),
    }
    for way in WAYS[1:]:
        pairs = list(zip(turns[way], turns["none"], strict=True))
        found[way] = {
            "costs": statistics.median(one["seconds"] - none["seconds"] for one, none in pairs),
            "waited": statistics.median(one["waited"] for one, _ in pairs),
            "memory": statistics.median(
                (one["peak"] - (empty if way == "beside" else none["peak"])) / size for one, none in pairs
            ),
        }
    found["ratio"] = found["beside"]["costs"] / found["at once"]["costs"]
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=20, help="of a turn")
    parser.add_argument("--width", type=int, default=112, help="of both networks; decides how large the state is")
    parser.add_argument("--threads", type=int, default=1, help="of torch; with one less than cores, one is free")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    size, empty, turns = measure(plan_for(options.width), rounds=options.rounds, steps=options.steps)
    found = summary(size, empty, turns)
    if options.json:
        print(json.dumps({"machine": machine(), "threads": options.threads, **found}, indent=2))
        return
    print(f"a state of {size:.0f} MB; {options.steps} steps take {found['seconds of a turn']:.2f} s\n")
    print("| a checkpoint | costs | of which the training waits | memory, of the state |\n|---|---|---|---|")
    for way in WAYS[1:]:
        row = found[way]
        print(f"| {way} | {1e3 * row['costs']:.0f} ms | {1e3 * row['waited']:.0f} ms | {row['memory']:.2f} |")
    print(f"\nbeside / at once: {found['ratio']:.2f}")


if __name__ == "__main__":
    main()
