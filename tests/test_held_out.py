"""What a metric gets of held-out data and of balanced samples, in a run and in an evaluation of one."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.component import DatasetOptions, Options
from ganzoo.config.layers import ConfigLayer, flatten
from ganzoo.evaluation.judging import judge
from ganzoo.evaluation.measuring import Measures, yardstick
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.registry import Registry
from ganzoo.runs.assembly import assemble

SMALL = {
    "loss": "bce",
    "generator": {"name": "dcgan", "ngf": 2, "latent": 3},
    "discriminator": {"name": "cgan", "ndf": 2},
    "train": {"steps": 1, "batch_size": 4},
    "runtime": {"device": "cpu"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve pictures to train on, a third of them of class b, and eight that are held out."""
    path = tmp_path_factory.mktemp("data")
    drawn = np.random.default_rng(0)
    for split, counts in {"train": {"a": 8, "b": 4}, "test": {"a": 4, "b": 4}}.items():
        for name, count in counts.items():
            (path / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = drawn.integers(0, 256, (8, 8), dtype=np.uint8)
                Image.fromarray(pixels).save(path / split / name / f"{split}{number}.png")
    return path


def plan(folder, **sections):
    config = {**SMALL, "data": {"name": str(folder), "image_size": 8}, **sections}
    return make_plan(choose(Registry.load(plugins=False), [ConfigLayer("file", flatten(config))]))


class Seen:
    """A metric that notes what it is given."""

    needs, higher_is_better, samples = frozenset({"images", "labels", "held_out"}), True, 9

    def __call__(self, *, real, fake, random):
        self.real, self.fake = real, fake
        return {"seen": 1.0}


class SeenBalanced(Seen):
    balanced_samples, whole_reference = True, True


def with_metrics(chosen, **metrics):
    """The plan, measured by these, whose names are those of components that the plan asks for."""

    def building(metric):
        class Building(Options):
            def build(self, spec):
                return metric

        return Building()

    given = {f"metrics.{name.replace('_', '-')}": building(metric) for name, metric in metrics.items()}
    return replace(chosen, options={**chosen.options, **given})


def test_each_metric_has_the_classes_that_it_wants_and_the_held_out_pictures(folder):
    usual, even = Seen(), SeenBalanced()
    asked = {"mode-coverage": {}, "downstream": {}}
    chosen = with_metrics(plan(folder, metrics=asked), mode_coverage=usual, downstream=even)
    Measures(chosen, assemble(chosen).state)()
    assert even.fake.labels.tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0]
    assert usual.fake.labels.tolist() != even.fake.labels.tolist()
    assert len(even.real.images) == 12
    assert even.real.held_out.labels.bincount().tolist() == [4, 4]
    train = {image.numpy().tobytes() for image in even.real.images}
    assert not train & {image.numpy().tobytes() for image in even.real.held_out.images}


def test_pictures_from_elsewhere_come_as_they_are(folder):
    even = SeenBalanced()
    measured = yardstick(with_metrics(plan(folder, metrics="downstream"), downstream=even))
    labels = torch.tensor([1] * 9)
    judgment = judge(measured, lambda n: [(torch.zeros(9, 1, 8, 8, dtype=torch.uint8), labels)])
    assert judgment.failed == {}
    assert torch.equal(even.fake.labels, labels)


class WithGroups:
    """A dataset, and the patients whose pictures these are."""

    def __init__(self, dataset, groups):
        self._dataset, self.groups = dataset, groups

    def __getattr__(self, name):
        return getattr(self._dataset, name)

    def __len__(self):
        return len(self._dataset)


@pytest.mark.parametrize(("others", "held_out"), [("r", True), ("p", False)])
def test_pictures_of_a_patient_who_was_seen_are_not_held_out(folder, caplog, others, held_out):
    chosen = plan(folder, metrics="downstream")

    class Torn(DatasetOptions):
        """The test split has patients of its own, or those of the train split."""

        def open(self, **asked):
            found = chosen.options["data"].open(**asked)
            return WithGroups(found, tuple(f"{others}{number // 2}" for number in range(len(found))))

    groups = tuple(f"p{number // 2}" for number in range(12))
    torn = replace(
        with_metrics(chosen, downstream=Seen()),
        dataset=WithGroups(chosen.dataset, groups),
        options={**with_metrics(chosen, downstream=Seen()).options, "data": Torn()},
    )
    with caplog.at_level(logging.WARNING):
        judgment = judge(
            yardstick(torn), lambda n: [(torch.zeros(9, 1, 8, 8, dtype=torch.uint8), torch.zeros(9).long())]
        )
    if held_out:
        assert (judgment.failed, caplog.text) == ({}, "")
    else:
        assert "needs real data that the generator was not trained on" in judgment.failed["downstream"]
        assert "4 groups of the data are in split train and in split test (p0, p1, p2, p3)" in caplog.text


def test_downstream_use_of_a_run(folder, tmp_path):
    options = {"samples": 6, "seeds": 2, "updates": 2}
    config = {**SMALL, "data": {"name": str(folder), "image_size": 8}}
    run = ganzoo.run(config, out=tmp_path)
    found = ganzoo.evaluate(run, metrics={"downstream": options})
    assert found.failed() == {}
    labels = [value.label for value in found.values]
    assert labels[:4] == ["synthetic@6", "both_minus_real@6", "real@6", "both@6"]
    assert "recall/both/b@6" in labels
    gain = found.value("both_minus_real")
    assert gain.value == pytest.approx(found.value("both").value - found.value("real").value)
    assert gain.spread is not None
    assert (gain.better, found.value("real").better, gain.record.n_real) == ("higher", None, 12)


def test_downstream_use_without_held_out_pictures_is_refused_with_the_reason(folder, tmp_path):
    run = ganzoo.run({**SMALL, "data": {"name": str(folder), "image_size": 8, "split": "all"}}, out=tmp_path)
    found = ganzoo.evaluate(run, metrics={"downstream": {"samples": 4, "seeds": 2, "updates": 1}})
    assert "needs real data that the generator was not trained on" in found.failed()["downstream"]


def test_held_out_pictures_have_the_size_and_channels_of_those_that_samples_are_compared_with(tmp_path):
    """Nobody stated them, and the pictures of the split test alone would have another size and no color."""
    drawn = np.random.default_rng(0)
    for part, side, count, shape in (("real/train", 40, 8, (3,)), ("real/test", 80, 4, ()), ("made", 40, 4, (3,))):
        (tmp_path / part).mkdir(parents=True)
        for number in range(count):
            pixels = drawn.integers(0, 256, (side, side, *shape), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / part / f"{part[-4:]}{number}.png")
    options = {"samples": 4, "patches": 8, "directions": 4}
    found = ganzoo.evaluate(tmp_path / "made", data=tmp_path / "real", metrics={"sliced-wasserstein": options})
    [value] = found.values
    assert value.record.shape == (3, 32, 32)
    assert (value.floor_of, value.floor is None) == ("4 of test", False)
