"""Images per second: ganzoo's step, and settings that change its algorithm, beside the plain loop most people write.

    python examples/benchmarks/step.py --rounds 20
    python examples/benchmarks/step.py --group wgan-gp --image-size 32

The contestants of a group take turns in one process, from the same weights, at 64×64×3 and batch 32 unless asked
otherwise. ``ganzoo bench`` measures any other pair, and more of it; the loops and the clocks are the same.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from ganzoo.benchmarking.contestants import Entered, scratch
from ganzoo.benchmarking.figures import ClockName, ratio, seconds_of, spread
from ganzoo.benchmarking.machine import machine
from ganzoo.benchmarking.rounds import Round, Timed
from ganzoo.benchmarking.timing import timed, work_of
from ganzoo.benchmarking.work import steps_of_a_round
from ganzoo.config.layers import ConfigLayer, flatten
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import Plan, make_plan
from ganzoo.registry import Registry
from ganzoo.training.runtime import Precision


@dataclass(frozen=True, eq=False)
class Loop:
    """A loop in a precision, with settings of its own.

    Attributes:
        label: in results.
        loop: ``ganzoo``, or one of its rivals.
        target: by how much it is to be faster than the first of its group on two cores; ``None`` where nothing is
            promised.
        precision: of networks.
        values: of the configuration.
    """

    label: str
    loop: str = "ganzoo"
    target: float | None = None
    precision: Precision = "fp32"
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def entered(self) -> Entered:
        return Entered(label=self.label, loop=self.loop, precision=self.precision)


SHARED = {"train.fakes": "shared"}
BOTH = {**SHARED, "train.updates": "simultaneous"}
HINGE = {"loss.name": "hinge", "discriminator.name": "patchgan-sn"}
MINIMAX = {"loss.name": "minimax", "discriminator.name": "patchgan-sn"}
WGAN_GP = {"loss.name": "wgan-gp", "discriminator.name": "dcgan"}
R1_R2 = {"loss.name": "relativistic", "discriminator.name": "dcgan", **flatten({"regularizers": ["r1", "r2"]})}
LAZY = {f"regularizers.{name}.every": 8 for name in ("r1", "r2")}


@dataclass(frozen=True)
class Group:
    """Contestants of which the first is what the others are compared with, and what all of them have."""

    values: Mapping[str, Any]
    contestants: tuple[Loop, ...]


GROUPS = {
    "default": Group(
        HINGE,
        (
            Loop("plain fp32", "plain"),
            Loop("ganzoo fp32", target=1.15),
            Loop("hand fp32", "hand"),
            Loop("ganzoo bf16", target=2.0, precision="bf16"),
            Loop("plain bf16", "plain", precision="bf16"),
            Loop("plain fp32, fakes reused", "reused"),
            Loop("ganzoo fp32, fakes shared", values=SHARED),
        ),
    ),
    "one-stage": Group(
        MINIMAX,
        (
            Loop("plain fp32", "plain"),
            Loop("ganzoo fp32"),
            Loop("ganzoo fp32, fakes shared", values=SHARED),
            Loop("ganzoo fp32, updates simultaneous", target=1.5, values=BOTH),
            Loop("ganzoo bf16, updates simultaneous", target=2.3, precision="bf16", values=BOTH),
        ),
    ),
    "wgan-gp": Group(
        WGAN_GP,
        (
            Loop("plain fp32", "plain"),
            Loop("ganzoo fp32", target=1.15),
            Loop("ganzoo bf16", precision="bf16"),
            Loop(
                "ganzoo bf16, penalty too", precision="bf16", values={"runtime.penalty_precision": "bf16"}, target=1.4
            ),
            Loop("ganzoo fp32, penalty every 4", values={"regularizers.gradient-penalty.every": 4}, target=1.6),
        ),
    ),
    "r1-r2": Group(
        R1_R2,
        (
            Loop("ganzoo fp32"),
            Loop("ganzoo fp32, penalties every 8", values=LAZY, target=1.6),
        ),
    ),
}


def plans_for(registry: Registry, group: Group, *, image_size: int, batch_size: int) -> dict[Loop, Plan]:
    """Each with networks of its own, all from the same weights."""
    common = {
        "generator.name": "dcgan",
        "data.name": "synthetic",
        "data.image_size": image_size,
        "data.channels": 3,
        "train.batch_size": batch_size,
        "runtime.device": "cpu",
    }
    return {
        one: make_plan(choose(registry, [ConfigLayer("benchmark", common | {**group.values} | {**one.values})]))
        for one in group.contestants
    }


def measure(plans: Mapping[Loop, Plan], *, rounds: int, clock: ClockName) -> tuple[Timed, int]:
    """The turns, and the steps of each; rounds that others disturb are repeated."""
    who = {one.entered: plan for one, plan in plans.items()}
    # A term that acts at every k-th update only acts in every turn as often as it does on average.
    steps = math.lcm(*(steps_of_a_round(plan) for plan in plans.values()))
    with scratch() as folder:
        work = work_of(who, folder, steps=1)
        return timed(who, folder, work=work, rounds=rounds, steps=steps, repeat=clock == "wall"), steps


def summarize(
    contestants: Sequence[Loop], rounds: Sequence[Round], *, steps: int, images: int, clock: ClockName = "wall"
) -> dict[str, Any]:
    """Images per second of the median step of so many, and the ratios to the first within rounds (above 1: faster)."""
    first, *others = contestants
    medians = {
        one.label: spread(seconds_of(rounds, one.label, clock=clock, steps=steps))["median"] for one in contestants
    }
    return {
        "milliseconds_per_step": {name: 1e3 * taken for name, taken in medians.items()},
        "images_per_second": {name: images / taken for name, taken in medians.items()},
        "ratios": {
            f"{one.label} / {first.label}": {
                **ratio(rounds, first.label, one.label, clock=clock),
                "target": one.target,
            }
            for one in others
        },
    }


def show(result: Mapping[str, Any]) -> None:
    host = result["machine"]
    print(f"{host['processor']}, {host['cores']} cores, {host['threads']} threads, torch {host['torch']}")
    print("bf16 units:", ", ".join(host["bf16_units"]) or "none; the bf16 figures are NOT meaningful here")
    settings = (
        "{group}: {image_size}×{image_size}×3, batch {batch_size}, {rounds} rounds of {steps} steps, {clock} time"
    )
    print(settings.format_map(result["settings"]))
    print(
        "{repeated} rounds that others disturbed were taken again, {disturbed} are left\n".format_map(result["rounds"])
    )
    for name, rate in result["images_per_second"].items():
        print(f"{name:<52} {rate:8.1f} images/s {result['milliseconds_per_step'][name]:8.1f} ms")
    print()
    for name, found in result["ratios"].items():
        target = f", target {found['target']}" if found["target"] else ""
        quartiles = "{median:8.2f} ({lower_quartile:.2f}–{upper_quartile:.2f}".format_map(found)
        print(f"{name:<52} {quartiles}{target}); least times {found['of_least_seconds']:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--group", choices=tuple(GROUPS), default="default", help="who is compared [default: default]")
    parser.add_argument("--fp32", action="store_true", help="leave bf16 out: a CPU without units for it is very slow")
    parser.add_argument("--rounds", type=int, default=20, help="steps of each contestant that are timed, at least 2")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu: time of this process alone")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    if arguments.rounds < 2:
        parser.error("--rounds must be at least 2, since quartiles need two values")
    torch.set_num_threads(arguments.threads)
    size = {"image_size": arguments.image_size, "batch_size": arguments.batch_size}
    plans = plans_for(Registry.load(plugins=False), GROUPS[arguments.group], **size)
    plans = {one: plan for one, plan in plans.items() if one.precision == "fp32" or not arguments.fp32}
    turns, steps = measure(plans, rounds=arguments.rounds, clock=arguments.clock)
    (n_critic,) = {plan.config.train.n_critic for plan in plans.values()}
    images = arguments.batch_size * n_critic
    settings = {"group": arguments.group, **size, "rounds": arguments.rounds, "steps": steps, "clock": arguments.clock}
    result = {
        "machine": machine(),
        "settings": settings,
        "rounds": {"disturbed": turns.disturbed, "repeated": turns.repeated},
        **summarize(list(plans), turns.rounds, steps=steps, images=images, clock=arguments.clock),
    }
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        show(result)


if __name__ == "__main__":
    main()
