"""Time and memory of judging generated pictures with ganzoo, torchmetrics and torch-fidelity, by the same extractor.

    python examples/benchmarks/evaluate.py -n 1000 --rounds 3

All look at the same pictures on the same number of threads. Every round takes one turn of each contestant in one
process; a ratio compares the turns of one round, so that whatever else the machine does hits all. In the clock are:

- **ganzoo**: what a second ``ganzoo evaluate`` does. Features of generated pictures are taken once for ``fd``, ``kd``,
  ``precision`` and ``recall``; those of real ones, what follows from them, and the floors come from the cache.
- **torchmetrics**: ``FrechetInceptionDistance`` and ``KernelInceptionDistance`` with 100 subsets of 1,000, or of half
  of the pictures if they are fewer. Each takes features of real and of generated pictures. There is neither precision
  nor recall.
- **torchmetrics, real kept**: the same with ``reset_real_features=False``, so that real pictures are not in the clock.
- **torch-fidelity**: ``calculate_metrics`` for ``fid``, ``kid`` and ``prc``; both sides are looked at once.
- **torch-fidelity, real kept**: the same with ``input2_cache_name``, so that features and moments of real pictures come
  from its cache.

The line *extractor* is a look at the generated pictures, which each of them has to take at least once. The clock is CPU
time of the process by default, because others wait for the cores as well.

Memory is the peak of the resident set of a process of its own (``VmHWM``), less what it held when pictures and
extractor were there and a turn of a few pictures had been taken, so that libraries are loaded (Linux). What a
contestant keeps of real pictures counts. ``MALLOC_MMAP_THRESHOLD_`` makes glibc return what is freed, so that the peak
does not depend on the holes that others left. ``--distances N`` measures precision and recall of N × 1,280 features
instead.
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
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import ganzoo
from ganzoo.data import cache_folder
from ganzoo.evaluation.judging import Yardstick, judge
from ganzoo.evaluation.reference import RealData
from ganzoo.protocols import DataSpec, Extractor, FeatureFacts, Features

BATCH, FEW = 64, 200
METRICS = ("frechet-distance", "kernel-distance", "precision-recall")
ALL_RETURNED = {"MALLOC_MMAP_THRESHOLD_": "1000000"}
CLOCKS = {"cpu": time.process_time, "wall": time.perf_counter}
Turn = Callable[[], dict[str, float]]


def pictures(n: int, seed: int) -> Tensor:
    """Smooth color noise of 32 × 32."""
    random = torch.Generator().manual_seed(seed)
    small = torch.rand(n, 3, 8, 8, generator=random)
    return (255 * torch.nn.functional.interpolate(small, size=(32, 32), mode="bilinear")).to(torch.uint8)


def extractor_of(name: str) -> Extractor:
    data = ganzoo.build("dataset", "digits").open(image_size=16, channels=1, split="train", cache=cache_folder())
    return ganzoo.build("extractor", name).open(data=data, device=torch.device("cpu"), cache=cache_folder())


class RealPictures:
    """As a dataset of ganzoo."""

    labels = groups = modes = None

    def __init__(self, images: Tensor) -> None:
        self._images = images
        self.spec = DataSpec(shape=tuple(images.shape[1:]), classes=(), marginal=())
        self.fingerprint = FeatureFacts(of=images, found={}).digest

    def __len__(self) -> int:
        return len(self._images)

    def read(self, index: Tensor) -> Tensor:
        return self._images[index]


def with_ganzoo(extractor: Extractor, real: Tensor, fake: Tensor, cache: Path) -> Turn:
    def turn() -> dict[str, float]:
        yardstick = Yardstick(
            reference=RealData(dataset=RealPictures(real), split="train", cache=cache),
            metrics={name: ganzoo.build("metric", name) for name in METRICS},
            options={name: {} for name in METRICS},
            extractors={"extractor": extractor},
            n=len(fake),
        )
        judgment = judge(yardstick, lambda n: ((part, None) for part in fake[:n].split(BATCH)))
        for error in judgment.errors.values():
            raise error
        return {value.key: value.value for value in judgment.values}

    return turn


class AsModule(torch.nn.Module):
    """The extractor as torchmetrics wants it."""

    def __init__(self, extractor: Extractor) -> None:
        super().__init__()
        self.extractor, self.num_features = extractor, extractor.size

    def forward(self, images: Tensor) -> Tensor:
        return self.extractor(images.to(torch.uint8)).features


class Torchmetrics:
    """Its two classes, each with features of its own."""

    def __init__(self, extractor: Extractor, real: Tensor, fake: Tensor, cache: Path, *, kept: bool = False) -> None:
        with warnings.catch_warnings(), suppress(ImportError):
            warnings.simplefilter("ignore")
            from whole_torch_fidelity import torch_fidelity

            torch_fidelity()  # which torchmetrics imports where it is installed, and fails without torchvision
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


class Fed(torch.utils.data.Dataset[Tensor]):
    """Pictures as torch-fidelity wants them."""

    def __init__(self, images: Tensor) -> None:
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, number: int) -> Tensor:
        return self._images[number]


def with_torch_fidelity(extractor: Extractor, real: Tensor, fake: Tensor, cache: Path, *, kept: bool = False) -> Turn:
    from whole_torch_fidelity import torch_fidelity

    package = torch_fidelity()

    class Registered(package.FeatureExtractorBase):  # type: ignore[misc, name-defined]
        """The extractor as torch-fidelity wants it."""

        def __init__(self, name: str, layers: list[str], **_: Any) -> None:
            super().__init__(name, layers)

        @staticmethod
        def get_provided_features_list() -> tuple[str]:
            return ("features",)

        @staticmethod
        def get_default_feature_layer_for_metric(metric: str) -> str:
            return "features"

        def forward(self, images: Tensor) -> tuple[Tensor]:
            return (extractor(images).features,)

    package.registry.FEATURE_EXTRACTORS_REGISTRY["same"] = Registered
    given = {
        "input1": Fed(fake),
        "input2": Fed(real),
        "input2_cache_name": f"real-{len(real)}" if kept else None,
        "cache_root": str(cache / "torch-fidelity"),
        "feature_extractor": "same",
        "kid_subset_size": min(1000, len(real) // 2),
        **dict.fromkeys(("fid", "kid", "prc"), True),
        **dict.fromkeys(("cuda", "verbose"), False),
    }
    return lambda: dict(package.calculate_metrics(**given))


CONTESTANTS: dict[str, Callable[[Extractor, Tensor, Tensor, Path], Turn]] = {
    "ganzoo": with_ganzoo,
    "torchmetrics": Torchmetrics,
    "torchmetrics, real kept": lambda *given: Torchmetrics(*given, kept=True),
    "torch-fidelity": with_torch_fidelity,
    "torch-fidelity, real kept": lambda *given: with_torch_fidelity(*given, kept=True),
}


def timed(turn: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    turn()
    return clock() - start


def times(options: argparse.Namespace) -> None:
    extractor, clock = extractor_of(options.extractor), CLOCKS[options.clock]
    real, fake = pictures(options.n, 0), pictures(options.n, 1)
    turns = {name: make(extractor, real, fake, options.cache) for name, make in CONTESTANTS.items()}
    for name, turn in turns.items():  # which also fills their caches
        print(f"{name}: {', '.join(f'{key} {value:.6g}' for key, value in turn().items())}", flush=True)
    clocked: dict[str, Callable[[], object]] = {**turns, "extractor": lambda: extractor(fake)}
    rounds = [{name: timed(turn, clock) for name, turn in clocked.items()} for _ in range(options.rounds)]
    for name in clocked:
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
    extractor, make = extractor_of(options.extractor), CONTESTANTS[options.memory]
    real, fake = pictures(options.n, 0), pictures(options.n, 1)
    make(extractor, real[:FEW], fake[:FEW], options.cache)()
    before = held()
    make(extractor, real, fake, options.cache)()
    return {"above": peak() - before, "peak": peak()}


def memories(options: argparse.Namespace) -> None:
    given = ["-n", str(options.n), "--extractor", options.extractor, "--threads", str(options.threads)]
    for name in CONTESTANTS:
        command = [sys.executable, __file__, "--memory", name, *given, "--cache", str(options.cache)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | ALL_RETURNED)
        one = json.loads(done.stdout)
        print(f"{name}: {one['above']:.0f} MiB above pictures and extractor, {one['peak']:.0f} in all", flush=True)


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
    parser.add_argument("--clock", choices=CLOCKS, default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", type=Path, help="folder of what is kept of real pictures; by default a new one")
    parser.add_argument("--memory", choices=CONTESTANTS, help="only print the memory that one contestant takes")
    parser.add_argument("--distances", type=int, metavar="N", help="only measure precision and recall of N × 1,280")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as new:
        options.cache = options.cache or Path(new)
        if options.distances:
            distances(options.distances)
        elif options.memory:
            print(json.dumps(memory_of_a_turn(options)))
        else:
            times(options)
            memories(options)


if __name__ == "__main__":
    main()
