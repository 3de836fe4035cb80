"""From something valid to something a stranger might have written: bytes, text, JSON, and names in archives.

Each takes a :class:`random.Random` and what is valid, and gives bytes. They know no format: nothing was made to break a
decoder, and what is found is told in words, never kept as a file.
"""

from __future__ import annotations

import base64
import io
import json
import random
import tarfile
import zipfile
from typing import Any

EDGES = (0, 1, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
WORDS = (
    *(
        "",
        " ",
        "\n",
        "\r",
        "\t",
        "\0",
        "\x1b[31m",
        "\u2028",
        "\ufeff",
        "\ud7ff",
        "ａ",
        "é",
        "🙂",
        "<b>",
        "${HOME}",
        "%s",
        "{}",
    ),
    *(
        "null",
        "true",
        "nan",
        "inf",
        "-inf",
        "-1",
        "0",
        "1e999",
        "-0.0",
        "0x10",
        "010",
        "1:30",
        "1_000",
        "9" * 400,
        "~",
        "none",
    ),
    *(
        ".",
        "..",
        "../outside.png",
        "/",
        "//",
        "\\",
        "a/../b",
        "*",
        "?",
        "[",
        "]",
        "{",
        "}",
        "&a",
        "*a",
        "<<",
        "!!int",
        "!x",
    ),
    *(
        "#",
        "---",
        "...",
        "- ",
        ": ",
        ",",
        ";",
        '"',
        "'",
        "loss",
        "train.steps",
        "__class__",
        "a.b.c",
        "x" * 300,
        "[" * 40,
    ),
)
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**70, 10**400, 0.5, -0.0, 1e308, float("nan"), float("inf")),
    *(
        "",
        "a",
        "../outside.png",
        "1",
        "nan",
        "\0",
        "\x1b[31m",
        "x" * 300,
        [],
        {},
        [[]],
        [None],
        {"": None},
        {"name": 1},
    ),
    *([1, 2, 3], ["a", "b"], [[1], [2, 3]], {"a": {"b": {}}}, "2026-01-01T00:00:00+00:00", "\udcff"),
)
NAMES = (
    *(
        "a/1.png",
        "b/2.png",
        "../outside.png",
        "/outside.png",
        "a/../../outside.png",
        "a/./3.png",
        "C:\\x.png",
        "..\\x.png",
    ),
    *(
        "a//4.png",
        ".hidden.png",
        "a/\n.png",
        "a/\x1b[31m.png",
        "é/5.png",
        "a" * 200 + "/6.png",
        "dataset.json",
        "train.csv",
    ),
    *(
        "train/a/7.png",
        "test/b/8.png",
        "..",
        ".",
        "",
        "/",
        "a/",
        "b/9.PNG",
        "metadata.csv",
        "train-images-idx3-ubyte",
        "x.npy",
    ),
)
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
"""One black pixel."""


def bytes_of(draw: random.Random, valid: bytes, other: bytes) -> bytes:
    """A few faults of a file: flipped bits, numbers at the edge of a range, parts lost, doubled or foreign."""
    changed = bytearray(valid)
    for _ in range(draw.choice((1, 1, 2, 3, 6))):
        at = draw.randrange(len(changed) + 1)
        # Headers are where a fault has meaning; of a large file most is pixels.
        at = at if draw.random() < 0.5 else min(at, draw.randrange(64))
        kind, width = draw.randrange(8), draw.choice((1, 2, 4, 8))
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            edge = draw.choice(EDGES) % 2 ** (8 * width)
            changed[at : at + width] = edge.to_bytes(width, draw.choice(("little", "big")))
        elif kind == 2:
            del changed[at:]
        elif kind == 3:
            del changed[at : at + draw.randrange(1, 40)]
        elif kind == 4:
            changed[at:at] = changed[at : at + draw.randrange(1, 200)] * draw.randrange(1, 5)
        elif kind == 5:
            changed[at:at] = draw.choice(WORDS).encode()
        elif kind == 6:
            start = draw.randrange(len(other) + 1)
            changed[at:] = other[start : start + 4000]
        else:
            changed[at : at + width] = draw.randbytes(width)
    return bytes(changed)


def text_of(draw: random.Random, valid: bytes, other: bytes) -> bytes:
    """Words where none belong, lines that are lost, doubled or moved; now and then a fault of bytes."""
    if draw.random() < 0.2:
        return bytes_of(draw, valid, other)
    lines = valid.decode().splitlines(keepends=True)
    for _ in range(draw.choice((1, 1, 2, 4))):
        at = draw.randrange(len(lines)) if lines else 0
        kind = draw.randrange(6)
        if not lines or kind == 0:
            lines.insert(at, draw.choice(WORDS))
        elif kind == 1:
            del lines[at]
        elif kind == 2:
            lines.append(lines[at])
        elif kind == 3:
            lines[at] = "  " * draw.randrange(4) + lines[at]
        else:
            place = draw.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:place] + draw.choice(WORDS) + lines[at][place + draw.randrange(6) :]
    return "".join(lines).encode(errors="surrogatepass")


def json_of(draw: random.Random, valid: bytes, other: bytes) -> bytes:
    """JSON of another shape: values of other types, keys that are missing or new; now and then a fault of text."""
    if draw.random() < 0.15:
        return text_of(draw, valid, other)
    content = json.loads(valid)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        content = _reshaped(draw, content)
    return json.dumps(content).encode()


def lines_of(draw: random.Random, valid: bytes, other: bytes) -> bytes:
    """The same for a file with a value of JSON in each line."""
    lines = valid.splitlines()
    at = draw.randrange(len(lines))
    lines[at] = json_of(draw, lines[at], other)
    return b"\n".join(lines) + b"\n" * draw.randrange(2)


def zip_of(draw: random.Random, valid: bytes, other: bytes) -> bytes:
    """A zip whose members are called anything."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name in draw.choices(NAMES, k=draw.randrange(1, 6)):
            member = zipfile.ZipInfo(name or "a")
            member.external_attr = draw.choice((0o100644, 0o120777, 0o040755, 0o010644)) << 16
            archive.writestr(member, draw.choice((PICTURE, b"", b"../outside.png")))
    return file.getvalue() if draw.random() < 0.7 else bytes_of(draw, file.getvalue(), other)


def tar_of(draw: random.Random, valid: bytes, other: bytes) -> bytes:
    """A tar whose members are called anything, and are links, devices and pipes too."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=draw.choice(("w:", "w:gz")), format=draw.randrange(3)) as archive:
        for name in draw.choices(NAMES, k=draw.randrange(1, 6)):
            content = draw.choice((PICTURE, PICTURE, b"", b"../outside.png"))
            member = tarfile.TarInfo((name or "a")[:90])
            member.type = draw.choice((b"0", b"0", b"0", b"0", b"1", b"2", b"3", b"5", b"6"))
            member.linkname, member.size = draw.choice(NAMES)[:90], len(content) if member.type == b"0" else 0
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue() if draw.random() < 0.7 else bytes_of(draw, file.getvalue(), other)


def _reshaped(draw: random.Random, content: Any) -> Any:
    """One value somewhere in it is replaced, lost, or joined by another."""
    if draw.random() < 0.15 or not isinstance(content, dict | list) or not content:
        return draw.choice(ODD)
    copied: Any = content.copy()
    key: Any = draw.choice(list(content)) if isinstance(content, dict) else draw.randrange(len(content))
    kind = draw.random()
    if kind < 0.65:
        copied[key] = _reshaped(draw, content[key])
    elif kind < 0.8:
        del copied[key]
    elif isinstance(copied, dict):
        copied[draw.choice(WORDS)] = draw.choice(ODD)
    else:
        copied.insert(key, draw.choice([*ODD, content[key]]))
    return copied
