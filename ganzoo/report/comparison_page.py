"""The report of a comparison: who is best, by how much, and what cannot be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ganzoo.report.embedding import Embedded, embedded_file
from ganzoo.report.intervals import quality_over_time, whiskers
from ganzoo.report.leaderboard import BoardCell, CellPair, Leaderboard
from ganzoo.report.page import render
from ganzoo.report.verdict import Tone, VerdictLine
from ganzoo.report.words import count, named
from ganzoo.runs.checkpoint import step_of
from ganzoo.runs.directory import RunDirectory

GALLERY_SIDE = 360
GALLERY_BYTES = 6_000_000
"""Of all pictures of the gallery together, before they become text."""
MOST_BYTES = 60_000
MOST_NAMED = 4


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """The last samples of a cell."""

    cell: BoardCell
    picture: Embedded | None
    seed: int | None
    step: int | None


def comparison_page(folder: Path, board: Leaderboard) -> str:
    """The page of the comparison in ``folder``."""
    drawn = [whiskers(board, label) for label in board.labels]
    return render(
        "comparison.html",
        title=board.name,
        subtitle=board.budget,
        board=board,
        statements=_statements(board),
        exhibits=_gallery(folder, board),
        whiskers=[one for one in drawn if one is not None],
        time=quality_over_time(board),
        near=_near_the_best(board),
        failures=[cell for cell in board.cells if cell.reasons() or cell.status in ("failed", "refused")],
    )


def _statements(board: Leaderboard) -> list[VerdictLine]:
    # Where the best one may be so by chance, or has no other beside it, the verdict says so.
    tone: Tone = "good" if _told_from_the_best(board) and not _near_the_best(board) else "note"
    said = [VerdictLine(tone=tone, text=board.verdict)] if board.verdict else []
    waiting = sum(cell.waiting for cell in board.cells)
    if waiting and "preliminary" not in board.verdict:  # the verdict says so where it ranks
        said.append(VerdictLine(tone="note", text=f"{count(waiting)} of the runs are not done yet."))
    if failed := [cell.name for cell in board.cells if cell.finished + cell.waiting < max(1, len(cell.seeds))]:
        more = f" and {len(failed) - MOST_NAMED} more" if len(failed) > MOST_NAMED else ""
        text = f"Not every run has numbers: {named(failed[:MOST_NAMED])}{more}. The reasons stand below."
        said.append(VerdictLine(tone="bad", text=text))
    said += [
        VerdictLine(tone="bad", text=f"Cells are not ranked by {label}: {why}.")
        for label, why in board.unranked.items()
    ]
    return said


def _near_the_best(board: Leaderboard) -> set[str]:
    """Cells that the metric which ranks cannot tell from the best one."""
    return _beside_the_best(board, board.indistinguishable)


def _told_from_the_best(board: Leaderboard) -> set[str]:
    """Cells that it can."""
    return _beside_the_best(board, board.distinguishable)


def _beside_the_best(board: Leaderboard, pairs: Sequence[CellPair]) -> set[str]:
    if not board.cells:
        return set()
    first = board.cells[0].name
    found = [pair.cells for pair in pairs if pair.label == board.ranking and first in pair.cells]
    return {name for cells in found for name in cells if name != first}


def _gallery(folder: Path, board: Leaderboard) -> list[Exhibit]:
    most = min(MOST_BYTES, GALLERY_BYTES // max(1, len(board.cells)))
    return [_exhibit(folder, cell, most) for cell in board.cells]


def _exhibit(folder: Path, cell: BoardCell, most_bytes: int) -> Exhibit:
    """The last grid of the first seed that has one."""
    for seed in cell.seeds:
        grids = RunDirectory(folder / seed.run).grids() if seed.run else []
        if grids and (picture := embedded_file(grids[-1], side=GALLERY_SIDE, most_bytes=most_bytes)):
            return Exhibit(cell=cell, picture=picture, seed=seed.seed, step=step_of(grids[-1]))
    return Exhibit(cell=cell, picture=None, seed=None, step=None)
