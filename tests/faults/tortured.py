"""What ``make torture`` meets with faults: sixteen pairs, so chosen that each kind of state is in some."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from faulty_runs import TINY

IMAGES = {"data": {"name": "synthetic", "n": 32, "image_size": 8, "channels": 1}}
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


@dataclass(frozen=True)
class Tortured:
    """A module of :mod:`works` and settings."""

    work: str
    settings: dict[str, Any] = field(default_factory=dict)


def configuration(changes: dict[str, Any]) -> dict[str, Any]:
    """The tiny run with some sections replaced; those of ``train`` are added."""
    return TINY | changes | {"train": TINY["train"] | changes.get("train", {})}


TORTURED = {
    name: Tortured("training", {"config": configuration(changes), "steps": 2}) for name, changes in PAIRS.items()
}
TORTURED |= {name: Tortured(name) for name in ("pictures", "evaluating", "adversary", "comparing")}
