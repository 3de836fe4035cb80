"""Images per second: ganzoo's default step beside the plain loop most people write, interleaved in one process.

    python examples/benchmarks/step.py --rounds 20

Both train hinge + patchgan-sn against the dcgan generator from the same weights, at 64×64×3 and batch 32 unless asked
otherwise. ganzoo's side is a run as ``ganzoo run`` makes it (weight averaging, finite check, a metric row every ten
steps), without the files. The plain side is :class:`PlainLoop`. Drawing the batch is inside the clock on both sides.
Every round takes one step of each contestant; a ratio compares the two steps of one round, so that whatever else the
machine does hits both.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import relu

from ganzoo.config.layers import ConfigLayer
from ganzoo.data import Batches
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import Plan, make_plan
from ganzoo.registry import Registry
from ganzoo.runs.assembly import assemble
from ganzoo.training.loop import train

Step = Callable[[], object]
UNENDING = 10**9


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


class PlainLoop:
    """The loop a competent user writes first.

    The discriminator judges real images, then detached fakes whose graph was built; it is not frozen in the
    generator's step; torch's spectral norm iterates at every forward; both losses are read each step; Adam and the
    memory layout are torch's defaults. With ``reuse_fakes`` the generator's step takes the fakes of the
    discriminator's step, as some tutorials do: one forward of the generator less, and another algorithm than
    ganzoo's, which draws new latents.
    """

    def __init__(self, plan: Plan, *, precision: str, reuse_fakes: bool = False) -> None:
        self.generator, self.discriminator = plan.generator, plan.discriminator
        train = plan.config.train
        self.g_optimizer = torch.optim.Adam(self.generator.parameters(), lr=train.g_lr, betas=train.g_betas)
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=train.d_lr, betas=train.d_betas)
        self.batches = Batches(plan.dataset, batch_size=train.batch_size, seed=plan.config.seed)
        self.batch_size = train.batch_size
        self.random = torch.Generator().manual_seed(plan.config.seed)
        self.precision, self.reuse_fakes = precision, reuse_fakes
        self.number = 0

    def step(self) -> tuple[float, float]:
        real = self.batches.batch(self.number).data
        self.number += 1
        with self.autocast():
            fake = self.fakes()
            real_logits = self.discriminator(real).logits
            fake_logits = self.discriminator(fake.detach()).logits
            d_loss = relu(1 - real_logits).mean() + relu(1 + fake_logits).mean()
        self.d_optimizer.zero_grad()
        d_loss.backward()  # type: ignore[no-untyped-call]
        self.d_optimizer.step()
        with self.autocast():
            fake = fake if self.reuse_fakes else self.fakes()
            g_loss = -self.discriminator(fake).logits.mean()
        self.g_optimizer.zero_grad()
        g_loss.backward()
        self.g_optimizer.step()
        return d_loss.item(), g_loss.item()

    def fakes(self) -> torch.Tensor:
        images: torch.Tensor = self.generator(self.generator.latent(self.batch_size, generator=self.random))
        return images

    def autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.precision == "bf16")


def ganzoo_step(plan: Plan) -> Step:
    """One step of the run that ``ganzoo run`` would make of this plan."""
    setup = assemble(plan)
    training = train(setup)

    def step() -> None:
        with setup.runtime.active():
            next(training)

    return step


def plan_for(registry: Registry, *, image_size: int, batch_size: int, precision: str) -> Plan:
    values = {
        "loss.name": "hinge",
        "discriminator.name": "patchgan-sn",
        "generator.name": "dcgan",
        "data.name": "synthetic",
        "data.image_size": image_size,
        "data.channels": 3,
        "train.batch_size": batch_size,
        "train.steps": UNENDING,
        "runtime.device": "cpu",
        "runtime.precision": precision,
    }
    return make_plan(choose(registry, [ConfigLayer("benchmark", values)]))


def contestants(
    registry: Registry, *, image_size: int, batch_size: int, fp32: bool = False
) -> Iterator[tuple[str, Step]]:
    """Name → step, each with networks of its own, all from the same weights."""

    def plan(precision: str = "fp32") -> Plan:
        return plan_for(registry, image_size=image_size, batch_size=batch_size, precision=precision)

    yield "plain fp32", PlainLoop(plan(), precision="fp32").step
    yield "ganzoo fp32", ganzoo_step(plan())
    if not fp32:
        yield "ganzoo bf16", ganzoo_step(plan("bf16"))
        yield "plain bf16", PlainLoop(plan(), precision="bf16").step
    yield "plain fp32, fakes reused", PlainLoop(plan(), precision="fp32", reuse_fakes=True).step


def measure(steps: dict[str, Step], *, rounds: int, warmup: int = 2) -> dict[str, list[float]]:
    """Seconds of every step, round by round."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(warmup + rounds):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if number >= warmup:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def summarize(seconds: dict[str, list[float]], *, batch_size: int) -> dict[str, Any]:
    """Median images per second, and the median and range of the ratios within rounds (above 1: faster)."""
    ratios = {}
    for comparison in COMPARISONS:
        if not {comparison.yardstick, comparison.contestant} <= seconds.keys():
            continue
        pairs = zip(seconds[comparison.yardstick], seconds[comparison.contestant], strict=True)
        found = [yardstick / contestant for yardstick, contestant in pairs]
        ratios[str(comparison)] = {
            "median": statistics.median(found),
            "min": min(found),
            "max": max(found),
            "target": comparison.target,
        }
    rates = {name: batch_size / statistics.median(taken) for name, taken in seconds.items()}
    return {"images_per_second": rates, "ratios": ratios}


def machine() -> dict[str, Any]:
    cpuinfo = Path("/proc/cpuinfo")
    fields = [line.partition(":") for line in cpuinfo.read_text().splitlines()] if cpuinfo.exists() else []
    facts = {name.strip(): value.strip() for name, _, value in fields}
    units = set(facts.get("flags", "").split()) & {"avx512_bf16", "amx_bf16"}
    return {
        "processor": facts.get("model name") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "bf16_units": sorted(units),
    }


def show(result: dict[str, Any]) -> None:
    host = result["machine"]
    print(f"{host['processor']}, {host['cores']} cores, {host['threads']} threads, torch {host['torch']}")
    print("bf16 units:", ", ".join(host["bf16_units"]) or "none; the bf16 figures are NOT meaningful here")
    print("{image_size}×{image_size}×3, batch {batch_size}, {rounds} rounds\n".format_map(result["settings"]))
    for name, rate in result["images_per_second"].items():
        print(f"{name:<42} {rate:8.1f} images/s")
    print()
    for name, ratio in result["ratios"].items():
        target = f", target {ratio['target']}" if ratio["target"] else ""
        print(f"{name:<42} {ratio['median']:8.2f} ({ratio['min']:.2f}–{ratio['max']:.2f}{target})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fp32", action="store_true", help="leave bf16 out: a CPU without units for it is very slow")
    parser.add_argument("--rounds", type=int, default=20, help="steps of each contestant that are timed")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    size = {"image_size": arguments.image_size, "batch_size": arguments.batch_size}
    compared = dict(contestants(Registry.load(plugins=False), **size, fp32=arguments.fp32))
    seconds = measure(compared, rounds=arguments.rounds)
    result = {
        "machine": machine(),
        "settings": {**size, "rounds": arguments.rounds},
        **summarize(seconds, batch_size=arguments.batch_size),
    }
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        show(result)


if __name__ == "__main__":
    main()
