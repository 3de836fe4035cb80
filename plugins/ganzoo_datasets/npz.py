"""One ``.npz`` file in the layout of MedMNIST."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from pydantic import Field, field_validator

from ganzoo.component import DatasetOptions
from ganzoo.errors import DataError
from ganzoo_datasets.files.opening import check_pixels
from ganzoo_datasets.image_array import ImageArray
from ganzoo_datasets.numbered_classes import numbered_classes
from ganzoo_datasets.pixel_rows import CutShort, read_rows, squares

if TYPE_CHECKING:
    from ganzoo.protocols import Dataset

SPLITS = ("train", "val", "test")
LAYOUT = "train_images, train_labels, and optionally val_… and test_…"


class Npz(DatasetOptions):
    """A ``.npz`` file that holds ``train_images``, ``train_labels``, ``val_images`` and so on, like MedMNIST's files.

    Images are uint8 (N, H, W), gray, or (N, H, W, 3), RGB. Labels are integers (N,) or (N, 1); without them the data
    are unlabeled. A file with several labels per image is refused, and so is one with volumes. Class names are the
    numbers in the labels of train, ascending. Splits: those that the file holds, and ``all``.

    Pixels: without a size, the native one is used (the shorter side); without channels, those of the file. Any other
    size follows the rule of ``folder``: the shorter side is resized (Lanczos) and the center is cut out.

    The file is read a few megabytes at a time; only the chosen split, at the requested size, is kept in memory. Nothing
    in it is ever unpickled.

    Source: Yang et al. 2023, doi:10.1038/s41597-022-01721-8, arXiv:2110.14795 (layout). Nothing is downloaded; each
    dataset has its own license.
    """

    path: str = Field(min_length=1, description="the file; saved as an absolute path")

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        return str(Path(path).expanduser().absolute())

    def open(self, *, image_size: int | None, channels: int | None, split: str, cache: Path) -> Dataset:
        """Read one split.

        Raises:
            DataError: no such file or split, a broken file, or arrays of another layout.
            ConfigError: channels other than 1 and 3, or a size below 1.
        """
        check_pixels(image_size, channels)
        with _Archive(Path(self.path)) as archive:
            chosen = archive.chosen(split)
            shapes = {part: archive.image_shape(part) for part in chosen}
            kinds = {shape[1:] for shape in shapes.values()}
            if len(kinds) > 1:
                raise DataError(
                    f"{self.path}: the splits have images of different shapes",
                    given=shapes,
                    allowed="images of one shape in all splits",
                    hint=f"--set data.split={chosen[0]}",
                )
            shape = kinds.pop()
            size = image_size or min(shape[:2])
            channels = channels or (3 if len(shape) == 3 else 1)
            classes, labels = archive.labels({part: shape[0] for part, shape in shapes.items()})
            images, digest = squares(
                (rows for part in chosen for rows in archive.images(part)),
                sum(shape[0] for shape in shapes.values()),
                size=size,
                channels=channels,
            )
        return ImageArray(images, digest=digest, classes=classes, labels=labels)


class _Archive:
    """An open ``.npz`` file, read member by member."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._reading("it"):
            self._zip = zipfile.ZipFile(path)
        arrays = [name for name in self._zip.namelist() if name.endswith(".npy")]
        self._names = sorted(name.removesuffix(".npy") for name in arrays)

    def __enter__(self) -> _Archive:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    def chosen(self, split: str) -> tuple[str, ...]:
        """The parts of a split."""
        present = tuple(part for part in SPLITS if f"{part}_images" in self._names)
        if not present:
            raise DataError(
                f"{self._path} does not have the layout of MedMNIST",
                given=", ".join(self._names) or "no arrays",
                allowed=LAYOUT,
                hint="save it again: numpy.savez_compressed(FILE, train_images=…, train_labels=…)",
            )
        if split not in (*present, "all"):
            raise DataError(
                f"{self._path} has no split {split!r}",
                given=split,
                allowed=", ".join((*present, "all")),
                hint=f"--set data.split={present[0]}",
            )
        return present if split == "all" else (split,)

    def image_shape(self, part: str) -> tuple[int, ...]:
        """(N, H, W) or (N, H, W, 3) of a part."""
        name = f"{part}_images"
        with self._reading(name), self._zip.open(f"{name}.npy") as file:
            shape, _, kind = self._header(file)
            stated = file.tell() + math.prod(shape) * kind.itemsize
        gray, color = len(shape) == 3, len(shape) == 4 and shape[-1] == 3
        if kind != np.uint8 or not (gray or color) or 0 in shape:
            raise DataError(
                f"{self._path}: {name} is not an array of images",
                given=f"{kind} {shape}",
                allowed="uint8 (N, H, W) or (N, H, W, 3)" + ("; this looks like volumes" if len(shape) > 3 else ""),
                hint="choose a file of two-dimensional images, with values 0 to 255",
            )
        present = self._zip.getinfo(f"{name}.npy").file_size
        if present != stated:
            raise self._broken(name, f"{present:,} bytes instead of the {stated:,} its header states")
        return shape

    def images(self, part: str) -> Iterator[NDArray[np.uint8]]:
        """The images of a part, one chunk at a time."""
        name = f"{part}_images"
        with self._reading(name), self._zip.open(f"{name}.npy") as file:
            shape, by_column, _ = self._header(file)
            if not by_column:
                yield from read_rows(file, shape)
                return
            # Stored by column, an image lies scattered over the whole file.
            content = np.frombuffer(file.read(), dtype=np.uint8).reshape(shape, order="F")
            yield np.ascontiguousarray(content)

    def labels(self, counts: dict[str, int]) -> tuple[tuple[str, ...], list[int]]:
        """Class names and labels of the parts in ``counts``; neither where there are no labels."""
        without = [part for part in counts if f"{part}_labels" not in self._names]
        if len(without) == len(counts):
            return (), []
        if without:
            raise DataError(
                f"{self._path} has labels for some splits only",
                given=f"none for {', '.join(without)}",
                hint=f"add {without[0]}_labels",
            )
        labeled = [part for part in SPLITS if f"{part}_labels" in self._names]
        read = dict.fromkeys(("train", *counts) if "train" in labeled else labeled)
        labels = {part: self._numbers(part) for part in read}
        for part, count in counts.items():
            if len(labels[part]) != count:
                raise DataError(
                    f"{self._path}: {part}_labels do not match {part}_images",
                    given=f"{len(labels[part]):,} labels for {count:,} images",
                    hint="save the file again with one label per image",
                )
        return numbered_classes(self._path, labels, tuple(counts))

    def _numbers(self, part: str) -> NDArray[np.integer]:
        name = f"{part}_labels"
        with self._reading(name), self._zip.open(f"{name}.npy") as file:
            values = npy.read_array(file, allow_pickle=False)
        if values.ndim == 2 and values.shape[1] > 1:
            raise DataError(
                f"{self._path}: {name} has several labels per image, but an image can have only one class",
                given=f"{values.dtype} {values.shape}",
                allowed="integers (N,) or (N, 1)",
                hint=f"save the file again with one column as {name}, or without {name} to train without labels",
            )
        if values.ndim not in (1, 2) or not np.issubdtype(values.dtype, np.integer):
            raise DataError(
                f"{self._path}: {name} is not an array of class numbers",
                given=f"{values.dtype} {values.shape}",
                allowed="integers (N,) or (N, 1)",
                hint=f"save the file again with integers as {name}, or without {name} to train without labels",
            )
        return values.reshape(-1)

    def _header(self, file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
        """Shape, whether it is stored by column, and type."""
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        return read(file)

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        try:
            yield
        except CutShort as error:
            raise self._broken(name, str(error)) from error
        except zipfile.BadZipFile as error:
            raise self._broken(name, str(error)) from error
        except (OSError, EOFError, ValueError, RuntimeError, zlib.error) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise self._broken(name, reason) from error

    def _broken(self, name: str, reason: str) -> DataError:
        return DataError(
            f"cannot read {name} of {self._path}: {reason}" if name != "it" else f"cannot read {self._path}: {reason}",
            given=self._path,
            allowed=f"a .npz file with {LAYOUT}, and no Python objects",
            hint="ganzoo run --data npz --set data.path=FILE, or download the file again",
        )
