"""Several runs in one figure: the same panels as for a single run, with a color for each run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ganzoo.errors import ConfigError
from ganzoo.plotting.canvas import BLUE, GREEN, OTHERS, PINK, VERMILION, Axes, Figure, decades, plain, whole_numbers
from ganzoo.plotting.runs import Row
from ganzoo.plotting.smoothing import WINDOW, smoothed

COLORS = (BLUE, VERMILION, GREEN, PINK, *OTHERS)
PANELS: Mapping[str, Mapping[str, str]] = {
    "objective of the discriminator": {"d/total": "-"},
    "objective of the generator": {"g/total": "-"},
    "mean logit: real, fake dashed": {"logits/real": "-", "logits/fake": "--"},
    "gradient norm: D, G dashed": {"grad_norm/d": "-", "grad_norm/g": "--"},
}
"""Title → the columns of ``metrics.jsonl`` that are drawn, and the style of their lines."""


def overlay(runs: Mapping[str, Sequence[Row]]) -> Figure:
    """Running means of every run, in four panels and one for each column of ``metric/``.

    Args:
        runs: name → rows of ``metrics.jsonl``.

    Raises:
        ConfigError: a run has no row yet, or there are more runs than colors.
    """
    if empty := [name for name, rows in runs.items() if not rows]:
        raise ConfigError(f"nothing to plot: run {empty[0]} has not written any metrics yet")
    if len(runs) > len(COLORS):
        raise ConfigError(f"at most {len(COLORS)} runs can be told apart in one figure", given=len(runs))
    metrics = dict.fromkeys(
        name for rows in runs.values() for row in rows for name in row if name.startswith("metric/")
    )
    named = {name: name.removeprefix("metric/").replace("_", " ") for name in metrics}
    panels = {**PANELS, **{title: {name: "-"} for name, title in named.items()}}
    columns = 3 if metrics else 2
    count = -(-len(panels) // columns)
    sheet = Figure(figsize=(4.6 * columns, 3.2 * count + 0.3 * len(runs)), layout="constrained")
    axes = list(sheet.subplots(count, columns, squeeze=False).flat)
    for (title, lines), panel in zip(panels.items(), axes, strict=False):
        _draw(panel, runs, lines, title=title)
    for unused in axes[len(panels) :]:
        unused.set_axis_off()
    handles = [axes[0].plot([], [], color=color)[0] for _, color in zip(runs, COLORS, strict=False)]
    sheet.legend(handles, list(runs), loc="outside upper left", frameon=False, fontsize=9)
    return sheet


def _draw(panel: Axes, runs: Mapping[str, Sequence[Row]], lines: Mapping[str, str], *, title: str) -> None:
    for rows, color in zip(runs.values(), COLORS, strict=False):
        for name, style in lines.items():
            points = [(row["step"], row[name]) for row in rows if name in row]
            width = 1 if name.startswith("metric/") else max(1, int(len(points) * WINDOW)) | 1
            steps, values = [step for step, _ in points], smoothed([value for _, value in points], width)
            marker = "o" if len(points) <= 30 else ""
            panel.plot(steps, values, style, color=color, linewidth=1.6, marker=marker, markersize=3)
    plain(panel)
    panel.set_xlabel("generator step", fontsize=9)
    panel.xaxis.set_major_locator(whole_numbers())
    panel.set_title(title, loc="left", fontsize=11)
    # As for a single run: norms span decades, and zero has no place there.
    if any(row.get(name, 0) > 0 for rows in runs.values() for row in rows for name in lines if "grad_norm" in name):
        decades(panel)
