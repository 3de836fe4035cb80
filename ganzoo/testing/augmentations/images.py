"""Checks of what becomes of images, and of the gradients through them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from ganzoo.protocols import Augmentation, DataSpec
from ganzoo.testing.augmentations.situations import augmentation_of, batch, drawn, situations, usable
from ganzoo.testing.check import check, demand
from ganzoo.testing.random_numbers import random_numbers_untouched
from ganzoo.testing.subject import Subject


@check("protocol", Augmentation, "Images that it cannot take are a ConfigError when it is built.", every_choice=True)
def is_an_augmentation(subject: Subject) -> None:
    """Of the right class."""
    for spec in usable(subject):
        part = augmentation_of(subject, spec)
        demand(isinstance(part, Augmentation), f"build() returns {type(part).__name__}, which is not an Augmentation")


@check(
    "draws",
    Augmentation.draw,
    "All random numbers for ``n`` images: float32 (n, P) on the CPU, one row an image, from ``random`` alone.",
    every_choice=True,
)
def draws_rows(subject: Subject) -> None:
    """A matrix of the same width for every batch."""
    for where, part, _ in situations(subject):
        with random_numbers_untouched(f"{where} draw()"):
            one, many, again = drawn(part, 1), drawn(part, 64), drawn(part, 64)
        demand(torch.equal(many, again), f"{where} draw() gives other numbers from the same random")
        for n, numbers in ((1, one), (64, many)):
            shown = f"{numbers.dtype} {tuple(numbers.shape)} on {numbers.device}"
            right = numbers.dtype == torch.float32 and numbers.dim() == 2 and numbers.device.type == "cpu"
            demand(right and len(numbers) == n, f"{where} draw({n}) gives {shown}")
        demand(
            one.shape[1] == many.shape[1], f"{where} one image has {one.shape[1]} numbers, each of 64 {many.shape[1]}"
        )
        alike = many.shape[1] and (many == many[:1]).all()
        demand(not alike, f"{where} draw(64) gives 64 equal rows: every image is to have its own")


@check(
    "shape",
    Augmentation,
    "Shape, precision and device stay, for gray and colored images of any sides.",
    every_choice=True,
)
def keeps_the_shape(subject: Subject) -> None:
    """In both precisions, of one image and of several."""
    for where, part, spec in situations(subject):
        demand_same_shape(where, part, spec)


def demand_same_shape(where: str, part: Augmentation, spec: DataSpec) -> None:
    """Demand images of the shape and precision that went in, for one and for several."""
    for n, dtype in ((1, torch.float32), (6, torch.float32), (6, torch.float64)):
        images = batch(spec, n, dtype=dtype)
        made = part(images, drawn(part, n))
        same = made.shape == images.shape and made.dtype == images.dtype and made.device == images.device
        given = f"{images.dtype} {tuple(images.shape)}"
        demand(same, f"{where} {given} becomes {made.dtype} {tuple(made.shape)} on {made.device}")


@check(
    "finite",
    Augmentation,
    "For images within [-1, 1] values and gradients are finite; they may leave that range.",
    every_choice=True,
)
def stays_finite(subject: Subject) -> None:
    """Black, white, gray, and a chessboard of both ends; any draws."""
    for where, part, spec in situations(subject):
        chess = torch.arange(torch.Size(spec.shape).numel()).view(spec.shape) % 2 * 2.0 - 1
        for images in (torch.full(spec.shape, -1.0), torch.ones(spec.shape), torch.zeros(spec.shape), chess):
            images = images.expand(64, *spec.shape).clone().requires_grad_()
            made = part(images, drawn(part, 64))
            bad = made[~made.isfinite()].tolist()
            demand(not bad, f"{where} images of -1, 0 or 1 become {bad[:1]}")
            (gradient,) = torch.autograd.grad(made.sum(), images)
            demand(gradient.isfinite().all(), f"{where} the gradient at images of -1, 0 or 1 is not finite")


@check(
    "micro-batch", Augmentation, "What becomes of an image depends on it and its row of draws alone.", every_choice=True
)
def treats_rows_alone(subject: Subject) -> None:
    """A micro-batch, a single image, another order."""
    for where, part, spec in situations(subject):
        images, draws = batch(spec), drawn(part, 6)
        whole = part(images, draws)
        for rows in ([2, 3, 4], [5], [4, 1, 0, 2, 5, 3]):
            same = torch.allclose(part(images[rows], draws[rows]), whole[rows], rtol=1e-5, atol=1e-5)
            demand(same, f"{where} images {rows} of 6, with their draws, do not become what they become in the batch")


@check(
    "deterministic",
    Augmentation,
    "The same images and draws give the same, and nothing else is drawn.",
    every_choice=True,
)
def depends_on_draws_alone(subject: Subject) -> None:
    """The same twice, and nothing drawn."""
    for where, part, spec in situations(subject):
        images, draws = batch(spec), drawn(part, 6)
        with random_numbers_untouched(f"{where} it"):
            one, two = part(images, draws), part(images, draws)
        demand(torch.equal(one, two), f"{where} the same images and draws give other images the second time")


@check("inputs-unmodified", Augmentation, "Images and draws are never changed in place.", every_choice=True)
def leaves_its_inputs(subject: Subject) -> None:
    """Regularizers see the images un-augmented, and penalties go through the same draws."""
    for where, part, spec in situations(subject):
        images, draws = batch(spec), drawn(part, 6)
        kept = images.clone(), draws.clone()
        part(images, draws)
        demand(torch.equal(images, kept[0]), f"{where} it changes the images that it is given")
        demand(torch.equal(draws, kept[1]), f"{where} it changes the draws that it is given")
        demand(not images.requires_grad, f"{where} it makes the images that it is given ask for gradients")


@check("gradcheck", Augmentation, "The gradient at the images is right, and not 0 everywhere.", every_choice=True)
def gradient_is_right(subject: Subject) -> None:
    """Compared with finite differences, along random directions."""
    for where, part, spec in situations(subject):
        images, draws = batch(spec, 4).requires_grad_(), drawn(part, 4)
        made = part(images, draws)
        demand(made.requires_grad, f"{where} what it makes has no gradient: G learns nothing through it")
        (gradient,) = torch.autograd.grad(made.square().sum(), images, allow_unused=True)
        demand(gradient is not None and gradient.any(), f"{where} the gradient is 0: G learns nothing through it")
        gradcheck(_applied(part, draws), [images], fast_mode=True)


@check("double-backward", Augmentation, "It can be differentiated once more, for penalties.", every_choice=True)
def second_gradient_is_right(subject: Subject) -> None:
    """For penalties, which are taken through the augmentation."""
    for _, part, spec in situations(subject):
        images, draws = batch(spec, 4).requires_grad_(), drawn(part, 4)
        gradgradcheck(_applied(part, draws), [images], fast_mode=True)


def _applied(part: Augmentation, draws: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda images: part(images, draws)
