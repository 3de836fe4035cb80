"""Checks of augmentations."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from ganzoo.errors import ConfigError
from ganzoo.protocols import Augmentation, DataSpec
from ganzoo.testing.check import Check, demand
from ganzoo.testing.options import OPTIONS_CHECKS
from ganzoo.testing.random_numbers import random_numbers_untouched
from ganzoo.testing.subject import VECTORS, Subject, images_like
from ganzoo.testing.tags import tag_checks

AUGMENTATION = "ganzoo.protocols:Augmentation"
GRAY, COLORED = images_like(1, 6, 5), images_like(3, 7, 9)
SPECS = (GRAY, COLORED)
MANY_LOGITS = 2**18
"""In one update: what adapts to the number of images it has seen is to move at once."""


def augmentation_of(subject: Subject, spec: DataSpec, *, seed: int = 0) -> Augmentation:
    """The augmentation as a run gets it."""
    part: Augmentation = subject.build(spec, seed=seed)
    return part


def usable(subject: Subject) -> list[DataSpec]:
    """Images that it can be built for: gray, colored, or both."""
    found = []
    for spec in SPECS:
        try:
            augmentation_of(subject, spec)
        except ConfigError:
            continue
        found.append(spec)
    demand(found, "it refuses gray images and colored ones")
    return found


def situations(subject: Subject) -> Iterator[tuple[str, Augmentation, DataSpec]]:
    """Fresh, and after updates in which D was right of all images, or wrong; in words, and for which data."""
    for spec in usable(subject):
        yield f"for images {spec.shape}", augmentation_of(subject, spec), spec
        if type(augmentation_of(subject, spec)).after_update is Augmentation.after_update:
            continue
        for sign in (1.0, -1.0):
            adapted = augmentation_of(subject, spec)
            teach(adapted, sign, updates=8)
            yield f"for images {spec.shape}, after updates with logits {sign:g},", adapted, spec


def teach(part: Augmentation, sign: float, *, updates: int) -> None:
    """Updates of D with many logits of one sign, maps and single ones by turns."""
    for update in range(updates):
        shape = (MANY_LOGITS // 4, 1, 2, 2) if update % 2 else (MANY_LOGITS,)
        part.after_update(real=torch.full(shape, sign))


def batch(spec: DataSpec, n: int = 6, *, dtype: torch.dtype = torch.float64) -> Tensor:
    """Noise within (-1, 1)."""
    drawn = torch.rand(n, *spec.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (1.8 * drawn - 0.9).to(dtype)


def drawn(part: Augmentation, n: int, *, seed: int = 0) -> Tensor:
    """Its random numbers."""
    return part.draw(n, random=torch.Generator().manual_seed(seed))


def is_an_augmentation(subject: Subject) -> None:
    """Of the right class."""
    for spec in usable(subject):
        part = augmentation_of(subject, spec)
        demand(isinstance(part, Augmentation), f"build() returns {type(part).__name__}, which is no Augmentation")


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


def keeps_the_shape(subject: Subject) -> None:
    """In both precisions, of one image and of several."""
    for where, part, spec in situations(subject):
        _demand_same_shape(where, part, spec)


def takes_vectors(subject: Subject) -> None:
    """Points of the plane."""
    _demand_same_shape(f"for vectors {VECTORS.shape}", augmentation_of(subject, VECTORS), VECTORS)


def takes_images_only(subject: Subject) -> str | None:
    """A tag of its own says so."""
    return "it carries the tag needs_images" if "needs_images" in subject.tags else None


def _demand_same_shape(where: str, part: Augmentation, spec: DataSpec) -> None:
    for n, dtype in ((1, torch.float32), (6, torch.float32), (6, torch.float64)):
        images = batch(spec, n, dtype=dtype)
        made = part(images, drawn(part, n))
        same = made.shape == images.shape and made.dtype == images.dtype and made.device == images.device
        given = f"{images.dtype} {tuple(images.shape)}"
        demand(same, f"{where} {given} becomes {made.dtype} {tuple(made.shape)} on {made.device}")


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


def treats_rows_alone(subject: Subject) -> None:
    """A micro-batch, a single image, another order."""
    for where, part, spec in situations(subject):
        images, draws = batch(spec), drawn(part, 6)
        whole = part(images, draws)
        for rows in ([2, 3, 4], [5], [4, 1, 0, 2, 5, 3]):
            same = torch.allclose(part(images[rows], draws[rows]), whole[rows], rtol=1e-5, atol=1e-5)
            demand(same, f"{where} images {rows} of 6, with their draws, do not become what they become in the batch")


def depends_on_draws_alone(subject: Subject) -> None:
    """The same twice, and nothing drawn."""
    for where, part, spec in situations(subject):
        images, draws = batch(spec), drawn(part, 6)
        with random_numbers_untouched(f"{where} it"):
            one, two = part(images, draws), part(images, draws)
        demand(torch.equal(one, two), f"{where} the same images and draws give other images the second time")


def leaves_its_inputs(subject: Subject) -> None:
    """Regularizers see the images un-augmented, and penalties go through the same draws."""
    for where, part, spec in situations(subject):
        images, draws = batch(spec), drawn(part, 6)
        kept = images.clone(), draws.clone()
        part(images, draws)
        demand(torch.equal(images, kept[0]), f"{where} it changes the images that it is given")
        demand(torch.equal(draws, kept[1]), f"{where} it changes the draws that it is given")
        demand(not images.requires_grad, f"{where} it makes the images that it is given ask for gradients")


def gradient_is_right(subject: Subject) -> None:
    """Compared with finite differences, along random directions."""
    for where, part, spec in situations(subject):
        images, draws = batch(spec, 4).requires_grad_(), drawn(part, 4)
        made = part(images, draws)
        demand(made.requires_grad, f"{where} what it makes has no gradient: G learns nothing through it")
        (gradient,) = torch.autograd.grad(made.square().sum(), images, allow_unused=True)
        demand(gradient is not None and gradient.any(), f"{where} the gradient is 0: G learns nothing through it")
        gradcheck(_applied(part, draws), [images], fast_mode=True)


def second_gradient_is_right(subject: Subject) -> None:
    """For penalties, which are taken through the augmentation."""
    for _, part, spec in situations(subject):
        images, draws = batch(spec, 4).requires_grad_(), drawn(part, 4)
        gradgradcheck(_applied(part, draws), [images], fast_mode=True)


def _applied(part: Augmentation, draws: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda images: part(images, draws)


def shows_scalars(subject: Subject) -> None:
    """Plain numbers for the log."""
    for where, part, _ in situations(subject):
        for name, value in part.observed().items():
            demand(isinstance(value, Tensor), f"{where} observed() gives {name} as {type(value).__name__}, no tensor")
            demand(value.shape == (), f"{where} observed() gives {name} of shape {tuple(value.shape)}")
            demand(not value.requires_grad, f"{where} observed() gives {name} with a graph behind it")
            demand(value.isfinite(), f"{where} observed() gives {name} = {value.item():g}")


def state_changes_in_updates_only(subject: Subject) -> None:
    """Not by drawing, applying or showing: micro-batches and penalties call these any number of times."""
    for where, part, spec in situations(subject):
        fresh, shown = _copied(part.state_dict()), _copied(part.observed())
        for seed in range(3):
            part(batch(spec), drawn(part, 6, seed=seed))
            part.observed()
        demand(_equal(fresh, part.state_dict()), f"{where} its state changes when it is used")
        demand(_equal(shown, part.observed()), f"{where} observed() changes when it is used")


def state_survives(subject: Subject) -> None:
    """Saved between two changes of what adapts, and followed for some updates."""
    for spec in usable(subject):
        part, restored = augmentation_of(subject, spec), augmentation_of(subject, spec, seed=1)
        teach(part, 1.0, updates=6)
        state = part.state_dict()
        for name, value in state.items():
            demand(isinstance(value, Tensor), f"state_dict() holds {name} as {type(value).__name__}, not as a tensor")
        restored.load_state_dict(_copied(state))
        demand(_equal(part.state_dict(), restored.state_dict()), "load_state_dict() does not restore state_dict()")
        _demand_alike(part, restored, spec, "restored from state_dict()")
        for one in (part, restored):
            teach(one, -1.0, updates=3)
        _demand_alike(part, restored, spec, "restored from state_dict(), three updates later,")


def can_be_pickled(subject: Subject) -> None:
    """With what it has learned so far."""
    for where, part, spec in situations(subject):
        _demand_alike(part, pickle.loads(pickle.dumps(part)), spec, f"{where} after pickling")


def _demand_alike(one: Augmentation, other: Augmentation, spec: DataSpec, what: str) -> None:
    images, draws = batch(spec, 64), drawn(one, 64)
    demand(torch.equal(draws, drawn(other, 64)), f"{what} it draws other numbers")
    demand(torch.equal(one(images, draws), other(images, draws)), f"{what} the same draws give other images")
    demand(_equal(one.observed(), other.observed()), f"{what} observed() is not the same")


def _copied(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in state.items()}


def _equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def reads_no_value(subject: Subject) -> None:
    """On tensors without content, draws included: whatever asks for a number raises."""
    for spec in usable(subject):
        part = augmentation_of(subject, spec)
        for _ in range(2):
            images, draws = batch(spec).to("meta"), drawn(part, 6).to("meta")
            try:
                part(images, draws)
                part.after_update(real=torch.zeros(6, 1, 2, 2, device="meta"))
                part.observed()
            except (RuntimeError, NotImplementedError, TypeError) as error:
                demand(False, f"on device 'meta', where nothing can be read or mixed: {error}")


def _checks() -> Iterator[Check]:
    says = {
        "protocol": (is_an_augmentation, "Images that it cannot take are a ConfigError when it is built."),
        "draws": (
            draws_rows,
            "All random numbers for ``n`` images: float32 (n, P) on the CPU, one row an image, from ``random`` alone.",
        ),
        "shape": (keeps_the_shape, "Shape, precision and device stay, for gray and colored images of any sides."),
        "finite": (
            stays_finite,
            "For images within [-1, 1] values and gradients are finite; they may leave that range.",
        ),
        "micro-batch": (treats_rows_alone, "What becomes of an image depends on it and its row of draws alone."),
        "deterministic": (
            depends_on_draws_alone,
            "The same images and draws give the same, and nothing else is drawn.",
        ),
        "inputs-unmodified": (leaves_its_inputs, "Images and draws are never changed in place."),
        "gradcheck": (gradient_is_right, "The gradient at the images is right, and not 0 everywhere."),
        "double-backward": (second_gradient_is_right, "It can be differentiated once more, for penalties."),
        "observed": (shows_scalars, "Scalars to be logged, such as the present probability."),
        "state-at-rest": (state_changes_in_updates_only, "State changes in :meth:`after_update` only."),
        "state": (
            state_survives,
            "Whatever changes is in the state: a restored one goes on exactly as the one that was saved.",
        ),
        "pickle": (can_be_pickled, "It can be pickled."),
        "no-host-sync": (reads_no_value, "No value on the device is read, which would stop a GPU."),
    }
    methods = {"draws": ".draw", "observed": ".observed"}
    for name, (run, sentence) in says.items():
        cites = AUGMENTATION + methods.get(name, "")
        yield Check(name=name, run=run, cites=cites, sentence=sentence, every_choice=True)


AUGMENTATION_CHECKS = (
    *OPTIONS_CHECKS,
    *_checks(),
    Check(
        name="vectors",
        run=takes_vectors,
        cites=AUGMENTATION,
        sentence="Vectors (N, D) are taken likewise, unless it carries ``needs_images``.",
        skip=takes_images_only,
    ),
    *tag_checks("augmentation"),
)
AT_LEAST = 18
