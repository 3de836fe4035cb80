"""What is said of opened data: what a dataset says itself, and what follows from it."""

import logging

import torch

from ganzoo.component import Component, DatasetOptions
from ganzoo.config.layers import ConfigLayer
from ganzoo.errors import DataError
from ganzoo.planning.choice import choose
from ganzoo.planning.overview import look_at, overview
from ganzoo.protocols import DataSpec, Survey
from ganzoo.registry import Registry
from ganzoo.registry.entry import Entry


class _Anything:
    """A dataset of somebody else's, which knows nothing of surveys."""

    def __init__(self):
        self.spec = DataSpec(shape=(3, 8, 6), classes=("a", "b"), marginal=(0.5, 0.5))
        self.labels, self.groups, self.modes, self.fingerprint = torch.tensor([0, 1, 1]), ("x", "y", "x"), None, "f"

    def __len__(self):
        return 3

    def read(self, index):
        return torch.full((len(index), 3, 8, 6), 7, dtype=torch.uint8)


def test_what_a_dataset_leaves_open_is_computed():
    seen = overview(_Anything(), name="theirs", split="fold-1")
    assert (seen.layout, seen.images, seen.classes) == ("theirs", 3, {"a": 1, "b": 2})
    assert (seen.splits, seen.groups, seen.channels, seen.sizes) == ({"fold-1": 3}, 2, 3, ((6, 8), (6, 8)))
    assert seen.line("…") == "3 images (theirs); 2 classes: a 1, b 2; splits fold-1 3; 2 groups; RGB 6×8"


def test_what_a_dataset_says_itself_counts():
    dataset = _Anything()
    sizes = ((20, 10), (30, 40))
    dataset.survey = Survey(layout="slides", splits={"train": 3, "test": 1}, sizes=sizes, left_out={"x.txt": "why"})
    seen = overview(dataset, name="theirs", split="train")
    assert (seen.layout, seen.splits, seen.sizes) == ("slides", {"train": 3, "test": 1}, sizes)
    assert seen.as_json()["left_out"] == [{"path": "x.txt", "reason": "why"}]
    line = seen.line("ganzoo data theirs")
    assert "splits train 3, test 1" in line
    assert line.endswith("20×10 to 30×40, read as RGB 6×8; 1 left out: ganzoo data theirs")


def test_something_else_called_survey_is_left_alone():
    dataset = _Anything()
    dataset.survey = "a land survey"
    assert overview(dataset, name="theirs", split="train").layout == "theirs"


def test_many_classes_are_counted_not_named():
    dataset = _Anything()
    names = tuple(f"patient {number}" for number in range(50))
    dataset.spec = DataSpec(shape=(3, 8, 8), classes=names, marginal=(0.02,) * 50)
    dataset.labels = torch.arange(50).repeat(2)[:99]
    assert "50 classes of 1 to 2;" in overview(dataset, name="theirs", split="train").line("…")


def test_a_name_that_is_not_valid_utf8_can_be_logged():
    dataset = _Anything()
    dataset.spec = DataSpec(shape=(3, 8, 8), classes=("caf\udce9", "tea"), marginal=(0.5, 0.5))
    assert "caf\\udce9 1, tea 2" in overview(dataset, name="theirs", split="train").line("…")


class OfSplits(DatasetOptions):
    """A dataset with three splits and without a survey, which warns whenever one is opened."""

    def open(self, *, split, image_size, channels, cache):
        if split not in ("train", "val", "test"):
            raise DataError(f"there is no split {split}")
        logging.getLogger("ganzoo").warning("opening %s", split)
        return _Anything()


def test_what_other_splits_say_while_they_are_counted_is_among_the_warnings():
    component = Component(kind="dataset", name="of-splits", target=f"{__name__}:OfSplits", summary="…")
    entry = Entry(component=component, distribution="acme", version="2.0", entry_point="main")
    registry = Registry([*Registry.load(plugins=False).entries(), entry])
    _, seen = look_at(choose(registry, [ConfigLayer("test", {"data.name": "of-splits"})]))
    assert seen.splits == {"train": 3, "val": 3, "test": 3}
    assert seen.warnings == ("opening train", "opening val", "opening test")
