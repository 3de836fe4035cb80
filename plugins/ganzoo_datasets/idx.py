"""The files of MNIST and its family."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from ganzoo.component import DatasetOptions
from ganzoo.errors import DataError
from ganzoo_datasets.files.opening import check_pixels
from ganzoo_datasets.idx_file import idx_rows, idx_shape, reading
from ganzoo_datasets.image_array import ImageArray
from ganzoo_datasets.numbered_classes import numbered_classes
from ganzoo_datasets.pixel_rows import squares

if TYPE_CHECKING:
    from ganzoo.protocols import Dataset

NAME = re.compile(
    r"(?:(?P<family>.+)-)?(?P<split>train|t10k|test)-(?P<what>images|labels)[-.]idx(?P<dimensions>\d)-\w+(?:\.gz)?"
)
FILES = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte"

Parts = Mapping[str, Mapping[str, Path]]
"""Split → images or labels → file."""


class Idx(DatasetOptions):
    """A folder with IDX files: MNIST, Fashion-MNIST, Kuzushiji-MNIST, EMNIST and others with that layout.

    Files keep their published names: ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, and ``t10k-`` or
    ``test-`` for the others, uncompressed or compressed (``.gz``); if both exist, the uncompressed file is read. Names
    may begin with a family, as in ``emnist-letters-train-…``; if a folder holds several, ``family`` chooses one.
    Splits: ``train``, ``test``, and ``all``. Without files of labels the data are unlabeled. Class names are the
    numbers in the labels of train, ascending.

    Pixels: gray. Without a size, the native one is used: 28 for MNIST, which the dcgan networks accept too. Any other
    size follows the rule of ``folder``: the shorter side is resized (Lanczos) and the center is cut out; nothing is
    padded. EMNIST's images lie on their side in its files and are turned upright.

    Source: LeCun, Cortes & Burges 1998, yann.lecun.com/exdb/mnist (format). Nothing is downloaded; each dataset has
    its own license.
    """

    path: str = Field(min_length=1, description="the folder with the files; saved as an absolute path")
    family: str | None = Field(
        default=None,
        description="what the file names begin with, such as emnist-letters; null = the only family in the folder",
    )
    transpose: bool | None = Field(
        default=None, description="swap rows and columns; null = only if the family begins with emnist"
    )

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        return str(Path(path).expanduser().absolute())

    def open(self, *, image_size: int | None, channels: int | None, split: str, cache: Path) -> Dataset:
        """Read one split.

        Raises:
            DataError: no such folder, family, file or split; files that are broken or do not belong together.
            ConfigError: channels other than 1 and 3, or a size below 1.
        """
        check_pixels(image_size, channels)
        family, parts = _family(Path(self.path), self.family)
        chosen = _chosen(Path(self.path), parts, split)
        shapes = [idx_shape(parts[part]["images"], dimensions=3) for part in chosen]
        if len({shape[1:] for shape in shapes}) > 1:
            raise DataError(
                f"{self.path}: the splits have images of different sizes",
                given=shapes,
                allowed="images of one size in all splits",
                hint=f"--set data.split={chosen[0]}",
            )
        transpose = family.startswith("emnist") if self.transpose is None else self.transpose
        size = image_size or min(shapes[0][1:])
        count = sum(shape[0] for shape in shapes)
        images, digest = squares(_images(parts, chosen, transpose=transpose), count, size=size, channels=channels or 1)
        classes, labels = _labels(Path(self.path), parts, dict(zip(chosen, shapes, strict=True)))
        return ImageArray(images, digest=digest, classes=classes, labels=labels)


def _images(parts: Parts, chosen: tuple[str, ...], *, transpose: bool) -> Iterator[NDArray[np.uint8]]:
    for part in chosen:
        for rows in idx_rows(parts[part]["images"], dimensions=3):
            yield np.ascontiguousarray(rows.transpose(0, 2, 1)) if transpose else rows


def _labels(folder: Path, parts: Parts, shapes: Mapping[str, tuple[int, ...]]) -> tuple[tuple[str, ...], list[int]]:
    """Class names and labels of the splits in ``shapes``; neither where there are no files of labels."""
    without = [part for part in shapes if "labels" not in parts[part]]
    if len(without) == len(shapes):
        return (), []
    if without:
        raise DataError(
            f"{folder} has labels for some splits only",
            given=f"none for {', '.join(without)}",
            hint=f"add {FILES.split(', ')[1 if without[0] == 'train' else 3]}",
        )
    labeled = [part for part, files in parts.items() if "labels" in files]
    read = dict.fromkeys(("train", *shapes) if "train" in labeled else labeled)
    labels = {
        part: np.concatenate(list(idx_rows(parts[part]["labels"], dimensions=1))).astype(np.int64) for part in read
    }
    for part, shape in shapes.items():
        if len(labels[part]) != shape[0]:
            raise DataError(
                f"{parts[part]['labels']} does not match {parts[part]['images'].name}",
                given=f"{len(labels[part]):,} labels for {shape[0]:,} images",
                hint="download both again",
            )
    return numbered_classes(folder, labels, tuple(shapes))


def _chosen(folder: Path, parts: Parts, split: str) -> tuple[str, ...]:
    present = tuple(part for part in ("train", "test") if "images" in parts.get(part, {}))
    if split == "all" and present:
        return present
    if split not in present:
        raise DataError(
            f"{folder} has no images of split {split!r}",
            given=split,
            allowed=", ".join((*present, "all")) if present else FILES,
            hint=f"--set data.split={present[0]}" if present else "give data.path the folder of the IDX files",
        )
    return (split,)


def _family(folder: Path, wanted: str | None) -> tuple[str, Parts]:
    """The family that is read, and its files."""
    families = _found(folder)
    names = sorted(families)
    if not names or (wanted is not None and wanted not in families):
        raise DataError(
            f"{folder} holds no IDX files" + (f" of family {wanted!r}" if names else ""),
            given=wanted or folder,
            allowed=", ".join(map(repr, names)) or f"{FILES}, each optionally with .gz",
            hint=f"--set data.family={names[-1] or 'null'}"
            if names
            else "ganzoo run --data idx --set data.path=FOLDER",
        )
    if wanted is None and len(names) > 1:
        raise DataError(
            f"{folder} holds IDX files of several families",
            given=", ".join(name or "(no family)" for name in names),
            allowed="one of them",
            hint=f"--set data.family={names[-1]}",
        )
    chosen = wanted if wanted is not None else names[0]
    return chosen, families[chosen]


def _found(folder: Path) -> dict[str, dict[str, dict[str, Path]]]:
    """Family → split → images or labels → file."""
    if not folder.is_dir():
        raise DataError(
            f"{folder} is not a folder" if folder.exists() else f"there is no folder {folder}",
            given=folder,
            allowed=f"a folder with {FILES}",
            hint="ganzoo run --data idx --set data.path=FOLDER",
        )
    families: dict[str, dict[str, dict[str, Path]]] = {}
    with reading(folder):
        # Longer names first, so that an uncompressed file takes the place of its .gz.
        paths = sorted(folder.iterdir(), key=lambda path: (-len(path.name), path.name))
    for path in paths:
        if (match := NAME.fullmatch(path.name)) and path.is_file():
            part = "train" if match["split"] == "train" else "test"
            families.setdefault(match["family"] or "", {}).setdefault(part, {})[match["what"]] = path
    return families
