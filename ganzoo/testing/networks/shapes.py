"""Checks of the shapes that networks take and give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec, Network
from ganzoo.testing.check import Failed, check, demand
from ganzoo.testing.networks.trial import Trial, first_taken, in_short, size_of, taken
from ganzoo.testing.subject import VECTORS, Subject, images_like

SHAPES = (
    images_like(1, 8),
    images_like(2, 28),
    images_like(3, 32),
    images_like(1, 64),
    images_like(3, 32, 64),
    images_like(1, 28, 20),
    VECTORS,
)
OF_OTHER_RANKS = (replace(VECTORS, shape=(2, 40)), replace(VECTORS, shape=(1, 12, 20, 16)))
"""A signal and a volume."""
SMALL = (*(images_like(3, side) for side in (1, 2, 3, 5, 7)), images_like(1, 32, 3), images_like(1, 2, 32))
MAPS = {1: "t", 2: "h, w", 3: "d, h, w"}
"""Rank of the data → the axes of a map of logits."""
DOZEN = 12
"""A batch that is not taken for a width, mostly a power of two, nor for the classes; and falls into groups of four."""


@check(
    "shapes",
    Network,
    "It takes at least one usual size, and gives outputs of the shapes stated here for all data that it takes.",
    every_choice=True,
)
def answers_for_every_shape(subject: Subject) -> None:
    """Usual data are taken, and answered rightly."""
    first = first_taken(subject)
    others = (*SHAPES, *(OF_OTHER_RANKS if subject.kind == "discriminator" else ()))
    for spec in (first, *(spec for spec in others if spec != first)):
        answers_if_taken(subject, spec)


@check(
    "too-small",
    Network,
    "Data that it cannot take, such as images that are too small, are refused by ``resolve`` or ``build`` with a "
    "ConfigError that says what was given, what is allowed and what to do next.",
    every_choice=True,
)
def refuses_what_is_too_small(subject: Subject) -> None:
    """Images too small for it are either refused in ganzoo's words or answered rightly."""
    for spec in SMALL:
        if not answers_if_taken(subject, spec):
            refuses_clearly(subject, spec)


def answers_if_taken(subject: Subject, spec: DataSpec) -> bool:
    """Whether such data are taken; then demand the right shapes in training and in evaluation."""
    one = taken(subject, spec, n=DOZEN)
    if one is None:
        return False
    for training in (True, False):
        one.set_mode(training=training)
        try:
            with torch.no_grad():
                RIGHT_SHAPES[one.kind](one)
        except Failed as failed:
            raise Failed(f"for {size_of(spec)}: {failed}") from failed
        except Exception as error:
            raise Failed(f"build() takes {size_of(spec)}, and forward() raises {in_short(error)}") from error
    return True


def refuses_clearly(subject: Subject, spec: DataSpec) -> None:
    """Demand that the refusal helps."""
    try:
        subject.build(spec)
    except ConfigError as error:
        missing = [name for name in ("given", "allowed", "hint") if getattr(error, name) is None]
        demand(not missing, f"for {size_of(spec)} its ConfigError has no {', '.join(missing)}: {error.message}")


def of_judgement(one: Trial) -> None:
    """What is said of a batch, as :class:`DiscriminatorOutput` has it."""
    n = len(one.given)
    answers = one.answers()
    for name, value in answers.items():
        shape = tuple(value.shape)
        demand(value.is_floating_point(), f"{name} is {value.dtype}")
        demand(shape[:1] == (n,), f"{name} of {n} samples has the shape {shape}: its first axis is not the batch's")
        if "logits" not in name or name == "class_logits":
            continue
        axes = MAPS.get(one.spec.rank, "…")
        as_map = len(shape) == 2 + one.spec.rank and one.spec.rank > 0 and shape[1] == 1 and value.numel() > 0
        demand(shape == (n,) or as_map, f"{name} has the shape {shape}, neither ({n},) nor ({n}, 1, {axes})")
    if "embedding" in answers:
        places = [tuple(answers[name].shape) for name in ("embedding", "proxies") if name in answers]
        alike = len(places) == 2 and places[0] == places[1] and len(places[0]) == 2
        demand(alike, f"embedding and proxies have the shapes {places}, and not twice (N, E)")
    if "class_logits" in answers:
        wanted, found = (n, len(one.spec.classes)), tuple(answers["class_logits"].shape)
        demand(found == wanted, f"class_logits has the shape {found}, and not {wanted}")


def of_images(one: Trial) -> None:
    """One image, or vector, a latent."""
    images = one.answers()["images"]
    wanted, found = (len(one.given), *one.spec.shape), tuple(images.shape)
    demand(found == wanted, f"forward() gives the shape {found} and not {wanted}")
    demand(images.is_floating_point(), f"forward() gives {images.dtype}")


RIGHT_SHAPES: Mapping[str, Callable[[Trial], None]] = {"discriminator": of_judgement, "generator": of_images}
"""Kind → the demand that what a network says of its batch has the shapes it should have."""
