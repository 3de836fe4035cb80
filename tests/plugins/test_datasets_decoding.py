"""How many workers decode a folder."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest
from ganzoo_datasets.files import decoding
from picture_files import everything, noise, open_folder, save


@pytest.mark.parametrize(("seconds", "workers"), [(1e-4, 1), (1e-3, 3)])
def test_several_workers_where_pictures_take_them_time(tmp_path, monkeypatch, seconds, workers):
    """A clock that goes on by as much for each picture that is tried; the pictures are the same, in order."""
    folder, used = tmp_path / "pictures", []
    for number in range(40):
        save(folder, f"{number:02}.png", noise(8, 8, seed=number))
    before = everything(open_folder(folder))
    pool, ticks = decoding.ThreadPoolExecutor, count()
    monkeypatch.setattr(decoding, "ThreadPoolExecutor", lambda number: used.append(number) or pool(number))
    monkeypatch.setattr(decoding.time, "perf_counter", lambda: next(ticks) * seconds * decoding.TRIED)
    monkeypatch.setattr(decoding.os, "cpu_count", lambda: 3)
    after = everything(open_folder(folder, cache=tmp_path / "another"))
    assert used == [workers]
    assert np.array_equal(before, after)
    assert len(np.unique(after, axis=0)) == 40
