"""``ganzoo plot``: pictures of losses and of runs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzoo.cli.context import registry
from ganzoo.cli.failure import guarded
from ganzoo.cli.output import demand_new, new_name
from ganzoo.cli.run import Runs, runs_folder
from ganzoo.cli.usage import Command, Group
from ganzoo.errors import ConfigError
from ganzoo.registry import Registry
from ganzoo.screen import say_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ganzoo.runs.directory import RunDirectory

LOSSES_EXAMPLES = """\
Examples:
  ganzoo plot losses bce minimax hinge lsgan --out losses.png
  ganzoo plot losses f-gan f-gan:divergence=kl,saturating=true --out f.svg
"""
RUN_EXAMPLES = """\
Examples:
  ganzoo plot run 7
  ganzoo plot run runs/0007-hinge-patchgan-sn-digits --out curves.pdf
  ganzoo plot run 1 7 --out compared.png
"""

plot_app = typer.Typer(
    help="Plot losses over the logit, or the curves of a run. Needs matplotlib (pip extra 'plot').",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    cls=Group,
)


def losses_command(
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="New file to write: .png, .svg or .pdf.", show_default=False)
    ],
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Losses; options follow a colon, as in the examples. \\[default: all losses]",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        float,
        typer.Option("--limit", metavar="X", min=0.1, max=50, help="Plot logits from −X to X, with X from 0.1 to 50."),
    ] = 4.0,
) -> None:
    """Plot the objectives of D and G and their gradients over the logit of a real and of a fake sample.

    One logit varies while the other is held at 0. For losses on energies the logit, which is −energy, is at most 0.
    """
    known = registry()
    _check_place(out)
    words = names or _all_losses(known)
    for word in words:
        known.get("loss", word.partition(":")[0])  # a wrong name is answered at once: what follows imports torch
    from ganzoo.plotting import canvas, losses
    from ganzoo.plotting.curves import loss_curves
    from ganzoo.plotting.loss_argument import loss_of_argument

    canvas.check_format(out)
    curves = [loss_curves(word, *loss_of_argument(known, word), limit=limit) for word in words]
    canvas.save(losses.figure(curves), out)
    say_path(out)


def run_command(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Path, folder name or number of a run; several are drawn over each other.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="New file: .png, .svg or .pdf. \\[default for one run: metrics.png in its folder, replaced each time]",
            show_default=False,
        ),
    ] = None,
    runs: Runs = None,
) -> None:
    """Plot the terms, mean logits, gradient norms and metrics of a run, with the value of its loss at p_g = p_data.

    Several runs are drawn over each other. Objectives of different losses have different scales.
    """
    if out is not None:
        _check_place(out)
    elif len(names) > 1:
        folder = [] if runs is None else ["--runs", str(runs)]
        raise ConfigError(
            "a plot of several runs needs a file",
            allowed="--out FILE",
            hint=f"ganzoo plot run {shlex.join([*names, *folder])} --out {new_name('compared.png')}",
        )
    from ganzoo.runs.directory import find_run

    found = {one.path: one for one in (find_run(runs_folder(runs, None), name) for name in names)}
    directories = list(found.values())
    from ganzoo.plotting import canvas

    target = directories[0].path / "metrics.png" if out is None else out
    canvas.check_format(target)
    canvas.save(_figure_of(directories), target)
    say_path(target)


def _figure_of(directories: Sequence[RunDirectory]) -> Figure:
    """The curves of one run, or those of several over each other."""
    from ganzoo.planning.goal import goal_of
    from ganzoo.plotting.overlay import overlay
    from ganzoo.plotting.runs import figure
    from ganzoo.runs.run import Run

    alike = len({one.path.name for one in directories}) < len(directories)
    rows = {
        str(one.path) if alike else one.path.name: Run(one.path).metrics() if one.metrics.exists() else []
        for one in directories
    }
    if len(directories) > 1:
        return overlay(rows)
    [(name, own)] = rows.items()
    return figure(own, title=name, goal=goal_of(registry(), Run(directories[0].path).config))


def _all_losses(known: Registry) -> list[str]:
    return [known.shortest(entry) for entry in known.entries("loss") if not entry.missing()]


def _check_place(out: Path) -> None:
    demand_new(out, option="--out")
    if not out.parent.is_dir():
        raise ConfigError(
            f"there is no folder {out.parent}", given=out, hint="--out with a file in a folder that exists"
        )


plot_app.command("losses", epilog=LOSSES_EXAMPLES, cls=Command)(guarded(losses_command))
plot_app.command("run", epilog=RUN_EXAMPLES, cls=Command)(guarded(run_command))
