"""What a comparison shows, in words that claim no more than it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.studies.results import OPEN, CellResult


def verdict(
    ordered: Sequence[CellResult],
    labels: Sequence[str],
    better: Mapping[str, str],
    unranked: Mapping[str, str],
    pairs: Sequence[Mapping[str, Any]],
    *,
    level: float,
) -> str:
    """One sentence about the first metric, and one about what it leaves out.

    Args:
        ordered: the cells, the best mean first.
        labels: the numbers that rank.
        better: label → which direction is better.
        unranked: label → why it ranks nothing.
        pairs: all pairs of cells with their corrected p.
        level: p below it tells two cells apart.
    """
    label = next(iter(labels), None)
    measured = [one for one in ordered if label is not None and one.values(label)]
    if label is None or not measured:
        reason = next(iter(unranked.values()), "no run has finished and been measured")
        return f"Nothing can be ranked: {reason}."
    caveats = _caveats(ordered, unranked)
    if len(measured) == 1:
        return " ".join([f"Only {measured[0].cell.name} has values of {label}, so nothing is compared.", *caveats])
    return " ".join([_sentence(measured, label, better[label], pairs, level), *caveats])


def _sentence(
    measured: Sequence[CellResult], label: str, better: str, pairs: Sequence[Mapping[str, Any]], level: float
) -> str:
    first, *others = measured
    seeds = _seeds(measured, label)
    told_apart = {
        name
        for pair in pairs
        if pair["label"] == label and pair["p"] is not None and pair["p"] < level and first.cell.name in pair["cells"]
        for name in pair["cells"]
        if name != first.cell.name
    }
    alike = [one.cell.name for one in others if one.cell.name not in told_apart]
    head = f"{first.cell.name} has the best mean of {label} ({better} is better)"
    if not alike:
        whom = others[0].cell.name if len(others) == 1 else f"each of the {len(others)} others"
        return f"{head}, and {seeds} tell it apart from {whom}."
    if any(len(one.values(label)) < 2 for one in (first, *others)):
        return f"{head}, but one seed says nothing about chance, so it is not shown to be better."
    tail = f"; they tell it apart from {', '.join(sorted(told_apart))}" if told_apart else ""
    return f"{head}, but {seeds} do not tell it apart from {', '.join(alike)}{tail}."


def _seeds(measured: Sequence[CellResult], label: str) -> str:
    counts = sorted({len(one.values(label)) for one in measured})
    if len(counts) == 1:
        return f"{counts[0]} {'seed' if counts[0] == 1 else 'seeds'}"
    return f"{counts[0]} to {counts[-1]} seeds"


def _caveats(ordered: Sequence[CellResult], unranked: Mapping[str, str]) -> list[str]:
    """What the means leave out: runs without values would have made them worse, or nobody knows."""
    lost = {
        status: [
            f"{one.cell.name} ({count} of {len(one.outcomes)})"
            for one in ordered
            if (count := sum(outcome.status == status for outcome in one.outcomes.values()))
        ]
        for status in ("diverged", "failed")
    }
    told = [f"Runs {status} and are not in the means: {', '.join(cells)}." for status, cells in lost.items() if cells]
    unfinished = sum(outcome.status in OPEN for one in ordered for outcome in one.outcomes.values())
    if unfinished:
        told.append(f"This is preliminary: {'1 run is' if unfinished == 1 else f'{unfinished} runs are'} not done.")
    return [*told, *(f"{label} ranks nothing: {why}." for label, why in unranked.items())]
