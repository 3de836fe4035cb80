"""Which words mean train, validation and test, and which do not."""

from __future__ import annotations

import pytest
from ganzoo_datasets.files.splits import SYNONYMS, domain_of, split_of
from picture_files import open_folder, save

SPELLINGS = {
    "train": "train TRAIN Training training_set Train-Set trainset train_data TrainingData train2017 images_train trn",
    "val": "val valid Validation VALID dev development eval evaluation val_set validation_set val2017 valset",
    "test": "test Test testing TESTING test_set testset tst test-data holdout hold_out held-out Test_Images test2015",
}
OTHER = "cat tests trained contrail latest validity evaluated devil set images data 2017 A train_cat test1 _ attest"


@pytest.mark.parametrize(
    ("word", "split"), [(word, split) for split, words in SPELLINGS.items() for word in words.split()]
)
def test_usual_spellings_mean_a_split(word, split):
    assert split_of(word) == split_of(f" {word.upper()} ") == split


def test_every_synonym_means_its_split():
    assert {split_of(word): None for words in SYNONYMS.values() for word in words} == dict.fromkeys(SYNONYMS)


def test_words_with_spaces_and_wide_letters():
    assert split_of("Training data") == split_of("ｔｒａｉｎ") == "train"


@pytest.mark.parametrize("word", [*OTHER.split(), ""])
def test_other_words_mean_none(word):
    assert split_of(word) is None


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("trainA", ("train", "A")),
        ("testB", ("test", "B")),
        ("train_b", ("train", "B")),
        ("val-A", ("val", "A")),
        ("TrainA", ("train", "A")),
        ("train", None),
        ("traina", None),
        ("A", None),
        ("catA", None),
        ("trainC", None),
    ],
)
def test_domains_of_image_to_image_sets(word, meant):
    assert domain_of(word) == meant


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        # DRIVE, all of its pictures in one folder.
        (["21_training.png", "22_training.png", "01_test.png", "02_test.png"], "'*_test.*'"),
        (["train001.png", "train002.png", "test001.png"], "'test*'"),
        (["cat/train_1.png", "cat/val_1.png", "dog/train_1.png", "dog/test_2.png"], "'test_*,val_*'"),
    ],
)
def test_splits_in_the_names_of_files_are_warned_of(tmp_path, caplog, names, pattern):
    folder = tmp_path / "pictures"
    for name in names:
        save(folder, name)
    assert len(open_folder(folder)) == len(names)
    assert "named for another split than train, and are read as train all the same" in caplog.text
    assert f"--set data.exclude={pattern}, or" in caplog.text
    caplog.clear()
    assert len(open_folder(folder, layout="folders")) == len(names)
    assert "another split" not in caplog.text
    kept = open_folder(folder, exclude=pattern.strip("'"))
    assert len(kept) == sum("train" in name for name in names)
    assert "another split" not in caplog.text


@pytest.mark.parametrize(
    "names",
    [
        ["bullet_train.png", "steam_train.png", "house.png"],
        ["train_station.png", "test_tube.png", "a.png", "b.png", "c.png"],
        ["test_1.png", "test_2.png"],
        ["train/train_1.png", "test/test_1.png"],
    ],
)
def test_other_names_are_not(tmp_path, caplog, names):
    for name in names:
        save(tmp_path / "pictures", name)
    open_folder(tmp_path / "pictures")
    assert "another split" not in caplog.text
