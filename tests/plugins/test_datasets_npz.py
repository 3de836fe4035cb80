"""MedMNIST's layout: what is read, what is refused, and that nothing is unpickled."""

from __future__ import annotations

import tracemalloc
import zipfile

import numpy as np
import pytest
from ganzoo_datasets.npz import Npz
from picture_files import everything
from PIL import Image

from ganzoo.errors import ConfigError, DataError


def images(count, *shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *(shape or (28, 28))), dtype=np.uint8)


def numbers(*values):
    return np.array(values, dtype=np.uint8)[:, None]


def save(folder, *, compressed=True, **arrays):
    path = folder / "data.npz"
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return path


def load(path, *, split="train", image_size=None, channels=None):
    return Npz(path=str(path)).open(image_size=image_size, channels=channels, split=split, cache=path.parent)


def refused(path, **options):
    with pytest.raises(DataError) as caught:
        load(path, **options)
    return str(caught.value)


@pytest.fixture
def medical(tmp_path):
    return save(
        tmp_path,
        train_images=images(4, 28, 28, 3),
        train_labels=numbers(1, 0, 1, 7),
        val_images=images(2, 28, 28, 3, seed=1),
        val_labels=numbers(7, 7),
        test_images=images(3, 28, 28, 3, seed=2),
        test_labels=numbers(0, 1, 0),
    )


def test_color_images_and_labels(medical):
    data = load(medical)
    assert np.array_equal(everything(data), images(4, 28, 28, 3).transpose(0, 3, 1, 2))
    assert (data.spec.shape, data.spec.classes) == ((3, 28, 28), ("0", "1", "7"))
    assert data.labels.tolist() == [1, 0, 1, 2]
    assert data.spec.marginal == (0.25, 0.5, 0.25)
    assert (data.groups, data.modes) == (None, None)


def test_splits(medical):
    assert load(medical, split="val").labels.tolist() == [2, 2]
    assert load(medical, split="test").labels.tolist() == [0, 1, 0]
    both = load(medical, split="all")
    assert both.labels.tolist() == [1, 0, 1, 2, 2, 2, 0, 1, 0]
    parts = [everything(load(medical, split=split)) for split in ("train", "val", "test")]
    assert np.array_equal(everything(both), np.concatenate(parts))
    assert "train, val, test, all" in refused(medical, split="valid")


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("by_column", [False, True])
def test_gray_images_and_flat_labels(tmp_path, compressed, by_column):
    content = np.asfortranarray(images(5)) if by_column else images(5)
    labels = np.array([3, 1, 1, 1, 3], dtype=np.int64)
    path = save(tmp_path, compressed=compressed, train_images=content, train_labels=labels)
    data = load(path)
    assert np.array_equal(everything(data)[:, 0], images(5))
    assert data.labels.tolist() == [1, 0, 0, 0, 1]


def test_without_labels(tmp_path):
    data = load(save(tmp_path, train_images=images(2)))
    assert (data.labels, data.spec.classes) == (None, ())


def test_size_and_channels_follow_the_rule_for_pictures(medical, tmp_path):
    gray = everything(load(medical, channels=1))
    pictures = [Image.fromarray(one) for one in images(4, 28, 28, 3)]
    assert np.array_equal(gray[:, 0], np.stack([np.asarray(one.convert("L")) for one in pictures]))
    large = everything(load(medical, image_size=40))
    expected = [np.asarray(one.resize((40, 40), Image.Resampling.LANCZOS)) for one in pictures]
    assert np.array_equal(large, np.stack(expected).transpose(0, 3, 1, 2))
    three = load(save(tmp_path, train_images=images(2, 12, 16)), channels=3)
    assert three.spec.shape == (3, 12, 12)
    assert np.array_equal(everything(three), np.repeat(images(2, 12, 16)[:, None, :, 2:14], 3, 1))


def test_fingerprint_tells_what_differs(medical):
    variants = [{}, {"channels": 1}, {"image_size": 27}, {"split": "all"}, {"split": "test"}]
    prints = [load(medical, **variant).fingerprint for variant in variants]
    assert len(set(prints)) == len(variants)
    assert load(medical).fingerprint == prints[0]


def test_a_large_file_is_never_in_memory_as_a_whole(tmp_path):
    """48 MB of pixels, reduced to 3 MB: what is held is the result and a few chunks."""
    path = save(tmp_path, train_images=np.zeros((768, 256, 256), dtype=np.uint8))
    tracemalloc.start()
    data = load(path, image_size=64)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert data.spec.shape == (1, 64, 64)
    assert peak < 24e6


class Trap:
    """What it does when it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


@pytest.mark.parametrize("name", ["train_images", "train_labels"])
def test_python_objects_are_refused_unread(tmp_path, name):
    arrays = {"train_images": images(2), "train_labels": numbers(0, 1)}
    path = save(tmp_path, **arrays | {name: np.array([Trap(), Trap()], dtype=object)})
    assert name in refused(path)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": images(2)}, "given:   x"),
        ({}, "no array"),
        ({"train_images": images(2).astype(np.float32)}, "float32 (2, 28, 28)"),
        ({"train_images": images(2, 28, 28, 28)}, "volumes"),
        ({"train_images": images(2, 28, 28, 4)}, "(2, 28, 28, 4)"),
        ({"train_images": images(28)[0]}, "uint8 (28, 28)"),
        ({"train_images": images(0)}, "(0, 28, 28)"),
        ({"train_images": images(2), "train_labels": np.zeros((2, 14), dtype=np.uint8)}, "several labels per image"),
        ({"train_images": images(2), "train_labels": np.zeros(2)}, "float64 (2,)"),
        ({"train_images": images(2), "train_labels": np.array(["a", "b"])}, "not an array of class numbers"),
        ({"train_images": images(2), "train_labels": numbers(1, 0, 1)}, "3 labels for 2 images"),
    ],
)
def test_other_layouts_are_refused(tmp_path, arrays, words):
    assert words in refused(save(tmp_path, **arrays))


def test_splits_must_fit_together(tmp_path):
    first = {"train_images": images(2), "train_labels": numbers(0, 1)}
    message = refused(save(tmp_path, **first, val_images=images(2, 32, 32)), split="all")
    assert "different shapes" in message
    assert "next:    --set data.split=train" in message
    assert "none for val" in refused(save(tmp_path, **first, val_images=images(2)), split="all")
    strange = save(tmp_path, **first, test_images=images(2), test_labels=numbers(0, 5))
    assert "do not occur in train" in refused(strange, split="test")
    assert len(load(strange)) == 2


def test_broken_files_are_named(tmp_path):
    whole = save(tmp_path, compressed=False, train_images=images(50)).read_bytes()
    middle = len(whole) // 2
    for content in (b"", b"no archive", whole[:-30], whole[:middle] + b"\xff\x00" * 40 + whole[middle + 80 :]):
        (tmp_path / "data.npz").write_bytes(content)
        assert "data.npz" in refused(tmp_path / "data.npz")
    assert "missing.npz" in refused(tmp_path / "missing.npz")
    assert str(tmp_path) in refused(tmp_path)


def test_a_header_that_lies_is_refused_before_memory_is_taken(tmp_path):
    path = save(tmp_path, train_images=images(2))
    with zipfile.ZipFile(path) as archive:
        content = archive.read("train_images.npy")
    lie = content.replace(b"(2, 28, 28)", b"(2000000000000, 28, 28)")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train_images.npy", lie)
    assert "train_images" in refused(path)


def test_refused_pixels(medical):
    with pytest.raises(ConfigError, match="cannot be read with this size"):
        load(medical, channels=2)


def test_what_is_no_array_is_no_split(tmp_path):
    path = tmp_path / "notes.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train_images", "nothing")
    assert "does not have the layout of MedMNIST" in refused(path)


def test_without_train_a_label_means_the_same_in_every_split(tmp_path):
    path = save(
        tmp_path,
        val_images=images(2, 8, 8),
        val_labels=numbers(1, 2),
        test_images=images(2, 8, 8),
        test_labels=numbers(2, 3),
    )
    val, test = (load(path, split=split) for split in ("val", "test"))
    assert val.spec.classes == test.spec.classes == ("1", "2", "3")
    assert (val.labels.tolist(), test.labels.tolist()) == ([0, 1], [1, 2])
