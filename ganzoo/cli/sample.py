"""``ganzoo sample``."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from ganzoo.cli.log_console import log_console
from ganzoo.cli.output import check_output, new_name
from ganzoo.cli.ready import get_ready
from ganzoo.cli.run import Json, Runs, printing_to_stderr, runs_folder
from ganzoo.config.schema import MOST_SAMPLES
from ganzoo.errors import ConfigError
from ganzoo.runs.place import runs_flag
from ganzoo.screen import say, say_path
from ganzoo.torch_import import load_torch

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.runs.run import Run

    Samples = Callable[[], Iterator[tuple[Tensor, Tensor | None]]]

MOST_IN_A_GRID = 1024
EXAMPLES = """\
Examples:
  ganzoo sample 7 -n 1000 --out faces
  ganzoo sample runs/0007-bce-acgan-digits -n 64 --class 3 --grid threes.png
  ganzoo sample 7 --step 1000 --grid early.png
  ganzoo sample 7 --truncation 0.7 --grid typical.png
"""

RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="Path, folder name or number of a run.", show_default=False)
]
Ema = Annotated[
    bool, typer.Option("--ema/--no-ema", help="Use the averaged weights of the generator, or the last ones.")
]
ClassName = Annotated[
    str | None, typer.Option("--class", metavar="NAME", help="Generate only this class (conditional runs only).")
]
Truncation = Annotated[
    float | None,
    typer.Option(
        "--truncation",
        metavar="PSI",
        help="Make images less varied and more typical. Generators with a style (stylegan): 0 to 1, move styles toward "
        "their mean. Others: keep normal latents within ±PSI.",
    ),
]


def sample_command(
    run: RunName,
    n: Annotated[int, typer.Option("-n", metavar="N", min=1, max=MOST_SAMPLES, help="Number of images.")] = 64,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="New folder for the images: one PNG each, by class if there are classes; samples.npy for vectors.",
        ),
    ] = None,
    class_name: ClassName = None,
    truncation: Truncation = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Random seed of the images.")] = 0,
    grid: Annotated[
        Path | None,
        typer.Option(
            "--grid",
            metavar="FILE",
            help="New PNG with all images in a grid, each row of one class; a scatter plot for vectors.",
        ),
    ] = None,
    runs: Runs = None,
    ema: Ema = True,
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
    get_ready()
    folder = runs_folder(runs, None)
    if out is None and grid is None:
        raise ConfigError(
            "sample needs a place to write",
            allowed="--out DIR, --grid FILE, or both",
            hint=f"ganzoo sample {shlex.quote(run)}{runs_flag(folder)} --grid {new_name('samples.png')}",
        )
    if grid is not None:
        check_output(grid, option="--grid", what="a grid is a PNG", formats=(".png",), usual="samples")
    load_torch()
    from ganzoo.runs.directory import find_run
    from ganzoo.runs.run import Run

    log_console(quiet=False)
    chosen = Run(find_run(folder, run).path)
    labels = None if class_name is None else [chosen.class_number(class_name)] * n
    samples = partial(chosen.samples, n, labels=labels, seed=seed, ema=ema, step=step, truncation=truncation)
    _refuse_existing(out)
    if grid is not None and n > MOST_IN_A_GRID and not chosen.of_vectors:
        raise ConfigError(f"a grid holds at most {MOST_IN_A_GRID} images", given=n, hint="--out DIR for more")
    write = _write_vectors if chosen.of_vectors else _write_images
    with printing_to_stderr():
        written = [] if out is None else write(chosen, out, samples)
        if grid is not None:
            written.append(_write_grid(chosen, grid, samples))
    if as_json:
        say(json.dumps([str(path) for path in written]))
    else:
        say_path(out if out is not None else grid)


def _write_images(run: Run, out: Path, samples: Samples) -> list[Path]:
    from ganzoo.evaluation import pictures

    written: list[Path] = []
    for images, drawn in samples():
        targets = [_target(run, out, len(written) + row, drawn, row) for row in range(len(images))]
        for image, target in zip(images, targets, strict=True):
            pictures.save(pictures.to_image(image), target)
        written += targets
    return written


def _write_vectors(run: Run, out: Path, samples: Samples) -> list[Path]:
    import numpy as np

    from ganzoo.files import whole_file

    target = out / "samples.npy"
    with whole_file(target) as beside, beside.open("wb") as file:
        np.save(file, _joined(samples).numpy(), allow_pickle=False)
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


def _joined(samples: Samples) -> Tensor:
    import torch

    return torch.cat([images for images, _ in samples()])


def _write_grid(run: Run, grid: Path, samples: Samples) -> Path:
    import torch

    from ganzoo.evaluation import pictures

    drawn = list(samples())
    images = torch.cat([some for some, _ in drawn])
    labels = [int(label) for _, some in drawn if some is not None for label in some]
    if run.of_vectors:
        sheet = pictures.framed(pictures.scatter(images, images))
    elif len(set(labels)) > 1:
        sheet = pictures.grid_by_class(images, labels, run.classes)
    else:
        sheet = pictures.grid(images, max(1, round(len(images) ** 0.5)))
    pictures.save(sheet, grid, place="--grid FILE")
    return grid


def _refuse_existing(out: Path | None) -> None:
    if out is not None and out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is a file, and a folder is needed", hint=f"--out {new_name(out)}, or --grid FILE")
    if out is not None and out.exists() and any(out.iterdir()):
        raise ConfigError(f"folder {out} is not empty, and nothing is overwritten", hint=f"--out {new_name(out)}")
