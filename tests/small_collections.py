"""Small collections of real files, each as some public set has them: ``maker(folder)`` writes one into a folder."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pillow_heif
import pyarrow
import pyarrow.parquet
import scipy.io
import skimage
import tifffile
from PIL import Image
from pydicom.data import get_testdata_file

RAMP = np.linspace(0, 65535, 32 * 32).round().astype(np.uint16).reshape(32, 32)
"""(32, 32): every depth of 16 bits, from black to white."""

CT = np.linspace(0, 1123, 32 * 32).round().astype(np.uint16).reshape(32, 32)
"""(32, 32): what a tomograph uses of 16 bits."""


def level(value, size=(32, 32), mode="L") -> Image.Image:
    """A picture of one gray level but for a corner that is white."""
    picture = Image.new("L", size, value)
    picture.paste(255, (0, 0, 8, 8))
    return picture.convert(mode)


def encoded(picture: Image.Image, kind="PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def files(**contents):
    """Maker of a folder: path within it → picture, bytes or text."""

    def make(folder: Path) -> None:
        for number, (name, content) in enumerate(contents.items()):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                content = level(number % 200)
            if isinstance(content, np.ndarray):
                content = Image.fromarray(content)
            if isinstance(content, Image.Image):
                content = encoded(content, "JPEG" if path.suffix.lower() in (".jpg", ".jpeg") else "PNG")
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    return make


def named(*names):
    """Maker of a folder with a picture under each of these names; ``a/{3}.png`` is three of them."""
    every: dict[str, None] = {}
    for name in names:
        before, brace, rest = name.partition("{")
        count, _, after = rest.partition("}")
        every |= {f"{before}{n}{after}": None for n in range(int(count))} if brace else {name: None}
    return files(**every)


def table(name, *lines, **contents):
    """Maker of a table beside pictures: those that ``contents`` has, and no others."""
    return files(**{name: "\n".join(lines) + "\n"}, **contents)


def pictures(*names):
    return dict.fromkeys(names)


def tiff(values, **options):
    def make(folder: Path) -> None:
        tifffile.imwrite(folder / "a.tif", values, **({"photometric": "minisblack"} | options))

    return make


def polarities(folder: Path) -> None:
    """White is zero in 8 and in 16 bits: 0 to 50 of 255, which is nearly white."""
    dark = (RAMP // 257 * 50 // 255).astype(np.uint8)
    tifffile.imwrite(folder / "8.tif", dark, photometric="miniswhite")
    tifffile.imwrite(folder / "16.tif", dark.astype(np.uint16) * 257, photometric="miniswhite")


def planes(value_of_red=10, value_of_green=100, value_of_blue=200):
    """(3, H, W) of 16 bits, as tifffile writes it without being told anything."""
    levels = np.array([value_of_red, value_of_green, value_of_blue], np.uint16)
    return np.broadcast_to(levels[:, None, None] * 257, (3, 32, 32)).copy()


def targa(folder: Path) -> None:
    """32 bits a pixel, and a header that says that none of them are transparency."""
    header = bytes([0, 0, 2, *[0] * 9, 32, 0, 32, 0, 32, 0])
    folder.joinpath("a.tga").write_bytes(header + bytes([20, 60, 90, 0]) * 32 * 32)


def hidden(folder: Path) -> None:
    Image.fromarray(np.full((32, 32, 4), [20, 60, 90, 0], np.uint8)).save(folder / "a.png")


def unfinished(folder: Path) -> None:
    folder.joinpath("a.jpg").write_bytes(encoded(level(100), "JPEG")[:-2])


def array(values, name="a.npz", **more):
    def make(folder: Path) -> None:
        np.savez(folder / name, images=values, **more)

    return make


def arrays(**named_arrays):
    def make(folder: Path) -> None:
        np.savez(folder / "a.npz", **named_arrays)

    return make


def npy(values):
    return lambda folder: np.save(folder / "a.npy", values)


def phones(folder: Path, heic=1, jpeg=1, unread="heic") -> None:
    for number in range(heic):
        file = io.BytesIO()
        pillow_heif.from_pillow(level(number, (64, 64), "RGB")).save(file, quality=90)
        (folder / f"{number}.{unread}").write_bytes(file.getvalue())
    for number in range(jpeg):
        (folder / f"j{number}.jpg").write_bytes(encoded(level(number), "JPEG"))


def packed(kind, make):
    """What ``make`` writes, in a .zip or .tar."""

    def into(folder: Path) -> None:
        inside = folder.parent / "inside"
        inside.mkdir()
        make(inside)
        shutil.make_archive(str(folder / "a"), kind, inside)

    return into


def shard(folder: Path) -> None:
    """The key ends at the first dot of the base name, not of the path."""
    members = {"v1.0/a.png": encoded(level(1)), "v1.0/a.cls": b"0", "v1.0/b.png": encoded(level(2)), "v1.0/b.cls": b"1"}
    with tarfile.open(folder / "train-000.tar", "w") as file:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))


def parquet(folder: Path) -> None:
    (folder / "data").mkdir()
    for split, count in (("train", 4), ("test", 2)):
        images = [{"bytes": encoded(level(number)), "path": f"{number}.png"} for number in range(count)]
        content = pyarrow.table({"image": images, "label": [number % 2 for number in range(count)]})
        pyarrow.parquet.write_table(content, folder / "data" / f"{split}-00000-of-00001.parquet")


def parquet_of_paths(folder: Path) -> None:
    content = pyarrow.table({"image": [{"bytes": None, "path": "gone.png"}], "label": [0]})
    pyarrow.parquet.write_table(content, folder / "train.parquet")


STYLEGAN = {
    "00000/img00000000.png": None,
    "00000/img00000001.png": None,
    "dataset.json": json.dumps({"labels": [["00000/img00000000.png", 0], ["00000/img00000001.png", 3]]}),
}


def isic_2024(folder: Path) -> None:
    with h5py.File(folder / "train-image.hdf5", "w") as file:
        for number in range(4):
            file[f"ISIC_{number}"] = np.void(encoded(level(number, mode="RGB"), "JPEG"))
    lines = ["isic_id,target,patient_id", *(f"ISIC_{number},{number % 2},IP_{number // 2}" for number in range(4))]
    (folder / "train-metadata.csv").write_text("\n".join(lines) + "\n")


def biggan(folder: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (6, 3, 32, 32), dtype=np.uint8)
    with h5py.File(folder / "ILSVRC32.hdf5", "w") as file:
        file["imgs"], file["labels"] = values, np.arange(6) % 2


def svhn(folder: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 4), dtype=np.uint8)
    labels = np.array([[1], [10], [9], [10]], np.uint8)
    scipy.io.savemat(folder / "train_32x32.mat", {"X": values, "y": labels})


def cifar(folder: Path) -> None:
    names = np.empty((2, 1), object)
    names[:, 0] = ["airplane", "automobile"]
    for name in ("data_batch_1", "data_batch_2", "test_batch"):
        values = np.random.default_rng(0).integers(0, 256, (4, 3072), dtype=np.uint8)
        scipy.io.savemat(folder / f"{name}.mat", {"data": values, "labels": np.array([[0], [1], [0], [1]], np.uint8)})
    scipy.io.savemat(folder / "batches.meta.mat", {"label_names": names})


def dicom(*names):
    """Files that pydicom ships."""

    def make(folder: Path) -> None:
        for name in names:
            shutil.copy(str(get_testdata_file(name, download=False)), folder / Path(name).with_suffix(".dcm").name)

    return make


def nifti(*names):
    """Files that nibabel ships."""
    shipped = Path(nibabel.__file__).parent / "tests" / "data"
    return lambda folder: [shutil.copy(shipped / name, folder) for name in names]


def scikit(*names):
    """Files that scikit-image ships."""
    shipped = Path(skimage.__file__).parent / "data"
    return lambda folder: [shutil.copy(shipped / name, folder) for name in names]
