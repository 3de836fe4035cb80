"""Teams that measure one untrained generator together, forked from one Python; run by ``test_team_measured.py``."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from team_process import REGISTRY, SMALL
from torch import distributed

from ganzoo.component import Options
from ganzoo.config.layers import ConfigLayer
from ganzoo.evaluation import sampling
from ganzoo.evaluation.measuring import Measures
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.runs.assembly import assemble
from ganzoo.training import team as teams
from ganzoo.training.team import ALONE, Team

SIZES = (1, 3)
COUNTS = (300, 40)
"""Five chunks, of which the last is not full; and one, so that all but the first process have nothing to make."""
MEASURED = {
    **SMALL,
    "generator.ngf": 2,
    "discriminator.name": "cgan",
    "discriminator.ndf": 2,
    "metrics": True,
    "metrics.frechet-distance.samples": 150,
    "metrics.class-score.samples": 150,
    "metrics.ms-ssim.samples": 150,
    "metrics.sliced-wasserstein.samples": 150,
    "extractors": True,
    "extractors.random-conv": {},
    "extractors.classifier": {},
}


class Seen:
    """A metric that keeps what it is shown, and spoils it, so that samples have to be made again for the next one."""

    needs, higher_is_better = frozenset({"images", "labels", "features"}), True
    balanced_samples = True

    def __init__(self) -> None:
        self.shown: dict[str, torch.Tensor] = {}

    def __call__(self, *, real: Any, fake: Any, random: torch.Generator) -> dict[str, float]:
        self.shown = {name: getattr(fake, name).clone() for name in ("images", "labels", "features")}
        fake.images.zero_()
        return {"mean": float(self.shown["features"].mean())}


def plan_of(count: int, metrics: dict[str, Seen]) -> Any:
    """A plan whose metrics of these names are those."""

    def built(metric: Seen) -> Options:
        class Building(Options):
            def build(self, spec: Any) -> Any:
                return metric

        return Building()

    plan = make_plan(choose(REGISTRY, [ConfigLayer("test", {**MEASURED, "eval.n": count})]))
    return replace(
        plan, options={**plan.options, **{f"metrics.{name}": built(metric) for name, metric in metrics.items()}}
    )


def measured(count: int, team: Team) -> dict[str, Any]:
    """What the first process finds and its metrics see; and how many samples this process has made."""
    metrics = {name: Seen() for name in ("ms-ssim", "sliced-wasserstein")}
    plan = plan_of(count, metrics)
    measures = Measures(plan, assemble(plan, team).state, team)
    with patch.object(sampling, "as_data", side_effect=sampling.as_data) as made:
        values = measures() if team.leads else measures.help()
    return {
        "values": values,
        "shown": [metric.shown for metric in metrics.values()],
        "made": sum(len(call.args[0]) for call in made.call_args_list),
    }


def in_a_team(number: int, size: int, store: str, out: Path) -> None:
    """One process of a team."""
    teams.PATIENCE = timedelta(seconds=120)
    team = teams.meet(distributed.FileStore(store, size), number, size) if size > 1 else ALONE
    torch.save({count: measured(count, team) for count in COUNTS}, out / f"{size}-{number}.pt")
    if size > 1:
        distributed.barrier()


def main(out: Path) -> None:
    """Measure in each number of processes; the classifier is in the cache from the first on."""
    torch.set_num_threads(1)
    for size in SIZES:
        store = tempfile.mktemp(dir=out)
        children = []
        for number in range(size):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    in_a_team(number, size, store, out)
                    status = 0
                except BaseException:
                    import traceback

                    traceback.print_exc()
                finally:
                    sys.stderr.flush()
                    os._exit(status)
            children.append(child)
        ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        if any(ended):
            sys.exit(f"processes ended with {ended}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
