"""``ganzoo run``."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ganzoo.cli.context import registry
from ganzoo.cli.log_console import log_console
from ganzoo.cli.ready import get_ready
from ganzoo.config.layers import ConfigLayer, flatten, parse_assignments
from ganzoo.errors import ConfigError, GanzooError
from ganzoo.files import expanded
from ganzoo.planning.choice import choose, file_layer
from ganzoo.planning.early_log import early_log
from ganzoo.runs import tracking
from ganzoo.screen import say, say_path
from ganzoo.torch_import import load_torch

if TYPE_CHECKING:
    from ganzoo.runs.run import Run

COMPONENTS = "What is trained"
TRAINING = "How it is trained"
EXAMPLES = """\
Examples:
  ganzoo run --loss hinge --disc patchgan-sn
  ganzoo run --data ~/pictures --image-size 64 --steps 20000
  ganzoo run --loss wgan-gp --disc dcgan --set disc.norm=instance --dry-run
  ganzoo run --config runs/0007-hinge-patchgan-sn-faces/config.yaml --init 7 --data ~/pictures
"""


def named(flag: str, text: str) -> Any:
    """A flag that names how it is computed."""
    return typer.Option(flag, metavar="NAME", help=text, rich_help_panel=TRAINING)


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
Runs = Annotated[
    Path | None, typer.Option("--runs", metavar="DIR", help="Folder that holds the runs. \\[default: runs]")
]
OldRuns = Annotated[Path | None, typer.Option("--out", metavar="DIR", hidden=True)]
"""What ``--runs`` was called, where ``--out`` does not mean the output of the command itself."""
Quiet = Annotated[bool, typer.Option("--quiet", help="Print only warnings and errors on stderr.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]


def run_command(
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
    metric: Annotated[
        list[str] | None,
        component("--metric", "Metric to compute whenever samples are written, or none. Can be repeated."),
    ] = None,
    extractor: Annotated[
        list[str] | None,
        component(
            "--extractor", "Extractor through which metrics look at pictures, e.g. efficientnet-lite0. Can be repeated."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="NAME|PATH",
            help="Dataset, or folder or file of pictures. \\[default: digits]",
            rich_help_panel=COMPONENTS,
        ),
    ] = None,
    image_size: Annotated[
        int | None,
        number("--image-size", "Image side in pixels; the data decide if it is not given.", panel=COMPONENTS),
    ] = None,
    batch_size: Annotated[
        int | None, number("--batch-size", "Images per batch. \\[default: 64, or what components suggest]")
    ] = None,
    steps: Annotated[
        int | None, number("--steps", "Generator steps. \\[default: 1500, or what components suggest]")
    ] = None,
    seed: Annotated[int | None, number("--seed", "Random seed. \\[default: 0]")] = None,
    device: Annotated[
        str | None, named("--device", "Device: auto, cpu, cuda, cuda:N or mps. \\[default: auto]")
    ] = None,
    precision: Annotated[str | None, named("--precision", "Precision: fp32 or bf16. \\[default: fp32]")] = None,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Configuration file, or the name of a recipe.")
    ] = None,
    assignments: Set = None,
    init: Annotated[
        str | None,
        typer.Option(
            "--init",
            metavar="RUN[:STEP]",
            help="Start from the trained weights of this run: path, folder name or number.",
        ),
    ] = None,
    init_what: Annotated[
        Literal["all", "generator", "discriminator"] | None,
        typer.Option(
            "--init-what",
            metavar="<all|generator|discriminator>",
            help="Which networks start from them. \\[default: all]",
        ),
    ] = None,
    tracker: Tracker = None,
    runs: Runs = None,
    out: OldRuns = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show whether it fits, what would be trained and how long, and stop.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="With --dry-run: every value of the configuration.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a GAN: any loss, any discriminator, on digits or your own pictures.

    Options of a component: --loss.margin-real 0.5, or --set loss.margin_real=0.5. ganzoo info NAME lists them.

    A flag overrides --set, which overrides --config, which overrides what components suggest, which overrides defaults.
    """
    get_ready()
    flags = given_flags(
        ("--loss", "loss.name", loss),
        ("--disc", "discriminator.name", disc),
        ("--gen", "generator.name", gen),
        ("--data", "data.name", data),
        ("--image-size", "data.image_size", image_size),
        ("--batch-size", "train.batch_size", batch_size),
        ("--steps", "train.steps", steps),
        ("--seed", "seed", seed),
        ("--device", "runtime.device", device),
        ("--precision", "runtime.precision", precision),
    )
    flags += [
        *repeated("--reg", "regularizers", reg),
        *repeated("--augment", "augment", augment),
        *repeated("--metric", "metrics", metric),
        *repeated("--extractor", "extractors", extractor),
    ]
    folder = runs_folder(runs, out)
    if init_what is not None and init is None:
        raise ConfigError(
            "--init-what says what of another run is taken, and --init, which names the run, is missing",
            given=f"--init-what {init_what}",
            hint=f"--init RUN --init-what {init_what}",
        )
    console = log_console(quiet=quiet)
    with early_log() as early, refusal_first(asked=dry_run and not as_json):
        known = registry()
        layers = [file_layer(config, known)] if config is not None else []
        wanted, other_assignments = tracking.asked_for(known, tracker or (), parse_assignments(assignments or ()))
        layers += [ConfigLayer("--set", other_assignments), *flags]
        choice = choose(known, layers)  # a wrong name or key is answered at once: what follows imports torch
        load_torch()
        from ganzoo.planning.plan import make_plan
        from ganzoo.runs import session
        from ganzoo.runs.ancestry import find_ancestor
        from ganzoo.training.team import join

        if not dry_run:
            join(choice.config.runtime.device)  # before what may fail in one process alone
        trackers = tracking.chosen(wanted)
        ancestor = None if init is None else find_ancestor(known, folder, init, what=init_what or "all")
        with printing_to_stderr():
            plan = make_plan(choice)
        if dry_run:
            from ganzoo.cli.dry_run import show

            show(plan, trackers, init=ancestor, said=early.warnings, as_json=as_json, full=full, progress=console)
            return
        with printing_to_stderr():
            run = session.start(plan, out=folder, console=console, init=ancestor, trackers=trackers, early=early)
    print_outcome(run, as_json=as_json)


@contextmanager
def refusal_first(*, asked: bool) -> Iterator[None]:
    """Say first that a configuration is refused, if that was asked; the error after it says why."""
    try:
        yield
    except GanzooError:
        if asked:
            say("refused: nothing would be trained")
        raise


def printing_to_stderr() -> AbstractContextManager[object]:
    """What components print goes to stderr: stdout is for the result, which a script may read."""
    return redirect_stdout(sys.stderr)


def runs_folder(runs: Path | None, out: Path | None) -> Path:
    """The folder of runs, by its flag or by what that was called.

    Raises:
        ConfigError: both, and they differ.
    """
    if runs is not None and out is not None and runs != out:
        raise ConfigError(
            "--runs and --out both name the folder that holds the runs",
            given=f"--runs {runs} --out {out}",
            allowed="one of them",
            hint=f"--runs {shlex.quote(str(runs))}",
        )
    return expanded(runs or out or Path("runs"))


def given_flags(*flags: tuple[str, str, Any]) -> list[ConfigLayer]:
    """A layer for each flag that was given, so that each value is said to come from its own: flag, path, value."""
    return [ConfigLayer(flag, {path: value}) for flag, path, value in flags if value is not None]


def repeated(flag: str, section: str, names: list[str] | None) -> list[ConfigLayer]:
    """The layer of a flag that can be repeated, if it was given.

    Raises:
        ConfigError: several names in one, or ``none`` beside others.
    """
    if not names:
        return []
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
    return [ConfigLayer(flag, flatten({section: names if others else None}))]


def print_outcome(run: Run, *, as_json: bool) -> None:
    """Where the run is, on stdout, so that a script can go on from there."""
    if not as_json:
        say_path(run.path)
        return
    manifest = run.directory.read_manifest()
    say(json.dumps({"path": str(run.path), "status": manifest["status"], "step": manifest["step"]}))
