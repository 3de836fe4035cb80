"""Blocks of neighbors: every item once per epoch, by seed and place alone, and asked for before it is read."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganzoo.data import Batches
from ganzoo.orders import BLOCK, WINDOW, InBlocks
from ganzoo.protocols import DataSpec

BLOCKS = WINDOW // BLOCK
"""Of a window, at most."""
SIZES = st.integers(1, 5 * BLOCKS)
SEEDS = st.integers(0, 2**40)
PER_BLOCK = st.integers(1, 3)


class Told:
    """Items without content, and what was asked for."""

    labels = groups = modes = None
    fingerprint = "told"

    def __init__(self, size, shape):
        self.size, self.spec, self.told = size, DataSpec(shape=shape), []

    def __len__(self):
        return self.size

    def read(self, index):
        self.told.append(("read", index))
        return torch.zeros(len(index), 1, 1, 1, dtype=torch.uint8)

    def expect(self, index):
        self.told.append(("expect", index))


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


@pytest.mark.parametrize("blocks", [1, BLOCKS, BLOCKS + 1, 4 * BLOCKS, 4 * BLOCKS + 3])
@pytest.mark.parametrize("per_block", [1, 3])
def test_windows_are_of_whole_blocks_and_about_equal(blocks, per_block):
    size, windows = blocks * per_block, -(-blocks // BLOCKS)
    order, seen = in_blocks(size, 5, per_block), []
    ends = [0, *order._drawn(0)[1]]
    for begin, end in pairwise(ends):
        block, counts = (order(begin, end) // per_block).unique(return_counts=True)
        assert set(counts.tolist()) == {per_block}
        assert blocks // windows <= len(block) <= -(-blocks // windows) <= BLOCKS
        seen += block.tolist()
    assert len(ends) == windows + 1
    assert sorted(seen) == list(range(blocks))


def test_what_is_stored_together_is_in_all_windows_alike():
    """Of each 4 neighboring blocks every window has one: 64 classes of 128 blocks each come with 32 ± 0 in each."""
    per_block, windows, classes = 2, 4, 64
    size = per_block * windows * BLOCKS
    labels = torch.arange(size) * classes // size
    order = in_blocks(size, 1, per_block)
    window = size // windows
    for epoch in range(2):
        for number in range(windows):
            start = epoch * size + number * window
            seen = torch.bincount(labels[order(start, start + window)], minlength=classes)
            assert seen.tolist() == [window // classes] * classes
    first, second = ({*order(epoch * size, epoch * size + window).tolist()} for epoch in range(2))
    # Of the blocks of two epochs' first windows a quarter are the same: five standard deviations of 2,048 draws.
    assert abs(len(first & second) / window - 1 / 4) < 5 * (3 / 16 / BLOCKS) ** 0.5


@given(size=SIZES, seed=SEEDS, per_block=PER_BLOCK, start=st.integers(0, 10**4), batch=st.integers(1, 7000))
def test_all_that_is_read_was_asked_for_and_not_much_more(size, seed, per_block, start, batch):
    order, read, asked = in_blocks(size, seed, per_block), 0, []
    for number in (start + 7, *range(start, start + 6)):  # the second one does not follow the first
        places = number * batch, (number + 1) * batch
        asked += order.ahead(*places).tolist()
        read += batch
        assert set(order(*places).tolist()) <= set(asked)
    assert len(asked) <= read + 4 * BLOCKS * per_block


def test_no_batch_asks_for_much_more_than_another():
    size, batch = 3 * BLOCKS * 3 + 1, 60
    order = in_blocks(size, 0, 3)
    order.ahead(0, batch)
    assert max(len(order.ahead(start, start + batch)) for start in range(batch, 2 * size, batch)) <= batch + 2


def test_neighbors_are_asked_for_together():
    size, batch = 10 * BLOCKS * 10, 64
    order = in_blocks(size, 0, 10)
    order.ahead(0, batch)
    asked = [order.ahead(start, start + batch) for start in range(batch, size, batch)]
    runs = sum(int((index.diff() != 1).sum()) + 1 for index in asked)
    assert runs <= size // 10 + len(asked) + 10


def test_within_a_window_neighbors_are_far_apart():
    """Of 20,480 items in random order, the next one is a neighbor as rarely as in any shuffle: twice in all."""
    items = in_blocks(10 * BLOCKS * 4, 3, 10)(0, 10 * BLOCKS)
    assert int((items.diff().abs() == 1).sum()) < 12


@pytest.mark.parametrize(
    ("epoch", "first"), [(0, [18606, 8371, 10192, 16827, 8108, 2824]), (1, [5127, 18836, 16510, 8265, 16856, 3334])]
)
def test_the_order_never_changes(epoch, first):
    assert in_blocks(20_000, 7, 3)(epoch * 20_000, epoch * 20_000 + 6).tolist() == first


@pytest.mark.parametrize(("shape", "item_bytes"), [((3, 32, 32), 3072), ((7,), 28)])
def test_a_dataset_is_told_what_to_expect_before_it_is_read(shape, item_bytes):
    data = Told(30_000, shape)
    batches = Batches(data, batch_size=20, seed=0, sampling="blocks")
    index = batches.stored(4).index
    assert [what for what, _ in data.told] == ["expect", "read"]
    assert torch.equal(index, InBlocks(30_000, 0, item_bytes)(80, 100))
    assert set(index.tolist()) <= set(data.told[0][1].tolist())
    assert torch.equal(batches.stored(4, slice(5, 9)).index, index[5:9])
    batches.stored(5)
    assert [len(asked) for what, asked in data.told[2:] if what == "expect"] == [20, 20]


@pytest.mark.parametrize(("sampling", "side"), [("shuffle", 32), ("blocks", 256)])
def test_nothing_is_expected_of_a_plain_shuffle_as_that_of_large_pictures_is(sampling, side):
    data = Told(3000, (3, side, side))
    batches = Batches(data, batch_size=20, seed=0, sampling=sampling)
    assert torch.equal(batches.stored(3).index, Batches(data, batch_size=20, seed=0).stored(3).index)
    assert {what for what, _ in data.told} == {"read"}


@pytest.mark.parametrize("side", [104, 105])
def test_where_pictures_begin_to_be_large(side):
    """104×104×3 are 32,448 bytes, of which a block has two."""
    same = [
        Batches(Told(3000, (3, side, side)), batch_size=20, seed=0, sampling=sampling).stored(3).index.tolist()
        for sampling in ("blocks", "shuffle")
    ]
    assert (same[0] == same[1]) is (side == 105)
