"""Memory of a step: how much more than before it tensors take at its peak, for ganzoo and for loops by hand.

    python examples/benchmarks/memory.py --size 64

Counted by torch's profiler, allocation by allocation, in the third step of each loop: so it is the same on every
machine, and nothing counts but tensors. Weights, optimizer state and averages are there before; gradients that a loop
keeps until its next step count as memory of its step. ``ganzoo bench`` shows the peak of a whole process as well.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from step import HINGE, Group, Loop, plans_for
from torch import nn
from torch.profiler import ProfilerActivity, profile

from ganzoo.benchmarking.contestant import Contestant
from ganzoo.benchmarking.contestants import scratch
from ganzoo.registry import Registry

MIB = 2**20


LOOPS = (
    Loop("plain", "plain"),
    Loop("hand", "hand"),
    Loop("ganzoo"),
    Loop("ganzoo, accumulate 2", values={"train.accumulate": 2}),
    Loop("ganzoo, accumulate 4", values={"train.accumulate": 4}),
    Loop("ganzoo, accumulate 8", values={"train.accumulate": 8}),
    Loop("ganzoo, fakes shared", values={"train.fakes": "shared"}),
    Loop("ganzoo bf16", precision="bf16"),
)


def rise(contestant: Contestant, trace: Path) -> float:
    """MiB of tensors at the peak of the third step, but for what stays: weights, optimizer state, averages."""
    with contestant.active():
        for _ in range(2):  # which make what optimizers keep
            contestant.step()
        kept = kept_gradients()
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
            contestant.step()
    profiler.export_chrome_trace(str(trace))
    events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    changes = [event["args"] for event in sorted(events, key=lambda event: event.get("ts", 0)) if is_change(event)]
    now, most = 0, 0
    for change in changes:
        now += int(change["Bytes"])
        most = max(most, now)
    return (kept + most) / MIB


def kept_gradients() -> int:
    """Bytes of the gradients that the step before has left."""
    gc.collect()
    parameters = [one for one in gc.get_objects() if type(one) is nn.Parameter]
    return sum(one.grad.nbytes for one in parameters if one.grad is not None)


def is_change(event: Mapping[str, Any]) -> bool:
    return event.get("name") == "[memory]"


def main() -> None:
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # torch's profiler says on stderr when it starts and stops
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    plans = plans_for(
        Registry.load(plugins=False), Group(HINGE, LOOPS), image_size=arguments.size, batch_size=arguments.batch
    )
    found = {}
    for one, plan in plans.items():
        with scratch() as folder, one.entered.built(one.entered.plan(plan), folder) as contestant:
            found[one.label] = rise(contestant, folder / "trace.json")
    if arguments.json:
        print(json.dumps({"size": arguments.size, "batch": arguments.batch, "mib": found}, indent=2))
        return
    print(f"| {arguments.size}×{arguments.size}×3, batch {arguments.batch} | MiB | / plain |\n|---|---|---|")
    for label, mib in found.items():
        print(f"| {label} | {mib:.1f} | {mib / found['plain']:.2f} |")


if __name__ == "__main__":
    main()
