"""Places that hold no collection are refused with the truth about them."""

from __future__ import annotations

import pytest
from ganzoo_datasets.files.recognition import recognize
from ganzoo_datasets.pictures import Pictures
from PIL import Image

from ganzoo.errors import ConfigError, DataError


def refused(path, **options):
    with pytest.raises(DataError) as caught:
        recognize(Pictures(path=str(path), **options))
    return str(caught.value)


def test_a_missing_path_names_what_is_near(tmp_path):
    (tmp_path / "pictures").mkdir()
    message = refused(tmp_path / "pictues")
    assert f"there is no file or folder {tmp_path / 'pictues'}" in message
    assert f"did you mean {tmp_path / 'pictures'}?" in message


def test_a_missing_path_says_where_it_ends(tmp_path):
    (tmp_path / "data").mkdir()
    message = refused(tmp_path / "daat" / "train" / "cat")
    assert f"{tmp_path} has no daat" in message
    assert f"did you mean {tmp_path / 'data'}?" in message


def test_a_path_below_a_file(tmp_path):
    (tmp_path / "a.txt").touch()
    assert f"{tmp_path / 'a.txt'} has no b" in refused(tmp_path / "a.txt" / "b")


@pytest.mark.parametrize("name", ["notes.txt", "picture.png", "noending", "weights.safetensors"])
def test_a_file_that_is_not_a_collection(tmp_path, name):
    (tmp_path / name).write_text("x")
    message = refused(tmp_path / name)
    assert "is not a collection of pictures" in message
    assert "a folder of pictures, an archive of one, or the layouts npz, hdf5" in message
    assert max(map(len, message.splitlines())) < 200 + len(str(tmp_path)), "ganzoo info pictures describes them"


def test_an_unknown_layout(tmp_path):
    with pytest.raises(ConfigError, match="there is no layout 'foldres'"):
        recognize(Pictures(path=str(tmp_path), layout="foldres"))


def test_folders_are_no_groups_of_a_table(tmp_path, caplog):
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    table = tmp_path / "t.csv"
    table.write_text("image,patient\na.png,1\n")
    assert recognize(Pictures(path=str(table))).items[0].group == "1"
    assert recognize(Pictures(path=str(table), groups="folder")).items[0].group == ""
    assert "the layout table has no folders that could be groups, so there are no groups" in caplog.text


def test_a_path_up_and_down_is_written_plainly(tmp_path, monkeypatch):
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert Pictures(path="../b").path == str(tmp_path / "b")
    assert Pictures(path="../missing").path == str(tmp_path / "missing")
    # Behind a symbolic link, what lies above is not what the text says.
    (tmp_path / "link").symlink_to(tmp_path / "a" / "deep")
    (tmp_path / "a" / "b").mkdir()
    assert Pictures(path=f"{tmp_path}/link/../b").path == str(tmp_path / "a" / "b")


def test_a_missing_path_is_not_suggested_again(tmp_path):
    message = refused(tmp_path / "qqqqq")
    assert f"next:    see what is there with: ls {tmp_path}" in message
