"""NIfTI volumes become slices: those that nibabel ships, and small ones made here."""

from __future__ import annotations

import gzip
import logging
import struct
from pathlib import Path

import nibabel
import numpy as np
import pytest
from ganzoo_datasets.files.sources.files import LooseFiles
from ganzoo_datasets.files.sources.volumes import AXES, Volumes
from picture_files import everything, noise, open_folder, save

from ganzoo.errors import DataError

SHIPPED = Path(nibabel.__file__).parent / "tests" / "data"


def made(folder: Path, name: str, values, affine=None, *, kind=nibabel.Nifti1Image) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(kind(values, np.eye(4) if affine is None else affine), path)
    return path


def some(shape=(5, 6, 7), seed=0):
    return np.random.default_rng(seed).integers(-1000, 1000, shape).astype(np.int16)


def refused(place, **options):
    with pytest.raises(DataError) as caught:
        open_folder(place, **options)
    return caught.value


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", ["anatomical.nii", "example4d.nii.gz", "standard.nii.gz", "example_nifti2.nii.gz"])
def test_slices_are_those_of_nibabels_canonical_volume(name, axis):
    canonical = nibabel.as_closest_canonical(nibabel.load(SHIPPED / name)).get_fdata()
    canonical = canonical[..., 0] if canonical.ndim == 4 else canonical
    source, number = Volumes(LooseFiles(SHIPPED), axis), AXES.index(axis)
    for place in (0, canonical.shape[number] - 1):
        read = source.raster(f"{name}#{place}", at_least=None)
        expected = canonical.take(place, number)
        # The picture's columns run along the first axis that is left, its rows down the second.
        assert np.array_equal(read.values, expected.T[::-1])
        assert read.further == (name in ("example4d.nii.gz", "example_nifti2.nii.gz"))
        assert source.size(f"{name}#{place}") == read.full_size


def test_up_is_up_and_right_is_right_however_the_volume_is_stored(tmp_path):
    upright = np.zeros((4, 4, 4), np.int16)
    upright[3, :, 3] = 100  # right and up
    turned = nibabel.Nifti1Image(upright, np.eye(4)).as_reoriented(np.array([[2, -1], [0, 1], [1, -1]]))
    made(tmp_path, "a.nii", np.asarray(turned.dataobj), turned.affine)
    read = Volumes(LooseFiles(tmp_path), "coronal").raster("a.nii#2", at_least=None).values
    assert read[0, 3] == 100
    assert read.sum() == 100


def test_axis_and_range_must_be_stated(tmp_path):
    path = made(tmp_path / "brains", "a.nii.gz", some())
    for options in ({}, {"axis": "axial"}, {"range": (0, 1)}):
        error = refused(path.parent, **options)
        assert "a.nii.gz: slices: 5 sagittal, 6 coronal, 7 axial" in str(error.given)
        assert error.hint.endswith("--set data.axis=axial --set data.range=measured")


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_single_file_is_a_set_of_slices(tmp_path, kind, name):
    values = some((32, 32, 3))
    path = made(tmp_path, name, values, kind=kind)
    data = open_folder(path, axis="axial", range=(-1000, 1000))
    expected = np.floor((values.transpose(2, 1, 0)[:, ::-1] + 1000.0) / 2000 * 255 + 0.5)
    assert np.array_equal(everything(data)[:, 0], expected)
    assert data.groups == (name,) * 3


def test_slope_and_intercept_are_applied(tmp_path):
    image = nibabel.Nifti1Image(some(), np.eye(4))
    image.header.set_slope_inter(2, -7)
    nibabel.save(image, tmp_path / "a.nii")
    stored = nibabel.load(tmp_path / "a.nii").dataobj
    assert (stored.slope, stored.inter) == (2, -7)
    read = Volumes(LooseFiles(tmp_path), "axial").raster("a.nii#3", at_least=None).values
    assert np.allclose(read, nibabel.load(tmp_path / "a.nii").get_fdata()[:, :, 3].T[::-1])


def test_the_range_is_measured_over_the_volumes_of_train(tmp_path):
    made(tmp_path / "set", "Training/a.nii", np.linspace(0, 500, 32 * 32 * 2).reshape(32, 32, 2))
    made(tmp_path / "set", "Testing/b.nii", np.full((32, 32, 2), 250.0))
    test = open_folder(tmp_path / "set", axis="axial", range="measured", split="test")
    assert np.unique(everything(test)).tolist() == [128]


def test_folders_are_classes_and_subjects_belong_together(tmp_path):
    for number in range(4):
        label = "healthy" if number % 2 else "ill"
        made(tmp_path / "set", f"{label}/sub-{number}_T1w.nii", some(seed=number))
        made(tmp_path / "set", f"{label}/sub-{number}_T2w.nii", some(seed=number + 9))
    data = open_folder(tmp_path / "set", axis="axial", range="measured")
    assert data.spec.classes == ("healthy", "ill")
    assert sorted(set(data.groups)) == ["sub-0", "sub-1", "sub-2", "sub-3"]
    assert len(data) == 8 * 7
    assert open_folder(tmp_path / "set", axis="axial", range="measured", groups="none").groups is None


@pytest.mark.parametrize("names", [("p1/a.nii", "p2/a.nii"), ("sub-1/anat/a.nii", "sub-2/anat/a.nii")])
def test_a_folder_per_person_is_no_class(tmp_path, caplog, names):
    for name in names:
        made(tmp_path / "set", name, some())
    with caplog.at_level(logging.WARNING, "ganzoo"):
        data = open_folder(tmp_path / "set", axis="axial", range="measured")
    assert data.spec.classes == ()
    assert "do not count as classes" in caplog.text


def test_a_subject_in_two_splits_is_an_error(tmp_path):
    for name in ("train/sub-1_T1w.nii", "train/sub-2_T1w.nii", "test/sub-1_T2w.nii"):
        made(tmp_path / "set", name, some())
    assert "sub-1: test, train" in str(refused(tmp_path / "set", axis="axial", range="measured"))


def test_a_folder_with_pictures_is_a_folder_of_pictures(tmp_path):
    made(tmp_path / "set", "a.nii", some())
    save(tmp_path / "set", "b.png", noise(32, 32))
    assert len(open_folder(tmp_path / "set")) == 1
    assert len(open_folder(tmp_path / "set", layout="nifti", axis="sagittal", range="measured")) == 5


RGB = np.zeros((4, 4, 4), [("R", "u1"), ("G", "u1"), ("B", "u1")])


@pytest.mark.parametrize(
    ("values", "reason"),
    [(some((5, 6)), "which is not a volume"), (RGB, "not numbers"), (some().astype(np.complex64), "not numbers")],
)
def test_what_is_no_volume_is_refused_with_the_truth(tmp_path, values, reason):
    path = made(tmp_path, "a.nii", values)
    assert reason in str(refused(path, axis="axial", range="measured"))


def test_a_bomb_is_refused_by_its_header(tmp_path):
    path = made(tmp_path, "a.nii", some())
    content = bytearray(path.read_bytes())
    content[40:48] = np.array([3, 30_000, 30_000, 30_000], "<i2").tobytes()
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(bytes(content)))
    assert "decompression bomb" in str(refused(tmp_path / "a.nii.gz", axis="axial", range="measured"))


def test_broken_volumes_are_named_or_left_out(tmp_path, caplog):
    made(tmp_path / "set", "good.nii", some())
    (tmp_path / "set" / "page.nii").write_text("<html>404 Not Found</html>")
    (tmp_path / "set" / "empty.nii.gz").write_bytes(b"")
    error = refused(tmp_path / "set", axis="axial", range="measured")
    assert "2 of 3 volumes cannot be read" in str(error)
    assert "page.nii: not NIfTI" in str(error)
    assert "empty.nii.gz: " in str(error)
    with caplog.at_level(logging.WARNING, "ganzoo"):
        data = open_folder(tmp_path / "set", axis="axial", range="measured", on_error="skip")
    assert len(data) == 7
    assert "2 of 3 volumes cannot be read" in caplog.text


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_truncated_volume_is_refused(tmp_path, name):
    path = made(tmp_path, name, some((16, 16, 16)))
    path.write_bytes(path.read_bytes()[:-1000])
    message = str(refused(path, axis="axial", range=(-1000, 1000)))
    assert "cannot be read" in message
    assert f"{name}#0: " in message


def test_a_volume_that_cannot_be_read_is_tried_once_however_many_slices_it_promises(tmp_path, monkeypatch):
    """A header of a few bytes may promise thirty thousand slices; each took as long as a volume."""
    path = made(tmp_path, "a.nii", np.zeros((3, 4, 300), dtype=np.int16))
    path.write_bytes(path.read_bytes()[:-2])
    opened, as_it_was = [], nibabel.Nifti1Image.from_stream
    monkeypatch.setattr(nibabel.Nifti1Image, "from_stream", lambda stream: opened.append(stream) or as_it_was(stream))
    assert "300 of 300 images cannot be read" in str(refused(tmp_path, axis="axial", range=(0, 1), image_size=8))
    assert 0 < len(opened) < 10


def test_a_shape_with_negative_lengths_is_refused(tmp_path):
    path = made(tmp_path, "a.nii", some())
    content = bytearray(path.read_bytes())
    struct.pack_into("<h", content, 44, -6)  # the second length
    path.write_bytes(content)
    assert "which is not a volume" in str(refused(tmp_path, axis="axial", range=(0, 1)))


def test_values_that_are_no_numbers_are_refused(tmp_path):
    values = some().astype(np.float32)
    values[2, 2, 2] = np.nan
    message = str(refused(made(tmp_path, "a.nii", values), axis="axial", range=(0, 1)))
    assert "a.nii#2: some of its values are NaN or infinite" in message


def test_of_several_volumes_the_first_is_used_with_a_warning(tmp_path, caplog):
    path = made(tmp_path, "a.nii", np.stack([some(), some(seed=1)], -1))
    with caplog.at_level(logging.WARNING, "ganzoo"):
        data = open_folder(path, axis="axial", range=(-1000, 1000))
    assert len(data) == 7
    assert "have several frames or pages; only the first is used" in caplog.text


@pytest.mark.parametrize(("kind", "form", "at"), [(nibabel.Nifti1Image, "<f", 108), (nibabel.Nifti2Image, "<q", 168)])
def test_values_that_are_said_to_lie_behind_gigabytes_are_not_looked_for(tmp_path, kind, form, at):
    plain = bytearray(made(tmp_path, "plain.nii", some(), kind=kind).read_bytes())
    struct.pack_into(form, plain, at, 400_000_000)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "far.nii.gz").write_bytes(gzip.compress(plain))
    error = str(refused(tmp_path / "set", layout="nifti", axis="axial"))
    assert "a decompression bomb? Its values begin at byte 400000000, limit 16,777,216" in error
