"""``ganzoo run --dry-run``: what would be trained, who decided each value, and what it would cost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from ganzoo.cli.context import console
from ganzoo.config.layers import leaves
from ganzoo.evaluation.measuring import metrics_of
from ganzoo.planning import overview
from ganzoo.planning.plan import Plan
from ganzoo.planning.remarks import long_on_a_cpu, remarks
from ganzoo.program import as_started
from ganzoo.runs.ancestry import Ancestor, in_words, start_from
from ganzoo.runs.assembly import assemble
from ganzoo.runs.tracking import ChosenTracker
from ganzoo.training.estimate import Estimate, estimate


def show(
    plan: Plan,
    trackers: Sequence[ChosenTracker],
    *,
    init: Ancestor | None = None,
    said: Sequence[str] = (),
    as_json: bool,
) -> None:
    """Print the plan; measures a few real steps on a scratch copy that nobody keeps.

    ``said`` are the warnings of opening the data, which stand on standard error already.
    """
    metrics_of(plan)
    setup = assemble(plan)
    ancestors = start_from(init, plan, setup.state) if init else []
    cost = estimate(setup)
    facts = _facts(plan, cost) | {"ancestry": ancestors, "trackers": [tracker.entry.name for tracker in trackers]}
    values = leaves(plan.config.model_dump(mode="json"))
    advice = [str(one) for one in (*remarks(plan), long_on_a_cpu(facts["estimated_seconds"], cost.device)) if one]
    if as_json:
        rows = [{"path": path, "value": value, "origin": plan.origins[path]} for path, value in values.items()]
        found = {"warnings": [*said, *map(str, plan.warnings)], "remarks": advice}
        print(json.dumps({"config": rows, **facts, **found}, indent=2))
        return
    out = console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("key", no_wrap=True)  # keys are there to be copied
    table.add_column("value", overflow="fold")
    table.add_column("from", overflow="fold")
    for path, value in values.items():
        origin = plan.origins[path]
        style = "dim" if origin == "default" else "green"
        table.add_row(path, Text(json.dumps(value) if not isinstance(value, str) else value), Text(origin, style=style))
    out.print(table)
    out.print()
    summary = Table.grid(padding=(0, 2, 0, 0))
    for key, value in (("data", overview.of_plan(plan)), *_in_words(facts)):
        summary.add_row(Text(key, style="cyan"), Text(value))
    out.print(summary)
    for finding in plan.warnings:
        out.print(Text.assemble(("\nwarning: ", "bold yellow"), as_started(str(finding))))
    for remark in advice:
        out.print(Text.assemble(("\nremark: ", "bold cyan"), as_started(remark)))


def _facts(plan: Plan, cost: Estimate) -> dict[str, Any]:
    return {
        "data": {"name": plan.config.data.name, "items": len(plan.dataset), "shape": list(plan.spec.shape)},
        "classes": _classes(plan),
        "conditional": plan.spec.conditional,
        "generator_output": list(cost.generated),
        "discriminator_logits": list(cost.logits),
        "generator_parameters": sum(parameter.numel() for parameter in plan.generator.parameters()),
        "discriminator_parameters": sum(parameter.numel() for parameter in plan.discriminator.parameters()),
        "receptive_field": plan.discriminator.receptive_field(),
        "device": cost.device,
        "seconds_per_step": round(cost.seconds_per_step, 4),
        "estimated_seconds": round(cost.seconds_per_step * (plan.config.train.steps or 0), 1),
        "estimated_memory_bytes": cost.memory_bytes,
    }


def _classes(plan: Plan) -> dict[str, int]:
    """Class → how many items it has."""
    labels, names = plan.dataset.labels, plan.spec.classes
    counts = [] if labels is None else labels.bincount(minlength=len(names)).tolist()
    return dict(zip(names, counts, strict=False))


def _in_words(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    field = facts["receptive_field"]
    yield "classes", ", ".join(f"{name} ({count:,})" for name, count in facts["classes"].items()) or "none"
    yield "conditional", "yes" if facts["conditional"] else "no"
    for player, shape in (("generator", "generator_output"), ("discriminator", "discriminator_logits")):
        if player == "generator":
            made = "pixels" if len(facts[shape]) == 3 else "numbers"
        else:
            made = "logits" if facts[shape] else "logit"
        yield player, f"{_shape(facts[shape])} {made} a sample, {facts[f'{player}_parameters']:,} parameters"
    yield "receptive field", "the whole image" if field is None else f"{field} × {field} pixels per logit"
    if facts["ancestry"]:
        yield "weights", in_words(facts["ancestry"])
    yield "time", f"about {_duration(facts['estimated_seconds'])} on {facts['device']}"
    yield "memory", f"about {_size(facts['estimated_memory_bytes'])} for weights, optimizers and activations"
    if facts["trackers"]:
        yield "trackers", ", ".join(facts["trackers"])


def _shape(sizes: Sequence[int]) -> str:
    return " × ".join(map(str, sizes)) or "1"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{max(seconds, 1):.0f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def _size(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{max(1, round(size / 2**20))} MiB"
