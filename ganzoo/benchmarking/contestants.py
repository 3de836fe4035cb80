"""Who is timed: the step of ``ganzoo run``, and loops by hand and other libraries to compare it with."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from ganzoo import allocator
from ganzoo.benchmarking.contestant import Contestant
from ganzoo.benchmarking.hand import HandLoop
from ganzoo.benchmarking.peers.match import Match
from ganzoo.benchmarking.plain import PlainLoop
from ganzoo.errors import ConfigError
from ganzoo.planning.plan import Plan
from ganzoo.runs.assembly import assemble
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.watch import MetricsLog
from ganzoo.training.loop import train
from ganzoo.training.runtime import Precision
from ganzoo.training.setup import ENDLESS, Setup


class GanzooLoop(Contestant):
    """A run as ``ganzoo run`` makes it: its loop, and its metric rows in a file. No grids and no checkpoints.

    Args:
        plan: its networks are trained.
        folder: where rows are written.
        changed: what to put in place of a part, to look into it.
    """

    def __init__(self, plan: Plan, *, folder: Path, changed: Callable[[Setup], Setup] = lambda setup: setup) -> None:
        setup = assemble(plan)
        # It goes on for as long as it is asked, and every step is one in the middle of a long run.
        self.setup = changed(replace(setup, schedule=replace(setup.schedule, steps=ENDLESS, minutes=None)))
        self.rows = MetricsLog(
            RunDirectory(folder),
            self.setup.state,
            self.setup.schedule,
            looks_every=plan.config.train.sample_every,
            scheduled=self.setup.scheduled,
        )
        self.reports = train(self.setup)

    def active(self) -> AbstractContextManager[None]:
        """The settings of the run."""
        return self.setup.runtime.active()

    def step(self) -> None:
        """One step, and its row where one is due."""
        self.rows(next(self.reports))


class WithMemory(Contestant):
    """A contestant in whose turns the process gives back what lies free above so many bytes, and nothing after them."""

    def __init__(self, contestant: Contestant, *, free: int) -> None:
        self.contestant, self.free = contestant, free

    @contextmanager
    def active(self) -> Iterator[None]:
        """Torch's settings, and those of the allocator."""
        allocator.give_back_above(self.free)
        try:
            with self.contestant.active():
                yield
        finally:
            allocator.give_back_above(allocator.NEVER)

    def step(self) -> None:
        """Its step."""
        self.contestant.step()

    def steps(self, count: int, done: Callable[[int], None] = lambda number: None) -> None:
        """Its steps."""
        self.contestant.steps(count, done)


Rival = Callable[[Plan], Contestant]
RIVALS: Mapping[str, Rival] = {
    "plain": PlainLoop,
    "hand": HandLoop,
    "reused": partial(PlainLoop, reuse_fakes=True),
}
"""Name → a loop by hand: the plain one, the careful one, and the plain one whose players share their fakes."""


@dataclass(frozen=True, kw_only=True)
class Entered:
    """Somebody who is to be timed.

    Attributes:
        label: what it is called in results: ``ganzoo``, ``plain``, ``plain fp32`` beside a run in another precision.
        loop: ``ganzoo``, one of ``RIVALS``, or the library whose networks the plan has.
        precision: of its networks' forward passes.
    """

    label: str
    loop: str
    precision: Precision

    def plan(self, plan: Plan, *, compiled: bool | None = None) -> Plan:
        """The plan in this precision, with networks as they were made."""
        runtime = plan.config.runtime
        changes = {"precision": self.precision, "compile": runtime.compile if compiled is None else compiled}
        config = plan.config.model_copy(update={"runtime": runtime.model_copy(update=changes)})
        return replace(plan, config=config).untrained()

    @contextmanager
    def built(self, plan: Plan, folder: Path) -> Iterator[Contestant]:
        """The contestant, of the networks of a plan; its file is closed afterwards."""
        if self.loop == "ganzoo":
            loop = GanzooLoop(plan, folder=folder)
            with closing(loop.rows):
                yield loop
        elif isinstance(plan, Match) and self.loop == plan.asked.peer:
            yield plan.start(folder)
        else:
            yield RIVALS[self.loop](plan)


def entered(plan: Plan, rivals: tuple[str, ...], *, precision: Literal["fp32", "bf16"] | None = None) -> list[Entered]:
    """Ganzoo and those it is compared with.

    Args:
        plan: what is trained.
        rivals: names of ``RIVALS``, and the library whose networks the plan has.
        precision: of the rivals; that of the plan unless given.

    Raises:
        ConfigError: the plan has what no loop by hand does.
    """
    own = plan.config.runtime.precision
    other = precision or own
    for name in rivals:
        if name in RIVALS:
            _refuse_what_is_not_written(plan, name)
    mark = "" if other == own else f" {other}"
    loops = [Entered(label=f"{name}{mark}", loop=name, precision=other) for name in dict.fromkeys(rivals)]
    return [Entered(label="ganzoo", loop="ganzoo", precision=own), *loops]


def _refuse_what_is_not_written(plan: Plan, name: str) -> None:
    train = plan.config.train
    given, hint = "", ""
    if train.unroll_steps:
        given, hint = f"train.unroll_steps={train.unroll_steps}", "--set train.unroll_steps=0"
    elif train.updates != "alternating":
        given, hint = f"train.updates={train.updates}", "--set train.updates=alternating"
    elif plan.config.schedules:
        given, hint = f"schedules of {', '.join(plan.config.schedules)}", "--set schedules=none"
    elif name == "reused" and train.accumulate > 1:
        given, hint = f"train.accumulate={train.accumulate}", "--set train.accumulate=1"
    if given:
        raise ConfigError(
            f"the loop by hand that --against {name} names does not have all of this configuration",
            given=given,
            allowed="regularizers, augmentations, n_critic, accumulate, clip_grad_norm and every optimizer",
            hint=hint,
        )


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ganzoo-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
