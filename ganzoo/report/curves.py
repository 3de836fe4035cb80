"""The charts of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ganzoo.planning.goal import Goal
from ganzoo.report.chart import Chart, Point, line_chart

Row = Mapping[str, float]
PLAYERS = {"d": "discriminator", "g": "generator"}
FIRST_OTHER_COLOR = 4
"""Colors before it belong to D and G, and to the logits of real and fake."""


def charts(rows: Sequence[Row], goal: Goal) -> list[Chart]:
    """Objectives, mean logits, gradient norms and metrics, of the rows of ``metrics.jsonl``."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    drawn = [_objective(rows, names, player, goal.values.get(player)) for player in PLAYERS]
    logits = {label: _points(rows, f"logits/{label}") for label in ("real", "fake")}
    drawn.append(line_chart("Mean logit", logits, goal=goal.logits, colors=(2, 3)))
    norms = {word: _points(rows, f"grad_norm/{player}") for player, word in PLAYERS.items()}
    drawn.append(line_chart("Gradient norm", norms, log=True))
    for name in names:
        if name.startswith("metric/"):
            title = name.removeprefix("metric/").replace("_", " ")
            floor = _points(rows, name.replace("metric/", "floor/", 1))
            drawn.append(
                line_chart(
                    title,
                    {title: _points(rows, name)},
                    goal=(floor[-1][1], floor[-1][1]) if floor else None,
                    goal_label="real against real",
                    smooth=False,
                    colors=(FIRST_OTHER_COLOR,),
                )
            )
    return [chart for chart in drawn if chart is not None]


def _objective(rows: Sequence[Row], names: Sequence[str], player: str, goal: float | None) -> Chart | None:
    """The sum that is minimized, and its terms where there are several."""
    terms = [name for name in names if name.startswith(f"{player}/") and not name.endswith("/total")]
    several = len(terms) > 1
    lines = {"total" if several else "objective": _points(rows, f"{player}/total")}
    if several:
        lines |= {name.partition("/")[2].replace("_", " "): _points(rows, name) for name in terms}
    others = range(FIRST_OTHER_COLOR, FIRST_OTHER_COLOR + len(lines) - 1)
    return line_chart(
        f"Objective of the {PLAYERS[player]}",
        lines,
        goal=None if goal is None else (goal, goal),
        goal_label="adversarial at p_g = p_data" if several else "p_g = p_data",
        colors=("dg".index(player), *others),
    )


def _points(rows: Sequence[Row], name: str) -> list[Point]:
    return [(row["step"], row[name]) for row in rows if name in row]
