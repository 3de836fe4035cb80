"""WebDataset shards: what belongs to a key, its class, and the split of a shard."""

from __future__ import annotations

import io
import json
import tarfile

import pytest
from ganzoo_datasets.files.choosing import choose
from ganzoo_datasets.files.layouts.braces import expanded, has_braces
from ganzoo_datasets.files.recognition import recognize
from ganzoo_datasets.pictures import Pictures
from picture_files import everything, noise, open_folder
from PIL import Image

from ganzoo.errors import DataError


def picture(value=0):
    file = io.BytesIO()
    Image.new("L", (32, 32), value).save(file, format="PNG")
    return file.getvalue()


def shard(path, **fields):
    """A shard with these members; a ``:`` in a name stands for its first dot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as file:
        for name, content in fields.items():
            raw = content if isinstance(content, bytes) else str(content).encode()
            info = tarfile.TarInfo(name.replace(":", "."))
            info.size = len(raw)
            file.addfile(info, io.BytesIO(raw))
    return path


def found(path, **options):
    collection = recognize(Pictures(path=str(path), **options))
    assert collection.layout == "webdataset"
    return {item.name: item.label for item in collection.items}


def refused(path, **options):
    with pytest.raises(DataError) as caught:
        recognize(Pictures(path=str(path), **options))
    return str(caught.value)


def test_a_shard_with_classes(tmp_path):
    content = {
        f"{number}:{kind}": value for number in range(12) for kind, value in (("png", picture(number)), ("cls", number))
    }
    data = open_folder(shard(tmp_path / "a.tar", **content, **{"0:txt": "a cat"}))
    assert data.spec.classes == tuple(map(str, range(12)))
    assert data.labels.tolist() == everything(data)[:, 0, 0, 0].tolist()


def test_a_folder_and_a_pattern_of_shards(tmp_path):
    for number in range(12):
        shard(
            tmp_path / "test" / f"x-{number:03}.tar",
            **{"k:jpg": picture(number), "k:json": json.dumps({"label": number % 2})},
        )
    expected = {f"x-{number:03}.tar/k.jpg": str(number % 2) for number in range(12)}
    assert found(tmp_path / "test") == expected
    assert found(tmp_path / "test" / "x-{000..011}.tar") == expected
    assert found(tmp_path / "test" / "x-{000,007}.tar") == {"x-000.tar/k.jpg": "0", "x-007.tar/k.jpg": "1"}
    data = open_folder(tmp_path / "test" / "x-{000..011}.tar")
    assert everything(data)[:, 0, 0, 0].tolist() == list(range(12))
    assert "x-012.tar" in refused(tmp_path / "test" / "x-{000..012}.tar")


def test_the_split_is_in_the_name_of_a_shard(tmp_path):
    for name in ("imagenet-train-0.tar", "imagenet-train-1.tar", "imagenet-val-0.tar"):
        shard(tmp_path / name, **{"a:png": picture(), "a:cls": 0, "b:png": picture(), "b:cls": 1})
    collection = recognize(Pictures(path=str(tmp_path)))
    assert [len(choose(collection, split).items) for split in ("train", "val")] == [4, 2]
    shard(tmp_path / "more.tar", **{"a:png": picture(), "a:cls": 0})
    assert "some shards are named for a split and others are not\n  more.tar" in refused(tmp_path)


def test_the_key_ends_at_the_first_dot(tmp_path, caplog):
    path = shard(
        tmp_path / "a.tar",
        **{"n/1:jpg": picture(), "n/1:seg.png": picture(), "n/1:cls": 3, "n/2:jpg": picture(), "n/2:cls": 4},
    )
    assert found(path) == {"n/1.jpg": "3", "n/2.jpg": "4"}
    assert "1 pictures are further fields of a sample and are left out\n  n/1.seg.png" in caplog.text


def test_several_pictures_of_a_key_are_asked_about(tmp_path):
    path = shard(tmp_path / "a.tar", **{"1:in.png": picture(), "1:out.png": picture(), "1:cls": 3})
    assert "1 samples have several pictures\n  1: in.png, out.png" in refused(path)
    assert found(path, exclude="*.out.png") == {"1.in.png": "3"}


def test_exclusion_works_within_a_folder_of_shards(tmp_path):
    shard(tmp_path / "a.tar", **{"1:png": picture(), "1:jpg": picture(), "1:cls": 3})
    assert found(tmp_path, exclude="*.jpg") == {"a.tar/1.png": "3"}
    assert found(tmp_path / "{a,a}.tar", exclude="*.jpg") == {"a.tar/1.png": "3"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"1:cls": 0}, "1 of 2 samples have no class\n  2.png"),
        ({"1:json": '{"label": 0}', "2:json": "{}"}, "1 of 2 samples have no class\n  2.png"),
        ({"1:cls": b"\xff\xfe", "2:cls": 0}, "1.cls cannot be read"),
        ({"1:cls": 0, "2:cls": ""}, "1 of 2 samples have no class\n  2.png"),
    ],
)
def test_classes_that_are_not_whole_are_refused(tmp_path, fields, words):
    path = shard(tmp_path / "a.tar", **{"1:png": picture(), "2:png": picture()}, **fields)
    message = refused(path)
    assert words in message
    assert "--set data.classes=none" in message
    assert {item.label for item in recognize(Pictures(path=str(path), classes="none")).items} == {""}


@pytest.mark.parametrize("key", ["label", "cls", "class_name"])
def test_a_class_in_json(tmp_path, key):
    path = shard(tmp_path / "a.tar", **{"1:png": picture(), "1:json": json.dumps({"width": 32, key: "cat"})})
    assert found(path) == {"1.png": "cat"}


def test_json_without_a_class_is_no_sign_of_a_shard(tmp_path):
    path = shard(tmp_path / "a.tar", **{"1:png": picture(), "1:json": '{"width": 32}', "2:json": "[]"})
    assert recognize(Pictures(path=str(path))).layout == "folders"


def test_several_labels_are_refused(tmp_path):
    path = shard(tmp_path / "x" / "a.tar", **{"1:png": picture(), "1:json": '{"label": [1, 2]}'})
    assert "the class of a.tar/1 is not a single one" in refused(path.parent)


def test_shards_without_classes(tmp_path, caplog):
    shard(tmp_path / "0.tar", **{"1:png": picture(), "1:txt": "a cat"})
    assert found(tmp_path) == {"0.tar/1.png": ""}
    assert "the pictures have no classes" in caplog.text


def test_archives_of_folders_are_no_shards(tmp_path):
    path = shard(tmp_path / "train.tar", **{"cat/1:png": picture()})
    message = refused(tmp_path)
    assert "an archive there holds folders of pictures, and must be given itself" in message
    assert f"next:    ganzoo run --data {path}," in message


def test_a_tar_of_class_folders_is_none(tmp_path):
    path = shard(tmp_path / "a.tar", **{"cat/1:png": picture(), "dog/2:png": picture()})
    assert recognize(Pictures(path=str(path))).layout == "folders"


def test_a_folder_with_pictures_and_an_archive_is_none(tmp_path):
    shard(tmp_path / "a.tar", **{"1:png": picture(), "1:cls": 0})
    noise(8, 8).save(tmp_path / "b.png")
    assert recognize(Pictures(path=str(tmp_path))).layout == "folders"


def test_braces(tmp_path):
    for name in ("a-08", "a-09", "a-10", "b-10"):
        (tmp_path / name).touch()
    assert [path.name for path in expanded(tmp_path / "a-{08..10}")] == ["a-08", "a-09", "a-10"]
    assert [path.name for path in expanded(tmp_path / "{a,b}-{10..10}")] == ["a-10", "b-10"]
    assert not has_braces(tmp_path / "{x}")
    with pytest.raises(DataError, match="names files that do not exist"):
        expanded(tmp_path / "{0..9999999999}-{0..999999999}")
