"""Metrics, each with one fault that somebody might make. ``FAULTS`` says which check is to catch it."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.protocols import Features


class MeanDistance(Options):
    """How far the mean picture of the samples is from that of the data, in gray levels; sound."""

    needs: ClassVar[frozenset[str]] = frozenset({"images"})
    higher_is_better: ClassVar[bool] = False

    samples: int = Field(default=256, ge=1, description="how many samples are looked at")

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        return {"distance": float((self.mean(fake.images) - self.mean(real.images)).abs().mean())}

    def mean(self, images: Tensor) -> Tensor:
        return images.double().mean(0)


class Recall(Options):
    """Share of the modes that some sample is near to; sound."""

    needs: ClassVar[frozenset[str]] = frozenset({"images", "modes"})
    higher_is_better: ClassVar[bool] = True

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        samples, modes = fake.images, real.modes
        if samples.dim() != 2 or samples.shape[1] != modes.shape[1] or real.mode_std is None:
            raise ConfigError("recall needs points with known modes")
        near = torch.cdist(modes.double(), samples.double()) < 5 * real.mode_std
        return {"recall": float(near.any(1).double().mean())}


class OfClasses(Options):
    """How far the frequencies of the classes are from those of the data; sound, and looks at no pixel."""

    needs: ClassVar[frozenset[str]] = frozenset({"class_probs"})
    higher_is_better: ClassVar[bool] = False

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        counts = [torch.bincount(side.class_probs.argmax(1), minlength=16).double() for side in (real, fake)]
        shares = [count / count.sum() for count in counts]
        return {"difference": float((shares[0] - shares[1]).abs().sum())}


class Accuracy(Options):
    """How often a classifier finds the class that was asked for; sound, and needs labels."""

    needs: ClassVar[frozenset[str]] = frozenset({"class_probs", "labels"})
    higher_is_better: ClassVar[bool] = True

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        return {"accuracy": float((fake.class_probs.argmax(1) == fake.labels).double().mean())}


class PicturesOnly(MeanDistance):
    """Refuses anything but pictures when it is built; sound."""

    def build(self, spec):
        if len(spec.shape) != 3:
            raise ConfigError("pictures are needed", given=f"{spec.shape}")
        return self


class OneSizeOnly(MeanDistance):
    """Has a network for pictures of one size; sound."""

    def build(self, spec):
        if spec.shape != (3, 64, 64):
            raise ConfigError("no such size", given=f"{spec.shape}", allowed="(3, 64, 64)")
        return self


class OwnNetwork(Options):
    """How far the mean activations of a network of its own are apart; sound, and a module."""

    def build(self, spec):
        return Activations(spec)


class Activations(nn.Module):
    """What :class:`OwnNetwork` builds; its weights are always the same."""

    needs, higher_is_better = frozenset({"images"}), False

    def __init__(self, spec):
        super().__init__()
        weights = torch.randn(math.prod(spec.shape), 8, generator=torch.Generator().manual_seed(0))
        self.register_buffer("weights", weights.double())

    def forward(self, *, real, fake, random):
        if real.images[0].numel() != len(self.weights):
            raise ConfigError("other data than it was built for", given=f"{real.images.shape}")
        means = [(side.images.flatten(1).double() @ self.weights).relu().mean(0) for side in (real, fake)]
        return {"distance": float((means[0] - means[1]).norm())}


class InceptionScore(Options):
    """exp of the mutual information of sample and class; sound, and looks at the samples alone."""

    needs: ClassVar[frozenset[str]] = frozenset({"class_probs"})
    higher_is_better: ClassVar[bool] = True

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        shares = fake.class_probs.double()
        gain = torch.special.xlogy(shares, shares / shares.mean(0)).sum(1).mean()
        return {"score": float(gain.exp())}


class Bootstrap(MeanDistance):
    """The same of samples drawn with replacement; sound, and draws."""

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        drawn = torch.randint(len(fake.images), (len(fake.images),), generator=random)
        return {"distance": float((self.mean(fake.images[drawn]) - self.mean(real.images)).abs().mean())}


SOUND = [MeanDistance, Recall, OfClasses, Accuracy, PicturesOnly, OneSizeOnly, OwnNetwork, InceptionScore, Bootstrap]


class BeyondItsRange(MeanDistance):
    """A distance that is said to be a share."""

    ranges: ClassVar[dict[str, tuple[float, float]]] = {"distance": (0, 1)}

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        return {"distance": 2 + super().__call__(real=real, fake=fake, random=random)["distance"]}


class Nothing(MeanDistance):
    """Finds nothing to say."""

    def __call__(self, **given):
        return {}


class NamesInNumbers(MeanDistance):
    """Calls its number 0."""

    def __call__(self, **given):
        return {0: super().__call__(**given)["distance"]}


class NotCallable(MeanDistance):
    """Builds its name."""

    def build(self, spec):
        return "distance"


class SamplesInWords(Options):
    """Says how many samples it wants, in words."""

    def build(self, spec):
        metric = Keeper()
        metric.samples = "all"
        return metric


class RandomNetwork(Options):
    """Weights of its own, drawn from the global random numbers when it is built."""

    def build(self, spec):
        return OfRandomNetwork(torch.randn(math.prod(spec.shape), 4))


class OfRandomNetwork:
    """What :class:`RandomNetwork` builds."""

    needs, higher_is_better = frozenset({"images"}), False

    def __init__(self, weights):
        self.weights = weights

    def __call__(self, *, real, fake, random):
        seen = [side.images.flatten(1).float() @ self.weights for side in (real, fake)]
        return {"distance": float((seen[0].mean(0) - seen[1].mean(0)).norm())}


class Positional(MeanDistance):
    """Can be called with real and fake confused."""

    def __call__(self, real, fake, random):
        return super().__call__(real=real, fake=fake, random=random)


class ListOfNeeds(MeanDistance):
    """Lists what it needs."""

    needs: ClassVar[Any] = ["images"]


class UnknownNeed(MeanDistance):
    """Needs what nobody provides."""

    needs: ClassVar[frozenset[str]] = frozenset({"pictures"})


class NoDirection(MeanDistance):
    """Says that lower is better, in a word."""

    higher_is_better: ClassVar[Any] = "lower"


class Tensors(MeanDistance):
    """Returns tensors, with whatever hangs on them."""

    def __call__(self, **given):
        return {name: torch.tensor(value) for name, value in super().__call__(**given).items()}


class OneNumber(MeanDistance):
    """Returns a number without a name."""

    def __call__(self, **given):
        return super().__call__(**given)["distance"]


class Correlated(MeanDistance):
    """Divides by a spread that is 0 where all samples are alike."""

    def __call__(self, **given):
        spread = given["fake"].images.double().std(0, correction=0).mean()
        return {"relative": float(super().__call__(**given)["distance"] / spread)}


class MoreWhenGood(MeanDistance):
    """Has a further number where it can be computed."""

    def __call__(self, **given):
        found = super().__call__(**given)
        spread = float(given["fake"].images.double().std(0, correction=0).mean())
        return found | ({"relative": found["distance"] / spread} if spread else {})


class WrongWay(MeanDistance):
    """A distance of which more is said to be better."""

    higher_is_better: ClassVar[bool] = True


class OthersFirst(MeanDistance):
    """Names first what is no measure of quality."""

    def __call__(self, **given):
        return {"brightness": 255 - float(given["fake"].images.double().mean()), **super().__call__(**given)}


class Unseeded(MeanDistance):
    """Draws from a generator that nobody seeded."""

    def __call__(self, **given):
        draw = torch.Generator()
        draw.seed()
        noise = float(torch.rand(1, generator=draw))
        return {"distance": super().__call__(**given)["distance"] + noise}


class GlobalNoise(MeanDistance):
    """Draws from torch's global random numbers, of which it seeds a branch."""

    def __call__(self, **given):
        torch.manual_seed(0)
        return {"distance": super().__call__(**given)["distance"] + 0.01 * float(torch.rand(1))}


class KeepsTheReal(Options):
    """Computes the mean of the real data once, for whatever real data come later."""

    def build(self, spec):
        return Keeper()


class Keeper:
    """What :class:`KeepsTheReal` builds."""

    needs, higher_is_better, kept = frozenset({"images"}), False, None

    def __call__(self, *, real, fake, random):
        self.kept = real.images.double().mean(0) if self.kept is None else self.kept
        return {"distance": float((fake.images.double().mean(0) - self.kept).abs().mean())}


class InPlace(MeanDistance):
    """Turns its inputs round where they are."""

    def mean(self, images):
        images.copy_(images.flip(0))
        return images.double().mean(0)


class LooksAtLabels(MeanDistance):
    """Weighs by labels that it does not say it needs."""

    def __call__(self, *, real, fake, random):
        found = super().__call__(real=real, fake=fake, random=random)
        return found if fake.labels is None else {"distance": found["distance"] + float(fake.labels.double().mean())}


class NeedsMoreThanItSays(MeanDistance):
    """Fails without features."""

    def __call__(self, *, real, fake, random):
        scale = float(fake.features.norm())
        return {"distance": super().__call__(real=real, fake=fake, random=random)["distance"] * scale}


class InOrder(MeanDistance):
    """Looks at the first samples alone."""

    def mean(self, images):
        return images[: max(1, len(images) // 4)].double().mean(0)


class Pairs(MeanDistance):
    """Compares each sample with the real one at its place."""

    def mean(self, images):
        return images.double()


class Spread(MeanDistance):
    """The spread of the samples, which a single one does not have."""

    def mean(self, images):
        mean = images.double().mean(0)
        return (images - mean).square().sum(0) / torch.tensor(len(images) - 1.0)


class PicturesAlone(MeanDistance):
    """Takes four axes for granted."""

    def mean(self, images):
        batch, channels, height, width = images.shape
        return images.double().reshape(batch, channels, height * width).mean((0, 2))


class Local(MeanDistance):
    """Builds something that no other process can be sent."""

    def build(self, spec):
        class Measure(MeanDistance):
            """Local to a function."""

        return Measure()


FAULTS = [
    (Positional, "protocol", "it takes real, fake, random by position"),
    (NotCallable, "protocol", "cannot be called"),
    (SamplesInWords, "protocol", "samples = 'all'"),
    (Nothing, "numbers", "empty dict"),
    (BeyondItsRange, "numbers", "its ranges say from 0 to 1"),
    (NamesInNumbers, "numbers", "a number is called 0"),
    (RandomNetwork, "deterministic", "built again, after another seed"),
    (ListOfNeeds, "protocol", "no frozenset"),
    (UnknownNeed, "protocol", "it needs pictures"),
    (NoDirection, "protocol", "higher_is_better = 'lower'"),
    (Tensors, "numbers", "not a float but Tensor"),
    (OneNumber, "numbers", "no dict but float"),
    (Correlated, "collapse", "relative is inf"),
    (MoreWhenGood, "collapse", "where all samples are alike distance"),
    (WrongWay, "direction", "higher_is_better is True"),
    (OthersFirst, "direction", "brightness is"),
    (Unseeded, "deterministic", "asked again"),
    (GlobalNoise, "random-numbers", "random numbers of torch"),
    (KeepsTheReal, "no-memory", "after it saw other real data"),
    (InPlace, "inputs-unmodified", "it changed images of real"),
    (LooksAtLabels, "needs", "with nothing but images"),
    (NeedsMoreThanItSays, "needs", "no attribute 'norm'"),
    (InOrder, "permutation", "with real samples in another order"),
    (Pairs, "other-numbers", "size of tensor"),
    (Spread, "other-numbers", "distance is nan"),
    (PicturesAlone, "other-data", "not enough values to unpack"),
    (Local, "pickle", "Can't pickle"),
]
