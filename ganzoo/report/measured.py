"""The evaluations of a run: numbers of equal records together, unlike ones apart."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ganzoo.evaluation.value import Better

PREFIX, FLOOR = "metric/", "floor/"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One number of one metric over the steps of a run.

    Attributes:
        label: the number, by what, on how many samples.
        better: which direction is better; ``None`` if it ranks nothing.
        last, spread, last_step: the number at the last step that was measured, its standard error, and the step.
        best, best_step: the best one and its step; ``None`` if it ranks nothing.
        floor, floor_of: the same of real data in place of samples, and of which.
        record: what it depends on; all of these numbers have it in common.
        seed: of the samples.
        warnings: what to bear in mind.
        steps: step → number.
    """

    label: str
    better: Better | None
    last: float
    spread: float | None
    last_step: int | None
    best: float | None
    best_step: int | None
    floor: float | None
    floor_of: str | None
    record: Mapping[str, Any]
    seed: int | None
    warnings: tuple[str, ...]
    steps: Mapping[int, float]


def measured_of(rows: Iterable[Mapping[str, Any]]) -> list[Measured]:
    """The rows of ``evaluations.jsonl``, oldest first; of one step measured again in the same way the newest counts."""
    groups: dict[str, dict[Any, Mapping[str, Any]]] = {}
    for row in rows:
        if isinstance(row, Mapping) and {"label", "value", "record"} <= row.keys():
            same = json.dumps([row["label"], row["record"], row.get("seed")], sort_keys=True)
            groups.setdefault(same, {})[row.get("step")] = row
    return [_measured(group) for group in groups.values()]


def _measured(group: Mapping[Any, Mapping[str, Any]]) -> Measured:
    steps = sorted(group, key=lambda step: -1 if step is None else step)
    last = group[steps[-1]]
    better = last.get("better")
    sign = 1 if better == "lower" else -1
    finite = [step for step in steps if math.isfinite(group[step]["value"])]
    best = min(finite, key=lambda step: sign * group[step]["value"], default=None) if better else None
    return Measured(
        label=last["label"],
        better=better,
        last=last["value"],
        spread=last.get("spread"),
        last_step=steps[-1],
        best=None if best is None else group[best]["value"],
        best_step=best,
        floor=last.get("floor"),
        floor_of=last.get("floor_of"),
        record=last["record"],
        seed=last.get("seed"),
        warnings=tuple(last.get("warnings", ())),
        steps={step: group[step]["value"] for step in steps if step is not None},
    )


def during_training(rows: Iterable[Mapping[str, float]]) -> list[tuple[str, float, float, float | None]]:
    """Name, step, value and floor of every metric of ``metrics.jsonl`` where it was measured last."""
    last = {
        name: (row["step"], row[name], row.get(name.replace(PREFIX, FLOOR, 1)))
        for row in rows
        for name in row
        if name.startswith(PREFIX)
    }
    return [(name.removeprefix(PREFIX).replace("_", " "), *found) for name, found in last.items()]
