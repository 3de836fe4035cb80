"""HEIC as phones write it."""

from __future__ import annotations

import io
import sys

import numpy as np
import pillow_heif
import pytest
from ganzoo_datasets.files.pixels import reader
from ganzoo_datasets.files.pixels.raster import UnreadablePicture
from picture_files import everything, noise, open_folder
from PIL import Image

from ganzoo.errors import DataError


def heic(picture, **options) -> bytes:
    file = io.BytesIO()
    pillow_heif.from_pillow(picture).save(file, quality=-1, chroma=444, matrix_coefficients=0, **options)
    return file.getvalue()


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "pictures"
    path.mkdir()
    return path


@pytest.mark.parametrize("name", ["IMG_0001.HEIC", "a.heif", "lies.jpg"])
def test_its_pixels_are_read(folder, name):
    picture = noise(64, 64)
    (folder / name).write_bytes(heic(picture))
    assert np.array_equal(everything(open_folder(folder))[0].transpose(1, 2, 0), np.asarray(picture))


def test_transparency_lies_over_white(folder):
    picture = noise(64, 64, "RGBA")
    (folder / "a.heic").write_bytes(heic(picture))
    read = everything(open_folder(folder))[0].transpose(1, 2, 0)
    values = np.asarray(picture).astype(float)
    share = values[..., 3:] / 255
    assert np.abs(read - (share * values[..., :3] + (1 - share) * 255)).max() <= 1


def test_the_orientation_is_applied_once():
    picture = noise(64, 48)
    exif = Image.Exif()
    exif[0x0112] = 6
    content = heic(picture, exif=exif.tobytes())
    read = reader.read(io.BytesIO(content), "a.heic", at_least=None)
    assert np.array_equal(read.values, np.rot90(np.asarray(picture), -1))
    assert reader.size_of(io.BytesIO(content), "a.heic") == (48, 64)


def test_a_truncated_one_is_refused():
    with pytest.raises(UnreadablePicture, match="corrupt"):
        reader.read(io.BytesIO(heic(noise(64, 64))[:-500]), "a.heic", at_least=None)


@pytest.mark.parametrize(
    ("ending", "package", "extra"), [("heic", "pillow-heif", "heic"), ("dcm", "pydicom", "medical")]
)
def test_where_the_package_is_missing_the_command_is_given(folder, monkeypatch, ending, package, extra):
    content = heic(noise(64, 64)) if ending == "heic" else bytes(128) + b"DICM"
    (folder / f"a.{ending}").write_bytes(content)
    monkeypatch.setitem(sys.modules, package.replace("-", "_"), None)
    with pytest.raises(DataError) as caught:
        open_folder(folder)
    assert f"a.{ending}: {'HEIC' if ending == 'heic' else 'DICOM'} needs {package}" in str(caught.value)
    assert str(caught.value).rstrip().endswith(f"python -m pip install 'ganzoo[{extra}]'")


def test_pillow_knows_no_more_than_before():
    """Registering the plugin would change what the whole process reads."""
    reader.read(io.BytesIO(heic(noise(64, 64))), "a.heic", at_least=None)
    assert "HEIF" not in Image.OPEN
