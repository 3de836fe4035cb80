"""DICOM: the files that pydicom ships, and small ones made here, compared with pydicom's own steps."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import numpy as np
import pydicom
import pytest
from ganzoo_datasets.files.pixels import reader
from ganzoo_datasets.files.pixels.picture import Rule, read_picture
from ganzoo_datasets.files.pixels.raster import UnreadablePicture
from ganzoo_datasets.files.sources.files import FileSource, LooseFiles
from picture_files import everything, open_folder
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut, apply_windowing
from pydicom.pixels.utils import pixel_array
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from ganzoo.errors import DataError


def shipped(name: str) -> Path:
    path = get_testdata_file(name, download=False)
    assert path is not None
    return Path(path)


def raster(path: Path):
    with path.open("rb") as file:
        return reader.read(file, path.name, at_least=None)


def eight_bits(path: Path, **options):
    """(H, W) or (H, W, 3), without resizing."""
    read = raster(path)
    side, channels = max(read.full_size), 3 if read.color else 1
    rule = Rule(size=side, channels=channels, fit="pad", **options)
    pixels = read_picture(FileSource(LooseFiles(path.parent)), path.name, rule).pixels
    top, left = (side - read.values.shape[0]) // 2, (side - read.values.shape[1]) // 2
    pixels = pixels[:, top : top + read.values.shape[0], left : left + read.values.shape[1]]
    return (pixels.transpose(1, 2, 0) if read.color else pixels[0]).astype(int)


WINDOWED = [
    "693_J2KI.dcm",
    "J2K_pixelrep_mismatch.dcm",
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_implicit.dcm",
    "MR_small_jp2klossless.dcm",
    "examples_overlay.dcm",
    "dicomdirtests/77654033/CR1/6154",
    "dicomdirtests/77654033/CR2/6247",
    "dicomdirtests/77654033/CT2/17106",
    "dicomdirtests/98892001/CT5N/2062",
    "dicomdirtests/98892003/MR700/4467",
]


@pytest.mark.parametrize("name", WINDOWED)
def test_rescaling_and_the_first_window_are_those_of_pydicom(name):
    path = shipped(name)
    data = pydicom.dcmread(path)
    seen = apply_windowing(apply_modality_lut(pixel_array(data, index=0), data), data)
    bits, slope = data.BitsStored, float(data.get("RescaleSlope", 1))
    lowest = -(2 ** (bits - 1)) if data.PixelRepresentation else 0
    ends = sorted(slope * end + float(data.get("RescaleIntercept", 0)) for end in (lowest, lowest + 2**bits - 1))
    expected = (seen - ends[0]) / (ends[1] - ends[0]) * 255
    if data.PhotometricInterpretation == "MONOCHROME1":
        expected = 255 - expected
    assert np.abs(eight_bits(path) - expected).max() <= 0.51


COLORS = [
    "ExplVR_BigEnd.dcm",  # planes, one after another
    "SC_rgb_rle.dcm",
    "SC_rgb_small_odd.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",  # YBR_FULL in JPEG
    "SC_rgb_dcmtk_+eb+cy+np.dcm",  # YBR_FULL_422 in JPEG
    "SC_rgb_gdcm_KY.dcm",  # JPEG 2000
    "examples_jpeg2k.dcm",  # YBR_RCT
    "examples_rgb_color.dcm",
]


@pytest.mark.parametrize("name", COLORS)
def test_colors_are_rgb(name):
    path = shipped(name)
    assert np.array_equal(eight_bits(path), pixel_array(path, index=0))


def test_the_colors_of_one_picture_are_the_same_however_it_is_stored():
    """The test card of dcmtk, whose rows are red, green, blue and so on, in seven encodings."""
    plain = eight_bits(shipped("SC_rgb_rle.dcm"))
    for name in ("SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_gdcm_KY.dcm", "SC_rgb_rle_2frame.dcm"):
        assert np.abs(eight_bits(shipped(name)) - plain).mean() < 3, name
    assert plain[5, 50].tolist() == [255, 0, 0]


def test_a_palette_becomes_its_colors():
    path = shipped("examples_palette.dcm")
    data = pydicom.dcmread(path)
    expected = np.rint(apply_color_lut(data.pixel_array, data) / 257)
    assert np.array_equal(eight_bits(path), expected)


def test_sixteen_bit_color():
    path = shipped("SC_rgb_rle_16bit.dcm")
    assert np.array_equal(eight_bits(path), np.rint(pydicom.dcmread(path).pixel_array / 257))


def test_of_several_frames_the_first_is_used_with_a_note():
    path = shipped("examples_ybr_color.dcm")
    read = raster(path)
    assert read.further
    assert np.array_equal(read.values, pixel_array(path, index=0))


def test_a_segmentation_of_one_bit():
    path = shipped("liver_1frame.dcm")
    assert np.array_equal(eight_bits(path), 255 * pydicom.dcmread(path).pixel_array.astype(int))


REFUSED = {
    "MR_truncated.dcm": "corrupt: its pixels do not fit its tags",
    "JPGExtended.dcm": r"compressed as JPEG Extended .*: python -m pip install pylibjpeg pylibjpeg-libjpeg",
    "MR_small_jpeg_ls_lossless.dcm": r"compressed as JPEG-LS Lossless .*: python -m pip install pylibjpeg",
    "GDCMJ2K_TextGBR.dcm": "corrupt, or not readable by what is installed: compressed as JPEG 2000",
    "JPEG2000-embedded-sequence-delimiter.dcm": "corrupt, or not readable",
    "badVR.dcm": "corrupt: its tags do not fit together",
    "rtplan.dcm": "DICOM without a picture",
    "rtstruct.dcm": "not DICOM, or without a picture",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_the_reason(name):
    with pytest.raises(UnreadablePicture, match=REFUSED[name]):
        raster(shipped(name))


def test_doses_state_no_range():
    path = shipped("rtdose_1frame.dcm")
    with pytest.raises(UnreadablePicture, match="uint32, for which the file states no range"):
        eight_bits(path)
    dose = pydicom.dcmread(path).pixel_array.astype(float)
    read = eight_bits(path, range=(795_000, 1_254_000))
    assert np.abs(read - (dose - 795_000) / (1_254_000 - 795_000) * 255).max() <= 0.51


# Files made here: what pydicom ships none of.


def made(folder: Path, values, *, name="made.dcm", preamble=True, **tags) -> Path:
    data = Dataset()
    data.Rows, data.Columns = values.shape[:2]
    data.SamplesPerPixel = values.shape[2] if values.ndim == 3 else 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 8 * values.dtype.itemsize
    data.PixelRepresentation = int(values.dtype.kind == "i")
    data.PatientName, data.PatientID, data.SOPInstanceUID = "Doe^Jane", "4711-x", "1.2.3.4.5678"
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    for tag, value in tags.items():
        setattr(data, tag, value)
    data.HighBit = data.BitsStored - 1
    data.PixelData = values.tobytes()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if preamble:
        data.save_as(path, enforce_file_format=True)
    else:
        del data.file_meta
        data.save_as(path, implicit_vr=True, little_endian=True)
    return path


RAMP = np.linspace(0, 65535, 32 * 32).round().astype(np.uint16).reshape(32, 32)


@pytest.mark.parametrize("bits", range(8, 17))
@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
def test_without_a_window_the_stored_bits_are_the_range(tmp_path, bits, kind):
    values = RAMP >> (16 - bits)
    read = eight_bits(made(tmp_path, values, BitsStored=bits, PhotometricInterpretation=kind))
    expected = np.floor(values / (2**bits - 1) * 255 + 0.5)
    assert np.array_equal(read, expected if kind == "MONOCHROME2" else 255 - expected)


def test_signed_bits(tmp_path):
    values = (RAMP.astype(int) - 32768 >> 4).astype(np.int16)
    read = eight_bits(made(tmp_path, values, BitsStored=12))
    assert np.array_equal(read, np.floor((values + 2048.0) / 4095 * 255 + 0.5))


def test_a_slope_and_an_intercept_move_the_range_of_the_bits(tmp_path):
    path = made(tmp_path, RAMP >> 4, BitsStored=12, RescaleSlope="-0.5", RescaleIntercept="100")
    read = raster(path)
    assert read.stated == (100 - 4095 / 2, 100)
    assert np.array_equal(read.values, 100 - (RAMP >> 4) / 2)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_every_kind_of_window(tmp_path, function):
    path = made(tmp_path, RAMP >> 4, BitsStored=12, WindowCenter="1500", WindowWidth="900", VOILUTFunction=function)
    data = pydicom.dcmread(path)
    expected = apply_windowing(data.pixel_array, data) / 4095 * 255
    assert np.abs(eight_bits(path) - expected).max() <= 0.51


def lookup_table(table):
    item = Dataset()
    item.LUTDescriptor = [len(table), 0, 8]
    item.LUTData = table.astype(np.uint16).tolist()
    item["LUTDescriptor"].VR = item["LUTData"].VR = "US"
    return Sequence([item])


def test_a_table_of_tones(tmp_path):
    table = np.floor(np.sqrt(np.arange(4096) / 4095) * 255)
    path = made(tmp_path, RAMP >> 4, BitsStored=12, VOILUTSequence=lookup_table(table))
    data = pydicom.dcmread(path)
    assert np.array_equal(eight_bits(path), apply_voi_lut(data.pixel_array, data))
    assert np.array_equal(eight_bits(path, range=(0, 4095)), np.floor((RAMP >> 4) / 4095 * 255 + 0.5))


def test_a_table_of_units(tmp_path):
    table = np.arange(4096)[::-1] // 16
    path = made(tmp_path, RAMP >> 4, BitsStored=12, ModalityLUTSequence=lookup_table(table))
    assert np.array_equal(eight_bits(path), table[RAMP >> 4])


def test_the_units_of_an_enhanced_file_stand_in_its_groups(tmp_path):
    rescale, window, shared = Dataset(), Dataset(), Dataset()
    rescale.RescaleSlope, rescale.RescaleIntercept = "1", "-1024"
    window.WindowCenter, window.WindowWidth = "40", "400"
    shared.PixelValueTransformationSequence, shared.FrameVOILUTSequence = Sequence([rescale]), Sequence([window])
    frames = np.stack([RAMP >> 4, RAMP[::-1] >> 4])
    path = made(
        tmp_path,
        frames.reshape(64, 32),
        BitsStored=12,
        Rows=32,
        NumberOfFrames=2,
        SharedFunctionalGroupsSequence=Sequence([shared]),
    )
    read = raster(path)
    assert (read.stated, read.further) == ((-160, 239), True)
    assert np.array_equal(read.values, (RAMP >> 4).astype(float) - 1024)


def test_a_stated_range_is_in_the_units_of_the_files(tmp_path):
    path = made(
        tmp_path / "ct",
        RAMP >> 4,
        BitsStored=12,
        RescaleSlope="1",
        RescaleIntercept="-1024",
        WindowCenter="40",
        WindowWidth="400",
    )
    read = everything(open_folder(path.parent, range=(-1024, 1024), channels=1))[0, 0]
    expected = np.floor(((RAMP >> 4) - 0.0) / 2048 * 255 + 0.5).clip(0, 255)
    assert np.array_equal(read, expected)


@pytest.mark.parametrize("name", ["IM000001", "1.2.840.113619.2.55.3", "slice-17"])
def test_files_without_an_ending_are_known_by_their_content(tmp_path, name):
    made(tmp_path / "disc", RAMP >> 8 << 8, name=name)
    (tmp_path / "disc" / "README").write_text("x" * 200)
    made(tmp_path / "disc", RAMP, name="DICOMDIR")
    assert len(open_folder(tmp_path / "disc")) == 1


def test_an_old_file_without_a_preamble(tmp_path):
    path = made(tmp_path, RAMP, preamble=False)
    assert path.read_bytes()[128:132] != b"DICM"
    assert np.array_equal(raster(path).values, RAMP)


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path):
    with pytest.raises(UnreadablePicture, match="decompression bomb"):
        raster(made(tmp_path, RAMP, Rows=60_000, Columns=60_000))


def test_nothing_about_the_patient_is_told_or_kept(tmp_path, caplog, capfd):
    folder = tmp_path / "scans"
    made(folder, RAMP, name="a.dcm")
    made(folder, RAMP, name="b.dcm", RescaleSlope="1", RescaleIntercept="0", NumberOfFrames=2)
    (folder / "c.dcm").write_bytes(made(folder, RAMP, name="c.dcm").read_bytes()[:-300])
    with caplog.at_level(logging.DEBUG):
        assert len(open_folder(folder, on_error="skip")) > 0
        with pytest.raises(DataError) as caught:
            open_folder(folder)
    told = caplog.text + str(caught.value) + "".join(capfd.readouterr())
    kept = b"".join(path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file())
    for secret in ("Doe", "Jane", "4711", "1.2.3.4.5678"):
        assert secret not in told
        assert secret.encode() not in kept
        assert secret.encode() in (folder / "a.dcm").read_bytes()


def test_files_that_speak_up_while_they_are_read_are_silent_here(tmp_path, caplog, recwarn):
    """pydicom logs a traceback for what it cannot decode, and a warning for padded pixels."""
    for name in ("JPGExtended.dcm", "MR_small_padded.dcm"):
        (tmp_path / "scans").mkdir(exist_ok=True)
        (tmp_path / "scans" / name).write_bytes(shipped(name).read_bytes())
    open_folder(tmp_path / "scans", on_error="skip")
    assert {record.name for record in caplog.records} == {"ganzoo"}
    assert logging.getLogger("pydicom").propagate
    assert not recwarn.list


def test_sizes_come_from_the_header(tmp_path):
    path = made(tmp_path, np.zeros((20, 30), np.uint8))
    with path.open("rb") as file:
        assert reader.size_of(file, path.name) == (30, 20)
    assert reader.size_of(io.BytesIO(b"nothing"), "a.dcm") is None
