"""Checks of datasets."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.component import DatasetOptions
from ganzoo.errors import ConfigError, DataError
from ganzoo.protocols import DataSpec
from ganzoo.testing.check import Check, demand
from ganzoo.testing.datasets.copied_files import copies, sources
from ganzoo.testing.datasets.opened_data import (
    MOST,
    content_of,
    empty_cache,
    look_at,
    open_data,
    openings,
    side_of,
    small_data,
    some,
)
from ganzoo.testing.options import OPTIONS_CHECKS
from ganzoo.testing.random_numbers import random_numbers_untouched
from ganzoo.testing.subject import Subject
from ganzoo.testing.written_files import nothing_written

DATASET = "ganzoo.protocols:Dataset"
READ = "ganzoo.protocols:Dataset.read"
OPEN = "ganzoo.component:DatasetOptions.open"
SPEC = "ganzoo.protocols:DataSpec"

ASKED = ((8, None), (24, 1), (24, 3), (None, 3))
"""Sizes and channels to ask for."""
DIMMEST = 32
"""Images whose brightest value is below this are black to the eye: numbers that were never scaled to 0…255."""
FAR = 5.0
"""By Chebyshev's inequality at most 1 in 25 samples of any distribution lies so many standard deviations away."""


def keeps_the_protocol(subject: Subject) -> None:
    """What is opened has all that a run looks at."""
    demand(isinstance(subject.chosen, DatasetOptions), "its options are not derived from DatasetOptions")
    with small_data(subject) as data:
        names = ("spec", "fingerprint", "labels", "groups", "modes", "__len__", "read")
        lacking = [name for name in names if not hasattr(data, name)]
        demand(not lacking, f"open() returns {type(data).__name__}, which lacks {', '.join(lacking)}")
        demand(isinstance(data.spec, DataSpec), f"spec is no DataSpec but {type(data.spec).__name__}")
        demand(len(data.spec.shape) in (1, 3), f"spec.shape is {data.spec.shape}, neither (C, H, W) nor (D,)")
        demand(data.fingerprint and isinstance(data.fingerprint, str), f"fingerprint is {data.fingerprint!r}")


def has_items(data: Any) -> None:
    """How many there are does not change while they are read."""
    count = len(data)
    demand(count > 0, "it has no item")
    data.read(some(data))
    demand(len(data) == count, f"it has {count} items, and {len(data)} after some were read")


def reads_what_it_states(data: Any) -> None:
    """Type and shape, and no number that is none."""
    shape = tuple(data.spec.shape)
    wanted = torch.uint8 if len(shape) == 3 else torch.float32
    for index in (some(data), torch.tensor([0])):
        items = data.read(index)
        demand(isinstance(items, Tensor), f"read() returns no tensor but {type(items).__name__}")
        demand(items.dtype == wanted, f"read() returns {items.dtype} and not {wanted}")
        right = tuple(items.shape) == (len(index), *shape)
        demand(right, f"read() of {len(index)} items returns {tuple(items.shape)}; spec.shape is {shape}")
        broken = (~items.isfinite()).flatten(1).any(1).sum().item()
        demand(not broken, f"{broken} of {len(items)} items are not finite")


def keeps_the_order(data: Any) -> None:
    """Backwards, mixed, one twice."""
    whole = some(data, 16)
    items = data.read(whole)
    places = torch.arange(len(whole))
    mixed = torch.randperm(len(whole), generator=torch.Generator().manual_seed(1))
    for order in (places.flip(0), mixed, torch.tensor([0, 0]), torch.cat([mixed, mixed])):
        read = data.read(whole[order])
        demand(len(read) == len(order), f"{len(order)} positions give {len(read)} items; one may stand there twice")
        wrong = (read != items[order]).flatten(1).any(1).nonzero().flatten().tolist()
        demand(not wrong, f"items {whole[order].tolist()} are not those read in order; the first other is {wrong[:1]}")


def reads_each_alone(data: Any) -> None:
    """One by one, and all together."""
    whole = some(data, 16)
    items = data.read(whole)
    for place, item in zip(whole, items, strict=True):
        alone = data.read(place[None])[0]
        off = (alone.double() - item.double()).abs().max().item()
        demand(off == 0, f"item {place.item()} read alone is {off:g} off from what it is among others")


def reads_the_same_again(data: Any) -> None:
    """Nothing is left to chance, and nothing is used up."""
    whole = some(data)
    first, again = data.read(whole).clone(), data.read(whole)
    changed = (first != again).flatten(1).any(1).sum().item()
    demand(not changed, f"{changed} of {len(whole)} items are others when they are read again")


def gives_its_items_away(data: Any) -> None:
    """Two readers get two tensors."""
    for index in (torch.arange(min(len(data), MOST)), some(data, 8), torch.tensor([0])):
        first, again = data.read(index), data.read(index)
        # By address: what is mapped from a file must not be written to.
        shared = first.untyped_storage().data_ptr() == again.untyped_storage().data_ptr()
        demand(
            not shared, f"read() of {len(index)} items returns the same memory twice: whoever changes it changes both"
        )


def items_differ(data: Any) -> None:
    """One picture again and again is a slip of the index; one color is a slip of the decoding."""
    items = data.read(some(data)).flatten(1)
    demand(
        (items != items[0, 0]).any(), f"all {len(items)} items that were read hold nothing but {items[0, 0].item():g}"
    )
    demand(len(items) == 1 or (items != items[0]).any(), f"all {len(items)} items that were read are the same")


def uses_the_range(data: Any) -> None:
    """The most frequent slip: values of 0…1, or 0…15, cast to bytes."""
    brightest = data.read(some(data, 512)).max().item()
    demand(brightest >= DIMMEST, f"the brightest of its pixels is {brightest}, of 255: scale them")


def of_vectors(subject: Subject) -> str | None:
    """Vectors have no range."""
    with small_data(subject) as data:
        return None if len(data.spec.shape) == 3 else "it is of vectors"


def is_the_same_again(subject: Subject) -> None:
    """From an empty cache, from its own, and by the size that the configuration of a resumed run states."""
    with empty_cache() as cache, empty_cache() as other:
        first = open_data(subject, cache)
        shape = first.spec.shape
        stated = {"image_size": shape[-1], "channels": shape[0]} if len(shape) == 3 else {}
        content = content_of(first)
        for words, data in (
            ("again", open_data(subject, cache)),
            ("again with an empty cache", open_data(subject, other)),
            (f"with what it states, {stated}", open_data(subject, cache, **stated)),
        ):
            demand(content_of(data).visible == content.visible, f"opened {words} it holds something else")
            demand(
                data.fingerprint == first.fingerprint,
                f"opened {words} it has the fingerprint {data.fingerprint!r} in place of {first.fingerprint!r}",
            )


def fingerprint_is_honest(subject: Subject) -> None:
    """Equal exactly if what is read is equal: by another size, split, seed, choice."""
    with empty_cache() as cache:
        seen = [(words, data.fingerprint, content_of(data)) for words, data in openings(subject, cache)]
    for (one, first, content), (other, second, its) in combinations(seen, 2):
        alike = first != second or content.tensors == its.tensors
        demand(alike, f"with {one} and with {other} it has the same fingerprint, {first!r}, and other items or labels")
        equal = content.whole and its.whole and content.visible == its.visible
        demand(first == second or not equal, f"with {one} and with {other} it is the same, and its fingerprints differ")


def follows_its_files(subject: Subject) -> None:
    """A copy is the same, and one in which the files hold something else is another."""
    first, content = look_at(subject)
    for words, copy, alike in copies(subject):
        try:
            fingerprint, its = look_at(copy)
        except Exception:
            if alike:
                raise
            continue  # what was changed cannot be read any more
        same = f"the same fingerprint, {first!r}"
        demand(not alike or its.visible == content.visible, f"{words} it holds something else")
        demand(not alike or fingerprint == first, f"{words} it has not {same}, but {fingerprint!r}")
        demand(
            its.tensors == content.tensors or fingerprint != first, f"{words} it has other items or labels, and {same}"
        )


def without_files(subject: Subject) -> str | None:
    """Files that are large would take long."""
    return None if sources(subject) else "no option of it names files, or they are many or large"


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


def has_a_split_to_train_on(subject: Subject) -> None:
    """Nobody who names the data alone gets anything otherwise."""
    with empty_cache() as cache:
        try:
            open_data(subject, cache)
        except DataError as error:
            demand(False, f"it has no split train: {error.message}")


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


def draws_nothing(subject: Subject) -> None:
    """A run would not be the same with other data before it."""
    with random_numbers_untouched(), small_data(subject) as data:
        data.read(some(data))


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


def classes_have_labels(data: Any) -> None:
    """Names and labels, both or neither."""
    classes = data.spec.classes
    twice = sorted({name for name in classes if classes.count(name) > 1})
    demand(not twice, f"several classes are called {', '.join(twice)}")
    named = all(isinstance(name, str) and name for name in classes)
    demand(named, f"spec.classes are no names: {classes[:5]}")
    demand(data.labels is not None or not classes, f"it has {len(classes)} classes, and labels is None")
    demand(data.labels is None or classes, "it has labels, and spec.classes is empty")


def labels_fit(data: Any) -> None:
    """One integer an item, within the classes."""
    labels, classes = data.labels, len(data.spec.classes)
    demand(isinstance(labels, Tensor), f"labels are no tensor but {type(labels).__name__}")
    demand(labels.dtype == torch.int64, f"labels are {labels.dtype} and not torch.int64")
    demand(tuple(labels.shape) == (len(data),), f"labels have the shape {tuple(labels.shape)} for {len(data)} items")
    low, high = labels.min().item(), labels.max().item()
    demand(low >= 0 and high < classes, f"labels go from {low} to {high}, and there are {classes} classes")


def marginal_is_the_frequency(data: Any) -> None:
    """Labels of fakes are drawn from it."""
    marginal, classes = data.spec.marginal, len(data.spec.classes)
    demand(len(marginal) == classes, f"spec.marginal has {len(marginal)} numbers for {classes} classes")
    demand(abs(sum(marginal) - 1) < 1e-4, f"spec.marginal sums to {sum(marginal):g}")
    counts = torch.bincount(data.labels, minlength=classes).double()
    for name, said, so in zip(data.spec.classes, marginal, (counts / counts.sum()).tolist(), strict=True):
        demand(abs(said - so) < 1e-4, f"spec.marginal says {said:g} of class {name}, and {so:g} of the labels are")


def groups_fit(data: Any) -> None:
    """One name an item."""
    groups = data.groups
    demand(isinstance(groups, tuple), f"groups are no tuple but {type(groups).__name__}")
    demand(len(groups) == len(data), f"there are {len(groups)} groups for {len(data)} items")
    demand(all(isinstance(group, str) for group in groups), "groups are no texts")


def modes_are_where_the_data_are(data: Any) -> None:
    """Known modes are points; those of vectors lie amidst the data."""
    modes, shape = data.modes, tuple(data.spec.shape)
    demand(isinstance(modes, Tensor) and modes.dim() == 2, "modes are no tensor (K, D)")
    demand(modes.isfinite().all() and len(modes), f"modes {tuple(modes.shape)} are none, or not finite")
    if len(shape) != 1:
        return
    demand(modes.shape[1] == shape[0], f"modes have {modes.shape[1]} numbers and the vectors {shape[0]}")
    std: Any = getattr(data, "mode_std", None)
    demand(isinstance(std, int | float) and std > 0, f"mode_std is {std!r} and no number above 0")
    items = data.read(some(data, 1000)).double()
    distance = torch.linalg.vector_norm(items[:, None] - modes.double(), dim=2).amin(1)
    far = (distance > FAR * std * shape[0] ** 0.5).double().mean().item()
    demand(far <= 0.1, f"{far:.0%} of the vectors lie further than {FAR:g} mode_std from every mode")


def without(name: str) -> Callable[[Subject], str | None]:
    """Skip data that lack what they need not have."""

    def reason(subject: Subject) -> str | None:
        with small_data(subject) as data:
            return f"it has no {name}" if getattr(data, name) is None else None

    return reason


def on_data(look: Callable[[Any], None]) -> Callable[[Subject], None]:
    """A check of the opened data alone."""

    def run(subject: Subject) -> None:
        with small_data(subject) as data:
            look(data)

    return run


def _of_items() -> Iterator[Check]:
    says = {
        "length": (has_items, "It has at least one item, and their number does not change."),
        "items": (reads_what_it_states, "Items have the shape that ``spec`` states, and hold finite numbers alone."),
        "order": (keeps_the_order, "They come in the order of the index, which may name one twice."),
        "batch-independence": (reads_each_alone, "What an item is does not depend on those that are read with it."),
        "repeatable": (reads_the_same_again, "It is the same whenever it is read: nothing is cut or turned at random."),
        "own-memory": (gives_its_items_away, "Whoever reads may change what came."),
        "variety": (items_differ, "Items differ from each other."),
    }
    for name, (look, sentence) in says.items():
        yield Check(name=name, run=on_data(look), cites=DATASET, sentence=sentence)


def _of_opening() -> Iterator[Check]:
    says = {
        "size": (
            gives_the_size_asked_for,
            "A size or channels that are asked for are what comes, or a ConfigError or DataError says why not; vectors "
            "have neither.",
        ),
        "train": (has_a_split_to_train_on, "It has a split ``train``, for a run asks for that one by default."),
        "splits": (knows_its_splits, "An unknown split is a DataError that names those there are."),
        "on-error": (
            takes_on_error,
            "Both answers to ``on_error`` are taken; where nothing is broken they mean the same.",
        ),
        "random-numbers": (draws_nothing, "No global random number is drawn, here or in reading."),
        "writes": (
            writes_to_its_cache_alone,
            "Files are written below ``cache`` and nowhere else; that folder may not be there yet.",
        ),
    }
    for name, (run, sentence) in says.items():
        yield Check(name=name, run=run, cites=OPEN, sentence=sentence)


def _of_attributes() -> Iterator[Check]:
    says = {
        "labels": (labels_fit, DATASET, "labels: (N,) int64, or ``None``.", "labels"),
        "marginal": (
            marginal_is_the_frequency,
            SPEC,
            "marginal: relative frequency of each class, summing to 1; as long as ``classes``.",
            "labels",
        ),
        "groups": (groups_fit, DATASET, "groups: e.g. the patient or writer of each item, or ``None``.", "groups"),
        "modes": (
            modes_are_where_the_data_are,
            DATASET,
            "Vector data with known modes also say how far they spread around each, as ``mode_std``.",
            "modes",
        ),
    }
    for name, (look, cites, sentence, needed) in says.items():
        yield Check(name=name, run=on_data(look), cites=cites, sentence=sentence, skip=without(needed))


DATASET_CHECKS = (
    *OPTIONS_CHECKS,
    Check(
        name="protocol",
        run=keeps_the_protocol,
        cites=DATASET,
        sentence="Random access to decoded data.",
        every_choice=True,
    ),
    *_of_items(),
    Check(
        name="range",
        run=on_data(uses_the_range),
        cites=READ,
        sentence="Pixels are scaled to 0…255.",
        skip=of_vectors,
    ),
    Check(
        name="classes",
        run=on_data(classes_have_labels),
        cites=SPEC,
        sentence="classes: class names, each once; empty exactly when the data has no labels.",
    ),
    *_of_attributes(),
    Check(
        name="reopened",
        run=is_the_same_again,
        cites=DATASET,
        sentence=(
            "Opened again it is the same, whether the cache is empty or not, and also if the size and the channels "
            "that it states are asked for."
        ),
    ),
    Check(
        name="fingerprint",
        run=fingerprint_is_honest,
        cites=DATASET,
        sentence="fingerprint: a hash of the content as it is read; two equal fingerprints mean equal tensors, and the "
        "same content has the same.",
    ),
    Check(
        name="files",
        run=follows_its_files,
        cites=DATASET,
        sentence="It follows from what files hold, wherever they lie.",
        skip=without_files,
    ),
    *_of_opening(),
)
AT_LEAST = 22
