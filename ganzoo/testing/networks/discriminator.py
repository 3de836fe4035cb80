"""Checks of discriminators."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ganzoo.protocols import Discriminator
from ganzoo.testing.check import Check, demand
from ganzoo.testing.networks.network import network_checks, second_gradient_is_right, where_anything_is_taken
from ganzoo.testing.networks.trial import Trial, fill_normal, first_taken, shake, takes, trial, weighted_sum
from ganzoo.testing.options import OPTIONS_CHECKS
from ganzoo.testing.subject import Subject, images_like
from ganzoo.testing.tags import tag_checks
from ganzoo.training import spectral

DISCRIMINATOR = "ganzoo.protocols:Discriminator"
OUTPUT = "ganzoo.protocols:DiscriminatorOutput"
SIDES = (32, 64, 128, 256, 512)
"""Of square images on which receptive fields are measured."""
PIXELS = 2**17
"""Of all images together on which one is measured: a maximum hands on the gradient of a single pixel."""

UNSQUASHED = 10.0


def keeps_the_protocol(subject: Subject) -> None:
    """A module of the right class."""
    network = trial(subject).network
    demand(isinstance(network, Discriminator), f"build() returns {type(network).__name__}, which is no Discriminator")


def expect_shapes(subject: Subject, one: Trial) -> None:
    """What is said of a batch, as :class:`DiscriminatorOutput` has it."""
    n = len(one.given)
    answers = one.answers()
    for name, value in answers.items():
        shape = tuple(value.shape)
        demand(value.is_floating_point(), f"{name} is {value.dtype}")
        demand(shape[:1] == (n,), f"{name} of {n} samples has the shape {shape}: its first axis is not the batch's")
        if "logits" not in name or name == "class_logits":
            continue
        as_map = len(shape) == 4 and shape[1] == 1 and value.numel() > 0
        demand(shape == (n,) or as_map, f"{name} has the shape {shape}, neither ({n},) nor ({n}, 1, h, w)")
    if "class_logits" in answers:
        wanted, found = (n, len(one.spec.classes)), tuple(answers["class_logits"].shape)
        demand(found == wanted, f"class_logits has the shape {found}, and not {wanted}")


def logits_are_raw(subject: Subject) -> None:
    """With weights and images far larger than any in use, logits are far from any bound of a squashing function."""
    one = trial(subject).double()
    one.set_mode(training=False)
    reach: dict[str, float] = {}
    for seed in range(4):
        fill_normal(one.network, scale=10.0, seed=seed)
        with torch.no_grad():
            answers = one.answers(one.given * 1e4)
        for name, value in answers.items():
            if "logits" in name:
                reach[name] = max(reach.get(name, 0.0), value.abs().max().item())
    for name, farthest in reach.items():
        demand(farthest > UNSQUASHED, f"with large weights {name} stays within ±{farthest:.3g}: something squashes it")


def images_get_a_gradient(subject: Subject) -> None:
    """It is all a generator learns from."""
    for training in (True, False):
        one = trial(subject)
        shake(one.network)
        one.set_mode(training=training)
        for name, value in one.answers(one.given.requires_grad_()).items():
            slope = _slope(weighted_sum(value), one.given)
            demand(slope is not None and slope.any(), f"no gradient of {name} reaches the images")
            demand(slope is not None and slope.isfinite().all(), f"the gradient of {name} is not finite")


def _slope(value: torch.Tensor, given: torch.Tensor) -> torch.Tensor | None:
    if not value.requires_grad:
        return None
    (slope,) = torch.autograd.grad(value, given, retain_graph=True, allow_unused=True)
    return slope


class _WithoutStatistics(TorchFunctionMode):
    """Norms that take statistics over a whole map hand on what they get."""

    NORMS = (F.instance_norm, F.group_norm, F.layer_norm)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in self.NORMS:
            return args[0] if args else kwargs["input"]
        return func(*args, **kwargs)


def sees_what_it_says(subject: Subject) -> None:
    """The images' gradient of one logit, in the midst of an image at least twice as large as what it sees."""
    one = with_room(subject)
    assert one is not None  # the check is skipped otherwise
    declared, side = one.network.receptive_field(), one.spec.shape[-1]
    said = "None, the whole image" if declared is None else f"{declared} px a side"
    shape = tuple(one.answers()["logits"].shape)
    demand(len(shape) == 4, f"receptive_field() says {said}; logits {shape} are no map, and see the whole image")
    height, width = field_of(one)
    right = (height, width) == ((side, side) if declared is None else (declared, declared))
    demand(right, f"receptive_field() says {said}; on {side}×{side} px a logit sees {height}×{width} px")


def with_room(subject: Subject) -> Trial | None:
    """A network for the smallest images of at least twice the receptive field that it declares for them."""
    channels = first_taken(subject).shape[0]
    for spec in (images_like(channels, side) for side in SIDES):
        if takes(subject, spec):
            one = trial(subject, spec, n=max(2, PIXELS // spec.shape[-1] ** 2))
            declared = one.network.receptive_field()
            if declared is None or spec.shape[-1] >= 2 * declared:
                return one
    return None


def field_of(one: Trial) -> tuple[int, int]:
    """Height and width of the part of an image that the logit in the middle of the map depends on."""
    one = one.double()
    with torch.no_grad():
        for parameter in one.network.parameters():
            # Positive and of about a mean's size: nothing cancels, nothing is cut off or saturates.
            fan_in = parameter[0].numel() if parameter.dim() > 1 else 1
            parameter.copy_((0.5 + torch.rand_like(parameter)) / fan_in)
    for _ in range(3):
        spectral.iterate(one.network)
    one.network.eval()
    images = one.given.abs().requires_grad_()
    with _WithoutStatistics():
        maps = one.network(images, one.labels).logits
    middle = maps[:, 0, maps.shape[2] // 2, maps.shape[3] // 2]
    (slope,) = torch.autograd.grad(middle.sum(), images)
    seen = slope.ne(0).any(0).any(0)
    rows, columns = (seen.any(axis).nonzero().flatten() for axis in (1, 0))
    return _extent(rows), _extent(columns)


def _extent(places: torch.Tensor) -> int:
    return int(places.max() - places.min()) + 1 if len(places) else 0


def judges_no_patches(subject: Subject) -> str | None:
    """A logit that sees everything has nothing to declare."""
    if "patch" not in subject.tags and trial(subject).network.receptive_field() is None:
        return "it carries no tag patch and declares no receptive field"
    if with_room(subject) is None:
        return "it takes no square image twice as large as its receptive field"
    return None


DISCRIMINATOR_CHECKS = (
    *OPTIONS_CHECKS,
    *where_anything_is_taken(
        (
            Check(
                name="protocol",
                run=keeps_the_protocol,
                cites=DISCRIMINATOR,
                sentence="What ``build`` returns is derived from this class.",
                every_choice=True,
            ),
            *network_checks(expect_shapes),
            Check(
                name="raw-logits",
                run=logits_are_raw,
                cites=DISCRIMINATOR,
                sentence="Logits and class logits are raw: no bound is put on them by a sigmoid, a tanh or a softmax.",
                every_choice=True,
            ),
            Check(
                name="images-get-a-gradient",
                run=images_get_a_gradient,
                cites=DISCRIMINATOR,
                sentence="The gradients of logits, class logits and features reach the images, for they are all that a "
                "generator learns from.",
                every_choice=True,
            ),
            Check(
                name="double-backward",
                run=second_gradient_is_right,
                cites=DISCRIMINATOR,
                sentence="The gradient of the logits can be differentiated once more, as gradient penalties do.",
                every_choice=True,
            ),
            Check(
                name="receptive-field",
                run=sees_what_it_says,
                cites="ganzoo.protocols:Discriminator.receptive_field",
                sentence="Side, in pixels, of the input patch one logit sees; ``None`` when it sees the whole image.",
                skip=judges_no_patches,
                every_choice=True,
            ),
            *tag_checks("discriminator"),
        )
    ),
)
AT_LEAST = 36
