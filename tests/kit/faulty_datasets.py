"""Datasets, each with one fault that somebody might make. ``FAULTS`` says which check is to catch it."""

from __future__ import annotations

import hashlib
import random
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import Field

from ganzoo.component import DatasetOptions, Options
from ganzoo.errors import ConfigError, DataError
from ganzoo.protocols import DataSpec

PARTS = {"train": (0, 40), "test": (40, 60), "all": (0, 60)}


class Gradients(DatasetOptions):
    """Gray ramps of random steepness, across or upright; sound."""

    tint: Literal["dark", "bright"] = Field(default="dark", description="of all images")
    seed: int = Field(default=0, ge=0, description="of the steepness")

    def open(self, *, image_size: int | None, channels: int | None, split: str, cache: Path) -> Ramps:
        if split not in PARTS:
            raise DataError("no such split", given=split, allowed=", ".join(PARTS))
        return self.made(image_size or 32, channels or 1, split)

    def made(self, side: int, channels: int, split: str) -> Ramps:
        first, last = PARTS[split]
        steepness = torch.rand(60, 1, 1, generator=torch.Generator().manual_seed(self.seed))[first:last]
        labels = (torch.arange(60) % 3).clamp(max=1)[first:last]
        ramp = (torch.arange(side) / side * 150 * steepness).expand(-1, side, side)
        images = torch.where(labels[:, None, None] == 0, ramp, ramp.transpose(1, 2)) + 100 * (self.tint == "bright")
        return Ramps(images[:, None].repeat(1, channels, 1, 1).to(torch.uint8), labels)


class Ramps:
    """Images of :class:`Gradients`, in memory."""

    def __init__(self, images, labels):
        self.images, self.labels, self.modes = images, labels, None
        self.groups = tuple(f"writer {number % 7}" for number in range(len(images)))
        shares = torch.bincount(labels, minlength=2) / len(labels)
        self.spec = DataSpec(
            shape=tuple(images.shape[1:]), classes=("across", "upright"), marginal=tuple(shares.tolist())
        )
        seen = hashlib.sha256(repr(self.spec).encode() + labels.numpy().tobytes())
        seen.update(images.numpy().tobytes())
        self.fingerprint = seen.hexdigest()

    def __len__(self):
        return len(self.images)

    def read(self, index):
        return self.images[index]


class Cloud(DatasetOptions):
    """Points around two known modes, without labels; sound."""

    n: int = Field(default=50, ge=2, description="points")

    def open(self, *, image_size: int | None, channels: int | None, split: str, cache: Path) -> Points:
        if split != "train":
            raise DataError("no such split", given=split, allowed="train")
        if image_size is not None or channels is not None:
            raise ConfigError("points have neither size nor channels")
        return Points(self.n)


class Points:
    """Points of :class:`Cloud`."""

    labels = groups = None
    mode_std = 0.1

    def __init__(self, n):
        self.modes = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
        noise = torch.randn(n, 2, generator=torch.Generator().manual_seed(0))
        self.points = self.modes[torch.arange(n) % 2] + self.mode_std * noise
        self.spec = DataSpec(shape=(2,))
        self.fingerprint = hashlib.sha256(self.points.numpy().tobytes()).hexdigest()

    def __len__(self):
        return len(self.points)

    def read(self, index):
        return self.points[index]


def named(name, model):
    """The class as if it stood in this module, so that its options can be pickled."""
    model.__name__ = model.__qualname__ = name
    globals()[name] = model
    return model


def changed(name, base=Gradients, **members):
    """The sound options whose data are of a class with other members."""

    class Faulty(base):
        """A dataset with a fault."""

        def open(self, **asked):
            data = super().open(**asked)
            data.__class__ = type(name, (type(data),), members)
            return data

    return named(name, Faulty)


def described(name, base=Gradients, **attributes):
    """The sound options whose data have other attributes, made of the data."""

    class Faulty(base):
        """A dataset with a fault."""

        def open(self, **asked):
            data = super().open(**asked)
            for attribute, make in attributes.items():
                setattr(data, attribute, make(data))
            return data

    return named(name, Faulty)


class OfFiles(Gradients):
    """Ramps and what their steepness is, in files of one folder; sound."""

    path: str = Field(default="", description="the folder")

    def made(self, side, channels, split):
        files = sorted(Path(self.path).glob("*.bin"))
        levels = torch.tensor([[int(byte) for byte in path.read_bytes()] for path in files])
        ramp = torch.arange(1, side + 1) * 255 // side
        images = levels[:, :1, None] + ramp.expand(side, side) * levels[:, 1:, None] // 255
        labels = torch.arange(len(files)) % 2
        return self.ramps(images[:, None].repeat(1, channels, 1, 1).clamp(max=255).to(torch.uint8), labels, files)

    def ramps(self, images, labels, files):
        return Ramps(images, labels)


def with_files(model, folder):
    """Options for a few files written into a folder."""
    for number in range(6):
        (folder / f"{number}.bin").write_bytes(bytes([5 * number, 100 + 20 * number]))
    return model(path=str(folder))


class OfNames(OfFiles):
    """Its fingerprint is of the names of the files."""

    def ramps(self, images, labels, files):
        data = super().ramps(images, labels, files)
        data.fingerprint = hashlib.sha256(repr((data.spec, [path.name for path in files])).encode()).hexdigest()
        return data


class OfPlaces(OfFiles):
    """Its fingerprint is also of where the files lie."""

    def ramps(self, images, labels, files):
        data = super().ramps(images, labels, files)
        data.fingerprint = f"{data.fingerprint} {self.path}"
        return data


class NoTraining(Gradients):
    """Has no split to train on."""

    def open(self, *, split, **asked):
        if split == "train":
            raise DataError("no such split", given=split, allowed="test, all")
        return super().open(split=split, **asked)


class OtherOptions(Options):
    """Derives from the wrong options."""

    def open(self, **asked):
        return Gradients().open(**asked)


class SmallerTest(Gradients):
    """Test is smaller than train, whatever is asked for."""

    def open(self, *, image_size, split, **asked):
        return super().open(image_size=8 if split == "test" else image_size, split=split, **asked)


class SaysTheSize(Gradients):
    """States the size that is asked for, and reads its own."""

    def open(self, *, image_size, **asked):
        data = super().open(image_size=None, **asked)
        data.spec = replace(data.spec, shape=(*data.spec.shape[:1], image_size or 32, image_size or 32))
        return data


class OfTheOptions(Gradients):
    """An option that changes nothing changes the fingerprint."""

    workers: int = Field(default=1, ge=1, description="threads that read")

    def made(self, side, channels, split):
        data = super().made(side, channels, split)
        data.fingerprint = f"{data.fingerprint} {self.workers}"
        return data


class NeverOpened(Gradients):
    """Returns the tensor in place of a dataset."""

    def open(self, **asked):
        return super().open(**asked).images


class FixedSize(Gradients):
    """Takes a size, and opens its own."""

    def made(self, side, channels, split):
        return super().made(32, channels, split)


class OtherChannels(Gradients):
    """Opens color whenever channels are asked for."""

    def open(self, *, channels, **asked):
        return super().open(channels=channels and 3, **asked)


class PointsOfAnySize(Cloud):
    """Ignores the size that points do not have."""

    def open(self, *, image_size, channels, **asked):
        return super().open(image_size=None, channels=None, **asked)


class AnySplit(Gradients):
    """Opens train, whatever split is asked for."""

    def open(self, *, split, **asked):
        return super().open(split=split if split in PARTS else "train", **asked)


class NamelessSplit(Gradients):
    """Refuses a split without saying which there are."""

    def open(self, *, split, **asked):
        if split not in PARTS:
            raise DataError("no such split", given=split)
        return super().open(split=split, **asked)


class ClassesOfTheSplit(Gradients):
    """Names the classes of test otherwise."""

    def open(self, *, split, **asked):
        data = super().open(split=split, **asked)
        if split == "test":
            data.spec = replace(data.spec, classes=("a", "b"))
        return data


class DrawsGlobally(Gradients):
    """Mixes its items by the global random numbers, seeded for that."""

    def open(self, **asked):
        torch.manual_seed(0)
        torch.randperm(40)
        return super().open(**asked)


class DrawsByNumpy(Gradients):
    """Seeds numpy."""

    def open(self, **asked):
        np.random.seed(0)
        return super().open(**asked)


class OtherEachTime(Gradients):
    """Mixes its items anew whenever it is opened."""

    def made(self, side, channels, split):
        data = super().made(side, channels, split)
        order = torch.tensor(random.Random().sample(range(len(data)), len(data)))
        return Ramps(data.images[order], data.labels[order])


class RoundingCache(Gradients):
    """Keeps its pixels rounded: the second opening is not like the first."""

    def open(self, *, image_size, channels, split, cache):
        data = super().open(image_size=image_size, channels=channels, split=split, cache=cache)
        kept = cache / f"{split}-{data.spec.shape}.npy"
        if kept.exists():
            return Ramps(torch.from_numpy(np.load(kept)), data.labels)
        cache.mkdir(parents=True, exist_ok=True)
        np.save(kept, data.images.numpy() // 2 * 2)
        return data


class CacheOfOneSize(Gradients):
    """Finds its pixels by split alone: whatever size is asked for, that of the first opening comes."""

    def open(self, *, image_size, channels, split, cache):
        data = super().open(image_size=image_size, channels=channels, split=split, cache=cache)
        kept = cache / f"{split}.npy"
        if kept.exists():
            return Ramps(torch.from_numpy(np.load(kept)), data.labels)
        cache.mkdir(parents=True, exist_ok=True)
        np.save(kept, data.images.numpy())
        return data


class NeedsACacheFolder(Gradients):
    """Writes into the cache folder without making it."""

    def open(self, *, cache, **asked):
        (cache / "ramps.npy").write_bytes(b"pixels")
        return super().open(cache=cache, **asked)


class WritesIntoTheWorkingFolder(Gradients):
    """Keeps its pixels where it stands."""

    def open(self, **asked):
        Path("ramps.npy").write_bytes(b"pixels")
        return super().open(**asked)


class LeavesTemporaryFiles(Gradients):
    """Unpacks into the temporary folder, and leaves that there."""

    def open(self, **asked):
        Path(tempfile.mkdtemp(), "ramps.npy").write_bytes(b"pixels")
        return super().open(**asked)


class WritesBesideTheData(Gradients):
    """Keeps an index in the user's folder of pictures."""

    path: str = Field(default="", description="the folder")

    def open(self, **asked):
        Path(self.path, "index.json").write_text("[]", encoding="utf-8")
        return super().open(**asked)


class SkipsSoundItems(Gradients):
    """With ``on_error: skip`` the last item is lost."""

    def made(self, side, channels, split):
        data = super().made(side, channels, split)
        return data if self.on_error == "stop" else Ramps(data.images[:-1], data.labels[:-1])


class NoSkipping(Gradients):
    """Fails on one of the answers to ``on_error``."""

    def open(self, **asked):
        if self.on_error == "skip":
            raise NotImplementedError("skip")
        return super().open(**asked)


def _cropped(data, index):
    shifts = torch.randint(0, 4, (1,)).item()
    return data.images[index].roll(shifts, -1)


def _stretched(data, index):
    items = data.images[index].float()
    return (items * (255 / items.max())).to(torch.uint8)


def _used_up(data, index):
    items = data.images[index]
    data.images = data.images[:-1] if len(data.images) > 20 else data.images
    return items


def _view(data, index):
    whole = len(index) == len(data.images)
    return data.images if whole else data.images[index]


def _expected_alone(data, index):
    data.images = data.images.clone()
    data.images[: len(index)] = 0


FAULTS = [
    (changed("ForgetsOthers", expect=_expected_alone), "expected", "returns other items"),
    (NeverOpened, "protocol", "returns Tensor, which lacks spec"),
    (OtherOptions, "protocol", "not derived from DatasetOptions"),
    (described("SpecAsAShape", spec=lambda data: data.spec.shape), "protocol", "no DataSpec but tuple"),
    (
        described("FlatShape", spec=lambda data: replace(data.spec, shape=data.spec.shape[1:])),
        "protocol",
        "spec.shape is (16, 16)",
    ),
    (described("NoFingerprint", fingerprint=lambda data: ""), "protocol", "fingerprint is ''"),
    (described("Empty", images=lambda data: data.images[:0]), "length", "it has no item"),
    (changed("UsedUp", read=_used_up), "length", "after some were read"),
    (
        changed("Floats", read=lambda data, index: data.images[index] / 255),
        "items",
        "torch.float32 and not torch.uint8",
    ),
    (
        changed("ChannelsLast", read=lambda data, index: data.images[index].permute(0, 2, 3, 1)),
        "items",
        "returns (40, 16, 16, 1)",
    ),
    (changed("NotANumber", Cloud, read=lambda data, index: data.points[index].log()), "items", "are not finite"),
    (changed("InArrays", read=lambda data, index: data.images[index].numpy()), "items", "no tensor but ndarray"),
    (
        changed("Squeezed", read=lambda data, index: data.images[index].squeeze(0)),
        "items",
        "read() of 1 items returns (1, 16, 16)",
    ),
    (changed("Sorted", read=lambda data, index: data.images[index.sort().values]), "order", "not those read in order"),
    (
        changed("EachOnce", read=lambda data, index: data.images[index[: len(index.unique())]]),
        "order",
        "2 positions give 1 items",
    ),
    (changed("Stretched", read=_stretched), "batch-independence", "off from what it is among others"),
    (changed("RandomCrop", read=_cropped), "repeatable", "when they are read again"),
    (changed("View", read=_view), "own-memory", "the same memory twice"),
    (changed("AlwaysTheFirst", read=lambda data, index: data.images[index * 0]), "variety", "were read are the same"),
    (changed("Black", read=lambda data, index: data.images[index] * 0), "variety", "hold nothing but 0"),
    (
        changed("NeverScaled", read=lambda data, index: data.images[index] // 16),
        "range",
        "the brightest of its pixels is 8",
    ),
    (
        described("TwinClasses", spec=lambda data: replace(data.spec, classes=("a", "a"))),
        "classes",
        "several classes are called a",
    ),
    (
        described("NoClasses", spec=lambda data: replace(data.spec, classes=(), marginal=())),
        "classes",
        "spec.classes is empty",
    ),
    (
        described("NumberedClasses", spec=lambda data: replace(data.spec, classes=(0, 1))),
        "classes",
        "are no names: (0, 1)",
    ),
    (described("NoLabels", labels=lambda data: None), "classes", "labels is None"),
    (described("LabelsFromOne", labels=lambda data: data.labels + 1), "labels", "labels go from 1 to 2"),
    (described("LabelsInAList", labels=lambda data: data.labels.tolist()), "labels", "no tensor but list"),
    (
        described("LabelsInBytes", labels=lambda data: data.labels.to(torch.uint8)),
        "labels",
        "torch.uint8 and not torch.int64",
    ),
    (described("LabelsUpright", labels=lambda data: data.labels[:, None]), "labels", "labels have the shape (40, 1)"),
    (described("NoShares", spec=lambda data: replace(data.spec, marginal=())), "marginal", "0 numbers for 2 classes"),
    (
        described("EqualShares", spec=lambda data: replace(data.spec, marginal=(0.5, 0.5))),
        "marginal",
        "says 0.5 of class across",
    ),
    (described("Counts", spec=lambda data: replace(data.spec, marginal=(14, 26))), "marginal", "sums to 40"),
    (described("GroupsInAList", groups=lambda data: list(data.groups)), "groups", "no tuple but list"),
    (described("GroupsInNumbers", groups=lambda data: tuple(range(len(data.groups)))), "groups", "groups are no texts"),
    (
        described("GroupsOnceEach", groups=lambda data: tuple(sorted(set(data.groups)))),
        "groups",
        "7 groups for 40 items",
    ),
    (described("ModesInAList", Cloud, modes=lambda data: data.modes.tolist()), "modes", "no tensor (K, D)"),
    (described("NoModes", Cloud, modes=lambda data: data.modes[:0]), "modes", "modes (0, 2) are none"),
    (described("ModesInSpace", Cloud, modes=lambda data: torch.zeros(2, 3)), "modes", "modes have 3 numbers"),
    (described("ScaledModes", Cloud, modes=lambda data: data.modes * 10), "modes", "100% of the vectors"),
    (described("NoSpread", Cloud, mode_std=lambda data: None), "modes", "mode_std is None"),
    (
        described("OneFingerprint", fingerprint=lambda data: "gradients-1"),
        "fingerprint",
        "and with split='test' it has the same fingerprint",
    ),
    (
        described("OfTheFirstItem", fingerprint=lambda data: str(data.images[0].sum().item())),
        "fingerprint",
        "it has the same fingerprint",
    ),
    (
        described("OfTheObject", fingerprint=lambda data: str(random.Random().random())),
        "reopened",
        "opened again it has the fingerprint",
    ),
    (OtherEachTime, "reopened", "holds something else"),
    (RoundingCache, "reopened", "holds something else"),
    (CacheOfOneSize, "size", "it has the shape (1, 8, 8)"),
    (NeedsACacheFolder, "writes", "FileNotFoundError"),
    (FixedSize, "size", "it has the shape (1, 32, 32)"),
    (OtherChannels, "size", "it has the shape (3, 24, 24)"),
    (PointsOfAnySize, "size", "it opens vectors"),
    (SaysTheSize, "size", "it reads (1, 32, 32)"),
    (OfTheOptions, "fingerprint", "with workers=2 it is the same"),
    (OfNames, "files", "whose files have changed places"),
    (OfPlaces, "files", "with a copy of path it has not the same fingerprint"),
    (NoTraining, "train", "it has no split train"),
    (SmallerTest, "splits", "split test has the shape"),
    (AnySplit, "splits", "it opens split no-such-split"),
    (NamelessSplit, "splits", "does not name train"),
    (ClassesOfTheSplit, "splits", "split test has the classes"),
    (SkipsSoundItems, "on-error", "39 with on_error=skip"),
    (NoSkipping, "on-error", "NotImplementedError"),
    (DrawsGlobally, "random-numbers", "random numbers of torch"),
    (DrawsByNumpy, "random-numbers", "random numbers of numpy"),
    (WritesIntoTheWorkingFolder, "writes", "it writes ramps.npy"),
    (LeavesTemporaryFiles, "writes", "it writes tmpdir"),
    (WritesBesideTheData, "writes", "index.json"),
]
