"""``ganzoo.measure``: a metric on arrays."""

import logging

import numpy as np
import pytest
import torch

import ganzoo
from ganzoo.errors import ConfigError, UnknownNameError
from ganzoo.protocols import Features


@pytest.fixture
def features():
    """A diagonal Gaussian and one at a known distance from it, moved to have exactly these moments."""
    seen = np.random.default_rng(0).normal(size=(400, 3))
    seen = (seen - seen.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(seen.T))).T
    return seen, 3 * seen + np.array([1.0, 2.0, 2.0])


def test_arrays_and_tensors_have_the_distance_of_their_gaussians(features):
    """|μ − μ'|² + Σ (σ − σ')² = 9 + 3 · 4."""
    real, fake = features
    assert ganzoo.measure("frechet-distance", real=real, fake=fake) == {"fd": pytest.approx(21)}
    tensors = {"real": torch.from_numpy(real), "fake": Features(features=torch.from_numpy(fake))}
    assert ganzoo.measure("frechet-distance", **tensors) == {"fd": pytest.approx(21)}


def test_options_pictures_and_seeds(features):
    real, fake = features
    one, other = (ganzoo.measure("precision-recall", real=real, fake=fake, neighbors=k) for k in (1, 20))
    assert one["recall"] < other["recall"]
    images = np.random.default_rng(1).integers(0, 256, (60, 1, 16, 16), dtype=np.uint8)
    drawn = [ganzoo.measure("sliced-wasserstein", real=images, fake=images[::-1].copy(), seed=s) for s in (0, 0, 1)]
    assert drawn[0] == drawn[1]
    assert drawn[0]["swd"] == pytest.approx(0, abs=1e-6)


def test_several_things_at_once():
    modes = torch.eye(2)
    real = Features(images=modes.repeat(10, 1), modes=modes, mode_std=0.1)
    assert ganzoo.measure("mode-coverage", real=real, fake=Features(images=modes[:1].repeat(10, 1)))["modes"] == 1
    with pytest.raises(ConfigError, match="needs images, modes, which one array cannot hold"):
        ganzoo.measure("mode-coverage", real=modes, fake=modes)
    with pytest.raises(ConfigError, match="needs images, modes of real, which are not given"):
        ganzoo.measure("mode-coverage", real=Features(), fake=Features())


def test_classes_that_nobody_named_are_called_by_their_numbers():
    labels = torch.arange(40) % 2
    images = (labels.view(-1, 1, 1, 1) * 200).expand(-1, 1, 16, 16).to(torch.uint8)
    fake = Features(images=images, labels=labels)
    real = Features(images=images, labels=labels, held_out=fake)
    found = ganzoo.measure("downstream", real=real, fake=fake, updates=5, seeds=2)
    assert {"recall/real/0", "recall/real/1"} <= found.keys()


@pytest.mark.parametrize(
    ("metric", "fields", "words"),
    [
        ("frechet-distance", {"labels": torch.zeros(4, dtype=torch.int64)}, "of unlike numbers of samples"),
        ("class-score", {"class_probs": torch.tensor([[-1.0, 2.0]]).repeat(50, 1)}, "rows of probabilities"),
        ("class-coverage", {"class_probs": torch.full((50, 2), 0.4)}, "rows of probabilities"),
    ],
)
def test_fields_that_cannot_be(metric, fields, words):
    side = Features(features=torch.zeros(50, 3), **fields)
    with pytest.raises(ConfigError, match=words):
        ganzoo.measure(metric, real=side, fake=side)


def test_what_is_to_be_borne_in_mind_is_logged(caplog):
    few = np.random.default_rng(0).normal(size=(2, 10, 20))
    with caplog.at_level(logging.WARNING, logger="ganzoo"):
        ganzoo.measure("frechet-distance", real=few[0], fake=few[1])
    assert "metric frechet-distance: 10 samples are too few for the covariance of 20 features" in caplog.text


@pytest.mark.parametrize(
    ("real", "fake", "words"),
    [
        (np.zeros((50, 3)), np.zeros((50, 4)), "unlike widths"),
        (np.zeros(50), np.zeros(50), "features of real are a row of numbers for each sample"),
        (np.zeros((50, 3)), np.full((50, 3), np.nan), "features of fake are not all finite"),
        (np.zeros((1, 3)), np.zeros((50, 3)), "needs at least 2 real samples"),
    ],
)
def test_what_is_refused(real, fake, words):
    with pytest.raises(ConfigError, match=words):
        ganzoo.measure("frechet-distance", real=real, fake=fake)


def test_pictures_where_features_are_meant_are_not_said_to_be_allowed():
    pictures = np.zeros((50, 3, 8, 8), np.uint8)
    with pytest.raises(ConfigError, match="these are pictures, which an extractor has to look at first") as error:
        ganzoo.measure("frechet-distance", real=pictures, fake=pictures)
    assert error.value.given == "uint8 (50, 3, 8, 8)"
    assert error.value.allowed.startswith("(N, F)")
    assert "uint8" not in error.value.allowed
    assert "ganzoo evaluate FOLDER --data PATH" in error.value.hint


def test_pictures_of_another_range_and_names_of_nobody():
    with pytest.raises(ConfigError, match="images of real cannot be read"):
        ganzoo.measure("ms-ssim", real=np.zeros((50, 1, 16, 16)), fake=np.zeros((50, 1, 16, 16)))
    with pytest.raises(UnknownNameError):
        ganzoo.measure("nothing", real=[], fake=[])
