"""Places that hold no collection are refused with the truth about them."""

from __future__ import annotations

import pytest
from ganzoo_datasets.files.pictures import Pictures
from ganzoo_datasets.files.recognition import recognize

from ganzoo.errors import DataError


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
    assert "a folder of pictures" in message


def test_an_unknown_layout(tmp_path):
    from ganzoo.errors import ConfigError

    with pytest.raises(ConfigError, match="there is no layout 'foldres'"):
        recognize(Pictures(path=str(tmp_path), layout="foldres"))
