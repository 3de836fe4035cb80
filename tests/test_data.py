"""Batches are a function of (seed, number): order, mirroring, values, and what is refused."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganzoo.data import EVERY, Batches, as_floats, cache_folder
from ganzoo.errors import ConfigError, DataError
from ganzoo.protocols import DataSpec

SIZES = st.integers(1, 40)
BATCH_SIZES = st.integers(1, 50)
SEEDS = st.integers(0, 2**40)


class Ramp:
    """Item i is an image whose left half is i and whose right half is 255 − i."""

    groups = None
    modes = None

    def __init__(self, count, *, labelled=True):
        self.spec = DataSpec(shape=(1, 2, 4))
        self.fingerprint = f"ramp {count}"
        self.labels = torch.arange(count) % 3 if labelled else None
        self.count = count

    def __len__(self):
        return self.count

    def read(self, index):
        images = index.to(torch.uint8)[:, None, None, None].repeat(1, 1, 2, 4)
        images[..., 2:] = 255 - images[..., 2:]
        return images


class Points(Ramp):
    """Vectors, kept in one tensor that reading hands out as it is."""

    def __init__(self, count):
        super().__init__(count, labelled=False)
        self.spec = DataSpec(shape=(2,))
        self.values = torch.randn(count, 2, generator=torch.Generator().manual_seed(0))

    def read(self, index):
        return self.values[index]


def test_pixels_become_the_quotient_that_is_rounded_once():
    """A GPU would multiply with 1 / 127.5, which differs for some of them: in float64 all are told apart."""
    pixels = torch.arange(256, dtype=torch.uint8)
    floats = as_floats(pixels)
    assert floats.dtype == torch.float32
    assert torch.equal(floats, (pixels.double() / 127.5).float() - 1)
    assert not torch.equal(floats, pixels.float() * (1 / torch.tensor(127.5)) - 1)
    points = torch.randn(3, 2)
    assert as_floats(points) is points


@given(size=SIZES, batch_size=BATCH_SIZES, seed=SEEDS, hflip=st.booleans())
def test_stored_batches_are_bytes_that_become_the_batches(size, batch_size, seed, hflip):
    batches = Batches(Ramp(size), batch_size=batch_size, seed=seed, hflip=hflip)
    for rows in (EVERY, slice(1, None, 2)):
        stored, batch = batches.stored(5, rows), batches.batch(5, rows)
        assert stored.data.dtype == torch.uint8
        assert torch.equal(as_floats(stored.data), batch.data)
        assert torch.equal(stored.index, batch.index)
        assert torch.equal(stored.labels, batch.labels)


def order(batches, count):
    return torch.cat([batches.batch(number).index for number in range(count)])


class Labelled(Ramp):
    """Items with the labels they are given, of which some classes may be missing."""

    def __init__(self, labels):
        super().__init__(len(labels))
        self.labels = torch.tensor(labels)


# The order of the data in every run there is: (seed, items, epoch) → the first six.
FIRST_ITEMS = {(0, 50, 0): [22, 40, 16, 25, 0, 36], (7, 13, 2): [10, 0, 5, 11, 4, 8]}
LABELS = st.lists(st.integers(0, 6), min_size=1, max_size=30)


@given(size=SIZES, batch_size=BATCH_SIZES, seed=SEEDS)
def test_every_epoch_is_a_permutation(size, batch_size, seed):
    seen = order(Batches(Ramp(size), batch_size=batch_size, seed=seed), -(-3 * size // batch_size))
    for epoch in range(3):
        assert sorted(seen[epoch * size : (epoch + 1) * size].tolist()) == list(range(size))


@given(size=SIZES, batch_size=BATCH_SIZES, seed=SEEDS, numbers=st.lists(st.integers(0, 1000), min_size=1, max_size=6))
def test_a_batch_does_not_depend_on_what_was_read_before(size, batch_size, seed, numbers):
    walked = Batches(Ramp(size), batch_size=batch_size, seed=seed, hflip=True)
    for number in numbers:
        fresh = Batches(Ramp(size), batch_size=batch_size, seed=seed, hflip=True).batch(number)
        again = walked.batch(number)
        assert torch.equal(fresh.data, again.data)
        assert torch.equal(fresh.index, again.index)


@given(size=SIZES, seed=SEEDS, parts=st.integers(1, 5))
def test_the_order_does_not_depend_on_the_batch_size(size, seed, parts):
    whole = order(Batches(Ramp(size), batch_size=12 * parts, seed=seed), 2)
    assert torch.equal(whole, order(Batches(Ramp(size), batch_size=12, seed=seed), 2 * parts))


def test_epochs_and_seeds_differ():
    first, second = order(Batches(Ramp(100), batch_size=100, seed=0), 2).split(100)
    other = order(Batches(Ramp(100), batch_size=100, seed=1), 1)
    assert not torch.equal(first, second)
    assert not torch.equal(first, other)


def test_global_generators_neither_matter_nor_move():
    torch.manual_seed(5)
    first = Batches(Ramp(50), batch_size=50, seed=0, hflip=True).batch(3)
    moved = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(moved, torch.rand(1))
    assert torch.equal(first.data, Batches(Ramp(50), batch_size=50, seed=0, hflip=True).batch(3).data)


@pytest.mark.parametrize(("seed", "size", "epoch"), list(FIRST_ITEMS))
def test_the_shuffled_order_never_changes(seed, size, epoch):
    seen = order(Batches(Ramp(size), batch_size=size, seed=seed), 3)[epoch * size :]
    assert seen[:6].tolist() == FIRST_ITEMS[seed, size, epoch]


@given(labels=LABELS, batch_size=BATCH_SIZES, seed=SEEDS)
def test_balanced_rounds_have_every_class_once(labels, batch_size, seed):
    data, present = Labelled(labels), sorted(set(labels))
    batches = Batches(data, batch_size=batch_size, seed=seed, sampling="balanced")
    seen = data.labels[order(batches, -(-5 * len(present) // batch_size))][: 5 * len(present)]
    for one_round in seen.split(len(present)):
        assert sorted(one_round.tolist()) == present


@given(labels=LABELS, batch_size=BATCH_SIZES, seed=SEEDS)
def test_balanced_classes_show_every_item_before_any_again(labels, batch_size, seed):
    data, rounds = Labelled(labels), 3 * len(labels)
    batches = Batches(data, batch_size=batch_size, seed=seed, sampling="balanced")
    seen = order(batches, -(-rounds * len(set(labels)) // batch_size))
    for label in set(labels):
        items = (data.labels == label).nonzero().flatten().tolist()
        shown = seen[data.labels[seen] == label].tolist()
        for start in range(0, len(shown) - len(items), len(items)):
            assert sorted(shown[start : start + len(items)]) == items


@given(
    labels=LABELS, seed=SEEDS, numbers=st.lists(st.integers(0, 2000), min_size=1, max_size=5), parts=st.integers(1, 5)
)
def test_a_balanced_batch_depends_on_seed_and_place_alone(labels, seed, numbers, parts):
    data = Labelled(labels)
    walked = Batches(data, batch_size=12 * parts, seed=seed, sampling="balanced")
    for number in numbers:
        again = walked.batch(number)
        smaller = Batches(data, batch_size=12, seed=seed, sampling="balanced")
        assert torch.equal(
            again.index, torch.cat([smaller.batch(number * parts + part).index for part in range(parts)])
        )
        assert torch.equal(again.labels, data.labels[again.index])


def test_balanced_classes_are_equally_likely_at_every_place_of_a_round():
    """A fixed order within rounds would make place and class of a batch one and the same."""
    data = Labelled([0] * 90 + [1] * 9 + [2])
    seen = data.labels[order(Batches(data, batch_size=300, seed=3, sampling="balanced"), 30)]
    assert torch.bincount(seen).tolist() == [3000, 3000, 3000]
    for place in range(3):
        counts = torch.bincount(seen[place::3], minlength=3)
        # Five standard deviations of 3,000 draws with chance ⅓.
        assert (counts - 1000).abs().max() < 5 * (3000 * 2 / 9) ** 0.5


def test_balanced_orders_differ_between_seeds_epochs_and_classes():
    data = Labelled([0, 1] * 40)

    def of_class(label, seed):
        seen = order(Batches(data, batch_size=160, seed=seed, sampling="balanced"), 1)
        return (seen[data.labels[seen] == label] // 2).tolist()

    first = of_class(0, seed=0)
    assert first[:40] != first[40:]
    assert first != of_class(1, seed=0)
    assert first != of_class(0, seed=1)


def test_bytes_become_floats_from_minus_one_to_one():
    batch = Batches(Ramp(256), batch_size=256, seed=0).batch(0)
    assert (batch.data.dtype, batch.data.min(), batch.data.max()) == (torch.float32, -1.0, 1.0)
    torch.testing.assert_close(batch.data[:, 0, 0, 0], batch.index / 127.5 - 1, rtol=0, atol=1e-6)


def test_labels_belong_to_their_images():
    batch = Batches(Ramp(30), batch_size=64, seed=0).batch(1)
    assert batch.labels is not None
    assert batch.labels.dtype == torch.int64
    assert torch.equal(batch.labels, batch.index % 3)
    assert Batches(Ramp(30, labelled=False), batch_size=4, seed=0).batch(0).labels is None


def test_hflip_mirrors_about_half_and_keeps_the_order():
    plain = Batches(Ramp(100), batch_size=2000, seed=7).batch(2)
    mirrored = Batches(Ramp(100), batch_size=2000, seed=7, hflip=True).batch(2)
    assert torch.equal(plain.index, mirrored.index)
    turned = torch.tensor([not torch.equal(*pair) for pair in zip(plain.data, mirrored.data, strict=True)])
    assert torch.equal(mirrored.data[turned], plain.data[turned].flip(-1))
    # Five standard deviations of a fair coin.
    assert abs(int(turned.sum()) - 1000) < 5 * (2000 * 0.25) ** 0.5


def test_hflip_draws_anew_for_every_batch():
    batches = Batches(Ramp(1), batch_size=64, seed=0, hflip=True)
    assert not torch.equal(batches.batch(0).data, batches.batch(1).data)


def test_vectors_stay_as_they_are():
    points = Points(9)
    batch = Batches(points, batch_size=20, seed=0).batch(0)
    assert torch.equal(batch.data, points.values[batch.index])


@pytest.mark.parametrize(
    ("data", "options", "error", "words"),
    [
        (Ramp(0), {}, DataError, "empty"),
        (Ramp(3), {"batch_size": 0}, ConfigError, "batch_size"),
        (Ramp(3), {"sampling": "sorted"}, ConfigError, "sampling"),
        (Ramp(3, labelled=False), {"sampling": "balanced"}, ConfigError, "no labels"),
        (Points(3), {"hflip": True}, ConfigError, "vectors"),
    ],
)
def test_what_cannot_be_cut_into_batches_is_refused(data, options, error, words):
    with pytest.raises(error, match=words):
        Batches(data, **{"batch_size": 2, "seed": 0, **options})


def test_cache_folder_is_the_one_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GANZOO_CACHE", "~/pictures")
    assert cache_folder() == tmp_path / "pictures"


@pytest.mark.parametrize("value", [None, ""])
def test_cache_folder_is_the_users_own_by_default(monkeypatch, value):
    monkeypatch.delenv("GANZOO_CACHE", raising=False)
    if value is not None:
        monkeypatch.setenv("GANZOO_CACHE", value)
    assert cache_folder() == Path(platformdirs.user_cache_dir("ganzoo"))
