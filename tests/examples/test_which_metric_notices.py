from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch
from example_scripts import load

import ganzoo
from ganzoo.data import cache_folder
from ganzoo.protocols import Extracted

CLASSES, EACH = 4, 30


@pytest.fixture(scope="module")
def example():
    return load("which_metric_notices.py")


class Waves:
    """Pictures of waves whose direction is the class."""

    def __init__(self, seed):
        self.labels = torch.arange(CLASSES * EACH) % CLASSES
        phase = torch.rand(CLASSES * EACH, 3, 1, 1, generator=torch.Generator().manual_seed(seed))
        angle = self.labels.view(-1, 1, 1, 1) * torch.pi / CLASSES
        row, column = torch.meshgrid(torch.arange(32) / 32, torch.arange(32) / 32, indexing="ij")
        wave = torch.sin(2 * torch.pi * (3 * (angle.cos() * row + angle.sin() * column) + phase))
        self._images = (128 + 90 * wave).to(torch.uint8)

    def __len__(self):
        return len(self.labels)

    def read(self, index):
        return self._images[index]


def sure_of_all(images):
    return Extracted(features=torch.zeros(len(images), 1), class_probs=torch.full((len(images), CLASSES), 1 / CLASSES))


@pytest.fixture(scope="module")
def pictures(example):
    options = ganzoo.build("extractor", "random-conv")
    extractor = options.open(data=None, device=torch.device("cpu"), cache=cache_folder())
    return example.Pictures(Waves(0), Waves(1), extractor, sure_of_all, n=60)


@pytest.mark.parametrize(
    ("name", "strengths"),
    [
        ("noise", (20, 45, 90)),
        ("blur", (0.5, 1, 2)),
        ("JPEG", (2,)),
        ("mode collapse", (0.1, 0.5, 0.9)),
        ("samples repeated", (2, 5, 20)),
    ],
)
def test_distances_grow_with_the_strength(name, strengths, example, pictures):
    """From clean pictures on, of the same number. Waves are too smooth for JPEG to matter before its worst quality."""
    [one] = [one for one in example.DEGRADATIONS if one.name == name]
    samples = [example.clean(pictures, 60, 0), *(one.make(pictures, 60, strength) for strength in strengths)]
    for metric, key in (("frechet-distance", "fd"), ("kernel-distance", "kd")):
        built = {metric: ganzoo.build("metric", metric)}
        found = [example.measured(built, pictures.real, some)[key] for some in samples]
        assert found == sorted(found)


def test_what_each_degradation_does(example, pictures):
    choosing = example.DEGRADATIONS[3:]
    made = {one.name: [one.make(pictures, 60, s) for s in one.strengths] for one in choosing if one.name[0] != "m"}
    assert all(len(some.images) == len(some.features) == len(some.labels) for rows in made.values() for some in rows)
    assert [len(torch.unique(some.images, dim=0)) for some in made["samples repeated"]] == [30, 12, 3]
    assert [sorted(set(some.labels.tolist())) for some in made["classes dropped"][:2]] == [[1, 2, 3], [3]]
    known = {image.numpy().tobytes() for image in pictures.real.images}
    copied = [sum(i.numpy().tobytes() in known for i in some.images) for some in made["training pictures copied"]]
    assert copied == [3, 12, 60]
    clean = example.clean(pictures, 60, 0)
    assert [int((some.labels != clean.labels).sum()) for some in made["wrong class"]] == [6, 30, 60]


def test_a_number_notices_what_is_worse_than_every_clean_draw(example):
    result = example.Result({"fd": 1, "coverage": -1}, [{"fd": 1.0, "coverage": 0.9}, {"fd": 2.0, "coverage": 0.8}], {})
    assert [result.notices("fd", value) for value in (1.5, 2.0, 2.1, None)] == ["·", "·", "●", "×"]
    assert [result.notices("coverage", value) for value in (0.95, 0.8, 0.7)] == ["·", "·", "●"]
    assert result.strength("fd", 1.5) == 0
    assert result.strength("coverage", 0.7) > 0


def test_a_number_that_ranks_nothing_notices_both_ways(example):
    """Nearest training pictures are farther from noise, and nearer to copies."""
    result = example.Result({"nearest": 1, "density": -1}, [{"nearest": 1.0, "density": 1.0}] * 2, {})
    assert [result.notices("nearest", value) for value in (2.0, 1.0, 0.5)] == ["●", "·", "○"]
    assert [result.notices("density", value) for value in (2.0, 1.0, 0.5)] == ["○", "·", "●"]


def test_more_of_what_samples_should_not_be_is_worse(example):
    worse = {}
    for name in example.METRICS:
        worse |= example.ranking(name, ganzoo.build("metric", name))
    assert {key for key, sign in worse.items() if sign == 1} == {
        *("fd", "kd", "intra_fd", "copies", "class_kl", "ms_ssim", "swd", "nearest")
    }
    assert {key for key, sign in worse.items() if sign == -1} == {
        *("precision", "recall", "coverage", "class_score", "classes", "density")
    }


def test_the_page_has_a_row_for_each_degradation(example):
    row = {"fd": 3.0, "intra_fd": None, "density": 0.1}
    degraded = {one.name: [row] * 3 for one in example.DEGRADATIONS}
    result = example.Result(
        {"fd": 1, "intra_fd": 1, "density": -1}, [{"fd": 1.0, "intra_fd": 2.0, "density": 0.5}] * 2, degraded
    )
    options = argparse.Namespace(n=9, extractor="random-conv", out=Path("page.md"))
    page = "\n".join(example.page(result, options, "python example.py"))
    assert "- `density` is sparser with noise (σ 5, σ 15, σ 45), blur (σ 0.5 px" in page
    assert page.count("| ●●● | ××× | ●●● |") == len(example.DEGRADATIONS)
    assert page.count("| 3 | refuses | 0.1 |") == 3 * len(example.DEGRADATIONS)
