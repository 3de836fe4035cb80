"""Options that name columns: where no layout reads them they are refused, since they would have no effect."""

from __future__ import annotations

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from encoded import load, pixels, png
from picture_files import save
from scipy.io import savemat

from ganzoo.errors import DataError


def npz(folder):
    np.savez(folder / "a.npz", images=pixels(4)[..., 0], labels=np.arange(4) % 2)
    return folder / "a.npz"


def npy(folder):
    np.save(folder / "images.npy", pixels(4)[..., 0])
    return folder


def idx(folder):
    header = b"\0\0\x08\x03" + b"".join(side.to_bytes(4, "big") for side in (4, 8, 8))
    (folder / "train-images-idx3-ubyte").write_bytes(header + pixels(4)[..., 0].tobytes())
    return folder


def hdf5(folder):
    with h5py.File(folder / "a.h5", "w") as file:
        file["images"], file["labels"] = pixels(4)[..., 0], np.arange(4) % 2
    return folder / "a.h5"


def encoded_without_a_table(folder):
    with h5py.File(folder / "a.h5", "w") as file:
        file["x1"] = np.void(png(pixels(1)[0]))
    return folder / "a.h5"


def mat(folder):
    savemat(folder / "a.mat", {"images": pixels(4)[..., 0], "labels": np.arange(4) % 2})
    return folder / "a.mat"


def stylegan(folder):
    save(folder, "a.png")
    (folder / "dataset.json").write_text('{"labels": null}')
    return folder


def pictures(folder):
    save(folder, "a.png")
    return folder


REFUSED = [
    (npz, "label_column"),
    (npz, "group_column"),
    (npz, "split_column"),
    (npz, "image_column"),
    (npy, "label_column"),
    (idx, "group_column"),
    (hdf5, "label_column"),
    (hdf5, "group_column"),
    (encoded_without_a_table, "label_column"),
    (mat, "group_column"),
    (mat, "label_column"),
    (stylegan, "label_column"),
    (pictures, "label_column"),
]


@pytest.mark.parametrize(("make", "option"), REFUSED, ids=[f"{make.__name__}-{option}" for make, option in REFUSED])
def test_a_column_that_cannot_be_read_is_refused(tmp_path, make, option):
    folder = tmp_path / "data"
    folder.mkdir()
    place = make(folder)
    layout = {"layout": "folders"} if make is pictures else {}
    load(place, **layout)
    with pytest.raises(DataError) as caught:
        load(place, **layout, **{option: "patient"})
    said = str(caught.value)
    assert f"data.{option}" in said
    assert "patient" in said
    assert f"--set data.{option}=null" in said


def test_a_column_of_pictures_that_a_parquet_file_lacks_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"image": [{"bytes": png(pixels(1)[0]), "path": ""}]}), path)
    assert len(load(path)) == 1
    with pytest.raises(DataError, match=r"no column of pictures named 'photo'"):
        load(path, image_column="photo")
