"""Extractors, each with one fault that somebody might make. ``FAULTS`` says which check is to catch it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import torch
from pydantic import Field

from ganzoo.component import ExtractorOptions
from ganzoo.errors import ConfigError, DataError
from ganzoo.protocols import Extracted


class Means(ExtractorOptions):
    """Means and deviations of channels; sound."""

    scale: int = Field(default=1, ge=1, le=99, description="a factor")

    def open(self, *, data, device, cache):
        return SimpleExtractor(self, data)

    def features(self, images):
        levels = self.colored(images).flatten(2).float() / 255
        return torch.cat([levels.mean(2), levels.std(2)], dim=1) * self.scale

    def colored(self, images):
        return images.expand(-1, 3, -1, -1)

    def probabilities(self, images):
        return None

    def extracted(self, images):
        return Extracted(features=self.features(images), class_probs=self.probabilities(images))


class SimpleExtractor:
    """What most of these open."""

    size, classes, resize = 6, (), "none"

    def __init__(self, options, data):
        self.options = options
        self.digest = f"means {options.scale}"

    def __call__(self, images):
        return self.options.extracted(images)


class WithClasses(Means):
    """Tells two classes apart; sound."""

    def open(self, **given):
        extractor = SimpleExtractor(self, given["data"])
        extractor.classes = ("dark", "light")
        return extractor

    def probabilities(self, images):
        light = self.colored(images).flatten(1).float().mean(1) / 255
        return torch.stack([1 - light, light], dim=1)


class Centered(Means):
    """Minus what was learned from the data and kept below the cache; sound."""

    def open(self, *, data, device, cache):
        kept = cache / "centers" / f"{data.fingerprint}.pt"
        if not kept.is_file():
            kept.parent.mkdir(parents=True, exist_ok=True)
            torch.save(Means.features(self, data.read(torch.arange(len(data)))).mean(0), kept)
        center = torch.load(kept, weights_only=True)
        extractor = SimpleExtractor(self, data)
        extractor.options = SimpleNamespace(
            extracted=lambda images: Extracted(features=self.features(images) - center * self.scale)
        )
        return extractor


class GrayData(Means):
    """Is for gray data alone; sound."""

    def open(self, *, data, device, cache):
        if data.spec.shape[0] != 1:
            raise ConfigError("gray data are needed", given=f"{data.spec.shape}")
        return SimpleExtractor(self, data)


class WeightsAway(Means):
    """Its weights are not on this machine, as it says; sound."""

    def open(self, **given):
        raise DataError("its weights are missing", hint="python -m pip install weights")


SOUND = [Means, WithClasses, Centered, GrayData, WeightsAway]


class SaysNothing(Means):
    """Its weights are missing, and it does not say what to do."""

    def open(self, **given):
        raise DataError("missing")


class Refuses(Means):
    """Can be had for no data."""

    def open(self, **given):
        raise ConfigError("not for these data")


class NoDigest(Means):
    """Says nothing of what its features depend on."""

    def open(self, **given):
        extractor = SimpleExtractor(self, None)
        extractor.digest = ""
        return extractor


class ClassesInAList(WithClasses):
    """Its names cannot be part of a key."""

    def open(self, **given):
        extractor = super().open(**given)
        extractor.classes = ["dark", "light"]
        return extractor


class SizeInWords(Means):
    """Says how many features there are, in words."""

    def open(self, **given):
        extractor = SimpleExtractor(self, None)
        extractor.size = "six"
        return extractor


class Function(Means):
    """Opens what cannot be called."""

    def open(self, **given):
        return SimpleNamespace(digest="d", resize="none", size=6, classes=())


class SameDigest(Means):
    """Forgets in its digest an option that features depend on."""

    def open(self, **given):
        extractor = SimpleExtractor(self, None)
        extractor.digest = "means"
        return extractor


class NewDigest(Means):
    """Has another digest at every opening, so that nothing is found in the cache."""

    def open(self, **given):
        extractor = SimpleExtractor(self, None)
        extractor.digest = f"means {id(extractor)} {torch.Generator().seed()}"
        return extractor


class Seeds(Means):
    """Seeds torch when it is opened, for weights that are the same each time."""

    def open(self, **given):
        torch.manual_seed(0)
        return SimpleExtractor(self, None)


class DrawsInLooking(Means):
    """Looks at pixels that it draws, and puts no state back."""

    def features(self, images):
        torch.rand(1)
        return super().features(images)


class WritesHere(Means):
    """Keeps what it learned where the program stands."""

    def open(self, *, data, device, cache):
        Path("learned.txt").write_text("5")
        return SimpleExtractor(self, data)


class NeedsTheFolder(Means):
    """Takes the cache for granted."""

    def open(self, *, data, device, cache):
        (cache / "learned.txt").write_text("5")
        return SimpleExtractor(self, data)


class Tensors(Means):
    """Returns features as they are."""

    def extracted(self, images):
        return self.features(images)


class Doubles(Means):
    """Computes in float64."""

    def features(self, images):
        return super().features(images).double()


class Squeezed(Means):
    """Loses the axis of a single picture."""

    def features(self, images):
        return super().features(images).squeeze()


class ColorsOnly(Means):
    """Takes three channels for granted."""

    def colored(self, images):
        return images


class LargeOnly(Means):
    """Divides by the spread of large squares, of which a small picture has one."""

    def features(self, images):
        squares = torch.nn.functional.avg_pool2d(self.colored(images).float(), 8).flatten(2)
        return torch.cat([squares.mean(2), squares.std(2)], dim=1) * self.scale


class OnAGraph(Means):
    """Has weights that learn."""

    def features(self, images):
        return super().features(images) * torch.ones((), requires_grad=True)


class Logits(WithClasses):
    """Calls probabilities what is not."""

    def probabilities(self, images):
        return super().probabilities(images).log()


class UnnamedClasses(Means):
    """Has class probabilities, and no names."""

    def probabilities(self, images):
        return torch.ones(len(images), 1)


class GrayPadded(Means):
    """Puts gray into red, with nothing in green and blue."""

    def colored(self, images):
        return images if images.shape[1] == 3 else torch.cat([images, images * 0, images * 0], dim=1)


class Normed(Means):
    """Leaves batch norm in training: rows depend on the batch."""

    def features(self, images):
        found = super().features(images)
        return found - found.mean(0) + 1


class Counts(Means):
    """A running mean of what it has seen."""

    def open(self, **given):
        seen = [0]

        def extracted(images):
            seen[0] += 1
            return Extracted(features=self.features(images) + seen[0] * 1e-5)

        extractor = SimpleExtractor(self, None)
        extractor.options = SimpleNamespace(extracted=extracted)
        return extractor


class OneNumber(Means):
    """The rounded brightness: most pictures are alike."""

    def features(self, images):
        return (super().features(images) / 9).round() + 1


class InPlace(Means):
    """Turns pictures round where they are."""

    def features(self, images):
        images.copy_(255 - images)
        return super().features(images)


FAULTS = [
    (SaysNothing, "weights", "has no hint"),
    (Refuses, "weights", "not for these data"),
    (NoDigest, "protocol", "digest = ''"),
    (ClassesInAList, "protocol", "classes = ['dark', 'light']"),
    (SizeInWords, "protocol", "size = 'six'"),
    (Function, "protocol", "cannot be called"),
    (SameDigest, "digest", "with its options and with scale=2 it has the same digest"),
    (NewDigest, "digest", "opened again its digest is"),
    (Seeds, "random-numbers", "the global random numbers of torch"),
    (DrawsInLooking, "random-numbers", "the global random numbers of torch"),
    (WritesHere, "files", "it writes learned.txt"),
    (NeedsTheFolder, "files", "No such file or directory"),
    (Tensors, "features", "no Extracted but Tensor"),
    (Doubles, "features", "torch.float64 and not float32"),
    (Squeezed, "features", "are (6,) and not (1, 6)"),
    (ColorsOnly, "features", "of 1 pictures (1, 8, 8) features are (1, 2) and not (1, 6)"),
    (LargeOnly, "features", "are not finite"),
    (OnAGraph, "features", "hang on a graph"),
    (Logits, "class-probs", "are not distributions"),
    (UnnamedClasses, "class-probs", "it has no classes, and class_probs all the same"),
    (GrayPadded, "gray", "differ from those in three channels by"),
    (Normed, "independent", "rows of pictures alone differ from those together by"),
    (Counts, "repeats", "looked at again, rows of the same pictures differ by"),
    (OneNumber, "distinguishes", "that differ have the same row"),
    (InPlace, "inputs-unmodified", "it changed its argument, pictures (1, 8, 8)"),
]
