"""Small imitations of published sets whose classes stand in a table: columns and folders are theirs."""

from __future__ import annotations

import json
import logging
import os
import unicodedata

import pytest
from ganzoo_datasets.pictures import Pictures
from picture_files import everything, open_folder, save
from PIL import Image

from ganzoo.errors import DataError


def gray(folder, *names):
    """One picture per name; the n-th has the gray level n + 1, so that a picture tells which it is."""
    for number, name in enumerate(names, 1):
        save(folder, name, Image.new("L", (32, 32), number), **({"format": "JPEG"} if ".jp" in name.lower() else {}))


def write(folder, name, *lines):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def load(path, *, split="train", **options):
    cache = (path.parent if path.is_dir() else path.parent.parent) / "cache"
    return Pictures(path=str(path), **options).open(image_size=None, channels=None, split=split, cache=cache)


def refused(path, **options):
    with pytest.raises(DataError) as caught:
        load(path, **options)
    return str(caught.value)


def read(dataset):
    """Gray level → class, group of each picture."""
    classes = dataset.spec.classes
    names = [classes[label] for label in dataset.labels.tolist()] if dataset.labels is not None else None
    return everything(dataset)[:, 0, 0, 0].tolist(), names, dataset.groups


@pytest.fixture
def place(tmp_path):
    path = tmp_path / "set"
    path.mkdir()
    return path


HAM = ["ISIC_0024306", "ISIC_0024307", "ISIC_0029306", "ISIC_0029307"]
HAM_HEADER = "lesion_id,image_id,dx,dx_type,age,sex,localization"
ROWS = {
    "HAM10000_metadata.csv": [
        HAM_HEADER,
        *(
            f"HAM_{lesion},{name},{dx},histo,80.0,male,scalp"
            for name, dx, lesion in zip(HAM, ["bkl", "nv", "bkl", "mel"], [1, 2, 1, 3], strict=True)
        ),
    ],
    "metadata.csv": [
        "patient_id,lesion_id,smoke,drink,age,diagnostic,itch,img_id,biopsed",
        *(
            f"PAT_{number},{number}0,,False,70,{dx},True,{name}.jpg,True"
            for number, (name, dx) in enumerate(zip(HAM, ["bkl", "nv", "bkl", "mel"], strict=True))
        ),
    ],
    "train-metadata.csv": [
        "isic_id,target,patient_id,age_approx,sex,lesion_id,iddx_full",
        *(
            f"{name},{target},IP_{number},60.0,male,,Benign"
            for number, (name, target) in enumerate(zip(HAM, "0010", strict=True))
        ),
    ],
    "ISIC_2020_Training_GroundTruth_v2.csv": [
        "image_name,patient_id,lesion_id,sex,age_approx,anatom_site_general_challenge,diagnosis,benign_malignant,target",
        *(
            f"{name},IP_{number},IL_{number},male,45.0,torso,{d},{b},{t}"
            for number, (name, d, b, t) in enumerate(
                zip(HAM, ["nevus", "unknown", "melanoma", "unknown"], ["benign"] * 4, "0010", strict=True)
            )
        ),
    ],
    "ISIC2018_Task3_Training_GroundTruth.csv": [
        "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC",
        *(
            f"{name},{ones}"
            for name, ones in zip(
                HAM, ["0.0,1.0,0.0,0.0,0.0,0.0,0.0"] * 2 + ["1.0,0.0,0.0,0.0,0.0,0.0,0.0"] * 2, strict=True
            )
        ),
    ],
    "ISIC_2019_Test_GroundTruth.csv": [
        "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK,score_weight,validation_weight",
        *(
            f"{name},{ones},1.0,0.0"
            for name, ones in zip(
                HAM,
                ["0.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0"] * 2 + ["0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0"] * 2,
                strict=True,
            )
        ),
    ],
    "train.csv": ["id_code,diagnosis", *(f"{name},{grade}" for name, grade in zip(HAM, "0240", strict=True))],
    "trainLabels.csv": ["image,level", *(f"{name},{grade}" for name, grade in zip(HAM, "0240", strict=True))],
    "labels.csv": ["id,breed", *(f"{name},{breed}" for name, breed in zip(HAM, "abab", strict=True))],
    "whales.csv": ["Image,Id", *(f"{name}.jpg,{whale}" for name, whale in zip(HAM, "abab", strict=True))],
    "Data_Entry_2017.csv": [
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age",
        *(
            f"{name}.jpg,{dx},{number},{number},58"
            for number, (name, dx) in enumerate(zip(HAM, ["Hernia", "No Finding"] * 2, strict=True))
        ),
    ],
}
EXPECTED = {
    "HAM10000_metadata.csv": (["bkl", "nv", "bkl", "mel"], ("HAM_1", "HAM_2", "HAM_1", "HAM_3")),
    "metadata.csv": (["bkl", "nv", "bkl", "mel"], ("PAT_0", "PAT_1", "PAT_2", "PAT_3")),
    "train-metadata.csv": (["0", "0", "1", "0"], ("IP_0", "IP_1", "IP_2", "IP_3")),
    "ISIC_2020_Training_GroundTruth_v2.csv": (["0", "0", "1", "0"], ("IP_0", "IP_1", "IP_2", "IP_3")),
    "ISIC2018_Task3_Training_GroundTruth.csv": (["NV", "NV", "MEL", "MEL"], None),
    "ISIC_2019_Test_GroundTruth.csv": (["NV", "NV", "UNK", "UNK"], None),
    "train.csv": (["0", "2", "4", "0"], None),
    "trainLabels.csv": (["0", "2", "4", "0"], None),
    "labels.csv": (["a", "b", "a", "b"], None),
    "whales.csv": (["a", "b", "a", "b"], None),
    "Data_Entry_2017.csv": (["Hernia", "No Finding"] * 2, ("0", "1", "2", "3")),
}
PARTS = [f"HAM10000_images_part_{1 + number // 2}/{name}.jpg" for number, name in enumerate(HAM)]


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("whole", [True, False], ids=["folder", "file"])
def test_published_tables_are_read_without_options(place, name, whole):
    gray(place, *PARTS)
    write(place, name, *ROWS[name])
    assert read(load(place if whole else place / name)) == ([1, 2, 3, 4], *EXPECTED[name])


def test_a_published_table_without_an_ending(place):
    gray(place, *PARTS)
    write(place, "HAM10000_metadata", *ROWS["HAM10000_metadata.csv"])
    for path in (place, place / "HAM10000_metadata"):
        assert read(load(path))[1] == ["bkl", "nv", "bkl", "mel"]


def test_target_is_the_class_and_others_are_named(place, caplog):
    gray(place, *PARTS)
    path = write(place, "t.csv", *ROWS["ISIC_2020_Training_GroundTruth_v2.csv"])
    with caplog.at_level(logging.INFO, "ganzoo"):
        load(path)
    assert "the classes are those of column target; others look like classes: diagnosis" in caplog.text
    assert read(load(path, label_column="diagnosis"))[1] == ["nevus", "unknown", "melanoma", "unknown"]


def test_rows_of_zeros_have_no_class_and_are_left_out(place, caplog):
    gray(place, *PARTS)
    path = write(
        place,
        "t.csv",
        "image,A,B",
        *(f"{name},{row}" for name, row in zip(HAM, ["1,0", "0,1", "0,0", "1,0"], strict=True)),
    )
    assert read(load(path))[:2] == ([1, 2, 4], ["A", "B", "A"])
    assert "1 of 4 lines have no class in columns A, B and are left out\n  line 4: ISIC_0029306" in caplog.text


def test_several_ones_are_refused_with_the_choice(place):
    gray(place, *PARTS)
    path = write(
        place,
        "t.csv",
        "image,A,B",
        *(f"{name},{row}" for name, row in zip(HAM, ["1,0", "0,1", "1,1", "1,0"], strict=True)),
    )
    message = refused(path)
    assert "1 of 4 lines have several classes in columns A, B\n  line 4: ISIC_0029306: A|B" in message
    assert read(load(path, several_labels="drop"))[:2] == ([1, 2, 4], ["A", "B", "A"])
    assert read(load(path, several_labels="join"))[:2] == ([1, 2, 3, 4], ["A", "B", "A|B", "A"])
    assert read(load(path, classes="none"))[:2] == ([1, 2, 3, 4], None)
    assert read(load(path, label_column="A"))[:2] == ([1, 2, 3, 4], ["1", "0", "1", "1"])


@pytest.mark.parametrize("cell", ["a|b", "a;b", "a,b", "b; a", "a b"])
def test_several_classes_in_a_cell_are_refused_with_the_choice(place, cell):
    gray(place, "1.png", "2.png", "3.png")
    path = write(place, "t.csv", "image,label", "1,a", "2,b", f'3,"{cell}"')
    message = refused(path)
    assert "line 4: 3: a|b" in message
    for way in ("several_labels=drop", "several_labels=join", "classes=none"):
        assert f"--set data.{way}" in message
    assert read(load(path, several_labels="drop"))[1] == ["a", "b"]
    assert read(load(path, several_labels="join"))[1] == ["a", "b", "a|b"]
    assert read(load(path, classes="none"))[1] is None


@pytest.mark.parametrize("missing", ["", "NaN", "nan"])
def test_rows_without_a_class_are_left_out_with_a_count(place, missing, caplog):
    gray(place, "1.png", "2.png", "3.png")
    path = write(place, "t.csv", "image,label", "1,a", f"2,{missing}", "3,b")
    data = load(path)
    assert read(data)[:2] == ([1, 3], ["a", "b"])
    assert "1 of 3 lines have no class in column 'label' and are left out\n  line 3: 2" in caplog.text
    assert data.survey.left_out == {"2.png": "no class in column 'label'"}


def test_flags_beside_other_columns_are_no_classes(place, caplog):
    gray(place, *PARTS)
    rows = zip(HAM, ["1,1", "0,1", "0,0", "1,0"], (50, 60, 70, 80), strict=True)
    path = write(place, "t.csv", "image,smoker,drinker,age", *(f"{name},{flags},{age}" for name, flags, age in rows))
    assert load(path).labels is None
    assert "smoker looks like classes" in caplog.text


def test_ages_and_measures_are_no_classes(place):
    gray(place, "1.png", "2.png", "3.png")
    assert load(write(place, "t.csv", "image,target", "1,0.5", "2,1.25", "3,0.5")).labels is None


def test_a_diagnosis_that_is_ignored_is_named(place, caplog):
    gray(place, *PARTS)
    path = write(
        place,
        "t.csv",
        "image,age,diagnosis",
        *(f"{name},5{n},{d}" for n, (name, d) in enumerate(zip(HAM, "xyxy", strict=True))),
    )
    assert load(path).labels is None
    assert "diagnosis looks like classes: --set data.label_column=diagnosis" in caplog.text
    caplog.clear()
    assert load(path, label_column="diagnosis").spec.classes == ("x", "y")
    assert "looks like classes" not in caplog.text


@pytest.mark.parametrize(
    ("header", "group"),
    [
        ("lesion_id,patient_id", "P1"),
        ("patient,lesion_id", "L1"),
        ("lesion,note", "L1"),
        ("Patient ID,note", "L1"),
        ("writer,note", "L1"),
        ("case_id,lesion_id", "L1"),
        ("Subject,lesion_id", "L1"),
    ],
)
def test_patients_come_before_lesions(place, header, group):
    gray(place, "1.png", "2.png")
    path = write(place, "t.csv", f"image,{header}", "1,L1,P1", "2,L2,P2")
    assert load(path).groups[0] == group


def test_a_lesion_in_train_and_test_is_refused_by_name(place):
    gray(place, "1.png", "2.png")
    path = write(place, "t.csv", "image,dx,lesion_id,split", "1,a,L1,train", "2,a,L1,test")
    assert "1 group is in several splits\n  L1: test, train" in refused(path)


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [("Training", "Valid", "Testing"), ("TRAIN", "validation", "TEST"), ("train", "dev", "test_set")],
)
def test_splits_in_all_spellings(place, train, val, test):
    gray(place, "1.png", "2.png", "3.png")
    path = write(place, "t.csv", "image,Split", f"1,{train}", f"2,{val}", f"3,{test}")
    assert [read(load(path, split=split))[0] for split in ("train", "val", "test")] == [[1], [2], [3]]


def test_a_column_set_counts_only_if_it_holds_splits(place):
    gray(place, "1.png", "2.png")
    assert read(load(write(place, "t.csv", "image,set", "1,train", "2,test")))[0] == [1]
    assert read(load(write(place, "t.csv", "image,set", "1,A", "2,B")))[0] == [1, 2]
    assert "line 3: uncertain" in refused(write(place, "t.csv", "image,subset", "1,train", "2,uncertain"))


# Which file is meant.


def test_names_in_several_folders_are_refused(place):
    gray(place, "part_1/a.jpg", "part_2/a.jpg")
    path = write(place, "t.csv", "image", "a")
    assert "line 2: a: part_1/a.jpg, part_2/a.jpg" in refused(path)
    assert read(load(path, root=str(place / "part_2")))[0] == [2]
    assert read(load(write(place, "t.csv", "image", "part_2/a")))[0] == [2]


@pytest.mark.parametrize("listed", ["a", "a.jpg", "a.JPG", "images/a", "images\\a.jpg", "./images/a.Jpg"])
@pytest.mark.parametrize("there", ["images/a.jpg", "data/images/a.JPG"])
def test_endings_and_folders_may_differ(place, listed, there):
    gray(place, there)
    assert read(load(write(place, "t.csv", "image", listed)))[0] == [1]


def test_folders_of_another_computer_are_left_away(place):
    gray(place, "train/p1/view1.jpg", "train/p2/view1.jpg", "valid/p3/view1.jpg")
    lines = [f"CheXpert-v1.0-small/{name}" for name in ("train/p1/view1.jpg", "train/p2/view1.jpg")]
    for before in ("", "/home/me/", "C:\\data\\"):
        path = write(place, "t.csv", "Path,Sex", *(f"{before}{line},Male" for line in lines))
        assert read(load(path))[0] == [1, 2]


def test_a_folder_that_differs_is_not_left_away(place):
    gray(place, "train/1.png", "train/2.png")
    message = refused(write(place, "t.csv", "image", "train/1.png", "test/2.png"))
    assert "1 of 2 images are missing\n  line 3: test/2.png" in message
    assert "2 of 2 images are missing" in refused(write(place, "t.csv", "image", "test/1.png", "test/2.png"))


@pytest.mark.parametrize("there", ["NFC", "NFD"])
@pytest.mark.parametrize("listed", ["NFC", "NFD"])
def test_composed_and_decomposed_letters_are_equal(place, there, listed):
    gray(place, unicodedata.normalize(there, "Café/Müller.png"))
    for name in ("Café/Müller.png", "Café/Müller", "Müller.png"):
        path = write(place, "t.csv", "image", unicodedata.normalize(listed, name))
        assert read(load(path))[0] == [1]
        assert read(load(place))[0] == [1]


def test_pictures_in_folders_named_for_splits_have_these_splits(place):
    gray(place, "train_images/1.png", "train_images/2.png", "test_images/3.png")
    path = write(place, "t.csv", "image,label", "1,a", "2,b", "3,a")
    for chosen in (path, place):
        assert read(load(chosen))[0] == [1, 2]
        assert read(load(chosen, split="test"))[0] == [3]


def test_a_column_of_another_name_is_known_by_its_cells(place):
    gray(place, "1.png", "2.png")
    assert read(load(write(place, "t.csv", "photo,label", "1.png,a", "2.png,b")))[:2] == ([1, 2], ["a", "b"])


def test_copies_in_a_folder_of_another_case_are_one_picture(place):
    """Kaggle's archive of HAM10000 holds every picture twice."""
    gray(place, *PARTS)
    for name in PARTS:
        copy = place / name.lower().replace("isic", "ISIC")
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes((place / name).read_bytes())
    write(place, "HAM10000_metadata.csv", *ROWS["HAM10000_metadata.csv"])
    assert read(load(place))[1] == ["bkl", "nv", "bkl", "mel"]
    copy.write_bytes(copy.read_bytes() + b"another")
    assert "some names match several files\n  line 5: ISIC_0029307" in refused(place)


def test_a_table_without_a_header_is_refused(place):
    gray(place, "1.png", "2.png")
    assert "has no header: line 1 lists a picture\n  given:   1.png" in refused(write(place, "t.csv", "1.png", "2.png"))


def test_two_columns_of_pictures_ask_for_one(place, caplog):
    """derm7pt has a clinical and a dermoscopic picture per case."""
    gray(place, "NEL/1.png", "NEL/2.png")
    path = write(place, "meta.csv", "case_num,diagnosis,clinic,derm", "1,x,NEL/1.png,NEL/2.png")
    assert "has several columns with the names of pictures" in refused(path)
    assert "one of clinic, derm" in refused(path)
    load(place)
    assert "choose one of clinic, derm: --set data.image_column=clinic" in caplog.text
    assert read(load(place, layout="table", image_column="derm"))[0] == [2]


# Which table of a folder.


def test_pictures_that_are_not_listed_are_counted(place, caplog):
    gray(place, *(f"images/{number}.png" for number in range(5)))
    path = write(place, "t.csv", "image,label", "0,a", "1,b", "2,a")
    with caplog.at_level(logging.INFO, "ganzoo"):
        data = load(path)
    assert "2 of 5 pictures are not listed in t.csv" in caplog.text
    assert data.survey.left_out == dict.fromkeys(["images/3.png", "images/4.png"], "not listed in t.csv")
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert not any("listed" in text for text in warned)
    for chosen in (write(place, "t.csv", "image,label", "0,a", "1,b"), place):
        caplog.clear()
        load(chosen)
        assert "3 of 5 pictures are not listed in t.csv" in caplog.text


@pytest.mark.parametrize(
    "lines",
    [
        ["setting,value", "lr,0.1"],
        ["image,label,score", "cat/1.png,dog,0.9", "dog/2.png,dog,0.8"],
        ["file,prediction", "1.png,dog", "2.png,dog"],
        ["", ""],
    ],
)
def test_a_stray_table_does_not_replace_class_folders(place, lines, caplog):
    gray(place, "cat/1.png", "dog/2.png")
    write(place, "predictions.csv", *lines)
    assert read(load(place))[1] == ["cat", "dog"]
    assert load(place).survey.layout == "folders"
    assert ("predictions.csv is not read (--set data.layout=table reads it instead)" in caplog.text) == (
        "png" in lines[1]
    )


def test_layout_chooses_the_table(place):
    gray(place, "cat/1.png", "dog/2.png")
    write(place, "t.csv", "image,label", "1,x", "2,y")
    assert read(load(place, layout="table"))[1] == ["x", "y"]
    assert read(load(place, layout="folders"))[1] == ["cat", "dog"]
    (place / "t.csv").unlink()
    assert "no table that lists its pictures" in refused(place, layout="table")


def test_a_table_that_says_nothing_of_some_pictures_is_not_read(place):
    gray(place, "1.png", "2.png", "3.png")
    write(place, "sizes.csv", "file,width", "1.png,32")
    assert read(load(place))[0] == [1, 2, 3]


def test_several_tables_that_say_nothing_known_are_named(place, caplog):
    """CelebA has four tables of 1 and -1, boxes, places and numbers of splits."""
    gray(place, "img_align_celeba/1.jpg", "img_align_celeba/2.jpg")
    write(place, "list_attr_celeba.csv", "image_id,Smiling,Male", "1.jpg,-1,1", "2.jpg,1,1")
    write(place, "list_bbox_celeba.csv", "image_id,x_1", "1.jpg,95", "2.jpg,72")
    assert read(load(place))[:2] == ([1, 2], None)
    assert "list_attr_celeba.csv, list_bbox_celeba.csv without known columns" in caplog.text


def test_predictions_beside_a_table_are_not_read(place):
    gray(place, *PARTS)
    write(place, "HAM10000_metadata.csv", *ROWS["HAM10000_metadata.csv"])
    write(place, "predictions.csv", "image,label", *(f"{name},nv" for name in HAM))
    write(place, "hmnist_8_8_L.csv", "pixel0000,pixel0001,label", "1,2,3")
    write(place, "ISIC_2019_Training_Metadata.csv", "image,age_approx", *(f"{name},5" for name in HAM))
    assert read(load(place))[1] == ["bkl", "nv", "bkl", "mel"]


def test_several_tables_are_refused_by_name(place):
    gray(place, *PARTS)
    for name in ("a.csv", "b.csv"):
        write(place, name, "image,label", *(f"{one},x" for one in HAM))
    message = refused(place)
    assert "several tables that list pictures\n  a.csv: image, label\n  b.csv: image, label" in message
    assert read(load(place / "a.csv"))[0] == [1, 2, 3, 4]


def test_a_table_per_split(place):
    names = [
        f"{part}/view1.jpg" for part in ("train/patient1/study1", "train/patient2/study1", "valid/patient3/study1")
    ]
    gray(place, *names)
    write(place, "train.csv", "Path,label", f"CheXpert/{names[0]},a", f"CheXpert/{names[1]},b")
    write(place, "valid.csv", "Path,label", f"CheXpert/{names[2]},a")
    assert read(load(place))[:2] == ([1, 2], ["a", "b"])
    assert read(load(place, split="val"))[:2] == ([3], ["a"])
    write(place, "valid.csv", "Path,label", f"CheXpert/{names[0]},a")
    assert f"{names[0]}: {place}/train.csv and {place}/valid.csv" in refused(place)


def test_tables_far_from_their_pictures_and_equal_names_in_train_and_test(place):
    """IDRiD has a folder of pictures and one of tables, and counts train and test from 1."""
    folders = ["1. Original Images/a. Training Set", "1. Original Images/b. Testing Set"]
    gray(place, *(f"{folder}/IDRiD_{n}.jpg" for folder in folders for n in (1, 2)))
    for part in ("a. IDRiD_Disease Grading_Training Labels", "b. IDRiD_Disease Grading_Testing Labels"):
        write(place, f"2. Groundtruths/{part}.csv", "Image name,Retinopathy grade,,,", "IDRiD_1,3,,,", "IDRiD_2,0,,,")
    assert read(load(place, label_column="Retinopathy grade"))[:2] == ([1, 2], ["3", "0"])
    assert read(load(place, label_column="Retinopathy grade", split="test"))[:2] == ([3, 4], ["3", "0"])


def test_a_table_that_names_other_pictures_is_named(place, caplog):
    gray(place, "1_green.png", "2_green.png")
    write(place, "train.csv", "Id,Target", "1,a", "2,b")
    assert load(place).labels is None
    assert "train.csv names no picture of this folder in column Id: not read" in caplog.text


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_table_in_another_encoding_is_named(place, caplog, encoding):
    gray(place, "1.png", "2.png")
    (place / "t.csv").write_text("image,label\n1,naïve\n2,é\n", encoding=encoding)
    assert load(place).labels is None
    assert f"{place}/t.csv is not UTF-8 text; it is not read" in caplog.text
    assert "not UTF-8" in refused(place / "t.csv")


def test_a_pipe_with_the_name_of_a_table_does_not_block(place, caplog):
    gray(place, "1.png", "2.png")
    os.mkfifo(place / "t.csv")
    assert len(load(place)) == 2
    assert "t.csv cannot be read and is not used: not a regular file" in caplog.text
    assert "cannot read" in refused(place / "t.csv")


def test_numbers_of_pictures_are_no_classes(place):
    gray(place, "1.png", "2.png")
    assert load(write(place, "t.csv", "image,id", "1,7", "2,8")).labels is None


def test_columns_that_are_asked_for_choose_the_table(place):
    gray(place, "cat/1.png", "dog/2.png")
    write(place, "a.csv", "image,breed", "1,x", "2,y")
    write(place, "b.csv", "image,label", "1,v", "2,w")
    assert read(load(place, label_column="breed"))[1] == ["x", "y"]
    message = refused(place, label_column="species")
    assert "no table that lists its pictures in columns species\n  given:   a.csv, b.csv" in message


# Hugging Face and StyleGAN.


def json_lines(*objects):
    return [json.dumps(one) for one in objects]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_hugging_face_metadata(place, kind):
    gray(place, "train/0001.png", "train/more/0002.png", "test/0001.png")
    for split, names in (("train", ["0001.png", "more/0002.png"]), ("test", ["0001.png"])):
        pairs = list(zip(names, "ab", strict=False))
        if kind == "csv":
            lines = ["file_name,label,text", *(f'{name},{label},"a, b"' for name, label in pairs)]
        else:
            lines = json_lines(*({"file_name": name, "label": label, "box": [1, 2]} for name, label in pairs))
        write(place, f"{split}/metadata.{kind}", *lines)
    data = load(place)
    assert (read(data)[:2], data.survey.layout) == (([1, 2], ["a", "b"]), "metadata")
    assert read(load(place, split="test"))[:2] == ([3], ["a"])


def test_hugging_face_metadata_at_the_top(place):
    gray(place, "train/1.png", "train/2.png", "test/1.png")
    objects = [{"file_name": "train/1.png", "label": 1}, {"file_name": "train/2.png", "label": 0}]
    write(place, "metadata.jsonl", *json_lines(*objects, {"file_name": "test/1.png", "label": 1}))
    assert read(load(place))[:2] == ([1, 2], ["1", "0"])
    assert read(load(place, split="test"))[:2] == ([3], ["1"])
    assert "broken.jsonl" in refused(write(place, "broken.jsonl", '{"file_name": "train/1.png"}', "{"))
    assert "line 2 is not a JSON object" in refused(place / "broken.jsonl")


def test_captions_do_not_replace_class_folders(place, caplog):
    gray(place, "cat/1.png", "dog/2.png")
    write(place, "metadata.csv", "file_name,text", "cat/1.png,a cat", "dog/2.png,a dog")
    assert read(load(place))[1] == ["cat", "dog"]
    assert "--set data.layout=metadata reads it instead" in caplog.text
    assert load(place, layout="metadata").labels is None


NAMES = ["00000/img00000000.png", "00000/img00000001.png", "00001/img00001000.png"]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([[name, label] for name, label in zip(NAMES, (6, 10, 6), strict=True)], ["6", "10", "6"]),
        ([[name, label] for name, label in zip(NAMES, ([0, 1], [1.0, 0.0], [0, 1]), strict=True)], ["1", "0", "1"]),
        (None, None),
    ],
)
def test_stylegan_labels(place, labels, expected):
    gray(place, *NAMES)
    write(place, "dataset.json", json.dumps({"labels": labels}))
    data = load(place)
    assert (read(data)[:2], data.survey.layout) == (([1, 2, 3], expected), "stylegan")


def test_stylegan_pictures_without_a_label_are_left_out(place, caplog):
    gray(place, *NAMES)
    write(place, "dataset.json", json.dumps({"labels": [[NAMES[0], 0], [NAMES[2], 1]]}))
    assert read(load(place))[:2] == ([1, 3], ["0", "1"])
    assert f"1 of 3 pictures have no label in dataset.json and are left out\n  {NAMES[1]}" in caplog.text


def test_stylegan_faults_are_refused(place):
    gray(place, *NAMES)
    write(place, "dataset.json", json.dumps({"labels": [[name, [0.1, 0.7]] for name in NAMES]}))
    message = refused(place)
    assert f"3 labels of another kind\n  {NAMES[0]}: [0.1, 0.7]" in message
    assert len(load(place, layout="folders", classes="none")) == 3
    write(place, "dataset.json", json.dumps({"labels": [[NAMES[0], 0], ["00000/gone.png", 1]]}))
    assert "1 of 2 pictures are missing\n  00000/gone.png" in refused(place)
    write(place, "dataset.json", json.dumps({"labels": [[NAMES[0], 0]] * 2}))
    assert "listed twice" in refused(place)


def test_another_dataset_json_is_not_stylegans(place):
    gray(place, "cat/1.png", "dog/2.png")
    for content in ('{"title": "mine"}', "[1, 2]", "{"):
        write(place, "dataset.json", content)
        assert read(load(place))[1] == ["cat", "dog"]


def test_names_that_go_up_and_back_are_counted_once(tmp_path):
    for name in ("a", "b", "c"):
        save(tmp_path / "set", f"{name}.png")
    # The second name has no ending, so the whole folder is looked through.
    (tmp_path / "set" / "table.csv").write_text("image,label\n../set/a.png,x\nb,y\n")
    data = open_folder(tmp_path / "set" / "table.csv", cache=tmp_path / "cache")
    assert list(data.survey.left_out) == ["c.png"]


@pytest.mark.parametrize(
    ("content", "names", "said"),
    [
        (b"file_name,label\na/0.png,\xe9\n", ["0.png", "1.png"], "is not UTF-8 text"),
        (b"file_name,text\na/0.png,one\nb/0.png,two\n", ["a/0.png", "b/0.png"], "the classes are the folders a, b"),
    ],
)
def test_what_metadata_lack_is_said_once(tmp_path, caplog, content, names, said):
    folder = tmp_path / "set"
    gray(folder, *names)
    (folder / "metadata.csv").write_bytes(content)
    open_folder(folder)
    warnings = [one.getMessage() for one in caplog.records if "metadata.csv" in one.getMessage()]
    assert [said in warning for warning in warnings] == [True]


def test_the_columns_that_are_read_are_named(tmp_path, caplog):
    folder = tmp_path / "set"
    gray(folder, "a.png", "b.png")
    path = write(folder, "table.csv", "image_id,dx,age,lesion_id", "a,x,30,1", "b,y,40,2")
    caplog.set_level(logging.INFO)
    open_folder(folder)
    said = f"{path}: pictures from column image_id, classes from dx, groups from lesion_id; no splits"
    assert [one.getMessage() for one in caplog.records].count(said) == 1
    caplog.clear()
    open_folder(folder, classes="none", groups="none")
    assert f"{path}: pictures from column image_id; no classes, no groups, no splits" in caplog.text
