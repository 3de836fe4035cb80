"""``ganzoo walk``."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzoo.cli.log_console import log_console
from ganzoo.cli.output import check_output, new_name
from ganzoo.cli.ready import get_ready
from ganzoo.cli.run import Runs, printing_to_stderr, runs_folder
from ganzoo.cli.sample import ClassName, Ema, RunName, Truncation
from ganzoo.errors import ConfigError
from ganzoo.screen import say_path
from ganzoo.torch_import import load_torch

if TYPE_CHECKING:
    from PIL import Image

    from ganzoo.runs.run import Run

FORMATS = (".gif", ".webp")
EXAMPLES = """\
Examples:
  ganzoo walk 7 --out walk.gif
  ganzoo walk 7 --out walk.webp --frames 240 --fps 30 -n 4
  ganzoo walk runs/0007-bce-acgan-digits --class 3 --out threes.gif
"""


def walk_command(
    run: RunName,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="New file to write: .gif or .webp.", show_default=False)
    ],
    n: Annotated[int, typer.Option("-n", metavar="N", min=1, max=64, help="Images side by side, at most 64.")] = 9,
    frames: Annotated[
        int,
        typer.Option(
            "--frames", metavar="N", min=2, max=5000, help="Number of frames, at least 4, or with classes one for each."
        ),
    ] = 120,
    fps: Annotated[int, typer.Option("--fps", metavar="N", min=1, max=50, help="Frames per second, at most 50.")] = 20,
    class_name: ClassName = None,
    truncation: Truncation = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Random seed of the latents.")] = 0,
    runs: Runs = None,
    ema: Ema = True,
) -> None:
    """Show how images change along a path through the latents, as an endless animation.

    Normal latents follow great circles, other latents straight lines. Generators with a style follow straight lines
    between styles. A conditional run goes through its classes, up to 16, unless --class names one.
    """
    get_ready()
    check_output(out, option="--out", what="a walk is a GIF or WebP animation", formats=FORMATS, usual="walk")
    load_torch()
    from ganzoo.evaluation import pictures
    from ganzoo.runs.directory import find_run
    from ganzoo.runs.run import Run

    log_console(quiet=False)
    chosen = Run(find_run(runs_folder(runs, None), run).path)
    if chosen.of_vectors:
        raise ConfigError(
            f"a walk shows images, and {chosen.path.name} generates vectors",
            hint=f"ganzoo sample {shlex.quote(str(chosen.path))} --grid {new_name('samples.png')}",
        )
    label = None if class_name is None else chosen.class_number(class_name)
    with printing_to_stderr():
        shown = _pictures(chosen, n, frames, label=label, seed=seed, ema=ema, truncation=truncation)
        pictures.save_animation(shown, out, fps=fps)
    say_path(out)


def _pictures(
    run: Run, n: int, frames: int, *, label: int | None, seed: int, ema: bool, truncation: float | None
) -> Iterator[Image.Image]:
    """The frames, with the name of the class above them if there are classes."""
    from ganzoo.evaluation import pictures
    from ganzoo.evaluation.lettering import with_caption
    from ganzoo.evaluation.walk import stops, walk

    network, spec = run.network(seed=seed, ema=ema, truncation=truncation)
    for frame in walk(network, spec, images=n, frames=frames, classes=stops(spec, label), seed=seed):
        picture = pictures.grid(frame.images, max(1, round(n**0.5)))
        yield picture if frame.label is None else with_caption(picture, run.classes[frame.label])
