"""Checks of the items of data."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo.component import DatasetOptions
from ganzoo.protocols import Dataset, DataSpec
from ganzoo.testing.check import check, demand
from ganzoo.testing.datasets.opened_data import MOST, on_data, small_data, some, without
from ganzoo.testing.subject import Subject

DIMMEST = 32
"""Images whose brightest value is below this are black to the eye: numbers that were never scaled to 0…255."""


@check("protocol", Dataset, "Random access to decoded data.", every_choice=True)
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


@check("length", Dataset, "It has at least one item, and their number does not change.")
@on_data
def has_items(data: Any) -> None:
    """How many there are does not change while they are read."""
    count = len(data)
    demand(count > 0, "it has no item")
    data.read(some(data))
    demand(len(data) == count, f"it has {count} items, and {len(data)} after some were read")


@check("items", Dataset, "Items have the shape that ``spec`` states, and hold finite numbers alone.")
@on_data
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


@check("order", Dataset, "They come in the order of the index, which may name one twice.")
@on_data
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


@check("expected", Dataset, "What is expected changes nothing that is read.", skip=without("expect"))
@on_data
def reads_what_was_expected(data: Any) -> None:
    """Expected in part, twice and not at all."""
    whole = some(data, 16)
    items = data.read(whole)
    for index in (whole, whole[:3], whole[:1].repeat(2), whole[:0]):
        data.expect(index)
        changed = not torch.equal(data.read(whole), items)
        demand(not changed, f"after expect({index.tolist()}) read({whole.tolist()}) returns other items")


@check("batch-independence", Dataset, "An item does not depend on the items that are read with it.")
@on_data
def reads_each_alone(data: Any) -> None:
    """One by one, and all together."""
    whole = some(data, 16)
    items = data.read(whole)
    for place, item in zip(whole, items, strict=True):
        alone = data.read(place[None])[0]
        off = (alone.double() - item.double()).abs().max().item()
        demand(off == 0, f"item {place.item()} read alone is {off:g} off from what it is among others")


@check("repeatable", Dataset, "It is the same whenever it is read: it is not cropped or rotated at random.")
@on_data
def reads_the_same_again(data: Any) -> None:
    """Nothing is left to chance, and nothing is used up."""
    whole = some(data)
    first, again = data.read(whole).clone(), data.read(whole)
    changed = (first != again).flatten(1).any(1).sum().item()
    demand(not changed, f"{changed} of {len(whole)} items are others when they are read again")


@check("own-memory", Dataset, "The returned tensor belongs to the caller, who may modify it.")
@on_data
def gives_its_items_away(data: Any) -> None:
    """Two readers get two tensors."""
    for index in (torch.arange(min(len(data), MOST)), some(data, 8), torch.tensor([0])):
        first, again = data.read(index), data.read(index)
        # By address: what is mapped from a file must not be written to.
        shared = first.untyped_storage().data_ptr() == again.untyped_storage().data_ptr()
        demand(
            not shared, f"read() of {len(index)} items returns the same memory twice: whoever changes it changes both"
        )


@check("variety", Dataset, "Items differ from each other.")
@on_data
def items_differ(data: Any) -> None:
    """One picture again and again is a slip of the index; one color is a slip of the decoding."""
    items = data.read(some(data)).flatten(1)
    demand(
        (items != items[0, 0]).any(), f"all {len(items)} items that were read hold nothing but {items[0, 0].item():g}"
    )
    demand(len(items) == 1 or (items != items[0]).any(), f"all {len(items)} items that were read are the same")


def of_vectors(subject: Subject) -> str | None:
    """Vectors have no range."""
    with small_data(subject) as data:
        return None if len(data.spec.shape) == 3 else "it is of vectors"


@check("range", Dataset.read, "Pixels are scaled to 0…255.", skip=of_vectors)
@on_data
def uses_the_range(data: Any) -> None:
    """The most frequent slip: values of 0…1, or 0…15, cast to bytes."""
    brightest = data.read(some(data, 512)).max().item()
    demand(brightest >= DIMMEST, f"the brightest of its pixels is {brightest}, of 255: scale them")
