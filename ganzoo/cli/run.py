"""``ganzoo run``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganzoo.cli.context import registry
from ganzoo.cli.log_console import log_console
from ganzoo.config.layers import ConfigLayer, flatten, parse_assignments
from ganzoo.errors import ConfigError
from ganzoo.planning.choice import choose, file_layer
from ganzoo.planning.early_log import early_log
from ganzoo.runs import tracking

if TYPE_CHECKING:
    from ganzoo.runs.run import Run

COMPONENTS = "What is trained"
TRAINING = "How it is trained"
EXAMPLES = """\
Examples:
  ganzoo run --loss hinge --disc patchgan-sn
  ganzoo run --data ~/pictures --image-size 64 --steps 20000
  ganzoo run --loss wgan-gp --disc dcgan --set disc.norm=instance --dry-run
"""


def component(flag: str, text: str) -> Any:
    """A flag that names a component."""
    return typer.Option(flag, metavar="NAME", help=text, rich_help_panel=COMPONENTS)


def number(flag: str, text: str, *, panel: str = TRAINING) -> Any:
    """A flag that holds a number; its range is checked together with the rest of the configuration."""
    return typer.Option(flag, metavar="N", help=text, rich_help_panel=panel)


Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Set any key of the configuration, e.g. train.d_lr=1e-3. Can be repeated."
    ),
]
Tracker = Annotated[
    list[str] | None,
    typer.Option(
        "--tracker",
        metavar="NAME",
        help="Also send metrics and sample grids to this tracker, e.g. tensorboard. Can be repeated.",
    ),
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder that holds the runs.")]
Device = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="NAME",
        help="Device: auto, cpu, cuda, cuda:N or mps \\[default: auto]",
        rich_help_panel=TRAINING,
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        "--precision", metavar="NAME", help="Precision: fp32 or bf16 \\[default: fp32]", rich_help_panel=TRAINING
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print only warnings and errors on stderr.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]


def run_command(
    loss: Annotated[str | None, component("--loss", "Loss \\[default: hinge]")] = None,
    disc: Annotated[str | None, component("--disc", "Discriminator \\[default: patchgan-sn]")] = None,
    gen: Annotated[str | None, component("--gen", "Generator \\[default: dcgan]")] = None,
    reg: Annotated[
        list[str] | None,
        component("--reg", "Regularizer to use instead of the suggested ones, or none. Can be repeated."),
    ] = None,
    augment: Annotated[
        list[str] | None,
        component("--augment", "Augment real and fake images before the discriminator, e.g. ada. Can be repeated."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        component("--metric", "Metric to compute whenever samples are written. Can be repeated."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="NAME|PATH",
            help="Dataset, or folder of pictures \\[default: digits]",
            rich_help_panel=COMPONENTS,
        ),
    ] = None,
    image_size: Annotated[
        int | None,
        number("--image-size", "Image side in pixels; the data decide if it is not given.", panel=COMPONENTS),
    ] = None,
    batch_size: Annotated[
        int | None, number("--batch-size", "Images per batch \\[default: 64, or what components suggest]")
    ] = None,
    steps: Annotated[
        int | None, number("--steps", "Generator steps \\[default: 1500, or what components suggest]")
    ] = None,
    seed: Annotated[int | None, number("--seed", "Random seed \\[default: 0]")] = None,
    device: Device = None,
    precision: Precision = None,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Configuration file, or the name of a recipe.")
    ] = None,
    assignments: Set = None,
    tracker: Tracker = None,
    out: Out = Path("runs"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be trained, and stop.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a GAN: any loss, any discriminator, on digits or your own pictures.

    Options of a component: --loss.margin-real 0.5, or --set loss.margin_real=0.5. ganzoo info NAME lists them.

    A flag overrides --set, which overrides --config, which overrides what components suggest, which overrides defaults.
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
    for flag, section, names in (
        ("--reg", "regularizers", reg),
        ("--augment", "augment", augment),
        ("--metric", "metrics", metric),
    ):
        flags |= repeated(flag, section, names)
    console = log_console(quiet=quiet)
    with early_log() as early:
        known = registry()
        layers = [file_layer(config, known)] if config is not None else []
        wanted, other_assignments = tracking.asked_for(known, tracker or (), parse_assignments(assignments or ()))
        layers += [ConfigLayer("--set", other_assignments), ConfigLayer("flag", flags)]
        choice = choose(known, layers)  # a wrong name or key is answered at once: what follows imports torch
        from ganzoo.planning.plan import make_plan
        from ganzoo.runs import session as runs

        trackers = tracking.chosen(wanted)
        plan = make_plan(choice)
        if dry_run:
            from ganzoo.cli.dry_run import show

            show(plan, trackers, said=early.warnings, as_json=as_json)
            return
        run = runs.start(plan, out=out, console=console, trackers=trackers, early=early)
    print_outcome(run, as_json=as_json)


def given_flags(values: dict[str, Any]) -> dict[str, Any]:
    """Path → value of the flags that were given."""
    return {path: value for path, value in values.items() if value is not None}


def repeated(flag: str, section: str, names: list[str] | None) -> dict[str, Any]:
    """Path → value of a flag that can be repeated.

    Raises:
        ConfigError: several names in one, or ``none`` beside others.
    """
    if not names:
        return {}
    words = [word.strip() for name in names for word in name.split(",") if word.strip()]
    others = " ".join(f"{flag} {word}" for word in words if word != "none")
    given = " ".join(f"{flag} {name}" for name in names)
    if any("," in name for name in names):
        raise ConfigError(
            f"{flag} takes one name, and can be repeated",
            given=given,
            allowed=f"{flag} NAME {flag} NAME, or {flag} none",
            hint=others or f"{flag} none",
        )
    if "none" in names and others:
        raise ConfigError(
            f"{flag} none stands alone",
            given=given,
            allowed=f"{flag} none, or names",
            hint=f"{flag} none, or {others}",
        )
    return flatten({section: names if others else None})


def print_outcome(run: Run, *, as_json: bool) -> None:
    """Where the run is, on stdout, so that a script can go on from there."""
    if not as_json:
        typer.echo(run.path)
        return
    manifest = run.directory.read_manifest()
    typer.echo(json.dumps({"path": str(run.path), "status": manifest["status"], "step": manifest["step"]}))
