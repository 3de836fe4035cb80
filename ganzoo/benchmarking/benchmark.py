"""All that ``ganzoo bench`` finds out about a plan, as plain data with units in the names."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Any

import torch

from ganzoo.benchmarking.breakdown import breakdown
from ganzoo.benchmarking.contestants import Entered, entered, scratch
from ganzoo.benchmarking.figures import ClockName, ratio, seconds_of, spread
from ganzoo.benchmarking.fresh import Fresh, Question, measure_fresh
from ganzoo.benchmarking.machine import machine
from ganzoo.benchmarking.peers.match import Match
from ganzoo.benchmarking.rounds import WARMUP, Timed
from ganzoo.benchmarking.timing import timed, work_of
from ganzoo.benchmarking.work import peak_gflop_per_second, steps_of_a_round
from ganzoo.config.layers import flatten
from ganzoo.errors import ConfigError
from ganzoo.planning.plan import Plan
from ganzoo.runs.assembly import make_runtime
from ganzoo.training.runtime import Precision

MIB = 2**20
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
FEWEST_FRESH = 3
"""Steps of a new process, whose first two still make what the optimizer keeps."""


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """What is asked for.

    Attributes:
        rivals: whom ganzoo is compared with, by name.
        rivals_precision: theirs; that of the plan unless given.
        rounds: at least 2.
        clock: ``wall``, or ``cpu`` for the processor time of this process alone, on machines that others use as well.
        plugins: whether plugins of others may take part.
    """

    rivals: tuple[str, ...] = ("plain",)
    rivals_precision: Precision | None = None
    rounds: int = 20
    clock: ClockName = "wall"
    plugins: bool = True


def bench(plan: Plan, wanted: BenchOptions, *, tell: Callable[[str], None] = lambda words: None) -> dict[str, Any]:
    """Measure the plan's step beside loops by hand, or the library whose networks the plan has.

    Args:
        plan: what is trained. Its networks stay as they are.
        wanted: whom it is compared with, and how.
        tell: hears what is being measured.

    Returns:
        ``machine``, ``settings``, ``contestants``, ``ratios``, ``peak_gflop_per_second``, ``breakdown_milliseconds``,
        ``rounds`` and ``remarks``, as the user guide lists them.

    Raises:
        ConfigError: what no loop by hand does, or processor time asked for on a GPU.
        DivergedError: a number of ganzoo's step is not finite.
        ResourceError: the device is not there.
    """
    who = entered(plan, wanted.rivals, precision=wanted.rivals_precision)
    runtime = make_runtime(plan.config.runtime)
    device = runtime.device
    if wanted.clock == "cpu" and device.type != "cpu":
        raise ConfigError(
            f"--clock cpu counts processor time, and this is computed on {device}",
            given="--clock cpu",
            allowed="--clock wall",
            hint="ganzoo bench --device cpu --clock cpu",
        )
    steps = steps_of_a_round(plan)
    wait = _waiter(device)
    plain_clock = time.perf_counter if wanted.clock == "wall" else time.process_time

    def clock() -> float:
        wait()
        return plain_clock()

    # Threads are alike for all; what else a run asks of torch is asked by its own contestant alone.
    with replace(runtime, deterministic=False).active(), scratch() as folder:
        tell("counting operations")
        entries = dict.fromkeys(who, plan)
        work = work_of(entries, folder, steps=steps)
        tell("measuring the peak of this machine")
        precisions = dict.fromkeys(one.precision for one in who)
        peaks = {name: peak_gflop_per_second(device, DTYPES[name], clock=clock) for name in precisions}
        repeat = wanted.clock == "wall" and device.type == "cpu"
        turns = timed(
            entries, folder, work=work, rounds=wanted.rounds, steps=steps, repeat=repeat, wait=wait, tell=tell
        )
        tell("timing the parts of a step")
        parts = breakdown(
            who[0].plan(plan),
            folder=folder,
            steps=-(-wanted.rounds // steps) * steps,  # whole turns, so that a lazy term acts as often as it should
            warmup=WARMUP,
            clock=clock,
        )
        facts = machine(device)
    fresh = {one.label: _fresh(one, plan, wanted, threads=facts["threads"], steps=steps, tell=tell) for one in who}
    seconds = {one.label: seconds_of(turns.rounds, one.label, clock=wanted.clock, steps=steps) for one in who}
    images = plan.config.train.batch_size * plan.config.train.n_critic
    ours = who[0].label
    return {
        "ganzoo": version("ganzoo"),
        "machine": facts,
        "settings": _settings(plan, wanted, device, steps),
        "contestants": {
            one.label: {
                "precision": one.precision,
                **_rates(seconds[one.label], work[one.label].gflop, peaks[one.precision], images=images),
                **_of_fresh(fresh[one.label]),
            }
            for one in who
        },
        "ratios": {one.label: ratio(turns.rounds, one.label, ours, clock=wanted.clock) for one in who[1:]},
        "peak_gflop_per_second": peaks,
        "breakdown_milliseconds": {part: 1e3 * taken for part, taken in parts.items()},
        "rounds": {
            "kept": len(turns.rounds),
            "disturbed": turns.disturbed if device.type == "cpu" else None,
            "repeated": turns.repeated,
        },
        "remarks": _remarks(turns, fresh, told=repeat, peer=plan.asked.peer if isinstance(plan, Match) else None),
    }


def _waiter(device: torch.device) -> Callable[[], None]:
    if device.type == "cuda":
        return lambda: torch.cuda.synchronize(device)
    return torch.mps.synchronize if device.type == "mps" else lambda: None


def _fresh(
    one: Entered, plan: Plan, wanted: BenchOptions, *, threads: int, steps: int, tell: Callable[[str], None]
) -> Fresh:
    tell(f"starting {one.label} in a process of its own")
    config = flatten(plan.config.model_dump(mode="json"))
    return measure_fresh(
        Question(
            values={**config, "runtime.precision": one.precision},
            loop=one.loop,
            plugins=wanted.plugins,
            threads=threads,
            steps=max(FEWEST_FRESH, steps),
            match=asdict(plan.asked) if isinstance(plan, Match) else None,
        )
    )


def _settings(plan: Plan, wanted: BenchOptions, device: torch.device, steps: int) -> dict[str, Any]:
    config = plan.config
    return {
        "loss": config.loss.name,
        "discriminator": config.discriminator.name,
        "generator": config.generator.name,
        "regularizers": list(config.regularizers),
        "augment": list(config.augment),
        "data": config.data.name,
        "shape": list(plan.spec.shape),
        "batch_size": config.train.batch_size,
        "n_critic": config.train.n_critic,
        "accumulate": config.train.accumulate,
        "optimizer": config.train.optimizer,
        "precision": config.runtime.precision,
        "compile": config.runtime.compile,
        "device": str(device),
        "clock": wanted.clock,
        "rounds": wanted.rounds,
        "steps_per_turn": steps,
    }


def _rates(seconds: list[float], gflop: float, peak: float, *, images: int) -> dict[str, Any]:
    """Rates are those of the median step."""
    found = spread(seconds)
    rate = gflop / found["median"]
    return {
        "images_per_second": images / found["median"],
        "seconds_per_step": found,
        "gflop_per_step": gflop,
        "gflop_per_second": rate,
        "share_of_peak": rate / peak,
    }


def _of_fresh(fresh: Fresh) -> dict[str, float | None]:
    peak, before = fresh.peak_bytes, fresh.before_bytes
    return {
        "peak_memory_mib": None if peak is None else peak / MIB,
        "step_memory_mib": None if peak is None or before is None else (peak - before) / MIB,
        "first_step_seconds": fresh.first_step_seconds,
    }


def _remarks(turns: Timed, fresh: Mapping[str, Fresh], *, told: bool, peer: str | None) -> list[str]:
    remarks = []
    if peer:
        remarks.append(
            f"all train networks of {peer}, so memory and start of each hold the import of {peer} and ganzoo"
        )
    if turns.disturbed and told:
        remarks.append(
            f"other programs had the cores in {turns.disturbed} of {len(turns.rounds)} rounds: "
            "repeat it on a quiet machine, or count processor time with --clock cpu"
        )
    remarks += [f"{label}: {one.trouble}" for label, one in fresh.items() if one.trouble]
    return remarks
