"""Slices of NIfTI volumes, as pictures."""

from __future__ import annotations

import gzip
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from ganzoo_datasets.files.pixels.raster import Raster, UnreadablePicture, refuse_bombs
from ganzoo_datasets.files.sources.files import Files

Axis = Literal["sagittal", "coronal", "axial"]
AXES: tuple[Axis, ...] = ("sagittal", "coronal", "axial")
"""Slices across the axes from left to right, from back to front, and from feet to head."""

SUFFIXES = (".nii", ".nii.gz")
INSTALL = "python -m pip install 'ganzoo[medical]'"
LONGEST_HEADER, MIN_HEADER = 540, 176
"""Bytes of a header, and those up to the last of them that are looked at here."""
MAX_OFFSET = 2**24
"""Where values begin: behind some hundred bytes of header, and extensions of some kilobytes where there are any."""
MAX_VOXELS = 2**28
"""A file whose header states more counts as a decompression bomb; 645 along each side."""


@dataclass(frozen=True)
class Shape:
    """What a header says: how many slices there are across each of :data:`AXES`, and how many volumes."""

    slices: tuple[int, int, int]
    volumes: int

    def picture(self, axis: int) -> tuple[int, int]:
        """Width and height of a slice."""
        width, height = (length for number, length in enumerate(self.slices) if number != axis)
        return width, height


@dataclass(frozen=True)
class Volumes:
    """The slices of volumes across one axis; a slice is called ``path#number``."""

    files: Files
    axis: Axis
    _last: threading.local = field(default_factory=threading.local, compare=False, repr=False)

    @property
    def identity(self) -> str:
        """Where the files lie, and which way they are cut."""
        return f"{self.files.place.resolve()} {self.axis}"

    def state(self, name: str) -> str:
        """That of the file."""
        return self.files.state(_file_of(name))

    def raster(self, name: str, *, at_least: int | None) -> Raster:
        """A slice in the file's own units: head or front up, and the right of the body to the right."""
        path, _, number = name.rpartition("#")
        # Slices are asked for in order, and each thread works on another file. One that cannot be read is tried once:
        # its header may promise any number of slices.
        if getattr(self._last, "path", None) != path:
            self._last.volume = None  # before there is another
            self._last.volume, self._last.fault = _volume_or_fault(self.files, path)
            self._last.path = path
        if self._last.volume is None:
            raise UnreadablePicture(self._last.fault)
        values, volumes = self._last.volume
        across: NDArray[Any] = np.rot90(values.take(int(number), AXES.index(self.axis)))
        refuse_bombs(across.shape[1], across.shape[0])
        return Raster(across, None, color=False, further=volumes > 1)

    def size(self, name: str) -> tuple[int, int] | None:
        """From the header alone."""
        try:
            return shape_of(self.files, _file_of(name)).picture(AXES.index(self.axis))
        except UnreadablePicture:
            return None


def shape_of(files: Files, path: str) -> Shape:
    """What the header of a file says.

    Raises:
        UnreadablePicture: it is not NIfTI, or holds something else than numbers in three dimensions.
    """
    with _opened(files, path) as image:
        return _shape(image)


def _file_of(name: str) -> str:
    return name.rpartition("#")[0]


def _volume(files: Files, path: str) -> tuple[NDArray[Any], int]:
    """The first volume, its axes from left to right, back to front and feet to head; and how many there are."""
    with _opened(files, path) as image:
        shape = _shape(image)
        stored = np.asanyarray(image.dataobj[(..., *[0] * (image.ndim - 3))])
        turned: NDArray[Any] = _orientations().apply_orientation(stored, _turn(image))
        return turned, shape.volumes


def _volume_or_fault(files: Files, path: str) -> tuple[tuple[NDArray[Any], int] | None, str]:
    try:
        return _volume(files, path), ""
    except UnreadablePicture as error:
        return None, str(error)


def _shape(image: Any) -> Shape:
    lengths, kind = tuple(int(length) for length in image.shape), image.get_data_dtype()
    if len(lengths) < 3 or min(lengths) < 1:
        raise UnreadablePicture(f"it has the shape {lengths}, which is not a volume")
    if kind.kind not in "iuf":
        raise UnreadablePicture(f"its values are of type {kind}, not numbers")
    if int(np.prod(lengths[:3], dtype=np.int64)) > MAX_VOXELS:
        raise UnreadablePicture(f"a decompression bomb? Shape {lengths[:3]} exceeds limit of {MAX_VOXELS} voxels")
    turned = dict(zip(_turn(image)[:, 0].astype(int).tolist(), lengths, strict=False))
    return Shape((turned[0], turned[1], turned[2]), int(np.prod(lengths[3:], dtype=np.int64)))


def _turn(image: Any) -> NDArray[Any]:
    """Which axis of the body each axis of the array runs along, and in which direction."""
    turn: NDArray[Any] = _orientations().io_orientation(image.affine)
    if np.isnan(turn).any():
        raise UnreadablePicture("its orientation leaves an axis out")
    return turn


def _orientations() -> Any:
    """Any, because its functions have no types."""
    from nibabel import orientations

    return orientations


@contextmanager
def _opened(files: Files, path: str) -> Iterator[Any]:
    try:
        with files.open(path) as file, _unpacked(file, path) as stream:
            yield _image_class(stream).from_stream(stream)
    except (UnreadablePicture, ImportError):
        raise
    except OSError as error:
        raise UnreadablePicture((error.strerror or f"corrupt: {error}").lower()) from error
    except Exception as error:
        # nibabel raises many kinds of exceptions on broken files.
        raise UnreadablePicture(f"corrupt: {error or type(error).__name__}") from error


def _refuse_far_values(start: bytes, order: str, *, version: int) -> None:
    """Before nibabel unpacks all that is said to lie between header and values."""
    kind, at = ("f", 108) if version == 1 else ("q", 168)
    [place] = struct.unpack_from(f"{order}{kind}", start, at)
    if not place <= MAX_OFFSET:
        raise UnreadablePicture(f"a decompression bomb? Its values begin at byte {place:.0f}, limit {MAX_OFFSET:,}")


def _unpacked(file: IO[bytes], path: str) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=file)) if path.lower().endswith(".gz") else file


def _image_class(stream: IO[bytes]) -> Any:
    import nibabel

    start = stream.read(LONGEST_HEADER)
    stream.seek(0)
    for order in "<>" if len(start) >= MIN_HEADER else "":
        [size] = struct.unpack_from(f"{order}i", start)
        if size == 348:
            _refuse_far_values(start, order, version=1)
            return nibabel.Nifti1Image
        if size == 540:
            _refuse_far_values(start, order, version=2)
            return nibabel.Nifti2Image
    raise UnreadablePicture("not NIfTI" if start else "an empty file")
