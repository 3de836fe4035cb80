"""``ganzoo evaluate``."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ganzoo.cli.context import console, registry
from ganzoo.cli.log_console import log_console
from ganzoo.cli.ready import get_ready
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
from ganzoo.torch_import import load_torch

if TYPE_CHECKING:
    from ganzoo.runs.evaluating import Evaluation
    from ganzoo.runs.run import Run

EXAMPLES = """\
Examples:
  ganzoo evaluate 7
  ganzoo evaluate 7 --step all --metric kernel-distance
  ganzoo evaluate 7 8 9
  ganzoo evaluate generated/ --data ~/pictures -n 1000
  ganzoo evaluate 7 --metric downstream --json
"""


def evaluate_command(
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|FOLDER...",
            help="Path, folder name or number of a run; or generated pictures, from any program. Several are shown "
            "beside each other.",
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

    Beside each number stands the same number for held-out real data in place of generated ones.

    Values are added to evaluations.jsonl of the run. Features of real data are kept in the cache.
    """
    get_ready()
    folder = runs_folder(runs, None)
    layers = [
        ConfigLayer("--set", parse_assignments(assignments or ())),
        *given_flags(
            ("--data", "data.name", data), ("--weights", "extractors.inception.weights", weights and str(weights))
        ),
        *repeated("--metric", "metrics", metric),
        *repeated("--extractor", "extractors", extractor),
    ]
    screen = log_console(quiet=False)
    load_torch()
    from ganzoo.cli.evaluated import print_beside, print_evaluation
    from ganzoo.runs.beside import beside, demand_one_data, demand_something_alike, names
    from ganzoo.runs.evaluating import demand_steps, run_or_folder
    from ganzoo.runs.run import Run

    named = [run_or_folder(folder, target) for target in targets]
    found = list({(one.path if isinstance(one, Run) else one).resolve(): one for one in named}.values())
    of_runs = {"--step": step, "--truncation": truncation, "--seed": seed or None, "--no-ema": not ema or None}
    given = [flag for flag, value in of_runs.items() if value is not None]
    chosen = _step(step, several=len(found) > 1)
    for path in found:
        if not isinstance(path, Run):
            _check_pictures(path, layers, data=data, given=given)
    demand_one_data([one for one in found if isinstance(one, Run)])
    for one in found:
        if isinstance(one, Run):
            demand_steps(one, chosen)  # what one of them lacks is said before minutes are spent on the others
    how = _How(layers=layers, n=n, step=chosen, ema=ema, truncation=truncation, seed=seed)
    told = Screen(stderr=True, quiet=True) if as_json else screen
    evaluations = [_evaluated(one, how, told, several=len(found) > 1) for one in found]
    if len(found) == 1:
        say(json.dumps(_plain(evaluations[0]), indent=2)) if as_json else print_evaluation(console(), evaluations[0])
    else:
        compared = beside(evaluations)
        if as_json:
            content = [_plain(evaluation) for evaluation in evaluations]
            say(json.dumps({"targets": content, "beside": [one.plain() for one in compared]}, indent=2))
        else:
            print_beside(console(), compared, list(zip(names(evaluations), evaluations, strict=True)))
        demand_something_alike(compared)
    asked_in_vain = metric and any(evaluation.failed() for evaluation in evaluations)
    if asked_in_vain or not all(any(one.values for one in each.judgments.values()) for each in evaluations):
        raise typer.Exit(1)


@dataclass(frozen=True, kw_only=True)
class _How:
    """What is asked of every run and folder; all but ``layers`` and ``n`` of runs alone."""

    layers: list[ConfigLayer]
    n: int | None
    step: int | Literal["all"] | None
    ema: bool
    truncation: float | None
    seed: int


def _evaluated(found: Run | Path, how: _How, told: Screen, *, several: bool) -> Evaluation:
    from ganzoo.cli.evaluation_progress import pace_shown
    from ganzoo.runs.evaluating import evaluate_folder, evaluate_run

    path = found if isinstance(found, Path) else found.path
    if several:
        told.print(f"evaluating {path.name}", soft_wrap=True)
    with printing_to_stderr(), pace_shown(told) as pace:
        if isinstance(found, Path):
            return evaluate_folder(registry(), found, how.layers, n=how.n, pace=pace)
        return evaluate_run(
            registry(),
            found,
            how.layers,
            n=how.n,
            step=how.step,
            ema=how.ema,
            truncation=how.truncation,
            seed=how.seed,
            pace=pace,
        )


def _step(word: str | None, *, several: bool) -> int | Literal["all"] | None:
    if word is None:
        return None
    if word == "all" and several:
        raise ConfigError(
            "runs are put beside each other at one step each",
            given="--step all",
            allowed="--step N, or no --step for the newest of each",
            hint="leave --step out",
        )
    if word == "all":
        return "all"
    if not word.isdecimal() or int(word) < 1:
        raise ConfigError(
            f"--step {word} is not a step", given=word, allowed="a whole number from 1, or all", hint="--step all"
        )
    return int(word)


def _check_pictures(path: Path, layers: list[ConfigLayer], *, data: str | None, given: list[str]) -> None:
    """Refuse pictures without real ones to compare with, and options that are of runs alone."""
    from ganzoo.runs.evaluating import demand_real_data

    demand_real_data(
        path,
        layers,
        allowed="--data NAME|PATH",
        hint=f"ganzoo evaluate {shlex.quote(str(path))} --data PATH",
    )
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
