from __future__ import annotations

import logging

import pytest
import torch
from ganzoo_datasets.image_array import ImageArray
from ganzoo_extractors.classifier import Classifier
from test_picture_classifier import stripes

import ganzoo
from ganzoo.errors import ConfigError
from ganzoo.testing.random_numbers import random_numbers_untouched

CPU = torch.device("cpu")
QUICK = Classifier(updates=15)


def dataset(images, labels=None, groups=None):
    classes = [] if labels is None else ["upper", "left"]
    digest = str(hash(images.numpy().tobytes()))
    given = None if labels is None else labels.tolist()
    return ImageArray(images.numpy(), digest=digest, classes=classes, labels=given, groups=groups)


@pytest.fixture(scope="module")
def data():
    return dataset(*stripes(60))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def opened(data, cache):
    with random_numbers_untouched():
        return QUICK.open(data=data, device=CPU, cache=cache)


def test_it_tells_the_classes_of_the_data_apart(opened):
    images, labels = stripes(40, seed=1)
    seen = opened(images)
    assert opened.classes == ("upper", "left")
    assert seen.features.shape == (40, opened.size)
    assert seen.class_probs.sum(1) == pytest.approx(torch.ones(40))
    assert (seen.class_probs.argmax(1) == labels).double().mean() > 0.9


def test_it_is_trained_once(data, cache, opened, monkeypatch, caplog):
    monkeypatch.setattr("ganzoo_extractors.classifier.fitted", None)
    with caplog.at_level(logging.INFO), random_numbers_untouched():
        again = QUICK.open(data=data, device=CPU, cache=cache)
    assert (again.digest, again.trial) == (opened.digest, opened.trial)
    assert "(from the cache): balanced accuracy 1.000 on 12 real pictures that it was not trained on" in caplog.text
    images, _ = stripes(5, seed=2)
    assert torch.equal(again(images).class_probs, opened(images).class_probs)


def test_a_damaged_file_is_made_again(data, tmp_path, opened):
    QUICK.open(data=data, device=CPU, cache=tmp_path)
    [path] = (tmp_path / "classifiers").iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    assert QUICK.open(data=data, device=CPU, cache=tmp_path).digest == opened.digest


def test_other_data_and_other_options_have_classifiers_of_their_own(data, tmp_path, opened):
    other = dataset(*stripes(60, seed=5))
    digests = {
        opened.digest,
        QUICK.open(data=other, device=CPU, cache=tmp_path).digest,
        Classifier(updates=15, seed=1).open(data=data, device=CPU, cache=tmp_path).digest,
    }
    assert len(digests) == 3
    assert len(list((tmp_path / "classifiers").iterdir())) == 2


def test_accuracy_is_that_on_pictures_it_was_not_trained_on(tmp_path):
    images, _ = stripes(200)
    nonsense = torch.randint(0, 2, (200,), generator=torch.Generator().manual_seed(0))
    learned_by_heart = Classifier(updates=60)
    with pytest.raises(ConfigError, match="does not tell the classes of these data apart") as raised:
        learned_by_heart.open(data=dataset(images, nonsense), device=CPU, cache=tmp_path)
    assert "chance is 0.500" in str(raised.value)
    assert "at least 0.750" in str(raised.value)
    with pytest.raises(ConfigError, match="does not tell the classes"):  # from the cache, just so
        learned_by_heart.open(data=dataset(images, nonsense), device=CPU, cache=tmp_path)


def test_patients_are_not_split(tmp_path):
    """Each patient has a background of its own, and the class is the patient's: there is nothing else to learn."""
    random = torch.Generator().manual_seed(0)
    patients = torch.arange(240) % 12
    pattern = torch.randint(0, 256, (12, 1, 8, 8), generator=random)
    noise = torch.randint(0, 10, (240, 1, 8, 8), generator=random)
    images = (pattern[patients] + noise).clamp(max=255).to(torch.uint8)
    labels = torch.randperm(12, generator=random)[patients] % 2
    groups = [f"patient {number}" for number in patients.tolist()]
    leaky = Classifier(updates=50).open(data=dataset(images, labels), device=CPU, cache=tmp_path)
    assert leaky.trial.accuracy > 0.9  # pictures of a patient on both sides
    with pytest.raises(ConfigError, match="does not tell the classes"):
        Classifier(updates=50).open(data=dataset(images, labels, groups), device=CPU, cache=tmp_path)


def test_it_wants_labels_and_pictures_to_hold_out(tmp_path):
    images, labels = stripes(20)
    with pytest.raises(ConfigError, match="learns from labelled pictures"):
        QUICK.open(data=dataset(images), device=CPU, cache=tmp_path)
    with pytest.raises(ConfigError, match="two classes to hold out"):
        QUICK.open(data=dataset(images[:2], labels[:2]), device=CPU, cache=tmp_path)
    ring = ganzoo.build("dataset", "ring", n=10).open(image_size=None, channels=None, split="train", cache=tmp_path)
    with pytest.raises(ConfigError, match="these data are vectors"):
        QUICK.open(data=ring, device=CPU, cache=tmp_path)


def test_it_looks_at_pictures_of_other_sizes_and_channels(opened):
    images, labels = stripes(20, (3, 32, 32), seed=3)
    seen = opened(images)
    assert (seen.class_probs.argmax(1) == labels).double().mean() > 0.9
