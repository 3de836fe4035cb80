"""Values that a picture states in an unusual way: 16-bit color, transparency that is none, a JPEG without its end."""

from __future__ import annotations

import io
import itertools
import logging
import struct

import numpy as np
import pytest
from ganzoo_datasets.files.pixels import jpeg_end, reader
from ganzoo_datasets.files.pixels.raster import BESIDE_COLOR, HIDDEN, NO_END, UnreadablePicture
from picture_files import everything, noise, open_folder, png_bytes, png_rows, save
from PIL import Image, ImageFile

DEEP = np.random.default_rng(0).integers(0, 65536, (40, 30, 4)).astype(np.uint16)


def raster(content: bytes, name: str):
    return reader.read(io.BytesIO(content), name, at_least=None)


def deep_png(values, **options):
    height, width, channels = values.shape
    return png_bytes(width, height, 16, {3: 2, 2: 4, 4: 6}[channels], png_rows(values), **options)


def sub_filtered(values):
    """Rows as PNG's filter 1 stores them: the difference, byte by byte, from the pixel to the left."""
    height, width, channels = values.shape
    stored = values.astype(">u2").reshape(height, width * channels).view(np.uint8).astype(int)
    left = np.pad(stored, ((0, 0), (2 * channels, 0)))[:, : stored.shape[1]]
    return b"".join(b"\x01" + row.tobytes() for row in ((stored - left) % 256).astype(np.uint8))


def test_all_bits_of_16_bit_color_are_kept():
    read = raster(deep_png(DEEP[..., :3]), "a.png")
    assert np.array_equal(read.values, DEEP[..., :3])
    assert (read.stated, read.color, read.notes) == ((0, 65535), True, ())


def test_filtered_rows_of_16_bits():
    content = png_bytes(30, 40, 16, 2, sub_filtered(DEEP[..., :3]))
    assert np.array_equal(raster(content, "a.png").values, DEEP[..., :3])


@pytest.mark.parametrize("channels", [2, 4])
def test_16_bit_transparency_lies_over_white(channels):
    values = DEEP[..., -channels:]
    read = raster(deep_png(values), "a.png")
    share = values[..., -1:] / 65535
    expected = share * values[..., :-1] + (1 - share) * 65535
    assert np.abs(read.values.reshape(expected.shape) - expected).max() < 1e-6
    assert read.color == (channels == 4)


def test_gray_with_16_bit_transparency_is_gray(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(deep_png(np.full_like(DEEP[..., :2], 65535)))
    assert open_folder(tmp_path / "pictures").spec.shape[0] == 1


def test_a_transparent_color_of_16_bits_is_compared_in_all_bits():
    values = DEEP[..., :3].copy()
    key = values[2, 3].tolist()
    values[5, 6] = [key[0] ^ 1, *key[1:]]  # of the same high bytes
    read = raster(deep_png(values, transparent=struct.pack(">3H", *key)), "a.png").values
    expected = values.astype(int)
    expected[2, 3] = 65535
    assert np.array_equal(read, expected)


def tga(pixels, *, alpha_bits):
    header = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, 8, 8, 32, 0x20 | alpha_bits)
    return header + pixels.astype(np.uint8).tobytes()


@pytest.mark.parametrize(
    ("alpha", "alpha_bits", "notes"),
    [(0, 0, (BESIDE_COLOR,)), (0, 8, (HIDDEN,)), (255, 0, ()), (255, 8, ()), (77, 0, (BESIDE_COLOR,))],
)
def test_a_32_bit_tga_whose_fourth_byte_is_no_transparency(alpha, alpha_bits, notes):
    pixels = np.random.default_rng(1).integers(0, 256, (8, 8, 4))
    pixels[..., 3] = alpha
    read = raster(tga(pixels, alpha_bits=alpha_bits), "a.tga")
    assert np.array_equal(read.values, pixels[..., 2::-1])
    assert read.notes == notes


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_picture_that_is_transparent_everywhere_is_not_white(tmp_path, caplog, suffix, mode):
    picture = noise(32, 32, "RGBA").convert(mode)
    picture.putalpha(0)
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    save(tmp_path / "pictures", f"hidden.{suffix}", picture, **options)
    save(tmp_path / "pictures", "plain.png")
    with caplog.at_level(logging.WARNING, "ganzoo"):
        read = everything(open_folder(tmp_path / "pictures"))[0].transpose(1, 2, 0)
    assert np.array_equal(read, np.asarray(picture.convert("RGBA"))[..., :3])
    assert f"1 of 2 images {HIDDEN}\n  hidden.{suffix}" in caplog.text


def jpeg(mode="RGB", **options):
    file = io.BytesIO()
    noise(201, 133, mode).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize(("quality", "subsampling", "mode"), list(itertools.product([30, 95], [0, 2], ["RGB", "L"])))
def test_a_jpeg_is_read_without_its_end_marker_and_refused_without_one_more_byte(quality, subsampling, mode):
    whole = jpeg(mode, quality=quality, subsampling=subsampling)
    with Image.open(io.BytesIO(whole)) as image:
        expected = np.asarray(image)
    for missing in (1, 2):
        read = raster(whole[:-missing], "a.jpg")
        assert np.array_equal(read.values, expected)
        assert read.notes == (NO_END,)
    for missing in (3, 4, 5, 20, len(whole) // 2):
        with pytest.raises(UnreadablePicture, match="truncated"):
            raster(whole[:-missing], "a.jpg")


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_blocks": 2}])
def test_where_a_missing_part_might_not_be_noticed_a_jpeg_without_its_end_is_refused(options):
    with pytest.raises(UnreadablePicture, match="truncated"):
        raster(jpeg(**options)[:-2], "a.jpg")


def test_nothing_global_is_changed_for_a_jpeg_without_its_end():
    assert jpeg_end.completed(io.BytesIO(jpeg()[:-2])) == jpeg()
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_a_large_jpeg_without_its_end_is_warned_of_in_every_run(tmp_path, caplog):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "cut.jpg").write_bytes(jpeg()[:-2])
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING, "ganzoo"):
            open_folder(folder, image_size=16)
        assert f"1 of 1 images {NO_END}\n  cut.jpg" in caplog.text


def test_broken_pixels_are_noticed_though_the_orientation_was_asked_for(tmp_path):
    """Pillow decodes a PNG to find its orientation, and tells of broken pixels only then."""
    whole = bytearray(deep_png(DEEP[..., :3]))
    whole[-40:-30] = bytes(10)
    with pytest.raises(UnreadablePicture, match="corrupt"):
        raster(bytes(whole), "a.png")
