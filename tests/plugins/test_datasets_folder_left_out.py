"""What is not a picture of the set: masks, thumbnails, excluded files, formats that are not read."""

from __future__ import annotations

import logging

import pytest
from ganzoo_datasets.files.exclusion import matches
from ganzoo_datasets.files.recognition import recognize
from ganzoo_datasets.pictures import Pictures
from PIL import Image
from pydantic import ValidationError

from ganzoo.errors import DataError


def made(folder, names):
    for name in names.split(","):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(path, format="PNG")
    return folder


def found(folder, **options):
    return ",".join(item.name for item in recognize(Pictures(path=str(folder), **options)).items)


def refused(folder, **options):
    with pytest.raises(DataError) as caught:
        found(folder, **options)
    return str(caught.value)


CERTAIN = {
    "BUSI": ("benign (1).png,benign (1)_mask.png,benign (1)_mask_1.png", "benign (1).png"),
    "ISIC": ("ISIC_1.jpg,ISIC_1_segmentation.png,ISIC_1_superpixels.png", "ISIC_1.jpg"),
    "a mask in capitals": ("a/x.png,a/x_GT.png,b/y.png", "a/x.png,b/y.png"),
    "images and masks": ("images/1.png,images/2.png,masks/1.png,masks/2.png", "images/1.png,images/2.png"),
    "masks with a suffix of their own": ("images/1.png,masks/1_mask.gif", "images/1.png"),
    "masks below splits": ("train/img/1.png,train/masks/1.png,test/img/2.png", "test/img/2.png,train/img/1.png"),
    "a folder of masks beside two splits": (
        "train/1.png,train/2.png,train_masks/1_mask.gif,train_masks/2_mask.gif,test/3.png",
        "test/3.png,train/1.png,train/2.png",
    ),
    "a Synology's thumbnails": ("a.jpg,@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg", "a.jpg"),
    "thumbnails": ("cat/a.jpg,cat/thumbs/a.jpg,dog/b.jpg,dog/thumbs/b_thumb.jpg", "cat/a.jpg,dog/b.jpg"),
}


@pytest.mark.parametrize(("names", "expected"), CERTAIN.values(), ids=CERTAIN)
def test_masks_and_thumbnails_are_left_out_with_a_warning(tmp_path, caplog, names, expected):
    made(tmp_path, names)
    assert found(tmp_path) == expected
    left_out = sorted(set(names.split(",")) - set(expected.split(",")))
    assert f"{len(left_out)} masks or thumbnails are left out (" in caplog.text
    assert sum(name in caplog.text for name in left_out) >= 1
    assert sorted(recognize(Pictures(path=str(tmp_path))).left_out) == left_out


def test_they_can_be_kept(tmp_path, caplog):
    made(tmp_path, "a.png,a_mask.png")
    assert found(tmp_path, exclude=[]) == "a.png,a_mask.png"
    assert "1 masks or thumbnails are kept" in caplog.text


@pytest.mark.parametrize(
    "names",
    [
        "mask/1.png,mask/2.png,no_mask/1.png,no_mask/2.png",
        "with_mask/1.png,without_mask/1.png,mask_worn_wrongly/1.png",
        "a_mask.png,b_mask.png",
        "cat/1.png,dog/1.png",
        "a.png,a_1.png,a_2.png",
        "seg_train/1.png,seg_test/1.png",
    ],
)
def test_what_only_sounds_like_a_mask_is_kept(tmp_path, caplog, names):
    assert sorted(found(made(tmp_path, names)).split(",")) == sorted(names.split(","))
    assert caplog.text == ""


def test_names_with_another_suffix_are_kept_with_a_warning(tmp_path, caplog):
    made(tmp_path, "a.png,a_left.png,b.png,b_left.png")
    assert len(found(tmp_path).split(",")) == 4
    assert "2 pictures bear the name of another one plus _left" in caplog.text
    assert "--set data.exclude='*_left*'" in caplog.text
    assert found(tmp_path, exclude="*_left*") == "a.png,b.png"


def test_names_with_another_ending_are_kept_with_a_warning(tmp_path, caplog):
    made(tmp_path, "a.jpg,a.png,b.jpg,b.png")
    assert len(found(tmp_path).split(",")) == 4
    assert "2 pictures bear the name of another one with another ending" in caplog.text
    assert "--set data.exclude='*.png'" in caplog.text


def test_folders_named_for_masks_with_names_of_their_own_are_kept_with_a_warning(tmp_path, caplog):
    made(tmp_path, "x/images/8.png,x/masks/1.png,x/masks/2.png")
    assert len(found(tmp_path).split(",")) == 3
    assert "2 pictures are in folders named masks, and count as pictures of their own" in caplog.text
    assert found(tmp_path, exclude="masks") == "x/images/8.png"


@pytest.mark.parametrize(
    ("pattern", "name", "meant"),
    [
        ("*_mask.png", "a/b_mask.png", True),
        ("*_mask.png", "a/b_mask.jpg", False),
        ("masks", "train/masks/1.png", True),
        ("masks/", "train/masks/1.png", True),
        ("mask", "train/masks/1.png", False),
        ("train/masks", "train/masks/1.png", True),
        ("test/masks", "train/masks/1.png", False),
        ("train/*.png", "train/a/1.png", True),
        ("1.png", "train/1.png", True),
        ("*.PNG", "1.png", False),
    ],
)
def test_patterns(pattern, name, meant):
    assert matches(pattern, name) == meant


def test_excluded_files_are_recorded_and_their_folders_are_no_classes(tmp_path):
    made(tmp_path, "cat/1.png,dog/2.png,bad/3.png")
    collection = recognize(Pictures(path=str(tmp_path), exclude=["bad"]))
    assert (collection.classes, dict(collection.left_out)) == (("cat", "dog"), {"bad/3.png": "data.exclude"})


def test_excluding_applies_to_tables(tmp_path):
    made(tmp_path, "a.png,a_mask.png")
    table = tmp_path / "t.csv"
    table.write_text("image\na.png\na_mask.png\n")
    assert found(table, exclude="*_mask.*") == "a.png"


@pytest.mark.parametrize("pattern", ["dog", "d*", "*dog"])
def test_an_empty_folder_can_be_excluded(tmp_path, pattern):
    made(tmp_path, "cat/1.png")
    (tmp_path / "dog").mkdir()
    fault = recognize(Pictures(path=str(tmp_path))).faults["train"]
    assert "--set data.exclude=dog to leave out these folders" in str(fault)
    assert recognize(Pictures(path=str(tmp_path), exclude=[pattern])).faults == {}
    assert "leaves nothing out with dig" in refused(tmp_path, exclude=["dog", "dig"])


def test_a_pattern_that_excludes_nothing_is_refused(tmp_path):
    made(tmp_path, "a.png,a_mask.png")
    assert "data.exclude leaves nothing out with *_maks.png" in refused(tmp_path, exclude=["*_maks.png", "*_mask.png"])


def test_patterns_in_a_text_are_separated_by_commas():
    assert Pictures(path="x", exclude=" *_mask.png, thumbs ").exclude == ["*_mask.png", "thumbs"]
    with pytest.raises(ValidationError):
        Pictures(path="x", exclude=3)


def test_unread_formats_are_warned_of_with_what_reads_them(tmp_path, caplog):
    made(tmp_path, "1.png,2.png,3.png")
    for name in ("4.JXL", "5.cr2"):
        (tmp_path / name).touch()
    assert found(tmp_path) == "1.png,2.png,3.png"
    [warning] = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert "2 of 5 pictures have an ending that is not read" in warning
    assert "\n  .jxl: 1 (djxl writes PNG)" in warning
    assert "\n  .cr2: 1 (a raw converter" in warning


def test_a_majority_of_unread_formats_is_an_error(tmp_path):
    made(tmp_path, "1.jpg")
    for number in range(9):
        (tmp_path / f"{number}.psd").touch()
    message = refused(tmp_path)
    assert "9 of 10 pictures have an ending that is not read" in message
    assert "--set data.exclude='*.psd'" in message
    assert found(tmp_path, exclude="*.psd") == "1.jpg"


def test_other_files_are_a_note(tmp_path, caplog):
    made(tmp_path, "1.png")
    for name in ("Thumbs.db", "readme.txt", "x.json"):
        (tmp_path / name).touch()
    with caplog.at_level(logging.INFO, "ganzoo"):
        found(tmp_path)
    assert [(record.levelno, record.message[-1]) for record in caplog.records] == [(logging.INFO, "3")]
