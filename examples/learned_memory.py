"""Does ganzoo notice a generator that learned its training pictures by heart?

    python examples/learned_memory.py               # half a minute of CPU time

Sixteen pictures of random blocks, each a class of its own: a conditional generator that has learned anything has
learned them. Nothing is copied by hand. Writes docs/figures/memory.md with every look at the samples and the verdicts
on the run; exits 1 if memorizing is not among them. A finished run in --out is judged again, with the thresholds of
today.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

# Beside other work: a second thread costs more than it gives.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from PIL import Image

import ganzoo
from ganzoo.runs.listing import run_number

FIGURES = Path(__file__).parents[1] / "docs" / "figures" / "memory.md"
PICTURES, BLOCKS, SIDE = 16, 4, 8
STEPS = 1300
LOOKS = 100


def main() -> None:
    options = asked()
    run = trained(options)
    looks = [row for row in run.metrics() if "samples/copies" in row]
    found = [str(verdict) for verdict in run.health()]
    options.figures.parent.mkdir(parents=True, exist_ok=True)
    options.figures.write_text(page(looks, found, options.steps), encoding="utf-8")
    print(f"written to {options.figures}")
    sys.exit(0 if any(text.startswith("memorizing") for text in found) else 1)


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS, help="generator steps")
    parser.add_argument("--out", type=Path, default=Path("runs-memory"), help="folder of the pictures and the run")
    parser.add_argument("--figures", type=Path, default=FIGURES)
    return parser.parse_args()


def write_pictures(folder: Path) -> None:
    """Gray pictures of random blocks, in a folder each."""
    random = torch.Generator().manual_seed(0)
    drawn = torch.randint(0, 256, (PICTURES, BLOCKS, BLOCKS), generator=random, dtype=torch.uint8)
    for number, blocks in enumerate(drawn):
        path = folder / f"{number:02}" / "0.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(blocks.numpy()).resize((SIDE, SIDE), Image.Resampling.NEAREST).save(path)


def trained(options: argparse.Namespace) -> ganzoo.Run:
    """The run, or what is there of it from before."""
    place = options.out / f"steps-{options.steps}"
    done = [path for path in place.glob("*") if run_number(path) and list(path.glob("checkpoints/*"))]
    if done:
        return ganzoo.load_run(done[0])
    write_pictures(options.out / "pictures")
    config = {
        "loss": "bce",
        "discriminator": {"name": "cgan", "ndf": 16, "norm": "instance"},
        "generator": {"name": "dcgan", "ngf": 16, "latent": 4},
        "regularizers": {"r1": {"weight": 0.1}},
        "data": {"name": "pictures", "path": str(options.out / "pictures"), "image_size": SIDE},
        "train": {
            "steps": options.steps,
            "batch_size": PICTURES,
            "n_critic": 1,
            "g_lr": 2e-3,
            "d_lr": 2e-3,
            "ema": None,
            "log_every": 10,
            "sample_every": LOOKS,
            "checkpoint_every": 1_000_000,
        },
    }
    return ganzoo.run(config, out=place)


def page(looks: list[dict[str, float]], found: list[str], steps: int) -> str:
    given = "" if steps == STEPS else f" --steps {steps}"
    lines = [
        "# Health of a run that learned its pictures by heart",
        "",
        f"Made by `python examples/learned_memory.py`{given}; do not edit.",
        "",
        f"- {PICTURES} pictures of {SIDE}×{SIDE} random blocks, each a class of its own; `bce` with `r1`, `cgan`, "
        f"{steps:,} steps of `dcgan`",
        "- a quarter of the pictures is kept apart to compare with, so that no more than three quarters of the samples",
        "  can be copies of the others",
        "",
        "| step | copies | copies among real |",
        "|---|---|---|",
        *(f"| {row['step']:,} | {row['samples/copies']:.2f} | {row['samples/copies_real']:.2f} |" for row in looks),
        "",
        "Verdicts:",
        "",
        *([f"- {text.partition(': ganzoo ')[0]}" for text in found] or ["- none"]),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
