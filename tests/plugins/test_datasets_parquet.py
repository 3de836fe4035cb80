"""Parquet with encoded pictures, as Hugging Face's datasets are kept."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from encoded import load, pixels, png
from picture_files import everything

from ganzoo.errors import DataError

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def refused(path, **options):
    with pytest.raises(DataError) as caught:
        load(path, **options)
    return str(caught.value)


def embedded(values):
    return [{"bytes": png(one), "path": f"{number}.png"} for number, one in enumerate(values)]


def write(path, images, *, features=None, kind=IMAGE, rows=4, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({"image": pa.array(images, kind), **columns})
    if features:
        stated = {"image": {"_type": "Image"}, **features}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": stated}})})
    pq.write_table(table, path, row_group_size=rows)


PETS = {"label": {"_type": "ClassLabel", "names": ["dog", "ant", "cat"]}}


def test_a_set_of_hugging_face(tmp_path):
    """The classes have the order of the schema, and -1 in a test set means that nobody tells."""
    data = tmp_path / "pets" / "data"
    write(data / "train-00000-of-00002.parquet", embedded(pixels(9)), features=PETS, label=[0, 1, 2] * 3)
    write(data / "train-00001-of-00002.parquet", embedded(pixels(2, seed=1)), features=PETS, label=[2, 2])
    write(data / "validation-00000-of-00001.parquet", embedded(pixels(1)), features=PETS, label=[1])
    write(data / "test-00000-of-00001.parquet", embedded(pixels(2)), features=PETS, label=[-1, -1])
    train = load(tmp_path / "pets")
    stacked = np.concatenate([pixels(9), pixels(2, seed=1)])
    assert np.array_equal(everything(train), stacked.transpose(0, 3, 1, 2))
    assert train.spec.classes == ("dog", "ant", "cat")
    assert train.labels.tolist() == [0, 1, 2] * 3 + [2, 2]
    assert load(tmp_path / "pets", split="val").labels.tolist() == [1]
    assert load(tmp_path / "pets", split="test").labels is None
    assert train.survey.splits == {"train": 11, "val": 1, "test": 2}


def test_a_single_file_of_plain_bytes(tmp_path):
    path = tmp_path / "test.parquet"
    write(path, [png(one) for one in pixels(5)], kind=pa.binary(), label=["b", "a", "b", "a", "b"])
    data = load(path)
    assert np.array_equal(everything(data), pixels(5).transpose(0, 3, 1, 2))
    assert (data.spec.classes, data.labels.tolist()) == (("a", "b"), [1, 0, 1, 0, 1])


def test_files_of_other_splits_are_left_out(tmp_path, caplog):
    for name in ("train", "test", "extra"):
        write(tmp_path / f"{name}-00000-of-00001.parquet", embedded(pixels(2)))
    assert set(load(tmp_path).survey.left_out) == {"extra-00000-of-00001.parquet"}
    assert "extra-00000-of-00001.parquet" in caplog.text


def test_groups_and_chosen_columns(tmp_path):
    path = tmp_path / "a.parquet"
    columns = {"patient_id": ["p", "p", "q", "q"], "label": [0, 1, 0, 1], "site": ["x", "x", "x", "y"]}
    write(path, embedded(pixels(4)), **columns)
    assert load(path).groups == ("p", "p", "q", "q")
    assert load(path, groups="none").groups is None
    assert load(path, label_column="site", group_column="label").spec.classes == ("x", "y")
    assert "image (picture)" in refused(path, label_column="image")
    assert "patient_id (text)" in refused(path, label_column="sex")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"label": pa.array([[0, 1]] * 2)}, "column 'label' does not hold one number or text"),
        ({"label": [0, 3]}, "a label that its classes do not name"),
    ],
)
def test_labels_that_are_no_class(tmp_path, columns, words):
    write(tmp_path / "a.parquet", embedded(pixels(2)), features=PETS, **columns)
    assert words in refused(tmp_path / "a.parquet")


def test_no_picture_or_several(tmp_path):
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "text.parquet")
    assert "no column of pictures" in refused(tmp_path / "text.parquet")
    pair = {"before": pa.array(embedded(pixels(2)), IMAGE), "after": pa.array(embedded(pixels(2, seed=1)), IMAGE)}
    pq.write_table(pa.table(pair), tmp_path / "pair.parquet")
    assert "given:   before, after" in refused(tmp_path / "pair.parquet")
    after = load(tmp_path / "pair.parquet", image_column="after")
    assert np.array_equal(everything(after), pixels(2, seed=1).transpose(0, 3, 1, 2))


def test_paths_must_exist_and_stay_inside(tmp_path):
    folder = tmp_path / "set"
    rows = [{"bytes": None, "path": "a.bin"}, {"bytes": None, "path": "gone.bin"}]
    write(folder / "a.parquet", [*rows, {"bytes": None, "path": "../out.bin"}, {"bytes": None, "path": None}])
    (folder / "a.bin").write_bytes(png(pixels(1)[0]))
    (tmp_path / "out.bin").write_bytes(png(pixels(1)[0]))
    message = refused(folder)
    assert "a.parquet[1]: no bytes, and its path gone.bin cannot be read: No such file" in message
    assert "a.parquet[2]: no bytes, and its path ../out.bin leads out" in message
    assert "a.parquet[3]: neither bytes nor a path" in message
    first = load(folder, on_error="skip")
    (folder / "a.bin").write_bytes(png(pixels(1, seed=1)[0]))
    assert not np.array_equal(everything(first), everything(load(folder, on_error="skip")))


def test_files_of_several_sets(tmp_path):
    write(tmp_path / "train.parquet", embedded(pixels(2)), features=PETS, label=[0, 1])
    other = {"label": {"_type": "ClassLabel", "names": ["ant", "cat", "dog"]}}
    write(tmp_path / "test.parquet", embedded(pixels(2)), features=other, label=[0, 1])
    assert "does not belong to the same set" in refused(tmp_path)


@pytest.mark.parametrize("cut", [0, 4, -4])
def test_broken_files_are_named(tmp_path, cut):
    write(tmp_path / "a.parquet", embedded(pixels(2)))
    (tmp_path / "a.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:cut])
    assert "a.parquet" in refused(tmp_path / "a.parquet")


def test_containers_beside_pictures_are_told_of(tmp_path, caplog):
    """Features of the pictures are often kept beside them."""
    folder = tmp_path / "set"
    write(folder / "features.parquet", embedded(pixels(2)))
    (folder / "a.png").write_bytes(png(pixels(1)[0]))
    assert len(load(folder)) == 1
    assert "features.parquet" in caplog.text


@pytest.mark.parametrize("names", [["data_batch_1", "test_batch"], ["train", "test", "meta"]])
def test_pickles_are_refused_unread(tmp_path, names):
    for name in names:
        (tmp_path / name).write_bytes(pickle.dumps({"data": [1]}))
    for place in (tmp_path, tmp_path / names[0]):
        message = refused(place)
        assert "a pickle can run any program" in message
        assert "for MATLAB" in message
