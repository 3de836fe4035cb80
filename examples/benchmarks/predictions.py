"""The model of ``cost_model.py``, fitted to what was measured: how far it is off, and what it predicts for many GPUs.

    python examples/benchmarks/predictions.py scaling.json processes.json
    python examples/benchmarks/predictions.py scaling.json processes.json --tflops 200 --share 0.3 --gigabytes 50

The files are those of ``scaling.py --json`` and ``processes.py --json``. Every third point is held out of each fit.
**What is said of GPUs was run by nobody**: it puts assumed numbers into the formula, and the options take yours.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cost_model import Compute, Link, errors, fit_compute, fit_link, step_seconds

Row = Mapping[str, Any]
GPUS = (1, 8, 64, 512)
IN_A_MACHINE = 8
"""GPUs that reach each other by the fast link."""
HELD_OUT = 3
"""Every third point."""


@dataclass(frozen=True)
class Cluster:
    """What is assumed of GPUs and of what joins them.

    Attributes:
        name: in the table.
        tflops: 10¹² operations per second, as the data sheet promises them at best.
        share: of these that a step reaches.
        launch: seconds that the CPU takes to start one operation of torch.
        near: between GPUs of one machine.
        far: between machines, for each GPU.
    """

    name: str
    tflops: float
    share: float
    launch: float
    near: Link
    far: Link

    def link(self, ranks: int) -> Link:
        """The slowest that a ring of so many goes through."""
        return self.near if ranks <= IN_A_MACHINE else self.far

    def compute(self, operations: float) -> Compute:
        """Launches are added to the operations, though a GPU that is busy hides them: this is the worst case."""
        return Compute(constant=operations * self.launch, per_gflop=1e-3 / (self.tflops * self.share))


def clusters(given: argparse.Namespace) -> list[Cluster]:
    """Two of data sheets, or the one that the options describe."""
    near, far = given.microseconds_near * 1e-6, given.microseconds_far * 1e-6
    common = {"share": given.share, "launch": given.microseconds_launch * 1e-6}
    if given.tflops is not None:
        link = Link(near, given.gigabytes_near * 1e9), Link(far, given.gigabytes * 1e9)
        return [Cluster("yours", given.tflops, near=link[0], far=link[1], **common)]
    return [
        Cluster("A100", 156, near=Link(near, 300e9), far=Link(far, 25e9), **common),
        Cluster("H100", 494, near=Link(near, 450e9), far=Link(far, 50e9), **common),
    ]


def taken(row: Row, name: str = "seconds_per_step") -> float:
    """Median seconds."""
    return float(row[name]["median"])


def chosen(found: Any, times: str) -> Any:
    """The same, where what is called the median is the one that was asked for."""
    if isinstance(found, list):
        return [chosen(one, times) for one in found]
    if not isinstance(found, dict):
        return found
    renamed = {**found, "median": found[times]} if times in found else found
    return {name: chosen(one, times) for name, one in renamed.items()}


def split(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Those that are fitted, and every third, which is held out."""
    held = rows[1::HELD_OUT]
    return [row for row in rows if row not in held], list(held)


def fitted_compute(rows: Sequence[Row]) -> Compute:
    """From points of ``scaling.py``."""
    return fit_compute([row["gflop_per_step"] for row in rows], [taken(row) for row in rows])


def fitted_link(rows: Sequence[Row]) -> Link:
    """From exchanges of ``processes.py``."""
    ranks, sizes = [row["processes"] for row in rows], [row["bytes"] for row in rows]
    return fit_link(ranks, sizes, [taken(row, "seconds") for row in rows])


def off(compute: Compute, rows: Sequence[Row]) -> list[float]:
    """Errors at points of one process."""
    return errors([compute.seconds(row["gflop_per_step"]) for row in rows], [taken(row) for row in rows])


def off_link(link: Link, rows: Sequence[Row]) -> list[float]:
    """Errors at exchanges."""
    predicted = [link.seconds(row["bytes"], row["processes"]) for row in rows]
    return errors(predicted, [taken(row, "seconds") for row in rows])


def told(found: Sequence[float]) -> str:
    """Errors in words."""
    sizes = [abs(one) for one in found]
    return f"off by {statistics.median(sizes):.0%} in the median, {max(sizes):.0%} at most, of {len(sizes)} points"


def about_compute(points: Sequence[Row]) -> Iterator[str]:
    """The fit of steps, where it was not fitted, and at a size that it has not seen."""
    kept, held = split(points)
    model = fitted_compute(kept)
    yield f"a = {1e3 * model.constant:.1f} ms, b = {1e3 * model.per_gflop:.2f} ms per GFLOP"
    yield f"fitted points: {told(off(model, kept))}"
    yield f"held-out points: {told(off(model, held))}"
    for size in sorted({row["size"] for row in points}):
        rest, unseen = ([row for row in points if (row["size"] == size) is same] for same in (False, True))
        if len(rest) > 1:
            yield f"fitted without {size}×{size}, at {size}×{size}: {told(off(fitted_compute(rest), unseen))}"
    yield "\n| pictures | batch | | measured, ms | predicted, ms | error |\n|---|---|---|---|---|---|"
    for row, error in zip(points, off(model, points), strict=True):
        measured, kind = 1e3 * taken(row), "held out" if row in held else "fitted"
        name = f"{row['size']}×{row['size']} | {row['batch']} | {kind}"
        yield f"| {name} | {measured:.0f} | {measured * (1 + error):.0f} | {error:+.0%} |"


def about_link(rows: Sequence[Row]) -> Iterator[str]:
    """The fit of exchanges between two processes, where it was not fitted, and between three."""
    of_two = [row for row in rows if row["processes"] == 2]
    kept, held = split(of_two)
    link = fitted_link(kept)
    yield f"\nlatency {1e6 * link.latency:.0f} µs per hop, bandwidth {link.bandwidth / 1e9:.2f} GB/s"
    yield f"fitted exchanges of two: {told(off_link(link, kept))}"
    yield f"held-out exchanges of two: {told(off_link(link, held))}"
    for ranks in sorted({row["processes"] for row in rows} - {2}):
        yield f"exchanges of {ranks}: {told(off_link(link, [row for row in rows if row['processes'] == ranks]))}"


def gflop_of(points: Sequence[Row], size: int, batch: float) -> float:
    """A step's operations grow as the batch does."""
    row = next(row for row in points if row["size"] == size)
    per_picture: float = row["gflop_per_step"] / row["batch"]
    return per_picture * batch


def about_steps(points: Sequence[Row], processes: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    """Steps of several processes, none of which was fitted: by the whole model, and from the step of one process."""
    compute = fitted_compute(split(points)[0])
    link = fitted_link(split([row for row in processes["exchanges"] if row["processes"] == 2])[0])
    alone = {(row["size"], row["batch_per_process"]): taken(row) for row in processes["steps"] if row["processes"] == 1}
    yield "\n| pictures | of each | processes | measured, ms | by the model | step of one, and exchanges |"
    yield "|---|---|---|---|---|---|"
    for row in processes["steps"]:
        size, each, ranks = row["size"], row["batch_per_process"], row["processes"]
        exchanges = row["exchanged_bytes"]
        gflop = gflop_of(points, size, each)
        whole = step_seconds(compute, link, gflop=gflop, exchanges=exchanges, ranks=ranks)
        from_one = alone[size, each] + sum(link.seconds(one, ranks) for one in exchanges)
        cells = [f"{1e3 * one:.0f} ({one / taken(row) - 1:+.0%})" for one in (whole, from_one)]
        yield f"| {size}×{size} | {each} | {ranks} | {1e3 * taken(row):.0f} | {cells[0]} | {cells[1]} |"


def shared_seconds(link: Link, exchanges: Sequence[float], ranks: int) -> tuple[float, float]:
    """Seconds of all exchanges, by ring and by tree."""
    ring = sum(link.seconds(one, ranks) for one in exchanges)
    return ring, sum(link.seconds(one, ranks, shape="tree") for one in exchanges)


@dataclass(frozen=True)
class Step:
    """What is known of a step of one process, and what several would tell each other.

    Attributes:
        size: side of the pictures.
        gflop: per picture.
        operations: of torch.
        exchanges: bytes of each.
        gradients: those of them that are gradients, which a loop could exchange while it still computes others.
    """

    size: int
    gflop: float
    operations: float
    exchanges: Sequence[float]
    gradients: Sequence[float]


def step_of(points: Sequence[Row], processes: Mapping[str, Sequence[Row]], size: int) -> Step:
    """As it was measured."""
    row = next(row for row in points if row["size"] == size)
    several = next(row for row in processes["steps"] if row["size"] == size and row["processes"] > 1)
    exchanges = several["exchanged_bytes"]
    least = min(row["discriminator_gradient_bytes"], row["generator_gradient_bytes"])
    return Step(
        size=size,
        gflop=gflop_of(points, size, 1),
        operations=row["operations_per_step"],
        exchanges=exchanges,
        gradients=[one for one in exchanges if one >= least],
    )


def about_gpus(step: Step, all_: Sequence[Cluster], batches: Sequence[int]) -> Iterator[str]:
    """Steps of 1 to 512 GPUs with as many pictures on each."""
    counted = f"{step.operations:.0f} operations, {len(step.exchanges)} exchanges of {sum(step.exchanges) / 1e6:.1f} MB"
    yield f"\n{step.size}×{step.size}: {step.gflop:.2f} GFLOP per picture, {counted}"
    cells = "computing, ms | exchanges by ring, ms | by tree, ms | images/s | of ideal | with overlap"
    yield f"| GPU | pictures of each | GPUs | {cells} |\n|---|---|---|---|---|---|---|---|---|"
    for cluster in all_:
        for each in batches:
            for ranks in GPUS:
                yield gpu_row(cluster, step, ranks=ranks, each=each)


def gpu_row(cluster: Cluster, step: Step, *, ranks: int, each: int) -> str:
    """One line of that table. Half of what is computed are backward passes, which could hide gradients on their way."""
    computing = cluster.compute(step.operations).seconds(step.gflop * each)
    ring, tree = shared_seconds(cluster.link(ranks), step.exchanges, ranks)
    hidden = min(computing / 2, *shared_seconds(cluster.link(ranks), step.gradients, ranks))
    whole = computing + min(ring, tree)
    return (
        f"| {cluster.name} | {each} | {ranks} | {1e3 * computing:.1f} | {1e3 * ring:.2f} | {1e3 * tree:.2f} "
        f"| {ranks * each / whole:,.0f} | {computing / whole:.0%} | {computing / (whole - hidden):.0%} |"
    )


def report(points: Sequence[Row], processes: Mapping[str, Sequence[Row]], given: argparse.Namespace) -> Iterator[str]:
    """All of it."""
    yield from about_compute(points)
    yield from about_link(processes["exchanges"])
    yield from about_steps(points, processes)
    yield "\nOf GPUs, which nobody has run; figures are assumed:"
    for size in sorted({row["size"] for row in processes["steps"]}):
        yield from about_gpus(step_of(points, processes, size), clusters(given), given.each)


def main() -> None:
    """Read, fit and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scaling", type=Path, help="what scaling.py --json printed")
    parser.add_argument("processes", type=Path, help="what processes.py --json printed")
    parser.add_argument("--each", type=int, nargs="+", default=(8, 64), help="pictures of each GPU")
    parser.add_argument("--tflops", type=float, help="of your GPU; by default two GPUs, by their data sheets")
    parser.add_argument("--share", type=float, default=0.25, help="of it that a step reaches")
    parser.add_argument("--microseconds-launch", type=float, default=6, help="to start one operation of torch")
    parser.add_argument("--gigabytes", type=float, default=25, help="per second between machines, for each GPU")
    parser.add_argument("--gigabytes-near", type=float, default=300, help="per second between GPUs of one machine")
    parser.add_argument("--microseconds-far", type=float, default=5, help="latency of a hop between machines")
    parser.add_argument("--microseconds-near", type=float, default=2, help="latency of a hop in a machine")
    times = ("median", "least")
    parser.add_argument("--times", choices=times, default="median", help="least: those that others disturbed least")
    given = parser.parse_args()
    found = (json.loads(path.read_text()) for path in (given.scaling, given.processes))
    points, processes = (chosen(one, given.times) for one in found)
    print("\n".join(report(points["points"], processes, given)))


if __name__ == "__main__":
    main()
