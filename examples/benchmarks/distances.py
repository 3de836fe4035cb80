"""Time and memory of metrics on features that are given: ganzoo, torch-fidelity and torchmetrics.

    python examples/benchmarks/distances.py -n 5000 --rounds 2

Extraction is not in the clock. Every contestant gets the same float32 features:

- **ganzoo**: Fréchet and kernel distance, precision and recall.
- **torch-fidelity**: its own functions for the same four, kernel distance by its default 100 subsets of 1,000. Its
  package needs torchvision, so its modules are loaded without it; the calculation does not need it.
- **torchmetrics**: its classes for both distances (100 subsets of 1,000); it has neither precision nor recall.

Every round takes one turn of each, and a ratio compares the turns of one round. The clock is CPU time of the process by
default, because others wait for the cores as well. Memory is ``VmHWM`` of a process of its own, with features and
imports in it, and above what that process held before its turn (Linux).
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

import ganzoo
from ganzoo.protocols import Features

Turn = Callable[[Tensor, Tensor], dict[str, float]]
CLOCKS = {"cpu": time.process_time, "wall": time.perf_counter}


def features(n: int, width: int) -> tuple[Tensor, Tensor]:
    """Real and generated ones, at least 0 as those of networks are, correlated by 64 factors."""
    random = torch.Generator().manual_seed(0)
    factors = torch.randn(64, width, generator=random)

    def side(shift: float) -> Tensor:
        common = torch.randn(n, 64, generator=random) @ factors
        return common.add_(torch.randn(n, width, generator=random)).add_(shift).relu_()

    return side(0.0), side(0.2)


def with_ganzoo() -> Turn:
    metrics = [ganzoo.build("metric", name) for name in ("frechet-distance", "kernel-distance", "precision-recall")]

    def turn(real: Tensor, fake: Tensor) -> dict[str, float]:
        sides = {"real": Features(features=real), "fake": Features(features=fake)}
        found: dict[str, float] = {}
        for metric in metrics:
            found |= metric(**sides, random=torch.Generator().manual_seed(0))
        return found

    return turn


class Unused(ModuleType):
    """A module that has every name, and nothing behind it."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


def with_torch_fidelity() -> Turn:
    spec = importlib.util.find_spec("torch_fidelity")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("torch-fidelity is not installed: pip install --no-deps torch-fidelity")
    shell = ModuleType("torch_fidelity")
    shell.__spec__, shell.__path__ = spec, list(spec.submodule_search_locations)
    sys.modules["torch_fidelity"], sys.modules["torch_fidelity.utils"] = shell, Unused("torch_fidelity.utils")
    fid, kid, prc = (importlib.import_module(f"torch_fidelity.metric_{name}") for name in ("fid", "kid", "prc"))

    def turn(real: Tensor, fake: Tensor) -> dict[str, float]:
        one, other = (fid.fid_features_to_statistics(side) for side in (real, fake))
        found = fid.fid_statistics_to_metric(one, other, verbose=False)
        size = min(1000, len(real) // 2)
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


def with_torchmetrics() -> Turn:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchmetrics.image.fid import FrechetInceptionDistance
        from torchmetrics.image.kid import KernelInceptionDistance

    def turn(real: Tensor, fake: Tensor) -> dict[str, float]:
        extractor = AsTheyAre(real.shape[1])
        kid = KernelInceptionDistance(feature=extractor, subset_size=min(1000, len(real) // 2))
        found: dict[str, Any] = {}
        for name, metric in (("fd", FrechetInceptionDistance(feature=extractor)), ("kd", kid)):
            for side, given in ((True, real), (False, fake)):
                for part in given.split(64):
                    metric.update(part, real=side)
            value = metric.compute()
            found[name] = float(value[0] if isinstance(value, tuple) else value)
        return found

    return turn


CONTESTANTS: dict[str, Callable[[], Turn]] = {
    "ganzoo": with_ganzoo,
    "torch-fidelity": with_torch_fidelity,
    "torchmetrics": with_torchmetrics,
}


def timed(turn: Turn, given: tuple[Tensor, Tensor], clock: Callable[[], float]) -> float:
    start = clock()
    turn(*given)
    return clock() - start


def times(options: argparse.Namespace) -> None:
    given = features(options.n, options.width)
    turns = {name: make() for name, make in CONTESTANTS.items()}
    rounds = []
    for _ in range(options.rounds):
        rounds.append({name: timed(turn, given, CLOCKS[options.clock]) for name, turn in turns.items()})
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
    given, turn = features(options.n, options.width), CONTESTANTS[options.memory]()
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is that of now
    before = resident("VmRSS")
    found = turn(*given)
    return {"peak": resident("VmHWM"), "above": resident("VmHWM") - before, "found": found}


def memories(options: argparse.Namespace) -> None:
    for name in CONTESTANTS:
        command = [sys.executable, __file__, "--memory", name, "-n", str(options.n), "--width", str(options.width)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
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
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    if options.memory:
        print(json.dumps(memory_of_a_turn(options), default=float))
    else:
        memories(options)
        times(options)


if __name__ == "__main__":
    main()
