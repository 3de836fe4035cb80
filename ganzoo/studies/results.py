"""The cells of a comparison with what became of their runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ganzoo.evaluation.value import Value
from ganzoo.studies.comparison import Cell, Comparison
from ganzoo.studies.outcome import RunOutcome, outcome_of

OPEN = ("waiting", "interrupted")


@dataclass(frozen=True, kw_only=True)
class CellResult:
    """What became of the runs of a cell: seed → outcome."""

    cell: Cell
    outcomes: Mapping[int, RunOutcome]

    @property
    def finished(self) -> list[RunOutcome]:
        """Those that have values."""
        return [one for one in self.outcomes.values() if one.status == "finished"]

    @property
    def status(self) -> str:
        """``complete``, ``partial``, ``failed`` or ``refused``."""
        if self.cell.reason is not None:
            return "refused"
        if len(self.finished) == len(self.outcomes):
            return "complete"
        some = self.finished or any(one.status in OPEN for one in self.outcomes.values())
        return "partial" if some else "failed"

    def values(self, label: str) -> list[Value]:
        """The final values of its seeds."""
        return [value for one in self.finished for value in one.final if value.label == label]

    def numbers(self, label: str) -> list[float]:
        """The final numbers of its seeds."""
        return [value.value for value in self.values(label)]


def results_of(comparison: Comparison) -> list[CellResult]:
    """What is on disk."""
    return [
        CellResult(
            cell=cell,
            outcomes={}
            if cell.reason is not None
            else {seed: outcome_of(comparison.place(cell, seed)) for seed in comparison.seeds},
        )
        for cell in comparison.cells
    ]
