"""Real picture files for the tests of the folder dataset."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from ganzoo_datasets.pictures import Pictures
from PIL import Image


def open_folder(folder: Path, *, image_size=None, channels=None, split="train", cache=None, **options):
    """The dataset as a run opens it; its cache lies beside the folder."""
    return Pictures(path=str(folder), **options).open(
        image_size=image_size, channels=channels, split=split, cache=cache or folder.parent / "cache"
    )


def everything(dataset) -> np.ndarray:
    return dataset.read(torch.arange(len(dataset))).numpy()


def noise(width: int, height: int, mode: str = "RGB", seed: int = 0) -> Image.Image:
    """A picture that no two orientations or crops of share."""
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    return Image.fromarray(values).convert("RGB").convert(mode) if mode != "RGBA" else Image.fromarray(values)


def save(folder: Path, name: str, image: Image.Image | None = None, **options) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or noise(32, 32)).save(path, **options)
    return path


def png_bytes(width: int, height: int, depth: int, color_type: int, rows: bytes, *, transparent: bytes = b"") -> bytes:
    """A PNG written by hand, for what Pillow reads and does not write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0))
    key = chunk(b"tRNS", transparent) if transparent else b""
    return b"\x89PNG\r\n\x1a\n" + header + key + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def png_rows(values: np.ndarray) -> bytes:
    """Unfiltered rows of 16-bit samples, (H, W) or (H, W, C)."""
    return b"".join(b"\x00" + row.astype(">u2").tobytes() for row in values)
