"""``make torture``: every operation on files of a new and a resumed run fails, tears or is the last, for many pairs.

Prints a table for docs/reliability.md, and what went wrong; the exit code says whether anything did. Pairs are chosen
that each kind of state is in some: ``--pairs 2`` takes the first two, ``--every 5`` every fifth operation.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from faulty_runs import TINY, outcomes, shim

MODES = ("kill", "tear", "fail", "full")
IMAGES = {"data": {"name": "synthetic", "n": 32, "image_size": 8}}
DCGAN = {"discriminator": {"name": "dcgan", "ndf": 2}, "generator": {"name": "dcgan", "ngf": 2, "latent": 3}}
PAIRS: dict[str, dict[str, Any]] = {
    "hinge, mlp": {},
    "began, autoencoder": IMAGES
    | {"loss": "began", "discriminator": {"name": "autoencoder", "ndf": 2}, "generator": DCGAN["generator"]},
    "lsgan, patchgan-sn": IMAGES | DCGAN | {"loss": "lsgan", "discriminator": {"name": "patchgan-sn", "ndf": 2}},
    "wgan-gp, mlp": {"loss": "wgan-gp"},
    "bce, acgan": IMAGES | DCGAN | {"loss": "bce", "discriminator": {"name": "acgan", "ndf": 2}},
    "hinge, projection": IMAGES | DCGAN | {"discriminator": {"name": "projection", "ndf": 2}},
    "bce, dcgan, ada": IMAGES | DCGAN | {"loss": "bce", "augment": {"ada": {}}},
    "bce, dcgan, r1": IMAGES | DCGAN | {"loss": "bce", "regularizers": {"r1": {"every": 2}}},
    "hinge, dcgan, lecam": IMAGES | DCGAN | {"regularizers": {"lecam": {}}},
    "bce, stylegan, path-length": IMAGES
    | DCGAN
    | {
        "loss": "bce",
        "generator": {"name": "stylegan", "ngf": 2, "latent": 3},
        "regularizers": {"path-length": {"every": 1}},
    },
    "hinge, resnet-sn": IMAGES | DCGAN | {"discriminator": {"name": "resnet-sn", "ndf": 2}},
    "relativistic-average, dcgan": IMAGES | DCGAN | {"loss": "relativistic-average"},
    "f-gan, mlp": {"loss": "f-gan"},
    "bce, unet, consistency": IMAGES
    | DCGAN
    | {"loss": "bce", "discriminator": {"name": "unet", "ndf": 2}, "regularizers": {"consistency": {}}},
    "hinge, mlp, centering, sgd": {"regularizers": {"centering": {}}, "train": {"optimizer": "sgd"}},
    "hinge, mlp, unrolled": {"train": {"unroll_steps": 2, "n_critic": 2}},
}
"""Kinds of state: adaptive losses and augmentations, averages of regularizers, spectral and batch norm, classes."""


def configuration(changes: dict[str, Any]) -> dict[str, Any]:
    """The tiny run with some sections replaced; those of ``train`` are added."""
    return TINY | changes | {"train": TINY["train"] | changes.get("train", {})}


def main() -> int:
    """Meet every case; 1 if any went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=len(PAIRS))
    parser.add_argument("--every", type=int, default=1)
    asked = parser.parse_args()
    troubles: list[str] = []
    print("| pair | operations | kills | torn | failed | full | different, stuck or a traceback |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        library = shim(Path(folder))
        cases = [(mode, number % asked.every, asked.every) for number, mode in enumerate(MODES)]
        for name, changes in list(PAIRS.items())[: asked.pairs]:
            place = Path(folder) / name.replace(", ", "-")
            first, *found = outcomes(place, library, configuration(changes), steps=2, cases=cases)
            met = Counter(case["mode"] for case in found)
            wrong = [case for case in found if case["trouble"]]
            troubles += [f"{name}: {case}" for case in wrong]
            counts = " | ".join(f"{met[mode]:,}" for mode in MODES)
            print(f"| {name} | {sum(first['operations'].values()):,} | {counts} | {len(wrong)} |", flush=True)
    print("\n".join(troubles), file=sys.stderr)
    return int(bool(troubles))


if __name__ == "__main__":
    sys.exit(main())
