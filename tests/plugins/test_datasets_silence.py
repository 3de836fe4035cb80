"""What a reviewer found to be read wrong without a word, and what was said that did not help."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest
import tifffile
from picture_files import noise, open_folder, save

from ganzoo.errors import DataError


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "pictures"
    path.mkdir()
    return path


@pytest.mark.parametrize(
    ("pictures", "masks"),
    [
        ("images", "labels"),
        ("images/train", "labels/train"),
        ("img", "lbl"),
        ("input", "target"),
        ("JPEGImages", "SegmentationClass"),
        ("leftImg8bit", "gtFine"),
        ("images", "1st_manual"),
    ],
)
def test_masks_beside_pictures_are_no_class(folder, caplog, pictures, masks):
    for number in range(6):
        save(folder, f"{pictures}/x{number}.jpg", noise(32, 32, seed=number))
        save(folder, f"{masks}/x{number}.png", noise(32, 32, "L", seed=number))
    data = open_folder(folder)
    assert (len(data), data.labels) == (6, None)
    assert "the name of another picture" in caplog.text


def test_two_words_for_one_split_are_told(folder, caplog):
    for name in ("train", "dev", "eval"):
        save(folder, f"{name}/a.png")
    open_folder(folder)
    assert "the folders dev, eval are read as one split, val" in caplog.text
    caplog.clear()
    for path in folder.glob("eval/*"):
        path.unlink()
    (folder / "eval").rmdir()
    open_folder(folder)
    assert "one split" not in caplog.text


def test_metadata_that_cannot_be_read_stop_the_run(folder):
    for number in range(3):
        save(folder, f"{number}.png")
    lines = [json.dumps({"file_name": f"{number}.png", "label": number}) for number in range(3)]
    (folder / "metadata.jsonl").write_text("\n".join([*lines[:2], lines[2][:9]]), encoding="utf-8")
    with pytest.raises(DataError, match=r"metadata\.jsonl"):
        open_folder(folder)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_dataset_json_that_is_not_read_is_a_warning(folder, caplog, text):
    save(folder, "a.png")
    (folder / "dataset.json").write_text(text, encoding="utf-8")
    open_folder(folder)
    assert [one.levelno for one in caplog.records if "dataset.json" in one.getMessage()] == [logging.WARNING]


def test_a_picture_without_pixels_is_named(folder, caplog):
    save(folder, "a.png")
    tifffile.imwrite(folder / "b.tif", np.zeros((4, 4), np.uint16))
    content = bytearray((folder / "b.tif").read_bytes())
    # Tag 257 is the height: a file that states none.
    place = content.index(b"\x01\x01\x03\x00\x01\x00\x00\x00") if b"\x01\x01\x03\x00" in content else None
    if place is None:
        place = content.index(b"\x01\x01\x04\x00\x01\x00\x00\x00")
    content[place + 8 : place + 12] = bytes(4)
    (folder / "b.tif").write_bytes(content)
    assert len(open_folder(folder, on_error="skip")) == 1
    assert "b.tif" in caplog.text


def test_a_range_far_within_the_values_is_a_warning(folder, caplog):
    for number in range(2):
        values = np.linspace(0, 63000, 1024, dtype=np.float32).reshape(32, 32) + number
        tifffile.imwrite(folder / f"{number}.tif", values)
    with pytest.raises(DataError, match=r"data\.range=measured"):
        open_folder(folder)
    open_folder(folder, range=(0, 1))
    assert "far beyond data.range, 0 to 1, so nearly all are black or white" in caplog.text
    caplog.clear()
    open_folder(folder, range="measured")
    assert "far beyond" not in caplog.text
