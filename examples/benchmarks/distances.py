"""Time and memory of metrics on features that are given: ganzoo, torch-fidelity and torchmetrics.

    python examples/benchmarks/distances.py -n 5000 --rounds 2

Extraction is not in the clock. Every contestant gets the same float32 features, and whoever can keep something of the
real ones has done so before its turn:

- **ganzoo**: Fréchet and kernel distance, precision and recall, as in a second ``ganzoo evaluate``: what follows from
  real features is read from the cache, in the turn.
- **ganzoo, first**: the same with an empty cache, as in the first.
- **torch-fidelity**: its own functions for the same four, kernel distance by its default 100 subsets of 1,000. It keeps
  mean and covariance of the real features.
- **torchmetrics**: its classes for both distances (100 subsets of 1,000) with ``reset_real_features=False``; it has
  neither precision nor recall. It has taken the real features in.

Every round takes one turn of each, and a ratio compares the turns of one round. The clock is CPU time of the process by
default, because others wait for the cores as well. Memory is ``VmHWM`` of a process of its own after a turn of a few
samples, so that libraries are loaded: with features and imports in it, and above what that process held before (Linux).
What a contestant keeps of real features counts. ``MALLOC_MMAP_THRESHOLD_`` makes glibc return what is freed: without it
the peak depends on the holes that making the features left behind, and differs by 40 MiB from run to run.
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
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import ganzoo
from ganzoo.evaluation.kept_facts import KeptFacts
from ganzoo.protocols import FeatureFacts, Features

FEW = 100
"""Samples of a turn before the one whose memory is measured."""
Turn = Callable[[Tensor], dict[str, float]]
ALL_RETURNED = {"MALLOC_MMAP_THRESHOLD_": "1000000"}
CLOCKS = {"cpu": time.process_time, "wall": time.perf_counter}


def features(n: int, width: int) -> tuple[Tensor, Tensor]:
    """Real and generated ones, at least 0 as those of networks are, correlated by 64 factors."""
    random = torch.Generator().manual_seed(0)
    factors = torch.randn(64, width, generator=random)

    def side(shift: float) -> Tensor:
        common = torch.randn(n, 64, generator=random) @ factors
        return common.add_(torch.randn(n, width, generator=random)).add_(shift).relu_()

    return side(0.0), side(0.2)


def with_ganzoo(real: Tensor, cache: Path) -> Turn:
    names = ("frechet-distance", "kernel-distance", "precision-recall")
    metrics = tuple(ganzoo.build("metric", name) for name in names)

    def turn(fake: Tensor) -> dict[str, float]:
        known = KeptFacts(cache / FeatureFacts(of=real, found={}).digest)
        facts = FeatureFacts(of=real, found=known), FeatureFacts(of=fake, found={}, metrics=metrics)
        one, other = (Features(features=fact.of, facts=fact) for fact in facts)
        found: dict[str, float] = {}
        for metric in metrics:
            found |= metric(real=one, fake=other, random=torch.Generator().manual_seed(0))
        return found

    return turn


def with_ganzoo_first(real: Tensor, cache: Path) -> Turn:
    def turn(fake: Tensor) -> dict[str, float]:
        with tempfile.TemporaryDirectory() as empty:
            return with_ganzoo(real, Path(empty))(fake)

    return turn


def with_torch_fidelity(real: Tensor, cache: Path) -> Turn:
    from whole_torch_fidelity import torch_fidelity

    package = torch_fidelity()
    fid, kid, prc = (getattr(package, f"metric_{name}") for name in ("fid", "kid", "prc"))
    size, kept = min(1000, len(real) // 2), fid.fid_features_to_statistics(real)

    def turn(fake: Tensor) -> dict[str, float]:
        found = fid.fid_statistics_to_metric(kept, fid.fid_features_to_statistics(fake), verbose=False)
        found |= kid.kid_features_to_metric(real, fake, kid_subset_size=size, verbose=False)
        return {**found, **prc.prc_features_to_metric(fake, real, verbose=False)}

    return turn


class AsTheyAre(torch.nn.Module):
    """In the place of an extractor."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.num_features = size

    def forward(self, given: Tensor) -> Tensor:
        return given


def with_torchmetrics(real: Tensor, cache: Path) -> Turn:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchmetrics.image.fid import FrechetInceptionDistance
        from torchmetrics.image.kid import KernelInceptionDistance

        given = {"feature": AsTheyAre(real.shape[1]), "reset_real_features": False}
        kid = KernelInceptionDistance(**given, subset_size=min(1000, len(real) // 2))
        metrics: dict[str, Any] = {"fd": FrechetInceptionDistance(**given), "kd": kid}

    def update(features: Tensor, *, real: bool) -> None:
        for metric in metrics.values():
            for part in features.split(64):
                metric.update(part, real=real)

    def turn(fake: Tensor) -> dict[str, float]:
        update(fake, real=False)
        found = {"fd": float(metrics["fd"].compute()), "kd": float(metrics["kd"].compute()[0])}
        for metric in metrics.values():
            metric.reset()
        return found

    update(real, real=True)
    return turn


CONTESTANTS: dict[str, Callable[[Tensor, Path], Turn]] = {
    "ganzoo": with_ganzoo,
    "ganzoo, first": with_ganzoo_first,
    "torch-fidelity": with_torch_fidelity,
    "torchmetrics": with_torchmetrics,
}


def timed(turn: Turn, fake: Tensor, clock: Callable[[], float]) -> float:
    start = clock()
    turn(fake)
    return clock() - start


def times(options: argparse.Namespace) -> None:
    real, fake = features(options.n, options.width)
    turns = {name: make(real, options.cache) for name, make in CONTESTANTS.items()}
    turns["ganzoo"](fake.flip(0))  # leaves in the cache what follows from real features
    rounds = []
    for _ in range(options.rounds):
        rounds.append({name: timed(turn, fake, CLOCKS[options.clock]) for name, turn in turns.items()})
        print("; ".join(f"{name} {seconds:.2f} s" for name, seconds in rounds[-1].items()), flush=True)
    for name in turns:
        ratios = [one[name] / one["ganzoo"] for one in rounds]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{name}: {statistics.median(ratios):.2f} × ganzoo ({spread})", flush=True)


def resident(which: str) -> float:
    """MiB of the resident set: ``VmRSS`` now, ``VmHWM`` at its highest."""
    rows = Path("/proc/self/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith(f"{which}:")) / 1024


def memory_of_a_turn(options: argparse.Namespace) -> dict[str, Any]:
    make, (real, fake) = CONTESTANTS[options.memory], features(options.n, options.width)
    make(real[:FEW], options.cache)(fake[:FEW])
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is that of now
    before = resident("VmRSS")
    found = make(real, options.cache)(fake)
    return {"peak": resident("VmHWM"), "above": resident("VmHWM") - before, "found": found}


def memories(options: argparse.Namespace) -> None:
    given = ["-n", str(options.n), "--width", str(options.width), "--cache", str(options.cache)]
    for name in CONTESTANTS:
        command = [sys.executable, __file__, "--memory", name, *given]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | ALL_RETURNED)
        one = json.loads(done.stdout.splitlines()[-1])
        numbers = ", ".join(f"{key} {float(value):.6g}" for key, value in one["found"].items())
        print(f"{name}: peak {one['peak']:.0f} MiB, {one['above']:.0f} MiB of it in its turn; {numbers}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=5000, help="samples on each side")
    parser.add_argument("--width", type=int, default=1280, help="features of each")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--clock", choices=CLOCKS, default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory", choices=CONTESTANTS, help="only print the memory that one contestant takes")
    parser.add_argument("--cache", type=Path, help="folder of what ganzoo keeps of real features; by default a new one")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as new:
        options.cache = options.cache or Path(new)
        if options.memory:
            print(json.dumps(memory_of_a_turn(options), default=float))
        else:
            times(options)
            memories(options)


if __name__ == "__main__":
    main()
