"""Line charts as geometry; a template draws them as SVG.

They are drawn here and not by matplotlib: a report works without that extra, its lines follow the page from light to
dark, and a chart takes some ten kilobytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ganzoo.plotting.smoothing import WINDOW, smoothed
from ganzoo.report.scale import Scale, around
from ganzoo.report.words import number

WIDTH, HEIGHT = 360, 210
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 8, 26
MOST_POINTS = 300
"""Of a line; more are averaged in groups, and an area shows from where to where each group reaches."""
OUTER = 0.005
"""Share of the values at either end that may lie beyond the frame where they would flatten all others."""
FLATTENING = 4
"""They do if the whole range is so many times that of the others."""

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class ChartLine:
    """One line of a chart: its label, the number of its color, SVG paths of the mean and of all values."""

    label: str
    color: int
    mean: str
    all: str
    filled: bool
    dots: tuple[Point, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What the template draws: positions are in the units of its view box."""

    title: str
    description: str
    lines: tuple[ChartLine, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    goal: float | None = None
    band: tuple[float, float] | None = None
    goal_label: str = "p_g = p_data"
    note: str | None = None
    width: int = WIDTH
    height: int = HEIGHT
    frame: Mapping[str, float] = field(
        default_factory=lambda: {"left": LEFT, "right": WIDTH - RIGHT, "top": TOP, "bottom": HEIGHT - BOTTOM}
    )


def line_chart(
    title: str,
    lines: Mapping[str, Sequence[Point]],
    *,
    goal: tuple[float, float] | None = None,
    goal_label: str = "p_g = p_data",
    log: bool = False,
    smooth: bool = True,
    colors: Sequence[int] = (),
) -> Chart | None:
    """A chart of lines over the step; ``None`` if no value is finite.

    Args:
        title: what the values are.
        lines: label → (step, value), by step.
        goal: from–to which value the lines would come at p_g = p_data; equal for a single one.
        goal_label: what that is.
        log: decades; values that are not above 0 have no place there and are left out.
        smooth: whether a running mean is drawn over the values.
        colors: number of the color of each line, in order; 0, 1, … unless given.
    """
    shown = {label: _shown(points, log=log) for label, points in lines.items()}
    shown = {label: points for label, points in shown.items() if any(map(math.isfinite, _values(points)))}
    if not shown:
        return None
    values = [value for points in shown.values() for value in _values(points) if math.isfinite(value)]
    inner, note = _without_outliers(values)
    # A band of logits may be without end: it is drawn as far as the lines reach, and a single value is always seen.
    seen = [*inner, goal[0]] if goal is not None and goal[0] == goal[1] else inner
    y = around(seen, log=log)
    x = around([step for points in shown.values() for step, _ in points], margin=0)
    number_of = dict(zip(lines, colors or range(len(lines)), strict=True))
    drawn = tuple(_line(label, number_of[label], points, x, y, smooth=smooth) for label, points in shown.items())
    return Chart(
        title=title,
        description=_described(title, shown, goal, goal_label),
        lines=drawn,
        x_ticks=tuple((_x(x, tick), f"{tick:,.0f}") for tick in x.ticks() if tick == int(tick)),
        y_ticks=tuple((_y(y, tick), f"{tick:.4g}") for tick in y.ticks()),
        goal=_y(y, goal[0]) if goal is not None and goal[0] == goal[1] else None,
        band=(_y(y, goal[1]), _y(y, goal[0])) if goal is not None and goal[0] < goal[1] else None,
        goal_label=goal_label,
        note=note,
    )


def _values(points: Sequence[Point]) -> list[float]:
    return [value for _, value in points]


def _shown(points: Sequence[Point], *, log: bool) -> list[Point]:
    return [(step, value) for step, value in points if value > 0 or not math.isfinite(value) or not log]


def _without_outliers(values: Sequence[float]) -> tuple[Sequence[float], str | None]:
    """The values that decide the frame, and what is said of those beyond it."""
    ordered = sorted(values)
    cut = int(len(ordered) * OUTER)
    inner = ordered[cut : len(ordered) - cut]
    low, high = ordered[0], ordered[-1]
    if not cut or high - low <= FLATTENING * (inner[-1] - inner[0]) or inner[0] == inner[-1]:
        return ordered, None
    return inner, f"The outermost {2 * OUTER:.0%} lie beyond the frame: values go from {number(low)} to {number(high)}."


def _line(label: str, color: int, points: Sequence[Point], x: Scale, y: Scale, *, smooth: bool) -> ChartLine:
    width = max(1, int(len(points) * WINDOW)) | 1 if smooth else 1
    mean = list(zip([step for step, _ in points], smoothed(_values(points), width), strict=True))
    groups = list(_groups(points))
    filled = len(groups) < len(points)
    return ChartLine(
        label=label,
        color=color,
        mean=_path(_thinned(mean), x, y),
        all=_area(groups, x, y) if filled else _path(points, x, y) if width > 1 else "",
        filled=filled,
        dots=tuple((_x(x, at), _y(y, value)) for at, value in mean if math.isfinite(value)) if len(mean) <= 30 else (),
    )


def _groups(points: Sequence[Point]) -> Iterator[list[Point]]:
    """At most ``MOST_POINTS`` neighboring groups."""
    size = -(-len(points) // MOST_POINTS)
    for start in range(0, len(points), size):
        yield list(points[start : start + size])


def _thinned(points: Sequence[Point]) -> list[Point]:
    """The mean of each group; a group with nothing finite stays a gap."""
    return [
        (sum(step for step, _ in group) / len(group), sum(finite) / len(finite) if finite else math.nan)
        for group in _groups(points)
        for finite in [[value for value in _values(group) if math.isfinite(value)]]
    ]


def _path(points: Sequence[Point], x: Scale, y: Scale) -> str:
    """Straight lines; what is not finite is a gap."""
    parts, joined = [], False
    for step, value in points:
        if math.isfinite(value):
            parts.append(f"{'L' if joined else 'M'}{_x(x, step):.1f} {_y(y, value):.1f}")
        joined = math.isfinite(value)
    return "".join(parts)


def _area(groups: Sequence[Sequence[Point]], x: Scale, y: Scale) -> str:
    """From the lowest to the highest value of each group."""
    finite = [[point for point in group if math.isfinite(point[1])] for group in groups]
    finite = [group for group in finite if group]
    upper = [(group[0][0], max(_values(group))) for group in finite]
    lower = [(group[0][0], min(_values(group))) for group in reversed(finite)]
    return f"{_path([*upper, *lower], x, y)}Z"


def _x(scale: Scale, step: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * scale.share(step), 1)


def _y(scale: Scale, value: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * scale.share(value), 1)


def _described(
    title: str, lines: Mapping[str, Sequence[Point]], goal: tuple[float, float] | None, goal_label: str
) -> str:
    """The chart for those who cannot see it."""
    parts = []
    for label, points in lines.items():
        finite = [point for point in points if math.isfinite(point[1])]
        (first, start), (last, end) = finite[0], finite[-1]
        name = f"{label}: " if len(lines) > 1 else ""
        parts.append(f"{name}{number(start)} at step {first:,.0f}, {number(end)} at step {last:,.0f}")
    if goal is not None:
        low, high = goal
        parts.append(f"{goal_label}: {number(low)}" + (f" to {number(high)}" if high > low else ""))
    return f"{title}. {'; '.join(parts)}."
