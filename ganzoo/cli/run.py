"""``ganzoo run``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganzoo.cli.chatter import chatter
from ganzoo.cli.context import registry
from ganzoo.config import Layer, flatten, parse_assignments

if TYPE_CHECKING:
    from ganzoo.runs import Run

COMPONENTS = "What is trained"
TRAINING = "How it is trained"

Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Set any key, e.g. train.d_lr=1e-3. Can be repeated."),
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder of runs.")]
Steps = Annotated[int | None, typer.Option("--steps", min=1, help="Generator steps.", rich_help_panel=TRAINING)]
Device = Annotated[
    str | None, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=TRAINING)
]
Precision = Annotated[str | None, typer.Option("--precision", help="fp32 or bf16.", rich_help_panel=TRAINING)]
Quiet = Annotated[bool, typer.Option("--quiet", help="Only warnings and errors on stderr.")]
Json = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON on stdout.")]


def run_command(
    loss: Annotated[str | None, typer.Option("--loss", help="[hinge]", rich_help_panel=COMPONENTS)] = None,
    disc: Annotated[str | None, typer.Option("--disc", help="Discriminator.", rich_help_panel=COMPONENTS)] = None,
    gen: Annotated[str | None, typer.Option("--gen", help="Generator.", rich_help_panel=COMPONENTS)] = None,
    reg: Annotated[
        list[str] | None,
        typer.Option("--reg", help="Regularizer; can be repeated. 'none' for none.", rich_help_panel=COMPONENTS),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", help="A dataset, or a folder of pictures.", rich_help_panel=COMPONENTS),
    ] = None,
    image_size: Annotated[
        int | None, typer.Option("--image-size", help="Side in pixels.", rich_help_panel=COMPONENTS)
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", help="Images per batch.", rich_help_panel=TRAINING)
    ] = None,
    steps: Steps = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of everything.", rich_help_panel=TRAINING)] = None,
    device: Device = None,
    precision: Precision = None,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="A configuration file, or a recipe's name.")
    ] = None,
    assignments: Set = None,
    out: Out = Path("runs"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and stop.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a GAN. Any loss, any discriminator, digits or your own pictures.

    Options of a component: --loss.margin-real 0.5, or --set loss.margin_real=0.5; ganzoo info NAME shows them.
    """
    flags = given_flags(
        {
            "loss.name": loss,
            "discriminator.name": disc,
            "generator.name": gen,
            "data.name": data,
            "data.image_size": image_size,
            "train.batch_size": batch_size,
            "train.steps": steps,
            "seed": seed,
            "runtime.device": device,
            "runtime.precision": precision,
        }
    )
    if reg:
        flags |= flatten({"regularizers": None if reg == ["none"] else reg})
    known = registry()
    from ganzoo import runs
    from ganzoo.plan import make_plan

    console = chatter(quiet=quiet)
    layers = [runs.file_layer(config, known)] if config is not None else []
    layers += [Layer("--set", parse_assignments(assignments or ())), Layer("flag", flags)]
    plan = make_plan(known, layers)
    if dry_run:
        from ganzoo.cli.dry_run import show

        show(plan, as_json=as_json)
        return
    print_outcome(runs.start(plan, out=out, console=console), as_json=as_json)


def given_flags(values: dict[str, Any]) -> dict[str, Any]:
    """Path → value of the flags that were given. A flag for steps takes the place of epochs in a file."""
    given = {path: value for path, value in values.items() if value is not None}
    return given | ({"train.epochs": None} if "train.steps" in given else {})


def print_outcome(run: Run, *, as_json: bool) -> None:
    """Where the run is, on stdout, so that a script can go on from there."""
    if not as_json:
        typer.echo(run.path)
        return
    manifest = run.directory.read_manifest()
    typer.echo(json.dumps({"path": str(run.path), "status": manifest["status"], "step": manifest["step"]}))
