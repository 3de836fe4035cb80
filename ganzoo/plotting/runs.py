"""A run in curves: terms, mean logits, gradient norms and metrics, beside the values at p_g = p_data."""

from __future__ import annotations

from collections.abc import Sequence

from ganzoo.errors import ConfigError
from ganzoo.planning.goal import Goal
from ganzoo.plotting.canvas import (
    BAND,
    BLUE,
    GRAY,
    GREEN,
    OTHERS,
    PINK,
    VERMILION,
    Axes,
    Figure,
    decades,
    plain,
    whole_numbers,
)
from ganzoo.plotting.smoothing import WINDOW, smoothed

Row = dict[str, float]
NAMES = {"d": "discriminator", "g": "generator"}
COLORS = {
    "d/total": BLUE,
    "g/total": VERMILION,
    "logits/real": GREEN,
    "logits/fake": PINK,
    "grad_norm/d": BLUE,
    "grad_norm/g": VERMILION,
}


def figure(rows: Sequence[Row], *, title: str = "", goal: Goal | None = None) -> Figure:
    """Four panels, and one for each column of ``metric/`` and ``schedule/``, from the rows of ``metrics.jsonl``.

    Numbers that move alike share a panel.

    Raises:
        ConfigError: there is no row yet.
    """
    if not rows:
        raise ConfigError("nothing to plot: the run has not written any metrics yet")
    goal = goal or Goal()
    names = list(dict.fromkeys(name for row in rows for name in row))
    metrics = [name for name in names if name.startswith("metric/")]
    moving = _alike(rows, [name for name in names if name.startswith("schedule/")])
    columns = 2 if not metrics and not moving else 3
    count = -(-(4 + len(metrics) + len(moving)) // columns)
    sheet = Figure(figsize=(4.6 * columns, 3.2 * count + (0.4 if title else 0)), layout="constrained")
    if title:
        sheet.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    panels = list(sheet.subplots(count, columns, squeeze=False).flat)
    for player, panel in zip("dg", panels[:2], strict=True):
        _draw_terms(panel, rows, names, player, goal.values.get(player))
    _draw_logits(panels[2], rows, goal)
    _draw_norms(panels[3], rows)
    for name, panel in zip(metrics, panels[4:], strict=False):
        _draw(panel, rows, {name: ""}, title=name.removeprefix("metric/").replace("_", " "), smooth=False)
        if all(float(row[name]).is_integer() for row in rows if name in row):
            panel.yaxis.set_major_locator(whole_numbers())
    for name, panel in zip(moving, panels[4 + len(metrics) :], strict=False):
        _draw(panel, rows, {name: ""}, title=moving[name], smooth=False)
    for unused in panels[4 + len(metrics) + len(moving) :]:
        unused.set_axis_off()
    return sheet


def _alike(rows: Sequence[Row], names: Sequence[str]) -> dict[str, str]:
    """The first of all columns that have the same values → the ends of their names."""
    groups: dict[tuple[float | None, ...], list[str]] = {}
    for name in names:
        groups.setdefault(tuple(row.get(name) for row in rows), []).append(name)
    return {
        alike[0]: ", ".join(".".join(name.removeprefix("schedule/").split(".")[-2:]) for name in alike)
        for alike in groups.values()
    }


def _draw_terms(panel: Axes, rows: Sequence[Row], names: Sequence[str], player: str, goal: float | None) -> None:
    """The sum that is minimized, and its terms where there are several."""
    terms = [name for name in names if name.startswith(f"{player}/") and not name.endswith("/total")]
    labels = {f"{player}/total": "total" if len(terms) > 1 else "objective"}
    if len(terms) > 1:
        labels |= {name: name.partition("/")[2].replace("_", " ") for name in terms}
    if goal is not None:
        which = "adversarial, " if len(terms) > 1 else ""
        panel.axhline(goal, color=GRAY, linewidth=1.5, linestyle="--", zorder=1.5, label=f"{which}p_g = p_data")
    _draw(panel, rows, labels, title=f"objective of the {NAMES[player]}")


def _draw_logits(panel: Axes, rows: Sequence[Row], goal: Goal) -> None:
    if goal.logits is not None:
        low, high = goal.logits
        if low < high:
            # The edge is for the legend, where the band is small; to the left and right it lies outside.
            edge = {"edgecolor": GRAY, "linewidth": 0.8}
            panel.axhspan(low, high, -0.1, 1.1, facecolor=BAND, zorder=0, label="p_g = p_data", **edge)
        else:
            panel.axhline(low, color=GRAY, linewidth=1.5, linestyle="--", zorder=1.5, label="p_g = p_data")
    _draw(panel, rows, {"logits/real": "real", "logits/fake": "fake"}, title="mean logit")


def _draw_norms(panel: Axes, rows: Sequence[Row]) -> None:
    _draw(panel, rows, {f"grad_norm/{player}": name for player, name in NAMES.items()}, title="gradient norm")
    # Norms span decades. A norm of exactly zero has no place on such an axis: it is left out, not moved.
    if any(row.get(f"grad_norm/{player}", 0) > 0 for row in rows for player in NAMES):
        decades(panel)


def _draw(panel: Axes, rows: Sequence[Row], labels: dict[str, str], *, title: str, smooth: bool = True) -> None:
    """A line for each name: every row faint, their running mean bold. Few values stand as dots, too."""
    others = iter(OTHERS * len(labels))
    for name, label in labels.items():
        points = [(row["step"], row[name]) for row in rows if name in row]
        steps, values = [step for step, _ in points], [value for _, value in points]
        color = COLORS.get(name) or next(others)
        dot = {"marker": "o", "markersize": 3.5} if len(points) <= 30 else {}
        width = max(1, int(len(points) * WINDOW)) | 1 if smooth else 1
        if width > 1:
            panel.plot(steps, values, color=color, linewidth=0.7, alpha=0.3)
        panel.plot(steps, smoothed(values, width), color=color, linewidth=1.8, label=label, **dot)  # type: ignore[arg-type]
    plain(panel)
    panel.set_xlabel("generator step", fontsize=9)
    panel.xaxis.set_major_locator(whole_numbers())
    lines = _legend(panel)
    panel.set_title(title, loc="left", fontsize=11, pad=6 + (2 + 12 * lines if lines else 0))


def _legend(panel: Axes) -> int:
    """Between the title and the axes, where it covers no curve; the number of its lines."""
    labels = panel.get_legend_handles_labels()[1]
    if len(labels) < 2:
        return 0
    columns = 2 if len(labels) in (2, 4) or max(map(len, labels)) > 15 else 3
    panel.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        frameon=False,
        fontsize=9,
        borderaxespad=0.2,
        borderpad=0.1,
        labelspacing=0.3,
        handlelength=1.6,
        columnspacing=1.2,
    )
    return -(-len(labels) // columns)
