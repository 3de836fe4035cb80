"""Pictures decoded once: a file of uint8 pixels below the cache folder, mapped by every later run.

An entry is a folder named by a hash of what was decoded (place, state of every file, and the rule of decoding), so a
changed file is another entry. It appears whole or not at all, and a lock lets one process build while others wait for
it. A process that is killed while it decodes leaves what it has done, and the next goes on with that.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO

import filelock
import numpy as np
from numpy.typing import NDArray

from ganzoo.errors import ResourceError
from ganzoo_datasets.files.cache_entry import DAMAGE, CacheEntry
from ganzoo_datasets.files.chunk import Chunk
from ganzoo_datasets.files.decoding import CHUNK_BYTES, is_readable
from ganzoo_datasets.files.pixels.picture import Rule
from ganzoo_datasets.files.seen import Seen
from ganzoo_datasets.files.sources.source import PictureSource
from ganzoo_datasets.files.unfinished import Unfinished

logger = logging.getLogger("ganzoo")

PIXELS = "pixels.u8"
VERSION = 3
"""Of the rules of decoding and of the files; a new one makes every old entry unknown."""

SECONDS_BETWEEN_NOTES = 2.0


@dataclass(frozen=True)
class CachedPictures:
    """An entry, where it lies, and its pixels: read-only, mapped, (N, C, S, S)."""

    folder: Path
    entry: CacheEntry
    pixels: NDArray[np.uint8]


def cached_pictures(
    cache: Path, source: PictureSource, names: Sequence[str], *, rule: Rule, channels: int | None
) -> CachedPictures:
    """The decoded pictures, from the cache if it holds them undamaged, else decoded now.

    Args:
        cache: folder of the entries; made if needed.
        source: where the pictures are.
        names: what it calls them, in order.
        rule: how they become squares; its channels count only where ``channels`` are given.
        channels: 1, 3, or ``None``: 3 if any picture has color, else 1.

    Raises:
        ResourceError: the cache cannot be written: no space, or no permission.
    """
    unasked = cache / _key(source, names, replace(rule, channels=3), None)
    rule = replace(rule, channels=channels or 3)
    folder = cache / _key(source, names, rule, channels)
    found = _load(folder, source, names, rule)
    if found is None and channels is not None:
        # A run notes the channels that it found, and whoever goes on with it or measures it asks for them.
        found = _load(unasked, source, names, rule)
        if found is not None and found.entry.shape[1] != channels:
            found = None
    if found is None:
        with _writing(cache):
            cache.mkdir(parents=True, exist_ok=True)
            with _locked(cache / f"{folder.name}.lock"):
                found = _load(folder, source, names, rule)
                if found is None:
                    if folder.exists():
                        logger.warning("the cache entry %s is damaged or out of date; decoding again", folder)
                        _remove(folder)
                    found = _build(folder, source, names, rule, shrink=channels is None)
    return found


def _key(source: PictureSource, names: Sequence[str], rule: Rule, channels: int | None) -> str:
    seen = hashlib.sha256(json.dumps([VERSION, source.identity, asdict(rule), channels]).encode())
    for name in names:
        seen.update(f"\n{source.state(name)} ".encode())
        seen.update(os.fsencode(name))
    return seen.hexdigest()[:32]


def _load(folder: Path, source: PictureSource, names: Sequence[str], rule: Rule) -> CachedPictures | None:
    """The entry in ``folder``, or ``None`` if it is missing, damaged or no longer right."""
    if not all((folder / name).is_file() for name in ("entry.json", PIXELS)):  # a pipe would be waited for
        return None
    try:
        values = json.loads((folder / "entry.json").read_text(encoding="utf-8"))
        entry = CacheEntry.from_plain(values)
        if not entry.is_of(names, rule):
            return None
        state = (folder / PIXELS).stat()
        whole = state.st_size == int(np.prod(entry.shape, dtype=np.int64))
        # Reading everything takes seconds for a large set, so that is left to files that were touched.
        if whole and state.st_mtime_ns != entry.modified_ns:
            with (folder / PIXELS).open("rb") as file:
                whole = hashlib.file_digest(file, "sha256").hexdigest() == entry.digest
        if not whole:
            return None
        pixels = _mapped(folder / PIXELS, entry.shape)
    except DAMAGE:
        return None
    # A file can become readable without a change of its size or time: by chmod, or by a disk that answers again.
    if any(is_readable(source, name) for name in entry.unreadable):
        return None
    return CachedPictures(folder, entry, pixels)


def _remove(place: Path) -> None:
    """Whatever stands in the place of an entry, be it a folder or not."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink()


def _mapped(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    if 0 in shape:
        return np.empty(shape, dtype=np.uint8)
    return np.memmap(path, dtype=np.uint8, mode="r", shape=shape)


def _build(folder: Path, source: PictureSource, names: Sequence[str], rule: Rule, *, shrink: bool) -> CachedPictures:
    """Decode into a folder beside the entry's place, then rename it; what a killed process left there is used."""
    partial = folder.with_name(f".{folder.name}.partial")
    partial.mkdir(exist_ok=True)
    unfinished = Unfinished(partial, rule)
    try:
        entry, pixels = _decoded(unfinished, source, names, rule, shrink=shrink)
        (partial / "entry.json").write_text(json.dumps(asdict(entry), indent=1) + "\n", encoding="utf-8")
        (partial / "unreadable.txt").write_text(
            "".join(f"{name}: {reason}\n" for name, reason in entry.unreadable.items()),
            encoding="utf-8",
            errors="surrogateescape",
        )
        for path in (*partial.iterdir(), partial):
            _flush_to_disk(path)
        # Not before all else is done: a process that is killed until then has decoded nothing in vain.
        pixels.replace(partial / PIXELS)
        unfinished.remove()
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
        _flush_to_disk(folder.parent)
    except Exception:
        # A full disk should not stay full. Ctrl-C is not among these: what is decoded is kept then.
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return CachedPictures(folder, entry, _mapped(folder / PIXELS, entry.shape))


@dataclass
class _Tally:
    """What is learned about the pictures while their pixels pass by."""

    seen: Seen = field(default_factory=Seen)
    unreadable: dict[str, str] = field(default_factory=dict)

    def pixels(self, chunks: Iterable[Chunk]) -> Iterator[NDArray[np.uint8]]:
        for chunk in chunks:
            self.seen.merge(chunk.seen)
            self.unreadable |= chunk.unreadable
            yield chunk.pixels


def _decoded(
    unfinished: Unfinished, source: PictureSource, names: Sequence[str], rule: Rule, *, shrink: bool
) -> tuple[CacheEntry, Path]:
    """Decode by the rule, and where the pixels are; with ``shrink``, one plane is kept where no picture has color."""
    tally, size, path = _Tally(), rule.size, unfinished.pixels
    with closing(unfinished.chunks(source, names)) as chunks:
        digest = _digest(tally.pixels(_with_progress(chunks, len(names))))
    shape = (len(names) - len(tally.unreadable), rule.channels, size, size)
    if shrink and not tally.seen.color:
        # Only now is it certain that none has color: the three planes are equal, and one is kept.
        colored, shape = _mapped(path, shape), (shape[0], 1, size, size)
        rows = max(1, CHUNK_BYTES // (3 * size * size))
        path = path.with_name("gray.u8")
        with path.open("wb") as file:
            planes = (colored[start : start + rows, :1] for start in range(0, len(colored), rows))
            digest = _digest(_written(file, planes))
    return CacheEntry(shape, digest, path.stat().st_mtime_ns, tally.seen, tally.unreadable), path


def _written(file: IO[bytes], arrays: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Arrays, once they are in a file. A full disk would kill a process that writes to a map."""
    for array in arrays:
        file.write(array.tobytes())
        yield array


def _digest(arrays: Iterable[NDArray[np.uint8]]) -> str:
    """SHA-256 of arrays one after another."""
    seen = hashlib.sha256()
    for array in arrays:
        seen.update(array.tobytes())
    return seen.hexdigest()


def _with_progress(chunks: Iterator[Chunk], total: int) -> Iterator[Chunk]:
    """Chunks, with a note now and then, and a last one however it ends: on a terminal notes before it are a bar."""
    done, due, told = 0, time.monotonic() + SECONDS_BETWEEN_NOTES, False
    words = "decoded %s of %s pictures"
    try:
        for chunk in chunks:
            yield chunk
            done += chunk.files
            if time.monotonic() >= due and done < total:
                logger.info(words, f"{done:,}", f"{total:,}", extra={"progress": (done, total)})
                due, told = time.monotonic() + SECONDS_BETWEEN_NOTES, True
    finally:
        if told:
            logger.info(words, f"{done:,}", f"{total:,}")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        logger.info("another process is decoding these pictures; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _writing(cache: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        space = "free some space, or " if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        raise ResourceError(
            f"cannot write the cache of decoded pictures {cache}: {error.strerror or error}",
            hint=f"{space}set GANZOO_CACHE to another folder",
        ) from error


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
