"""``ganzoo evaluate``."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from ganzoo import cores
from ganzoo.cli.context import console, registry
from ganzoo.cli.log_console import log_console
from ganzoo.cli.run import (
    COMPONENTS,
    Json,
    Runs,
    Set,
    component,
    given_flags,
    printing_to_stderr,
    repeated,
    runs_folder,
)
from ganzoo.cli.sample import Ema, Truncation
from ganzoo.config.layers import ConfigLayer, parse_assignments
from ganzoo.errors import ConfigError
from ganzoo.screen import Screen, say

if TYPE_CHECKING:
    from ganzoo.evaluation.value import Value
    from ganzoo.runs.evaluating import Evaluation

EXAMPLES = """\
Examples:
  ganzoo evaluate 7
  ganzoo evaluate 7 --step all --metric kernel-distance
  ganzoo evaluate generated/ --data ~/pictures -n 1000
  ganzoo evaluate 7 --metric downstream --json
"""
LISTED = 10
"""So many reasons are shown."""


def evaluate_command(
    target: Annotated[
        str,
        typer.Argument(
            metavar="RUN|FOLDER",
            help="Path, folder name or number of a run; or generated pictures, from any program.",
            show_default=False,
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="NAME|PATH",
            help="Real data to compare with. \\[default: the data of the run]",
            rich_help_panel=COMPONENTS,
        ),
    ] = None,
    metric: Annotated[
        list[str] | None, component("--metric", "Metric to compute. Can be repeated. \\[default: the usual ones]")
    ] = None,
    extractor: Annotated[
        list[str] | None,
        component("--extractor", "Extractor to look through. Can be repeated. \\[default: what metrics suggest]"),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            metavar="FILE",
            help="Weights of the extractor inception, which are not fetched.",
            show_default=False,
            rich_help_panel=COMPONENTS,
        ),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option(
            "-n",
            metavar="N",
            min=2,
            help="Generated samples. \\[default: what each metric asks for]",
            show_default=False,
        ),
    ] = None,
    step: Annotated[
        str | None,
        typer.Option("--step", metavar="N|all", help="Checkpoint to measure. \\[default: the newest]"),
    ] = None,
    ema: Ema = True,
    truncation: Truncation = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Random seed of the samples.")] = 0,
    runs: Runs = None,
    assignments: Set = None,
    as_json: Json = False,
) -> None:
    """Measure the generator of a run, or pictures from any program, against real data.

    Beside each distance stands its floor: the same number for held-out real data in place of generated ones.

    Values are added to evaluations.jsonl of the run. Features of real data are kept in the cache.
    """
    cores.settle()
    folder = runs_folder(runs, None)
    layers = [
        ConfigLayer("--set", parse_assignments(assignments or ())),
        *given_flags(
            ("--data", "data.name", data), ("--weights", "extractors.inception.weights", weights and str(weights))
        ),
        *repeated("--metric", "metrics", metric),
        *repeated("--extractor", "extractors", extractor),
    ]
    logging = log_console(quiet=False)
    from ganzoo.cli.evaluation_progress import pace_shown
    from ganzoo.runs.evaluating import demand_real_data, evaluate_folder, evaluate_run, run_or_folder
    from ganzoo.runs.run import Run

    found = run_or_folder(folder, target)
    told = Screen(stderr=True, quiet=True) if as_json else logging
    with printing_to_stderr(), pace_shown(told) as pace:
        if isinstance(found, Run):
            evaluation = evaluate_run(
                registry(),
                found,
                layers,
                n=n,
                step=_step(step),
                ema=ema,
                truncation=truncation,
                seed=seed,
                pace=pace,
            )
        else:
            demand_real_data(
                found,
                layers,
                allowed="--data NAME|PATH",
                hint=f"ganzoo evaluate {shlex.quote(str(found))} --data PATH",
            )
            of_runs = {"--step": step, "--truncation": truncation, "--seed": seed or None, "--no-ema": not ema or None}
            _refuse_options_of_runs(
                found, data=data, given=[flag for flag, value in of_runs.items() if value is not None]
            )
            evaluation = evaluate_folder(registry(), found, layers, n=n, pace=pace)
    if as_json:
        say(json.dumps(_plain(evaluation), indent=2))
    else:
        _print(console(), evaluation)
    asked_in_vain = metric and evaluation.failed()
    if asked_in_vain or not any(judgment.values for judgment in evaluation.judgments.values()):
        raise typer.Exit(1)


def _step(word: str | None) -> int | Literal["all"] | None:
    if word is None:
        return None
    if word == "all":
        return "all"
    if not word.isdecimal() or int(word) < 1:
        raise ConfigError(
            f"--step {word} is not a step", given=word, allowed="a whole number from 1, or all", hint="--step all"
        )
    return int(word)


def _refuse_options_of_runs(path: Path, *, data: str | None, given: list[str]) -> None:
    if given:
        raise ConfigError(
            f"for pictures there is no {' or '.join(given)}, and {path} holds pictures",
            given=path,
            hint=f"ganzoo evaluate {shlex.quote(str(path))} --data {shlex.quote(data or 'PATH')}",
        )


def _plain(evaluation: Evaluation) -> dict[str, object]:
    return {
        "target": str(evaluation.target),
        "values": list(evaluation.rows()),
        "failed": evaluation.failed(),
    }


def _print(screen: Screen, evaluation: Evaluation) -> None:
    several = len(evaluation.judgments) > 1
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    if several:
        table.add_column("step", justify="right", no_wrap=True)
    table.add_column("value", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("better", no_wrap=True)
    table.add_column("real data", justify="right", no_wrap=True)
    table.add_column("which", overflow="fold")
    for step, judgment in evaluation.judgments.items():
        for value in judgment.values:
            best = several and evaluation.best(value.label) == step
            table.add_row(
                *([str(step)] if several else []),
                value.label,
                _number(value) + (" best" if best else ""),
                value.better or "",
                "" if value.floor is None else f"{value.floor:.4g}",
                value.floor_of or "",
            )
    if table.row_count:
        screen.print(table)
    for note in dict.fromkeys(
        note for judgment in evaluation.judgments.values() for value in judgment.values for note in value.warnings
    ):
        screen.print(f"note: {note}")
    for name, reason in list(evaluation.failed().items())[:LISTED]:
        screen.print(f"not measured: {name}: {reason}")


def _number(value: Value) -> str:
    return f"{value.value:.4g}" + ("" if value.spread is None else f" ± {value.spread:.2g}")
