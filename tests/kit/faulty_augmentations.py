"""Augmentations, each with one fault that somebody might make. ``FAULTS`` says which check is to catch it."""

from __future__ import annotations

import torch
from pydantic import Field

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.protocols import Augmentation


class Brighter(Options):
    """Makes each image brighter or darker, with a reach that grows while D is right of real data; sound."""

    part: str = Field(default="Part", description="the class that does it, sound or faulty")
    start: float = Field(default=0.5, ge=0, le=1, allow_inf_nan=False, description="the largest change at first")

    def tags(self):
        return frozenset({"needs_images"})

    def build(self, spec):
        if len(spec.shape) != 3:
            raise ConfigError("needs images")
        return PARTS[self.part](self.start)


class Part(Augmentation):
    def __init__(self, start):
        self.reach = torch.tensor(start)

    def draw(self, n, *, random):
        return torch.rand(n, 1, generator=random)

    def __call__(self, images, draws):
        return images + self.change(images, draws)

    def change(self, images, draws):
        return (self.reach.to(images) * (2 * draws.to(images) - 1))[:, :, None, None]

    def after_update(self, *, real):
        self.reach = (self.reach.to(real.device) + 0.01 * real.sign().mean()).clamp(0, 1)

    def observed(self):
        return {"augment/reach": self.reach}

    def state_dict(self):
        return {"reach": self.reach.clone()}

    def load_state_dict(self, state):
        self.reach = state["reach"].clone()


class SeedsItself(Part):
    """Draws what the clock says."""

    def draw(self, n, *, random):
        return torch.rand(n, 1, generator=torch.Generator().manual_seed(torch.Generator().seed()))


class OneNumberAnImageOfTheBatch(Part):
    """As many numbers for each image as there are images."""

    def draw(self, n, *, random):
        return torch.rand(n, n, generator=random)

    def change(self, images, draws):
        return super().change(images, draws[:, :1])


class ChangesTheDraws(Part):
    """Centers the draws where they are."""

    def change(self, images, draws):
        return (self.reach.to(images) * (draws.mul_(2).sub_(1)).to(images))[:, :, None, None]


class ShowsANumber(Part):
    """Shows a plain number."""

    def observed(self):
        return {"augment/reach": self.reach.item()}


class CountsWhatItShows(Part):
    """Shows how often it was asked."""

    asked = 0

    def observed(self):
        self.asked += 1
        return {"augment/asked": torch.tensor(self.asked)}


class SavesANumber(Part):
    """Its state is a plain number."""

    def state_dict(self):
        return {"reach": self.reach.item()}


class Noise(Options, Augmentation):
    """Moves each point of the plane, or each whole image, a little; sound, for vectors too."""

    def draw(self, n, *, random):
        return torch.randn(n, 1, generator=random)

    def __call__(self, images, draws):
        return images + 0.1 * draws.to(images).view(-1, *(1 for _ in images.shape[1:]))


class NoAugmentation(Noise):
    """Returns a function in place of an augmentation."""

    def build(self, spec):
        return lambda images, draws: images


class GlobalDraws(Part):
    """Draws from the generator of the whole process."""

    def draw(self, n, *, random):
        return torch.rand(n, 1)


class DoubleDraws(Part):
    """Draws in double precision."""

    def draw(self, n, *, random):
        return torch.rand(n, 1, generator=random, dtype=torch.float64)


class FlatDraws(Part):
    """One axis too few."""

    def draw(self, n, *, random):
        return torch.rand(n, generator=random)

    def change(self, images, draws):
        return super().change(images, draws.view(-1, 1))


class OneDrawForAll(Part):
    """All images of a batch become brighter alike."""

    def draw(self, n, *, random):
        return torch.rand(1, 1, generator=random).expand(n, 1)


class Cropped(Part):
    """Loses the last column."""

    def __call__(self, images, draws):
        return super().__call__(images, draws)[..., :-1]


class Turned(Part):
    """Turns images on their side, which shows where they are not square."""

    def __call__(self, images, draws):
        return super().__call__(images, draws).transpose(2, 3)


class SinglePrecision(Part):
    """Comes back in single precision, whatever goes in."""

    def __call__(self, images, draws):
        return super().__call__(images, draws).float()


class Standardized(Part):
    """Divides by the spread of an image, which a flat one does not have."""

    def __call__(self, images, draws):
        spread = images.std((1, 2, 3), keepdim=True)
        return images / spread + self.change(images, draws)


class Root(Part):
    """Gamma: at black, the slope of the root is endless."""

    def __call__(self, images, draws):
        return 2 * ((images + 1) / 2).clamp(min=0).sqrt() - 1 + self.change(images, draws)


class CentersTheBatch(Part):
    """Takes off the mean of the whole batch."""

    def __call__(self, images, draws):
        return images - images.mean() + self.change(images, draws)


class FirstDrawForAll(Part):
    """Reads the first row only."""

    def change(self, images, draws):
        return super().change(images, draws[:1].expand(len(images), 1))


class DrawsInTheCall(Part):
    """Adds noise that is no part of the draws."""

    def __call__(self, images, draws):
        return super().__call__(images, draws) + 1e-3 * torch.randn_like(images)


class Alternates(Part):
    """Mirrors every other call."""

    calls = 0

    def __call__(self, images, draws):
        self.calls += 1
        made = super().__call__(images, draws)
        return made.flip(3) if self.calls % 2 else made


class InPlace(Part):
    """Saves a copy, and spoils the images for everybody else."""

    def __call__(self, images, draws):
        if images.requires_grad:
            return super().__call__(images, draws)
        return images.add_(self.change(images, draws))


class WithoutGradient(Part):
    """Is run without a graph."""

    @torch.no_grad()
    def __call__(self, images, draws):
        return super().__call__(images, draws)


class Posterized(Part):
    """Rounds, so that the gradient is 0 all over."""

    def __call__(self, images, draws):
        return (8 * (images + self.change(images, draws))).round() / 8


class StraightThrough(Part):
    """Clips, and passes the gradient as if it had not."""

    def __call__(self, images, draws):
        made = super().__call__(images, draws)
        return made + (made.clamp(-0.5, 0.5) - made).detach()


class Once(torch.autograd.Function):
    """x², with a backward that cannot be differentiated."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x * x

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context, gradient):
        (x,) = context.saved_tensors
        return 2 * x * gradient


class DifferentiableOnce(Part):
    """A kernel of its own, without a second derivative."""

    def __call__(self, images, draws):
        return Once.apply(images) + self.change(images, draws)


class ShowsAVector(Part):
    """Wants a histogram logged."""

    def observed(self):
        return {"augment/reach": self.reach.repeat(3)}


class CountsCalls(Part):
    """Adapts whenever it is used: with micro-batches, more often."""

    def draw(self, n, *, random):
        self.reach = (self.reach * 1.01).clamp(0, 1)
        return super().draw(n, random=random)


class Forgets(Part):
    """What it adapts is in no checkpoint."""

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


class KeepsAFunction(Part):
    """Holds a function that no other process can be given."""

    def __init__(self, start):
        super().__init__(start)
        self.brightened = lambda images, change: images + change

    def __call__(self, images, draws):
        return self.brightened(images, self.change(images, draws))


class ReadsTheReach(Part):
    """Waits for the device at every update."""

    def after_update(self, *, real):
        step = 0.01 if real.sign().mean().item() > 0 else -0.01
        self.reach = (self.reach + step).clamp(0, 1)


class VectorsFail(Noise):
    """Says nothing of images, and asks vectors for their height."""

    def __call__(self, images, draws):
        n, channels, height, width = images.shape
        return super().__call__(images, draws).view(n, channels, height, width)


class ImagesInSecret(Brighter):
    """Refuses vectors, and does not say so."""

    def tags(self):
        return frozenset()


PARTS = {part.__name__: part for part in (Part, *Part.__subclasses__())}
FAULTS = [
    (NoAugmentation, "protocol", "which is not an Augmentation"),
    (Brighter(part="GlobalDraws"), "draws", "global random numbers"),
    (Brighter(part="SeedsItself"), "draws", "other numbers from the same random"),
    (Brighter(part="OneNumberAnImageOfTheBatch"), "draws", "one image has 1 numbers, each of 64 64"),
    (Brighter(part="DoubleDraws"), "draws", "torch.float64 (1, 1)"),
    (Brighter(part="FlatDraws"), "draws", "(1,) on cpu"),
    (Brighter(part="OneDrawForAll"), "draws", "equal rows"),
    (Brighter(part="Cropped"), "shape", "becomes torch.float32 (1, 1, 6, 4)"),
    (Brighter(part="Turned"), "shape", "becomes torch.float32 (1, 1, 5, 6)"),
    (Brighter(part="SinglePrecision"), "shape", "becomes torch.float32"),
    (Brighter(part="Standardized"), "finite", "become [-inf]"),
    (Brighter(part="Root"), "finite", "gradient at images"),
    (Brighter(part="CentersTheBatch"), "micro-batch", "images [2, 3, 4] of 6"),
    (Brighter(part="FirstDrawForAll"), "micro-batch", "images [2, 3, 4] of 6"),
    (Brighter(part="DrawsInTheCall"), "deterministic", "global random numbers"),
    (Brighter(part="Alternates"), "deterministic", "the second time"),
    (Brighter(part="InPlace"), "inputs-unmodified", "changes the images"),
    (Brighter(part="ChangesTheDraws"), "inputs-unmodified", "changes the draws"),
    (Brighter(part="WithoutGradient"), "gradcheck", "has no gradient"),
    (Brighter(part="Posterized"), "gradcheck", "the gradient is 0"),
    (Brighter(part="StraightThrough"), "gradcheck", "Jacobian mismatch"),
    (Brighter(part="DifferentiableOnce"), "double-backward", "Jacobian mismatch"),
    (Brighter(part="ShowsAVector"), "observed", "of shape (3,)"),
    (Brighter(part="ShowsANumber"), "observed", "as float, no tensor"),
    (Brighter(part="CountsWhatItShows"), "state-at-rest", "observed() changes when it is used"),
    (Brighter(part="SavesANumber"), "state", "holds reach as float"),
    (Brighter(part="CountsCalls"), "state-at-rest", "state changes when it is used"),
    (Brighter(part="Forgets"), "state", "the same draws give other images"),
    (Brighter(part="KeepsAFunction"), "pickle", "Can't pickle"),
    (Brighter(part="ReadsTheReach"), "no-host-sync", "on device 'meta'"),
    (VectorsFail, "vectors", "not enough values to unpack"),
    (ImagesInSecret, "tag-needs-images", "is missing"),
]
