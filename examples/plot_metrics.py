"""Curves of a run: the objectives, the mean logits, the gradient norms. Needs ``pip install '.[plot]'``.

python examples/plot_metrics.py runs/0001-hinge-patchgan-sn-digits --out curves.png
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

try:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator
except ModuleNotFoundError:
    raise SystemExit("plot_metrics.py draws with matplotlib: pip install '.[plot]' in ganzoo's checkout") from None

import ganzoo
from ganzoo.errors import ConfigError, GanzooError

Row = dict[str, float]

BLUE, ORANGE, GREEN, PINK, GRAY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7F7F7F"
OTHERS = ("#56B4E9", "#E69F00", "#8C6BB1", "#6B4C35")
"""For terms that not every run has. All colors can be told apart by color-blind readers."""
WINDOW = 1 / 25
"""Share of the rows that a smoothed line averages over."""

LABELS = {
    "d/total": "discriminator",
    "g/total": "generator",
    "logits/real": "real",
    "logits/fake": "fake",
    "grad_norm/d": "discriminator",
    "grad_norm/g": "generator",
}
COLORS = {
    "d/total": BLUE,
    "g/total": ORANGE,
    "logits/real": GREEN,
    "logits/fake": PINK,
    "grad_norm/d": BLUE,
    "grad_norm/g": ORANGE,
}


def smoothed(values: list[float], width: int) -> list[float]:
    """Centered running mean over ``width`` values (odd), fewer at both ends; what is not finite is left out."""
    half = width // 2
    means = []
    for center in range(len(values)):
        reach = min(half, center, len(values) - 1 - center)
        near = [value for value in values[center - reach : center + reach + 1] if math.isfinite(value)]
        means.append(sum(near) / len(near) if near else math.nan)
    return means


def label_of(name: str) -> str:
    """``d/gradient_penalty`` → ``discriminator: gradient penalty``."""
    if name in LABELS:
        return LABELS[name]
    player, _, term = name.partition("/")
    return f"{LABELS.get(f'{player}/total', player)}: {term.replace('_', ' ')}"


def objectives(names: list[str]) -> list[str]:
    """Both totals, and the terms of a player that has several of them."""
    chosen = ["d/total", "g/total"]
    for player in "dg":
        terms = [name for name in names if name.startswith(f"{player}/") and not name.endswith("/total")]
        chosen += terms if len(terms) > 1 else []
    return [name for name in chosen if name in names]


def draw(axes: Axes, rows: list[Row], names: list[str], *, title: str) -> None:
    """A line for each name: every row faint, their running mean bold."""
    width = max(1, int(len(rows) * WINDOW)) | 1
    others = iter(OTHERS * len(names))
    for name in names:
        points = [(row["step"], row[name]) for row in rows if name in row]
        steps, values = [step for step, _ in points], [value for _, value in points]
        color = COLORS.get(name) or next(others)
        axes.plot(steps, values, color=color, linewidth=0.7, alpha=0.3)
        axes.plot(steps, smoothed(values, width), color=color, linewidth=1.8, label=label_of(name))
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel("generator step")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.grid(color="0.9", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("0.6")
    axes.tick_params(colors="0.35", labelsize=9)
    axes.legend(frameon=False, fontsize=9)


def figure(rows: list[Row], *, title: str = "") -> Figure:
    """Three panels side by side from the rows of ``metrics.jsonl``.

    Raises:
        ConfigError: there is no row yet.
    """
    if not rows:
        raise ConfigError("there is nothing to draw: the run has written no metrics yet")
    names = list(dict.fromkeys(name for row in rows for name in row))
    sheet = Figure(figsize=(12, 3.6), layout="constrained")
    if title:
        sheet.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    panels = sheet.subplots(1, 3)
    draw(panels[0], rows, objectives(names), title="objective")
    draw(panels[1], rows, ["logits/real", "logits/fake"], title="mean logit")
    panels[1].axhline(0, color=GRAY, linewidth=0.8, zorder=0)
    draw(panels[2], rows, ["grad_norm/d", "grad_norm/g"], title="gradient norm")
    # Norms span decades. A norm of exactly zero has no place on such an axis; it would be left out, not moved.
    panels[2].set_yscale("log")
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="run directory, or its name or number below runs/")
    parser.add_argument("--out", type=Path, default=Path("curves.png"), help="picture file; its suffix is the format")
    arguments = parser.parse_args()
    try:
        run = ganzoo.load_run(arguments.run)
        sheet = figure(run.metrics(), title=run.path.name)
    except GanzooError as error:
        raise SystemExit(str(error)) from error
    sheet.savefig(arguments.out, dpi=150)


if __name__ == "__main__":
    main()
