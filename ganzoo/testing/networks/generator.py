"""Checks of the images that a generator makes, and of its latents."""

from __future__ import annotations

import torch

from ganzoo.protocols import Generator
from ganzoo.testing.check import check, demand
from ganzoo.testing.networks.gradients import second_gradient_is_right
from ganzoo.testing.networks.inputs import no_images
from ganzoo.testing.networks.trial import fill_normal, shake, trial
from ganzoo.testing.random_numbers import random_numbers_untouched
from ganzoo.testing.subject import Subject


@check(
    "range",
    Generator,
    "Images stay within [-1, 1] whatever the weights; vectors are unbounded.",
    skip=no_images,
    every_choice=True,
)
def images_keep_their_range(subject: Subject) -> None:
    """Whatever the weights."""
    one = trial(subject).double()
    for training in (True, False):
        one.set_mode(training=training)
        for seed in range(3):
            fill_normal(one.network, scale=5.0, seed=seed)
            with torch.no_grad():
                farthest = one.answers(10 * one.given)["images"].abs().max().item()
            demand(farthest <= 1, f"with large weights images go to ±{farthest:.3g}, out of [-1, 1]")


@check(
    "latents-matter",
    Generator,
    "Different latents give different images, and a gradient of the images reaches the latents.",
    every_choice=True,
)
def latents_make_the_difference(subject: Subject) -> None:
    """Of one class, in evaluation."""
    one = trial(subject)
    shake(one.network)
    one.labels.zero_()
    one.set_mode(training=False)
    given = one.given.requires_grad_()
    images = one.answers(given)["images"]
    apart = (images[1:] - images[:1]).flatten(1).abs().amax(1)
    demand((apart > 0).all(), "different latents give the same image")
    reached = images.requires_grad and torch.autograd.grad(images.square().sum(), given, allow_unused=True)[0]
    demand(isinstance(reached, torch.Tensor) and reached.any(), "no gradient of the images reaches the latents")


@check(
    "latents",
    Generator.latent,
    "They are float32, differ from sample to sample and from draw to draw, and follow from ``generator`` alone.",
    every_choice=True,
)
def latents_come_from_the_generator(subject: Subject) -> None:
    """And from nowhere else; each draw goes on where the last stopped."""
    network = trial(subject).network
    for n in (1, 5):
        random, again = (torch.Generator().manual_seed(3) for _ in range(2))
        with random_numbers_untouched("latent()"):
            z, more = (network.latent(n, generator=random) for _ in range(2))
        torch.manual_seed(n)
        demand(torch.equal(z, network.latent(n, generator=again)), "latent() draws from more than the generator given")
        demand(not torch.equal(z, more), "latent() draws the same twice: it does not advance the generator given")
        demand(z.shape[:1] == (n,), f"latent({n}) has the shape {tuple(z.shape)}: its first axis is not {n}")
        demand(z.device.type == "cpu", f"latent() draws on {z.device}, where the same seed gives other numbers")
        demand(z.dtype == torch.float32, f"latent() gives {z.dtype}")
    demand(not torch.equal(z[0], z[1]), "latent() gives the same latent for every sample")
    moved = network.to("meta").latent(2, generator=torch.Generator())
    demand(moved.device.type == "cpu", f"of a network on another device latent() draws on {moved.device}")


def has_no_style(subject: Subject) -> str | None:
    """Nothing takes the gradient of its gradient then."""
    return None if "provides_style" in subject.tags else "it carries no tag provides_style: no paths are measured"


@check(
    "double-backward",
    Generator,
    "With the tag ``provides_style`` gradients of the images can be differentiated once more.",
    skip=has_no_style,
    every_choice=True,
)
def images_take_a_penalty(subject: Subject) -> None:
    """Of the gradient at the latents."""
    second_gradient_is_right(subject)
