"""An evaluation of a run, which keeps features of the real data, and what follows from them, for the next one.

Phases: ``new``; ``again``, where all of that is kept; and ``damaged``, where what is kept was cut off.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from faulty_runs import TINY

from ganzoo.config.layers import ConfigLayer, flatten
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.registry import Registry
from ganzoo.runs import session
from ganzoo.runs.evaluating import evaluate_run, read_evaluations
from ganzoo.runs.run import Run
from works.work import QUIET, Found, a_day_later, leftovers

TRAINED = TINY | {
    "data": {"name": "synthetic", "n": 32, "image_size": 8},
    "discriminator": {"name": "dcgan", "ndf": 2},
    "generator": {"name": "dcgan", "ngf": 2, "latent": 3},
}
MEASURED = ConfigLayer(
    "evaluate", flatten({"metrics": ["frechet-distance", "precision-recall"], "extractors": ["random-conv"]})
)


class Met:
    """One run of a step."""

    phases = ("new", "again", "damaged")

    def __init__(self) -> None:
        self._registry = Registry.load(plugins=False)

    def warm(self, folder: Path) -> None:
        self._train(folder)
        self._evaluate(folder)

    def _train(self, folder: Path) -> None:
        layers = [ConfigLayer("job", flatten(TRAINED)), ConfigLayer("--steps", {"train.steps": 1})]
        session.start(make_plan(choose(self._registry, layers)), out=folder / "runs", console=QUIET)

    def prepare(self, folder: Path) -> None:
        self._train(folder / "new")
        for phase in ("again", "damaged"):
            shutil.copytree(folder / "new", folder / phase)
            self._evaluate(folder / phase)
        for path in (folder / "damaged" / "cache").rglob("*.safetensors"):
            path.write_bytes(path.read_bytes()[:-1])

    def _evaluate(self, folder: Path) -> None:
        os.environ["GANZOO_CACHE"] = str(folder / "cache")
        evaluate_run(self._registry, self._run(folder), [MEASURED], n=16)

    def _run(self, folder: Path) -> Run:
        [path] = (folder / "runs").glob("0*")
        return Run(path)

    def meet(self, folder: Path, phase: str) -> None:
        self._evaluate(folder)

    def go_on(self, folder: Path) -> None:
        a_day_later(folder)
        self._evaluate(folder)

    def outcome(self, folder: Path) -> Found:
        rows = read_evaluations(self._run(folder).path)
        values = sorted({(row["label"], row["value"], row.get("floor")) for row in rows}, key=str)
        return {"values": values, "left over": leftovers(folder)}
