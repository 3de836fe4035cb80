"""Images per second: ganzoo's default step beside the plain loop most people write, interleaved in one process.

    python examples/benchmarks/step.py --rounds 20

Both train hinge + patchgan-sn against the dcgan generator from the same weights, at 64×64×3 and batch 32 unless asked
otherwise. ``ganzoo bench`` measures any other pair, and more of it; the loops and the clocks are the same. Here five
contestants take turns, in fp32 and in bf16, and each ratio has a target.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch

from ganzoo.benchmarking.contestants import Entered, scratch
from ganzoo.benchmarking.figures import ClockName, ratio, seconds_of, spread
from ganzoo.benchmarking.machine import machine
from ganzoo.benchmarking.rounds import Round, Timed, take_turns
from ganzoo.config.layers import ConfigLayer
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import Plan, make_plan
from ganzoo.registry import Registry


@dataclass(frozen=True)
class Comparison:
    """A ratio to report, with what it has to reach on two cores; ``None`` where nothing is promised."""

    contestant: str
    yardstick: str
    target: float | None = None

    def __str__(self) -> str:
        return f"{self.contestant} / {self.yardstick}"


COMPARISONS = (
    Comparison("ganzoo fp32", "plain fp32", 1.15),
    Comparison("ganzoo bf16", "plain fp32", 1.7),
    Comparison("ganzoo bf16", "plain bf16"),
    Comparison("ganzoo fp32", "plain fp32, fakes reused"),
)
CONTESTANTS = (
    Entered(label="plain fp32", loop="plain", precision="fp32"),
    Entered(label="ganzoo fp32", loop="ganzoo", precision="fp32"),
    Entered(label="ganzoo bf16", loop="ganzoo", precision="bf16"),
    Entered(label="plain bf16", loop="plain", precision="bf16"),
    Entered(label="plain fp32, fakes reused", loop="reused", precision="fp32"),
)


def plan_for(registry: Registry, *, image_size: int, batch_size: int) -> Plan:
    values = {
        "loss.name": "hinge",
        "discriminator.name": "patchgan-sn",
        "generator.name": "dcgan",
        "data.name": "synthetic",
        "data.image_size": image_size,
        "data.channels": 3,
        "train.batch_size": batch_size,
        "runtime.device": "cpu",
    }
    return make_plan(choose(registry, [ConfigLayer("benchmark", values)]))


def measure(plan: Plan, contestants: Sequence[Entered], *, rounds: int, clock: ClockName) -> Timed:
    """Every contestant has networks of its own, all from the same weights; rounds that others disturb are repeated."""
    with scratch() as folder, ExitStack() as stack:
        built = {}
        for one in contestants:
            place = folder / one.label.replace(" ", "-")
            place.mkdir()
            built[one.label] = stack.enter_context(one.built(one.plan(plan), place))
        return take_turns(built, rounds=rounds, repeat=clock == "wall")


def summarize(rounds: Sequence[Round], *, batch_size: int, clock: ClockName = "wall") -> dict[str, Any]:
    """Images per second of the median step, and the ratios within rounds (above 1: faster)."""
    ratios = {
        str(one): {**ratio(rounds, one.yardstick, one.contestant, clock=clock), "target": one.target}
        for one in COMPARISONS
        if {one.yardstick, one.contestant} <= rounds[0].keys()
    }
    medians = {name: spread(seconds_of(rounds, name, clock=clock))["median"] for name in rounds[0]}
    return {"images_per_second": {name: batch_size / taken for name, taken in medians.items()}, "ratios": ratios}


def show(result: Mapping[str, Any]) -> None:
    host = result["machine"]
    print(f"{host['processor']}, {host['cores']} cores, {host['threads']} threads, torch {host['torch']}")
    print("bf16 units:", ", ".join(host["bf16_units"]) or "none; the bf16 figures are NOT meaningful here")
    print(
        "{image_size}×{image_size}×3, batch {batch_size}, {rounds} rounds, {clock} time".format_map(result["settings"])
    )
    print("{disturbed} rounds were disturbed by others, {repeated} repeated for that\n".format_map(result["rounds"]))
    for name, rate in result["images_per_second"].items():
        print(f"{name:<42} {rate:8.1f} images/s")
    print()
    for name, found in result["ratios"].items():
        target = f", target {found['target']}" if found["target"] else ""
        quartiles = "{median:8.2f} ({lower_quartile:.2f}–{upper_quartile:.2f}".format_map(found)
        print(f"{name:<42} {quartiles}{target}); least times {found['of_least_seconds']:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fp32", action="store_true", help="leave bf16 out: a CPU without units for it is very slow")
    parser.add_argument("--rounds", type=int, default=20, help="steps of each contestant that are timed, at least 2")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu: time of this process alone")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    if arguments.rounds < 2:
        parser.error("--rounds must be at least 2, since quartiles need two values")
    torch.set_num_threads(arguments.threads)
    size = {"image_size": arguments.image_size, "batch_size": arguments.batch_size}
    compared = [one for one in CONTESTANTS if one.precision == "fp32" or not arguments.fp32]
    plan = plan_for(Registry.load(plugins=False), **size)
    timed = measure(plan, compared, rounds=arguments.rounds, clock=arguments.clock)
    result = {
        "machine": machine(),
        "settings": {**size, "rounds": arguments.rounds, "clock": arguments.clock},
        "rounds": {"disturbed": timed.disturbed, "repeated": timed.repeated},
        **summarize(timed.rounds, batch_size=arguments.batch_size, clock=arguments.clock),
    }
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        show(result)


if __name__ == "__main__":
    main()
