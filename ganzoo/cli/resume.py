"""``ganzoo resume``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganzoo import cores
from ganzoo.cli.context import registry
from ganzoo.cli.log_console import log_console
from ganzoo.cli.run import (
    Device,
    Json,
    Out,
    Precision,
    Quiet,
    Tracker,
    given_flags,
    number,
    print_outcome,
    printing_to_stderr,
)
from ganzoo.config.layers import ConfigLayer, parse_assignments
from ganzoo.runs import tracking


def resume_command(
    run: Annotated[
        str | None,
        typer.Argument(
            help="Path, folder name or number of a run \\[default: the newest unfinished run]", show_default=False
        ),
    ] = None,
    steps: Annotated[int | None, number("--steps", "Total number of generator steps \\[default: as before]")] = None,
    device: Device = None,
    precision: Precision = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="Change steps, intervals or the runtime, e.g. train.sample_every=100. Can be repeated.",
        ),
    ] = None,
    tracker: Tracker = None,
    out: Out = Path("runs"),
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Continue a run from its newest checkpoint, in the same folder.

    Only steps, intervals and the runtime can change, as in --steps 5000 or --set train.sample_every=100.

    With the same versions, device and threads, the result equals that of an uninterrupted run, bit for bit.
    """
    cores.settle()
    flags = given_flags({"train.steps": steps, "runtime.device": device, "runtime.precision": precision})
    known = registry()
    wanted, other_assignments = tracking.asked_for(known, tracker or (), parse_assignments(assignments or ()))
    changes = [ConfigLayer("--set", other_assignments), ConfigLayer("flag", flags)]
    from ganzoo.runs import session as runs
    from ganzoo.runs.directory import find_run
    from ganzoo.runs.run import Run

    console = log_console(quiet=quiet)
    directory = find_run(out, run)
    trackers = tracking.chosen(wanted)
    with printing_to_stderr():
        resumed = runs.resume(known, directory, changes=changes, console=console, trackers=trackers)
    if resumed is None:
        typer.echo(
            f"{directory.path} is finished. To train it further: ganzoo resume {directory.path} --steps N", err=True
        )
    print_outcome(resumed or Run(directory.path), as_json=as_json)
