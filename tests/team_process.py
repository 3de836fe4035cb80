"""Teams of two and three processes that train every kind of pair, forked from one Python; run by a test."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # path-length imports it, and here it is imported once for all processes
from torch import distributed

from ganzoo.config.layers import ConfigLayer
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.registry import Registry
from ganzoo.runs.assembly import assemble
from ganzoo.training import team as teams
from ganzoo.training.loop import train
from ganzoo.training.team import ALONE, Team

SIZES = (2, 3)
REGISTRY = Registry.load(plugins=False)
SMALL = {
    "seed": 5,
    "data.image_size": 16,
    "data.n": 24,
    "data.modes": 3,
    "data.name": "synthetic",
    "generator.latent": 5,
    "train.steps": 2,
    "train.batch_size": 12,
    "train.log_every": 1,
    "train.ema": 0.9,
    "runtime.device": "cpu",
}
NARROW = ConfigLayer("narrow", {"generator.ngf": 2, "generator.width": 8}, suggestion=True)


class InFloat64:
    """A dataset whose images are not rounded to float32 on their way."""

    def __init__(self, dataset: Any) -> None:
        self.dataset, self.spec, self.labels = dataset, dataset.spec, dataset.labels

    def __len__(self) -> int:
        return len(self.dataset)

    def read(self, index: torch.Tensor) -> torch.Tensor:
        data: torch.Tensor = self.dataset.read(index).double()
        return data / 127.5 - 1 if data.dim() == 4 else data


def plan_of(values: dict[str, Any]) -> Any:
    """A plan in float64."""
    plan = make_plan(choose(REGISTRY, [NARROW, ConfigLayer("test", {**SMALL, **values})]))
    return replace(plan, dataset=InFloat64(plan.dataset))


def trained(plan: Any, team: Team) -> dict[str, torch.Tensor]:
    """All that a run has changed, all that it has logged, and the gradients of the last update of each player."""
    setup = assemble(plan, team)
    last = gradients_of_steps(setup.state)
    rows = [dict(report.scalars) for report in train(setup)]
    found = {f"{file}/{name}": tensor for file, held in setup.state.tensors().items() for name, tensor in held.items()}
    logged = {f"row {at}/{name}": value.detach().double() for at, row in enumerate(rows) for name, value in row.items()}
    return found | logged | last


def gradients_of_steps(state: Any) -> dict[str, torch.Tensor]:
    """Filled at every step with those of both players, which weights show only times the learning rate."""
    last: dict[str, torch.Tensor] = {}

    def keep(player: str) -> None:
        named = getattr(state, player).named_parameters()
        last.update({f"gradient/{player}/{name}": one.grad.clone() for name, one in named if one.grad is not None})

    for player in ("discriminator", "generator"):
        optimizer = getattr(state, f"{player[0]}_optimizer")
        optimizer.register_step_pre_hook(lambda *_, player=player: keep(player))
    return last


def in_a_team(number: int, size: int, store: str, cases: dict[str, Any], out: Path) -> None:
    """One process of a team."""
    teams.PATIENCE = timedelta(seconds=120)
    team = teams.meet(distributed.FileStore(store, size), number, size)
    found = {name: trained(plan, team) for name, plan in cases.items()}
    torch.save(found, out / f"{size}-{number}.pt")
    distributed.barrier()


def main(out: Path, cases: dict[str, dict[str, Any]], sizes: dict[str, list[int]]) -> None:
    """Train the cases in one process, in two and in three, or in ``sizes``; what came of it is written into ``out``."""
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    plans = {name: plan_of(values) for name, values in cases.items()}
    chosen = {
        size: {name: plan for name, plan in plans.items() if size in sizes.get(name, (1, *SIZES))}
        for size in (1, *SIZES)
    }
    children = []
    for size in SIZES:
        store = tempfile.mktemp(dir=out)
        for number in range(size):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    in_a_team(number, size, store, chosen[size], out)
                    status = 0
                except BaseException:
                    import traceback

                    traceback.print_exc()
                finally:
                    sys.stderr.flush()
                    os._exit(status)
            children.append(child)
    torch.save({name: trained(plan, ALONE) for name, plan in chosen[1].items()}, out / "1-0.pt")
    ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    if any(ended):
        sys.exit(f"processes ended with {ended}")


if __name__ == "__main__":
    import json

    main(Path(sys.argv[1]), **json.loads(Path(sys.argv[2]).read_text()))
