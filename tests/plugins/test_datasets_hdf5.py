"""HDF5: arrays, and the encoded bytes of each picture."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest
from encoded import load, pixels, png
from ganzoo_datasets.files.arrays.hdf5 import EncodedPictures
from picture_files import everything

from ganzoo.errors import DataError


def refused(path, **options):
    with pytest.raises(DataError) as caught:
        load(path, **options)
    return str(caught.value)


@pytest.fixture
def isic(tmp_path):
    """ISIC 2024: every picture is a scalar of bytes; a table of its own has classes and patients."""
    folder = tmp_path / "isic"
    folder.mkdir()
    with h5py.File(folder / "train-image.hdf5", "w") as file:
        for number, one in enumerate(pixels(6)):
            file[f"ISIC_{number}"] = np.void(png(one))
    lines = [f"ISIC_{number},{number % 2},IP_{number // 2},{20 + number}" for number in (3, 0, 1, 2, 5, 4)]
    (folder / "train-metadata.csv").write_text("\n".join(["isic_id,target,patient_id,age_approx", *lines]))
    return folder


def test_isic_2024(isic):
    for place in (isic, isic / "train-image.hdf5"):
        data = load(place)
        assert np.array_equal(everything(data), pixels(6).transpose(0, 3, 1, 2))
        assert (data.spec.classes, data.labels.tolist()) == (("0", "1"), [0, 1, 0, 1, 0, 1])
        assert data.groups == ("IP_0", "IP_0", "IP_1", "IP_1", "IP_2", "IP_2")


def test_a_test_set_without_classes_beside_train(isic):
    with h5py.File(isic / "test-image.hdf5", "w") as file:
        file["ISIC_90"] = np.void(png(pixels(1, seed=9)[0]))
    (isic / "test-metadata.csv").write_text("isic_id,patient_id\nISIC_90,IP_9\n")
    assert len(load(isic)) == 6
    assert load(isic, split="test").labels is None


def test_tables_must_match(isic, caplog):
    table = isic / "train-metadata.csv"
    whole = table.read_text()
    table.write_text(whole + "\nISIC_77,0,IP_7,1")
    assert len(load(isic)) == 6
    assert "ISIC_77" in caplog.text
    table.write_text(whole.replace("ISIC_3,1,IP_1,23\n", ""))
    assert "lacks 1 of the 6 pictures of train-image.hdf5\n  ISIC_3" in refused(isic)
    table.write_text(whole + "\nISIC_3,0,IP_1,1")
    assert "lists ISIC_3 twice" in refused(isic)
    table.write_text(whole)
    assert load(isic, label_column="age_approx").spec.classes == tuple(str(20 + number) for number in range(6))
    assert "no column 'sex'" in refused(isic, label_column="sex")
    table.unlink()
    assert load(isic).labels is None


@pytest.mark.parametrize("form", ["void", "string", "vector"])
def test_forms_of_bytes(tmp_path, form):
    make = {"void": np.void, "string": np.bytes_, "vector": lambda content: np.frombuffer(content, np.uint8)}[form]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for number, one in enumerate(pixels(3)):
            file[f"{number}"] = make(png(one))
    assert np.array_equal(everything(load(tmp_path / "a.h5")), pixels(3).transpose(0, 3, 1, 2))


def test_zeros_at_the_end_are_kept(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"], file["b"] = np.bytes_(b"ab\0\0"), np.void(b"ab\0\0")
        file.create_dataset("c", data=b"ab", dtype=h5py.string_dtype())
    pictures = EncodedPictures(tmp_path / "a.h5")
    assert [pictures.content(name) for name in "abc"] == [b"ab\0\0", b"ab\0\0", b"ab"]


def test_what_is_no_picture_is_named(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = np.void(png(pixels(1)[0]))
        file["b"] = np.void(b"nothing")
        file["c"] = np.zeros((2, 2))
    message = refused(tmp_path / "a.h5")
    assert "a.h5[b]: not a picture" in message
    assert "a.h5[c]: not the bytes of an encoded picture" in message
    assert len(load(tmp_path / "a.h5", on_error="skip")) == 1


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_arrays_as_biggan_keeps_them(tmp_path, compression):
    stored = pixels(50).transpose(0, 3, 1, 2)
    with h5py.File(tmp_path / "I8.hdf5", "w") as file:
        chunks = None if compression is None else (7, 3, 8, 8)
        file.create_dataset("imgs", data=stored, chunks=chunks, compression=compression)
        file.create_dataset("labels", data=np.arange(50) % 3)
    data = load(tmp_path / "I8.hdf5", image_size=None)
    assert np.array_equal(everything(data), stored)
    assert data.labels.tolist() == [number % 3 for number in range(50)]


def test_blocks_are_whole_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("ganzoo_datasets.files.arrays.stored.BLOCK_BYTES", 8 * 8 * 3 * 10)
    test_arrays_as_biggan_keeps_them(tmp_path, "gzip")


def test_one_file_per_split(tmp_path):
    for split, count in (("train", 4), ("test", 2)):
        with h5py.File(tmp_path / f"camelyonpatch_{split}.h5", "w") as file:
            file["x"] = pixels(count)
    assert (len(load(tmp_path)), len(load(tmp_path, split="test"))) == (4, 2)
    for split, labels in (("train", [1, 0, 0, 1]), ("test", [1, 0])):
        with h5py.File(tmp_path / f"camelyonpatch_{split}_y.h5", "w") as file:
            file["y"] = np.reshape(labels, (-1, 1, 1, 1))
    assert load(tmp_path).labels.tolist() == [1, 0, 0, 1]
    assert load(tmp_path, split="test").labels.tolist() == [1, 0]
    (tmp_path / "camelyonpatch_test.h5").rename(tmp_path / "other.h5")
    assert "do not say which is which split" in refused(tmp_path)


def test_links_to_other_files_are_not_followed(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["images"] = pixels(2)
        file["a"] = np.void(png(pixels(1)[0]))
    with h5py.File(tmp_path / "arrays.h5", "w") as file:
        file["images"] = h5py.ExternalLink("secret.h5", "images")
    assert "linked from another" in refused(tmp_path / "arrays.h5")
    raw = tmp_path / "raw"
    raw.write_bytes(bytes(128))
    with h5py.File(tmp_path / "external.h5", "w") as file:
        file.create_dataset("images", (2, 8, 8), "u1", external=[(str(raw), 0, 128)])
    assert "linked from another" in refused(tmp_path / "external.h5")
    with h5py.File(tmp_path / "bytes.h5", "w") as file:
        file["a"] = np.void(png(pixels(1)[0]))
        file["b"] = h5py.ExternalLink("secret.h5", "a")
    assert "bytes.h5[b]: missing, or a link" in refused(tmp_path / "bytes.h5")


def test_what_was_never_written_is_refused(tmp_path):
    """HDF5 reads it as zeros; a file of a kilobyte may state a terabyte."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", (10**6, 1000, 1000), "u1", chunks=(1, 1000, 1000))
    assert "states 1,000,000,000,000 bytes and holds 0" in refused(tmp_path / "a.h5")


@pytest.mark.parametrize("cut", [0, 100, -100])
def test_broken_files_are_named(tmp_path, cut):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"] = pixels(20)
    (tmp_path / "a.h5").write_bytes((tmp_path / "a.h5").read_bytes()[:cut])
    assert "a.h5" in refused(tmp_path / "a.h5")


def test_files_of_matlab_73_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=512) as file:
        file["images"] = pixels(2)
    content = b"MATLAB 7.3 MAT-file" + (tmp_path / "a.h5").read_bytes()[19:]
    for name in ("a.h5", "a.mat"):
        (tmp_path / name).write_bytes(content)
        assert "'-v7'" in refused(tmp_path / name)


def test_bytes_are_read_by_several_threads_and_in_a_forked_process(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for number in range(200):
            file[f"{number:03}"] = np.void(str(number).encode())
    pictures = EncodedPictures(tmp_path / "a.h5")
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(pictures.content, pictures.names)) == [str(number).encode() for number in range(200)]
    child = os.fork()
    if not child:
        os._exit(int(pictures.content("007") != b"7"))
    assert os.waitpid(child, 0)[1] == 0
    assert pictures.content("199") == b"199"


def test_without_h5py_the_extra_is_named(isic, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    assert "next:    python -m pip install 'ganzoo[hdf5]'" in refused(isic)
