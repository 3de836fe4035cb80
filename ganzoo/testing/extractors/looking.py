"""Checks of what an extractor sees in pictures."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo.protocols import Extracted, Extractor
from ganzoo.testing.check import check, demand
from ganzoo.testing.extractors.opened import close, extractor_of, no_weights, pictures
from ganzoo.testing.subject import Subject

SIZES = ((1, 8, 8), (3, 8, 8), (3, 32, 32), (1, 40, 24))


@check(
    "features",
    Extractor,
    "There is a row of features for each picture, finite and float32.",
    skip=no_weights,
    every_choice=True,
)
def has_a_row_for_each(subject: Subject) -> None:
    """Of gray and colored pictures of several sizes, and of one alone."""
    with extractor_of(subject) as extractor:
        for shape in SIZES:
            for count in (1, 3):
                images = pictures(*shape, count=count)
                words = f"of {count} pictures {shape}"
                seen = extractor(images)
                demand(isinstance(seen, Extracted), f"{words} it returns no Extracted but {type(seen).__name__}")
                _demand_floats(seen.features, (count, extractor.size), f"{words} features")


@check(
    "class-probs",
    Extracted,
    "class_probs: float32 (N, K), each row a distribution over :attr:`Extractor.classes`; ``None`` without classes.",
    skip=no_weights,
)
def tells_its_classes_apart(subject: Subject) -> None:
    """Rows that add up to 1, if there are classes."""
    images = pictures(3, 32, 32)
    with extractor_of(subject) as extractor:
        found: Any = extractor(images).class_probs
        if not extractor.classes:
            demand(found is None, "it has no classes, and class_probs all the same")
            return
        _demand_floats(found, (len(images), len(extractor.classes)), "class_probs")
        sums = found.sum(1)
        proper = bool((found >= 0).all()) and torch.allclose(sums, torch.ones_like(sums), atol=1e-4)
        demand(proper, f"rows of class_probs are not distributions: they add up to {sums.tolist()}")


@check("gray", Extractor, "A gray picture has the row of the same picture in three equal channels.", skip=no_weights)
def sees_gray(subject: Subject) -> None:
    """Generators of gray pictures and folders of colored ones are compared with the same data."""
    gray = pictures(1, 32, 32)
    with extractor_of(subject) as extractor:
        one, three = (extractor(images).features for images in (gray.clone(), gray.repeat(1, 3, 1, 1)))
        demand(close(one, three), f"rows of gray pictures differ from those in three channels {_apart(one, three)}")


@check(
    "independent",
    Extractor,
    "A picture's row does not depend on the pictures beside it, but for rounding.",
    skip=no_weights,
)
def looks_at_each_alone(subject: Subject) -> None:
    """One by one, in another order, and all together."""
    images = pictures(3, 32, 32)
    with extractor_of(subject) as extractor:
        whole = extractor(images.clone()).features
        alone = torch.cat([extractor(image[None].clone()).features for image in images])
        demand(close(whole, alone), f"rows of pictures alone differ from those together {_apart(whole, alone)}")
        turned = extractor(images.flip(0)).features.flip(0)
        demand(close(whole, turned), f"rows in another order of pictures differ {_apart(whole, turned)}")


@check("repeats", Extractor, "The same pictures have the same rows whenever they are looked at.", skip=no_weights)
def is_the_same_again(subject: Subject) -> None:
    """Bit by bit, after other pictures and opened again."""
    images = pictures(3, 32, 32)
    with extractor_of(subject) as extractor, extractor_of(subject) as again:
        first = extractor(images.clone()).features.clone()
        extractor(pictures(3, 8, 8))
        for words, other in (("looked at again", extractor), ("opened again", again)):
            rows = other(images.clone()).features
            demand(torch.equal(first, rows), f"{words}, rows of the same pictures differ {_apart(first, rows)}")


@check("distinguishes", Extractor, "Pictures that plainly differ have rows that differ.", skip=no_weights)
def tells_pictures_apart(subject: Subject) -> None:
    """Waves of several directions and lengths, in small and in large pictures."""
    with extractor_of(subject) as extractor:
        for shape in SIZES:
            rows = extractor(pictures(*shape)).features
            demand(len(rows.unique(dim=0)) == len(rows), f"pictures {shape} that differ have the same row")


@check("inputs-unmodified", Extractor, "Its argument is not changed.", skip=no_weights)
def leaves_its_inputs(subject: Subject) -> None:
    """Other extractors and metrics get the same pictures."""
    for shape in SIZES:
        before = pictures(*shape)
        images = before.clone()
        with extractor_of(subject) as extractor:
            extractor(images)
        demand(torch.equal(before, images), f"it changed its argument, pictures {shape}")


def _demand_floats(found: Any, shape: tuple[int, ...], what: str) -> None:
    demand(isinstance(found, Tensor), f"{what} are no tensor but {type(found).__name__}")
    demand(found.device.type == "cpu", f"{what} are on {found.device} and not on the CPU")
    demand(found.dtype == torch.float32, f"{what} are {found.dtype} and not float32")
    demand(found.shape == shape, f"{what} are {tuple(found.shape)} and not {shape}")
    demand(not found.requires_grad, f"{what} hang on a graph: look within torch.no_grad()")
    demand(found.isfinite().all(), f"{what} are not finite")


def _apart(one: Tensor, other: Tensor) -> str:
    return f"by {float((one - other).detach().abs().max()):.2g}" if one.shape == other.shape else "in shape"
