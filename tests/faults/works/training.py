"""Runs: a new one, and one that goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from ganzoo.config.layers import ConfigLayer, flatten
from ganzoo.errors import ConfigError
from ganzoo.evaluation import pictures
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import Plan, make_plan
from ganzoo.registry import Registry
from ganzoo.runs import session
from ganzoo.runs.background import Background
from ganzoo.runs.directory import RunDirectory, find_run
from works.work import QUIET, Found, digest, leftovers


class Met:
    """A run of some steps: a new one, and one that goes on after half of them.

    Args:
        config: of the run.
        steps: how many.
        in_turn: the training waits for each checkpoint, so that the n-th operation is always the same one.
    """

    phases = ("new", "resume")

    def __init__(self, config: dict[str, object], steps: int, *, in_turn: bool = True) -> None:
        if in_turn:
            begin = Background.begin

            def begin_and_wait(self: Background, work: Callable[[], object]) -> None:
                begin(self, work)
                self.wait()

            Background.begin = begin_and_wait  # type: ignore[method-assign]
        self._config, self._steps = config, steps
        self._registry = Registry.load(plugins=False)
        self._plan, self._half = self._planned(steps), self._planned(steps // 2)
        # To draw a large picture takes longer than all else, and is not what is tested.
        pictures.CANVAS, pictures.OVERSAMPLING, pictures.PANEL, pictures.SEEN = 48, 1, 40, 1

    def _planned(self, steps: int) -> Plan:
        layers = [ConfigLayer("job", flatten(self._config)), ConfigLayer("--steps", {"train.steps": steps})]
        return make_plan(choose(self._registry, layers))

    def warm(self, folder: Path) -> None:
        session.start(self._planned(1), out=folder, console=QUIET)
        self._resume(RunDirectory(next(folder.glob("0*"))))

    def prepare(self, folder: Path) -> None:
        session.start(self._half, out=folder / "resume", console=QUIET)

    def meet(self, folder: Path, phase: str) -> None:
        if phase == "new":
            session.start(self._plan, out=folder, console=QUIET)
        else:
            self._resume(RunDirectory(next(folder.glob("0*"))))

    def go_on(self, folder: Path) -> None:
        try:
            run = find_run(folder, None)
        except ConfigError:  # none has counted yet
            session.start(self._plan, out=folder, console=QUIET)
        else:
            self._resume(run)

    def _resume(self, run: RunDirectory) -> None:
        changes = [ConfigLayer("--steps", {"train.steps": self._steps})]
        session.resume(self._registry, run, changes=changes, console=QUIET)

    def outcome(self, folder: Path) -> Found:
        run = find_run(folder, None)
        rows = [json.loads(line) for line in run.metrics.read_text(encoding="utf-8").splitlines()]
        newest = run.checkpoint_folders()[0]
        return {
            "status": run.read_manifest()["status"],
            "rows": [{key: value for key, value in row.items() if "time" not in key} for row in rows],
            "weights": [digest(path) for path in sorted(newest.glob("*.safetensors"))],
            "grids": [digest(path) for path in run.grids()],
            "film": (run.path / "samples.gif").exists(),
            "left over": leftovers(run.path),
        }
