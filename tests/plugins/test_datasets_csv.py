"""Tables of pictures: which files, classes, groups and splits, and errors that name lines."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from ganzoo_datasets.pictures import Pictures
from picture_files import everything, noise, open_folder, save
from PIL import Image

from ganzoo.errors import ConfigError, DataError

SHADES = {"a": 10, "b": 20, "c": 30, "d": 40}


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "set"
    path.mkdir()
    for name, value in SHADES.items():
        save(path, f"images/{name}.png", Image.new("L", (32, 32), value))
    return path


def load(folder, text, *, split="train", image_size=None, channels=None, encoding="utf-8", **options):
    (folder / "table.csv").write_bytes(text.encode(encoding))
    return Pictures(path=str(folder / "table.csv"), **options).open(
        image_size=image_size, channels=channels, split=split, cache=folder.parent / "cache"
    )


def table(*lines):
    return "\n".join(lines) + "\n"


def refused(folder, text, **options):
    with pytest.raises(DataError) as caught:
        load(folder, text, **options)
    return str(caught.value)


def shades(dataset):
    return everything(dataset)[:, 0, 0, 0].tolist()


WHOLE = table(
    "image,label,group",
    "images/b.png,nevus,P2",
    "images/a.png,melanoma,P1",
    "images/d.png,nevus,P1",
    "images/c.png,nevus,P3",
)


def test_order_classes_and_groups_are_those_of_the_table(folder):
    data = load(folder, WHOLE)
    assert shades(data) == [20, 10, 40, 30]
    assert data.spec.classes == ("melanoma", "nevus")
    assert data.labels.tolist() == [1, 0, 1, 1]
    assert data.spec.marginal == (0.25, 0.75)
    assert data.groups == ("P2", "P1", "P1", "P3")
    assert data.modes is None


@pytest.mark.parametrize("column", ["patient", "patient_id", "group"])
def test_patients_are_groups(folder, column):
    data = load(folder, WHOLE.replace("group", column))
    assert data.groups == ("P2", "P1", "P1", "P3")


def test_only_images_are_needed(folder):
    data = load(folder, table("image", "images/a.png", "images/b.png"))
    assert (data.labels, data.groups, data.spec.classes) == (None, None, ())


def test_empty_columns_and_a_single_class_are_none(folder):
    data = load(folder, table("image,label,group", "images/a.png,,", "images/b.png,,"))
    assert (data.labels, data.groups) == (None, None)
    assert load(folder, table("image,label", "images/a.png,x", "images/b.png,x")).labels is None


def test_columns_of_other_names_and_another_root(folder):
    text = table("age,isic_id,diagnosis,lesion", "50,a.png,x,L1", "60,b.png,y,L1")
    data = load(
        folder,
        text,
        root=str(folder / "images"),
        image_column="isic_id",
        label_column="diagnosis",
        group_column="lesion",
    )
    assert (shades(data), data.labels.tolist(), data.groups) == ([10, 20], [0, 1], ("L1", "L1"))


def test_names_without_an_ending(folder):
    save(folder, "images/ISIC_0.1.JPG", Image.new("L", (32, 32), 50), format="JPEG")
    data = load(folder, table("image", "a", "ISIC_0.1", "b.png"), root=str(folder / "images"))
    assert shades(data) == [10, 50, 20]
    assert shades(load(folder, table("image", "images/c", "images\\d.png", str(folder / "images/a")))) == [30, 40, 10]


def test_a_name_that_several_files_fit_is_refused(folder):
    save(folder, "images/a.jpg")
    (folder / "images" / "a.txt").touch()
    message = refused(folder, table("image", "images/b", "images/a"))
    assert "line 3: images/a: images/a.jpg, images/a.png" in message
    assert shades(load(folder, table("image", "images/a.png"))) == [10]


def test_numbers_are_ordered_by_value(folder):
    rows = zip("abcd", (10, 9, 2, 100), strict=True)
    data = load(folder, table("image,label", *(f"images/{name}.png,{label}" for name, label in rows)))
    assert data.spec.classes == ("2", "9", "10", "100")
    assert data.labels.tolist() == [2, 1, 0, 3]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize(("separator", "end"), [(",", "\n"), (";", "\r\n"), ("\t", "\r")])
def test_the_ways_of_spreadsheets(folder, encoding, separator, end):
    text = end.join(["image,label", "", ' images/a.png , "x" '.strip(), "images/b.png,é", ",", ""])
    data = load(folder, text.replace(",", separator), encoding=encoding)
    assert (shades(data), data.spec.classes) == ([10, 20], ('"x"', "é"))


def test_quoted_cells(folder):
    save(folder, 'images/one, "two".png', Image.new("L", (32, 32), 60))
    data = load(folder, table("image,label", '"images/one, ""two"".png","x, y"', "images/a.png,z"))
    assert (shades(data), data.spec.classes) == ([60, 10], ("x, y", "z"))


def test_a_class_of_several_lines_is_refused(folder):
    """In a log its second line would stand as if ganzoo had said it."""
    told = refused(folder, table("image,label", 'images/a.png,"x\nerror: all is lost"', "images/b.png,y"))
    assert "has a class whose name has a line break" in told
    assert not any(line.startswith("error: all") for line in told.splitlines())


def test_a_quotation_mark_without_a_partner_is_not_blamed_on_the_encoding(folder):
    told = refused(folder, table("image,label", '"images/a.png,x', "images/b.png,y"))
    assert 'look for a quotation mark (") without a partner' in told


SPLIT = table(
    "image,label,split,group",
    "images/a.png,x,train,1",
    "images/b.png,y,train,2",
    "images/c.png,y,test,3",
    "images/d.png,x,val,4",
)


def test_splits(folder):
    assert shades(load(folder, SPLIT)) == [10, 20]
    test = load(folder, SPLIT, split="test")
    assert (shades(test), test.spec.classes, test.labels.tolist(), test.groups) == ([30], ("x", "y"), [1], ("3",))
    assert shades(load(folder, SPLIT, split="val")) == [40]
    assert shades(load(folder, SPLIT, split="all")) == [10, 20, 30, 40]
    assert shades(load(folder, SPLIT.replace("split", "fold"), split_column="fold", split="val")) == [40]
    assert "allowed: train, all" in refused(folder, WHOLE, split="test")
    assert "or put pictures into test" in refused(folder, WHOLE, split="test")
    assert "next:    --set data.split=train" in refused(folder, WHOLE, split="nonsense").splitlines()[-1]


def test_splits_are_checked(folder):
    assert "line 4: exam" in refused(folder, SPLIT.replace("test", "exam"))
    assert "line 4: images/c.png" in refused(folder, SPLIT.replace("test", ""))
    message = refused(folder, SPLIT.replace("c.png,y", "c.png,z"), split="test")
    assert "do not occur in train" in message
    assert "line 4: images/c.png: z" in message


def test_a_patient_in_two_splits_is_refused(folder, caplog):
    with caplog.at_level(logging.WARNING, "ganzoo"):
        load(folder, SPLIT)
    assert "split" not in caplog.text
    torn = SPLIT.replace("test,3", "test,1")
    message = refused(folder, torn)
    assert "1 group is in several splits\n  1: test, train" in message
    assert "--set data.groups=none" in message
    assert load(folder, torn, groups="none").groups is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (table("image,label", "images/a.png,x", "images/e.png,y", "images/f,y"), "line 3: images/e.png\n  line 4: "),
        (table("image,group", "images/a.png,x", "images/b.png,"), "in column 'group'\n  line 3"),
        (table("image,label", "images/a.png,x", ",y"), "in column 'image'\n  line 3"),
        (
            table("image", "images/a.png", "images/b.png", "images/../images/a"),
            "line 4: images/../images/a, as in line 2",
        ),
        (table("image,label", "images/a.png,x,y", "images/b.png"), "line 2: 3\n  line 3: 1"),
        (
            table("which,label", "images/a,x"),
            "no column with the names of pictures\n  given:   line 1: which, label",
        ),
        (table("image,label,label", "images/a.png,x,y"), "several columns named 'label'"),
        (table("image,label"), "lists no pictures"),
        ("", "lists no pictures"),
        (table("image,label", '"images/a.png,x'), "cannot read"),
        (table("image", "images"), "line 2: images"),
        (table("image", "a\0b"), "not UTF-8"),
    ],
)
def test_errors_name_lines(folder, text, words):
    assert words in refused(folder, text)


def test_unknown_columns_are_refused_only_if_they_were_asked_for(folder):
    assert load(folder, table("image", "images/a.png")).labels is None
    for option in ("label_column", "group_column", "split_column"):
        message = refused(folder, table("image", "images/a.png"), **{option: "label"})
        assert f"--set data.{option}=NAME" in message


def test_many_missing_files_are_counted_and_twenty_named(folder):
    message = refused(folder, table("image", "images/a.png", *(f"x{number}.png" for number in range(30))))
    assert "30 of 31 images are missing" in message
    assert "line 22: x19.png" in message
    assert "and 10 more" in message
    assert "--set data.root=FOLDER, or leave them out" in message
    assert "leave them out" not in refused(folder, table("image", "x.png"))


def test_what_cannot_be_read_can_be_left_out(folder, caplog):
    (folder / "images" / "b.png").write_bytes(b"broken")
    text = table("image,label,group", "images/b.png,x,1", "images/a.png,y,2", "gone.png,x,3", "images/c.png,x,4")
    assert "line 4: gone.png" in refused(folder, text)
    without = text.replace("gone.png", "images/d.png")
    assert "line 2: images/b.png: not a picture" in refused(folder, without)
    with caplog.at_level(logging.WARNING, "ganzoo"):
        data = load(folder, text, on_error="skip")
    assert (shades(data), data.labels.tolist(), data.groups) == ([10, 30], [1, 0], ("2", "4"))
    assert "2 of 4 images cannot be read and are left out\n  line 2: images/b.png" in caplog.text
    assert "no image is left of class y" in refused(folder, text.replace("images/a.png", "e.png"), on_error="skip")
    assert "2 of 2 images are missing" in refused(folder, table("image", "e.png", "f.png"), on_error="skip")


def test_a_file_that_appears_is_found_by_the_next_run(folder):
    text = table("image", "images/a", "images/new")
    assert "line 3" in refused(folder, text)
    save(folder, "images/new.png", Image.new("L", (32, 32), 70))
    assert shades(load(folder, text)) == [10, 70]


def test_pixels_are_those_of_the_folder_dataset(folder):
    for number, size in enumerate([(50, 40), (64, 33)]):
        save(folder, f"photos/{number}.png", noise(*size, seed=number))
    data = load(folder, table("image", "photos/0.png", "photos/1.png"))
    reference = open_folder(folder / "photos")
    assert np.array_equal(everything(data), everything(reference))
    assert data.fingerprint == reference.fingerprint
    for options in ({"image_size": 16}, {"channels": 1}):
        again = load(folder, table("image", "photos/0.png", "photos/1.png"), **options)
        assert np.array_equal(everything(again), everything(open_folder(folder / "photos", **options)))


def test_fingerprint_tells_labels_and_groups_apart(folder):
    variants = [
        WHOLE,
        WHOLE.replace("P3", "P1"),
        WHOLE.replace("a.png,melanoma", "a.png,mole"),
        WHOLE.replace(",P", ","),
    ]
    swapped = WHOLE.replace("a.png,melanoma", "a.png,nevus").replace("c.png,nevus", "c.png,melanoma")
    assert len({load(folder, text).fingerprint for text in (*variants, swapped)}) == 5
    assert load(folder, WHOLE).fingerprint == load(folder, WHOLE).fingerprint


def test_refusals(folder):
    with pytest.raises(ConfigError, match="cannot be read with this size"):
        load(folder, WHOLE, channels=2)
    with pytest.raises(DataError, match=r"missing\.csv"):
        Pictures(path=str(folder / "missing.csv")).open(image_size=None, channels=None, split="train", cache=folder)
    with pytest.raises(DataError, match="UTF-8"):
        load(folder, table("image,label", "images/a.png,naïve"), encoding="latin-1")
    with pytest.raises(DataError, match="UTF-8"):
        load(folder, WHOLE, encoding="utf-16")


def test_lines_of_spaces_are_no_lines(folder):
    lines = ["image,group", "images/a.png,p", "images/b.png,q"]
    plain, spaced = load(folder, table(*lines)), load(folder, table(lines[0], "   ", *lines[1:], "  "))
    assert spaced.fingerprint == plain.fingerprint


def test_columns_that_could_be_classes_are_named(folder, caplog):
    with caplog.at_level(logging.INFO, logger="ganzoo"):
        load(folder, table("image,kind,patient", "images/a.png,x,p", "images/b.png,y,q"))
    assert (
        "no column of classes: the data are unlabeled; unused columns: kind (--data.label-column NAME takes one)"
        in caplog.text
    )
