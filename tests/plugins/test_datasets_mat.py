"""MATLAB's files: CIFAR, SVHN, and others."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io
from encoded import load, pixels
from picture_files import everything

from ganzoo.errors import DataError


def refused(path, **options):
    with pytest.raises(DataError) as caught:
        load(path, **options)
    return str(caught.value)


def column(values):
    return np.array(values, dtype=np.uint8)[:, None]


def flat(values):
    """As CIFAR keeps them: all of red, then green, then blue."""
    return values.transpose(0, 3, 1, 2).reshape(len(values), -1)


def cell(*texts):
    values = np.empty((len(texts), 1), dtype=object)
    values[:, 0] = texts
    return values


@pytest.mark.parametrize("packed", [False, True])
def test_svhn(tmp_path, packed):
    """The last axis counts the pictures, and the label 10 is the digit 0."""
    for split, digits in (("train", [1, 10, 9, 3]), ("test", [10, 1]), ("extra", [2])):
        values = {"X": np.moveaxis(pixels(len(digits), 32), 0, -1), "y": column(digits)}
        scipy.io.savemat(tmp_path / f"{split}_32x32.mat", values, do_compression=packed)
    data = load(tmp_path, image_size=None)
    assert np.array_equal(everything(data), pixels(4, 32).transpose(0, 3, 1, 2))
    assert (data.spec.classes, data.labels.tolist()) == (("0", "1", "3", "9"), [1, 0, 3, 2])
    assert load(tmp_path, split="test").labels.tolist() == [0, 1]
    assert data.survey.left_out == {"extra_32x32.mat": "not a part of train or test"}
    assert len(load(tmp_path / "extra_32x32.mat")) == 1


def test_cifar_10(tmp_path):
    for number in range(2):
        batch = {"data": flat(pixels(3, 32, seed=number)), "labels": column([number, 2, 0])}
        scipy.io.savemat(tmp_path / f"data_batch_{number + 1}.mat", batch)
    scipy.io.savemat(tmp_path / "test_batch.mat", {"data": flat(pixels(1, 32)), "labels": column([1])})
    scipy.io.savemat(tmp_path / "batches.meta.mat", {"label_names": cell("airplane", "automobile", "bird")})
    data = load(tmp_path, image_size=None)
    stacked = np.concatenate([pixels(3, 32), pixels(3, 32, seed=1)])
    assert np.array_equal(everything(data), stacked.transpose(0, 3, 1, 2))
    assert data.spec.classes == ("airplane", "automobile", "bird")
    assert data.labels.tolist() == [0, 2, 0, 1, 2, 0]
    assert load(tmp_path, split="test").labels.tolist() == [1]


def test_cifar_100(tmp_path):
    values = {"data": flat(pixels(2, 32)), "fine_labels": column([1, 0]), "coarse_labels": column([1, 1])}
    for split in ("train", "test"):
        scipy.io.savemat(tmp_path / f"{split}.mat", values)
    meta = {"fine_label_names": cell("apple", "bee"), "coarse_label_names": cell("fish", "fruit")}
    scipy.io.savemat(tmp_path / "meta.mat", meta)
    assert load(tmp_path).spec.classes == ("apple", "bee")
    assert load(tmp_path, label_column="coarse_labels").labels is None
    assert "fine_labels, coarse_labels" in refused(tmp_path, label_column="labels")
    scipy.io.savemat(tmp_path / "meta.mat", {"fine_label_names": cell("apple")})
    assert "a label that its meta file does not name" in refused(tmp_path)


@pytest.mark.parametrize("last", [False, True])
def test_the_number_of_labels_tells_which_axis_counts(tmp_path, last):
    gray = pixels(5)[..., 0]
    values = {"images": np.moveaxis(gray, 0, -1) if last else gray, "labels": column([1, 2, 1, 2, 1])}
    scipy.io.savemat(tmp_path / "mine.mat", values)
    assert np.array_equal(everything(load(tmp_path / "mine.mat"))[:, 0], gray)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"images": pixels(5)[..., 0]}, "not clear which axis counts the pictures"),
        ({"images": pixels(8)[..., 0], "labels": column(range(8))}, "not clear which axis counts the pictures"),
        ({"faces": pixels(5)}, "given:   faces"),
        ({"images": np.zeros((8, 8, 3, 5)) + 9}, "values from 9 to 9"),
        ({"X": pixels(3), "X_test": pixels(3)}, "could be pictures of train"),
        ({"x_train": pixels(3), "x_test": pixels(3)}, "several arrays of pictures"),
    ],
)
def test_what_is_not_certain_is_refused(tmp_path, values, words):
    scipy.io.savemat(tmp_path / "mine.mat", values)
    assert words in refused(tmp_path / "mine.mat")


@pytest.mark.parametrize("cut", [0, 100, 200, -50])
def test_broken_files_are_named(tmp_path, cut):
    scipy.io.savemat(tmp_path / "a.mat", {"X": np.moveaxis(pixels(4, 32), 0, -1)}, do_compression=True)
    (tmp_path / "a.mat").write_bytes((tmp_path / "a.mat").read_bytes()[:cut])
    assert "a.mat" in refused(tmp_path / "a.mat")
