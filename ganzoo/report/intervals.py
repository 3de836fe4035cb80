"""Means with their intervals as dots and whiskers, and quality against time, as geometry."""

from __future__ import annotations

from dataclasses import dataclass

from ganzoo.report.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from ganzoo.report.leaderboard import BoardCell, Leaderboard
from ganzoo.report.scale import Scale, around
from ganzoo.report.words import duration, number, time_unit


@dataclass(frozen=True, kw_only=True)
class Whisker:
    """A row: positions are percent of its width."""

    name: str
    words: str
    mean: float
    interval: tuple[float, float] | None
    seeds: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Whiskers:
    """All cells in one metric, on one scale."""

    label: str
    better: str | None
    rows: tuple[Whisker, ...]
    ticks: tuple[tuple[float, str], ...]
    floor: float | None
    floor_words: str | None


def whiskers(board: Leaderboard, label: str) -> Whiskers | None:
    """The picture of one metric; ``None`` if no cell has a number."""
    cells = [cell for cell in board.cells if label in cell.mean]
    if not cells:
        return None
    floor = next((seed.floors[label] for cell in cells for seed in cell.seeds if label in seed.floors), None)
    ends = [end for cell in cells for end in cell.interval.get(label, ())]
    seen = [*ends, *(cell.mean[label] for cell in cells), *(value for cell in cells for value in _seeds(cell, label))]
    scale = around([*seen, floor] if floor is not None else seen, margin=0.03)
    return Whiskers(
        label=label,
        better=board.better.get(label),
        rows=tuple(_row(cell, label, scale) for cell in cells),
        ticks=tuple((_percent(scale, tick), f"{tick:.4g}") for tick in scale.ticks()),
        floor=None if floor is None else _percent(scale, floor),
        floor_words=None if floor is None else number(floor),
    )


def _row(cell: BoardCell, label: str, scale: Scale) -> Whisker:
    interval = cell.interval.get(label)
    words = f"{cell.name}: {number(cell.mean[label])}"
    if interval is not None:
        words += f", 95 % interval {number(interval[0])} to {number(interval[1])}"
    return Whisker(
        name=cell.name,
        words=words,
        mean=_percent(scale, cell.mean[label]),
        interval=None if interval is None else (_percent(scale, interval[0]), _percent(scale, interval[1])),
        seeds=tuple(_percent(scale, value) for value in _seeds(cell, label)),
    )


def _seeds(cell: BoardCell, label: str) -> list[float]:
    return [seed.values[label] for seed in cell.seeds if label in seed.values]


def _percent(scale: Scale, value: float) -> float:
    return round(100 * scale.share(value), 2)


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A cell at its mean time and mean number; ``number`` is its place on the leaderboard."""

    x: float
    y: float
    number: int
    words: str


@dataclass(frozen=True, kw_only=True)
class QualityOverTime:
    """The ranking metric against the time of a run."""

    label: str
    better: str | None
    unit: str
    spots: tuple[Spot, ...]
    seeds: tuple[tuple[float, float], ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT


def quality_over_time(board: Leaderboard) -> QualityOverTime | None:
    """``None`` if no cell has a number and a time."""
    label = board.ranking
    placed = [(place, cell) for place, cell in enumerate(board.cells, 1) if label in cell.mean and cell.seconds]
    if label is None or not placed:
        return None
    runs = [
        (seed.seconds, seed.values[label])
        for _, cell in placed
        for seed in cell.seeds
        if label in seed.values and seed.seconds is not None
    ]
    unit, length = time_unit(max(seconds for seconds, _ in runs))
    x = around([seconds / length for seconds, _ in runs])
    y = around([*(value for _, value in runs), *(cell.mean[label] for _, cell in placed)])
    spots = [
        Spot(
            x=_x(x, (cell.seconds or 0.0) / length),
            y=_y(y, cell.mean[label]),
            number=place,
            words=f"{place}. {cell.name}: {number(cell.mean[label])} in {duration(cell.seconds)}",
        )
        for place, cell in placed
    ]
    return QualityOverTime(
        label=label,
        better=board.better.get(label),
        unit=unit,
        spots=tuple(spots),
        seeds=tuple((_x(x, seconds / length), _y(y, value)) for seconds, value in runs),
        x_ticks=tuple((_x(x, tick), f"{tick:.4g}") for tick in x.ticks() if tick >= 0),
        y_ticks=tuple((_y(y, tick), f"{tick:.4g}") for tick in y.ticks()),
    )


def _x(scale: Scale, value: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * scale.share(value), 1)


def _y(scale: Scale, value: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * scale.share(value), 1)
