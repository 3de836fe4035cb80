"""``ganzoo run --dry-run``: what would be trained, who decided each value, and what it would cost."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from typing import Any

import torch

from ganzoo.cli.context import console
from ganzoo.cli.dry_run_page import Page
from ganzoo.config.layers import leaves
from ganzoo.evaluation.measuring import check_metrics
from ganzoo.memory import memory
from ganzoo.planning import overview
from ganzoo.planning.plan import Plan
from ganzoo.planning.remarks import long_on_a_cpu, remarks
from ganzoo.runs.ancestry import Ancestor, start_from
from ganzoo.runs.assembly import assemble
from ganzoo.runs.tracking import ChosenTracker
from ganzoo.screen import Screen, say
from ganzoo.training.estimate import STEPS, Estimate, estimate
from ganzoo.training.setup import Setup


def show(
    plan: Plan,
    trackers: Sequence[ChosenTracker],
    *,
    init: Ancestor | None = None,
    said: Sequence[str] = (),
    as_json: bool,
    full: bool = False,
    progress: Screen,
) -> None:
    """Print the plan; measures a few real steps on a scratch copy that nobody keeps.

    Args:
        plan: what would be trained.
        trackers: who would be told.
        init: the run whose weights would be the first ones.
        said: the warnings of opening the data, which stand on standard error already.
        as_json: all of it as one object.
        full: every value of the configuration, however long the page gets.
        progress: where to say what is being measured.
    """
    check_metrics(plan)
    setup = assemble(plan)
    ancestors = start_from(init, plan, setup.state) if init else []
    cost = _measured(setup, progress)
    facts = _facts(plan, cost) | {"ancestry": ancestors, "trackers": [tracker.entry.name for tracker in trackers]}
    values = leaves(plan.config.model_dump(mode="json"))
    advice = [str(one) for one in (*remarks(plan), long_on_a_cpu(facts["estimated_seconds"], cost.device)) if one]
    if as_json:
        rows = [{"path": path, "value": value, "origin": plan.origins[path]} for path, value in values.items()]
        found = {"warnings": [*said, *map(str, plan.warnings)], "remarks": advice}
        say(json.dumps({"config": rows, **facts, **found}, indent=2))
        return
    page = Page(
        facts=facts | {"overview": overview.of_plan(plan)},
        rows=[(path, value, plan.origins[path]) for path, value in values.items()],
        warnings=[str(finding) for finding in plan.warnings],
        remarks=advice,
    )
    page.print(console(), full=full)


def _measured(setup: Setup, progress: Screen) -> Estimate:
    """The cost, with a line while it is measured: a single step may take a minute."""
    shown = f"measuring up to {min(STEPS, setup.schedule.steps)} steps"
    begun = time.perf_counter()

    def tell(step: int) -> None:
        text = f"{shown}: {step} done in {time.perf_counter() - begun:.1f} s"
        status.update(text) if progress.is_terminal else progress.print(text, soft_wrap=True)

    status = progress.status(shown)
    if progress.is_terminal:
        with status:
            return estimate(setup, tell=tell)
    progress.print(f"{shown} …", soft_wrap=True)
    return estimate(setup, tell=tell)


def _facts(plan: Plan, cost: Estimate) -> dict[str, Any]:
    free = _free_bytes(cost.device)
    return {
        "fits": free is None or cost.memory_bytes <= free,
        "data": {"name": plan.config.data.name, "items": len(plan.dataset), "shape": list(plan.spec.shape)},
        "classes": _classes(plan),
        "conditional": plan.spec.conditional,
        "generator_output": list(cost.generated),
        "discriminator_logits": list(cost.logits),
        "generator_parameters": sum(parameter.numel() for parameter in plan.generator.parameters()),
        "discriminator_parameters": sum(parameter.numel() for parameter in plan.discriminator.parameters()),
        "receptive_field": plan.discriminator.receptive_field(),
        "device": cost.device,
        "steps": plan.config.train.steps,
        "seconds_per_step": round(cost.seconds_per_step, 4),
        "estimated_seconds": round(_seconds(plan, cost), 1),
        "estimated_memory_bytes": cost.memory_bytes,
        "free_memory_bytes": free,
    }


def _seconds(plan: Plan, cost: Estimate) -> float:
    """How long the training would take: by its steps, or by the time that it may take, whichever is less."""
    train = plan.config.train
    by_steps = math.inf if train.steps is None else cost.seconds_per_step * train.steps
    return min(by_steps, math.inf if train.minutes is None else 60 * train.minutes)


def _free_bytes(device: str) -> int | None:
    """What is free on the device while the measured networks still lie there, so rather too little than too much."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0]) + torch.cuda.memory_reserved(device)
    seen = memory()
    return None if seen is None else seen.free


def _classes(plan: Plan) -> dict[str, int]:
    """Class → how many items it has."""
    labels, names = plan.dataset.labels, plan.spec.classes
    counts = [] if labels is None else labels.bincount(minlength=len(names)).tolist()
    return dict(zip(names, counts, strict=False))
