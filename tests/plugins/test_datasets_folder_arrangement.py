"""What folders mean: splits, classes, domains, parts of a set, groups; and what is asked rather than guessed."""

from __future__ import annotations

import logging
import shlex

import pytest
from ganzoo_datasets.files.choosing import choose
from ganzoo_datasets.files.layouts.arrangement import meanings
from ganzoo_datasets.files.layouts.shards import are_shards
from ganzoo_datasets.files.recognition import recognize
from ganzoo_datasets.pictures import Pictures
from PIL import Image

from ganzoo.errors import DataError


def made(folder, names):
    """Small pictures at these paths; a path that ends with a slash is an empty folder."""
    for name in names.split():
        path = folder / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            Image.new("L", (4, 4)).save(path, format="PNG")
    return folder


def found(folder, **options):
    """Split → ``path=class`` of its pictures, checked as a run checks them."""
    collection = recognize(Pictures(path=str(folder), **options))
    splits = {item.split: "" for item in collection.items}
    for split in splits:
        items = choose(collection, split).items
        splits[split] = " ".join(f"{item.name}={item.label}" for item in items)
    return splits


def refused(folder, **options):
    with pytest.raises(DataError) as caught:
        found(folder, **options)
    return str(caught.value)


ARRANGEMENTS = {
    "capital names of the brain tumor set": (
        "Training/glioma/1.png Training/none/2.png Testing/glioma/1.png Testing/none/2.png",
        {
            "train": "Training/glioma/1.png=glioma Training/none/2.png=none",
            "test": "Testing/glioma/1.png=glioma Testing/none/2.png=none",
        },
    ),
    "train and valid": (
        "train/a/1.png train/b/1.png valid/a/1.png valid/b/1.png",
        {"train": "train/a/1.png=a train/b/1.png=b", "val": "valid/a/1.png=a valid/b/1.png=b"},
    ),
    "three splits, flat": (
        "training_set/1.png dev/2.png test_set/3.png",
        {"train": "training_set/1.png=", "val": "dev/2.png=", "test": "test_set/3.png="},
    ),
    "COCO": (
        "train2017/1.png val2017/2.png",
        {"train": "train2017/1.png=", "val": "val2017/2.png="},
    ),
    "two domains": (
        "trainA/1.png trainB/1.png testA/2.png testB/2.png",
        {"train": "trainA/1.png=A trainB/1.png=B", "test": "testA/2.png=A testB/2.png=B"},
    ),
    "a text around all splits, which repeat below": (
        "seg_train/seg_train/sea/1.png seg_train/seg_train/ice/1.png seg_test/seg_test/sea/1.png "
        "seg_test/seg_test/ice/1.png",
        {
            "train": "seg_train/seg_train/ice/1.png=ice seg_train/seg_train/sea/1.png=sea",
            "test": "seg_test/seg_test/ice/1.png=ice seg_test/seg_test/sea/1.png=sea",
        },
    ),
    "ISIC inputs": (
        "ISIC_Task3_Training_Input/1.png ISIC_Task3_Test_Input/2.png",
        {"train": "ISIC_Task3_Training_Input/1.png=", "test": "ISIC_Task3_Test_Input/2.png="},
    ),
    "splits below two wrapping folders": (
        "set/set/train/a/1.png set/set/train/b/1.png set/set/test/a/1.png",
        {"train": "set/set/train/a/1.png=a set/set/train/b/1.png=b", "test": "set/set/test/a/1.png=a"},
    ),
    "images below each split": (
        "train/images/1.png val/images/2.png",
        {"train": "train/images/1.png=", "val": "val/images/2.png="},
    ),
    "splits below classes": (
        "cat/train/1.png cat/test/2.png dog/train/3.png dog/test/4.png",
        {"train": "cat/train/1.png=cat dog/train/3.png=dog", "test": "cat/test/2.png=cat dog/test/4.png=dog"},
    ),
    "a split in parts": (
        "train_1/1.png train_2/2.png test/3.png",
        {"train": "train_1/1.png= train_2/2.png=", "test": "test/3.png="},
    ),
    "parts of a set": (
        "HAM_images_part_1/1.png HAM_images_part_2/2.png",
        {"train": "HAM_images_part_1/1.png= HAM_images_part_2/2.png="},
    ),
    "parts with a folder in each": (
        "images_001/images/1.png images_002/images/2.png",
        {"train": "images_001/images/1.png= images_002/images/2.png="},
    ),
    "parts with classes": (
        "part_1/a/1.png part_1/b/2.png part_2/a/3.png",
        {"train": "part_1/a/1.png=a part_1/b/2.png=b part_2/a/3.png=a"},
    ),
    "numbers of five digits": (
        "00000/1.png 01000/2.png",
        {"train": "00000/1.png= 01000/2.png="},
    ),
    "parts within splits": (
        "train/00000/1.png train/00001/2.png test/00000/3.png",
        {"train": "train/00000/1.png= train/00001/2.png=", "test": "test/00000/3.png="},
    ),
    "a class of one split": (
        "train/a/1.png train/b/2.png test/a/3.png",
        {"train": "train/a/1.png=a train/b/2.png=b", "test": "test/a/3.png=a"},
    ),
    "classes with words like splits": (
        "bullet_train/1.png dog/2.png cat/3.png test_tube/4.png",
        {"train": "bullet_train/1.png=bullet_train cat/3.png=cat dog/2.png=dog test_tube/4.png=test_tube"},
    ),
    "digits as classes": ("0/1.png 1/2.png", {"train": "0/1.png=0 1/2.png=1"}),
    "numbered classes": ("grade_1/1.png grade_2/2.png", {"train": "grade_1/1.png=grade_1 grade_2/2.png=grade_2"}),
}


@pytest.mark.parametrize(("names", "expected"), ARRANGEMENTS.values(), ids=ARRANGEMENTS)
def test_folders_mean_what_their_owner_means(tmp_path, names, expected):
    assert found(made(tmp_path, names)) == expected


@pytest.mark.parametrize(
    "names", ["train/1.png bus/2.png", "train/1.png test/2.png masks/9.png", "test/1.png cat/2.png"]
)
def test_splits_beside_other_folders_are_asked_about(tmp_path, names):
    message = refused(made(tmp_path, names))
    assert "either may be splits or classes" in message
    assert "--set data.layout=split-folders to read the splits and leave out" in message
    assert "--set data.layout=class-folders" in message


@pytest.mark.parametrize("classes", ["auto", "none"])
def test_splits_beside_loose_pictures_are_asked_about(tmp_path, classes):
    made(tmp_path, "train/1.png test/2.png sample.png")
    assert "holds test, train beside sample.png" in refused(tmp_path, classes=classes)
    assert found(tmp_path, classes=classes, layout="split-folders") == {"train": "train/1.png=", "test": "test/2.png="}


def test_both_answers_work(tmp_path, caplog):
    made(tmp_path, "train/1.png test/2.png extra/3.png")
    assert found(tmp_path, layout="split-folders") == {"train": "train/1.png=", "test": "test/2.png="}
    assert "1 pictures are in no split" in caplog.text
    classes = found(tmp_path, layout="class-folders")
    assert classes == {"train": "extra/3.png=extra test/2.png=test train/1.png=train"}


def test_names_that_mention_a_split_are_asked_about(tmp_path):
    made(tmp_path, "s1_train_hr/1.png s1_test/2.png s2_test_final/3.png other/4.png")
    assert "holds s1_test, s1_train_hr, s2_test_final beside other" in refused(tmp_path)
    splits = {"train": "s1_train_hr/1.png=", "test": "s1_test/2.png= s2_test_final/3.png="}
    assert found(tmp_path, layout="split-folders") == splits


def test_the_test_pictures_alone_are_never_trained_on(tmp_path):
    made(tmp_path, "test/a/1.png test/b/2.png")
    with pytest.raises(DataError, match="has no split 'train'"):
        choose(recognize(Pictures(path=str(tmp_path))), "train")


def test_equal_sub_folders_are_asked_about(tmp_path):
    made(tmp_path, "bern/sick/1.png bern/well/2.png basel/sick/3.png basel/well/4.png")
    message = refused(tmp_path)
    assert "all with the same sub-folders" in message
    assert "--set data.layout=part-folders if they are sick well" in message
    inner = found(tmp_path, layout="part-folders")["train"]
    assert [word.partition("=")[2] for word in inner.split()] == ["sick", "well", "sick", "well"]
    outer = found(tmp_path, layout="class-folders")["train"]
    assert [word.partition("=")[2] for word in outer.split()] == ["basel", "basel", "bern", "bern"]


def test_a_wrapping_folder_is_named(tmp_path, caplog):
    with caplog.at_level(logging.INFO, "ganzoo"):
        found(made(tmp_path, "a/b/cat/1.png a/b/dog/2.png"))
    assert f"all pictures are below {tmp_path / 'a/b'}" in caplog.text


@pytest.mark.parametrize(
    "names", ["cat/1.png dog/", "train/cat/1.png train/dog/ test/cat/1.png", "set/cat/1.png set/dog/"]
)
def test_an_empty_class_is_not_taken_for_a_wrapping_folder(tmp_path, names):
    assert "class folders without images" in refused(made(tmp_path, names))


def test_parts_are_named_and_can_be_classes(tmp_path, caplog):
    made(tmp_path, "00000/1.png 00001/2.png")
    assert found(tmp_path) == {"train": "00000/1.png= 00001/2.png="}
    assert "count as parts of the set, not as classes; --set data.classes=folders" in caplog.text
    assert found(tmp_path, classes="folders") == {"train": "00000/1.png=00000 00001/2.png=00001"}


def test_folders_of_patients_are_warned_of(tmp_path, caplog):
    made(tmp_path, " ".join(f"k{number}/{one}.png" for number in range(110) for one in range(5)))
    assert len(choose(recognize(Pictures(path=str(tmp_path))), "train").classes) == 110
    assert "each of the 110 folders k0 … k99, with 5 pictures at the median, counts as a class" in caplog.text
    caplog.clear()
    recognize(Pictures(path=str(tmp_path), classes="folders"))
    chosen = choose(recognize(Pictures(path=str(tmp_path), groups="folder")), "train")
    assert (caplog.text, chosen.classes, len(set(chosen.groups or ()))) == ("", (), 110)


def test_folders_with_numbers_are_likelier_patients(tmp_path, caplog):
    made(tmp_path, " ".join(f"TCGA_CS_{4000 + number}/{one}.png" for number in range(20) for one in range(36)))
    found(tmp_path)
    assert "if they are patients" in caplog.text


def test_few_folders_named_for_patients_are_warned_of(tmp_path, caplog):
    found(made(tmp_path, "patient_1/1.png patient_2/1.png patient_3/1.png"))
    assert "if they are patients" in caplog.text


def test_groups_below_classes(tmp_path):
    made(tmp_path, "sick/p1/left/1.png sick/p2/1.png well/p3/1.png")
    chosen = choose(recognize(Pictures(path=str(tmp_path), groups="folder")), "train")
    assert (chosen.classes, chosen.groups) == (("sick", "well"), ["p1", "p2", "p3"])
    flat = choose(recognize(Pictures(path=str(tmp_path), groups="folder", classes="none")), "train")
    assert (flat.classes, flat.groups) == ((), ["sick", "sick", "well"])


def test_a_patient_in_two_splits_is_refused(tmp_path):
    made(tmp_path, "train/p1/1.png train/p2/1.png test/p1/2.png test/p3/1.png")
    assert "p1: test, train" in refused(tmp_path, groups="folder")


def test_groups_need_folders(tmp_path):
    assert "is in no folder that could be its group" in refused(made(tmp_path, "1.png"), groups="folder")


@pytest.mark.parametrize(
    "names",
    [
        "train/a/1.png train/b/2.png test/a/3.png test/b/4.png logo.png",
        "train/1.png test/2.png x.png y.png",
        "cat/1.png dog/2.png logo.png",
        "train/cat/1.png train/dog/2.png train/logo.png",
        "train/a/1.png train/b/1.png test/a/2.png test/b/2.png other/a/5.png other/b/1.png logo.png",
    ],
)
def test_the_way_out_of_loose_pictures_works(tmp_path, names):
    """It named class-folders, which take no loose picture either."""
    message = refused(made(tmp_path, names))
    loose = [name for name in names.split() if "/" not in name] or ["logo.png"]
    assert f"--set data.exclude={','.join(loose)} to leave out" in message
    layout = {"layout": "class-folders"} if "data.layout=class-folders" in message else {}
    assert bool(layout) == ("other" in names)
    kept = found(tmp_path, exclude=loose, **layout)
    assert sum(len(shown.split()) for shown in kept.values()) == len(names.split()) - len(loose)


def test_many_loose_pictures_are_not_named(tmp_path):
    message = refused(made(tmp_path, "train/a/1.png test/a/3.png 1.png 2.png 3.png 4.png"))
    assert "or move the loose pictures away" in message


def test_without_classes_any_mixture_is_read(tmp_path):
    made(tmp_path, "1.png cat/2.png cat/old/3.png")
    assert "both images and sub-folders" in refused(tmp_path)
    assert found(tmp_path, classes="none") == {"train": "1.png= cat/2.png= cat/old/3.png="}


def test_a_hint_can_be_copied(tmp_path):
    message = refused(made(tmp_path, "train/1.png bus/2.png"))
    layout = shlex.split(message.partition("next:")[2])[1].partition("=")[2]
    assert found(tmp_path, layout=layout) == {"train": "train/1.png="}


@pytest.mark.parametrize(
    ("folders", "shards"),
    [
        ("part_1 part_2", True),
        ("x_part1 x_part2 x_part3", True),
        ("images_001 images_012", True),
        ("00000 00001", True),
        ("batch-1 batch-2", True),
        ("part_1", False),
        ("part_1 rest", False),
        ("a_part_1 b_part_1", False),
        ("001 002", False),
        ("0 1", False),
        ("class_1 class_2", False),
        ("grade1 grade2", False),
        ("spart1 depart2", False),
        ("001.albatross 002.auklet", False),
    ],
)
def test_what_is_a_part_of_a_set(folders, shards):
    assert are_shards(folders.split()) == shards


@pytest.mark.parametrize(
    ("folders", "meant"),
    [
        ("seg_train seg_test seg_pred", ["train", "test", None]),
        ("train_x test_x", ["train", "test"]),
        ("cat_1 cat_2", [None, None]),
        ("test1 train", ["test", "train"]),
        ("cat dog", [None, None]),
    ],
)
def test_what_folders_mean_together(folders, meant):
    assert list(meanings(folders.split()).values()) == meant
