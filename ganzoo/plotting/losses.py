"""Losses side by side: what each player minimizes, and how hard it is pushed, over the logit."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from ganzoo.plotting.canvas import BAND, BLUE, GRAY, SKY, VERMILION, Axes, Figure, plain
from ganzoo.plotting.curves import Curve, LossCurves

COLUMNS = 4
STEEPEST = 2.6
"""Gradients are drawn up to here in all panels alike, so that they can be compared."""
LINES = (
    ("d_real", "D, over the logit of a real sample", BLUE, "-", 2.4),
    ("d_fake", "D, over the logit of a fake", SKY, (0, (5, 1.5)), 2.4),
    ("g_fake", "G, over the logit of a fake", VERMILION, (0, (1, 1.8)), 2.4),
)
"""Dashes, because curves of both players often lie on each other."""
CAPTION = (
    "One logit varies, the other is held at 0. Adaptive parameters of a loss have their initial values.\n"
    "Gray: the logits of the optimal D at p_g = p_data, where the loss determines them."
)


def figure(losses: Sequence[LossCurves]) -> Figure:
    """For each loss a panel of objectives above one of their gradients, at most four losses in a row."""
    rows = [losses[start : start + COLUMNS] for start in range(0, len(losses), COLUMNS)]
    columns = len(rows[0])
    sheet = Figure(figsize=(max(7.0, 3.1 * columns), 4.9 * len(rows) + 1.1), layout="constrained")
    blocks = sheet.subfigures(len(rows), 1, squeeze=False, hspace=0.04)[:, 0]
    for block, part in zip(blocks, rows, strict=True):
        panels = block.subplots(2, columns, squeeze=False)
        for (upper, lower), curves in zip(panels.T, part, strict=False):
            _draw(upper, lower, curves)
        for unused in panels[:, len(part) :].flat:
            unused.set_axis_off()
        panels[0, 0].set_ylabel("objective")
        panels[1, 0].set_ylabel("gradient")
    handles, labels = sheet.axes[0].get_legend_handles_labels()
    stacked = columns < 3
    sheet.legend(handles, labels, loc="outside upper center", ncols=1 if stacked else 3, frameon=False, fontsize=10)
    sheet.supxlabel(CAPTION, fontsize=9, color="0.35")
    return sheet


def _draw(upper: Axes, lower: Axes, curves: LossCurves) -> None:
    for name, label, color, dashes, width in LINES:
        curve: Curve = getattr(curves, name)
        upper.plot(curves.logits, curve.values, color=color, linestyle=dashes, linewidth=width, label=label)
        lower.plot(curves.logits, curve.gradients, color=color, linestyle=dashes, linewidth=width)
    for panel in (upper, lower):
        plain(panel)
        panel.set_xlim(curves.logits[0], curves.logits[-1])
        _mark(panel, curves)
    upper.set_ylim(*_heights(curves))
    upper.tick_params(labelbottom=False)
    lower.set_ylim(-STEEPEST, STEEPEST)
    lower.set_xlabel("logit (−energy)" if curves.logits[-1] == 0 else "logit", fontsize=9)
    name, notes = curves.name.partition(":")[0], _notes(curves)
    upper.set_title(name, loc="left", fontsize=11, fontweight="bold", pad=8 + 12 * len(notes))
    upper.text(0, 1.05, "\n".join(notes), transform=upper.transAxes, fontsize=8.5, color="0.35", va="bottom")


def _mark(panel: Axes, curves: LossCurves) -> None:
    if curves.balance is None:
        return
    low, high = curves.balance
    if low < high:
        panel.axvspan(low, high, color=BAND, linewidth=0, zorder=0)
    else:
        panel.axvline(low, color=GRAY, linewidth=1.5, zorder=1.5)


def _notes(curves: LossCurves) -> list[str]:
    """The options that were given, and the values that the loss states."""
    options = curves.name.partition(":")[2].replace(",", ", ")
    # Adding 0 makes 0 of −0.
    values = ", ".join(f"{player.upper()} {value + 0:.3g}" for player, value in curves.equilibrium.items())
    stated = f"at p_g = p_data: {values.replace('-', '−')}" if values else "no known value at p_g = p_data"
    return [*textwrap.wrap(options, 36), stated]


def _heights(curves: LossCurves) -> tuple[float, float]:
    """The whole of what happens at the inner logits, and half as much again: an exponential must not flatten it."""
    reach = max(abs(logit) for logit in curves.logits) / 2
    drawn = [getattr(curves, name).values for name, *_ in LINES]
    inner = [
        value for values in drawn for logit, value in zip(curves.logits, values, strict=True) if abs(logit) <= reach
    ]
    low, high = min(inner), max(inner)
    margin = 0.5 * max(high - low, 1.0)
    return max(low - margin, min(map(min, drawn)) - margin / 5), min(high + margin, max(map(max, drawn)) + margin / 5)
