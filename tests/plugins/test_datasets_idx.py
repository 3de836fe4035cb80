"""IDX files: what is read, under which names, and what is refused."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
import torch
from ganzoo_datasets.pictures import Pictures
from picture_files import everything
from PIL import Image

from ganzoo.errors import ConfigError, DataError


def idx_bytes(values, *, kind=0x08, dimensions=None):
    values = np.asarray(values)
    header = bytes([0, 0, kind, values.ndim if dimensions is None else dimensions])
    return header + b"".join(struct.pack(">I", side) for side in values.shape) + values.tobytes()


def images(count, height=28, width=28, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width), dtype=np.uint8)


def write(folder, name, content):
    content = content if isinstance(content, bytes) else idx_bytes(content)
    (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)


def labels(*values):
    return np.array(values, dtype=np.uint8)


@pytest.fixture
def mnist(tmp_path):
    write(tmp_path, "train-images-idx3-ubyte.gz", images(6))
    write(tmp_path, "train-labels-idx1-ubyte.gz", labels(5, 0, 4, 0, 5, 5))
    write(tmp_path, "t10k-images-idx3-ubyte", images(3, seed=1))
    write(tmp_path, "t10k-labels-idx1-ubyte", labels(4, 5, 5))
    return tmp_path


def load(folder, *, split="train", image_size=None, channels=None, **options):
    return Pictures(path=str(folder), **options).open(
        image_size=image_size, channels=channels, split=split, cache=folder.parent / "cache"
    )


def refused(folder, **options):
    with pytest.raises(DataError) as caught:
        load(folder, **options)
    return str(caught.value)


def test_native_pixels_and_labels(mnist):
    data = load(mnist)
    assert np.array_equal(everything(data)[:, 0], images(6))
    assert (data.spec.shape, data.spec.classes) == ((1, 28, 28), ("0", "4", "5"))
    assert data.labels.tolist() == [2, 0, 1, 0, 2, 2]
    assert data.spec.marginal == pytest.approx((2 / 6, 1 / 6, 3 / 6))
    assert (data.groups, data.modes) == (None, None)


def test_labels_mean_the_same_in_every_split(mnist):
    test, both = load(mnist, split="test"), load(mnist, split="all")
    assert test.spec.classes == ("0", "4", "5")
    assert test.labels.tolist() == [1, 2, 2]
    assert test.spec.marginal[0] == 0
    assert np.array_equal(everything(both)[:, 0], np.concatenate([images(6), images(3, seed=1)]))
    assert both.labels.tolist() == [2, 0, 1, 0, 2, 2, 1, 2, 2]


@pytest.mark.parametrize("names", ["{}-images-idx3-ubyte", "{}-images.idx3-ubyte", "{}-images-idx3-ubyte.gz"])
@pytest.mark.parametrize("test", ["t10k", "test"])
def test_published_names(tmp_path, names, test):
    write(tmp_path, names.format("train"), images(2))
    write(tmp_path, names.format(test), images(3))
    assert (len(load(tmp_path)), len(load(tmp_path, split="test"))) == (2, 3)
    assert load(tmp_path).labels is None


def test_what_is_unpacked_is_read_before_what_is_not(tmp_path):
    write(tmp_path, "train-images-idx3-ubyte", images(2))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"broken")
    assert len(load(tmp_path)) == 2


def test_emnist_is_set_upright_and_chosen_by_family(tmp_path):
    for number, family in enumerate(("emnist-letters", "emnist-digits")):
        write(tmp_path, f"{family}-train-images-idx3-ubyte.gz", images(4, seed=number))
        write(tmp_path, f"{family}-train-labels-idx1-ubyte.gz", labels(1, 2, 26, 1))
    message = refused(tmp_path)
    assert "emnist-digits, emnist-letters" in message
    assert "--set data.family=" in message
    data = load(tmp_path, family="emnist-letters")
    assert np.array_equal(everything(data)[:, 0], images(4).transpose(0, 2, 1))
    assert data.spec.classes == ("1", "2", "26")
    lying = load(tmp_path, family="emnist-letters", transpose=False)
    assert np.array_equal(everything(lying)[:, 0], images(4))
    message = refused(tmp_path, family="mnist")
    assert "of family 'mnist'" in message
    assert "next:    --set data.family=emnist-letters" in message


def test_a_family_where_there_is_none_is_to_be_left_out(mnist):
    assert "next:    --set data.family=null" in refused(mnist, family="mnist")
    assert len(load(mnist, family=None)) == 6


def test_splits_of_different_sizes_can_be_read_one_by_one(mnist):
    write(mnist, "t10k-images-idx3-ubyte", images(3, height=20))
    assert "28×20, 28×28" in refused(mnist, split="all")
    assert len(load(mnist, split="all", image_size=20)) == 9
    assert len(load(mnist, split="train")) == 6


def test_other_sizes_follow_the_rule_for_pictures(mnist):
    enlarged = everything(load(mnist, image_size=32))
    expected = [np.asarray(Image.fromarray(one).resize((32, 32), Image.Resampling.LANCZOS)) for one in images(6)]
    assert np.array_equal(enlarged[:, 0], np.stack(expected))


def test_oblong_images_lose_their_ends(tmp_path):
    write(tmp_path, "train-images-idx3-ubyte", images(2, height=10, width=20))
    assert np.array_equal(everything(load(tmp_path))[:, 0], images(2, height=10, width=20)[:, :, 5:15])


def test_three_channels_are_equal(mnist):
    three = load(mnist, channels=3)
    assert three.spec.shape == (3, 28, 28)
    assert np.array_equal(everything(three), np.repeat(images(6)[:, None], 3, 1))
    assert three.fingerprint != load(mnist).fingerprint


def test_many_images_are_read_in_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("ganzoo_datasets.files.arrays.stored.BLOCK_BYTES", 28 * 28 * 3)
    write(tmp_path, "train-images-idx3-ubyte.gz", images(10))
    assert np.array_equal(everything(load(tmp_path))[:, 0], images(10))


def test_packing_does_not_change_the_fingerprint_and_content_does(tmp_path):
    prints = []
    for name, content in (("a", images(3)), ("b.gz", images(3)), ("c", images(3, seed=1))):
        folder = tmp_path / name[0]
        folder.mkdir()
        write(folder, f"train-images-idx3-ubyte{name[1:]}", content)
        prints.append(load(folder).fingerprint)
    assert prints[0] == prints[1] != prints[2]
    index = torch.tensor([2, 0, 2])
    assert np.array_equal(load(tmp_path / "a").read(index)[:, 0], images(3)[index])


GOOD = idx_bytes(images(3))


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "(none)"),
        (b"\x89PNG\r\n\x1a\n" + GOOD, "89 50 4e 47"),
        (GOOD[:10], "a header of 10 bytes"),
        (GOOD[:-1], ""),
        (GOOD[:1000], ""),
        (GOOD + b"x", ""),
        (idx_bytes(labels(1, 2, 3)), "an array of bytes with 1 dimensions"),
        (idx_bytes(images(3).astype(">i4"), kind=0x0C), "an array of int32 with 3 dimensions"),
        (idx_bytes(images(0)), "(0, 28, 28)"),
        (idx_bytes(images(3, height=0)), "(3, 0, 28)"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "4294967295"),
    ],
)
def test_broken_files_are_named(tmp_path, content, words, suffix):
    name = f"train-images-idx3-ubyte{suffix}"
    write(tmp_path, name, content)
    message = refused(tmp_path)
    assert name in message
    assert words in message


@pytest.mark.parametrize("cut", [4, 15, -9])
def test_a_broken_archive_is_named(tmp_path, cut):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(GOOD)[:cut])
    assert "train-images-idx3-ubyte.gz" in refused(tmp_path)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(GOOD)
    assert "train-images-idx3-ubyte.gz" in refused(tmp_path)


def test_an_archive_by_the_name_of_a_plain_file_says_how_to_rename_it(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(gzip.compress(GOOD))
    assert "mv " in refused(tmp_path)


def test_counts_must_match(mnist):
    write(mnist, "train-labels-idx1-ubyte.gz", labels(1, 2))
    assert "2 labels for 6 images" in refused(mnist)


def test_a_label_unknown_to_train_is_refused(mnist):
    write(mnist, "t10k-labels-idx1-ubyte", labels(4, 9, 7))
    message = refused(mnist, split="test")
    assert "t10k-images-idx3-ubyte[1]: 9\n  t10k-images-idx3-ubyte[2]: 7" in message
    assert "0, 4, 5" in message


def test_labels_of_one_split_only(mnist):
    (mnist / "t10k-labels-idx1-ubyte").unlink()
    assert "3 of 9 pictures have no class" in refused(mnist, split="all")
    assert load(mnist, split="test").labels is None


def test_refusals(mnist, tmp_path_factory):
    assert "train, test, all" in refused(mnist, split="val")
    (mnist / "t10k-images-idx3-ubyte").unlink()
    assert "allowed: train, all" in refused(mnist, split="test")
    empty = tmp_path_factory.mktemp("empty")
    assert "in the layout 'idx'" in refused(empty, layout="idx")
    assert "there is no file or folder" in refused(empty / "missing")
    assert "these are the labels" in refused(mnist / "train-labels-idx1-ubyte.gz")
    with pytest.raises(ConfigError, match="cannot be read with this size"):
        load(mnist, channels=2)


def test_a_single_file_is_read_with_its_labels(mnist):
    """Whoever names the file of the test set wants it; it has no splits."""
    data = load(mnist / "t10k-images-idx3-ubyte")
    assert np.array_equal(everything(data)[:, 0], images(3, seed=1))
    assert (data.spec.classes, data.labels.tolist()) == (("4", "5"), [0, 1, 1])


def test_folders_around_the_files_are_gone_through(mnist, tmp_path_factory):
    """torchvision unpacks to MNIST/raw."""
    root = tmp_path_factory.mktemp("data")
    mnist.rename(root / "raw")
    (root / "MNIST").mkdir()
    (root / "raw").rename(root / "MNIST" / "raw")
    assert len(load(root)) == 6
    (root / "KMNIST").mkdir()
    write(root / "KMNIST", "train-images-idx3-ubyte", images(2))
    message = refused(root)
    assert "KMNIST, MNIST/raw" in message


def test_turning_is_another_entry_of_the_cache(mnist):
    upright = everything(load(mnist))
    assert np.array_equal(everything(load(mnist, transpose=True)), upright.transpose(0, 1, 3, 2))
