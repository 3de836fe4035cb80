"""What processes that decode and the one that asks say to each other: lines of JSON, and bytes behind some of them.

JSON and no pickles, as everywhere in ganzoo; names that are not valid UTF-8 pass through it whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, ImageFile

from ganzoo_datasets.files.chunk import Chunk
from ganzoo_datasets.files.pixels.picture import Rule
from ganzoo_datasets.files.seen import Seen


def tell(stream: IO[bytes], words: Mapping[str, Any]) -> None:
    """Write one line."""
    stream.write(json.dumps(words).encode() + b"\n")


def hear(stream: IO[bytes]) -> dict[str, Any]:
    """Read one line.

    Raises:
        EOFError: the other process is gone, or wants nothing more.
    """
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    words: dict[str, Any] = json.loads(line)
    return words


def taken(stream: IO[bytes], size: int) -> bytes:
    """Read so many bytes.

    Raises:
        EOFError: the other process is gone.
    """
    content = stream.read(size)
    if len(content) != size:
        raise EOFError
    return content


def tell_task(stream: IO[bytes], folder: Path | None, rule: Rule) -> None:
    """What is the same for all pictures: the folder they are in, if they are in one, and how they become squares.

    A user's program may have told Pillow to read what is cut short, or what is large; so it holds there, too.
    """
    place = None if folder is None else str(folder.absolute())
    settings = {"cut": ImageFile.LOAD_TRUNCATED_IMAGES, "most": Image.MAX_IMAGE_PIXELS}
    tell(stream, {"folder": place, "rule": asdict(rule), "pillow": settings})


def hear_task(stream: IO[bytes]) -> tuple[Path | None, Rule]:
    """The other end of :func:`tell_task`; Pillow is set."""
    words = hear(stream)
    ImageFile.LOAD_TRUNCATED_IMAGES = words["pillow"]["cut"]
    Image.MAX_IMAGE_PIXELS = words["pillow"]["most"]
    rule = words["rule"]
    range_ = None if rule["range"] is None else tuple(rule["range"])
    return None if words["folder"] is None else Path(words["folder"]), Rule(**{**rule, "range": range_})


def tell_chunk(stream: IO[bytes], chunk: Chunk) -> None:
    """Write what was decoded."""
    words = {"shape": chunk.pixels.shape, "files": chunk.files, "unreadable": chunk.unreadable}
    tell(stream, {**words, "seen": asdict(chunk.seen)})
    stream.write(chunk.pixels.data)


def hear_chunk(stream: IO[bytes]) -> Chunk:
    """The other end of :func:`tell_chunk`."""
    words = hear(stream)
    shape = words["shape"]
    content = taken(stream, int(np.prod(shape, dtype=np.int64)))
    pixels = np.frombuffer(content, np.uint8).reshape(shape)
    return Chunk(pixels, words["files"], Seen.from_plain(words["seen"]), words["unreadable"])
