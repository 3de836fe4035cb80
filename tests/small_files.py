"""A few small files in each form that first-party datasets read, and the options that lead there."""

from __future__ import annotations

import gzip
import shutil
import struct
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet
import scipy.io
from PIL import Image


def pictures(folder: Path, count: int = 6) -> list[str]:
    names = [f"{'ab'[number % 2]}/{number}.png" for number in range(count)]
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 256, (24, 20, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / name)
    return names


def of_folder(path: Path) -> dict[str, str]:
    # A patient's folder in each class: no patient is in both splits.
    for split, count in (("train", 6), ("test", 4)):
        for name in pictures(path / split, count):
            patient = path / split / name[0] / f"{split} {name[2]}"
            patient.mkdir()
            (path / split / name).rename(patient / "0.png")
    return {"path": str(path)}


def of_table(path: Path) -> dict[str, str]:
    *train, last = pictures(path)
    # Apart from train, for the kit tries every choice of data.groups, and folders are groups in one.
    (path / "held out").mkdir()
    (path / last).rename(path / "held out" / "5.png")
    rows = [f"{name},{name[0]},patient {name[2]},train" for name in train]
    rows.append(f"held out/5.png,{last[0]},patient 5,test")
    (path / "table.csv").write_text("\n".join(["image,label,group,split", *rows]), encoding="utf-8")
    return {"path": str(path / "table.csv")}


def of_idx(path: Path) -> dict[str, str]:
    for part, count in (("train", 8), ("t10k", 4)):
        images = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = np.arange(count, dtype=np.uint8) % 2
        for name, array in ((f"{part}-images-idx3-ubyte", images), (f"{part}-labels-idx1-ubyte", labels)):
            header = bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", side) for side in array.shape)
            (path / f"{name}.gz").write_bytes(gzip.compress(header + array.tobytes()))
    return {"path": str(path)}


def of_npz(path: Path) -> dict[str, str]:
    draw = np.random.default_rng(0)
    images = {f"{part}_images": draw.integers(0, 256, (6, 28, 28, 3), dtype=np.uint8) for part in ("train", "val")}
    labels = {f"{part}_labels": np.arange(6)[:, None] % 3 for part in ("train", "val")}
    np.savez(path / "set.npz", **images, **labels)
    return {"path": str(path / "set.npz")}


def of_hdf5(path: Path) -> dict[str, str]:
    with h5py.File(path / "train-image.hdf5", "w") as file:
        for name in pictures(path):
            file[name.replace("/", "_")] = np.void((path / name).read_bytes())
    rows = [f"{'ab'[number % 2]}_{number}.png,{number % 2},patient {number}" for number in range(6)]
    (path / "train-metadata.csv").write_text("\n".join(["isic_id,target,patient_id", *rows]), encoding="utf-8")
    return {"path": str(path / "train-image.hdf5")}


def of_mat(path: Path) -> dict[str, str]:
    for part, count in (("train", 8), ("test", 4)):
        images = np.random.default_rng(count).integers(0, 256, (32, 32, 3, count), dtype=np.uint8)
        labels = np.arange(count, dtype=np.uint8)[:, None] % 2 + 9
        scipy.io.savemat(path / f"{part}_32x32.mat", {"X": images, "y": labels})
    return {"path": str(path)}


def of_parquet(path: Path) -> dict[str, str]:
    for part, count in (("train", 6), ("test", 4)):
        images = [(path / name).read_bytes() for name in pictures(path, count)]
        table = pyarrow.table({"image": images, "label": [number % 2 for number in range(count)]})
        pyarrow.parquet.write_table(table, path / f"{part}-00000-of-00001.parquet")
    for folder in "ab":
        shutil.rmtree(path / folder)
    return {"path": str(path)}


def of_each(path: Path) -> dict[str, dict[str, str]]:
    """Form of the files → options of the dataset ``pictures``, for files written below ``path``."""
    makers = {
        "folder": of_folder,
        "csv": of_table,
        "idx": of_idx,
        "npz": of_npz,
        "hdf5": of_hdf5,
        "mat": of_mat,
        "parquet": of_parquet,
    }
    given = {}
    for name, make in makers.items():
        (path / name).mkdir()
        given[name] = make(path / name)
    return given
