"""Evaluations beside each other: the numbers of several runs, or folders, that were measured alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ganzoo.errors import ConfigError
from ganzoo.evaluation.value import Better, Value, unlike
from ganzoo.runs.evaluating import Evaluation
from ganzoo.runs.run import Run


@dataclass(frozen=True, kw_only=True)
class NamedValue:
    """One number of one run or folder; ``step`` is ``None`` of pictures from elsewhere."""

    name: str
    step: int | None
    value: Value


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """One number of all that have it, the best first if one is better.

    Attributes:
        label: as ``fd[random-conv]@5000``.
        better: which direction is better; ``None`` if the number ranks nothing.
        rows: one of each.
        unlike: why they cannot be put beside each other; there are no rows then.
    """

    label: str
    better: Better | None
    rows: tuple[NamedValue, ...] = ()
    unlike: str | None = None

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        shown = [
            {"target": row.name, "step": row.step, "value": row.value.value, "spread": row.value.spread}
            for row in self.rows
        ]
        return {"label": self.label, "better": self.better, "rows": shown, "unlike": self.unlike}


def beside(evaluations: Sequence[Evaluation]) -> list[SideBySide]:
    """Each number that was measured of any of them, at the last step of each."""
    rows = [row for name, one in zip(names(evaluations), evaluations, strict=True) for row in _rows(name, one)]
    grouped: dict[tuple[str, str, str | None], list[NamedValue]] = {}
    for row in rows:
        record = row.value.record
        grouped.setdefault((record.metric, row.value.key, record.extractor), []).append(row)
    return [_side_by_side(group) for group in grouped.values()]


def names(evaluations: Sequence[Evaluation]) -> list[str]:
    """What each is called: the name of its folder where no other has it."""
    short = [one.target.name for one in evaluations]
    return [name if short.count(name) == 1 else str(one.target) for name, one in zip(short, evaluations, strict=True)]


def _rows(name: str, evaluation: Evaluation) -> list[NamedValue]:
    step = list(evaluation.judgments)[-1]
    return [NamedValue(name=name, step=step, value=value) for value in evaluation.values]


def _side_by_side(rows: list[NamedValue]) -> SideBySide:
    first = rows[0].value
    if why := unlike([(row.name, row.value.record) for row in rows]):
        return SideBySide(label=first.label, better=first.better, unlike=why)
    sign = -1 if first.better == "higher" else 1
    ordered = rows if first.better is None else sorted(rows, key=lambda row: sign * row.value.value)
    return SideBySide(label=first.label, better=first.better, rows=tuple(ordered))


def demand_one_data(runs: Sequence[Run]) -> None:
    """Refuse runs on different data before minutes are spent on numbers that are never ranked together.

    Raises:
        ConfigError: two runs learned from different data.
    """
    data = [run.directory.read_manifest().get("data", {}).get("fingerprint") for run in runs]
    for run, fingerprint in zip(runs[1:], data[1:], strict=True):
        if None not in (data[0], fingerprint) and fingerprint != data[0]:
            raise ConfigError(
                f"runs {runs[0].path.name} and {run.path.name} learned from different data, so that their numbers "
                "are never ranked together",
                given=" and ".join(
                    f"{one.config.data.name}, fingerprint {str(mark)[:12]}…"
                    for one, mark in ((runs[0], data[0]), (run, fingerprint))
                ),
                allowed="runs on the same data",
                hint=f"ganzoo evaluate {run.directory.word}",
            )


def demand_something_alike(compared: Sequence[SideBySide]) -> None:
    """Refuse to be silent where nothing can be put beside anything.

    Raises:
        ConfigError: all numbers were measured unlike.
    """
    if compared and not any(one.rows for one in compared):
        raise ConfigError(
            f"nothing of these can be ranked together: {compared[0].label}: {compared[0].unlike}",
            allowed="values whose records are equal: the same metrics, samples, data and settings",
            hint="-n N, as many samples as all of them have",
        )
