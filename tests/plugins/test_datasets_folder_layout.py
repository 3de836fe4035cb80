"""Which files of a folder count, what class and split they belong to, and what is inferred of all together."""

from __future__ import annotations

import logging
import os

import numpy as np
import pytest
import torch
from ganzoo_datasets.pictures import Pictures
from hypothesis import given
from hypothesis import strategies as st
from picture_files import everything, noise, open_folder, save
from PIL import Image
from pydantic import ValidationError

from ganzoo.errors import ConfigError, DataError


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "pictures"
    path.mkdir()
    return path


def shade(value):
    return Image.new("L", (32, 32), value)


def shades(dataset):
    return everything(dataset)[:, 0, 0, 0].tolist()


def refused(folder, **options):
    with pytest.raises(DataError) as caught:
        open_folder(folder, **options)
    return str(caught.value)


def test_a_flat_folder_has_no_labels(folder):
    for value in (3, 1, 2):
        save(folder, f"{value}.png", shade(value))
    data = open_folder(folder)
    assert shades(data) == [1, 2, 3]
    assert (data.labels, data.spec.classes, data.spec.marginal) == (None, (), ())
    assert (data.groups, data.modes) == (None, None)


def test_sub_folders_are_classes(folder):
    for name, value in (("dog/a.png", 1), ("cat/b.png", 2), ("dog/c.png", 3), ("ant/z.png", 4)):
        save(folder, name, shade(value))
    data = open_folder(folder)
    assert data.spec.classes == ("ant", "cat", "dog")
    assert shades(data) == [4, 2, 1, 3]
    assert data.labels.dtype == torch.int64
    assert data.labels.tolist() == [0, 1, 2, 2]
    assert data.spec.marginal == (0.25, 0.25, 0.5)


@pytest.mark.parametrize("names", [("train", "test"), ("Train", "val", "TEST"), ("train",), ("cat", "dog")])
def test_nothing_is_warned_of_where_folders_are_what_they_seem(folder, caplog, names):
    for name in names:
        save(folder, f"{name}/a.png")
    open_folder(folder, split="all")
    assert "WARNING" not in caplog.text


def test_one_class_is_none(folder):
    save(folder, "cat/a.png")
    data = open_folder(folder)
    assert (data.labels, data.spec.classes) == (None, ())


def test_deeper_folders_count_to_their_class(folder):
    save(folder, "cat/2020/may/a.png", shade(1))
    save(folder, "cat/b.png", shade(2))
    save(folder, "dog/c.png", shade(3))
    data = open_folder(folder)
    assert data.spec.classes == ("cat", "dog")
    assert dict(zip(shades(data), data.labels.tolist(), strict=True)) == {1: 0, 2: 0, 3: 1}


def test_other_files_are_ignored_and_counted(folder, caplog):
    save(folder, "cat/a.PNG", format="PNG")
    save(folder, "dog/b.JpEg", format="JPEG")
    for name in ("notes.txt", "cat/Thumbs.db", "dog/desktop.ini"):
        (folder / name).write_text("no picture")
    for name in (".DS_Store", ".hidden.png", "cat/._a.png"):
        (folder / name).write_text("no picture")
    (folder / ".git").mkdir()
    (folder / "__MACOSX").mkdir()
    with caplog.at_level(logging.INFO, "ganzoo"):
        assert len(open_folder(folder)) == 2
    assert "without the ending of a picture: 3" in caplog.text


def test_images_beside_class_folders_are_an_error(folder):
    save(folder, "cat/a.png")
    save(folder, "stray.png")
    message = refused(folder)
    assert "stray.png" in message
    assert str(folder / "cat") in message


def test_a_folder_without_images_beside_images_is_no_class(folder):
    save(folder, "a.png")
    (folder / "labels").mkdir()
    (folder / "labels" / "a.json").write_text("{}")
    assert open_folder(folder).labels is None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder.rmdir(), "there is no file or folder"),
        (lambda folder: folder.rmdir() or folder.write_text("a file"), "is not a collection of pictures"),
        (lambda folder: None, "holds no image"),
        (lambda folder: (folder / "a.txt").touch(), "1 other file (.txt: 1)\n"),
        (lambda folder: (folder / "cat").mkdir(), "holds no image"),
        (lambda folder: (folder / "a.zip").touch(), "holds no image: an archive there must be given itself"),
        (lambda folder: save(folder, "cat/a.png") and (folder / "dog").mkdir(), "class folders without images: "),
    ],
    ids=["missing", "file", "empty", "no pictures", "empty class folders", "an archive", "an empty class folder"],
)
def test_folders_that_are_no_data(folder, make, words):
    make(folder)
    message = refused(folder)
    assert words in message
    assert str(folder) in message
    assert "next:" in message


def test_links_to_folders_are_followed_but_not_in_circles(folder, tmp_path):
    save(tmp_path / "elsewhere", "a.png", shade(7))
    save(folder, "dog/b.png", shade(8))
    (folder / "cat").symlink_to(tmp_path / "elsewhere")
    (folder / "dog" / "again").symlink_to(folder)
    (tmp_path / "elsewhere" / "up").symlink_to("..")
    (folder / "dog" / "self").symlink_to("self")
    data = open_folder(folder)
    assert data.spec.classes == ("cat", "dog")
    assert {7, 8} <= set(shades(data))


@pytest.fixture
def with_splits(folder):
    for value, name in enumerate(("train/cat/a", "train/dog/b", "train/dog/c", "Test/dog/d", "val/cat/e")):
        save(folder, f"{name}.png", shade(value))
    return folder


@pytest.mark.parametrize(
    ("split", "values", "labels"),
    [("train", [0, 1, 2], [0, 1, 1]), ("test", [3], [1]), ("val", [4], [0])],
)
def test_splits_share_the_classes_of_train(with_splits, split, values, labels):
    data = open_folder(with_splits, split=split)
    assert data.spec.classes == ("cat", "dog")
    assert (shades(data), data.labels.tolist()) == (values, labels)


def test_all_is_every_split(with_splits):
    data = open_folder(with_splits, split="all")
    assert dict(zip(shades(data), data.labels.tolist(), strict=True)) == {0: 0, 1: 1, 2: 1, 3: 1, 4: 0}
    assert data.spec.marginal == (0.4, 0.6)


def test_an_unlabelled_test_folder_does_not_disturb_training(folder):
    for name in ("train/cat/a.png", "train/dog/b.png", "test/1.png"):
        save(folder, name)
    assert len(open_folder(folder).spec.classes) == 2
    assert "has other classes than" in refused(folder, split="test")
    assert "has other classes than" in refused(folder, split="all")


def test_a_class_unknown_to_train_is_an_error(with_splits):
    save(with_splits, "Test/cow/x.png")
    message = refused(with_splits, split="test")
    assert "cow, dog" in message
    assert "cat, dog" in message


def test_flat_splits(folder):
    save(folder, "train/a.png", shade(1))
    save(folder, "test/b.png", shade(2))
    assert shades(open_folder(folder)) == [1]
    assert shades(open_folder(folder, split="test")) == [2]


@pytest.mark.parametrize("split", ["test", "val", "nonsense"])
def test_a_split_that_is_not_there(folder, split):
    save(folder, "a.png")
    assert len(open_folder(folder, split="all")) == 1
    message = refused(folder, split=split)
    assert f"no split '{split}'" in message
    assert "train, all" in message
    assert "--set data.split=train" in message
    assert ("put pictures into" in message) == (split != "nonsense")


@pytest.mark.parametrize(
    ("sides", "size"),
    [
        ([8], 32),
        ([31], 32),
        ([32], 32),
        ([63], 32),
        ([64], 64),
        ([200], 128),
        ([128, 40, 90], 64),
        ([40, 41, 300, 300], 32),
    ],
)
def test_the_size_follows_the_median_shorter_side(folder, sides, size):
    for number, side in enumerate(sides):
        save(folder, f"{number}.png", noise(side + 5 * number, side, "L"))
    assert open_folder(folder).spec.shape == (1, size, size)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK"])
def test_any_color_picture_makes_all_rgb(folder, mode):
    for number in range(6):
        save(folder, f"{number}.png", noise(32, 32, "L", seed=number))
    assert open_folder(folder).spec.shape == (1, 32, 32)
    save(folder, "9.tif", noise(32, 32, mode))
    data = open_folder(folder)
    assert data.spec.shape == (3, 32, 32)
    expected = np.stack([np.asarray(noise(32, 32, "L", seed=number)) for number in range(6)])
    assert np.array_equal(everything(data)[:6], np.repeat(expected[:, None], 3, 1))


@given(order=st.permutations(range(5)), size=st.integers(1, 64), channels=st.sampled_from([1, 3, None]))
def test_files_come_in_the_order_of_their_names(tmp_path_factory, order, size, channels):
    """Whatever the order in which the file system holds them."""
    folder = tmp_path_factory.mktemp("order") / "pictures"
    for value in order:
        save(folder, f"{value}.png", shade(50 * value))
    data = open_folder(folder, image_size=size, channels=channels)
    assert data.spec.shape == (channels or 1, size, size)
    assert shades(data) == [0, 50, 100, 150, 200]


def test_reading_follows_the_index(folder):
    for value in range(5):
        save(folder, f"{value}.png", shade(value))
    data = open_folder(folder, channels=3)
    images = data.read(torch.tensor([3, 3, 0]))
    assert (images.dtype, tuple(images.shape)) == (torch.uint8, (3, 3, 32, 32))
    assert images[:, 0, 0, 0].tolist() == [3, 3, 0]
    images.zero_()
    assert data.read(torch.tensor([3]))[0, 0, 0, 0] == 3


def test_a_path_is_saved_as_an_absolute_one(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", os.fspath(tmp_path))
    assert Pictures(path="pictures").path == Pictures(path="~/pictures").path == os.fspath(tmp_path / "pictures")


def test_options_that_make_no_sense(folder):
    with pytest.raises(ValidationError):
        Pictures(path="")
    save(folder, "a.png")
    for wrong in ({"channels": 2}, {"image_size": 0}):
        with pytest.raises(ConfigError, match="cannot be read with this size"):
            open_folder(folder, **wrong)
