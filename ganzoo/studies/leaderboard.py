"""What a comparison found: means over seeds with their intervals, and which differences are more than chance."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from ganzoo.evaluation.value import unlike
from ganzoo.studies.comparison import Comparison
from ganzoo.studies.outcome import RunOutcome
from ganzoo.studies.results import CellResult, results_of
from ganzoo.studies.student import holm, interval, welch
from ganzoo.studies.verdict import verdict

LEVEL = 0.05
"""p below it, after Holm's correction, tells two cells apart."""


def leaderboard(comparison: Comparison) -> dict[str, Any]:
    """The content of ``leaderboard.json``; cells stand in the order of the first metric, the best one first."""
    results = results_of(comparison)
    better = _better(results)
    unranked = {label: why for label in better if (why := _unlike(results, label))}
    labels = [label for label in better if label not in unranked]
    if labels:
        results = _ordered(results, labels[0], better[labels[0]])
    pairs = [pair for label in labels for pair in compared(results, label)]
    return {
        "name": comparison.path.name,
        "data": _data(comparison),
        "budget": {**comparison.asked["budget"], "words": comparison.words},
        "seeds": len(comparison.seeds),
        "metrics": labels,
        "better": {label: better[label] for label in labels},
        "ranges": {label: found for label in labels if (found := _range(results, label)) is not None},
        "unranked": unranked,
        "cells": [_row(comparison, one, labels) for one in results],
        "test": "Welch's t-test of the finished seeds, corrected by Holm for all pairs of a metric; 5 %",
        "distinguishable": [pair for pair in pairs if told_apart(pair)],
        "indistinguishable": [pair for pair in pairs if not told_apart(pair)],
        "verdict": verdict(results, labels, better, unranked, pairs, level=LEVEL),
    }


def compared(results: Sequence[CellResult], label: str) -> list[dict[str, Any]]:
    """Every pair of cells with values, and the corrected p of the hypothesis that their means are equal.

    Welch's test rather than one paired by seed: two networks that share a seed share little else, so that pairs would
    halve the degrees of freedom for nothing; and a seed that diverged on one side would cost the other its value.
    """
    measured = [one for one in results if one.values(label)]
    pairs = list(itertools.combinations(measured, 2))
    p = holm([welch(one.numbers(label), other.numbers(label)) for one, other in pairs])
    return [
        {"cells": [one.cell.name, other.cell.name], "label": label, "p": value}
        for (one, other), value in zip(pairs, p, strict=True)
    ]


def told_apart(pair: Mapping[str, Any]) -> bool:
    """Whether the difference of a pair of cells is more than chance; without a test it is not said to be."""
    return pair["p"] is not None and pair["p"] < LEVEL


def _better(results: Sequence[CellResult]) -> dict[str, str]:
    """Label → which direction is better, of all that rank something, in the order of the metrics.

    The run with most numbers tells the order: where the first metric failed in a run, its second one comes first.
    """
    finished = sorted((outcome for one in results for outcome in one.finished), key=lambda one: -len(one.final))
    values = (value for outcome in finished for value in outcome.final)
    return {value.label: value.better for value in values if value.better is not None}


def _range(results: Sequence[CellResult], label: str) -> list[float | None] | None:
    """The least and the largest that a number can be, if its metric states them."""
    found = next(value.range for one in results for value in one.values(label))
    return None if found is None else list(found)


def _unlike(results: Sequence[CellResult], label: str) -> str | None:
    """Why values of one label cannot be ranked together; ``None`` if they can."""
    return unlike([(one.cell.name, value.record) for one in results for value in one.values(label)])


def _ordered(results: Sequence[CellResult], label: str, better: str) -> list[CellResult]:
    def place(one: CellResult) -> tuple[bool, float]:
        numbers = one.numbers(label)
        mean = fmean(numbers) if numbers else 0.0
        return not numbers, mean if better == "lower" else -mean

    return sorted(results, key=place)


def _row(comparison: Comparison, one: CellResult, labels: Sequence[str]) -> dict[str, Any]:
    measured = {label: one.numbers(label) for label in labels if one.numbers(label)}
    return {
        "name": one.cell.name,
        "parts": dict(one.cell.parts),
        "status": one.status,
        "reason": one.cell.reason,
        "seeds": [_seed(comparison.path, seed, outcome, labels) for seed, outcome in one.outcomes.items()],
        "mean": {label: fmean(numbers) for label, numbers in measured.items()},
        "interval": {
            label: interval(numbers, within=one.values(label)[0].range or (None, None))
            for label, numbers in measured.items()
        },
        "best": {label: _mean_of_best(one, label) for label in measured},
    }


def _mean_of_best(one: CellResult, label: str) -> float:
    """The mean over seeds of the best number of each."""
    found = [outcome.best(label) for outcome in one.finished]
    return fmean(best[1] for best in found if best is not None)


def _seed(root: Path, seed: int, outcome: RunOutcome, labels: Sequence[str]) -> dict[str, Any]:
    best = {label: outcome.best(label) for label in labels}
    return {
        "seed": seed,
        "status": outcome.status,
        "reason": outcome.reason,
        "exit_code": outcome.exit_code,
        "run": None if outcome.run is None else outcome.run.relative_to(root).as_posix(),
        "seconds": outcome.seconds,
        "steps": outcome.steps,
        "images": outcome.images,
        "values": [value.row() for value in outcome.final],
        "best": {label: {"step": found[0], "value": found[1]} for label, found in best.items() if found is not None},
    }


def _data(comparison: Comparison) -> dict[str, Any]:
    """What all cells share of their data; of a section that differs, nothing."""
    sections = [cell.config.get("data", {}) for cell in comparison.possible]
    return {key: value for key, value in sections[0].items() if all(one.get(key) == value for one in sections)}
