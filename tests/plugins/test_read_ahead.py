"""Rows of a mapped file are asked for where that pays, and then they are there."""

from __future__ import annotations

import copy
import ctypes
import mmap
import os
import pickle
import sys
import time

import numpy as np
import pytest
import torch
from ganzoo_datasets.image_array import ImageArray
from ganzoo_datasets.read_ahead import LARGE, ReadAhead

from ganzoo.memory import Memory

ROW = 3 * 64 * 64
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into the system's memory by mincore")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "pixels.u8"
    path.write_bytes(np.random.default_rng(0).integers(0, 256, 600 * ROW + 100, dtype=np.uint8).tobytes())
    return path


def mapped(path, offset=0):
    return np.memmap(path, np.uint8, mode="r", offset=offset, shape=(600, 3, 64, 64))


def forget(path):
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def resident(row):
    """How many pages of a row are in memory, of how many."""
    first, last = row.ctypes.data // mmap.PAGESIZE, (row.ctypes.data + row.nbytes - 1) // mmap.PAGESIZE
    pages = (ctypes.c_ubyte * (last - first + 1))()
    libc = ctypes.CDLL(None, use_errno=True)
    place, length = ctypes.c_void_p(first * mmap.PAGESIZE), ctypes.c_size_t(len(pages) * mmap.PAGESIZE)
    assert libc.mincore(place, length, pages) == 0
    return sum(page & 1 for page in pages), len(pages)


@linux
@pytest.mark.parametrize("offset", [0, 100])
def test_rows_come_into_memory_and_no_others(path, offset):
    forget(path)
    images = mapped(path, offset)
    if resident(images)[0]:
        pytest.skip("this file system keeps its files in memory")
    ahead = ReadAhead(images, most=1)
    wanted = [3, 250, 599]
    ahead.want(np.array(wanted))
    until = time.monotonic() + 60
    while any(np.subtract(*resident(images[row])) for row in wanted) and time.monotonic() < until:
        time.sleep(0.01)
    assert [resident(images[row])[0] for row in wanted] == [resident(images[row])[1] for row in wanted]
    assert resident(images[100:200])[0] == 0


@pytest.mark.parametrize(("share", "asks"), [(2, False), (1.9, True)])
def test_a_set_that_takes_more_than_half_of_the_memory_is_asked_for(path, share, asks):
    images = mapped(path)
    assert ReadAhead(images, most=int(share * images.nbytes)).pays is asks


def test_large_pictures_are_asked_for_in_any_case(path):
    side = int((LARGE / 3) ** 0.5) + 1
    images = np.memmap(path, np.uint8, mode="r", shape=(2, 3, side, side))
    assert ReadAhead(images, most=2**40).pays


def test_what_is_in_memory_or_a_part_of_a_map_is_not_asked_for(path):
    for images in (np.zeros((4, 3, 64, 64), np.uint8), mapped(path)[3:], np.zeros((0, 3, 64, 64), np.uint8)):
        ahead = ReadAhead(images, most=1)
        assert not ahead.pays
        ahead.want(np.array([0]))
        ahead.expect(np.array([0]))


def test_all_that_is_read_is_as_without_it(path, monkeypatch):
    monkeypatch.setattr("ganzoo_datasets.read_ahead._of_this_process", lambda: 1)
    images = mapped(path)
    data = ImageArray(images, digest="x")
    index = torch.tensor([5, 1, 5, 599, -1])
    assert torch.equal(data.read(index), torch.from_numpy(np.array(images)[index.numpy()]))
    with pytest.raises(IndexError):
        data.read(torch.tensor([600]))


def test_copies_and_pickles_are_of_pictures_in_memory(path, monkeypatch):
    monkeypatch.setattr("ganzoo_datasets.read_ahead._of_this_process", lambda: 1)
    data = ImageArray(mapped(path), digest="x")
    for other in (copy.deepcopy(data), pickle.loads(pickle.dumps(data))):
        assert torch.equal(other.read(torch.arange(9)), data.read(torch.arange(9)))


@linux
def test_pictures_that_are_expected_come_into_memory(path):
    forget(path)
    images = mapped(path)
    if resident(images)[0]:
        pytest.skip("this file system keeps its files in memory")
    data = ImageArray(images, digest="x")
    wanted = [*range(20, 60), 7, 599]
    data.expect(torch.tensor(wanted))
    until = time.monotonic() + 60
    while any(np.subtract(*resident(images[row])) for row in wanted) and time.monotonic() < until:
        time.sleep(0.01)
    assert all(here == all_ for here, all_ in (resident(images[row]) for row in wanted))
    assert resident(images[300:500])[0] == 0


@pytest.mark.parametrize("most", [1, 2**60])
def test_pictures_that_cannot_be_expected_are_no_error(path, monkeypatch, most):
    monkeypatch.setattr("ganzoo_datasets.read_ahead._of_this_process", lambda: most)
    for images in (mapped(path), np.zeros((4, 3, 64, 64), np.uint8)):
        data = ImageArray(images, digest="x")
        for index in ([], [10**12], [-1, 3], [2, 2]):
            data.expect(torch.tensor(index, dtype=torch.int64))


@pytest.mark.parametrize("later", [0, 1])
def test_rows_are_asked_for_unless_they_were_expected_a_while_ago(path, monkeypatch, later):
    monkeypatch.setattr("ganzoo_datasets.read_ahead.KEPT", 2)
    ahead, asked = ReadAhead(mapped(path), most=1), []
    monkeypatch.setattr(ahead, "_ask", lambda index: asked.append(index.tolist()))
    ahead.want(np.array([3]))
    ahead.expect(np.array([10**12]))
    ahead.expect(np.arange(9))
    ahead.want(np.array([4, 8]))
    ahead.want(np.array([4, 9]))
    assert asked == [[3], [10**12], list(range(9)), [4, 9]]
    ahead.expect(np.arange(300, 300 + (1 + later) * 2**20 // ROW))
    del asked[:]
    ahead.want(np.array([4]))
    assert asked == [[4]] * later


def test_a_set_is_large_by_the_memory_of_this_process(path, monkeypatch):
    monkeypatch.setattr("ganzoo_datasets.read_ahead.memory", lambda: Memory(600 * ROW, None))
    assert ReadAhead(mapped(path)).pays
    monkeypatch.setattr("ganzoo_datasets.read_ahead.memory", lambda: Memory(2**60, None))
    assert not ReadAhead(mapped(path)).pays
