"""``ganzoo resume``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganzoo.cli.chatter import chatter
from ganzoo.cli.context import registry
from ganzoo.cli.run import Device, Json, Out, Precision, Quiet, Set, Tracker, given_flags, number, print_outcome
from ganzoo.config.layers import ConfigLayer, parse_assignments
from ganzoo.runs import tracking


def resume_command(
    run: Annotated[
        str | None, typer.Argument(help="Path, folder name or number; by default the newest unfinished run.")
    ] = None,
    steps: Annotated[int | None, number("--steps", "Generator steps in all; by default as before.")] = None,
    device: Device = None,
    precision: Precision = None,
    assignments: Set = None,
    tracker: Tracker = None,
    out: Out = Path("runs"),
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Continue a run where its newest checkpoint ends, in the same folder.

    Only steps, intervals and the runtime may change, as in --steps 5000 or --set train.sample_every=100.

    With the same versions, device and threads, the result equals an uninterrupted run bit by bit.
    """
    flags = given_flags({"train.steps": steps, "runtime.device": device, "runtime.precision": precision})
    known = registry()
    wanted, other_assignments = tracking.asked_for(known, tracker or (), parse_assignments(assignments or ()))
    changes = [ConfigLayer("--set", other_assignments), ConfigLayer("flag", flags)]
    from ganzoo.runs import session as runs
    from ganzoo.runs.directory import find_run
    from ganzoo.runs.run import Run

    console = chatter(quiet=quiet)
    directory = find_run(out, run)
    trackers = tracking.chosen(wanted)
    resumed = runs.resume(known, directory, changes=changes, console=console, trackers=trackers)
    if resumed is None:
        typer.echo(
            f"{directory.path} is finished. To train it further: ganzoo resume {directory.path} --steps N", err=True
        )
    print_outcome(resumed or Run(directory.path), as_json=as_json)
