"""TIFF files of every depth, polarity, sign and layout: read as their tags state, or refused with the reason.

The pictures are written by tifffile, and what becomes of them is computed here from the values alone.
"""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import ganzoo_datasets
import numpy as np
import pytest
import tifffile
from ganzoo_datasets.files.pixels import reader, tiff
from ganzoo_datasets.files.pixels.raster import BESIDE_COLOR, HIDDEN, UnreadablePicture
from picture_files import everything, noise, open_folder, save
from PIL import Image

from ganzoo.errors import DataError

RAMP = np.linspace(0, 65535, 32 * 32).round().astype(np.uint16).reshape(32, 32)
COLORS = np.stack([RAMP, RAMP[::-1], RAMP.T], -1)
PACKED = ["lzw", "zlib", "packbits", "zstd", "lzma"]


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "pictures"
    path.mkdir()
    return path


def written(values, **options) -> io.BytesIO:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **({"photometric": "minisblack"} | options))
    file.seek(0)
    return file


def raster(values, **options):
    return reader.read(written(values, **options), "a.tif", at_least=None)


def only(folder, values, **options):
    """What a folder with this one picture holds, (H, W, C) as integers."""
    (folder / "a.tif").write_bytes(written(values, **options).getvalue())
    return everything(open_folder(folder))[0].transpose(1, 2, 0).astype(int)


def scaled(values, lowest, highest):
    return np.floor((values.astype(float) - lowest) * 255 / (highest - lowest) + 0.5).astype(int)


@pytest.mark.parametrize("bits", [2, 4, 6, 8, 10, 12, 14, 16])
def test_the_stated_depth_becomes_0_to_255(folder, bits):
    values = RAMP >> (16 - bits)
    stored = values.astype(np.uint8 if bits <= 8 else np.uint16)
    read = only(folder, stored, **({} if bits in (8, 16) else {"bitspersample": bits}))
    assert (read.min(), read.max()) == (0, 255)
    assert np.array_equal(read[..., 0], scaled(values, 0, 2**bits - 1))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_white_is_zero_is_inverted_at_every_depth(folder, kind):
    values = (RAMP >> (16 - 8 * np.dtype(kind).itemsize)).astype(kind)
    read = only(folder, values, photometric="miniswhite")[..., 0]
    assert np.array_equal(read, 255 - scaled(values, 0, np.iinfo(kind).max))


@pytest.mark.parametrize("kind", [np.int8, np.int16])
def test_signed_values_are_signed(folder, kind):
    values = (RAMP.astype(int) - 32768 >> (16 - 8 * np.dtype(kind).itemsize)).astype(kind)
    lowest, highest = np.iinfo(kind).min, np.iinfo(kind).max
    read = only(folder, values)[..., 0]
    assert np.array_equal(read, scaled(values, lowest, highest))
    assert (read[values == -1] == 127).all()


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int32, np.uint32])
def test_values_without_a_stated_range_are_refused_with_the_option_that_helps(folder, kind):
    (folder / "a.tif").write_bytes(written((RAMP // 257 + 3).astype(kind)).getvalue())
    with pytest.raises(DataError) as caught:
        open_folder(folder)
    message = str(caught.value)
    assert f"a.tif: pixels of type {np.dtype(kind)}, for which the file states no range" in message
    assert "its values are 3 to 258" in message
    assert "--set data.range=measured" in caught.value.hint
    read = everything(open_folder(folder, range=(3, 258)))[0, 0]
    assert np.array_equal(read, (RAMP // 257).astype(int))


@pytest.mark.parametrize("packed", [None, *PACKED])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_sixteen_bit_color_in_planes_or_not(folder, packed, planar):
    values = COLORS if planar == "contig" else COLORS.transpose(2, 0, 1)
    read = only(folder, values, photometric="rgb", planarconfig=planar, compression=packed)
    assert np.array_equal(read, scaled(COLORS, 0, 65535))


def test_what_tifffile_writes_without_being_told_anything(folder):
    file = folder / "a.tif"
    with pytest.warns(DeprecationWarning, match="stored as RGB with separate component planes"):
        tifffile.imwrite(file, COLORS.transpose(2, 0, 1).copy())
    with tifffile.TiffFile(file) as opened:
        assert opened.pages.first.planarconfig == 2
    read = everything(open_folder(folder))[0].transpose(1, 2, 0)
    assert np.array_equal(read, scaled(COLORS, 0, 65535))


PLAIN = {
    "gray": ((RAMP >> 8).astype(np.uint8), {}),
    "color": ((COLORS >> 8).astype(np.uint8), {"photometric": "rgb"}),
    "planes": ((COLORS >> 8).astype(np.uint8).transpose(2, 0, 1), {"photometric": "rgb", "planarconfig": "separate"}),
    "tiles": ((COLORS >> 8).astype(np.uint8), {"photometric": "rgb", "tile": (16, 16)}),
    "white is zero": ((RAMP >> 8).astype(np.uint8), {"photometric": "miniswhite"}),
}


@pytest.mark.parametrize("packed", [None, *PACKED])
@pytest.mark.parametrize("name", PLAIN)
def test_what_is_left_to_pillow_is_read_right(name, packed):
    values, options = PLAIN[name]
    file = written(values, **options, compression=packed)
    with tifffile.TiffFile(file) as opened:
        assert tiff._form(opened.pages.first).left_to_pillow
    expected = values.transpose(1, 2, 0) if name == "planes" else 255 - values if name == "white is zero" else values
    assert np.array_equal(reader.read(file, "a.tif", at_least=None).values, expected)


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_few_bits_are_left_to_pillow_and_read_right(bits, photometric):
    values = (RAMP >> (16 - bits)).astype(np.uint8)
    stored = values.astype(bool) if bits == 1 else values
    read = raster(stored, photometric=photometric, bitspersample=bits).values
    bright = scaled(values, 0, 2**bits - 1)
    assert np.array_equal(read, bright if photometric == "minisblack" else 255 - bright)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("bands", [2, 4])
@pytest.mark.parametrize("alpha", ["unassalpha", "assocalpha"])
def test_transparency_of_8_and_16_bits_lies_over_white(kind, bands, alpha):
    highest = np.iinfo(kind).max
    colors = (COLORS[..., : bands - 1] // (65535 // highest)).astype(int)
    share = np.linspace(0, highest, 32 * 32).astype(int).reshape(32, 32, 1)
    if alpha == "assocalpha":
        colors = colors * share // highest
    stored = np.concatenate([colors, share], -1).astype(kind)
    photometric = "rgb" if bands == 4 else "minisblack"
    read = raster(stored, photometric=photometric, planarconfig="contig", extrasamples=[alpha])
    front = colors if alpha == "assocalpha" else colors * share / highest
    expected = front + highest - share
    tolerance = 2 if kind == np.uint8 else 1e-6 * highest
    assert np.abs(read.values.reshape(expected.shape) - expected).max() <= tolerance
    assert (read.color, read.notes) == (bands == 4, ())


def test_alpha_that_is_0_everywhere_is_ignored_with_a_note():
    stored = np.concatenate([COLORS, np.zeros_like(COLORS[..., :1])], -1)
    read = raster(stored, photometric="rgb", extrasamples=["unassalpha"])
    assert np.array_equal(read.values, COLORS)
    assert read.notes == (HIDDEN,)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_fourth_band_that_is_no_transparency_is_left_out_with_a_note(kind):
    stored = np.concatenate([COLORS, RAMP[..., None]], -1) // (257 if kind == np.uint8 else 1)
    read = raster(stored.astype(kind), photometric="rgb", extrasamples=["unspecified"])
    assert np.array_equal(read.values, stored[..., :3])
    assert read.notes == (BESIDE_COLOR,)


REFUSED = {
    "it has 5 bands": (np.zeros((32, 32, 5), np.uint8), {"planarconfig": "contig"}),
    "it has 5 bands; pictures": (np.zeros((32, 32, 5), np.uint8), {"photometric": "rgb"}),
    "it has 2 bands": (np.zeros((32, 32, 2), np.uint16), {"planarconfig": "contig"}),
    "its colors are cielab": (np.zeros((32, 32, 3), np.uint8), {"photometric": "cielab"}),
    "its colors are separated of 16 bits": (np.zeros((32, 32, 4), np.uint16), {"photometric": "separated"}),
    "its samples are complexieeefp": (np.zeros((32, 32), np.complex64), {}),
    "it is a volume of 16 slices": (np.zeros((16, 16, 16), np.uint8), {"volumetric": True, "tile": (16, 16, 16)}),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_no_picture_is_refused_with_the_truth(reason):
    values, options = REFUSED[reason]
    with pytest.raises(UnreadablePicture, match=reason):
        raster(values, **options)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_that_of_the_8_bit_twin(orientation):
    eight = noise(20, 32)
    deep = np.asarray(eight).astype(np.uint16) * 257
    file = io.BytesIO()
    eight.save(file, "TIFF", tiffinfo={274: orientation})
    twin = written(deep, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    first, second = (reader.read(one, "a.tif", at_least=None) for one in (file, twin))
    assert np.array_equal(first.values.astype(int) * 257, second.values)
    assert reader.size_of(twin, "a.tif") == first.full_size == second.full_size


def test_further_pages_are_told_and_smaller_copies_are_none():
    assert raster(np.stack([RAMP] * 3)).further
    assert not raster(RAMP).further
    assert raster(np.stack([RAMP] * 3), imagej=True).further
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(RAMP, photometric="minisblack", subifds=0)
        writer.write(RAMP[::2, ::2], photometric="minisblack", subfiletype=1)
    assert not reader.read(file, "a.tif", at_least=None).further


@pytest.mark.parametrize("packed", [None, *PACKED])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_truncated_deep_file_is_refused(packed, share):
    whole = written(
        np.random.default_rng(0).integers(0, 65536, (64, 64, 3), np.uint16),
        photometric="rgb",
        compression=packed,
        rowsperstrip=8,
    ).getvalue()
    with pytest.raises(UnreadablePicture, match="corrupt"):
        reader.read(io.BytesIO(whole[: int(len(whole) * share)]), "a.tif", at_least=None)


def test_a_bomb_is_refused_before_it_is_decoded():
    file = written(np.zeros((20_000, 10_000), np.uint16), compression="zlib")
    with pytest.raises(UnreadablePicture, match="decompression bomb"):
        reader.read(file, "a.tif", at_least=None)


def test_a_deep_file_out_of_an_archive():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.tif", written(COLORS, photometric="rgb").getvalue())
    with zipfile.ZipFile(packed) as archive, archive.open("a.tif") as file:
        assert np.array_equal(reader.read(file, "a.tif", at_least=None).values, COLORS)


WITHOUT = """
import sys
sys.modules["imagecodecs"] = None
from pathlib import Path
import numpy as np
from ganzoo_datasets.files.pixels import reader
from ganzoo_datasets.files.pixels.raster import UnreadablePicture
folder = Path(sys.argv[1])
for path in sorted(folder.glob("*.tif"), key=lambda path: path.stem):
    with path.open("rb") as file:
        try:
            raster = reader.read(file, path.name, at_least=None)
        except UnreadablePicture as error:
            print(path.stem, "refused:", error)
        else:
            same = np.array_equal(raster.values, np.load(folder / f"{path.stem}.npy"))
            print(path.stem, "right" if same else "WRONG", *raster.stated)
"""


def test_without_imagecodecs_it_is_right_or_refused_with_the_command(tmp_path):
    """In a process that cannot import it: what Pillow stores as it is comes from Pillow."""
    files = {
        "gray-lzw": (RAMP, {"compression": "lzw"}),
        "gray-lzw-predictor": (RAMP, {"compression": "lzw", "predictor": True}),
        "gray-12": (RAMP >> 4, {"bitspersample": 12}),
        "gray-10": (RAMP >> 6, {"bitspersample": 10}),
        "color": (COLORS, {"photometric": "rgb"}),
        "color-zlib": (COLORS, {"photometric": "rgb", "compression": "zlib", "predictor": True}),
        "color-lzw": (COLORS, {"photometric": "rgb", "compression": "lzw"}),
        "color-8-lzw": ((COLORS >> 8).astype(np.uint8), {"photometric": "rgb", "compression": "lzw"}),
    }
    for name, (values, options) in files.items():
        (tmp_path / f"{name}.tif").write_bytes(written(values, **options).getvalue())
        np.save(tmp_path / f"{name}.npy", values)
    answer = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(ganzoo_datasets.__file__).parent.parent,
    ).stdout.splitlines()
    install = "need imagecodecs: pip install 'ganzoo[medical]'"
    assert answer == [
        "color right 0 65535",
        "color-8-lzw right 0 255",
        f"color-lzw refused: pixels of 16 bits, lzw compressed, {install}",
        "color-zlib right 0 65535",
        f"gray-10 refused: pixels of 10 bits, {install}",
        "gray-12 right 0 4095",
        "gray-lzw right 0 65535",
        "gray-lzw-predictor right 0 65535",
    ]


def test_a_folder_of_8_and_16_bits_white_is_zero_is_of_one_polarity(folder, caplog):
    for name, kind in (("a.tif", np.uint8), ("b.tif", np.uint16)):
        values = (RAMP >> (16 - 8 * np.dtype(kind).itemsize)).astype(kind)
        (folder / name).write_bytes(written(values, photometric="miniswhite").getvalue())
    first, second = everything(open_folder(folder)).astype(int)
    assert np.abs(first - second).max() <= 1
    assert "1 images: 0 to 255; 1 images: 0 to 65535" in caplog.text


def test_a_tiff_with_the_name_of_a_png(folder):
    save(folder, "a.png", Image.fromarray((RAMP >> 4).astype(np.uint16)), format="TIFF")
    assert everything(open_folder(folder)).max() == 16
