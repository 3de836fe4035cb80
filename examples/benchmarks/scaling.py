"""Seconds of ganzoo's step by batch and size of pictures, with its operations and the bytes of its gradients.

    OMP_NUM_THREADS=1 python examples/benchmarks/scaling.py --rounds 10 --plot scaling.png --json > scaling.json

Hinge with patchgan-sn and dcgan on drawn pictures. All points take turns in one process; the time is that of the
processor, unless ``--clock wall``, since other programs have the cores as well. Of each size the batches grow until a
step would take longer than ``--longest`` seconds. ``predictions.py`` fits a model of the cost to what this prints.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from ganzoo.allocator import keep_freed_memory
from ganzoo.benchmarking.contestants import GanzooLoop, scratch
from ganzoo.benchmarking.figures import ClockName, seconds_of, spread
from ganzoo.benchmarking.machine import machine
from ganzoo.benchmarking.rounds import take_turns
from ganzoo.benchmarking.work import work_of_step
from ganzoo.config.layers import ConfigLayer
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import Plan, make_plan
from ganzoo.registry import Registry

SIZES = (32, 64, 128)
BATCHES = (8, 16, 32, 64, 128, 256)
LONGEST = 4.0
"""Seconds of a step."""


@dataclass(frozen=True)
class Point:
    """Where the step is measured.

    Attributes:
        size: side of the pictures.
        batch: how many.
    """

    size: int
    batch: int

    @property
    def label(self) -> str:
        return f"{self.size}×{self.size}, batch {self.batch}"


def plan_for(registry: Registry, point: Point) -> Plan:
    """Hinge with patchgan-sn and dcgan, as they come."""
    values = {
        "loss.name": "hinge",
        "discriminator.name": "patchgan-sn",
        "generator.name": "dcgan",
        "data.name": "synthetic",
        "data.image_size": point.size,
        "data.channels": 3,
        "train.batch_size": point.batch,
        "runtime.device": "cpu",
    }
    return make_plan(choose(registry, [ConfigLayer("benchmark", values)]))


def gradient_bytes(network: nn.Module) -> int:
    """Of all its parameters: what one process tells the others at each update."""
    return sum(one.numel() * one.element_size() for one in network.parameters() if one.requires_grad)


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations of torch: on a GPU each of them must be launched."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """The operation as it is."""
        self.count += 1
        return func(*args, **(kwargs or {}))


def operations_of_step(loop: GanzooLoop) -> int:
    """Of torch, views among them."""
    counted = Operations()
    with loop.active(), counted:
        loop.step()
    return counted.count


def facts(loop: GanzooLoop) -> dict[str, float]:
    """What a step computes, and what processes would exchange for it."""
    state = loop.setup.state
    return {
        "gflop_per_step": work_of_step(loop, steps=1).gflop,
        "operations_per_step": operations_of_step(loop),
        "discriminator_gradient_bytes": gradient_bytes(state.discriminator),
        "generator_gradient_bytes": gradient_bytes(state.generator),
    }


def seconds_of_one(loop: GanzooLoop) -> float:
    """Of processor time, of the second of two steps: the first makes what the optimizer keeps."""
    with loop.active():
        loop.step()
        begun = time.process_time()
        loop.step()
        return time.process_time() - begun


def loops(
    sizes: Sequence[int], batches: Sequence[int], *, longest: float, folder: Path, stack: ExitStack
) -> Iterator[tuple[Point, GanzooLoop]]:
    """Those whose steps are short enough; they grow with the batch, so nothing follows one that is too long."""
    registry = Registry.load(plugins=False)
    for size in sizes:
        taken, before = 0.0, 1
        for batch in sorted(batches):
            if taken * batch / before > longest:
                break
            point = Point(size, batch)
            place = folder / f"{size}-{batch}"
            place.mkdir()
            loop = GanzooLoop(plan_for(registry, point), folder=place)
            stack.enter_context(closing(loop.rows))
            taken, before = seconds_of_one(loop), batch
            yield point, loop


def measure(
    sizes: Sequence[int], batches: Sequence[int], *, rounds: int, longest: float, clock: ClockName
) -> dict[str, Any]:
    """All points in turns: seconds of a step, with quartiles, and what belongs to it."""
    keep_freed_memory()  # as a run does
    with scratch() as folder, ExitStack() as stack:
        found = dict(loops(sizes, batches, longest=longest, folder=folder, stack=stack))
        known = {point: facts(loop) for point, loop in found.items()}
        contestants = {point.label: loop for point, loop in found.items()}
        turns = take_turns(contestants, rounds=rounds, warmup=1, repeat=clock == "wall")
    return {
        "rounds": {"kept": len(turns.rounds), "disturbed": turns.disturbed, "repeated": turns.repeated},
        "points": [
            row(point, spread(seconds_of(turns.rounds, point.label, clock=clock)), known[point]) for point in found
        ],
    }


def row(point: Point, seconds: Mapping[str, float], known: Mapping[str, float]) -> dict[str, Any]:
    """One point; rates are those of the median step."""
    return {
        "size": point.size,
        "batch": point.batch,
        "seconds_per_step": dict(seconds),
        "images_per_second": point.batch / seconds["median"],
        "gflop_per_second": known["gflop_per_step"] / seconds["median"],
        **known,
    }


def table(points: Sequence[Mapping[str, Any]]) -> str:
    """For people."""
    lines = [
        "| pictures | batch | ms per step | images/s | GFLOP per step | GFLOP/s | gradients of D, MB | of G, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in points:
        taken = one["seconds_per_step"]
        low, mid, high = (1e3 * taken[name] for name in ("lower_quartile", "median", "upper_quartile"))
        of_d, of_g = (one[f"{player}_gradient_bytes"] / 1e6 for player in ("discriminator", "generator"))
        lines.append(
            f"| {one['size']}×{one['size']} | {one['batch']} | {mid:.0f} ({low:.0f}–{high:.0f}) "
            f"| {one['images_per_second']:.1f} | {one['gflop_per_step']:.2f} | {one['gflop_per_second']:.1f} "
            f"| {of_d:.2f} | {of_g:.2f} |"
        )
    return "\n".join(lines)


def plot(points: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Milliseconds and rates over the batch, a line per size. Needs ``ganzoo[plot]``."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for size, marker in zip(sorted({one["size"] for one in points}), "os^Dvp", strict=False):
        rows = [one for one in points if one["size"] == size]
        batches = [one["batch"] for one in rows]
        for panel, values in (
            (axes[0], [1e3 * one["seconds_per_step"]["median"] for one in rows]),
            (axes[1], [one["images_per_second"] for one in rows]),
        ):
            panel.loglog(batches, values, marker=marker, label=f"{size}×{size}")
    shown = sorted({one["batch"] for one in points})
    for panel, name in zip(axes, ("ms per step", "images per second"), strict=True):
        panel.set(xlabel="batch", ylabel=name)
        panel.set_xticks(shown, labels=[str(batch) for batch in shown])
        panel.set_xticks([], minor=True)
        panel.yaxis.set_major_formatter("{x:g}")
        panel.grid(which="both", alpha=0.3)
        panel.legend()
    figure.savefig(path, dpi=100)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="sides of the pictures")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--longest", type=float, default=LONGEST, help="seconds of a step that is still measured")
    parser.add_argument("--rounds", type=int, default=10, help="steps of each point that are timed, at least 2")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="cpu", help="cpu: time of this process alone")
    parser.add_argument("--plot", type=Path, help="also draw it; needs ganzoo[plot]")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    if given.plot is not None and find_spec("matplotlib") is None:
        parser.error("--plot needs matplotlib: python -m pip install 'ganzoo[plot]'")
    if given.rounds < 2:
        parser.error("--rounds must be at least 2, since quartiles need two values")
    torch.set_num_threads(given.threads)
    found = measure(given.sizes, given.batches, rounds=given.rounds, longest=given.longest, clock=given.clock)
    result = {"machine": machine(), "settings": {"rounds": given.rounds, "clock": given.clock}, **found}
    if given.plot is not None:
        plot(result["points"], given.plot)
    print(json.dumps(result, indent=2) if given.json else table(result["points"]))


if __name__ == "__main__":
    main()
