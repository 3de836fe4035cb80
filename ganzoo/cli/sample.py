"""``ganzoo sample``."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple
from urllib.parse import quote

import typer

from ganzoo import cores
from ganzoo.cli.log_console import log_console
from ganzoo.cli.run import Json, printing_to_stderr
from ganzoo.did_you_mean import did_you_mean, nearest
from ganzoo.errors import ConfigError
from ganzoo.runs.place import RUNS, runs_flag

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.runs.run import Run

MOST_IN_A_GRID = 1024
EXAMPLES = """\
Examples:
  ganzoo sample 7 -n 1000 --out faces
  ganzoo sample runs/0007-bce-acgan-digits -n 64 --class 3 --grid threes.png
  ganzoo sample 7 --step 1000 --grid early.png
"""


class Asked(NamedTuple):
    """What :meth:`Run.sample` is asked for, in its order."""

    n: int
    labels: list[int] | None
    seed: int
    ema: bool
    step: int | None


def sample_command(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Path, folder name or number of a run.", show_default=False)
    ],
    n: Annotated[int, typer.Option("-n", metavar="N", min=1, help="Number of images.")] = 64,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="New folder for the images: one PNG each, by class if there are classes; samples.npy for vectors.",
        ),
    ] = None,
    class_name: Annotated[
        str | None,
        typer.Option("--class", metavar="NAME", help="Generate only this class (conditional runs only)."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Random seed of the images.")] = 0,
    grid: Annotated[
        Path | None,
        typer.Option("--grid", metavar="FILE", help="New PNG with all images in a grid; a scatter plot for vectors."),
    ] = None,
    runs_folder: Annotated[Path, typer.Option("--runs", metavar="DIR", help="Folder that holds the runs.")] = RUNS,
    ema: Annotated[
        bool, typer.Option("--ema/--no-ema", help="Use the averaged weights of the generator, or the last ones.")
    ] = True,
    step: Annotated[
        int | None,
        typer.Option(
            "--step",
            metavar="N",
            min=1,
            help="Use the checkpoint of this step. \\[default: the newest]",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Generate images with a trained generator. Existing files are never overwritten.

    Give --out, --grid or both.
    """
    cores.settle()
    if out is None and grid is None:
        raise ConfigError(
            "sample needs a place to write",
            allowed="--out DIR, --grid FILE, or both",
            hint=f"ganzoo sample {shlex.quote(run)}{runs_flag(runs_folder)} --grid samples.png",
        )
    if grid is not None and grid.suffix.lower() != ".png":
        raise ConfigError(
            f"a grid is a PNG, and {grid} is named otherwise",
            given=grid.suffix or "no ending",
            allowed=".png",
            hint=f"--grid {grid.parent / (grid.stem or 'samples')}.png",
        )
    from ganzoo.runs.directory import find_run
    from ganzoo.runs.run import Run

    log_console(quiet=False)
    chosen = Run(find_run(runs_folder, run).path)
    labels = None if class_name is None else [_class_number(chosen, class_name)] * n
    _refuse_existing(out, grid)
    if grid is not None and n > MOST_IN_A_GRID and not chosen.of_vectors:
        raise ConfigError(f"a grid holds at most {MOST_IN_A_GRID} images", given=n, hint="--out DIR for more")
    write = _write_vectors if chosen.of_vectors else _write_images
    asked = Asked(n, labels, seed, ema, step)
    with printing_to_stderr():
        written = [] if out is None else write(chosen, out, asked)
        if grid is not None:
            written.append(_write_grid(chosen, grid, asked))
    if as_json:
        typer.echo(json.dumps([str(path) for path in written]))
    else:
        typer.echo(out if out is not None else grid)


def _write_images(run: Run, out: Path, asked: Asked) -> list[Path]:
    from ganzoo.evaluation import pictures

    written: list[Path] = []
    for images, drawn in run.samples(*asked):
        targets = [_target(run, out, len(written) + row, drawn, row) for row in range(len(images))]
        for image, target in zip(images, targets, strict=True):
            pictures.save(pictures.to_image(image), target)
        written += targets
    return written


def _write_vectors(run: Run, out: Path, asked: Asked) -> list[Path]:
    import numpy as np

    from ganzoo.files import whole_file

    target = out / "samples.npy"
    with whole_file(target) as beside, beside.open("wb") as file:
        np.save(file, run.sample(*asked).numpy(), allow_pickle=False)
    return [target]


def _target(run: Run, out: Path, number: int, labels: Tensor | None, row: int) -> Path:
    """``DIR/000012.png``, in a folder for its class if there are classes: a folder that ``--data`` can read."""
    folder = out if labels is None else out / folder_name(run.classes[int(labels[row])])
    return folder / f"{number:06d}.png"


def folder_name(class_name: str) -> str:
    """A class as the name of one folder: what would lead elsewhere, or be hidden, is written as %2F and the like."""
    leads_elsewhere = {"/", "\\", "\0", ":"} & set(class_name)
    if not leads_elsewhere and not class_name.startswith(".") and class_name == class_name.rstrip(" ."):
        return class_name
    return quote(class_name, safe=" ").replace(".", "%2E")


def _write_grid(run: Run, grid: Path, asked: Asked) -> Path:
    from ganzoo.evaluation import pictures

    images = run.sample(*asked)
    if run.of_vectors:
        sheet = pictures.framed(pictures.scatter(images, images))
    else:
        sheet = pictures.grid(images, max(1, round(asked.n**0.5)))
    pictures.save(sheet, grid)
    return grid


def _class_number(run: Run, name: str) -> int:
    if not run.classes:
        raise ConfigError(
            f"the generator of {run.path.name} was trained without classes, so it cannot be asked for one",
            given=f"--class {name}",
            allowed="samples without --class",
            hint="leave out --class, or train a generator that knows classes: ganzoo run --disc acgan",
        )
    if name not in run.classes:
        raise ConfigError(
            f"there is no class {name!r}{did_you_mean(name, run.classes)}",
            given=name,
            allowed=", ".join(run.classes),
            hint=f"--class {shlex.quote(nearest(name, run.classes) or run.classes[0])}",
        )
    return run.classes.index(name)


def _refuse_existing(out: Path | None, grid: Path | None) -> None:
    if out is not None and out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is a file, and a folder is needed", hint="--out with a new folder, or --grid FILE")
    if out is not None and out.exists() and any(out.iterdir()):
        raise ConfigError(f"folder {out} is not empty, and nothing is overwritten", hint="--out with a new folder")
    if grid is not None and grid.exists():
        raise ConfigError(f"{grid} exists, and nothing is overwritten", hint="--grid with a new file")
