"""Real pictures are decoded once for all metrics, within a bound, and refused where they do not fit into memory."""

from __future__ import annotations

import pytest
import torch
from test_judging import Pictures

from ganzoo.errors import ResourceError
from ganzoo.evaluation import remembering
from ganzoo.evaluation.reference import RealData
from ganzoo.evaluation.remembering import Remembered
from ganzoo.memory import Memory


class Counted(Pictures):
    """Counts what is read."""

    count = 0

    def read(self, index):
        self.count += len(index)
        return super().read(index)


def test_a_second_metric_decodes_only_what_the_first_did_not_see(tmp_path):
    data = Counted(100)
    reference = RealData(dataset=data, split="train", cache=tmp_path)
    small, large = (reference.real(count, {}, images=True).images for count in (30, 50))
    assert data.count == 50
    assert torch.equal(small, large[:30])
    large.zero_()
    assert torch.equal(reference.real(30, {}, images=True).images, small), "what a metric does to them stays with it"
    reference.floor(50, 50, {}, images=True)
    assert data.count == 100


def test_mixed_and_repeated_places_come_in_their_order():
    data, remembered = Counted(20), Remembered()
    remembered.read(data, torch.tensor([4, 5]))
    index = torch.tensor([7, 5, 4, 7, 5])
    assert torch.equal(remembered.read(data, index), data.read(index))
    other = Pictures(20, brightness=9)
    assert torch.equal(remembered.read(other, index), other.read(index)), "other data are not mixed with them"


def test_no_more_is_kept_than_the_bound():
    data, remembered = Counted(20), Remembered(most=10 * 64)
    for _ in range(2):
        for part in (torch.arange(10), torch.arange(10, 20)):
            assert torch.equal(remembered.read(data, part), Pictures(20).read(part))
    assert data.count == 10 + 2 * 10


def test_pictures_that_do_not_fit_are_refused_before_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(remembering, "memory", lambda: Memory(total=2**30, free=2 * 100 * 64 - 1))
    data = Counted(100)
    reference = RealData(dataset=data, split="train", cache=tmp_path)
    with pytest.raises(ResourceError, match="pixels of 100 real pictures"):
        reference.real(None, {}, images=True)
    assert data.count == 0
    assert reference.real(99, {}, images=True).count == 99
