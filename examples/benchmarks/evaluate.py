"""Time and memory of Fréchet and kernel distance with ganzoo and with torchmetrics, through the same extractor.

    python examples/benchmarks/evaluate.py -n 1000 --rounds 3

Both look at the same pictures on the same number of threads. Every round takes one turn of each contestant in one
process; a ratio compares the turns of one round, so that whatever else the machine does hits both. In the clock are:

- **ganzoo**: features of the generated pictures, taken once; ``fd``, ``kd`` and, beside what torchmetrics has,
  ``precision`` and ``recall``. Features of real pictures come from the cache, as they do in ``ganzoo evaluate``.
- **torchmetrics**: ``FrechetInceptionDistance`` and ``KernelInceptionDistance`` with 100 subsets of 1,000, or of half
  of the pictures if they are fewer. Each takes features of real and of generated pictures.
- **torchmetrics, real kept**: the same with ``reset_real_features=False``, so that real pictures are not in the clock.

Memory is the peak of the resident set of a process of its own (``VmHWM``), less what it held when pictures and
extractor were there (Linux): torch allocates outside what ``tracemalloc`` sees. Features of real pictures are part of
it. torch-fidelity needs torchvision, and is not compared. ``--distances N`` measures precision and recall of N × 1,280
features instead.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import ganzoo
from ganzoo.data import cache_folder
from ganzoo.protocols import Extractor, Features

BATCH = 64
METRICS = ("frechet-distance", "kernel-distance", "precision-recall")
Turn = Callable[[], dict[str, float]]


def pictures(n: int, seed: int) -> Tensor:
    """Smooth color noise of 32 × 32."""
    random = torch.Generator().manual_seed(seed)
    small = torch.rand(n, 3, 8, 8, generator=random)
    return (255 * torch.nn.functional.interpolate(small, size=(32, 32), mode="bilinear")).to(torch.uint8)


def extractor_of(name: str) -> Extractor:
    data = ganzoo.build("dataset", "digits").open(image_size=16, channels=1, split="train", cache=cache_folder())
    return ganzoo.build("extractor", name).open(data=data, device=torch.device("cpu"), cache=cache_folder())


class Ganzoo:
    """Features once, all metrics on them."""

    def __init__(self, extractor: Extractor, real: Tensor, fake: Tensor) -> None:
        self._extractor, self._fake = extractor, fake
        self._real = Features(features=extractor(real).features)
        self._metrics = [ganzoo.build("metric", name) for name in METRICS]

    def __call__(self) -> dict[str, float]:
        fake = Features(features=self._extractor(self._fake).features)
        found: dict[str, float] = {}
        for metric in self._metrics:
            found |= metric(real=self._real, fake=fake, random=torch.Generator().manual_seed(0))
        return found


class AsModule(torch.nn.Module):
    """The extractor as torchmetrics wants it."""

    def __init__(self, extractor: Extractor) -> None:
        super().__init__()
        self.extractor, self.num_features = extractor, extractor.size

    def forward(self, images: Tensor) -> Tensor:
        return self.extractor(images.to(torch.uint8)).features


class Torchmetrics:
    """Its two classes, each with features of its own."""

    def __init__(self, extractor: Extractor, real: Tensor, fake: Tensor, *, kept: bool = False) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from torchmetrics.image.fid import FrechetInceptionDistance
            from torchmetrics.image.kid import KernelInceptionDistance

            given = {"feature": AsModule(extractor), "reset_real_features": not kept}
            subset = min(1000, len(real) // 2)
            self._metrics: dict[str, Any] = {
                "fd": FrechetInceptionDistance(**given),
                "kd": KernelInceptionDistance(**given, subset_size=subset),
            }
        self._real, self._fake, self._kept = real, fake, kept
        if kept:
            self._update(real, real=True)

    def _update(self, images: Tensor, *, real: bool) -> None:
        for metric in self._metrics.values():
            for part in images.split(BATCH):
                metric.update(part, real=real)

    def __call__(self) -> dict[str, float]:
        if not self._kept:
            self._update(self._real, real=True)
        self._update(self._fake, real=False)
        found = {"fd": float(self._metrics["fd"].compute()), "kd": float(self._metrics["kd"].compute()[0])}
        for metric in self._metrics.values():
            metric.reset()
        return found


CONTESTANTS: dict[str, Callable[[Extractor, Tensor, Tensor], Turn]] = {
    "ganzoo": Ganzoo,
    "torchmetrics": Torchmetrics,
    "torchmetrics, real kept": lambda *given: Torchmetrics(*given, kept=True),
}


def timed(turn: Turn) -> float:
    start = time.perf_counter()
    turn()
    return time.perf_counter() - start


def times(options: argparse.Namespace) -> None:
    extractor = extractor_of(options.extractor)
    real, fake = pictures(options.n, 0), pictures(options.n, 1)
    turns = {name: make(extractor, real, fake) for name, make in CONTESTANTS.items()}
    for name, turn in turns.items():
        print(f"{name}: {', '.join(f'{key} {value:.6g}' for key, value in turn().items())}", flush=True)
    rounds = [{name: timed(turn) for name, turn in turns.items()} for _ in range(options.rounds)]
    for name in turns:
        seconds = [one[name] for one in rounds]
        ratios = [one[name] / one["ganzoo"] for one in rounds]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{name}: {statistics.median(seconds):.2f} s, {statistics.median(ratios):.2f} × ganzoo ({spread})")


def peak() -> float:
    """MiB of the resident set at its highest since :func:`held` was called."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def held() -> float:
    """MiB of the resident set now; forgets its peak, which making the pictures may have been."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def memory_of_a_turn(options: argparse.Namespace) -> dict[str, float]:
    extractor = extractor_of(options.extractor)
    real, fake = pictures(options.n, 0), pictures(options.n, 1)
    before = held()
    CONTESTANTS[options.memory](extractor, real, fake)()
    return {"MiB": peak() - before}


def memories(options: argparse.Namespace) -> None:
    given = ["-n", str(options.n), "--extractor", options.extractor, "--threads", str(options.threads)]
    for name in CONTESTANTS:
        command = [sys.executable, __file__, "--memory", name, *given]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        print(f"{name}: peak {json.loads(done.stdout)['MiB']:.0f} MiB above pictures and extractor", flush=True)


def distances(n: int) -> None:
    real, fake = (torch.rand(n, 1280, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    metric = ganzoo.build("metric", "precision-recall")
    before, start = held(), time.perf_counter()
    found = metric(real=Features(features=real), fake=Features(features=fake), random=torch.Generator())
    print(f"{found} in {time.perf_counter() - start:.0f} s, peak {peak():.0f} MiB, {before:.0f} MiB before")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=1000, help="pictures on each side")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--extractor", default="random-conv")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory", choices=CONTESTANTS, help="only print the memory that one contestant takes")
    parser.add_argument("--distances", type=int, metavar="N", help="only measure precision and recall of N × 1,280")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    if options.distances:
        distances(options.distances)
    elif options.memory:
        print(json.dumps(memory_of_a_turn(options)))
    else:
        times(options)
        memories(options)


if __name__ == "__main__":
    main()
