"""The contact sheet of data: which items are on it, where, and that any shape and any name can be drawn."""

import numpy as np
import pytest
import torch

from ganzoo.evaluation.data_sheet import MOST_CLASSES, data_sheet
from ganzoo.planning.overview import overview
from ganzoo.protocols import DataSpec


class _Levels:
    """Images of one color each: item i of class c has the red value 10·c and the green value i."""

    groups = modes = None
    fingerprint = "f"

    def __init__(self, names, labels, shape=(3, 32, 32)):
        self.labels = torch.tensor(labels) if names else None
        self.spec = DataSpec(shape=shape, classes=tuple(names), marginal=(1 / max(len(names), 1),) * len(names))
        self._count = len(labels)

    def __len__(self):
        return self._count

    def read(self, index):
        images = torch.zeros(len(index), *self.spec.shape, dtype=torch.uint8)
        images[:, 0] = 0 if self.labels is None else (10 * self.labels[index].to(torch.uint8))[:, None, None]
        images[:, -1] = index.to(torch.uint8)[:, None, None]
        return images


def colors(dataset):
    """Color → how many pixels of the sheet have it."""
    sheet = np.asarray(data_sheet(dataset, overview(dataset, name="x", split="train")).convert("RGB"))
    found, counts = np.unique(sheet.reshape(-1, 3), axis=0, return_counts=True)
    return {tuple(map(int, color)): int(count) for color, count in zip(found, counts, strict=True)}


def test_each_class_has_its_items_evenly_spread():
    shown = colors(_Levels(["a", "b"], [0] * 91 + [1] * 3))
    of_a = [item for item in range(91) if shown.get((0, 0, item), 0) >= 96 * 96]
    assert of_a == list(range(0, 91, 10))
    assert [shown[10, 0, item] for item in (91, 92, 93)] == [96 * 96] * 3


def test_without_classes_sixty_items_are_shown():
    shown = colors(_Levels([], [0] * 250))
    assert sum(count == 96 * 96 for color, count in shown.items() if color[:2] == (0, 0)) == 60
    assert {(0, 0, 0), (0, 0, 249)} <= shown.keys()


def test_classes_that_do_not_occur_take_no_place_and_the_rest_is_bounded():
    many = [f"class {number}" for number in range(24)]
    sheet = colors(_Levels(many, [number for number in range(24) if number != 1]))
    reds = {color[0] // 10 for color, count in sheet.items() if count >= 96 * 96 and color != (255, 255, 255)}
    assert len(reds) == MOST_CLASSES
    assert 1 not in reds


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 512, 512), (3, 20, 200), (1, 1024, 8)])
def test_every_shape_becomes_a_sheet_of_readable_size(shape):
    dataset = _Levels(["a", "b"], [0, 1, 1], shape)
    sheet = data_sheet(dataset, overview(dataset, name="x", split="train"))
    assert max(sheet.size) <= 2000


@pytest.mark.parametrize("name", ["良性", "two\nlines", "a" * 500, "caf\udce9", "", "naïve Ωμ"])
def test_every_class_name_can_be_drawn(name):
    dataset = _Levels([name, "other"], [0, 1])
    sheet = data_sheet(dataset, overview(dataset, name="x", split="train"))
    assert sheet.width <= 10 * 100 + 2 * 12
