"""Checks of what data are opened with, and of what opening them leaves alone."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from ganzoo.component import DatasetOptions
from ganzoo.errors import ConfigError, DataError
from ganzoo.testing.check import check, demand
from ganzoo.testing.datasets.opened_data import empty_cache, open_data, side_of, small_data, some
from ganzoo.testing.random_numbers import random_numbers_untouched
from ganzoo.testing.subject import Subject
from ganzoo.testing.written_files import nothing_written

ASKED = ((8, None), (24, 1), (24, 3), (None, 3))
"""Sizes and channels to ask for."""


@check(
    "size",
    DatasetOptions.open,
    "A size or channels that are asked for are what comes, or a ConfigError or DataError says why not; vectors have "
    "neither.",
)
def gives_the_size_asked_for(subject: Subject) -> None:
    """As asked, or an error that says why not; never something else without a word."""
    with empty_cache() as cache:
        for image_size, channels in ASKED:
            try:
                data = open_data(subject, cache, image_size=image_size, channels=channels)
            except (ConfigError, DataError):
                continue
            asked, shape = f"asked for image_size={image_size}, channels={channels}", tuple(data.spec.shape)
            demand(len(shape) == 3, f"{asked} it opens vectors {shape} in place of an error")
            demand(image_size in (None, shape[-1]), f"{asked} it has the shape {shape}")
            demand(channels in (None, shape[0]), f"{asked} it has the shape {shape}")
            read = tuple(data.read(torch.tensor([0])).shape[1:])
            demand(read == shape, f"{asked} it reads {read}; spec.shape is {shape}")


@check("train", DatasetOptions.open, "It has a split ``train``, for a run asks for that one by default.")
def has_a_split_to_train_on(subject: Subject) -> None:
    """Nobody who names the data alone gets anything otherwise."""
    with empty_cache() as cache:
        try:
            open_data(subject, cache)
        except DataError as error:
            demand(False, f"it has no split train: {error.message}")


@check("splits", DatasetOptions.open, "An unknown split is a DataError that names those there are.")
def knows_its_splits(subject: Subject) -> None:
    """An unknown one is refused by name, and the others fit the same networks."""
    with empty_cache() as cache:
        first = open_data(subject, cache)
        shape = first.spec.shape
        stated = {"image_size": shape[-1], "channels": shape[0]} if len(shape) == 3 else {}
        try:
            open_data(subject, cache, split="no-such-split")
        except DataError as error:
            demand("train" in str(error), f"the error of an unknown split does not name train: {error.message}")
        else:
            demand(False, "it opens split no-such-split, without a DataError")
        for split in ("val", "test", "all"):
            try:
                data = open_data(subject, cache, split=split, **stated)
            except DataError:
                continue
            demand(data.spec.shape == shape, f"split {split} has the shape {data.spec.shape}, train {shape}")
            demand(
                data.spec.classes == first.spec.classes,
                f"split {split} has the classes {data.spec.classes}, train {first.spec.classes}",
            )


@check(
    "on-error",
    DatasetOptions.open,
    "Both answers to ``on_error`` are taken; where nothing is broken they mean the same.",
)
def takes_on_error(subject: Subject) -> None:
    """Where nothing is broken, nothing is skipped."""
    options = subject.chosen
    with empty_cache() as cache:
        side = side_of(subject, cache)
        answers = [type(options)(**{**dict(options), "on_error": answer}) for answer in ("stop", "skip")]
        stopping, skipping = (open_data(replace(subject, options=answer), cache, image_size=side) for answer in answers)
        demand(
            len(skipping) == len(stopping),
            f"it has {len(stopping)} items, and {len(skipping)} with on_error=skip, though none is broken",
        )


@check("random-numbers", DatasetOptions.open, "No global random number is drawn, here or in reading.")
def draws_nothing(subject: Subject) -> None:
    """A run would not be the same with other data before it."""
    with random_numbers_untouched(), small_data(subject) as data:
        data.read(some(data))


@check(
    "writes",
    DatasetOptions.open,
    "Files are written below ``cache`` and nowhere else; that folder may not be there yet.",
)
def writes_to_its_cache_alone(subject: Subject) -> None:
    """Not beside the pictures, beside its code, in the working folder or at home."""
    subject = _with_absolute_paths(subject)  # it is opened in another working folder
    code = Path(inspect.getfile(type(subject.chosen))).parent
    with empty_cache() as cache, nothing_written(code=code, watched=_sources(subject)):
        data = open_data(subject, cache)
        data.read(some(data))


def _with_absolute_paths(subject: Subject) -> Subject:
    """The same data, wherever the working folder is."""
    there = {name: value for name, value in subject.chosen if isinstance(value, str | Path) and value}
    paths = {name: Path(value).absolute() for name, value in there.items() if Path(value).exists()}
    absolute = {name: type(there[name])(path) for name, path in paths.items()}
    return replace(subject, options=subject.chosen.model_copy(update=absolute))


def _sources(subject: Subject) -> Iterator[Path]:
    """Folders of the data, as absolute paths among the options name them."""
    for _, value in subject.chosen:
        if isinstance(value, str | Path) and (path := Path(value)).is_absolute() and path.exists():
            yield path if path.is_dir() else path.parent
