"""Write ``docs/components/images/generator-NAME.png``: what each generator learns of the digits in a short run.

It trains, so ``make docs`` does not call it: about five minutes on one core. ``python docs/sample_grids.py NAME …``
makes some anew; without names it makes all.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

import ganzoo
from ganzoo.registry import Registry

FOLDER = Path(__file__).parent / "components" / "images"
STEPS = 1000
SIDE, SHOWN = 16, 2
"""Pixels a side while it is trained, and how much each is enlarged."""
ROWS, COLUMNS = 4, 10
SMALL: Mapping[str, Mapping[str, object]] = {
    "biggan": {"ngf": 4, "latent": 8},
    "dcgan": {"ngf": 16},
    "mlp": {},
    "progressive": {"width": 8, "latent": 32},
    "r3gan": {"width": 8, "blocks": 1},
    "resnet": {"ngf": 8},
    "stylegan": {"ngf": 8},
}
"""Generator → options that make it quick to train. Everything else is what ``ganzoo run`` does by default."""


def settings(name: str) -> dict[str, object]:
    """The configuration of the run behind a picture."""
    return {
        "discriminator": {"name": "patchgan-sn", "ndf": 16},
        "generator": {"name": name, **SMALL[name]},
        "data": {"name": "digits", "image_size": SIDE},
        "seed": 0,
        "train": {"steps": STEPS, "sample_every": STEPS, "checkpoint_every": STEPS},
    }


def draw(name: str, file: Path) -> None:
    """Train, and write a grid of samples."""
    with tempfile.TemporaryDirectory() as folder:
        run = ganzoo.run(settings(name), out=folder, registry=Registry.load(plugins=False))
        images = run.sample(ROWS * COLUMNS, seed=0, ema=False)[:, 0]
    height, width = images.shape[1:]
    grid = images.view(ROWS, COLUMNS, height, width).transpose(1, 2).reshape(ROWS * height, COLUMNS * width)
    picture = Image.fromarray(grid.numpy())
    picture = picture.resize((picture.width * SHOWN, picture.height * SHOWN), Image.Resampling.NEAREST)
    picture.save(file, optimize=True)


def main() -> None:
    """Draw those that are named."""
    parser = argparse.ArgumentParser(description="Train each generator shortly and write a grid of its samples.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SMALL)}; without names all")
    for name in parser.parse_args().names or SMALL:
        draw(name, FOLDER / f"generator-{name}.png")


if __name__ == "__main__":
    main()
