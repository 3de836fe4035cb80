"""``ganzoo bench``."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from ganzoo.cli import context
from ganzoo.cli.bench_peer import peer_asked_for
from ganzoo.cli.context import console, registry
from ganzoo.cli.log_console import log_console
from ganzoo.cli.ready import get_ready
from ganzoo.cli.run import COMPONENTS, TRAINING, Set, component, given_flags, named, printing_to_stderr, repeated
from ganzoo.config.layers import ConfigLayer, parse_assignments
from ganzoo.planning.choice import choose, file_layer
from ganzoo.screen import Screen, say
from ganzoo.torch_import import load_torch

COMPARED = "What it is compared with"
SIZE, BATCH = 64, 32
PAUSE = 15.0
"""Seconds between lines about how far it is, where nobody looks at a terminal."""
EXAMPLES = """\
Examples:
  ganzoo bench
  ganzoo bench --loss wgan-gp --disc dcgan --size 32 --against hand
  ganzoo bench --precision bf16 --against plain --against-precision fp32
  ganzoo bench --reg r1 --set reg.r1.every=16 --rounds 50 --json
  ganzoo bench --against torchgan --clock cpu
"""


def bench_command(
    ctx: typer.Context,
    loss: Annotated[str | None, component("--loss", "Loss. \\[default: hinge]")] = None,
    disc: Annotated[str | None, component("--disc", "Discriminator. \\[default: patchgan-sn]")] = None,
    gen: Annotated[str | None, component("--gen", "Generator. \\[default: dcgan]")] = None,
    reg: Annotated[
        list[str] | None,
        component("--reg", "Regularizer to use instead of the suggested ones, or none. Can be repeated."),
    ] = None,
    augment: Annotated[
        list[str] | None,
        component(
            "--augment", "Augment real and fake images before the discriminator, e.g. ada, or none. Can be repeated."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="NAME|PATH",
            help="Dataset, or folder or file of pictures. \\[default: synthetic]",
            rich_help_panel=COMPONENTS,
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            *("--size", "--image-size"),
            metavar="N",
            help=f"Image side in pixels. \\[default: {SIZE}, or what --data has]",
            rich_help_panel=COMPONENTS,
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            *("--batch", "--batch-size"),
            metavar="N",
            help=f"Images per batch. \\[default: {BATCH}, or that of ganzoo run with --data or --config, or of a "
            "library's example]",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    device: Annotated[
        str | None, named("--device", "Device: auto, cpu, cuda, cuda:N or mps. \\[default: auto]")
    ] = None,
    precision: Annotated[str | None, named("--precision", "Precision: fp32 or bf16. \\[default: fp32]")] = None,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Configuration file, or the name of a recipe.")
    ] = None,
    assignments: Set = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="NAME",
            help="Loop by hand to compare with: plain, hand or reused; or the library torchgan, torch-mimicry or "
            "lightning. Can be repeated. \\[default: plain]",
            rich_help_panel=COMPARED,
        ),
    ] = None,
    example: Annotated[
        Path | None,
        typer.Option(
            "--example",
            metavar="FILE",
            help="File of Lightning's example, which --against lightning needs and runs.",
            rich_help_panel=COMPARED,
        ),
    ] = None,
    against_precision: Annotated[
        Literal["fp32", "bf16"] | None,
        typer.Option(
            "--against-precision",
            metavar="<fp32|bf16>",
            help="Precision of loops by hand. \\[default: that of --precision]",
            rich_help_panel=COMPARED,
        ),
    ] = None,
    rounds: Annotated[
        int,
        typer.Option("--rounds", metavar="N", min=2, help="Rounds in which all take turns.", rich_help_panel=COMPARED),
    ] = 20,
    clock: Annotated[
        Literal["wall", "cpu"],
        typer.Option(
            "--clock",
            metavar="<wall|cpu>",
            help="Count the time that passes, or the processor time of this process, where others use the machine too.",
            rich_help_panel=COMPARED,
        ),
    ] = "wall",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all figures as JSON, with units in their names.")
    ] = False,
) -> None:
    """Measure how fast ganzoo trains beside a loop by hand or another library, and where the time of a step goes.

    plain is the loop most people write first, hand has ganzoo's optimizations written out, and reused is the plain loop
    whose generator learns from the fakes of the discriminator's update, which is another algorithm.

    A library trains its own networks with its own loop, at the settings of its example and on a CPU. ganzoo trains the
    same networks.

    Nothing is kept: no run is written. Without --data, pictures are made up.
    """
    get_ready()
    rivals = tuple(against or ("plain",))
    peer = peer_asked_for(ctx, rivals, batch, example)
    flags = given_flags(
        ("--loss", "loss.name", loss),
        ("--disc", "discriminator.name", disc),
        ("--gen", "generator.name", gen),
        ("--data", "data.name", data),
        ("--size", "data.image_size", size),
        ("--batch", "train.batch_size", batch),
        ("--device", "runtime.device", device),
        ("--precision", "runtime.precision", precision),
    )
    flags += [*repeated("--reg", "regularizers", reg), *repeated("--augment", "augment", augment)]
    known = registry()
    assigned = parse_assignments(assignments or ())
    layers = [usual(data=data or assigned.get("data.name"), config=config)]
    layers += [file_layer(config, known)] if config is not None else []
    layers += [ConfigLayer("--set", assigned), *flags]
    chosen = peer or choose(known, layers)  # a wrong name or key is answered at once: what follows imports torch
    log = log_console(quiet=False)
    load_torch()
    from ganzoo.benchmarking.benchmark import BenchOptions, bench
    from ganzoo.benchmarking.names import Asked
    from ganzoo.benchmarking.peers.match import match
    from ganzoo.planning.plan import make_plan

    wanted = BenchOptions(
        rivals=rivals,
        rivals_precision=against_precision,
        rounds=rounds,
        clock=clock,
        plugins=context.settings().plugins,
    )
    with printing_to_stderr():
        plan = match(known, chosen) if isinstance(chosen, Asked) else make_plan(chosen)
        with log.status("measuring") as status:
            result = bench(plan, wanted, tell=_teller(log, status.update))
    if as_json:
        say(json.dumps(result, indent=2))
        return
    from ganzoo.cli.bench_page import show

    show(console(), result)


def usual(*, data: object, config: str | None) -> ConfigLayer:
    """What is measured unless something else is asked for: made-up pictures of one size, in batches of one size."""
    values = {"data.name": "synthetic"}
    sizes = {"data.image_size": SIZE, "train.batch_size": BATCH}
    return ConfigLayer("bench", values if config or data else values | sizes, suggestion=True)


def _teller(log: Screen, update: Callable[[str], None]) -> Callable[[str], None]:
    """Says what is being measured: on a line of a terminal that changes, and elsewhere in a new line now and then."""
    if log.is_terminal:
        return update
    due = 0.0

    def print_rarely(words: str) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + PAUSE
            log.print(words)

    return print_rarely
