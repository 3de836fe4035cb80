"""Blocks of neighbors: every item once per epoch, by seed and place alone, and asked for before it is read."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganzoo.data import Batches
from ganzoo.orders import BLOCK, WINDOW, InBlocks
from ganzoo.protocols import DataSpec

SIZES = st.integers(1, 5 * WINDOW)
SEEDS = st.integers(0, 2**40)
PER_BLOCK = st.integers(1, 3)


class Told:
    """Pictures without pixels, and what was asked for."""

    labels = groups = modes = None
    fingerprint = "told"

    def __init__(self, size, side):
        self.size, self.spec, self.asked = size, DataSpec(shape=(1, side, side)), []

    def __len__(self):
        return self.size

    def read(self, index):
        return torch.zeros(len(index), 1, 1, 1, dtype=torch.uint8)

    def expect(self, index):
        self.asked.append(index)


def in_blocks(size, seed, per_block):
    return InBlocks(size, seed, BLOCK // per_block)


@given(size=SIZES, seed=SEEDS, per_block=PER_BLOCK)
def test_every_epoch_has_every_item_once(size, seed, per_block):
    order = in_blocks(size, seed, per_block)
    for epoch in range(2):
        assert order(epoch * size, (epoch + 1) * size).sort().values.tolist() == list(range(size))


@given(size=SIZES, seed=SEEDS, per_block=PER_BLOCK, places=st.lists(st.integers(0, 10**6), min_size=1, max_size=5))
def test_what_stands_at_a_place_does_not_depend_on_what_was_read_or_asked_before(size, seed, per_block, places):
    walked = in_blocks(size, seed, per_block)
    for place in places:
        fresh = in_blocks(size, seed, per_block)
        assert torch.equal(walked(place, place + 9), fresh(place, place + 9))
        walked.ahead(place, place + 9)


@given(windows=st.integers(1, 4), seed=SEEDS, per_block=PER_BLOCK)
def test_the_items_of_a_block_come_within_one_window(windows, seed, per_block):
    window = per_block * WINDOW
    order = in_blocks(windows * window, seed, per_block)
    blocks = [set((order(n * window, (n + 1) * window) // per_block).tolist()) for n in range(windows)]
    assert [len(seen) for seen in blocks] == [WINDOW] * windows
    assert len(set.union(*blocks)) == WINDOW * windows


@given(size=SIZES, seed=SEEDS, per_block=PER_BLOCK, start=st.integers(0, 10**5), batch=st.integers(1, 700))
def test_all_that_is_read_was_asked_for_and_not_much_more(size, seed, per_block, start, batch):
    order, read, asked = in_blocks(size, seed, per_block), 0, []
    for number in range(start, start + 6):
        places = number * batch, (number + 1) * batch
        asked += order.ahead(*places).tolist()
        read += batch
        assert set(order(*places).tolist()) <= set(asked)
    assert len(asked) <= read + 2 * WINDOW * per_block


def test_neighbors_are_asked_for_together():
    size, batch = 40 * WINDOW, 64
    order = in_blocks(size, 0, 10)
    order.ahead(0, batch)
    runs = sum(int((order.ahead(n, n + batch).diff() != 1).sum()) + 1 for n in range(batch, size, batch))
    assert runs <= size // 10 + size // batch + 4


def test_within_a_window_neighbors_are_far_apart():
    """Of 2,560 items in random order, the next one is a neighbor as rarely as in any shuffle: 2 of 2,560 times."""
    items = in_blocks(10 * WINDOW * 4, 3, 10)(0, 10 * WINDOW)
    assert int((items.diff().abs() == 1).sum()) < 12


def test_the_order_never_changes():
    assert in_blocks(2000, 7, 3)(0, 6).tolist() == FIRST[0]
    assert in_blocks(2000, 7, 3)(2000, 2006).tolist() == FIRST[1]


FIRST = [66, 1464, 1941, 286, 1263, 1812], [651, 843, 808, 990, 681, 1586]
"""Of every run with this seed and size that there is: the first items of two epochs."""


@pytest.mark.parametrize(("sampling", "told"), [("blocks", True), ("shuffle", False)])
def test_a_dataset_is_told_what_to_expect(sampling, told):
    data = Told(3000, side=512)
    batches = Batches(data, batch_size=20, seed=0, sampling=sampling)
    index = batches.stored(4).index
    assert bool(data.asked) is told
    if told:
        assert torch.equal(index, InBlocks(3000, 0, 512 * 512)(80, 100))
        assert set(index.tolist()) <= set(data.asked[0].tolist())
        batches.stored(4, slice(5, 9))
        batches.stored(5)
        assert [len(index) for index in data.asked[1:]] == [20, 20]
