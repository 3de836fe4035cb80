"""Memory of a step: how much more than before it tensors take at its peak, for ganzoo and for loops by hand.

    python examples/benchmarks/memory.py --size 64

Counted by torch's profiler, allocation by allocation, in the third step of each loop: so it is the same on every
machine, and nothing counts but tensors. Weights, optimizer state and averages are there before. ``ganzoo bench`` shows
the peak of a whole process as well.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch.profiler import ProfilerActivity, profile

from ganzoo.benchmarking.contestants import Contestant, Entered, scratch
from ganzoo.config.layers import ConfigLayer
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import Plan, make_plan
from ganzoo.registry import Registry
from ganzoo.training.runtime import Precision

MIB = 2**20


@dataclass(frozen=True, eq=False)
class Measured:
    """A loop, and settings of its own."""

    label: str
    loop: str = "ganzoo"
    precision: Precision = "fp32"
    values: Mapping[str, Any] = field(default_factory=dict)


LOOPS = (
    Measured("plain", "plain"),
    Measured("hand", "hand"),
    Measured("ganzoo"),
    Measured("ganzoo, accumulate 2", values={"train.accumulate": 2}),
    Measured("ganzoo, accumulate 4", values={"train.accumulate": 4}),
    Measured("ganzoo, accumulate 8", values={"train.accumulate": 8}),
    Measured("ganzoo, fakes shared", values={"train.fakes": "shared"}),
    Measured("ganzoo bf16", precision="bf16"),
)


def plan_for(registry: Registry, values: Mapping[str, Any], *, size: int, batch: int) -> Plan:
    common = {
        "loss.name": "hinge",
        "discriminator.name": "patchgan-sn",
        "generator.name": "dcgan",
        "data.name": "synthetic",
        "data.image_size": size,
        "data.channels": 3,
        "train.batch_size": batch,
        "runtime.device": "cpu",
    }
    return make_plan(choose(registry, [ConfigLayer("benchmark", common | {**values})]))


def rise(contestant: Contestant, trace: Path) -> float:
    """MiB of tensors at the peak of the third step that were not there before it."""
    with contestant.active():
        for _ in range(2):  # which make what optimizers keep
            contestant.step()
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
            contestant.step()
    profiler.export_chrome_trace(str(trace))
    events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    changes = [event["args"] for event in sorted(events, key=lambda event: event.get("ts", 0)) if is_change(event)]
    now, most = 0, 0
    for change in changes:
        now += int(change["Bytes"])
        most = max(most, now)
    return most / MIB


def is_change(event: Mapping[str, Any]) -> bool:
    return event.get("name") == "[memory]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    registry = Registry.load(plugins=False)
    found = {}
    for one in LOOPS:
        plan = plan_for(registry, one.values, size=arguments.size, batch=arguments.batch)
        entered = Entered(label=one.label, loop=one.loop, precision=one.precision)
        with scratch() as folder, entered.built(entered.plan(plan), folder) as contestant:
            found[one.label] = rise(contestant, folder / "trace.json")
    if arguments.json:
        print(json.dumps({"size": arguments.size, "batch": arguments.batch, "mib": found}, indent=2))
        return
    print(f"| {arguments.size}×{arguments.size}×3, batch {arguments.batch} | MiB | / plain |\n|---|---|---|")
    for label, mib in found.items():
        print(f"| {label} | {mib:.1f} | {mib / found['plain']:.2f} |")


if __name__ == "__main__":
    main()
