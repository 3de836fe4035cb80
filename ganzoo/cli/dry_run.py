"""``ganzoo run --dry-run``: what would be trained, who decided each value, and what it would cost."""

from __future__ import annotations

import json
from typing import Any

from rich.table import Table
from rich.text import Text

from ganzoo.assembly import assemble
from ganzoo.cli.context import console
from ganzoo.estimate import Estimate, estimate
from ganzoo.plan import Plan, leaves


def show(plan: Plan, *, as_json: bool) -> None:
    """Print the plan; measures a few real steps on a scratch copy that nobody keeps."""
    cost = estimate(assemble(plan))
    facts = _facts(plan, cost)
    values = leaves(plan.config.model_dump(mode="json"))
    if as_json:
        rows = [{"path": path, "value": value, "origin": plan.origins[path]} for path, value in values.items()]
        print(json.dumps({"config": rows, **facts, "warnings": [str(one) for one in plan.warnings]}, indent=2))
        return
    out = console()
    table = Table("key", "value", "from", box=None, pad_edge=False, header_style="bold")
    for path, value in values.items():
        origin = plan.origins[path]
        style = "dim" if origin == "default" else "green"
        table.add_row(path, Text(json.dumps(value) if not isinstance(value, str) else value), Text(origin, style=style))
    out.print(table)
    out.print()
    summary = Table.grid(padding=(0, 2, 0, 0))
    for key, value in facts.items():
        summary.add_row(Text(key.replace("_", " "), style="cyan"), Text(_readable(key, value)))
    out.print(summary)
    for finding in plan.warnings:
        out.print(Text.assemble(("\nwarning: ", "bold yellow"), str(finding)))


def _facts(plan: Plan, cost: Estimate) -> dict[str, Any]:
    return {
        "data": f"{plan.config.data.name}: {len(plan.dataset)} items of shape {plan.spec.shape}",
        "classes": list(plan.spec.classes),
        "conditional": plan.spec.conditional,
        "generator_output": list(cost.generated),
        "discriminator_logits": list(cost.logits),
        "generator_parameters": sum(parameter.numel() for parameter in plan.generator.parameters()),
        "discriminator_parameters": sum(parameter.numel() for parameter in plan.discriminator.parameters()),
        "receptive_field": plan.discriminator.receptive_field(),
        "seconds_per_step": round(cost.seconds_per_step, 4),
        "estimated_seconds": round(cost.seconds_per_step * (plan.config.train.steps or 0), 1),
        "estimated_memory_bytes": cost.memory_bytes,
        "device": cost.device,
    }


def _readable(key: str, value: Any) -> str:
    if key == "receptive_field":
        return "the whole image" if value is None else f"{value} pixels"
    if key == "estimated_seconds":
        return f"{value:.0f} s" if value < 120 else f"{value / 60:.1f} min"
    if key == "estimated_memory_bytes":
        return f"{value / 2**20:.0f} MiB for weights, optimizers and activations"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " × ".join(map(str, value)) if value and isinstance(value[0], int) else ", ".join(value) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)
