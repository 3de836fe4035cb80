"""Which setting lets hinge + patchgan-sn make good digits soonest, with networks as large as they are by default?

    python examples/time_to_quality.py                             # every candidate briefly, the best ones longer
    python examples/time_to_quality.py --only default --seeds 100 --first 204 --kept 0

A candidate trains in this process, with one thread. After every 17 seconds of processor time, a judge looks at 1,000
samples of the averaged generator; what it takes does not count. The judge is not that of quality.py, and neither are
the seeds, so that a setting found here can still be tested there. Rates that fall reach zero at the end of the whole
time, however early the run is stopped. What was measured is kept in ``--rows`` and not measured again; all of it is
written to docs/figures/time-to-quality.md, best first.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from judge import Judge
from quality import LEAST_SHARE, SAMPLES

from ganzoo.config.layers import ConfigLayer
from ganzoo.errors import DivergedError
from ganzoo.evaluation import sampling
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import Plan, make_plan
from ganzoo.registry import Registry
from ganzoo.runs.assembly import assemble
from ganzoo.training.loop import train

FIGURES = Path(__file__).parents[1] / "docs" / "figures" / "time-to-quality.md"
JUDGE_SEED = 1
GOOD = 0.80
TWO_THREADS = 1.7
"""How much faster two threads of a quiet machine are than one."""
WHOLE, SOON, EARLY, LOOK = 204.0, 85.0, 34.0, 17.0
"""Processor seconds of a run, until it should be good, of any candidate, and between looks.

They are 120, 50, 20 and 10 seconds of two threads."""
WARM_UP, TIMED = 3, 12
"""Steps by which it is found how many fit into the time."""

BASE: dict[str, Any] = {
    "loss.name": "hinge",
    "discriminator.name": "patchgan-sn",
    "data.name": "digits",
    "runtime.device": "cpu",
    "runtime.threads": 1,
}
BATCH_16 = {"train.batch_size": 16}
BATCH_64 = {"train.batch_size": 64}
LINEAR = {"train.lr_schedule": "linear"}
COSINE = {"train.lr_schedule": "cosine"}
TWICE = {"train.g_lr": 2e-3, "train.d_lr": 4e-3}
HALF = {"train.g_lr": 5e-4, "train.d_lr": 1e-3}
FASTER_CRITIC = {"train.d_lr": 4e-3}
SHARED = {"train.fakes": "shared"}
TWO_UPDATES = SHARED | {"train.n_critic": 2}
MOMENTUM = {"train.g_betas": [0.5, 0.99], "train.d_betas": [0.5, 0.99]}
TRANSLATIONS = {"augment": {"diffaugment": {}}, "augment.diffaugment.policy": ["translation"]}
BF16 = {"runtime.precision": "bf16"}
FEW_LATENTS = {"generator.name": "dcgan", "generator.latent": 16}
LONG_AVERAGE = {"schedules.train.ema_half_life": {"images": [0, 100_000], "values": [0, 20_000]}}
"""A half-life of a fifth of the images seen so far, where the default has a thirteenth."""
CANDIDATES: dict[str, dict[str, Any]] = {
    "default": {},
    "bf16": BF16,
    "shared fakes": SHARED,
    "batch 16": BATCH_16,
    "batch 16, half the rates": BATCH_16 | HALF,
    "batch 16, cosine": BATCH_16 | COSINE,
    "batch 16, linear": BATCH_16 | LINEAR,
    "batch 16, translations": BATCH_16 | TRANSLATIONS,
    "batch 16, 16 latents": BATCH_16 | FEW_LATENTS,
    "batch 8": {"train.batch_size": 8},
    "batch 64, twice the rates": BATCH_64 | TWICE,
    "half the rates": HALF,
    "twice the rates": TWICE,
    "equal rates of 2e-3": {"train.g_lr": 2e-3, "train.d_lr": 2e-3},
    "beta1 0.5": MOMENTUM,
    "beta2 0.9": {"train.g_betas": [0.0, 0.9], "train.d_betas": [0.0, 0.9]},
    "beta2 0.999": {"train.g_betas": [0.0, 0.999], "train.d_betas": [0.0, 0.999]},
    "two critic updates, shared fakes": TWO_UPDATES,
    "longer average": LONG_AVERAGE,
    "lazy R1": {"regularizers": {"r1": {}}, "regularizers.r1.weight": 0.1, "regularizers.r1.every": 8},
    "DiffAugment": {"augment": {"diffaugment": {}}},
    "bf16, cosine": BF16 | COSINE,
    "bf16, faster critic": BF16 | FASTER_CRITIC,
    "bf16, batch 16": BF16 | BATCH_16,
    "bf16, batch 16, 16 latents": BF16 | BATCH_16 | FEW_LATENTS,
    "bf16, batch 16, faster critic": BF16 | BATCH_16 | FASTER_CRITIC,
    "bf16, longer average": BF16 | LONG_AVERAGE,
    "bf16, two critic updates, shared fakes": BF16 | TWO_UPDATES,
    "bf16, translations": BF16 | TRANSLATIONS,
    "bf16, linear": BF16 | LINEAR,
    "cosine": COSINE,
    "linear": LINEAR,
}


@dataclass(frozen=True)
class Look:
    """What the judge said after so many processor seconds of training."""

    seconds: float
    step: int
    ratio: float
    rarest: float


START = Look(seconds=0.0, step=0, ratio=0.0, rarest=0.0)


@dataclass(frozen=True)
class Measured:
    """A run, or the first part of one.

    Attributes:
        whole: processor seconds of the run for which the rates are planned.
        planned: steps of it, as many as fit into that time.
        batch: real images that a step takes.
        diverged: why it ended early; empty if it did not.
    """

    candidate: str
    seed: int
    planned: int
    batch: int
    looks: tuple[Look, ...]
    whole: float = WHOLE
    diverged: str = ""

    @property
    def last(self) -> Look:
        return self.looks[-1] if self.looks else START

    @property
    def until_good(self) -> float:
        """Processor seconds until enough samples are digits and none of the ten is rare, by a line between looks."""
        for before, after in pairwise([START, *self.looks]):
            if after.ratio >= GOOD and after.rarest >= LEAST_SHARE:
                part = (GOOD - before.ratio) / (after.ratio - before.ratio) if before.ratio < GOOD else 1.0
                return before.seconds + part * (after.seconds - before.seconds)
        return math.inf

    def at(self, seconds: float) -> Look | None:
        """The first look after so much time, if it was not much later."""
        return next((look for look in self.looks if seconds <= look.seconds < seconds + LOOK / 2), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=CANDIDATES, default=list(CANDIDATES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[100, 101], help="the first round takes the first one")
    parser.add_argument("--first", type=float, default=SOON, help="processor seconds of a run of the first round")
    parser.add_argument("--whole", type=float, default=WHOLE, help="processor seconds of a whole run")
    parser.add_argument("--kept", type=int, default=3, help="candidates that are trained as long as that")
    parser.add_argument("--rows", type=Path, default=Path("time-to-quality.jsonl"), help="what was measured before")
    parser.add_argument("--figures", type=Path, default=FIGURES)
    parser.add_argument("--note", help="a sentence for the page, such as what else the machine had to do")
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = Table(options.rows, options.whole)
    first = [table.measured(name, options.seeds[0], stop=options.first) for name in options.only]
    for best in ranked(first)[: options.kept]:
        for seed in options.seeds:
            table.measured(best.candidate, seed, stop=options.whole)
    options.figures.parent.mkdir(parents=True, exist_ok=True)
    options.figures.write_text(page(table.rows, options.note), encoding="utf-8")
    print(f"written to {options.figures}")


class Table:
    """All that was measured, with the runs that may go on; what is asked for again is not trained again."""

    def __init__(self, path: Path, whole: float) -> None:
        self._path, self._whole = path, whole
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        rows = [_read(json.loads(line)) for line in lines]
        self._rows = {(row.candidate, row.seed, row.whole): row for row in rows}
        self._trials: dict[tuple[str, int, float], Trial] = {}

    @property
    def rows(self) -> list[Measured]:
        return list(self._rows.values())

    def measured(self, name: str, seed: int, *, stop: float) -> Measured:
        """The run of a candidate, at least ``stop`` processor seconds long."""
        key = (name, seed, self._whole)
        known = self._rows.get(key)
        if known is not None and (known.diverged or known.last.seconds >= stop or known.last.step == known.planned):
            return known
        if key not in self._trials:
            self._trials[key] = Trial(name, seed, self._whole)
        self._rows[key] = row = self._trials[key].go_on(stop)
        print(table_row(row), flush=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row)) + "\n")
        return row


def _read(row: dict[str, Any]) -> Measured:
    return Measured(**(row | {"looks": tuple(Look(**look) for look in row["looks"])}))


class Trial:
    """A candidate in training. All seconds are processor time."""

    def __init__(self, name: str, seed: int, whole: float) -> None:
        self._name, self._seed, self._whole = name, seed, whole
        values = CANDIDATES[name]
        self._plan = planned(values, seed)
        setup = assemble(self._plan)
        steps = max(1, round(whole / seconds_per_step(values, seed)))
        self._setup = replace(setup, schedule=replace(setup.schedule, steps=steps))
        self._reports = train(self._setup)
        self._taken = 0.0
        self._looks: list[Look] = []

    def go_on(self, stop: float) -> Measured:
        """Train until then, with a look whenever one is due, and one at the end."""
        diverged = ""
        try:
            while self._taken < stop and self._setup.state.step < self._setup.schedule.steps:
                due = LOOK * (1 + self._taken // LOOK)
                self._train(min(due, stop))
                self._looks.append(self._look())
        except DivergedError as error:
            diverged = str(error).splitlines()[0]
        schedule = self._setup.schedule
        return Measured(
            candidate=self._name,
            seed=self._seed,
            planned=schedule.steps,
            batch=schedule.images(1),
            looks=tuple(self._looks),
            whole=self._whole,
            diverged=diverged,
        )

    def _train(self, until: float) -> None:
        with self._setup.runtime.active():
            while self._taken < until and self._setup.state.step < self._setup.schedule.steps:
                start = time.process_time()
                next(self._reports)
                self._taken += time.process_time() - start

    def _look(self) -> Look:
        average, spec = self._setup.state.ema, self._plan.spec
        assert average is not None
        network = sampling.ready(average, spec, seed=self._seed)
        chunks = sampling.chunks(network, spec, SAMPLES, labels=None, seed=self._seed)
        verdict = judge()(torch.cat([images for images, _ in chunks]))
        # A share of 40 of 1,000 is a little less than 0.04 in float32.
        return Look(self._taken, self._setup.state.step, verdict.ratio, round(min(verdict.shares), 4))


def planned(values: Mapping[str, Any], seed: int) -> Plan:
    layer = ConfigLayer("time to quality", {**BASE, **values, "seed": seed})
    return make_plan(choose(registry(), [layer]))


@cache
def registry() -> Registry:
    return Registry.load(plugins=False)


@cache
def judge() -> Judge:
    return Judge(seed=JUDGE_SEED)


def seconds_per_step(values: Mapping[str, Any], seed: int) -> float:
    """Of processor time, by a few steps of a run of its own."""
    setup = assemble(planned(values, seed))
    with setup.runtime.active():
        reports = train(setup)
        for _ in range(WARM_UP):
            next(reports)
        start = time.process_time()
        for _ in range(TIMED):
            next(reports)
        return (time.process_time() - start) / TIMED


def ranked(rows: Sequence[Measured]) -> list[Measured]:
    """Best first: by the time until samples are good, or by how good they are in the end if they never are."""
    return sorted(rows, key=lambda row: (row.until_good, -row.last.ratio))


def table_row(row: Measured) -> str:
    def shown(look: Look | None) -> str:
        return "–" if look is None else f"{look.ratio:.3f}"

    until = "–" if math.isinf(row.until_good) else f"{row.until_good:.0f}"
    last = row.last
    ended = f" ({row.diverged})" if row.diverged else ""
    return (
        f"| {row.candidate}{ended} | {row.seed} | {until} | {shown(row.at(EARLY))} | {shown(row.at(SOON))} "
        f"| {shown(last)} | {last.seconds:.0f} | {last.rarest:.3f} | {last.step:,} of {row.planned:,} "
        f"| {row.whole:.0f} | {last.step * row.batch:,} | {1e3 * last.seconds / max(1, last.step):.0f} |"
    )


def page(rows: Sequence[Measured], note: str | None = None) -> str:
    lines = [
        "# How soon the digits are good",
        "",
        "Made by `python examples/time_to_quality.py`; do not edit. [quality.md](quality.md) explains the ratio.",
        "",
        f"- seconds: of one thread's processor time in training alone; two threads of a quiet machine are about "
        f"{TWO_THREADS} times as fast, so {SOON:.0f} s are {SOON / TWO_THREADS:.0f} of theirs, and {WHOLE:.0f} are "
        f"{WHOLE / TWO_THREADS:.0f}",
        f"- until {GOOD:.2f}: until the ratio was that high, and the share of each digit {LEAST_SHARE:.0%}, "
        f"on a straight line between looks every {LOOK:.0f} s; – not while it ran",
        f"- judge: trained with seed {JUDGE_SEED}, not that of the report; right on {judge().accuracy:.1%} of the "
        "held-out digits",
        "- steps: done, of those that the schedule of the rates is made for, which are as many as fit into a time",
        f"- samples: {SAMPLES} of the averaged generator; the standard error of a ratio is about 0.012",
        f"- machine: {platform.machine()}, 1 thread, torch {torch.__version__}",
        *([f"- {note}"] if note else []),
        "",
        f"| setting | seed | s until {GOOD:.2f} | ratio at {EARLY:.0f} s | at {SOON:.0f} s | in the end | after s "
        "| rarest digit | steps | planned for s | images | ms per step |",
        "|---" * 12 + "|",
        *(table_row(row) for row in ranked(rows)),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
