"""NumPy's files: what is read, what is refused, and that nothing is unpickled."""

from __future__ import annotations

import tracemalloc
import zipfile

import numpy as np
import pytest
from ganzoo_datasets.files.arrays import npy
from ganzoo_datasets.files.choosing import Chosen
from ganzoo_datasets.pictures import Pictures
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
    return Pictures(path=str(path)).open(
        image_size=image_size, channels=channels, split=split, cache=path.parent / "cache"
    )


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


def test_a_large_file_is_never_in_memory_as_a_whole(tmp_path, monkeypatch):
    """100 MB of pixels, reduced to 6 MB: what is held is the result and a few chunks, as many as threads fill."""
    monkeypatch.setattr(npy, "BOMB_RATIO", 2000)  # what is quickly packed for a test packs well
    path = save(tmp_path, train_images=np.zeros((1536, 256, 256), dtype=np.uint8))
    tracemalloc.start()
    data = load(path, image_size=64)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert data.spec.shape == (1, 64, 64)
    assert peak < 34e6


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
        ({"faces": images(2)}, "given:   faces"),
        ({"images": images(2), "x": images(2)}, "both images and x could be pictures"),
        ({"x": images(2), "x_train": images(2)}, "both x and x_train could be pictures of train"),
        ({}, "no array"),
        ({"train_images": images(2).astype(np.float32)}, "values from 0 to 255"),
        ({"train_images": images(2).astype(np.float32) * np.nan}, "NaN or infinite"),
        ({"train_images": images(2).astype(np.int64)}, "int64 does not say which values are black and white"),
        ({"train_images": images(2).astype(np.complex64)}, "not numbers"),
        ({"train_images": images(2, 28, 28, 28)}, "volumes"),
        ({"train_images": images(2, 28, 28, 28, 3)}, "volumes"),
        ({"train_images": images(28)[0]}, "uint8 (28, 28)"),
        ({"train_images": images(28, 28, 3)}, "a single picture"),
        ({"train_images": images(28, 28, 3, 90)}, "numpy.moveaxis(ARRAY, -1, 0)"),
        ({"train_images": images(2, 784)}, "flat"),
        ({"train_images": images(0)}, "(0, 28, 28)"),
        ({"train_images": images(2), "train_labels": np.zeros((2, 14), dtype=np.uint8)}, "several labels per image"),
        ({"train_images": images(2), "train_labels": np.zeros(2)}, "float64 (2,)"),
        ({"train_images": images(2), "train_labels": numbers(1, 0, 1)}, "3 labels for 2 images"),
    ],
)
def test_other_layouts_are_refused(tmp_path, arrays, words):
    assert words in refused(save(tmp_path, **arrays))


def test_splits_must_fit_together(tmp_path):
    first = {"train_images": images(2), "train_labels": numbers(0, 1)}
    message = refused(save(tmp_path, **first, val_images=images(2, 32, 32)), split="all")
    assert "2 of 4 pictures have no class" in message
    assert "next:    give these pictures a class, or read a split that has classes: --set data.split=train" in message
    several = save(tmp_path, train_images=images(2), val_images=images(2, 32, 32))
    assert "28×28, 32×32" in refused(several, split="all")
    assert len(load(several)) == 2
    assert load(several, split="all", image_size=16).spec.shape == (1, 16, 16)
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


@pytest.mark.parametrize(
    "header",
    [
        b"(((((((",
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 8, 8), }}",
        b"{'descr': 'what', 'fortran_order': False, 'shape': (2, 8, 8), }",
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (True, 'a'), }",
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (-2, 8, 8), }",
        b"{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (2, 8, 8), }",
        b"{1: 2}",
        b"  if x:\n y",
        b'"\x22"',
        b"(" * 9000,
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (" + b"9" * 4500 + b",), }",
    ],
    ids=range(11),
)
def test_a_header_that_no_parser_reads_is_named(tmp_path, header):
    path = tmp_path / "data.npz"
    with zipfile.ZipFile(path, "w") as archive:
        content = b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header
        archive.writestr("train_images.npy", content + bytes(128))
    assert "train_images" in refused(path)


def test_a_header_that_lies_is_refused_before_memory_is_taken(tmp_path):
    path = save(tmp_path, train_images=images(2))
    with zipfile.ZipFile(path) as archive:
        content = archive.read("train_images.npy")
    lie = content.replace(b"(2, 28, 28)", b"(2000000000000, 28, 28)")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train_images.npy", lie)
    assert "train_images" in refused(path)


def test_an_array_that_unpacks_to_hundreds_of_times_its_size_is_refused(tmp_path):
    """A bound is told before anything of it is unpacked; what is not compressed is its own bound."""
    empty = np.zeros((70, 1000, 1000), np.uint8)
    path = save(tmp_path, train_images=empty)
    assert "as in a decompression bomb" in refused(path)
    assert load(save(tmp_path, compressed=False, train_images=empty[:, :32, :32])).spec.shape == (1, 32, 32)


def test_refused_pixels(medical):
    with pytest.raises(ConfigError, match="cannot be read with this size"):
        load(medical, channels=2)


def test_what_is_no_array_is_no_split(tmp_path):
    path = tmp_path / "notes.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train_images", "nothing")
    assert "no array has a name that is known for pictures" in refused(path)


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


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (("images", "labels"), "train"),
        (("x_train", "y_train"), "train"),
        (("X_test", "Y_test"), "test"),
        (("x_valid", "y_valid"), "val"),
        (("X", "y"), "train"),
        (("data", "labels"), "train"),
        (("imgs", "labels"), "train"),
        (("arr_0", "arr_1"), "train"),
    ],
)
def test_names_that_people_use(tmp_path, names, split):
    path = save(tmp_path, **{names[0]: images(3), names[1]: np.array([2, 10, 2])})
    data = load(path, split=split)
    assert np.array_equal(everything(data)[:, 0], images(3))
    assert (data.spec.classes, data.labels.tolist()) == (("2", "10"), [0, 1, 0])


COLOR = images(4, 8, 8, 3)
GRAY = images(4, 8, 8)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (GRAY, GRAY[:, None]),
        (GRAY[..., None], GRAY[:, None]),
        (GRAY[:, None], GRAY[:, None]),
        (COLOR, COLOR.transpose(0, 3, 1, 2)),
        (COLOR.transpose(0, 3, 1, 2), COLOR.transpose(0, 3, 1, 2)),
        (np.concatenate([COLOR, np.full((4, 8, 8, 1), 255, np.uint8)], 3), COLOR.transpose(0, 3, 1, 2)),
        (GRAY > 127, np.where(GRAY > 127, 255, 0)[:, None]),
        (GRAY.astype(np.uint16) * 257, GRAY[:, None]),
        (GRAY.astype(">u2") * np.array(257, ">u2"), GRAY[:, None]),
        ((GRAY / 255).astype(np.float32), GRAY[:, None]),
        (GRAY / 127.5 - 1, GRAY[:, None]),
    ],
    ids=["HW", "HW1", "1HW", "HWC", "CHW", "RGBA", "bool", "uint16", "big-endian", "0 to 1", "-1 to 1"],
)
def test_shapes_and_types(tmp_path, stored, expected):
    assert np.array_equal(everything(load(save(tmp_path, images=stored))), expected)
    np.save(tmp_path / "any-name.npy", stored)
    assert np.array_equal(everything(load(tmp_path / "any-name.npy")), expected)


def test_transparency_is_laid_over_white(tmp_path, caplog):
    half = np.stack([*np.zeros((3, 2, 8, 8), np.uint8), np.full((2, 8, 8), 51, np.uint8)], -1)
    assert (everything(load(save(tmp_path, images=half))) == 204).all()
    half[1, ..., 3] = 0
    assert (everything(load(save(tmp_path, images=half)))[1] == 0).all()
    assert "transparent everywhere; their transparency is ignored\n  images[1]" in caplog.text


def test_the_range_of_floats_is_that_of_all_splits(tmp_path, caplog):
    """A test set without negative values is on the same scale as the others."""
    path = save(tmp_path, x_train=np.float32([[[-1, 1], [0, 0]]]), x_test=np.float32([[[0, 1], [0, 0]]]))
    with caplog.at_level("INFO"):
        data = load(path, split="test")
    assert everything(data).ravel().tolist() == [128, 255, 128, 128]
    assert "read as values from -1 (black) to 1 (white)" in caplog.text


def test_doubtful_shapes_are_told(tmp_path, caplog):
    assert load(save(tmp_path, images=images(3, 8, 8, 3))).spec.shape == (3, 8, 8)
    assert "(3, 8, 8, 3), is read as rows of (H, W, 3)" in caplog.text
    caplog.clear()
    load(save(tmp_path, images=images(4, 3, 8, 3)))
    assert "channels may come first" in caplog.text


def test_labels_as_texts_or_one_hot(tmp_path):
    texts = load(save(tmp_path, images=images(3), labels=np.array(["cat", "dog", "cat"])))
    assert (texts.spec.classes, texts.labels.tolist()) == (("cat", "dog"), [0, 1, 0])
    one_hot = load(save(tmp_path, images=images(3), labels=np.eye(3)[[2, 0, 2]]))
    assert (one_hot.spec.classes, one_hot.labels.tolist()) == (("0", "2"), [1, 0, 1])


def test_a_second_array_without_a_name_is_not_taken_for_labels(tmp_path, caplog):
    path = tmp_path / "data.npz"
    np.savez(path, images(3), np.zeros((3, 2)))
    assert load(path).labels is None
    assert "arr_1, float64 (3, 2), does not hold labels" in caplog.text


def test_a_folder_of_npy_files(tmp_path):
    folder = tmp_path / "outer" / "inner"
    folder.mkdir(parents=True)
    for name, values in {"x_train": images(4), "y_train": np.arange(4) % 2, "x_test": images(2)}.items():
        np.save(folder / f"{name}.npy", values)
    assert load(tmp_path).labels.tolist() == [0, 1, 0, 1]
    assert np.array_equal(everything(load(tmp_path, split="test"))[:, 0], images(2))
    save(folder, images=images(2))
    assert "several files of arrays" in refused(tmp_path)


@pytest.mark.parametrize("name", ["images", "labels"])
def test_python_objects_in_npy_files_are_refused_unread(tmp_path, name):
    for each, values in {"images": images(2), "labels": np.arange(2)}.items():
        np.save(tmp_path / f"{each}.npy", np.array([Trap(), Trap()]) if each == name else values)
    assert "never unpickled" in refused(tmp_path)


@pytest.mark.parametrize("cut", [3, 100, -1])
def test_a_broken_npy_file_is_named(tmp_path, cut):
    path = tmp_path / "images.npy"
    np.save(path, images(2))
    path.write_bytes(path.read_bytes()[:cut])
    assert "images.npy" in refused(path)


def test_the_cache_follows_the_file(tmp_path):
    first = everything(load(save(tmp_path, images=images(2))))
    assert np.array_equal(first, everything(load(tmp_path / "data.npz")))
    again = everything(load(save(tmp_path, images=images(3, seed=1))))
    assert np.array_equal(again[:, 0], images(3, seed=1))


def test_fit_and_skipping_follow_the_rule_of_all_pictures(tmp_path):
    path = save(tmp_path, images=images(1, 8, 16))
    data = Pictures(path=str(path), fit="pad").open(image_size=16, channels=None, split="train", cache=tmp_path)
    assert np.array_equal(everything(data)[0, 0, 4:12], images(1, 8, 16)[0])
    path = save(tmp_path, images=np.ones((2, 8, 8, 4)))
    options = Pictures(path=str(path), range=(0, 2))
    with pytest.raises(DataError, match=r"images\[1\]: it is not known which values of its fourth channel are opaque"):
        options.open(image_size=None, channels=None, split="train", cache=tmp_path)


@pytest.mark.parametrize("kind", ["i2", "i8", "f4"])
def test_the_owner_may_state_the_range(tmp_path, kind):
    values = np.array([[[-1000, 0], [500, 1000]]], kind)
    path = save(tmp_path, images=values)
    for stated in ((-1000, 1000), "measured"):
        data = Pictures(path=str(path), range=stated).open(
            image_size=None, channels=None, split="train", cache=tmp_path
        )
        assert everything(data).ravel().tolist() == [0, 128, 191, 255]


def test_a_narrow_range_is_warned_of(tmp_path, caplog):
    load(save(tmp_path, images=np.array([[[0, 4095]] * 2], np.uint16)))
    assert "--set data.range=0,4095 uses the whole range" in caplog.text


def test_the_time_for_labels_and_groups_grows_with_their_number(tmp_path, monkeypatch):
    """Asked for once: 60,000 labels of 60,000 pictures each would take an hour."""
    asked = []
    for name in ("labels", "groups"):
        found = getattr(Chosen, name).fget
        monkeypatch.setattr(Chosen, name, property(lambda self, found=found: asked.append(self) or found(self)))
    load(save(tmp_path, images=images(50), labels=np.arange(50) % 5))
    assert len(asked) < 10
