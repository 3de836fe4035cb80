"""Seconds of an autoencoder's step with a critic: loops by hand beside ``ganzoo.Adversary``, in turn.

    python examples/benchmarks/adversary.py --rounds 40

Three loops train one autoencoder against one patch critic, hinge and VQGAN's adaptive weight λ, from equal weights on
equal data, with the same optimizers. They compute the same numbers: a test compares their weights.

- ``ganzoo``: the two calls of :class:`ganzoo.Adversary`, with its logs.
- ``fastest``: what one writes who knows all that helps. The critic is frozen in the autoencoder's step; each gradient
  goes to the reconstruction once, and λ is measured from there through the last layer alone; real and fake go through
  the critic in one pass where no layer couples samples. It logs nothing.
- ``taming``: what most write, after the code of VQGAN. The critic is not frozen; λ differentiates both losses down to
  the last layer, and backward does so again; real and fake go through the critic one after the other.

Every round takes one step of two loops, in turn; a ratio compares two steps of one round, so that whatever else the
machine does hits both. ``--clock cpu`` counts the time of the process alone, for machines that others use at the same
time. glibc hands large blocks back to the system, and whoever asks for them next pays, whichever loop that is; which it
is depends on what lies where in the process. So a process holds no third loop, and there are several processes. What
``taming`` loses depends on how heavy the autoencoder is beside its critic, which is what it runs more often.

``ganzoo`` and ``fastest`` run the same convolutions, and equal steps differ by several percent from one to the next. So
what ganzoo's calls cost is also measured apart, by turns of both on networks of next to no width, where it is a sixth
of the step; ``by its calls`` is the ratio if as much is added to the step by hand on the large ones.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, fields
from functools import partial
from itertools import chain, permutations
from multiprocessing import get_context
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

import ganzoo

Norm = Literal["none", "batch"]
TARGETS = {"fastest": 0.99, "taming": 1.15}
"""The other loop → how many times as long as ganzoo's step its step takes, at least."""
WEIGHT = 0.8
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


class Autoencoder(nn.Module):
    """Two halvings and two doublings; ``last`` is the layer that λ is measured at."""

    def __init__(self, *, width: int = 32) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, width, 4, 2, 1), nn.SiLU(), nn.Conv2d(width, width, 4, 2, 1), nn.SiLU(),
            nn.Conv2d(width, 8, 1), nn.Conv2d(8, width, 3, padding=1), nn.SiLU(),
            nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1), nn.SiLU(),
            nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1), nn.SiLU(),
        )  # fmt: skip
        self.last = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.body(x))
        return y


def patch_critic(norm: Norm, *, ndf: int = 64) -> nn.Sequential:
    """The critic of VQGAN with two halvings, with its BatchNorm or without."""

    def block(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
        normed = [nn.BatchNorm2d(outputs)] if norm == "batch" else []
        return [nn.Conv2d(inputs, outputs, 4, stride, 1), *normed, nn.LeakyReLU(0.2)]

    return nn.Sequential(
        nn.Conv2d(3, ndf, 4, 2, 1), nn.LeakyReLU(0.2), *block(ndf, 2 * ndf, 2), *block(2 * ndf, 4 * ndf, 1),
        nn.Conv2d(4 * ndf, 1, 4, 1, 1),
    )  # fmt: skip


def adam(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=2e-4, betas=(0.5, 0.9), fused=True)


class Loop:
    """An autoencoder, a critic, and both optimizers."""

    def __init__(self, model: Autoencoder, critic: nn.Sequential) -> None:
        self.model, self.critic = model, critic
        self.optimizer = adam(model.parameters())

    def step(self, x: Tensor) -> None:
        raise NotImplementedError


class GanzooLoop(Loop):
    """Two calls."""

    def __init__(self, model: Autoencoder, critic: nn.Sequential) -> None:
        super().__init__(model, critic)
        self.adversary = ganzoo.Adversary(
            critic, loss={"name": "hinge", "scale": 0.5}, weight=WEIGHT, balance="last-layer", optimizer=adam
        )

    def step(self, x: Tensor) -> None:
        y = self.model(x)
        rec = (y - x).abs().mean()
        adv = self.adversary.generator_loss(y, reference=rec, last_layer=self.model.last.weight)
        self.optimizer.zero_grad()
        (rec + adv.total).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.adversary.update(fake=y, real=x)


class ByHand(Loop):
    """What both loops by hand have in common."""

    def __init__(self, model: Autoencoder, critic: nn.Sequential) -> None:
        super().__init__(model, critic)
        self.critic_optimizer = adam(critic.parameters())

    def judge(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return self.critic(x), self.critic(y)

    def update(self, x: Tensor, y: Tensor) -> None:
        real, fake = self.judge(x, y)
        self.critic_optimizer.zero_grad()
        (0.5 * (relu(1 - real).mean() + relu(1 + fake).mean())).backward()  # type: ignore[no-untyped-call]
        self.critic_optimizer.step()


class FastestLoop(ByHand):
    """Nothing is computed twice, and nothing for nothing."""

    def __init__(self, model: Autoencoder, critic: nn.Sequential) -> None:
        super().__init__(model, critic)
        self.norms = [module for module in critic if isinstance(module, nn.BatchNorm2d)]

    def step(self, x: Tensor) -> None:
        y = self.model(x)
        rec = (y - x).abs().mean()
        leaf = y.detach().requires_grad_()
        with self.untouched():
            (here,) = torch.autograd.grad(-self.critic(leaf).mean(), leaf)
        (there,) = torch.autograd.grad(rec, y)
        weight = self.model.last.weight
        norms = [torch.autograd.grad(y, weight, one, retain_graph=True)[0].norm() for one in (there, here)]
        balance = (norms[0] / (norms[1] + 1e-4)).clamp(0.0, 1e4)
        self.optimizer.zero_grad()
        y.backward(there + WEIGHT * balance * here)
        self.optimizer.step()
        self.update(x, y.detach())

    def judge(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        if self.norms:
            return super().judge(x, y)
        real, fake = self.critic(torch.cat([x, y])).chunk(2)
        return real, fake

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """The critic without gradients of its own, and with statistics that stay."""
        self.critic.requires_grad_(False)
        for module in self.norms:
            module.momentum = 0.0
        yield
        self.critic.requires_grad_(True)
        for module in self.norms:
            module.momentum = 0.1


class TamingLoop(ByHand):
    """λ by a backward pass of its own for each loss, and a critic that collects gradients for nothing."""

    def step(self, x: Tensor) -> None:
        y = self.model(x)
        rec = (y - x).abs().mean()
        adversarial = -self.critic(y).mean()
        weight = self.model.last.weight
        norms = [torch.autograd.grad(one, weight, retain_graph=True)[0].norm() for one in (rec, adversarial)]
        balance = (norms[0] / (norms[1] + 1e-4)).clamp(0.0, 1e4).detach()
        self.optimizer.zero_grad()
        (rec + WEIGHT * balance * adversarial).backward()
        self.optimizer.step()
        self.update(x, y.detach())


def contestants(norm: Norm, *, width: int, ndf: int, dtype: torch.dtype = torch.float32) -> dict[str, Loop]:
    """Name → loop, each with networks of its own, all from the same weights."""
    torch.manual_seed(0)
    model, critic = Autoencoder(width=width).to(dtype), patch_critic(norm, ndf=ndf).to(dtype)
    kinds: Mapping[str, type[Loop]] = {"ganzoo": GanzooLoop, "fastest": FastestLoop, "taming": TamingLoop}
    return {name: loop(deepcopy(model), deepcopy(critic)) for name, loop in kinds.items()}


def measure(
    steps: Mapping[str, Callable[[], None]],
    *,
    rounds: int,
    warmup: int = 3,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of every step, round by round; all orders take turns, since a step finds memory as the last left it."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    orders = list(permutations(steps))
    for number in range(warmup + rounds):
        for name in orders[number % len(orders)]:
            start = clock()
            steps[name]()
            if number >= warmup:
                seconds[name].append(clock() - start)
    return seconds


def ratios(processes: Sequence[Mapping[str, list[float]]], other: str) -> dict[str, Any]:
    """Quartiles of a loop's seconds over ganzoo's within rounds, medians of processes and the mean of these.

    Above 1, ganzoo is faster.
    """
    each = [[b / a for a, b in zip(one["ganzoo"], one[other], strict=True)] for one in processes]
    low, median, high = statistics.quantiles(chain(*each), n=4, method="inclusive")
    medians = list(map(statistics.median, each))
    error = statistics.stdev(medians) / len(medians) ** 0.5 if medians[1:] else math.nan
    return {
        "low": low,
        "median": median,
        "high": high,
        "processes": medians,
        "mean": statistics.mean(medians),
        "error": error,
    }


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Of the networks and their data, how they are run, and how often."""

    width: int
    ndf: int
    batch_size: int
    image_size: int
    threads: int
    clock: str
    rounds: int


def beside(norm: Norm, other: str, sizes: Sizes) -> dict[str, list[float]]:
    """Seconds of ganzoo's steps and of another loop's, with nothing else in the process."""
    torch.set_num_threads(sizes.threads)
    loops = contestants(norm, width=sizes.width, ndf=sizes.ndf)
    x = torch.rand(sizes.batch_size, 3, sizes.image_size, sizes.image_size) * 2 - 1
    steps = {name: partial(loops[name].step, x) for name in ("ganzoo", other)}
    del loops
    return measure(steps, rounds=sizes.rounds, clock=CLOCKS[sizes.clock])


def by_calls(norm: Norm, *, rounds: int, clock: Callable[[], float], threads: int = 1) -> dict[str, float]:
    """What ganzoo's step takes more than the fastest by hand, in seconds, where networks cost nothing."""
    torch.set_num_threads(threads)
    x = torch.rand(1, 3, 16, 16) * 2 - 1
    loops = contestants(norm, width=2, ndf=2)
    steps = {name: partial(loops[name].step, x) for name in ("ganzoo", "fastest")}
    seconds = measure(steps, rounds=rounds, warmup=20, clock=clock)
    more = [ours - other for ours, other in zip(seconds["ganzoo"], seconds["fastest"], strict=True)]
    low, median, high = statistics.quantiles(more, n=4, method="inclusive")
    return {"median": median, "low": low, "high": high}


def alone(work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What a call returns in a new process, which ends with it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as one:
        return one.submit(work, *arguments, **named).result()


def compared(norm: Norm, sizes: Sizes, processes: int, against: Sequence[str]) -> dict[str, Any]:
    """Medians of seconds, ratios, and what calls cost, of one kind of critic."""
    found: dict[str, Any] = {"seconds": {}, "ratios": {}}
    # The loops take turns with processes, too: a machine may be slower an hour later.
    taken = [{other: alone(beside, norm, other, sizes) for other in against} for _ in range(processes)]
    for other in against:
        pairs = [one[other] for one in taken]
        found["ratios"][other] = ratios(pairs, other) | {"target": TARGETS[other]}
        found["seconds"][other] = statistics.median(chain(*(pair[other] for pair in pairs)))
    found["seconds"]["ganzoo"] = statistics.median(chain(*(one[against[0]]["ganzoo"] for one in taken)))
    if "fastest" not in against:
        return found
    more = alone(by_calls, norm, rounds=5 * sizes.rounds, clock=CLOCKS[sizes.clock], threads=sizes.threads)
    fastest = found["seconds"]["fastest"]
    return found | {"calls": more | {"ratio": fastest / (fastest + more["median"])}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40, help="steps of each loop that are timed, of all processes")
    parser.add_argument("--processes", type=int, default=4, help="of each pair of loops")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--width", type=int, default=32, help="of the autoencoder; 32 is that of the example's")
    parser.add_argument("--ndf", type=int, default=64, help="of the critic; 64 is that of preset vqgan")
    parser.add_argument("--against", choices=TARGETS, action="append", help="one of both loops alone")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    asked = {field.name: getattr(given, field.name) for field in fields(Sizes)}
    sizes = Sizes(**asked | {"rounds": -(-given.rounds // given.processes)})
    norms: tuple[Norm, ...] = ("none", "batch")
    against = given.against or list(TARGETS)
    result = {norm: compared(norm, sizes, given.processes, against) for norm in norms}
    if given.json:
        print(json.dumps(result, indent=2))
        return
    print(
        f"{os.cpu_count()} cores, {given.threads} threads, torch {torch.__version__}, {given.clock} time, "
        f"{given.processes} processes of {sizes.rounds} rounds"
    )
    for norm, found in result.items():
        times = ", ".join(f"{name} {1e3 * found['seconds'][name]:.1f} ms" for name in ("ganzoo", *against))
        print(f"\ncritic's norm {norm}: {times}")
        for name, ratio in found["ratios"].items():
            print("  {0} / ganzoo {median:.3f} ({low:.3f}–{high:.3f}, target {target})".format(name, **ratio))
            print("    medians of processes: " + " ".join(f"{one:.3f}" for one in sorted(ratio["processes"])))
            print("    their mean {mean:.4f}, standard error {error:.4f}".format(**ratio))
        if "calls" not in found:
            continue
        more = {name: 1e3 * found["calls"][name] for name in ("median", "low", "high")}
        print("  by its calls, {median:.2f} ms ({low:.2f}–{high:.2f}): {0:.3f}".format(found["calls"]["ratio"], **more))


if __name__ == "__main__":
    main()
