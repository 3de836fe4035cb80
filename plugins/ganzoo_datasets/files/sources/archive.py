"""Archives: the files in a ``.zip`` or ``.tar``, read where they are. Nothing is unpacked to a disk.

Members that are not files (symbolic links, devices) are left out with a warning. Only what is asked for is unpacked,
and never more of a member than its header states, so that neither a small archive of a huge file nor a path such as
``../x`` can do harm.
"""

from __future__ import annotations

import io
import logging
import lzma
import os
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from ganzoo.errors import DataError
from ganzoo_datasets.files.listing import listed
from ganzoo_datasets.files.pixels.raster import UnreadablePicture
from ganzoo_datasets.files.sources.files import Files, hidden, state_of
from ganzoo_datasets.files.sources.gzip_index import BOMB_RATIO, GzipIndex

logger = logging.getLogger("ganzoo")

ZIP, TAR, GZIPPED = (".zip",), (".tar",), (".tgz", ".tar.gz")
ENDINGS = (*ZIP, *TAR, *GZIPPED)
UNSEEKABLE = (".tar.bz2", ".tar.xz", ".tar.zst", ".tbz2", ".txz", ".7z", ".rar")
"""Archives that cannot be read from the middle, or not by Python."""

LARGEST = 2**30
"""Bytes of one member; no picture that is read has more."""

SUSPECT = 2**26
"""Bytes from which a member that shrank to less than a 200th counts as a bomb."""

ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


@dataclass(frozen=True)
class Member:
    """A file in an archive.

    Attributes:
        state: changes with its content.
        size: bytes, as its header states.
        packed: bytes that it takes in the archive.
        read: its content.
    """

    state: str
    size: int
    packed: int
    read: Callable[[], bytes]


DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, UnicodeDecodeError, RuntimeError)
"""What Python raises of a member; a name that cannot be decoded, too: each has a second one beside its content."""


class ArchiveFiles:
    """The files in an archive.

    Raises:
        DataError: it is damaged, encrypted, or has paths that lead out of it.
    """

    def __init__(self, place: Path) -> None:
        self.place: Path = place
        self._members: Mapping[str, Member] = _checked(place)
        self.names: tuple[str, ...] = tuple(sorted(self._members))
        above = {name[:end] for name in self.names for end, letter in enumerate(name) if letter == "/"}
        self.folders: tuple[str, ...] = tuple(sorted(above))

    def state(self, name: str) -> str:
        """Its checksum and size in a zip file; in a tar file its place, and the state of the whole file."""
        return self._members[name].state

    def open(self, name: str) -> IO[bytes]:
        """The member, in memory."""
        member = self._members[name]
        if member.size > LARGEST or (member.size > SUSPECT and member.size > BOMB_RATIO * member.packed):
            raise UnreadablePicture(f"a decompression bomb? It unpacks to {member.size:,} bytes")
        try:
            content = member.read()
        except DAMAGED as error:
            raise UnreadablePicture(f"damaged in the archive: {error}") from error
        if len(content) != member.size:
            raise UnreadablePicture("damaged in the archive: it is cut short")
        return io.BytesIO(content)


def archive(path: Path) -> Files | None:
    """The files in an archive; ``None`` for a file that is none by its name.

    Raises:
        DataError: it cannot be read.
    """
    name = path.name.lower()
    if name.endswith(UNSEEKABLE):
        raise DataError(
            f"{path} cannot be read without unpacking it",
            given=path.name,
            allowed=", ".join(ENDINGS),
            hint="unpack it, and use --data FOLDER",
        )
    return ArchiveFiles(path) if name.endswith(ENDINGS) else None


def _checked(place: Path) -> Mapping[str, Member]:
    """Path → member, without hidden ones. A hard link is the file that it leads to."""
    name = place.name.lower()
    members = _zip_members if name.endswith(ZIP) else _tar_members if name.endswith(TAR) else _gzip_members
    found: dict[str, Member] = {}
    out = []
    try:
        for raw, member in members(place):
            path = _path(place, raw)
            seen = found.get(_path(place, member)) if isinstance(member, str) else member
            if seen is None:
                out.append(path)
            elif path and not any(map(hidden, path.split("/"))):
                found[path] = seen
    except OSError as error:
        raise _unreadable(place, error.strerror or str(error)) from error
    except (zipfile.BadZipFile, NotImplementedError, tarfile.TarError, EOFError, zlib.error, OverflowError) as error:
        raise _unreadable(place, str(error)) from error
    if out:
        count = f"{len(out):,}"
        logger.warning("%s: %s links, devices or sparse files are left out%s", place, count, listed(out, len(out)))
    return found


def _path(place: Path, raw: str) -> str:
    """The path of a member, below the archive."""
    parts = [part for part in raw.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise DataError(
            f"{place} has a path that leads out of it",
            given=raw,
            allowed="paths below the archive",
            hint="do not trust this archive: get it from another place",
        )
    return "/".join(parts)


def _unreadable(place: Path, reason: str) -> DataError:
    return DataError(
        f"cannot read the archive {place}: {reason}",
        given=place,
        allowed=f"a whole archive: {', '.join(ENDINGS)}",
        hint="download or copy it again, or unpack it and use --data FOLDER",
    )


def _zip_members(place: Path) -> Iterator[tuple[str, Member | str]]:
    opened = zipfile.ZipFile(place)
    lock = threading.Lock()
    # What ends in a slash is a folder; Python cannot tell of a member without a name, which is nothing.
    infos = [info for info in opened.infolist() if info.filename and not info.is_dir()]
    # Some programs on Windows write backslashes.
    separator = "/" if any("/" in info.filename for info in infos) else "\\"
    for info in infos:
        if info.flag_bits & 1 or info.compress_type not in ZIP_METHODS:
            what = "is encrypted" if info.flag_bits & 1 else f"is packed by method {info.compress_type}"
            raise DataError(
                f"{place}: {info.filename} {what}, which cannot be read",
                allowed="members that are stored, or packed by deflate, bzip2 or lzma, without a password",
                hint="unpack it, and use --data FOLDER",
            )
        yield (
            info.filename.replace(separator, "/"),
            Member(f"{info.CRC} {info.file_size}", info.file_size, info.compress_size, _zip_reader(opened, info, lock)),
        )


def _zip_reader(opened: zipfile.ZipFile, info: zipfile.ZipInfo, lock: threading.Lock) -> Callable[[], bytes]:
    def read() -> bytes:
        with lock, opened.open(info) as file:
            return file.read(info.file_size + 1)

    return read


def _tar_members(place: Path) -> Iterator[tuple[str, Member | str]]:
    """Members lie in a tar file as they are, so that any thread can read any of them."""
    opened = _Opened(place)
    with tarfile.open(place, mode="r:") as file:
        yield from _members(file, state_of(place), opened.at)


def _gzip_members(place: Path) -> Iterator[tuple[str, Member | str]]:
    index = GzipIndex(place)
    stream = _Joined(index.once())
    with tarfile.open(fileobj=stream, mode="r|") as file:
        yield from _members(file, state_of(place), index.at)
        for _ in iter(partial(stream.read, 2**20), b""):
            pass


def _members(file: tarfile.TarFile, state: str, at: Callable[[int, int], bytes]) -> Iterator[tuple[str, Member | str]]:
    """Path → member; for a hard link where it leads, for what is no file an empty text."""
    for info in file:
        if info.isreg() and not info.issparse():
            read = partial(at, info.offset_data, info.size)
            # What a member of a gzip file takes is not known; the ratio of the whole file is bounded.
            yield info.name, Member(f"{state} {info.offset_data} {info.size}", info.size, info.size, read)
        elif not info.isdir():
            yield info.name, info.linkname if info.islnk() else ""
    _check_end(file)


def _check_end(file: tarfile.TarFile) -> None:
    """Python takes the first of joined archives for all, and one that was cut between two members for a whole one."""
    left = file.fileobj
    if left is None or left.tell() <= file.offset:
        raise tarfile.ReadError("its end mark is missing: it is cut short")
    if any(piece.strip(b"\0") for piece in iter(partial(left.read, 2**20), b"")):
        raise tarfile.ReadError("something follows its end mark, such as a second archive")


class _Opened:
    """An open file that any thread reads from any place."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY)

    def at(self, offset: int, length: int) -> bytes:
        """Some bytes of it."""
        return os.pread(self._file, length, offset)

    def __del__(self) -> None:
        """Closes the file."""
        os.close(self._file)


class _Joined(io.RawIOBase):
    """Pieces as one stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes, fewer only at the end."""
        wanted = 2**63 if size is None or size < 0 else size
        found = [self._left]
        have = len(self._left)
        while have < wanted and (piece := next(self._pieces, b"")):
            found.append(piece)
            have += len(piece)
        joined = b"".join(found)
        self._left = joined[wanted:]
        return joined[:wanted]
