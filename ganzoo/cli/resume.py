"""``ganzoo resume``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ganzoo.cli.context import registry
from ganzoo.cli.log_console import log_console
from ganzoo.cli.ready import get_ready
from ganzoo.cli.run import (
    Json,
    OldRuns,
    Quiet,
    Runs,
    Tracker,
    given_flags,
    named,
    number,
    print_outcome,
    printing_to_stderr,
    runs_folder,
)
from ganzoo.config.layers import ConfigLayer, parse_assignments
from ganzoo.program import as_started
from ganzoo.runs import tracking
from ganzoo.screen import say
from ganzoo.torch_import import load_torch

if TYPE_CHECKING:
    from ganzoo.runs.directory import RunDirectory

EXAMPLES = """\
Examples:
  ganzoo resume
  ganzoo resume 7 --steps 5000
  ganzoo resume runs/0007-hinge-patchgan-sn-digits --set train.sample_every=100
  ganzoo resume 7 --set data.path=/mnt/pictures
"""


def resume_command(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="Path, folder name or number of a run. \\[default: the newest unfinished run]",
            show_default=False,
        ),
    ] = None,
    steps: Annotated[int | None, number("--steps", "Total number of generator steps. \\[default: as before]")] = None,
    device: Annotated[
        str | None, named("--device", "Device: auto, cpu, cuda, cuda:N or mps. \\[default: as before]")
    ] = None,
    precision: Annotated[str | None, named("--precision", "Precision: fp32 or bf16. \\[default: as before]")] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="Change steps, intervals, the runtime or the place of the data, e.g. train.sample_every=100. "
            "Can be repeated.",
        ),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin again at step 0, over the rows and grids that the run has.")
    ] = False,
    tracker: Tracker = None,
    runs: Runs = None,
    out: OldRuns = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Continue a run from its newest checkpoint, in the same folder.

    Only steps, intervals and the runtime can change, as in --steps 5000 or --set train.sample_every=100;
    and the place of the same data: --set data.path=OTHER.

    With the same versions, device and threads, the result equals that of an uninterrupted run, bit for bit.
    """
    get_ready()
    flags = given_flags(
        ("--steps", "train.steps", steps),
        ("--device", "runtime.device", device),
        ("--precision", "runtime.precision", precision),
    )
    folder = runs_folder(runs, out)
    known = registry()
    wanted, other_assignments = tracking.asked_for(known, tracker or (), parse_assignments(assignments or ()))
    changes = [ConfigLayer("--set", other_assignments), *flags]
    load_torch()
    from ganzoo.runs import session
    from ganzoo.runs.directory import find_run
    from ganzoo.runs.run import Run

    console = log_console(quiet=quiet)
    directory = find_run(folder, run)
    trackers = tracking.chosen(wanted)
    with printing_to_stderr():
        resumed = session.resume(known, directory, changes=changes, console=console, trackers=trackers, restart=restart)
    if resumed is None:
        say(as_started(f"{directory.path} is finished. To train it further: {_further(directory)}"), err=True)
    print_outcome(resumed or Run(directory.path), as_json=as_json)


def _further(directory: RunDirectory) -> str:
    """The command that trains a finished run on, by what ended it."""
    from ganzoo.runs.run import read_config

    train = read_config(directory).train
    steps = directory.read_manifest().get("step") or 0
    if train.minutes is not None and (train.steps is None or steps < train.steps):
        return f"ganzoo resume {directory.word} --set train.minutes={2 * train.minutes:g}"
    return f"ganzoo resume {directory.word} --steps N"
